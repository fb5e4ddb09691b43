# class-html.jq - a page on the class: how it went, which checks were hard, who took long, what is alike

def bar($n; $most): "<td class=\"bar\"><div style=\"width:\(if $most > 0 then $n * 100 / $most else 0 end)%\"></div></td>";
([.histogram[].count] | max) as $most
| "<!DOCTYPE html>",
"<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Lab \(.lab | @html): the class</title>",
"<style>body{font:16px/1.4 sans-serif;max-width:64em;margin:2em auto;padding:0 1em;color:#111;background:#fff}",
"table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.2em .6em;text-align:left}td.bar{width:20em}td.bar div{background:#37699c;height:1em}</style></head><body>",
"<h1>Lab \(.lab | @html): \(.title | @html)</h1>",
"<p>\(.students | length) submissions; grades of \(.scale).</p>",
"<h2>Points, in a hundred</h2><table>",
(.histogram[] | "<tr><th scope=\"row\">\(.from) to \(.from + 10)</th><td>\(.count)</td>\(bar(.count; $most))</tr>"),
"</table><h2>Checks by how many failed them, of those who wrote the exercise</h2><table>",
(.checks[] | select(.failed > 0)
 | "<tr><th scope=\"row\">\(.id | @html) \(.name | @html)</th><td>\(.failed) of \(.tried)</td>\(bar(.failed; .tried))</tr>"),
"</table><h2>Students</h2><table><tr><th scope=\"col\">id</th><th scope=\"col\">name</th><th scope=\"col\">points</th><th scope=\"col\">days late</th><th scope=\"col\">grade</th><th scope=\"col\">notes</th></tr>",
(.students[] | "<tr><td><a href=\"students/\(.id | @uri)/report.html\">\(.id | @html)</a></td><td>\(.name | @html)</td><td>\(.score) of \(.max)</td><td>\(.days)</td><td>\(.grade)</td><td>\(.notes | join("; ") | @html)</td></tr>"),
"</table><h2>Took longest to grade</h2><table>",
(.slowest[] | "<tr><td>\(.id | @html)</td><td>\(.seconds) s</td></tr>"),
"</table><h2>Most alike</h2><p>A ranking of what was written, by similarity-tester: how much of one stands in the other, in a hundred. Short functions have few right answers; it says where to look, not what happened.</p><table>",
(.similar[:40][] | "<tr><td>\(.one | @html)</td><td>\(.percent)</td><td>\(.other | @html)</td></tr>"),
"</table></body></html>"
