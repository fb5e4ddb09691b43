# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Debian's QEMU on Linux's KVM, on QEMU's emulated AMD-V.
# needs: linux/vmlinuz make linux
# needs: checker/peers-init make peers-tools
platform_title='Linux KVM with QEMU, on AMD-V'
linux_mem=1400
linux_base=$B/check/kvm.cpio
platform_limits='cpuid 5000
vmmcall 5000
rdmsr 6000
out 9000
in 9000
mmio 9000
touch 6000000
load.cpu 1.01
load.memory 1.01
load.syscall 1.01
load.fault 1.01
load.switch 15
load.timer 33
load.disk 33
load.network 33'
linux_no_attack="KVM ends the attacker early, and the QEMU beneath itself by an assertion (docs/found.md); PEERS_TRY=1 tries"
linux_no_systems="QEMU beneath ends with \"invalid tss type\" in 32-bit user code, TR holding a busy TSS (docs/found.md); PEERS_TRY=1 tries"
# KVM ends the guest at SYSENTER in 64-bit mode at CPL 0, and repeats VMCALL in real mode for ever (docs/found.md): all
# modes but these.
linux_avoid=${KVM_AVOID-SYSENTER:0xfe VMCALL:0xbf}
platform_cannot='census/mwait.[me]* KVM shows its guests no MONITOR
  smp/mwait*
end/endlessdb QEMU itself ends at a #DB in the delivery of #DB
end/wild QEMU has no option strict: a store outside memory is dropped
reuse/cleared the firmware of the same guest has used its memory before
reuse/afresh this QEMU is told to end where the machine is reset
streams/* there is no XSAVE, which the streams want'
# What is known to fail with another: the reason for this one is in docs/found.md.
: "${KVM_CPU:=host,-svm,-xsave,-avx,-avx2,-fma,-f16c,-vaes,-vpclmulqdq}"
linux_command()
{
  printf '%s\n' /usr/bin/qemu-system-x86_64 -L /usr/share/qemu -nodefaults -no-user-config -M pc \
    -accel kvm -cpu "$KVM_CPU" -smp "$(linux_cpus "$4")" -m "$2" -display none -vga std -no-reboot \
    -device isa-debug-exit,iobase=0xf4,iosize=4 \
    -chardev socket,id=monitor,fd=3 -mon chardev=monitor,mode=readline \
    -chardev stdio,signal=off,id=line -serial chardev:line -kernel "$5" -append "$6"
  [ -z "$7" ] || printf '%s\n' -drive "file=$7,if=none,id=disk,format=raw" \
    -device virtio-blk-pci,drive=disk,disable-legacy=on
  case " $4 " in
  *' net='*) printf '%s\n' -netdev user,id=net,restrict=on \
    -device virtio-net-pci,netdev=net,disable-legacy=on,romfile= ;;
  esac
}

kvm_firmware()
{
  for folder in /usr/share/seabios /usr/share/qemu; do
    [ ! -f "$folder/$1" ] || {
      echo "$folder/$1 usr/share/qemu/$1"
      return
    }
  done
  die "QEMU's $1 is missing"
}

linux_base()
{
  qemu=$(command -v qemu-system-x86_64)
  [ ! -s "$linux_base" ] || [ -n "$(find "$qemu" "$checker/platforms/kvm.sh" -newer "$linux_base")" ] ||
    return 0
  new=$(mktemp "$linux_base.XXXXXX") || return
  {
    linux_program "$qemu" usr/bin/qemu-system-x86_64
    for file in bios-256k.bin vgabios-stdvga.bin kvmvapic.bin multiboot_dma.bin; do
      kvm_firmware "$file"
    done
  } | linux_archive >"$new" && mv "$new" "$linux_base"
}

. "$checker/platforms/linux.sh"
. "$checker/platforms/qemu-chips.sh"
# PIT, PIC and APICs are KVM's, and do what QEMU's do and more; the others are QEMU's.
platform_known="$platform_known
isa/SYSENTER KVM ends the guest at it in 64-bit mode at CPL 0: not run there
census/call.vmcall a hypercall to KVM, which makes VMMCALL of it
census/cpuid.7.edx see census/cpuid.1.ecx
census/pic.irr.none an edge's request stays when its line falls
census/pic.poll the answer to a poll has no bit 7, and a poll ends what it acknowledges
  census/pic.poll.cascade census/pic.poll.slave census/pic.poll.data census/pic.isr census/pic.isr.two
  census/pic.isr.slave census/pic.again census/pic.nested census/pic.read.stays census/pic.eoi.specific
  census/pic.special-mask census/pic.rotate.specific census/pic.lowest.1 census/pic.auto-eoi.poll
  census/pic.auto-eoi.fixed census/pic.auto-eoi.rotates census/pic.level.poll census/pic.level.still
  census/pic.edge.poll
census/pit.gate.holds channel 2 counts in mode 0 though its gate is closed
  census/pit.bcd census/pit.low-byte census/pit.high-byte census/pit.read-back.count census/pit.latch.both
census/pit.mode0.stops the first byte of two does not stop the count
census/lapic.tpr the lower four bits are lost: KVM takes the TPR from CR8
census/lapic.esr.vector no illegal vector is noted
census/lapic.off.[dilst]* an APIC that is switched off and on again has its old registers
census/ioapic.level.masked the request that lapic.off.irr left
census/lapic.to.flat of an LDR with two bits only the lower one is an address (inferred)
census/ioapic.to.lowest see lapic.to.flat
census/uart.error.behind QEMU's UART has no LSR 7, and no break by the loop
  census/uart.error.oldest
census/pci.shadow two wrong accesses in each area whose rights change; not looked into
share/storm KVM gave the storm's guest up, amid odd page tables: see attack
share/speed see share/storm
events/step-rep-outs see step-rep-ins
events/apic-timer-masked the count reads 0 before KVM's timer has ended, so that it is unmasked too early (inferred)
events/pic-mask-keeps KVM's PIT ticks again only behind an EOI of the last tick, or as IRQ 0 is unmasked (inferred)
  events/fresh-stack-irq
events/task-an-interrupt-through-a-task-gate.[23] a second tick: census/pic.irr.none (inferred)
census/lapic.ppr.alike KVM on AMD-V keeps the class of the TPR only, what V_TPR has room for (inferred)
  census/lapic.ppr.above
census/pic.edge.fell KVM's 8259 keeps a request whose edge fell, as QEMU's does (inferred)
smp/four.lowest KVM does not look at the TPR for the lowest priority, but chooses in turn (inferred)
$qemu_chips"
