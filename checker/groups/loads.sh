# shellcheck shell=sh disable=SC2034,SC2154
# Eight workloads of the guest OS, bare and virtual.
# checks: load/* identity/* entries/* clock/*

guests_of_loads()
{
  guest "$1" "$2" 64 bare net=lan "$B/guest-os/guest-os.elf" 'do=loads poweroff quiet'
  dd if=/dev/zero of="$dir/loads.img" bs=65536 count=16 2>/dev/null
  echo "$2|$dir/loads.img" >"$dir/$1.disks"
  run_time=flowing run_count=yes run_seconds=180
}

# Time goes on while a guest waits: a disk of the bare emulator would come too late else.
check_loads()
{
  counts loads-bare loads-virtual || return 0
  bare loads-bare loads
  begin loads-virtual
  guests_of_loads loads-virtual one
  go loads-virtual
  rm -f "$dir/loads.img"
}
