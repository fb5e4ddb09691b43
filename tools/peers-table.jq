# tools/peers-table.jq - the text table of tools/peers, from the list of its digests
#
# A cell: passed/judged, "kN" that N of the failures are known in the platform's file, "!" that others are not;
# "skip": nothing could be judged there; "-": nothing was tried; "ERROR": the harness failed.  The cost of an exit
# is in instructions.

def group: .name | split("/")[0];
def cell:
  map(select(.result == "pass")) as $pass | map(select(.result == "fail")) as $fail
  | map(select(.known)) as $known
  | if length == 0 then "-"
    elif any(.[]; .result == "error") then "ERROR"
    elif ($pass | length) + ($fail | length) == 0 then "skip"
    else "\($pass | length)/\(($pass | length) + ($fail | length))"
      + (if ($known | length) > 0 then " k\($known | length)" else "" end)
      + (if ($fail | length) > ($known | length) then " !" else "" end)
    end;
def pad($n): . + (" " * ([0, $n - length] | max) // "");
def score($p): if .broken then "ERROR" elif .absent then "absent"
  else (.properties[] | select(.name == $p) | if .max > 0 then "\(.score) %" else "-" end) end;
def some: if length > 3 then .[0:3] + ["\(length - 3) more"] else . end | join(", ");

. as $all
| [$all[].checks[] | {property, group: group}] | unique as $rows
| ([$all[].costs[]?.name] | unique) as $costs
| ([["", ($all[] | .name)]]
  + [("fidelity", "isolation", "performance") as $p
     | [$p, ($all[] | score($p))],
       ($rows[] | select(.property == $p) | .group as $g
        | ["  " + $g, ($all[] | [.checks[] | select(.property == $p and group == $g)] | cell)])]
  + [$costs[] as $c
     | ["  cost of " + $c, ($all[] | ([.costs[]? | select(.name == $c) | .value | round | tostring] | first) // "-")]])
| . as $table
| [range($table[0] | length) as $i | [$table[] | .[$i] | length] | max] as $width
| ($table[] | [., $width] | transpose | map(.[1] as $w | .[0] | pad($w)) | join("  ") | sub(" +$"; "")),
  "",
  ($all[] | select(.absent) | "\(.name): absent: \(.absent)"),
  ($all[] | select(.broken) | "\(.name): ERROR \(.broken)"),
  ($all[] | .name as $n | .checks[] | select(.result == "error") | "\($n): ERROR \(.name): \(.reason)"),
  ($all[] | .name as $n | .checks[] | select(.result == "fail" and (.known | not))
   | "\($n): fail \(.name): \(.reason)"),
  ($all[] | .name as $n | [.checks[] | select(.known)] | group_by(.known)[]
   | "\($n): known: \(.[0].known) (\(map(.name) | some))"),
  ($all[] | .name as $n | [.checks[] | select(.result == "skip")] | group_by(.reason)[]
   | "\($n): skip: \(.[0].reason) (\(map(.name) | some))")
