# shellcheck shell=sh disable=SC2154
# checks.sh - how lab 0 is judged; tools/grade sources it
#
# Each answer is compared with what the machine does when it is run again, with this tree's seed.

hv='B/hv/espejo.elf'
folder_0='labs/00-toolbox'
puzzle="B/$folder_0/puzzle.elf name=puzzle mem=16M -- $nonce"

# The answer: its first line, in small letters, without blanks around.
said()
{
  sed -n -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//' -e '/./{p;q;}' "$answer" | tr '[:upper:]' '[:lower:]'
}

# same TITLE WHAT FOUND LOOK [VALUE MEANING]..: the answer is what was found.  A report does not tell what that is,
# only what a known mistake has taken for it.
same()
{
  title=$1 what=$2 found=$3 where=$4
  given=$(said | sed 's|^0x||; s|^0*\([0-9a-f]\)|\1|')
  shift 4
  meaning=
  while [ $# -gt 1 ]; do
    [ "$1" != "$given" ] || meaning=$2
    shift 2
  done
  if [ -z "$found" ]; then
    record "$title" fail "$what" "$(symptom)" "$where"
  elif [ "${given#0x}" = "${found#0x}" ]; then
    record "$title" pass "$what" "$given" "$where"
  else
    record "$title" fail "$what" "$(texts "$(text 'answered: %s' "$given")" ${meaning:+"$meaning"})" "$where"
  fi
}

# puzzle's exits, in order, as lines "CPUID" and "port 080" in $out.exits
exits()
{
  run puzzle --append 'script-exit trace=8192' "$hv" --module "$puzzle" \
    --module "$folder_0/puzzle.script role=script"
  sed -n 's/^ *[0-9]* ns \([A-Za-z]*\) .* info 0x10\([0-9a-f]*\)$/\1 \2/p; s/^ *[0-9]* ns CPUID .*/CPUID/p' \
    "$out" >"$out.exits"
}

# gap N: bytes to the port 0x80 behind the N-th CPUID and before the next.
gap() { awk -v gap="$1" '$1 == "CPUID" { n++ } n == gap && $2 == "080" { count++ } END { print count + 0 }' "$out.exits"; }

check_0_1()
{
  exits
  cpuids=$(sed -n 's/^ *exits: .*CPUID \([0-9]*\).*/\1/p' "$out" | head -n 1)
  ports=$(sed -n 's/^ *exits: .*port \([0-9]*\).*/\1/p' "$out" | head -n 1)
  same 'how many CPUIDs' 'what vm list says of puzzle with your seed' "$cpuids" \
    'make seed LAB=0, and the line "exits:" behind puzzle' \
    "${ports:-x}" "$(text 'which is how often it used a port')" "$((${ports:-0} + ${cpuids:-0}))" "$(text 'which is all exits together')"
}

check_0_2()
{
  exits
  behind_second=$(gap 2)
  same 'between two of them' 'how many bytes go to the port 0x80 behind the second CPUID and before the third' \
    "${behind_second#0}" 'trace puzzle 400, or the timeline' "$((behind_second + 1))" "$(text 'one of which is a CPUID')" \
    "$(gap 1)" "$(text 'which lie before the second CPUID')" "$(gap 3)" "$(text 'which lie behind the third CPUID')"
}

check_0_3()
{
  exits
  port=$(awk '$1 == "port" && $2 != "080" && $2 != "0f4" && $2 !~ /^3f/ { print $2; exit }' "$out.exits")
  same 'the other port' 'the number, in hexadecimal, of the one port that is neither serial line nor 0x80 nor exit port' \
    "$port" 'trace puzzle 400: the last digits of info are the port' \
    "10$port" "$(text 'which is the port with the size of the access in front')" "$((0x${port:-0}))" "$(text 'which is decimal')"
}

check_0_4()
{
  run teller --append script-exit "$hv" --module \
    "B/$folder_0/teller.elf name=puzzle mem=16M -- $nonce" --module "$folder_0/puzzle.script role=script"
  same 'in a register' 'what RSI holds, in hexadecimal, when puzzle writes to the port of 0.3' \
    "$(sed -n 's/^\[puzzle\] puzzle \([0-9a-f]*\)$/\1/p' "$out" | sed -n 2p | sed 's/^0*\(.\)/\1/')" \
    'make gdb; break handle_exit if ..; v->regs.r[REG_RSI]'
}

check_0_5()
{
  run both --mem 64 --append "both $nonce" "B/$folder_0/pair.elf"
  same 'nobody between' 'the first line that two programs leave on the serial line of a bare machine' \
    "$(sed -n 's/[[:space:]]*$//; /^lr/{p;q;}' "$out")" 'tools/run --append "both SEED"' \
    "left  $nonce" "$(text 'which is what one of them says, alone')"
}

check_whole() { :; }
