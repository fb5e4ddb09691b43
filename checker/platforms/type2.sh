# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Espejo as a Linux process (build/espejo-vm), on Linux's KVM on QEMU's emulated AMD-V.
# needs: linux/vmlinuz make linux
# needs: espejo-vm make espejo-vm
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
touch 6000000'
platform_cannot='end/wild espejo-vm has no option strict
attack/xcr0 there is no XSAVE
streams/* there is no XSAVE, which the streams want'

linux_command()
{
  printf '%s\n' /espejo-vm --verbose --mem "$2M" --cpus "$(linux_cpus "$4")" --cpu "$3" --append "$6" "$5"
}

linux_base()
{
  linux_program "$B/espejo-vm" espejo-vm | linux_archive >"$linux_base"
}

. "$checker/platforms/linux.sh"
