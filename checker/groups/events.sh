# shellcheck shell=sh disable=SC2034,SC2154
# Which event comes first, and what interrupts it; hardware task switches: the manual, bare, virtual.
# checks: events/*

# Counted, not timed.
guests_of_events()
{
  guest "$1" "$2" 256 bare '' "$B/events/events.elf" "records=yes seed=$seed"
  run_time=counted
}

# Bochs 2.7 ends itself when a guest in virtual-8086 mode exits to AMD-V (docs/emulators.md).
guests_of_tasks()
{
  case ${platform_machine:-} in
  bochs-svm | bochs-bare-svm) tasks_words=no-v86 ;;
  *) tasks_words='' ;;
  esac
  guest "$1" "$2" 32 bare '' "$B/task/task.elf" "$tasks_words"
  run_time=counted
}

check_events()
{
  for events_of in events tasks; do
    bare "$events_of-bare" "$events_of"
    begin "$events_of-virtual"
    "guests_of_$events_of" "$events_of-virtual" one
    run_seconds=240
    go "$events_of-virtual"
  done
}
