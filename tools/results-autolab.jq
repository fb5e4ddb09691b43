# results-autolab.jq - the report, and as the last line what Autolab reads: a score for each problem

def failed: .checks[] | select(.status == "fail") | "  not ok: \(.name): expected \(.expected); got \(.got); look at \(.look)";
(.exercises[] | select(.kind != "free") | "\(.id): \(.points) of \(.max)", failed),
(.whole | select(.run and (.passed | not)) | "all together:", failed),
(.notes // [] | .[] | "note: \(.)"),
({scores: ([.exercises[] | select(.kind != "free") | {key: .id, value: .points}] | from_entries)} | tojson)
