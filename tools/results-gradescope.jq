# results-gradescope.jq - Gradescope's results.json: one test for each exercise, seen by its student in their language

def t: . as $text | $po[$text] // $text;
def report: [.checks[] | select(.status == "fail")
  | "\("not ok:" | t) \(.name)\n  \("expected:" | t) \(.expected)\n  \("got:" | t) \(.got)\n  \("look at:" | t) \(.look)"] | join("\n");
{
  score: .score,
  output: ("\("lab" | t) \(.lab)\(" on " | t)\(.machine): \(.score) \("of" | t) \(.max) \("points" | t)"
           + (if .pending > 0 then "\(", of them pending: " | t)\(.pending)" else "" end)
           + ([.notes // [] | .[] | "\n\("note:" | t) \(.)"] | add // "")),
  stdout_visibility: "hidden",
  visibility: "visible",
  tests: ([.exercises[] | select(.kind != "free")
           | {number: .id, name: .id, score: .points, max_score: .max,
              status: (if .state == "solved" then "passed" else "failed" end),
              output: (if .state == "open" then "not written yet" | t else report end)}]
          + (if .whole.run then
               [{name: ("all together" | t), status: (if .whole.passed then "passed" else "failed" end),
                 output: (.whole | report)}]
             else [] end))
} | tojson
