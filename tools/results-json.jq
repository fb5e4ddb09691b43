# results-json.jq - the record itself
.
