# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # of lib.sh, and for who sources this
# tests/system/guests.sh - the guests of guests.list: what each is given, and what its record is worth
#
# Owns: reading the list; from a record to the lines that count, and what is declared to be different
# about them.  Sourced behind lib.sh.
# Must not know: how a machine is started.

# guest_names: all that stand in the list.
guest_names() { awk '/^[a-z]/ && !seen[$1]++ { print $1 }' "$root/tests/system/guests.list"; }

# guest_row NAME MACHINE: sets $image, $memory, $cpus, $words, $judge, $least.
guest_row()
{
  while read -r row_name pattern judge least image memory cpus words; do
    [ "$row_name" = "$1" ] || continue
    # shellcheck disable=SC2254 # it is a pattern
    case $2 in
    $pattern)
      image=$build/$image
      words=$(printf '%s' "$words" | sed "s/%m/$2/")
      return
      ;;
    esac
  done <"$root/tests/system/guests.list"
  echo "Bail out! no $1 for $2 in guests.list"
  exit 1
}

# ---- Tables ---------------------------------------------------------------------------------

# table NAME: what a guest said of its own checks, in their order; of the Type 1, behind its name.
table()
{
  sed -n 's/^\[[a-z]*\] //; /^1\.\./p; /^ok /p; /^not ok /p' "$records/$1.log"
}

# passes NAME AT-LEAST [KNOWN]: a plan of so many checks, a line for each, each of them ok, but for those that
# a line of file KNOWN is a pattern of.  What a machine has not is skipped as a whole: a plan of 0.
passes()
{
  wait_for "$1"
  table "$1" >"$records/table"
  plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$records/table")
  said=$(grep -c -E '^(not )?ok ' "$records/table")
  grep '^not ok ' "$records/table" >"$records/bad"
  if [ -n "${3:-}" ] && [ -s "$3" ]; then
    grep -v -E -f "$3" "$records/bad" >"$records/unknown"
  else
    cp "$records/bad" "$records/unknown"
  fi
  skipped=$(sed -n 's/^1\.\.0 # SKIP //p' "$records/table")
  if [ -n "$skipped" ] && [ "$2" -eq 0 ]; then
    skip "$1" "$skipped"
  elif [ "${plan:-0}" -ge "$2" ] && [ "${plan:-0}" -gt 0 ] && [ "$said" -eq "$plan" ] &&
    [ ! -s "$records/unknown" ]; then
    ok "$1: each of $plan checks$([ ! -s "$records/bad" ] || echo ", but for $(wc -l <"$records/bad") that are known")"
  else
    not_ok "$1: $((said - $(wc -l <"$records/unknown"))) of ${plan:-no} checks" "$1"
    sed 's/^/#   /' "$records/unknown"
  fi
}

# What tests/guests/double.S must say, by the manual, with its addresses.
double_faults()
{
  cat <<'END'
double: #DF error 00000000 cr2 00000000 at a
double: #PF error 00000000 cr2 c0000123 at f
double: #GP error 00001234 cr2 c0000123 at g
double: #UD error 00000000 cr2 c0000123 at b
double: #DF error 00000000 cr2 c0000123 at h
double: #PF error 00000000 cr2 c0000123 at f
double: #GP error 00001234 cr2 c0000123 at g
double: #DF error 00000000 cr2 c0000044 at c
double: #PF error 00000000 cr2 c0000123 at f
double: #GP error 00001234 cr2 c0000123 at g
double: #PF error 00000002 cr2 c0000088 at d
double: #GP error 00001234 cr2 c0000088 at e
double: the stack goes
END
}

# ---- Comparison with the bare machine -----------------------------------------------------------

# What mmio.elf finds otherwise.  QEMU 7.2 knows no segment limits, refuses no LOCK, no null LTR and no
# reserved bit of MXCSR: there, device memory is nearer to the manual than RAM.  Its FXSAVE leaves out
# what is reserved.  On Bochs a 32-bit PUSH of a segment register may write 16 bits or 32.  [SDM] vol. 2 "PUSH"
MMIO_QEMU='^ldmxcsr \(%ebx\):|fxsave|^ltr .* memory=e4bb8595
^\.byte 0xf0|0xfff[de]\(%ebx\)|^movl %eax, -1\(%ebx\)'
MMIO_BOCHS='^pushl %ds'

# Of cpu.elf and legacy.elf: ours by design: what is hidden, what depends on the number of vCPUs, what
# firmware leaves, registers with values of ours, and what instructions of SVM meet in user mode.
# shellcheck disable=SC2016 # assembly: no expansion is meant
CPU_DECLARED='^cpuid (1|4|6|7|a|b|d|15|8000001d|80000001|80000007|8000000a|8000001b|8000001f)\.
^xcr0
^msr (10|3a|8b|2[0-9a-f][0-9a-f]|4[89][0-9a-f]|c0000084|c0010015|c001001a|c0010114|34|35)( |-)
^write (17|1b|2a|3a|8b|ce|da0|1a0|1d9|480|c0000103|c0010015|c001001a|c0010114|c0010117)[ ]
^write c0000080 (1d01|4d01)
^(vmrun|vmload|vmsave|stgi|clgi|skinit|invlpga):
^movl \$0xfffffffe
^movl %cr0, %eax|^smsw %eax|^inb|^movw \$0x80, %dx; inb
^movb %gs:0x'
# QEMU 7.2: reserved bits, segment limits and null segments are not looked at, LOCK is not refused.
# shellcheck disable=SC2016
CPU_QEMU='^write (fe|2[0-9a-f][0-9a-f]|c0000080|c0000102)[ ]
^cr0 |^cr8[ ]
^\.byte 0xf0
^movq %rcx, %cr8
^movl \$0xfee000[38]0|^movl \$0xfee000f0
outs[bw]|ins[bw]|^lmsw %[fg]s|%fs:0x[0-9a-f]*|0xffff, %ax|^movw \$0x3302'
# AMD-V with nested paging has no registers for PDPTEs ([APM] "Legacy PAE Mode"); QEMU never has.
CPU_AMD_PAE='^pae (read, changed|MOV CR3 with|read after that|device, changed|device, absent)'

# declared NAME MACHINE: patterns of the lines that may differ.
declared()
{
  case $1-$2 in
  mmio-qemu*) printf '%s\n' "$MMIO_QEMU" ;;
  mmio-*) printf '%s\n' "$MMIO_BOCHS" ;;
  cpu-qemu* | legacy-qemu*) printf '%s\n' "$CPU_DECLARED" "$CPU_QEMU" ;;
  cpu-bochs*-svm | legacy-bochs*-svm) printf '%s\n' "$CPU_DECLARED" "$CPU_AMD_PAE" ;;
  cpu-* | legacy-*) printf '%s\n' "$CPU_DECLARED" ;;
  esac
}

# spoken NAME: standard input from the guest's first line to its last, without what stands before (GRUB's escape
# codes, another guest's screen).
spoken()
{
  case $1 in
  mmio) sed -n 's/^.*mmio: begin/mmio: begin/; /^vga: /d; /^mmio: begin/,$p' | sed '/^mmio: finished/q' ;;
  task) sed -n 's/.*CALL$/CALL/; /^CALL$/,/^task: finished$/p' ;;
  *) sed -n 's/^.*area /area /; /^vga: /d; /^area /,$p' | sed "/^$1: finished/q" ;;
  esac
}

# same NAME BARE VIRTUAL AT-LEAST [KNOWN]: two files of what was spoken, the first on machine BARE: from the first line
# to the last, and alike but for what is declared, or a pattern in file KNOWN.
same()
{
  for side in "$2" "$3"; do
    check "$1, $side: the last line is there" grep -q "^$1: finished" "$records/$side.spoken"
  done
  { declared "$1" "$2"; cat ${5:+"$5"} /dev/null; } >"$records/declared"
  for side in "$2" "$3"; do
    if [ -s "$records/declared" ]; then
      grep -v -E -f "$records/declared" "$records/$side.spoken"
    else
      cat "$records/$side.spoken"
    fi >"$records/$side.left"
  done
  check "$1, $3: says what $2 says" diff "$records/$2.left" "$records/$3.left"
  check "$1, $3: much of it is compared" [ "$(wc -l <"$records/$3.left")" -gt "$4" ]
}
