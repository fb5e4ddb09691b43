# shellcheck shell=sh disable=SC2034,SC2154
# What a neighbour loses to the guest beside it; shares against weights.
# checks: share/* weight/*

share_beside()
{
  begin "share-$1"
  guest "share-$1" neighbour 16 bare '' "$B/checker/neighbour.elf" \
    "mode=share seed=$seed slice=$platform_slice"
  guest "share-$1" other 16 bare '' "$B/checker/$2.elf" "$3 seed=$seed"
  run_time=counted run_seconds=60 run_until='@[0-9a-f]* shared'
  go "share-$1"
}

# weighed NAME WEIGHT REST: a guest that measures its share, tells it so many rounds later, and stays.  A "slice" is a
# round of all here.
weighed()
{
  guest share-weights "$1" 8 bare "weight=$2" "$B/checker/neighbour.elf" \
    "mode=share after=spin seed=$seed rounds=4 rest=$3 slice=$((platform_slice * 7 * least / 100))"
  echo "weight $1 $2" >>"$dir/info"
}

# Weights 1, 2 and 4 on one CPU.  A turn of the lightest is long against what a switch takes.  Nobody tells anything
# while others measure: who waits for a slow line gives his turn to others.  On Bochs all is over in less than a second, when
# the watch for silent guests looks: whoever runs then loses the rest of his turn.
share_weights()
{
  case " $platform_can " in
  *" weights "*) ;;
  *)
    echo "skip share-weights guests have no weights here" >>"$dir/info"
    return
    ;;
  esac
  least=${platform_weight:-25}
  begin share-weights
  weighed light "$least" 2
  weighed middle $((2 * least)) 3
  weighed heavy $((4 * least)) 4
  run_time=counted run_seconds=60 run_until='heavy. @[0-9a-f]* shared'
  go share-weights
}

check_share()
{
  counts share-idle share-spin share-storm share-reset share-weights || return 0
  share_beside idle neighbour mode=idle
  share_beside spin neighbour mode=spin
  share_beside storm hostile "attack=storm period=$platform_storm scale=${platform_scale:-5}"
  # One that resets its machine for ever; ATTACKS=all: one whose every instruction faults.
  share_beside reset hostile end=10
  share_weights
  case ${ATTACKS:-} in
  all) share_beside stall hostile end=12 ;;
  esac
}
