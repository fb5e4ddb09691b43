#!/bin/sh
# tests/system/type2.sh - the Type 2: the kernels and images of the Type 1's tests as guests of a Linux
# process; bad input; SIGTERM; what a guest's process is confined to
LIMIT=${LIMIT:-300}
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

VM=$build/espejo-vm
linux=$build/linux

# One sentence on standard error, and a status of sysexits.
refuses()
{
  refuses_name=$1 expected=$2 pattern=$3
  shift 3
  timeout 20 "$@" </dev/null >"$records/refused.out" 2>&1
  status=$?
  if [ "$status" -eq "$expected" ] && [ "$(wc -l <"$records/refused.out")" -eq 1 ] &&
    grep -q -E "^espejo-vm: .*$pattern" "$records/refused.out"; then
    ok "refused: $refuses_name"
  else
    not_ok "refused: $refuses_name (status $status, not $expected)"
    sed 's/^/#   | /' "$records/refused.out"
  fi
}

# ---- Bad input: nothing of it needs KVM ----------------------------------------------------

check 'the help is there' sh -c "$VM --help | grep -q '^usage: espejo-vm'"
head -c 9000 /dev/zero >"$records/zeros"
: >"$records/empty"
printf 'QFI\373' | cat - "$records/zeros" >"$records/image.qcow2"
printf 'KDMV' | cat - "$records/zeros" >"$records/image.vmdk"
head -c 100 /dev/zero >"$records/short"
cp "$TINY/ends.elf" "$records/secret" && chmod 0 "$records/secret"
refuses 'no kernel' 64 'no kernel and no image' "$VM"
refuses 'an unknown option' 64 "unknown option '--colour'" "$VM" --colour x
refuses 'too many CPUs' 64 '1 to 8' "$VM" --cpus 9 x
refuses 'a kernel that is not there' 66 'nowhere: No such file' "$VM" "$records/nowhere"
refuses 'an empty kernel' 65 'empty' "$VM" "$records/empty"
refuses 'a folder as kernel' 66 'not a file' "$VM" "$records"
refuses 'a file that is nothing' 65 'neither a multiboot kernel nor' "$VM" "$records/zeros"
refuses 'an image of another format' 65 'QCOW2: tools/import-image' "$VM" "$records/image.qcow2"
refuses 'a disk of another format' 65 'VMDK: tools/import-image' "$VM" --disk "$records/image.vmdk" \
  "$TINY/ends.elf"
refuses 'a disk without a sector' 65 'without a sector' "$VM" --disk "$records/short" "$TINY/ends.elf"
refuses 'a disk that is not there' 66 'No such file' "$VM" --disk "$records/nowhere" "$TINY/ends.elf"
refuses 'a socket that is not open' 66 'fd=9: it is not open' "$VM" --net fd=9 "$TINY/ends.elf"
refuses 'a file as a socket' 65 'fd=3: neither a socket' sh -c "exec '$VM' --net fd=3 '$TINY/ends.elf' 3<'$records/zeros'"
refuses 'with --exit-guest: 125' 125 'No such file' "$VM" --exit-guest "$records/nowhere"
if [ "$(id -u)" -eq 0 ]; then as_nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'; else as_nobody=; fi
chmod 755 "$records"
# shellcheck disable=SC2086
refuses 'a kernel that may not be read' 77 'Permission denied' $as_nobody "$VM" "$records/secret"
if [ -c /dev/kvm ] && [ "$(id -u)" -eq 0 ]; then
  # shellcheck disable=SC2086
  refuses 'KVM without permission' 77 '/dev/kvm' $as_nobody "$VM" "$TINY/ends.elf"
fi
# What a path leads to is seen before KVM is: so this is also tried where there is none.
if unshare -rm true 2>/dev/null; then
  refuses 'a machine without KVM' 69 '/dev/kvm' unshare -rm sh -c \
    "mount -t tmpfs none /dev && exec '$VM' '$TINY/ends.elf'"
  refuses 'a machine without tap devices' 69 'no /dev/net/tun|/dev/kvm' unshare -rm sh -c \
    "mount -t tmpfs none /dev && exec '$VM' --net tap=none0 '$TINY/ends.elf'"
else
  skip 'refused: a machine without KVM' 'no namespaces for users here'
fi

# What we say must not go into an image that was given the number of a closed descriptor.
cp "$records/zeros" "$records/image"
for closed in '0<&-' '1>&-' '2>&-' '0<&- 1>&- 2>&-'; do
  sh -c "exec timeout 60 '$VM' --disk '$records/image' --append p '$TINY/ends.elf' $closed" </dev/null >/dev/null 2>&1
  check "with $closed the image stays as it is" cmp "$records/zeros" "$records/image"
done

# ---- Guests ---------------------------------------------------------------------------------

if [ ! -f "$linux/vmlinuz" ]; then
  skip 'guests of the Type 2' 'no Linux to run it in (make linux)'
  finish
fi

# docs/found.md, "Linux panics on a host that is busy": no test can wait for that.
check 'Linux does not try the timer of a machine that loses its CPU' sh -c \
  "tools/type2 --host emulated --dry-run '$TINY/ends.elf' | grep -q no_timer_check"

# vm NAME OPTION...
vm()
{
  name=$1
  shift
  background "$name" tools/type2 --timeout "$LIMIT" "$@"
}

# Its clocks must not hear of this machine's load; with two CPUs, icount and Linux wait for each other.
vm selftest --icount --mem 64M --append selftest "$GUEST_OS"
vm selftest2 --mem 64M --cpus 2 --append selftest "$GUEST_OS"
vm calls --icount --mem 64M --cpu v1 --append selftest "$GUEST_OS"
background dirty tools/type2 --program "$build/kvm-dirty" --mem 32M --timeout "$LIMIT" "$TINY/pages.elf"
for word in v00 v7f wffffff05 k c t p d o; do
  vm "ends-$word" --mem 32M --append "$word" "$TINY/ends.elf"
done
vm halted --mem 32M --append h --timeout 15 "$TINY/ends.elf"
background typed sh -c "printf 'Hv\\001\\034\\377\\r\\nq' | tools/type2 --mem 32M --timeout $LIMIT \
  --append i '$TINY/ends.elf' >'$records/typed.bytes'"
vm told --mem 64M --append 'one "two  three" a\b %41' --initrd "$TINY/halt.elf x,,y  \"z\" " "$TINY/told.elf"
vm rom --mem 64M "$TINY/rom.elf"
vm linux --mem 192M --append 'console=ttyS0 guest.run=poweroff,-f' --initrd "$linux/initrd.gz" "$linux/vmlinuz"
# Three take turns on one CPU.  VCPUS for others: tests/long/type2.sh.
vcpus=${VCPUS:-2 3} linuxes=linux
for n in $vcpus; do
  beneath=
  [ "$n" -ne 3 ] || beneath='--host-cpus 1'
  # shellcheck disable=SC2086
  vm "linux$n" $beneath --mem 192M --cpus "$n" --append 'console=ttyS0 guest.run=poweroff,-f' \
    --initrd "$linux/initrd.gz" "$linux/vmlinuz"
  linuxes="$linuxes linux$n"
done
vm button --mem 32M --verbose --terminate 1 --out "$records/button.serial" "$TINY/button.elf"
vm deaf --mem 32M --verbose --terminate 2 --out "$records/deaf.serial" --append deaf "$TINY/button.elf"
vm unheard --mem 32M --verbose --terminate 1 --append s "$TINY/ends.elf"
for attempt in open socket mmap-code; do
  vm "attempt-$attempt" --mem 32M --verbose --attempt "$attempt" "$TINY/ends.elf"
done

# passes NAME TEXT: the self-test comes to its end, and what fails is known.
passes()
{
  says "$1" "$2: from its first line to its last" '^1\.\.[0-9]' '^# end selftest: [0-9]+ passed of [0-9]+$'
  sed -n -e "s/^$1: //p" -e "s/^selftest: //p" tests/system/type2.known >"$records/known"
  check "$1: nothing fails that is not known" sh -c \
    "! grep '^\(# \)*not ok ' '$log' | grep -v -E -f '$records/known'"
  check "$1: and its status says the same" test "$status" -eq \
    "$(if grep -q '^not ok ' "$log"; then echo 3; else echo 1; fi)"
}

passes selftest 'the self-test of the guest OS'
passes selftest2 'with two processors'
passes calls 'the CPU model v1'
says calls 'hypercalls are answered, by a port' '^# ok hypercall: the version' '^# ok hypercall: the port is the same call' \
  '^# ok hypercall: one that there is not'
ends dirty 0 'the log of written pages'
check 'dirty: each of its checks' sh -c "[ \"\$(grep -c '^ok ' '$log')\" -eq \"\$(sed -n 's/^1\\.\\.//p' '$log')\" ]"
for word in v00:1 v7f:255 wffffff05:11 k:0 c:0 t:0 p:0 d:5 o:7; do
  ends "ends-${word%:*}" "${word#*:}" 'the status that the bare emulator gives'
done
says ends-t 'the operator hears of the triple fault' 'VM guest is dead: triple fault of vCPU 0'
check 'a flood of output arrives whole' test "$(wc -c <"$records/ends-o.raw")" -ge 300000
ends halted 124 'halted for ever'
ends typed 3 'serial input and output'
check 'byte for byte' sh -c "printf 'Iw\\002\\035\\000\\016\\013' | cmp - '$records/typed.bytes'"
wait_for told
ends rom "$(B=$build tools/hv-run --machine qemu-svm --mem 64M --timeout "$LIMIT" "$TINY/rom.elf" \
  </dev/null >"$records/rom.type1" 2>&1 && echo 0 || echo $?)" 'what firmware leaves: as the Type 1'
for name in $linuxes; do
  ends "$name" 0 'Linux, from its boot to switching itself off'
  says "$name" 'as its own lines say' 'Linux version' 'init: ready' 'reboot: Power down'
done
for n in $vcpus; do
  says "linux$n" 'all processors come up' "smp: Brought up 1 node, $n CPUs"
done
ends button 0 'SIGTERM presses the power button, and the guest switches itself off'
says button 'the guest switched itself off' 'VM guest is off'
check 'button: it was pressed' grep -q '^button: pressed' "$records/button.serial"
ends deaf 143 'a second SIGTERM stops it at once'
check 'deaf: after the first was heard' grep -q '^button: pressed' "$records/deaf.serial"
ends unheard 143 'a guest that does not listen is stopped at once'
says unheard 'and the operator is told' 'does not listen to its power button'
for attempt in open socket mmap-code; do
  ends "attempt-$attempt" 125 'is killed'
  says "attempt-$attempt" 'and the operator is told' 'system call that is not on its list'
  never "attempt-$attempt" 'it does not come back' 'attempt .*: (refused|WORKED)'
done
finish
