# compare-html.jq - build/compare.json as one page that needs nothing else: tools/compare
#
# Owns: the layout and the plots, which are SVG written here.  No script, no font, no network.

def escaped: tostring | gsub("&"; "&amp;") | gsub("<"; "&lt;") | gsub(">"; "&gt;");
def thousands: tostring | explode | reverse | [range(0; length) as $i
    | (if $i > 0 and $i % 3 == 0 then 44 else empty end), .[$i]] | reverse | implode;
def figure:
  if . == null then "&ndash;"
  elif type != "number" then escaped
  elif . > 0 and . < 0.01 then tostring
  elif . < 100 then (. * 100 | round) / 100 | tostring
  else (round | thousands) end;
def tag(name; inside): "<\(name)>\(inside)</\(name)>";
def cell(kind): "<td class=\"\(kind)\">\(.)</td>";

# Bars of a row's columns on a scale of powers of ten; values: [{name, value, class}].
def plot(title; unit; groups; least; most):
  (least | log10) as $low | ((most | log10) - $low) as $span
  | def at: 330 + 450 * ((([., least] | max) | log10) - $low) / $span;
  (groups | map(.bars | length) | add) as $bars
  | (22 * $bars + 16 * (groups | length) + 40) as $height
  | "<svg viewBox=\"0 0 900 \($height)\" role=\"img\" aria-label=\"\(title | escaped)\">"
  + "<title>\(title | escaped)</title>"
  + ([range($low | ceil; ($low + $span | floor) + 1) | exp10
     | "<line x1=\"\(at)\" x2=\"\(at)\" y1=\"20\" y2=\"\($height - 18)\" class=\"grid\"/>"
     + "<text x=\"\(at)\" y=\"\($height - 4)\" text-anchor=\"middle\" class=\"axis\">\(figure) \(unit | escaped)</text>"]
    | join(""))
  + (reduce groups[] as $g ({y: 20, out: ""};
      .out += "<text x=\"4\" y=\"\(.y + 16)\" class=\"load\">\($g.name | escaped)</text>"
      | reduce $g.bars[] as $b (.;
          .out += "<text x=\"322\" y=\"\(.y + 16)\" text-anchor=\"end\" class=\"axis\">\($b.name | escaped)</text>"
          + (if $b.value == null or $b.value == 0 then "<text x=\"334\" y=\"\(.y + 16)\" class=\"axis\">\(if $b.value == 0 then "0" else "not measured" end)</text>"
             else "<rect x=\"330\" y=\"\(.y + 3)\" width=\"\([($b.value | at) - 330, 1] | max)\" height=\"16\" class=\"\($b.class)\"/>"
             + "<text x=\"\([($b.value | at) + 5, 840] | min)\" y=\"\(.y + 16)\" class=\"axis\">\($b.value | figure)</text>" end)
          | .y += 22)
      | .y += 16) | .out)
  + "</svg>";

. as $all | .figures as $f | [.columns[].id] as $ids
| def head: tag("tr"; "<th></th>" + ([$all.columns[].name | tag("th"; escaped)] | join("")));
  def row(name; values): tag("tr"; "<th scope=\"row\">\(name | escaped)</th>" + (values | join("")));
  def table(title; rows): "<section><h2>\(title)</h2><table>" + head + rows + "</table></section>";
  def values(section; key): [$ids[] as $c | $f[section][key][$c] | figure | cell("n")];
  def attempt(key; $c; $whose): $f.attack[key][$c] as $r
    | ($r // "" | sub("^[a-z]* "; "") | escaped) as $words
    | if $r == null then "&ndash;" | cell("")
      elif ($r | startswith("failed")) then "\(if key == "neighbour" then "<b>lives</b>" else "<b>no</b><br>\($words)" end)" | cell("good")
      elif key == "neighbour" then "<b>dead</b>" | cell("bad")
      elif $whose == "machine" and ($c == "type1" or $c == "type2") then "<b>its own</b><br>\($words)" | cell("own")
      else "<b>yes</b><br>\($words)" | cell("bad") end;
  def ratio($l; $c): $f.instructions[$l.id][$c] as $v | $f.instructions[$l.of // $l.id].bare as $b
    | if $v == null or $b == null then null else $v / $b end;
  # A load that is another one by another way has bars only where it was measured.
  def groups(of): [$all.loads[] as $l | {name: $l.name, bars: [$all.columns[] as $c
    | {name: $c.name, class: $c.id, value: ([$l, $c.id] | of)} | select($l.of == null or .value != null)]}
    | select(.bars != [])];
"<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">",
"<title>\(.title | escaped)</title><style>",
"body{font:16px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222;background:#fff}",
"table{border-collapse:collapse;width:100%}th,td{padding:.3em .6em;border-bottom:1px solid #ccc;text-align:left;vertical-align:top}",
"td.n{text-align:right;font-variant-numeric:tabular-nums}.good{background:#e3f2e3}.bad{background:#f9dede}.own{background:#fdf3d6}",
"svg{width:100%;height:auto}.axis{font:12px sans-serif;fill:#444}.load{font:bold 12px sans-serif;fill:#222}.grid{stroke:#ddd}",
".bare{fill:#777}.type1{fill:#1b6ca8}.type2{fill:#c4561a}.container{fill:#3f8f4f}.process{fill:#8a6fb0}",
".model{background:#f4f0fa}.model h2::after{content:\" (a model)\";color:#84a}small{color:#555}",
"</style></head><body>",
tag("h1"; .title | escaped),
"<ul>" + ([.columns[] | "<li><b>\(.name | escaped)</b>: \($all.what[.id] | escaped)</li>"] | join("")) + "</ul>",
"<p>All in the same emulated machine. Counted: executed instructions, of all software together.</p>",
(if $f.missing then "<p><b>Left out:</b> Type 2: \($f.missing.why.type2 | escaped)</p>" else empty end),
table("Instructions to get there"; row("from being started to its first one"; values("boot"; "start"))
  + row("from power-on to its first one"; values("boot"; "total"))),
table("Instructions for one operation"; [.loads[] as $l | row($l.name; values("instructions"; $l.id))] | join("")),
"<section><h2>Times as many as on the bare machine</h2>",
plot("Instructions of an operation as a ratio to the bare machine"; "x";
  groups(. as $p | ratio($p[0]; $p[1])); 0.5;
  [10, ([$ids[] as $c | $all.loads[] as $l | ratio($l; $c) | numbers] | max // 1) * 1.1] | max), "</section>",
table("Exits of one operation"; [.loads[] as $l | row($l.name; values("exits"; $l.id))] | join("")),
"<section><h2>Exits of one operation, as a plot</h2>",
plot("Exits of one operation"; ""; [$all.loads[] | select(.of == null) as $l | {name: $l.name, bars: [$all.columns[]
    | select(.id == "type1" or .id == "type2") as $c | {name: $c.name, class: $c.id, value: $f.exits[$l.id][$c.id]}]}];
  0.0001; 100), "</section>",
"<section class=\"model\"><h2>Cycles of one operation on real processors</h2>",
"<p>\(.model.note | escaped)</p><table><tr><th>operation</th><th>processor</th><th>cycles of an exit</th>"
  + ([.columns[].name | tag("th"; escaped)] | join("")) + "</tr>",
(.loads[] as $l | .model.generations[] as $g
  | tag("tr"; "<th scope=\"row\">\($l.name | escaped)</th><td>\($g.name | escaped)</td>" + ($g.cycles | figure | cell("n"))
    + ([$ids[] as $c | $f.instructions[$l.id][$c] as $i
      | (if $i == null then null else $i * $all.model.cycles_per_instruction + ($f.exits[$l.id][$c] // 0) * $g.cycles end)
      | figure | cell("n")] | join("")))),
"</table><ul>" + ([.model.generations[] | "<li>\(.name | escaped): \(.source | escaped)</li>"] | join("")) + "</ul></section>",
table("Memory, KiB"; row("one tenant, with its own system"; values("memory"; "tenant"))
  + row("beneath it, beside its memory"; values("memory"; "beneath"))),
table("Trusted code"; row("own lines"; values("trusted"; "lines")) + row("own machine code, bytes"; values("trusted"; "text"))
  + row("and the shared Linux, lines of its core"; [$ids[] as $c | (if $c == "type1" then "none" else ($all.linux_lines.core | figure) end) | cell("n")])
  + row("and its kernel's machine code, bytes"; [$ids[] as $c | (if $c == "type1" then "none" else ($f.trusted["linux-text"].linux | figure) end) | cell("n")])),
"<p><small>Linux: \(.linux_lines.version | escaped), \(.linux_lines.note | escaped): \(.linux_lines.all | figure).</small></p>",
table("What the same attack got from inside"; [.attempts[] as $a | row($a.name; [$ids[] as $c | attempt($a.id; $c; $a.whose)])] | join("")),
"<p><small>Yes: what belongs to others. Its own: of its own virtual machine, which is nobody else's.</small></p>",
"<section><h2>The path of one disk write</h2>",
(.columns[] as $c | "<h3>\($c.name | escaped)</h3><ol>" + ([$all.path[$c.id][] | "<li>\(escaped)</li>"] | join("")) + "</ol>"),
"</section>",
table("Hardware supported"; row(""; [$ids[] as $c | $all.hardware[$c] | escaped | cell("")])),
table("To install and configure"; row("steps"; [$ids[] as $c | $all.install[$c] | length | figure | cell("n")])
  + row("lines of configuration"; [$ids[] as $c | $all.install_lines[$c] | figure | cell("n")])
  + row("which"; [$ids[] as $c | "<ol>" + ([$all.install[$c][] | "<li>\(escaped)</li>"] | join("")) + "</ol>" | cell("")])),
"<section><h2>What this does not show</h2>", (.not_shown[] | tag("p"; escaped)), "</section></body></html>"
