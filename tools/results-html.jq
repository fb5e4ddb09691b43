# results-html.jq - the report as one page that needs nothing else, in the reader's language: $po is tools/po's catalogue

include "texts";

def t: . as $text | $po[$text] // $text;
def fill($arguments): [.] + ($arguments | map(tostring)) | filled;
def h: t | @html;
def row: "<tr class=\"\(.status)\"><td>\(if .status == "pass" then "ok" | h else "not ok" | h end)</td><td>\(.name | @html)</td>"
  + (if .status == "pass" then "<td colspan=\"3\"></td>"
     else "<td>\(.expected | @html)</td><td>\(.got | @html)</td><td>\(.look | @html)</td>" end) + "</tr>";
def table: "<table><thead><tr><th scope=\"col\"></th>"
  + ([("check" | t), ("expected" | t), ("got" | t), ("look at" | t)] | map("<th scope=\"col\">\(@html)</th>") | add)
  + "</tr></thead><tbody>" + ([.checks[] | row] | add // "") + "</tbody></table>";
def state: {open: ("not written yet" | t), pending: ("pending: free text" | t), marked: ("marked" | t)}[.state] // .state;
([.lab, .title] as $lab | "Lab %s: %s" | t | fill($lab) | @html) as $title
| "<!DOCTYPE html>",
"<html lang=\"\("en" | t)\"><head><meta charset=\"utf-8\"><title>\($title)</title>",
"<style>body{font:16px/1.4 sans-serif;max-width:64em;margin:2em auto;padding:0 1em;color:#111;background:#fff}",
"table{border-collapse:collapse;width:100%}td,th{border:1px solid #bbb;padding:.25em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}",
"tr.fail td{background:#fbe9e7}tr.pass td{background:#edf7ed}progress{width:12em}</style></head><body>",
"<h1>\($title)</h1>",
"<p>\([.machine] as $m | "On %s" | t | fill($m) | @html): <strong>\([.score, .max] as $s | "%s of %s points" | t | fill($s))</strong>"
  + (if .pending > 0 then [.pending] as $p | ", %s of them still to be given by a human" | t | fill($p) else "" end) + ".</p>",
(.notes // [] | .[] | "<p>\("note:" | h) \(. | @html)</p>"),
(.exercises[] | select(.state != "skipped")
 | "<h2>\(.id | @html): \([.points, .max] as $p | "%s of %s" | t | fill($p))</h2>",
   (if .checks == [] then "<p>\(state | @html)</p>" else table end)),
(.whole | select(.run) | "<h2>\("all together" | h)</h2>", table),
"</body></html>"
