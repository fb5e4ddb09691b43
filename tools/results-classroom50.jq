# results-classroom50.jq - Classroom 50's result.json, classroom50/result/v1
#
# Who and what was graded the runner says in the environment; scores are whole numbers there.

def test: {"test-name": .id, passed: (.state == "solved"), score: (.points | round), "max-score": .max,
           checks: [.checks[] | select(.status == "fail")]};
[.exercises[] | select(.kind != "free") | test] as $tests
| {
    schema: "classroom50/result/v1",
    classroom: (env.CLASSROOM // ""), assignment: (env.ASSIGNMENT // ""),
    submission: (env.SUBMISSION_TAG // ""), commit: (env.COMMIT_URL // ""), release: (env.RELEASE_URL // ""),
    review: (env.REVIEW_URL // env.COMMIT_URL // ""),
    datetime: (now | todate),
    score: ([$tests[].score] | add // 0), "max-score": ([$tests[]."max-score"] | add // 0),
    tests: $tests
  } | tojson
