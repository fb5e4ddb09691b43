#!/bin/sh
# tests/system/hv-run.sh - other people's kernels: tools/hv-run gives the output and the status that
# the bare emulator gives
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# run_hv NAME MACHINE WORD OPTION...: ends.elf with that word.
run_hv()
{
  name=$1 machine=$2 word=$3
  shift 3
  background "$name" tools/hv-run --machine "$machine" --mem 32M --timeout "$LIMIT" --append "$word" "$@" \
    "$TINY/ends.elf"
}

# typed NAME MACHINE: every byte but the one that ends it comes back, plus 1.
typed()
{
  background "$1" sh -c "printf 'Hv\\001\\034\\377\\r\\nq' | tools/hv-run --machine $2 --mem 32M \
    --timeout $LIMIT --append i '$TINY/ends.elf' >'$records/$1.bytes'"
}

# told NAME COMMAND...: the kernel, called from its folder, under the name that it shall see.
told()
{
  name=$1
  shift
  # shellcheck disable=SC2016
  background "$name" sh -c 'cd "$1" && shift && exec "$@"' sh "$TINY" "$@"
}
text='one "two  three" a\b %41 '\''q'\'
told hv-told "$root/tools/hv-run" --mem 64M --timeout "$LIMIT" --append "$text" \
  --initrd 'halt.elf x,,y  "z" \,ends.elf' told.elf
told bochs-told "$root/tools/hv-run" --machine bochs-vmx --mem 64M --timeout "$LIMIT" --append "$text" \
  --initrd 'halt.elf x,,y  "z" \,ends.elf' told.elf
told bare-told "${QEMU:-qemu-system-x86_64}" -accel tcg -m 64 -nodefaults -display none -serial stdio -no-reboot \
  -device isa-debug-exit,iobase=0xf4,iosize=4 -kernel told.elf -append "$text" \
  -initrd 'halt.elf x,,y  "z" \,ends.elf'

# What firmware leaves, the way through the reset vector, gate A20.
for machine in qemu-svm bochs-vmx bochs-svm; do
  background "$machine-rom" tools/hv-run --machine "$machine" --mem 64M --timeout "$LIMIT" "$TINY/rom.elf"
done
background bare-rom "${QEMU:-qemu-system-x86_64}" -accel tcg -cpu max -m 64 -nodefaults -display none \
  -serial stdio -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4 -kernel "$TINY/rom.elf"

for machine in qemu-svm bochs-vmx; do
  for word in v00 v7f wffffff05 k c t p d; do
    run_hv "$machine-$word" "$machine" "$word"
  done
  typed "$machine-i" "$machine"
done
run_hv bochs-svm-v21 bochs-svm v21 --cpus 2
run_hv halted qemu-svm h --timeout 2
run_hv spinning qemu-svm s --timeout 2 --cpus 2
run_hv no-svm qemu-svm v00 --cpu max,-svm
run_hv large qemu-svm v00 --mem 1G --hypervisor "$ESPEJO" --options cpus=x
yes | head -c 9000 >"$records/garbage"
background garbage tools/hv-run --timeout "$LIMIT" "$records/garbage"
background missing tools/hv-run "$records/nowhere"

for machine in qemu-svm bochs-vmx; do
  ends "$machine-v00" 1 'value 0 at the exit port'
  ends "$machine-v7f" 255 'the largest byte that shows'
  ends "$machine-wffffff05" 11 'the low byte of four'
  ends "$machine-k" 0 'reset by the keyboard controller'
  ends "$machine-c" 0 'reset by port 0xcf9'
  ends "$machine-t" 0 'a triple fault resets a PC'
  ends "$machine-p" 0 'soft off by the PIIX4'
  ends "$machine-d" 5 'neither its serial line nor port 0xe9 can forge a status'
  says "$machine-t" 'the operator hears of the triple fault' '^ends: triple fault$' \
    '^tools/hv-run: VM guest is dead: triple fault of vCPU 0'
  wait_for "$machine-i"
  check "$machine-i: serial input and output, byte for byte" \
    sh -c "printf 'Iw\\002\\035\\000\\016\\013' | cmp - '$records/$machine-i.bytes'"
  ends "$machine-i" 3 'ends when told to'
done
for word in k c p; do
  wait_for "qemu-svm-$word"
  check "qemu-svm-$word: nothing but the guest's bytes on the line" test "$(wc -l <"$log")" -eq 1
done
ends bochs-svm-v21 67 'a guest with two CPUs'
ends halted 124 'a guest that is halted for ever'
ends spinning 124 'a guest that runs for ever'
ends no-svm 125 'a machine that cannot'
says no-svm 'and why' 'hv-run: espejo: cannot start: no hardware virtualization' '^ *AMD-V: .*SVM'
ends large 125 'a hypervisor that does not understand its options'
says large 'and which' 'cannot start: .*option cpus=x: expected'
ends garbage 125 'a kernel that is none'
says garbage 'and which' 'cannot start: garbage: neither a Linux bzImage nor a multiboot kernel'
ends missing 125 'a file that is not there'
says missing 'and which' 'no such file: .*nowhere'

ends hv-told 1 'a kernel with two modules'
for name in hv-told bochs-told bare-told; do
  wait_for "$name"
  grep -a -E '^(magic|flags|cmdline|modules)' "$log" >"$records/$name.said"
  sed -n 's/^module [0-9a-f]* [0-9a-f]* //p' "$log" >>"$records/$name.said"
done
says bare-told 'the bare emulator says so' '^cmdline "told.elf one "two  three" a.b %41 .q."$' \
  '^module .* "halt.elf x,y  "z" .*"$' '^module .* 464c457f "ends.elf"$'
check 'QEMU: the kernel is told what the bare emulator tells it' diff "$records/bare-told.said" "$records/hv-told.said"
check 'Bochs: the same, although GRUB changes quotes' diff "$records/bare-told.said" "$records/bochs-told.said"

wait_for bare-rom
says bare-rom 'the bare emulator: INIT leads through the reset vector' '^back from INIT$' '^rom: finished$'
for machine in qemu-svm bochs-vmx bochs-svm; do
  ends "$machine-rom" 1 'real mode comes to its end'
  check "$machine: firmware's services, INIT of the boot CPU, gate A20: as on the bare emulator" \
    diff "$records/bare-rom.log" "$records/$machine-rom.log"
done
finish
