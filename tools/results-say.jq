# results-say.jq - a record whose texts are in the reader's language: $po has the translations, $title that of the lab's
include "texts";

(if $title == "" then . else .title = $title end)
| (.exercises[].checks[], .whole.checks[]) |= translate($po; of_check; evidence)
| if .say.notes then .notes = [.say.notes[] | spoken($po)] else . end
