# shellcheck shell=sh disable=SC2034,SC2154
# What a machine takes of its host: memory, and references of a page walk.
# checks: memory/* walk/*

footprint_guests()
{
  guest footprint killed 8 bare cpus=2 "$B/checker/neighbour.elf" "mode=spin seed=$seed"
  guest footprint one 8 bare '' "$B/checker/neighbour.elf" "mode=reuse seed=$seed"
  guest footprint paged 16 bare '' "$B/checker/probe.elf" work=walk
  guest footprint small 8 bare '' "$B/checker/neighbour.elf" "mode=reuse seed=$seed"
  guest footprint two 8 bare cpus=2 "$B/checker/neighbour.elf" "mode=reuse seed=$seed"
  guest footprint big 40 bare '' "$B/checker/neighbour.elf" "mode=reuse seed=$seed"
  guest footprint lives 16 bare 'cpus=2 net=lan' "$B/guest-os/guest-os.elf" \
    'do=loads,disk,network,syscall poweroff quiet'
  dd if=/dev/zero of="$dir/footprint.img" bs=65536 count=16 2>/dev/null
  echo "lives|$dir/footprint.img" >"$dir/footprint.disks"
}

# Three lives of "lives", which end by themselves, and three of "killed", which do not.
footprint_steps()
{
  printf '%s\n' 'sleep 100' 'kill killed'
  for vm in one paged small two big lives; do
    echo "wait $vm 120"
  done
  printf '%s\n' report 'delete small' report 'delete two' report 'delete big' report
  for life in 2 3; do
    printf '%s\n' 'start lives' 'wait lives 120' report
  done
  for life in 2 3; do
    printf '%s\n' 'start killed' 'sleep 50' 'kill killed' report
  done
  printf '%s\n' 'dump one' 'dump paged'
}

# Machines that differ in one thing each, all of whose RAM is touched, and two that are born and die again and again.
# The judge knows them by name (judge_footprint.c): "two" has one CPU more, "big" 32 MiB more than "small".
check_footprint()
{
  case " $platform_can " in
  *" memory "*) ;;
  *)
    echo "skip footprint the hypervisor tells nothing of its memory here" >>"$dir/info"
    return
    ;;
  esac
  begin footprint
  footprint_guests
  footprint_steps | steps footprint
  run_time=counted run_seconds=240 run_ram=yes
  go footprint
  rm -f "$dir/footprint.img"
}
