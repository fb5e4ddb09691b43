#!/bin/sh
# tests/system/linux.sh - Debian's kernel beside a guest OS: the script of `make run GUEST=linux`
# shellcheck disable=SC2034
LIMIT=600
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

linux=$build/linux
if [ ! -f "$linux/vmlinuz" ]; then
  skip 'Debian'\''s kernel to a shell' 'it was not fetched: make linux'
  finish
fi
cmdline='console=ttyS0 noapic nolapic acpi=off pci=off nosmp nokaslr'
for machine in qemu-svm bochs-vmx; do
  start "$machine" "$machine" --cpus 2 --mem 768 \
    --module "$linux/vmlinuz name=linux mem=256M -- $cmdline" \
    --module "$linux/initrd.gz vm=linux role=initrd" \
    --module "$GUEST_OS name=one mem=64M -- run=counter" --script <tools/linux.script
done

for machine in qemu-svm bochs-vmx; do
  ends "$machine" 0 'uname, cpuinfo and poweroff are typed and answered'
  says "$machine" 'its kernel, its CPU and its end' '^\[linux\] .*Linux version [0-9]' \
    '^\[linux\] .*Linux .* x86_64 GNU/Linux' '^\[linux\] vendor_id' '^\[linux\] flags.* fpu.* sse2 ' \
    '^VM linux is (halted|off):' '^ *2 one +running'
  never "$machine" 'nothing that its kernel complains about' \
    '^\[linux\].*(Oops|BUG:|WARNING: CPU:|Call Trace|Kernel panic)'
  says "$machine" 'the neighbour counts beside it' '^\[one\] .*counter: 3'
done
finish
