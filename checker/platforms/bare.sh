# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# What bare platforms have in common: the first guest is the machine's kernel.
#
# They are what others are compared with; judged themselves, they are compared with themselves, so that
# only the manual's column is left: what the emulator does otherwise.
platform_bare=$platform_machine
platform_image=/dev/null
platform_slice=10000000
platform_storm=2
platform_limits=

# Why a run cannot be made without a hypervisor; nothing: it can.
bare_refuses()
{
  case $1 in
  *-bare) ;; # a reference
  cost-virtual | accounts | share-* | loads-*) echo 'no hypervisor whose cost or shares could be measured' ;;
  selftest-*) echo 'it would be compared with itself: the self-test has no column for the manual' ;;
  *) [ "$(wc -l <"$dir/$1.guests")$(wc -c <"$dir/$1.steps")" = 10 ] || echo 'no hypervisor: one kernel, no operator' ;;
  esac
}

platform_run()
{
  run=$1
  why=$(bare_refuses "$run")
  if [ -n "$why" ]; then
    echo "skip $run $why" >>"$dir/info"
    return
  fi
  IFS='|' read -r name mem model options file cmdline <"$dir/$run.guests"
  # A kernel told that it is a guest would try what hangs the emulator.
  case $cmdline in
  *where=virtual*) cmdline="${cmdline%%where=virtual*}where=bare${cmdline#*where=virtual}" ;;
  esac
  set -- --machine "$platform_machine" --mem 128 --timeout "$run_seconds" --append "$cmdline"
  case $options in
  *cpus=*)
    cpus=${options##*cpus=}
    set -- "$@" --cpus "${cpus%% *}"
    ;;
  esac
  case $run_time:$platform_can in
  counted:*icount*) set -- "$@" --icount ;;
  flowing:*icount*) set -- "$@" --qemu -icount --qemu shift=0,sleep=on ;;
  esac
  case $run_count:$platform_can in
  yes:*count*) set -- "$@" --count "$dir/$run.count" --marks "$dir/$run.marks" ;;
  esac
  [ ! -s "$dir/$run.disks" ] || case $platform_can in
  *icount*)
    set -- "$@" --qemu -drive --qemu "file=$(cut -d'|' -f2 "$dir/$run.disks"),if=none,id=disk,format=raw" \
      --qemu -device --qemu virtio-blk-pci,drive=disk,disable-legacy=on
    ;;
  esac
  case $options:$platform_can in
  *net=*:*icount*)
    set -- "$@" --qemu -netdev --qemu user,id=net,restrict=on \
      --qemu -device --qemu virtio-net-pci,netdev=net,disable-legacy=on
    ;;
  esac
  status=0
  "$tools/run" "$@" "$file" </dev/null >"$dir/$run.out" 2>"$dir/$run.err" || status=$?
  # A run that is judged has a line's speaker before each, as a hypervisor says it.
  case $run in
  *-bare) ;;
  *) sed "s/^/[$name] /" "$dir/$run.out" >"$dir/$run.new" && mv "$dir/$run.new" "$dir/$run.out" ;;
  esac
  return "$status"
}

platform_facts() { :; }
