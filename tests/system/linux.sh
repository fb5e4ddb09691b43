#!/bin/sh
# tests/system/linux.sh - Debian's kernel, unmodified, with ACPI, APICs and PCI: boots, restarts, ends
#
# CASES: MACHINE:VCPUS..., which tests/long/linux.sh sets to all others.
# A guest with one vCPU counts its time in instructions on QEMU too (Linux with several cannot, not even bare:
# it waits for another CPU in a loop that lets QEMU run no other one).
# shellcheck disable=SC2034
LIMIT=${LIMIT:-800}
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

linux=$build/linux
if [ ! -f "$linux/vmlinuz" ]; then
  skip 'Debian'\''s kernel to a shell' 'it was not fetched: make linux'
  finish
fi
CASES=${CASES:-qemu-svm:2 bochs-vmx:1}

# What each guest is asked.  Quotes keep the echo of a line from being taken for its answer.
asked="uname -a; cat /proc/cpuinfo /proc/interrupts; dmesg -r | grep '^<[0-4]>'; echo asked''-all"

# Bare QEMU is asked once, with as many CPUs as the largest guest: of what it warns, guests may warn too.
most=2
for case in $CASES; do
  [ "${case#*:}" -le "$most" ] || most=${case#*:}
done
cat >"$records/bare.play" <<END
wait init: ready
send
wait / #
send $asked
wait asked-all
send poweroff -f
wait Power down
END
background bare tools/run --machine qemu-bare --cpus "$most" --mem 256 --timeout "$LIMIT" \
  --append console=ttyS0 --module "$linux/initrd.gz" --play "$records/bare.play" "$linux/vmlinuz"

# A reboot is slow on Bochs, and no other one than QEMU's.
for case in $CASES; do
  machine=${case%:*} vcpus=${case#*:} again='' words=''
  # On QEMU any CPU may switch off the nested paging of the first one (docs/found.md), so that runs no guest
  # where there are others.
  case $case in
  qemu-*:1) set -- --cpus 1 --icount ;;
  qemu-*) set -- --cpus $((vcpus + 1)) --opt housekeeping ;;
  *) set -- --cpus "$vcpus" ;;
  esac
  # XSAVEC and XSAVES of Bochs 2.7 write AVX state over the header (tests/system/fpu.sh sees it bare): Linux loses
  # it when a busy process is put aside, and warns of a bad FPU state.
  case $machine in
  bochs-*) words=' clearcpuid=xsavec,xsaves' ;;
  esac
  case $case in
  qemu-*)
    again=$(printf '%s\n' 'expect linux "init: ready" 600' 'expect linux "# " 600')
    ;;
  esac
  start "$machine-$vcpus" "$machine" --mem 512 "$@" --script \
    --module "$linux/vmlinuz name=linux mem=192M cpus=$vcpus net=lan -- console=ttyS0$words" \
    --module "$linux/initrd.gz vm=linux role=initrd" <<END
expect linux "init: ready" 600
expect linux "# " 600
send linux "$asked\\r"
expect linux "asked-all" 600
send linux "${again:+reboot}\\r"
$again
send linux "poweroff\\r"
wait linux ended 600
vm list
quit 0
END
done

# warnings NAME: levels 0 to 4 of its kernel's log, each once, without time and numbers.
warnings()
{
  tr -d '\r' <"$records/$1.log" | sed -n 's/^\(\[linux\] \)\{0,1\}<[0-4]>\[[^]]*\] //p' |
    sed "s/'refined-jiffies' wd_nsec.*/'refined-jiffies' wd_nsec/; s/'tsc-early' cs_nsec.*/'tsc-early' cs_nsec/; s/[0-9]\{1,\}/N/g; s/  */ /g" | sort -u
}

ends bare 0 'bare QEMU boots it as well'
# allowed MACHINE VCPUS: of what its guests may warn.
allowed()
{
  warnings bare
  # On a loaded host an emulator may stop for a while, in the middle of a calibration.
  echo 'tsc: Unable to calibrate against PIT'
  echo 'tsc: HPET/PMTIMER calibration failed'
  echo 'APIC calibration not consistent with PM-Timer: Nms instead of Nms'
  # CPUs that wait for each other while the host runs something else: seen in 3 of 3 runs with two busy
  # processes beside, in none without, and never bare.  One CPU counts instructions, and has no such excuse.
  case $1:$2 in
  qemu-*:1) ;;
  qemu-*)
    echo 'hrtimer: interrupt took N ns'
    # A keyboard's answer that Linux waits for 200 ms and finds afterwards; at a load of 12.
    echo 'atkbd serioN: Spurious ACK on isaN/serioN. Some program might be trying to access hardware directly.'
    ;;
  esac
  case $1 in
  bochs-*) cat "$root/tests/system/linux.known" ;;
  esac
}
for case in $CASES; do
  machine=${case%:*} vcpus=${case#*:}
  name=$machine-$vcpus
  ends "$name" 0 'boots, answers and ends'
  says "$name" 'its kernel uses ACPI, IOAPIC and PCI' '^\[linux\] .*Linux version [0-9]' \
    '^\[linux\] .*ACPI: Core revision' '^\[linux\] .*PCI host bridge to bus 0000:00' \
    '^\[linux\] .*ttyS0 at I/O 0x3f8 \(irq = 4' '^\[linux\] Linux .* x86_64 GNU/Linux' \
    '^\[linux\] vendor_id' '^\[linux\] flags.* fpu.* apic .* sse2 ' 'IO-APIC.*ttyS0' \
    'PCI-MSI.*virtio.*input' 'Local timer interrupts'
  check "$name: it counts $vcpus CPUs" \
    test "$(grep -c '^\[linux\] processor' "$log")" -eq "$vcpus"
  case $machine in
  *-svm)
    says "$name" 'its timer before the local ones is the PIT' 'IO-APIC.*timer'
    ;;
  bochs-vmx)
    says "$name" 'it knows how fast its clocks are, and waits by MWAIT' \
      'tsc: Detected (49|50)\.[0-9]* MHz processor' 'process: using mwait in idle threads'
    ;;
  esac
  allowed "$machine" "$vcpus" >"$records/allowed"
  warnings "$name" | grep -v -x -F -f "$records/allowed" >"$records/complaints"
  # shellcheck disable=SC2016
  check "$name: its kernel warns of nothing that it does not warn of on the bare machine" \
    sh -c '! cat "$1" | grep .' sh "$records/complaints"
  never "$name" 'no stack trace' '^\[linux\].*(Oops|BUG:|WARNING: CPU:|Call Trace|Kernel panic)'
  case $machine in
  qemu-*)
    says "$name" 'reboot starts it anew' 'reboot: machine restart' \
      '^VM linux is off: the guest reset the machine' '^\[linux\] .*Linux version' '^\[linux\] init: ready'
    ;;
  esac
  says "$name" 'poweroff switches it off' 'reboot: Power down' \
    '^VM linux is off: the guest switched the machine off' '^ *1 linux +off'
done
finish
