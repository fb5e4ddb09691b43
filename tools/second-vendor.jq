# second-vendor.jq - the records of two vendors' machines become one; for tools/grade-one
#
# $first and $second are records (results-record.jq) of the same submission, $twins the exercises that each vendor has a hole for.
# Of such a twin the better record counts, and says by its `machine` where that was; `other` is the one that does not
# count: machine, alone, together, points.  `extra` is apart from the score: machine, vendor, points (a tenth of what all
# those others have), max, whole (that vendor's run of everything).

def tenth: . * 10 | round / 10;

$first[0] as $first | $second[0] as $second
| ($twins | split(" ") | map(select(. != ""))) as $twins
| ($second.exercises | map({key: .id, value: .}) | from_entries) as $others
| $first
| .exercises |= map($others[.id] as $other
    | if (IN(.id; $twins[]) | not) or $other.state == "skipped" then .
      elif $other.points > .points or (.state == "open" and $other.state != "open")
      then $other + {machine: $second.machine, other: {machine: $first.machine, alone, together, points}}
      else . + {other: ($other | {machine: $second.machine, alone, together, points})} end)
| .score = ([.exercises[].points] | add // 0 | tenth)
| (if .whole.run then . else .whole = $second.whole end)
| .extra = {
    machine: $second.machine, vendor: $second.vendor,
    points: ([.exercises[].other.points // 0] | add / 10 | tenth),
    max: ([.exercises[] | select(IN(.id; $twins[])) | .max] | add // 0 | . / 10 | tenth),
    whole: $second.whole
  }
