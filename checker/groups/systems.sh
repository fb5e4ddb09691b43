# shellcheck shell=sh disable=SC2034,SC2154
# What the system parts of a CPU do: the manual, bare, virtual.
# checks: systems/*

# Bochs 2.7 ends itself when a guest in virtual-8086 mode exits to AMD-V (docs/emulators.md).
guests_of_systems()
{
  systems_words="where=${1#systems-} seed=$seed scale=${SYSTEMS_SCALE:-100}"
  case ${platform_machine:-} in
  bochs-svm | bochs-bare-svm) systems_words="$systems_words v86=no" ;;
  esac
  guest "$1" "$2" 64 bare '' "$B/checker/systems.elf" "$systems_words"
}

check_systems()
{
  bare systems-bare systems
  begin systems-virtual
  guests_of_systems systems-virtual one
  run_seconds=240
  go systems-virtual
}
