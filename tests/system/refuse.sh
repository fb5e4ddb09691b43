#!/bin/sh
# tests/system/refuse.sh - machines on which the hypervisor cannot work: one sentence that says what
# to do about it, and a clean end with status 1
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# Firmware that switches virtualization off: a copy of Bochs's BIOS, changed where it sets
# IA32_FEATURE_CONTROL (if CPUID offers VMX):
#   je +12; mov $0x3a, %ecx; rdmsr; or $5, %eax; wrmsr
# bios_off NAME BYTE...: the same copy with other bytes there, in octal; 1 if the place is not found.
bios_off()
{
  share=${BXSHARE:-/usr/share/bochs}
  copy=$records/$1
  shift
  mkdir "$copy"
  cp -L "$share"/* /usr/share/vgabios/vgabios.bin "$copy/" 2>/dev/null
  at=$(od -An -v -t x1 "$copy/BIOS-bochs-latest" | tr -d '\n' |
    grep -o -b ' 74 0c b9 3a 00 00 00 0f 32 83 c8 05 0f 30' | head -n 1)
  [ -n "$at" ] || return 1
  at=$((${at%%:*} / 3))
  for byte in "$@"; do
    # shellcheck disable=SC2059
    printf "\\$byte"
  done | dd of="$copy/BIOS-bochs-latest" bs=1 seek="$at" conv=notrunc 2>/dev/null
}

# refused NAME TEXT PATTERN
refused()
{
  ends "$1" 1 "$2: ends with status 1"
  says "$1" "$2: cannot start" '^espejo: cannot start: '
  says "$1" "$2: the sentence says what is missing" "$3"
  never "$1" "$2: no guest ran, and nothing broke" '^\[one\]|panic|PANIC'
}

# Neither emulator has AMD's VM_CR.SVMDIS, so firmware that switches SVM off cannot be played.
# No CPUID test, feature control locked without VMX: nop; nop; mov $0x3a, %ecx; rdmsr; or $1, %eax.
bios_off vmx-bios 220 220 271 072 000 000 000 017 062 203 310 001 && vmx_bios=1

one="$GUEST_OS name=one mem=32M -- run=counter"
start no-svm qemu-svm --cpu max,-svm --module "$one"
start no-svm-intel qemu-svm --cpu Nehalem --module "$one"
start no-vmx bochs-vmx --cpu p4_prescott_celeron_336 --module "$one"
start no-npt qemu-svm-nonpt --module "$one"
start no-ept bochs-vmx-noept --module "$one"
[ -z "${vmx_bios:-}" ] || BXSHARE=$records/vmx-bios start vmx-off bochs-vmx --module "$one"
start tiny qemu-svm --mem 8 --module "$one"
truncate -s 300M "$records/huge"
start beyond qemu-svm --mem 128 --module "$one" --module "$records/huge vm=one role=module"
start greedy qemu-svm --mem 128 --opt script-exit \
  --module "$GUEST_OS name=good mem=32M -- run=counter,100" \
  --module "$GUEST_OS name=greedy mem=4G" --script <<'END'
expect good "counter: 2"
vm list
END

refused no-svm 'no SVM' 'AMD-V: .* -cpu max'
refused no-svm-intel 'an Intel CPU without VT-x' 'VT-x: .*does not offer VMX.*take'
refused no-vmx 'no VT-x on Bochs' 'VT-x: .*does not offer VMX.*take'
refused no-npt 'AMD-V without nested paging' 'AMD-V: .*nested paging.* -cpu max'
refused no-ept 'VT-x without EPT' 'VT-x: .*EPT'
if [ -n "${vmx_bios:-}" ]; then
  refused vmx-off 'VT-x switched off by the firmware' 'VT-x: .*firmware.*enable'
else
  skip 'VT-x switched off by the firmware' 'this Bochs has another BIOS'
fi
refused tiny 'too little memory' 'too little memory: [0-9]+ KiB .*at least [0-9]+ are needed'
refused beyond 'a module beyond memory' 'module 2.*huge.*does not fit into memory.*more memory'
ends greedy 0 'a VM larger than the machine does not keep the others from running'
says greedy 'it is refused with its numbers' \
  'VM greedy: mem=4096M: not enough memory, [0-9]+ MiB of [0-9]+' \
  '^\[good\] .*counter: 2' '^ *2 greedy +defined'
finish
