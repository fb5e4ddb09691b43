#!/bin/sh
# tests/system/claims.sh - docs/claims.md: each command shows what its row says, in both languages
#
# COMMANDS: a pattern of those to run, by default those that take seconds; tests/long/claims.sh runs all.
# shellcheck disable=SC2016
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

COMMANDS=${COMMANDS:-'^make run$|^make container'}
tab=$(printf '\t')

# rows FILE: NUMBER, COMMAND and PATTERN of each.
rows()
{
  sed -n 's/^| \([0-9]*\) | [^|]* | `\([^`|]*\)` | `\([^`|]*\)` |$/\1\t\2\t\3/p' "$1"
}

rows docs/claims.md >"$records/rows"
rows docs/claims.es.md >"$records/rows.es"
check 'both languages have the same commands and screens' cmp "$records/rows" "$records/rows.es"
check 'no row is written so that it would not be run' \
  test "$(wc -l <"$records/rows")" -eq "$(grep -c '^| [0-9]' docs/claims.md)"
check 'there are rows' test "$(wc -l <"$records/rows")" -ge 15

# The commands as a reader types them, but in this build's folder.
as_here()
{
  printf '%s\n' "$1" | sed "s|^make |make --no-print-directory B='$build' SETUP=no |; s|build/|$build/|g"
}

cut -f 2 "$records/rows" | grep -E -e "$COMMANDS" | sort -u >"$records/commands"
number_of_command=0
while IFS= read -r command; do
  number_of_command=$((number_of_command + 1))
  printf '%s\n' "$command" >"$records/c$number_of_command.command"
  case $command in
  *GUEST=linux* | *compare*)
    [ -f "$build/linux/vmlinuz" ] || {
      skip "$command" 'Debian'\''s kernel was not fetched: make linux'
      continue
    }
    ;;
  esac
  background "c$number_of_command" timeout 900 sh -c "unset MAKEFLAGS MFLAGS MAKELEVEL MACHINE ESPEJO_SETUP
$(as_here "$command")"
done <"$records/commands"

for file in "$records"/*.command; do
  name=$(basename "$file" .command)
  command=$(cat "$file")
  [ -e "$records/$name.begun" ] || continue
  ends "$name" 0 "$command"
  tr -s ' \t' ' ' <"$records/$name.log" | sed 's/^ //; s/ $//' >"$records/$name.words"
  grep -F "$tab$command$tab" "$records/rows" | while IFS="$tab" read -r claim _ pattern; do
    printf '%s\t%s\n' "$claim" "$pattern"
  done >"$records/$name.wanted"
  while IFS="$tab" read -r claim pattern; do
    check "claim $claim: $pattern" grep -E -e "$pattern" "$records/$name.words"
  done <"$records/$name.wanted"
done
finish
