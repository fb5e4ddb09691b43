# shellcheck shell=sh disable=SC2034,SC2154
# What a neighbour loses to the guest beside it.
# checks: share/*

share_beside()
{
  begin "share-$1"
  guest "share-$1" neighbour 16 bare '' "$B/checker/neighbour.elf" \
    "mode=share seed=$seed slice=$platform_slice"
  guest "share-$1" other 16 bare '' "$B/checker/$2.elf" "$3 seed=$seed"
  run_time=counted run_seconds=60 run_until='@[0-9a-f]* share count'
  go "share-$1"
}

check_share()
{
  counts share-idle share-spin share-storm share-reset || return 0
  share_beside idle neighbour mode=idle
  share_beside spin neighbour mode=spin
  share_beside storm hostile "attack=storm period=$platform_storm scale=${platform_scale:-5}"
  # One that resets its machine for ever; ATTACKS=all: one whose every instruction faults.
  share_beside reset hostile end=10
  case ${ATTACKS:-} in
  all) share_beside stall hostile end=12 ;;
  esac
}
