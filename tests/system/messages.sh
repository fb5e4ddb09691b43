#!/bin/sh
# tests/system/messages.sh - everything the tools and the labs' checks say has its Spanish translation, with the same arguments,
# and no more is there
# shellcheck source=tests/system/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"
# shellcheck source=tools/labs.sh
. "$root/tools/labs.sh"

work=$build/messages
rm -rf "$work"
mkdir -p "$work"

# What tools say: constant first words of msg and words, of catchup's die; of reports; what tools are for.  (xgettext does not see
# a command behind "then" or in braces.)
messages()
{
  {
    grep -o -h -E "\b(msg|words) '[^']*'" tools/lib.sh tools/setup tools/doctor tools/lab tools/grade tools/viva
    grep -o -h -E "\b(msg|die [0-9]+) '[^']*'" tools/catchup
  } | sed "s/^[^']*'//; s/'\$//; s/\"/\\\\\"/g" >"$work/constants"
  {
    grep -o -h '"[^"]*" | [th]\b' tools/results-text.jq tools/results-html.jq tools/results-gradescope.jq tools/results-vpl.jq | sed 's/" | [th]$//; s/^"//'
    sed -n 's/^tool [^|]*|[^|]*|[^|]*|[^|]*| *//p' tools/packages
  } | sort -u - "$work/constants" | sed 's/.*/\nmsgid "&"\nmsgstr ""/'
  sed -n 's/.*\[\["\(%[^"]*\)",.*/\nmsgid "\1"\nmsgstr ""/p' tools/marks
  tools/texts tools
}

# listed COMMAND..: what it lists, as a template of the same order as a catalogue.
listed()
{
  {
    printf 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n'
    "$@"
  } >"$work/twice.pot" || return 1
  msguniq "$work/twice.pot" -o "$work/all.pot"
}

ids() { msgcat --no-wrap "$1" | sed -n 's/^msgid "\(..*\)"$/\1/p' | LC_ALL=C sort; }

# entries_of CATALOGUE COMMAND..: it has an entry for each that the command lists, and no other; none is empty.
entries_of()
{
  catalogue=$1
  shift
  listed "$@" 2>"$work/faults" || { cat "$work/faults" && return 1; }
  ids "$catalogue" >"$work/there"
  ids "$work/all.pot" | diff "$work/there" - | sed -n 's/^< /nobody says: /p; s/^> /not translated: /p' >"$work/wrong"
  msgattrib --untranslated --no-wrap "$catalogue" | sed -n 's/^msgid "\(..*\)"/empty: \1/p' >>"$work/wrong"
  msgattrib --only-fuzzy --no-wrap "$catalogue" | sed -n 's/^msgid "\(..*\)"/fuzzy: \1/p' >>"$work/wrong"
  cat "$work/wrong"
  [ ! -s "$work/wrong" ]
}

# well_formed CATALOGUE: gettext takes it, tools/results reads all of it, and translations have the arguments of their formats.
well_formed()
{
  msgfmt -c -o "$work/es.mo" "$1" 2>"$work/faults" || { cat "$work/faults" && return 1; }
  jq -R -s -n -r -f tools/po/catalogue.jq "$1" >"$work/object"
  [ "$(jq length "$work/object")" = "$(msgattrib --translated --no-wrap "$1" | grep -c '^msgid "..*"\|^msgid ""$' | awk '{ print $1 - 1 }')" ] ||
    { echo 'an entry is not one line' && return 1; }
  jq -r 'def arguments: [scan("%[0-9$]*[sd]") | gsub("[0-9$]"; "")];
    to_entries[] | select((.key | arguments) != (.value | arguments)) | "other arguments: \(.key)"' "$work/object" >"$work/wrong"
  cat "$work/wrong"
  [ ! -s "$work/wrong" ]
}

# ---- A lab of somebody else's, right and wrong -----------------------------------------------------

# A lab with a catalogue of its own, outside labs/.
make_lab()
{
  rm -rf "$work/labs"
  other=$work/labs/91-other
  mkdir -p "$other"
  printf 'title Other\ntitle.es Otra\nmachines qemu-svm\n' >"$other/lab"
  printf '91.1 10\n' >"$other/points"
  cat >"$other/checks.sh" <<'END'
check_91_1()
{
  look='the contract of nothing'
  run demo B/hv/espejo.elf
  expect 'two lines' "$(text 'it says %s' "$nonce")" "$look" "^$nonce\$"
  if grep -q impossible "$out"; then record 'a branch' fail 'the other branch' "$(text 'never %s' seen)" "$look"; fi
}
END
  cat >"$other/es.po" <<'END'
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\n"

#, c-format
msgid "it says %s"
msgstr "dice %s"

#, c-format
msgid "never %s"
msgstr "nunca %s"

msgid "the contract of nothing"
msgstr "el contrato de nada"

msgid "two lines"
msgstr "dos líneas"

msgid "a branch"
msgstr "una rama"

msgid "the other branch"
msgstr "la otra rama"
END
}

# fault NAME FILE SED-SCRIPT FINDING: with that change the lab's catalogue is not accepted any more, and this is why.
fault()
{
  make_lab
  cp "$other/$2" "$work/before"
  sed -e "$3" "$work/before" >"$other/$2"
  check "a seeded fault is found: $1" refused "$other/$2" "$4"
}
refused()
{
  ! cmp -s "$work/before" "$1" || return 1
  entries_of "$other/es.po" tools/texts "$other" >"$work/finding" && well_formed "$other/es.po" >"$work/finding" && return 1
  cat "$work/finding"
  grep -q -e "$2" "$work/finding"
}

for catalogue in tools/po/es.po labs/[0-9]*/es.po; do
  check "$catalogue is well-formed, arguments included" well_formed "$catalogue"
done
check 'each message of the tools has an entry, and no entry is said by nobody' entries_of tools/po/es.po messages
for folder in labs/[0-9]*; do
  check "$folder: so has each text of its checks" entries_of "$folder/es.po" tools/texts "$folder"
done
make_lab
check "a lecturer's own lab: its catalogue is complete" entries_of "$other/es.po" tools/texts "$other"
check "and well-formed" well_formed "$other/es.po"
fault 'a text without an entry' checks.sh "s/two lines/three lines/" 'not translated: three lines'
fault 'one in a branch that is not taken' checks.sh "s/never %s/hardly %s/" 'not translated: hardly'
# shellcheck disable=SC2016
fault 'an entry that nobody says' es.po '$a\
\
msgid "stale"\
msgstr "rancio"' 'nobody says: stale'
fault 'a translation that is missing' es.po 's/dos líneas//' 'empty: two lines'
fault 'an argument that is missing' es.po 's/dice %s/dice/; s/^#, c-format//' 'other arguments: it says'
fault 'an argument too many, seen by gettext' es.po 's/nunca %s/%s nunca %s/' 'format specifications'
fault "a text with the submission's number in it" checks.sh "s/'two lines'/\"two lines \$nonce\"/" 'differs with the submission: two lines'
fault 'a sentence got that is no text' checks.sh "s/^  expect .*/&\n  record 'two lines' fail 'two lines' 'what a sentence' \"\$look\"/" 'no text: got: what a sentence'
fault 'text called with what nobody can find' checks.sh "s/'never %s'/\"never \$nonce %s\"/" 'text is called without a sentence'

# ---- In the reader's language ----------------------------------------------------------------------

check 'a tool speaks Spanish where the locale does' sh -c "LC_ALL=es_ES.UTF-8 tools/lab hint 3.1 | grep -q . && LC_ALL=es_ES.UTF-8 tools/doctor | grep -q HERRAMIENTA"
check 'and English elsewhere' sh -c "LC_ALL=C tools/doctor | grep -q '^TOOL'"

# A record of that lab, as tools/judge and tools/results make it, with what a program said between its own.
make_lab
LABS_PATH=$work/labs
export LABS_PATH
graded=$work/graded
mkdir -p "$graded/91.1"
printf "machine=qemu-svm vendor=amd lab=91 nonce=0badcafe\n" >"$graded/plan"
cp "$other/points" "$graded/points"
: >"$graded/holes"
make_results()
(
  # shellcheck disable=SC2034
  id=91.1 stop='' results=$graded/91.1/results out=$graded/out machine=qemu-svm status=124
  # shellcheck source=tools/say.sh
  . "$root/tools/say.sh"
  : >"$results"
  printf 'two lines\n' >"$out"
  expect 'two lines' "$(text 'it says %s' "100 % <$(printf 'b\037\036')> %s")" 'the contract of nothing' '^nothing$'
  record 'a branch' fail "$(texts 'the other branch' "$(verbatim 'two lines')")" 'two lines' "$(verbatim file.c:main)"
)
make_results
LC_ALL=es_ES.UTF-8 tools/results make "$graded" "$other" >"$work/es.json"
LC_ALL=C tools/results make "$graded" "$other" >"$work/en.json"
check 'the record has the same bytes in every locale' cmp "$work/es.json" "$work/en.json"
check 'it is in English, with the formats beside it' jq -e '.exercises[0].checks[0]
  | .name == "two lines" and .expected == "it says 100 % <b> %s" and .say.expected == [["it says %s", "100 % <b> %s"]]' "$work/en.json"
in_spanish()
{
  for format in text gradescope vpl html; do
    LC_ALL=es_ES.UTF-8 tools/results "$format" <"$work/en.json" >"$work/report"
    for part in 'dos líneas' 'dice 100 % ' 'el contrato de nada' 'una rama' 'la otra rama: two lines' 'file.c:main' \
      'no acabó dentro del límite de tiempo; la última línea fue: two lines' 'se esperaba' 'mira en' 'mal'; do
      grep -q -F -e "$part" "$work/report" || { echo "$format: no $part" && return 1; }
    done
    ! grep -w -E 'expected|look at|not ok|the contract|it says' "$work/report" || return 1
  done
  grep -q '<html lang="es">' "$work/report" && grep -q '<h1>Práctica 91: Otra</h1>' "$work/report"
}
check 'text and page are in Spanish, but for what programs said' in_spanish
check 'and in English elsewhere' sh -c "LC_ALL=C tools/results text <'$work/es.json' | grep -q 'expected: it says 100 % <b> %s'"
check 'formats that programs read are in English' sh -c "
  LC_ALL=es_ES.UTF-8 tools/results json <'$work/es.json' | cmp - '$work/es.json' && LC_ALL=es_ES.UTF-8 tools/results tap <'$work/es.json' | grep -q 'two lines'"
rm -rf "$work" "$build/hints/3.1"
finish
