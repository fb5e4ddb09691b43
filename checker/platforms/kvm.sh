# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Debian's QEMU on Linux's KVM, on QEMU's emulated AMD-V.
# needs: linux/vmlinuz make linux
platform_title='Linux KVM with QEMU, on AMD-V'
linux_mem=1400
linux_base=$B/check/kvm.cpio
platform_limits='cpuid 5000
vmmcall 5000
rdmsr 6000
out 9000
in 9000
mmio 9000
touch 6000000'
linux_no_attack='the QEMU beneath ends itself by an assertion (docs/found.md); PEERS_TRY=1 tries'
platform_cannot='end/wild QEMU has no option strict: a store outside memory is dropped
reuse/cleared the firmware of the same guest has used its memory before
attack/xcr0 there is no XSAVE
streams/* there is no XSAVE, which the streams want'
# What is known to fail with another: the reason for this one is in docs/found.md.
: "${KVM_CPU:=host,-svm,-xsave}"
linux_command()
{
  printf '%s\n' /usr/bin/qemu-system-x86_64 -L /usr/share/qemu -nodefaults -no-user-config -M pc \
    -accel kvm -cpu "$KVM_CPU" -smp "$(linux_cpus "$4")" -m "$2" -display none -vga std -no-reboot \
    -device isa-debug-exit,iobase=0xf4,iosize=4 \
    -chardev socket,id=monitor,fd=3 -mon chardev=monitor,mode=readline \
    -chardev stdio,signal=off,id=line -serial chardev:line -kernel "$5" -append "$6"
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
  {
    linux_program "$qemu" usr/bin/qemu-system-x86_64
    for file in bios-256k.bin vgabios-stdvga.bin kvmvapic.bin multiboot_dma.bin; do
      kvm_firmware "$file"
    done
  } | linux_archive >"$linux_base"
}

. "$checker/platforms/linux.sh"
