# tools/peers-digest.jq - one platform of tools/peers: its report.json, with what its file says is known
#
# --arg name NAME  --rawfile info FILE: the lines "known PATTERN WHY" of the run's info.

# A shell pattern as a regular expression.
def as_regex: gsub("(?<c>[.+^$(){}|\\\\])"; "\\\(.c)") | gsub("\\*"; ".*") | gsub("\\?"; ".") | "^" + . + "$";

[$info | split("\n")[] | capture("^known (?<pattern>[^ ]+) (?<why>.*)$") | .pattern |= as_regex] as $known
| {
    name: $name,
    title: .platform,
    seed: .seed,
    properties: [.properties[] | {name, score, points, max}],
    costs: [(.numbers // [])[] | select(.series == "cost") | {name, value}],
    numbers: [(.numbers // [])[] | {series, name, value, limit, unit}],
    checks: [.checks[]
      | .name as $check
      | {property, name, result, reason,
         known: (if .result == "fail"
                 then ([$known[] | select(.pattern as $p | $check | test($p)) | .why] | first) else null end)}]
  }
