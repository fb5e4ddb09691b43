# comparison.jq - platforms side by side, as a piece of HTML: for report-html.jq and peers-html.jq
#
# Owns: the table of properties and groups, the table of what was measured, the bars of costs.
# Input of comparison: the list that tools/peers leaves in peers.json (tools/peers-digest.jq).

def words: tostring | gsub("&"; "&amp;") | gsub("<"; "&lt;") | gsub(">"; "&gt;") | gsub("\""; "&quot;");
def short: if . >= 100 then (round | tostring) else ((. * 100 | round) / 100 | tostring) end;

def comparison_style:
  ".compare{overflow-x:auto}.compare td,.compare th{white-space:nowrap;text-align:right}.compare th[scope=row]{text-align:left}",
  ".compare .all{background:#cfe6cf}.compare .known{background:#f3e3b0}.compare .bad{background:#f4c7c3;font-weight:bold}",
  ".compare .none{color:#666}";

# What a group of checks came to: passed of judged, and how many of the failures are known.
def cell_of: map(select(.result == "pass")) as $pass | map(select(.result == "fail")) as $fail
  | ($fail | map(select(.known)) | length) as $known
  | if length == 0 then {class: "none", text: "&ndash;", why: "not tried"}
    elif any(.[]; .result == "error") then {class: "bad", text: "ERROR", why: (map(select(.result == "error") | .reason) | first)}
    elif ($pass + $fail) == [] then {class: "none", text: "skip", why: (first | .reason)}
    else {class: (if ($fail | length) > $known then "bad" elif $known > 0 then "known" else "all" end),
      text: ("\($pass | length)/\(($pass + $fail) | length)" + (if $known > 0 then " (\($known) known)" else "" end)),
      why: ($fail | map(.name) | join(" "))} end;
def cell: "<td class=\"\(.class)\" title=\"\(.why // "" | words)\">\(.text)</td>";

def score_of($property): if .broken then {class: "bad", text: "ERROR", why: .broken}
  elif .absent then {class: "none", text: "absent", why: .absent}
  else (.properties | map(select(.name == $property)) | first) as $p
    | if ($p.max // 0) == 0 then {class: "none", text: "&ndash;", why: "not checked"}
      else {class: (if $p.points == $p.max then "all" else "" end), text: "\($p.score) %", why: "\($p.points) of \($p.max) points"} end end;

def heads: "<tr><th></th>" + (map("<th scope=\"col\" title=\"\(.title // .name | words)\">\(.name | words)</th>") | join("")) + "</tr>";
def group_name: .name | split("/")[0];

def table_of_checks: . as $all | ([.[].checks[] | {property, group: group_name}] | unique) as $rows
  | "<div class=\"compare\"><table>", heads,
  (("fidelity", "isolation", "performance") as $p
    | "<tr><th scope=\"row\">\($p)</th>" + ([$all[] | score_of($p) | cell] | join("")) + "</tr>",
      ($rows[] | select(.property == $p) | .group as $g
        | "<tr><th scope=\"row\">&nbsp; \($g | words)</th>"
          + ([$all[] | [.checks[] | select(.property == $p and group_name == $g)] | cell_of | cell] | join("")) + "</tr>")),
  "</table></div>";

def numbers: (.numbers // [.costs[]? | . + {series: "cost", unit: "instructions"}])[];
def table_of_numbers: . as $all | ([.[] | numbers | {series, name, unit}] | unique_by([.series, .name])) as $rows
  | if $rows == [] then empty else "<div class=\"compare\"><table>", heads,
  ($rows[] | . as $r | "<tr><th scope=\"row\">\($r.series | words) of \($r.name | words)"
    + (if $r.unit then ", \($r.unit | words)" else "" end) + "</th>"
    + ([$all[] | [numbers | select(.series == $r.series and .name == $r.name)] | first
      | if . == null then "<td class=\"none\">&ndash;</td>" else "<td>\(.value | short)</td>" end] | join("")) + "</tr>"),
  "</table></div>" end;

def inks: ["#1b6ca8", "#c4561a", "#3f8f4f", "#8a6fb0", "#b8860b", "#777777", "#a03050", "#0f7d7d", "#5b5b9a"];
# Bars of all platforms below each other for each kind of exit, on a logarithmic scale.
def bars_of_costs: [.[] | {name, costs: [numbers | select(.series == "cost" and .value > 0)]} | select(.costs != [])] as $all
  | ([$all[].costs[].name] | unique) as $kinds | ([$all[].costs[].value] | max) as $most
  | if $all == [] then empty else
    (14 * ($all | length) + 10) as $high
    | def at: 120 + 620 * (([., 1] | max | log10) / ([$most, 10] | max | log10));
      "<svg viewBox=\"0 0 900 \($high * ($kinds | length) + 30)\" role=\"img\" aria-label=\"Cost of exits on each platform\"><title>Cost of exits on each platform</title>"
      + ([range($kinds | length) | . as $k | $kinds[$k] as $kind
        | "<text x=\"112\" y=\"\($high * $k + 20)\" text-anchor=\"end\">\($kind | words)</text>"
        + ([range($all | length) | . as $i | ($all[$i].costs | map(select(.name == $kind)) | first | .value) as $v | select($v)
          | ($high * $k + 14 * $i + 4) as $y
          | "<rect x=\"120\" y=\"\($y)\" height=\"12\" width=\"\([($v | at) - 120, 1] | max)\" fill=\"\(inks[$i % (inks | length)])\"/>"
          + "<text x=\"\(($v | at) + 6)\" y=\"\($y + 11)\">\($v | short) \($all[$i].name | words)</text>"] | join(""))] | join(""))
      + "</svg>" end;

def comparison: if . == [] then empty else
  "<section><h2>Platforms side by side</h2>",
  "<p>Passed of judged; a failure that the platform's file knows of is counted as known. A skip is no pass.</p>", table_of_checks,
  "<h3>Instructions of one exit</h3>", bars_of_costs,
  "<h3>What was measured</h3>", table_of_numbers,
  (map(select(.absent)) | if . == [] then empty else "<p>Absent: \(map("\(.name): \(.absent)" | words) | join("; ")).</p>" end),
  "</section>" end;
