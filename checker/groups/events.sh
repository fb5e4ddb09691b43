# shellcheck shell=sh disable=SC2034,SC2154
# Which event comes first, and what interrupts it: the manual, bare, virtual.
# checks: events/*

# Counted, not timed.
guests_of_events()
{
  guest "$1" "$2" 64 bare '' "$B/events/events.elf" "records=yes seed=$seed"
  run_time=counted
}

check_events()
{
  bare events-bare events
  begin events-virtual
  guests_of_events events-virtual one
  run_seconds=240
  go events-virtual
}
