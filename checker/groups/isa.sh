# shellcheck shell=sh disable=SC2034,SC2154
# What each instruction form does in each mode, bare and virtual.
# checks: isa/*

# isa_modes: a mask of enum isa_mode (isa/tokens.h)
guests_of_isa() { guest "$1" "$2" 64 bare '' "$B/checker/isa.elf" "where=${1#isa-} modes=$isa_modes"; }

check_isa()
{
  isa_modes=0xff
  # Bochs 2.7 ends itself when a guest in virtual-8086 mode exits to an AMD-V hypervisor (docs/emulators.md).
  case ${platform_machine:-} in
  bochs-svm) isa_modes=0x7f ;;
  esac
  bare isa-bare isa
  begin isa-virtual
  guests_of_isa isa-virtual one
  run_seconds=240
  go isa-virtual
}
