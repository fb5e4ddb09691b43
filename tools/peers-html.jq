# peers-html.jq - the comparison of platforms as one page that needs nothing else: tools/peers
#
# Input: peers.json.  jq -L checker
include "comparison";

. as $all
| "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">",
"<title>Platforms: fidelity, isolation, performance</title><style>",
"body{font:16px/1.5 sans-serif;max-width:76em;margin:2em auto;padding:0 1em;color:#222;background:#fff}",
"table{border-collapse:collapse}th,td{padding:.3em .6em;border-bottom:1px solid #ccc;vertical-align:top}",
"svg{width:100%;height:auto}svg text{font:13px sans-serif;fill:#222}code{font-size:90%}", comparison_style, "</style></head><body>",
"<h1>The checker on \($all | length) platforms</h1>",
"<ul>", ($all[] | "<li><b>\(.name | words)</b>: \(.title // .absent // .broken // "" | words)</li>"), "</ul>",
($all | comparison),
"<section><h2>Failures that nobody knows of</h2>",
([$all[] | .name as $n | .checks[] | select(.result == "error" or (.result == "fail" and (.known | not)))
  | "<li><b>\($n | words)</b> <code>\(.name | words)</code>: \(.reason | words)</li>"]
  | if . == [] then "<p>None.</p>" else "<ul>", .[], "</ul>" end),
"</section></body></html>"
