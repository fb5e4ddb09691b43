# results-record.jq - what tools/judge left, lines of six fields between tabs, becomes the record
#
# lab, title, machine, vendor, nonce: what was graded and where
# exercises: for each ID, in the order of `points`
#   id, max           points to be had
#   kind              function (alone 80 %, together with the others 20 %), question, free (for a human)
#   state             solved, wrong, open (not written), pending (free text), skipped (not asked for)
#   alone, together   points of the two parts; points: their sum
#   checks            name, status (pass, fail), expected, got, look, in English; say: their formats and arguments (texts.jq)
# whole: run (was there anything to run), passed, checks
# score, max, pending (points that a human still gives)

include "texts";

def tenth: . * 10 | round / 10;
def words: [splits("[ \n]+") | select(. != "")];

([splits("\n") | select(. != "") | split("\t")
  | {id: .[0], name: .[1], status: .[2], expected: .[3], got: .[4], look: .[5]}
  | keep_texts(of_check; evidence)]) as $checks
| ($judged | words) as $judged
| ($free | words) as $free
| ([$holes | splits("\n") | select(. != "") | words | .[0]] | unique) as $functions
| ([$checks[] | select(.id == "whole") | del(.id)]) as $whole
| ($whole != [] and all($whole[]; .status == "pass")) as $together
| ([$points | splits("\n") | select(. != "") | words
    | {id: .[0], max: (.[1] | tonumber)}
    | . as $e
    | ([$checks[] | select(.id == $e.id) | del(.id)]) as $own
    | .kind = (if IN($e.id; $free[]) then "free" elif IN($e.id; $functions[]) then "function"
               else "question" end)
    | .state = (if .kind == "free" then "pending"
                elif (IN($e.id; $judged[]) | not) then "skipped"
                elif $own != [] and all($own[]; .status == "pass") then "solved"
                elif any($own[]; .name == "written" or .name == "answered" or .name == "the file") then "open"
                else "wrong" end)
    | (if .kind == "function" then 0.8 else 1 end) as $share
    | .alone = (if .state == "solved" then .max * $share | tenth else 0 end)
    | .together = (if .state == "solved" and $together then .max * (1 - $share) | tenth else 0 end)
    | .points = (.alone + .together | tenth)
    | .checks = $own]) as $exercises
| {
    format: 1, lab: $lab, title: $title, machine: $machine, vendor: $vendor, nonce: $nonce,
    exercises: $exercises,
    whole: {run: ($whole != []), passed: $together, checks: $whole},
    score: ([$exercises[].points] | add // 0 | tenth),
    max: ([$exercises[].max] | add // 0),
    pending: ([$exercises[] | select(.kind == "free") | .max] | add // 0)
  }
