#!/bin/sh
# tests/system/guest-os.sh - the guest OS's self-test says the same bare and as a guest of each machine
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

KERNEL=$GUEST_OS start bare qemu-bare --mem 64 --append selftest
for machine in qemu-svm bochs-vmx bochs-svm; do
  start "$machine" "$machine" --opt 'exit=done silence=0' \
    --module "$GUEST_OS name=test mem=64M -- selftest"
done

# Lines with "# " tell of the machine and of time.
wait_for bare
sed -n '/^1\.\.[0-9]/,$p' "$log" | grep -E '^(1\.\.|ok |not ok |# end)' >"$records/bare.said"
ends bare 0 'the self-test passes on the bare machine'
says bare 'to the last line' '^1\.\.[0-9]+' '^# end selftest: [0-9]+ passed of [0-9]+'
for machine in qemu-svm bochs-vmx bochs-svm; do
  ends "$machine" 0 'it passes in a VM'
  guest_lines "$machine" test | grep -E '^(1\.\.|ok |not ok |# end)' >"$records/$machine.said"
  check "$machine: and says the same as bare" diff "$records/bare.said" "$records/$machine.said"
done
finish
