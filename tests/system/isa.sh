#!/bin/sh
# isa.sh - the census of instruction forms: its table's generator refuses nonsense, a clean run has nothing WORSE and
# derives Robin and Irvine's 17, what it leaves is well-formed, and records that were tampered with do not pass.
# shellcheck disable=SC2317
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
B=$build
export B
scratch=$records
: "${MACHINE:=qemu-svm}"

# ---- The table --------------------------------------------------------------------------------

gen=$B/checker/isa/gen
cat >"$scratch/good" <<'END'
# comment
feature base 1 0 edx 4
class any x ? - 0d x x x x
90 /3m iz : base any none,alias,wake : NOP m
END

# refused LINE: is the table with this line refused, with its number?
refused()
{
  cp "$scratch/good" "$scratch/table"
  printf '%s\n' "$1" >>"$scratch/table"
  "$gen" "$scratch/table" >"$scratch/made" 2>"$scratch/why" && return 1
  grep -q '^forms:5: ' "$scratch/why"
}

made() { "$gen" "$scratch/good" | grep -qxF "$1"; }

check 'a form is made' made 'ISA_FORM(0, "NOP m", 0, 0, none, 5, 0x90, 0x103, 0x300)'
check 'a class is made' made 'ISA_CLASS(0, "any", "x", "?", "-", "0d", "x", "x", "x", "x")'
while IFS= read -r line; do
  check "refused: $line" refused "$line"
done <<'END'
90 : base any none
90 : base any none : NOP m
 : base any none : NOTHING
9 : base any none : SHORT
/8m : base any none : REG FIELD
/3x : base any none : OPERAND
zz : base any none : NO BYTE
90 : other any none : NO FEATURE
90 : base other none : NO CLASS
90 : base any none,other : NO FLAG
90 90 90 90 90 90 90 90 90 90 90 90 90 : base any none : TOO MANY
90 : base any none : A NAME THAT IS LONGER THAN THE ROOM FOR NAMES
feature base 1 0 edx 4
feature more 1 0 edx 32
feature more 1 0 esi 3
class more x x x x x x x
class more x x x x x x x y
END
check 'no table is no success' sh -c "! '$gen' '$scratch/none'"
check '600 forms or more, each with a name of its own' sh -c \
  "grep -c ' : .* : ' checker/isa/forms | grep -qE '^([6-9][0-9][0-9]|[0-9]{4,})\$'"

# ---- A clean run --------------------------------------------------------------------------------

clean=$scratch/clean
census() { checker/pgcheck --platform "$MACHINE" --only isa --out "$clean"; }
check "nothing is worse than bare on $MACHINE" census
json() { jq -e "$1" "$clean/census.json"; }
check 'all forms were run, bare and virtual' json '.forms >= 600 and .bare == .forms and .virtual == .forms'
check 'nothing that breaks the theorem remains' json '.remaining == 0 and .kinds.violates > 50 and .verdicts.WORSE == 0'
check 'one row a form' json '(.rows | length) == .forms and ([.rows[].form] | unique | length) == .forms'
check 'the verdicts add up' json '([.verdicts[]] | add) == .forms and ([.kinds[]] | add) == .forms'
check 'the seventeen are found' grep -q "families: 17 of 17 found" "$clean/census.txt"

# is KIND RULES FORM: was the form classed so?
is() { jq -e --arg f "$3" ".rows[] | select(.form == \$f) | .kind == \"$1\" and .rules == \"$2\"" "$clean/census.json"; }
while IFS='|' read -r kind rules form; do
  check "$form: $kind $rules" is "$kind" "$rules" "$form"
done <<'END'
innocuous||ADD m,r
innocuous||ADDPS x,x
violates|B|SGDT m
violates|AB|SMSW r
violates|B|STR r
violates|A|MOV r,CS
violates|C|LAR r,r
violates|E|RDTSC
sensitive|B|MOV CR3,r
sensitive|B|HLT
sensitive|D|OUT i8,AL
sensitive|B|LGDT m
sensitive|B|WRMSR
privileged||WBINVD
faults||UD2
END
check 'the page is complete' sh -c "tail -n 1 '$clean/census.html' | grep -q '</html>'"
check 'the page asks nobody for anything' sh -c "! grep -qE 'https?:|src=|<script' '$clean/census.html'"

# ---- Records that were tampered with ---------------------------------------------------------------

# worse CHECK SED-COMMAND: after this edit of the virtual run, does this check fail?
worse()
{
  rm -rf "$scratch/bad"
  cp -r "$clean" "$scratch/bad"
  sed -i "$2" "$scratch/bad/isa-virtual.out"
  "$B/checker/judge" "$scratch/bad" >/dev/null
  [ $? -eq 1 ] && grep -q "^fail fidelity $1\$" "$scratch/bad/results"
}
check 'a run without its end' worse isa/complete '/ end/d'
check 'a run that lacks a form' worse isa/complete '/ form 17 /d'
check 'and it is said which' worse isa/missing '/ form 17 /d'
check 'a form that is there twice' worse isa/complete '/ form 17 /p'
check 'half a line' worse isa/complete '/ form 17 /s/ =.*//'
check 'another table' worse isa/complete 's/ sum=0x[0-9a-f]*/ sum=0x1/'
check "another's nonce" worse isa/complete 's/@[0-9a-f]* form 17 /@0123456789abcdef form 17 /'
check 'a first form that leaves something else' worse isa/ADD_m8,r8 '/ form 0 /s/x\.\([^ ]*\)/x.!!!/'
check 'one that faults' worse isa/ADD_m8,r8 '/ form 0 /s/x\.[^ ]*/0d.aaa/'
tables=$(jq -r '[.rows[].form] | index("SGDT m")' "$clean/census.json")
check 'SGDT that shows another table' worse isa/theorem "/ form $tables /s/x\\.[^ ]*/x.!!!/"
check 'SGDT that does not change with the table' worse isa/SGDT_m "/ form $tables /s/ gdtr=[^ ]*//g"
rm -rf "$scratch/bad"
cp -r "$clean" "$scratch/bad"
: >"$scratch/bad/isa-bare.out"
no_reference() { "$B/checker/judge" "$scratch/bad"; [ $? -eq 2 ]; }
check 'no reference is an error, not a failure' no_reference

finish
