# shellcheck shell=sh disable=SC2034,SC2154
# tools/say.sh - what checks say: texts that can be translated (labs/FORMAT.md), results, and the checks that many labs need
#
# Sourced by tools/judge, by tools/grade-one for its notes, and by tools/texts, which collects the texts.
# A text is a sentence as it stands, or what text, verbatim or texts prints: the record keeps format and arguments,
# and whoever prints the record (tools/results) chooses the language.

# ---- Texts ---------------------------------------------------------------------------------------

us=$(printf '\037') rs=$(printf '\036')

# text FORMAT ARGUMENT...: a sentence with "%s" in it; in what was got, a sentence without any too.
text()
{
  for word; do
    case $word in
    *["$us$rs"]*) printf '%s' "$word" | tr -d '\036\037' ;;
    *) printf '%s' "$word" ;;
    esac
    printf '\037'
  done
}

# verbatim TEXT: what is the same in every language.
verbatim() { text %s "$*"; }

# texts TEXT TEXT...: one behind the other, with a colon between.
texts()
{
  printf '%s' "$1"
  shift
  for part; do printf '\036%s' "$part"; done
}

# ---- Evidence ------------------------------------------------------------------------------------

# The line that tells most about what went wrong.
symptom()
{
  if grep -a -q -E '^ *(VMCB|VMCS|VM-instruction error)\b.*: ' "$out"; then
    grep -a -E '^ *(VMCB|VMCS|VM-instruction error)\b.*: ' "$out" | awk '!seen[$0]++' | head -n 3
    return
  fi
  grep -a -E -m 1 -e 'PANIC' -e 'panic at' -e 'lab [0-9.]+ is next' -e 'is dead' -e 'cannot (start|be)' \
    -e 'script: line' "$out" && return
  last=$(grep -a . "$out" | grep -a -v '^tools/run:' | tail -n 1 | cut -c 1-120)
  if [ "$status" = 124 ]; then
    text 'no end within the time limit; the last line was: %s' "$last"
  elif [ "${machine#*-bare}" != "$machine" ]; then
    text 'status %s; the last line was: %s' "$status" "$last"
  elif ! grep -a -q '^espejo: exit status' "$out"; then
    text 'the machine ended without the hypervisor (it crashed, or the guest reached real ports), after: %s' "$last"
  elif [ -n "${about:-}" ] && grep -a -q -E -e "$about" "$out"; then
    grep -a -E -e "$about" "$out" | tail -n 1
  elif grep -a -q -F -- "exits:" "$out"; then
    grep -a -F -- "exits:" "$out" | tail -n 1
  else
    text 'status %s; the last line was: %s' "$status" "$last"
  fi
}

one_line() { tr '\n\t' '; ' | sed -e 's/  */ /g' -e 's/^ //' -e 's/[; ]*$//'; }

# record TITLE pass|fail EXPECTED GOT LOOK: texts; but GOT, as it stands, is what a program said.
record()
{
  [ -z "$stop" ] || return 0
  [ "$2" = pass ] || stop=${FIRST:-}
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$id" "$1" "$2" "$(printf '%s' "$3" | one_line)" \
    "$(printf '%s' "$4" | one_line)" "$(printf '%s' "$5" | one_line)" >>"$results"
}

# expect TITLE EXPECTED LOOK PATTERN...: each pattern matches a line of $out; one after "!" none.
expect()
{
  [ -z "$stop" ] || return 0
  title=$1
  expected=$2
  where=$3
  shift 3
  for pattern in "$@"; do
    if grep -a -q -E -e "${pattern#!}" "$out"; then
      [ "$pattern" = "${pattern#!}" ] && continue
      record "$title" fail "$expected" "$(grep -a -E -m 1 -e "${pattern#!}" "$out")" "$where"
      return
    fi
    [ "$pattern" = "${pattern#!}" ] || continue
    record "$title" fail "$expected" "$(symptom)" "$where"
    return
  done
  record "$title" pass "$expected" 'as expected' "$where"
}

# field NAME: its value in a control block that $out shows; empty if it is not there.
field()
{
  value=$(sed -n -E "s/^ *$1 +(0x|00|)([0-9a-f]{16})\$/0x\2/p" "$out" | head -n 1)
}

no_field() { record "$(verbatim "$1")" fail "$(text '%s in the dump of the control block' "$1")" "$(symptom)" "$look"; }

# check_bits on|off FIELD BIT:NAME...
check_bits()
{
  [ -z "$stop" ] || return 0
  wanted=$1
  name=$2
  shift 2
  field "$name"
  if [ -z "$value" ]; then
    no_field "$name"
    return
  fi
  wrong=
  for bit in "$@"; do
    is=off
    # In halves: a shell's numbers have a sign.
    if [ "${bit%%:*}" -ge 32 ]; then
      half=${value%????????} place=$((${bit%%:*} - 32))
    else
      half=0x${value#0x????????} place=${bit%%:*}
    fi
    [ $((half >> place & 1)) -eq 0 ] || is=on
    [ "$is" = "$wanted" ] || wrong="$wrong ${bit#*:}"
  done
  if [ -z "$wrong" ]; then
    record "$(verbatim "$name")" pass "$(verbatim "$*: $wanted")" "$value" "$look"
  elif [ "$wanted" = on ]; then
    record "$(verbatim "$name")" fail "$(text 'in %s, on: %s' "$name" "${wrong# }")" \
      "$(text '%s is %s' "$name" "$value")" "$look"
  else
    record "$(verbatim "$name")" fail "$(text 'in %s, off: %s' "$name" "${wrong# }")" \
      "$(text '%s is %s' "$name" "$value")" "$look"
  fi
}
bits_on() { check_bits on "$@"; }
bits_off() { check_bits off "$@"; }

not_zero()
{
  [ -z "$stop" ] || return 0
  for name in "$@"; do
    field "$name"
    if [ -z "$value" ]; then
      no_field "$name"
    elif [ "$value" = 0x0000000000000000 ]; then
      record "$(verbatim "$name")" fail "$(text '%s is not zero' "$name")" "$(text '%s is %s' "$name" 0)" "$look"
    else
      record "$(verbatim "$name")" pass "$(text '%s is not zero' "$name")" "$value" "$look"
    fi
  done
}

# at_most TITLE NUMBER LIMIT LOOK
at_most()
{
  if [ -n "$2" ] && [ "$2" -le "$3" ]; then
    record "$1" pass "$(text 'at most %s' "$3")" "$2" "$4"
  else
    record "$1" fail "$(text 'at most %s' "$3")" "${2:-$(symptom)}" "$4"
  fi
}
