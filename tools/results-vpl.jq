# results-vpl.jq - what Moodle's Virtual Programming Lab reads: comments in the reader's language, and a grade of a hundred

def t: . as $text | $po[$text] // $text;
# A line of a program must not look like one of ours.
def plain: gsub("[\n\r]"; " ") | gsub(":=>>"; ": =>>") | gsub("<\\|--|--\\|>"; "");
def of: " \("of" | t) ";
"<|--",
"-\("lab" | t) \(.lab)\(" on " | t)\(.machine): \(.score)\(of)\(.max) \("points" | t)",
(.exercises[] | select(.kind != "free")
 | "-\(.id): \(.points)\(of)\(.max)",
   (.checks[] | select(.status == "fail") | ">\("not ok:" | t) \(.name | plain)", ">  \("expected:" | t) \(.expected | plain)",
      ">  \("got:" | t) \(.got | plain)", ">  \("look at:" | t) \(.look | plain)")),
(.whole | select(.run and (.passed | not)) | "-\("all together: not ok, which costs 20 %" | t)",
   (.checks[] | select(.status == "fail") | ">  \(.name | plain): \(.got | plain)")),
(.notes // [] | .[] | ">\("note:" | t) \(. | plain)"),
"--|>",
"",
"Grade :=>> \(if .max > 0 then .score * 100 / .max * 100 | round / 100 else 0 end)"
