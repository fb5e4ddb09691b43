#!/bin/sh
# tests/system/mmio.sh - instructions on device memory do what they do on RAM, and what they do bare
#
# tests/guests/mmio runs each form with its operands in RAM and in VGA memory, and says what came
# of the latter; where that is not what came of the former, it says so.  Bare, the emulated CPU
# carries out both; as a guest, the hypervisor the second.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2154
MMIO=$build/mmio/mmio.elf

# QEMU 7.2 knows no segment limits, refuses no LOCK, no null LTR and no reserved bit of MXCSR:
# there, device memory is nearer to the manual than RAM.  Its FXSAVE leaves out what is reserved.
QEMU='^ldmxcsr \(%ebx\):|fxsave|^ltr .* memory=e4bb8595
^\.byte 0xf0|0xfff[de]\(%ebx\)|^movl %eax, -1\(%ebx\)'
# A 32-bit PUSH of a segment register may write 16 bits or 32.  [SDM] vol. 2 "PUSH"
BOCHS='^pushl %ds'

# lines RECORD: what the guest says, without what is declared to be different on machine $1.
lines()
{
  case $1 in
  qemu*) known=$QEMU ;;
  *) known=$BOCHS ;;
  esac
  sed -n 's/^.*mmio: begin/mmio: begin/; /^mmio: begin/,$p' "$2" | sed '/^mmio: finished/q' |
    grep -v -E "$known"
}

# pair BARE VIRTUAL
pair()
{
  KERNEL=$MMIO
  start "$1" "$1"
  unset KERNEL
  start "$2" "$2" --opt exit=done --module "$MMIO name=g mem=32M cpu=bare"
  ends "$2" 0 'the guest comes to its end'
  wait_for "$1"
  lines "$1" "$records/$1.log" >"$records/left"
  guest_lines "$2" g | sed '/^vga: /d' >"$records/guest"
  lines "$1" "$records/guest" >"$records/right"
  check "$1: the last line is there" grep -q '^mmio: finished' "$records/left"
  check "$2: says what $1 says" diff "$records/left" "$records/right"
  check "$2: much of it is compared" [ "$(wc -l <"$records/right")" -gt 170 ]
  check "$2: device memory is as RAM" [ "$(grep -c 'NOT AS IN RAM' "$records/right")" -eq 0 ]
}

pair qemu-bare qemu-svm
pair bochs-bare-vmx bochs-vmx
pair bochs-bare-svm bochs-svm
finish
