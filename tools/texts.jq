# texts.jq - texts that can be translated, as tools/say.sh writes them and as the record keeps them
#
# In a record a text is a list of sentences, each a list of a format and its arguments.  A member `say` holds those of the
# texts beside it that are more than one sentence without arguments.

# What tools/say.sh wrote, as sentences; $plain: what is none as it stands, like lines of a program.
def sentences($plain): split("\u001e") | map(if contains("\u001f") then split("\u001f")[:-1] elif $plain then ["%s", .] else [.] end);
def is_text: contains("\u001f") or contains("\u001e");

# A format with its arguments put in: "%s" takes the next, "%2$s" the second.  Without arguments it is as it stands.
def filled: .[1:] as $arguments | .[0] as $format
  | if $arguments == [] then $format
    else [$format | match("%(?:([1-9])\\$)?s"; "g")] as $places
      | reduce range(0; $places | length) as $i ({at: 0, text: ""};
          .text += $format[.at:$places[$i].offset] + ($arguments[($places[$i].captures[0].string // "\($i + 1)" | tonumber) - 1] // "")
          | .at = $places[$i].offset + $places[$i].length)
      | .text + $format[.at:]
    end;
def spoken($po): map([$po[.[0]] // .[0]] + .[1:] | filled) | join(": ");

# Of the members of . that are texts: their English in place, the texts in `say`.  What was got is one only if it says so.
def keep_texts($members; $evidence):
  reduce $members[] as $m (.;
    .[$m] as $written | ($evidence | index([$m])) as $is_evidence
    | ($written | sentences($is_evidence)) as $text
    | if $is_evidence and ($written | is_text | not) then .
      else .[$m] = ($text | spoken({})) | .[$m] as $english
        | if $text == [[$english]] and ($is_evidence | not) then . else .say[$m] = $text end
      end);

# The text of a member, to be translated; null: nothing to translate.
def text_of($member; $evidence): .say[$member] // (if $evidence | index([$member]) then null else [[.[$member]]] end);
def translate($po; $members; $evidence):
  reduce $members[] as $m (.; text_of($m; $evidence) as $text | if $text then .[$m] = ($text | spoken($po)) else . end);

def of_check: ["name", "expected", "got", "look"];
def evidence: ["got"];

# The formats that the texts of a record have.
def formats: [.exercises[].checks[], .whole.checks[] | . as $check
    | of_check[] | . as $m | $check | select(.status == "fail" or $m != "got") | text_of($m; evidence) // empty | .[][0]]
  + [.say.notes // [] | .[][][0]] | unique[] | select(gsub("%[0-9$]*s"; "") | test("[A-Za-z]"));
