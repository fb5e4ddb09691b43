# results-text.jq - the report that a student reads, in their language: $po is tools/po's catalogue

def t: . as $text | $po[$text] // $text;
def failed: .checks[] | select(.status == "fail")
  | "     \("not ok:" | t) \(.name)", "       \("expected:" | t) \(.expected)", "       \("got:" | t) \(.got)",
    "       \("look at:" | t) \(.look)";
def pad(n): tostring | (" " * ([n - length, 0] | max)) + .;
def of: " \("of" | t) ";

(.exercises[] | select(.state != "skipped")
 | "\(.id)  \(.points | pad(4))\(of)\(.max | pad(2)) \("points" | t)"
   + (if .state == "open" then "   \("not written yet" | t)" elif .state == "pending" then "   \("pending: free text" | t)"
      else "" end)
   + (if .machine then "   (\(.machine))" else "" end),
   (if .state == "wrong" then failed else empty end)),
(if .whole.run and (.whole.passed | not) then
   ("all together: not ok, which costs 20 %" | t), (.whole | failed) else empty end),
(.extra // empty | if .whole.run and (.whole.passed | not) then
   "\("all together: not ok, which costs 20 %" | t) (\(.machine))", (.whole | failed) else empty end,
   "\("extra, for the other vendor" | t) (\(.machine)): \(.points)\(of)\(.max) \("points" | t)"),
(.notes // [] | .[] | "\("note:" | t) \(.)"),
"\("lab" | t) \(.lab)\(" on " | t)\(.machine): \(.score)\(of)\(.max) \("points" | t)"
+ (if .pending > 0 then "\(", of them pending: " | t)\(.pending)" else "" end)
