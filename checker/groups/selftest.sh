# shellcheck shell=sh disable=SC2034,SC2154
# The guest OS goes through its self-test, bare and virtual.
# checks: selftest/*

guests_of_selftest() { guest "$1" "$2" 64 bare '' "$B/guest-os/guest-os.elf" selftest; }

check_selftest()
{
  bare selftest-bare selftest
  begin selftest-virtual
  guests_of_selftest selftest-virtual one
  run_seconds=180
  go selftest-virtual
}
