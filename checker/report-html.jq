# report-html.jq - a report as one page that needs nothing else: checker/pgcheck
#
# Owns: the layout and the plots, which are SVG written here.  No script, no font, no network.
# Input: report.json (report.h); $exits: [[{column, reason, exits}..]], exits in the order they came.
# $peers: [peers.json] of tools/peers, or []; jq -L checker
include "comparison";

def escaped: tostring | gsub("&"; "&amp;") | gsub("<"; "&lt;") | gsub(">"; "&gt;") | gsub("\""; "&quot;");
def figure: if . >= 1000 then (round | tostring) else ((. * 100 | round) / 100 | tostring) end;
def section($title; body): "<section><h2>\($title)</h2>", body, "</section>";
def svg($height; $words; body): "<svg viewBox=\"0 0 900 \($height)\" role=\"img\" aria-label=\"\($words)\">"
  + "<title>\($words)</title>" + body + "</svg>";
def count($result): map(select(.result == $result)) | length;

# A bar of a property: points of those that could be had.
def score: "<tr><th scope=\"row\">\(.name)</th>" + (if .max == 0 then "<td colspan=\"3\">not checked</td>" else
  "<td><div class=\"bar\"><div class=\"\(if .fail + .error == 0 then "pass" else "fail" end)\" style=\"width:\(.score)%\"></div></div></td>"
  + "<td class=\"n\">\(.score) of 100</td><td>\(.points) of \(.max) points; \(.pass) pass, \(.fail) fail, \(.skip) skip, \(.error) error</td>" end)
  + "</tr>";

def bad($command): "<dt class=\"\(.result)\">\(.result) <code>\(.property) \(.name | escaped)</code></dt><dd>\(.reason | escaped)"
  + (if .where == "" then "" else "<br>see <code>\(.where | escaped)</code>" end)
  + (if .source == "" then "" else "<br>rests on \(.source | escaped)" end)
  + (if $command == "" or .result == "skip" then "" else "<br>repeat: <code>\($command | escaped) --filter '\(.name | escaped)'</code>" end) + "</dd>";

# What the verdict against the bare run was: the first word of the reason.
def verdict: if .result == "fail" then "WORSE" else (.reason | capture("^(?<v>SAME|BETTER|HIDDEN)") // {v: "SAME"} | .v) end;
def matrix: . as $all | 60 as $columns
  | svg(14 * (($all | length) / $columns | ceil) + 4; "One square for each case of the census";
    [range(0; $all | length) | $all[.] as $c
      | "<rect x=\"\(. % $columns * 15)\" y=\"\(. / $columns | floor * 14)\" width=\"13\" height=\"12\" class=\"\($c | verdict)\">"
      + "<title>\($c.name | escaped): \($c.reason | escaped)</title></rect>"] | join(""));
def legend: map(verdict) | group_by(.) | map("<b class=\"\(.[0]) key\">\(.[0])</b> \(length)") | join(" &nbsp; ");

# Bars, each with its limit as a line; on a logarithmic scale if they are of different magnitudes.
def bars($words): . as $all | ([.[] | .value, .limit, 0.001 | values] | max) as $most
  | def at: 200 + 480 * (if $most < 200 then . / $most else ([., 1] | max | log10) / ($most | log10) end);
  svg(24 * length + 4; $words; [range(0; length) | $all[.] as $n | (24 * .) as $y
    | "<text x=\"192\" y=\"\($y + 16)\" text-anchor=\"end\">\($n.name | escaped)</text>"
    + "<rect x=\"200\" y=\"\($y + 4)\" width=\"\([($n.value | at) - 200, 1] | max)\" height=\"16\" class=\"\(if ($n.series | IN("ratio", "weight", "share") | not) and $n.limit and $n.value > $n.limit then "fail" else "value" end)\"/>"
    + (if $n.limit then "<line x1=\"\($n.limit | at)\" x2=\"\($n.limit | at)\" y1=\"\($y + 1)\" y2=\"\($y + 23)\" class=\"limit\"/>" else "" end)
    + "<text x=\"\(([$n.value, $n.limit // 0] | max | at) + 6)\" y=\"\($y + 16)\">\($n.value | figure)\(if $n.limit then " of \($n.limit | figure)" else "" end) \($n.unit | escaped)</text>"]
    | join(""));

def colours: ["#1b6ca8", "#c4561a", "#3f8f4f", "#8a6fb0", "#b8860b", "#777777", "#a03050"];
# Stacked columns; the scale is linear, to the tallest.
def columns: map(.reason |= if startswith("other") then "other" else . end) | ([.[].reason] | unique) as $reasons | ([.[].column] | max) as $last
  | ([group_by(.column)[] | map(.exits) | add] | max) as $most
  | svg(230; "Exits by reason, in the order in which they came";
    ([group_by(.column)[] | reduce .[] as $e ({y: 200, out: ""}; ($e.exits / $most * 190) as $h
      | .y -= $h | .out += "<rect x=\"\(40 + $e.column * 840 / ($last + 1))\" y=\"\(.y)\" width=\"\(840 / ($last + 1))\" height=\"\($h)\" "
      + "fill=\"\(colours[($reasons | index($e.reason)) % (colours | length)])\"><title>\($e.reason | escaped): \($e.exits)</title></rect>") | .out] | join(""))
    + "<text x=\"36\" y=\"16\" text-anchor=\"end\">\($most)</text><text x=\"36\" y=\"200\" text-anchor=\"end\">0</text>"
    + ([range(0; $reasons | length) | "<rect x=\"\(40 + . * 120)\" y=\"212\" width=\"12\" height=\"12\" fill=\"\(colours[. % (colours | length)])\"/>"
      + "<text x=\"\(56 + . * 120)\" y=\"223\">\($reasons[.] | escaped)</text>"] | join("")));
def series($name): map(select(.series == $name));
# Series of numbers, each a plot of bars.
def plots: [["load", "Executed instructions, virtual over bare, of eight workloads", "Workloads"],
  ["entries", "Exits of one round of a workload", "Exits of workloads"],
  ["wake", "How late a timer wakes its guest, at the most, in instructions", "Waking"],
  ["weight", "Share of the CPU, and what the weight says", "Weights"],
  ["walk", "References to memory of one page walk", "Page walks"],
  ["memory", "Memory that the hypervisor takes", "Memory"]];

. as $r | $r.checks as $checks
| ([$checks[] | select(.name | startswith("census/")) | select(.name != "census/complete")]) as $census
| "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">",
"<title>\($r.platform | escaped): fidelity, isolation, performance</title><style>",
"body{font:16px/1.5 sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#222;background:#fff}",
"table{border-collapse:collapse;width:100%}th,td{padding:.3em .6em;border-bottom:1px solid #ccc;text-align:left;vertical-align:top}",
"td.n{text-align:right}svg{width:100%;height:auto}svg text{font:13px sans-serif;fill:#222}code{font-size:90%}dd{margin-bottom:.6em}",
".bar{background:#ddd;height:1.2em;min-width:12em}.bar div{height:100%}.pass{background:#3f8f4f}.fail,.error{background:#c0392b}",
"dt.fail,dt.error{background:none;color:#a93226;font-weight:bold}dt.skip{color:#666}.value{fill:#1b6ca8}svg .fail{fill:#c0392b}",
".limit{stroke:#222;stroke-width:2}.SAME{fill:#8fbf8f;background:#cfe6cf}.BETTER{fill:#1b6ca8;background:#bcd8ec}",
comparison_style, ".HIDDEN{fill:#d9b44a;background:#f3e3b0}.WORSE{fill:#c0392b;background:#f4c7c3}.key{padding:0 .4em}</style></head><body>",
"<h1>\($r.platform | escaped)</h1><p>Seed \($r.seed | escaped). Popek and Goldberg's three properties, by counts and virtual time.</p>",
"<table>", ($r.properties[] | score), "</table>",
section("What did not pass"; if $checks | all(.result == "pass") then "<p>Everything passed.</p>"
  else "<dl>", ($checks[] | select(.result != "pass") | bad($r.command)), "</dl>" end),
(if $census == [] then empty else section("The census: virtual beside bare"; "<p>\($census | legend)</p>", ($census | matrix)) end),
($r.numbers | series("cost") | if . == [] then empty else section("Instructions of the hypervisor for one exit, and the limit"; bars("Cost of exits")) end),
($r.numbers | series("ratio") | if . == [] then empty else section("Virtual over bare"; bars("Ratios")) end),
($r.numbers | series("share") | if . == [] then empty else section("What the neighbour keeps beside a storm, in per cent"; bars("Shares")) end),
(plots[] as [$name, $title, $words] | $r.numbers | series($name) | if . == [] then empty else section($title; bars($words)) end),
($exits[0] | if . == [] then empty else section("Exits of the cost run, as the emulator saw them, in their order"; columns) end),
($peers[0] // [] | comparison),
section("All checks"; "<details><summary>\($checks | length) checks: \($checks | count("pass")) pass, \($checks | count("fail")) fail, \($checks | count("skip")) skip, \($checks | count("error")) error</summary><table>",
  ($checks[] | "<tr><td>\(.result)</td><td><code>\(.name | escaped)</code></td><td class=\"n\">\(.points)</td><td>\(.reason | escaped)</td></tr>"), "</table></details>"),
"</body></html>"
