# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Espejo as a Linux process (build/espejo-vm), on Linux's KVM on QEMU's emulated AMD-V.
# needs: linux/vmlinuz make linux
# needs: espejo-vm make espejo-vm
# needs: checker/peers-init make peers-tools
platform_title='Espejo Type 2, KVM on AMD-V'
linux_mem=160
linux_base=$B/check/type2.cpio
# Wide: KVM decodes in software where the CPU has no NRIP save (docs/emulators.md), and ports are a process's.
platform_limits='cpuid 5000
vmmcall 5000
rdmsr 8000
out 8000
in 8000
mmio 12000
touch 6000000
load.cpu 1.01
load.memory 1.01
load.syscall 1.01
load.fault 1.01
load.switch 15
load.timer 33
load.disk 33
load.network 33'
platform_cannot='census/mwait.[me]* KVM shows its guests no MONITOR
  smp/mwait*
end/endlessdb QEMU itself ends at a #DB in the delivery of #DB
end/wild espejo-vm has no option strict
streams/* there is no XSAVE, which the streams want
attack/net-wire nobody is at the other end of the cable
census/virtio.console.? espejo-vm lets its guest be heard by the serial line only
  census/virtio.console.emergency
systems/paging.*key-* KVM without XSAVE has no protection keys
  systems/msr.pkrs
systems/xsave.* there is no XSAVE'

# The cable of peers/init.c, at whose end is nobody.
linux_net()
{
  case " $1 " in
  *' net='*) printf '%s\n' --net fd=4 ;;
  esac
}

linux_command()
{
  printf '%s\n' /espejo-vm --verbose --mem "$2M" --cpus "$(linux_cpus "$4")" --cpu "$3"
  linux_net "$4"
  [ -z "$7" ] || printf '%s\n' --disk "$7"
  printf '%s\n' --append "$6" "$5"
}

linux_base()
{
  new=$(mktemp "$linux_base.XXXXXX") || return
  linux_program "$B/espejo-vm" espejo-vm | linux_archive >"$new" && mv "$new" "$linux_base"
}

. "$checker/platforms/linux.sh"
platform_known="$platform_known
attack/hypercalls a hypercall to KVM, which the guest's CPUID announces
systems/complete.systems the sum lacks the cases of protection keys and XSAVE (seed 1: 18,531), and no others
systems/paging.pae KVM walks by PDPTEs of long ago, since QEMU sets their A bit, which KVM takes for reserved (docs/emulators.md)
  systems/paging.pae.wp systems/paging.pae.smep systems/paging.pae.wp.smep systems/paging.pae.smap
  systems/paging.pae.wp.smap systems/paging.pae.smep.smap systems/paging.pae.wp.smep.smap systems/paging.pae.nxe.smep
  systems/paging.pae.nxe.wp.smep systems/paging.pae.nxe.smap systems/paging.pae.nxe.wp.smap
  systems/paging.pae.nxe.smep.smap systems/paging.pae.nxe.wp.smep.smap
systems/exception.64.absent.14 QEMU does not merge an injected #PF and the fault of its delivery to #DF (docs/emulators.md)
  systems/exception.64.bad-selector.14 systems/exception.64.null-selector.14 systems/exception.64.ist.absent.14
  systems/exception.32.kernel.absent.14
systems/control.cr0.illegal census/cr?.high says why
systems/control.cr4.illegal census/cr?.high says why; and KVM takes VME and PVI though CPUID shows no VME
systems/msr.halves QEMU misses the intercept of an MSR below 2000h where RCX has an upper half, and reads the host's
  attack/msr-halves-low"
