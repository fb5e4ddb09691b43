#!/bin/sh
# tests/system/cpu.sh - the CPU that a kernel with cpu=bare finds is the machine's
#
# Two guests say what they find and what becomes of what they try: tests/guests/cpu (CPUID, MSRs,
# control registers, page rights and keys, instructions at each privilege level, width and stepped)
# and tests/guests/legacy (real mode, virtual-8086 mode, segment limits).  What
# docs/machine.md and docs/emulators.md declare to be different is left out; all the rest must be
# equal, line by line.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2154
CPU=$build/cpu/cpu.elf
LEGACY=$build/legacy/legacy.elf
LIMIT=${CPU_LIMIT:-200}

# Ours by design: what is hidden, what depends on the number of vCPUs, what firmware leaves,
# registers with values of ours, and what instructions of SVM meet in user mode.
# shellcheck disable=SC2016 # assembly: no expansion is meant
DECLARED='^cpuid (1|4|6|7|a|b|d|15|8000001d|80000001|80000007|8000000a|8000001b|8000001f)\.
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
QEMU='^write (fe|2[0-9a-f][0-9a-f]|c0000080|c0000102)[ ]
^cr0 |^cr8[ ]
^\.byte 0xf0
^movq %rcx, %cr8
^movl \$0xfee000[38]0|^movl \$0xfee000f0
outs[bw]|ins[bw]|^lmsw %[fg]s|%fs:0x[0-9a-f]*|0xffff, %ax|^movw \$0x3302'

# AMD-V with nested paging has no registers for PDPTEs ([APM] "Legacy PAE Mode"); QEMU never has.
AMD_PAE='^pae (read, changed|MOV CR3 with|read after that|device, changed|device, absent)'

# shellcheck disable=SC2317 # called by check
equal()
{
  {
    printf '%s\n' "$DECLARED"
    case $1 in
    qemu*) printf '%s\n' "$QEMU" ;;
    bochs-bare-svm) printf '%s\n' "$AMD_PAE" ;;
    esac
  } >"$records/known"
  grep -v -E -f "$records/known" "$records/$2" >"$records/left"
  grep -v -E -f "$records/known" "$records/$3" >"$records/right"
  diff "$records/left" "$records/right"
}

# pair BARE VIRTUAL WHAT LAST WORDS
pair()
{
  what=$3 last=$4 words=$5
  case $what in
  cpu) image=$CPU ;;
  *) image=$LEGACY ;;
  esac
  KERNEL=$image
  start "$what-$1" "$1" --append "$words"
  unset KERNEL
  start "$what-$2" "$2" --opt exit=done --module "$image name=g mem=32M cpu=bare -- $words"
  ends "$what-$2" 0 'the guest comes to its end'
  wait_for "$what-$1"
  sed -n "s/^.*area /area /; /^area /,\$p" "$records/$what-$1.log" |
    sed "/^$what: finished/q" >"$records/bare"
  guest_lines "$what-$2" g | sed '/^vga: /d' >"$records/virtual"
  check "$what, $1: the last line is there" grep -q "^$last" "$records/bare"
  check "$what, $2: the last line is there" grep -q "^$last" "$records/virtual"
  check "$what, $2: says what $1 says" equal "$1" bare virtual
  check "$what, $2: much of it is compared" [ "$(wc -l <"$records/right")" -gt "$6" ]
}

pair qemu-bare qemu-svm cpu 'cpu: finished' careful=yes 1000
pair qemu-bare qemu-svm legacy 'legacy: finished' all 300
pair bochs-bare-vmx bochs-vmx cpu 'cpu: finished' all 1000
pair bochs-bare-vmx bochs-vmx legacy 'legacy: finished' all 300
pair bochs-bare-svm bochs-svm cpu 'cpu: finished' all 1000
check 'bochs-svm: PDPTEs are what is in memory' \
  grep -q '^pae read, changed in memory, INVLPG: -1(0) bbbb' "$records/virtual"
check 'bochs-svm: their reserved bits are page faults' \
  grep -q '^pae read after that: 14(9) 0' "$records/virtual"
pair bochs-bare-svm bochs-svm legacy 'legacy: finished' v86=no 150
finish
