# class-record.jq - the records of a class become one: grades, how each check went, what took longest, what is alike

def tenth: . * 10 | round / 10;
def hundredth: . * 100 | round / 100;
# Days begun after the deadline and its grace; nothing is late where nobody says when it came.
def days_late: if $late[.id] then $late[.id]
  elif .at != "" and $policy.deadline then
    ((.at | sub(" "; "T") | sub("\\.[0-9]+"; "") | sub(" ?(UTC|[+]00:?00)$"; "Z") | (fromdateiso8601? // 0))
     - ($policy.deadline | fromdateiso8601) - (($policy.grace // "0") | tonumber) * 60) as $over
    | if $over > 0 then ($over / 86400 | ceil) else 0 end
  else 0 end;
def factor($days): (($policy.late // "0") | tonumber) as $each | (($policy.most // "100") | tonumber) as $most
  | 1 - ([$days * $each, $most] | min) / 100;

($joblog | [splits("\n") | split("\t") | select(length >= 9 and .[0] != "Seq")
   | {key: (.[8] | capture("students/(?<id>[^ ]+)").id), value: (.[3] | tonumber)}] | from_entries) as $seconds
| [.[] | . as $r | days_late as $days | factor($days) as $factor
   | ([$roster[] | select((.id | tostring) == $r.id)][0] // {}) as $who
   | {id, name: ($who.name // ""), email: ($who.email // ""), canvas_id: ($who.canvas_id // ""), path, score,
      max: ([.exercises[] | select(.kind != "free") | .max] | add), pending, days: $days, factor: ($factor | hundredth),
      seconds: ($seconds[$r.id] // null), extra: (.extra.points // 0), seed_of: (.who // ""), exercises, whole,
      notes: ((.notes // []) + (if (.who // "") != "" and ($who.email // .who) != .who then ["the seed is that of " + .who] else [] end)),
      nonce, sandbox}
   | .grade = (if .max > 0 then .score / .max * ($scale | tonumber) * .factor | hundredth else 0 end)]
| ([group_by(.seed_of)[] | select(length > 1 and .[0].seed_of != "") | map(.id)[]]) as $shared
| map(if IN(.id; $shared[]) then .notes += ["another has the same seed"] else . end)
| sort_by(.id) as $students
| {
    lab: $lab, title: $title, layout: $layout, scale: ($scale | tonumber), students: $students,
    # Of those who wrote the exercise, how many failed each check.
    checks: ([$students[].exercises[] | select(.state == "solved" or .state == "wrong") | .id as $id | .checks[] | {id: $id, name, status}]
             | group_by([.id, .name]) | map({id: .[0].id, name: .[0].name, tried: length, failed: (map(select(.status == "fail")) | length)})
             | sort_by(-.failed / .tried, .id)),
    histogram: [range(0; 10) as $n | {from: ($n * 10), count: ([$students[] | select(.max > 0) | (.score / .max * 100) as $p
                | select($p >= $n * 10 and ($p < ($n + 1) * 10 or ($n == 9)))] | length)}],
    slowest: ($students | map(select(.seconds != null)) | sort_by(-.seconds) | .[:5] | map({id, seconds})),
    similar: ([$similar | splits("\n") | select(. != "")
              | capture("^(?<one>[^ ]+) consists for (?<percent>[0-9]+) % of (?<other>[^ ]+) material") | .percent |= tonumber]
             | sort_by(-.percent))
  }
