# shellcheck shell=sh disable=SC2034,SC2154
# Is memory cleared before it has another owner?  Is a machine that was reset as it was at first?
# checks: reuse/*

# The second machine gets the memory of the first.
check_reuse()
{
  begin reuse
  guest reuse reuse 32 bare '' "$B/checker/neighbour.elf" "mode=reuse seed=$seed"
  steps reuse <<'END'
wait reuse 60
start reuse
wait reuse 60
report
END
  go reuse
  begin afresh
  guest afresh afresh 8 bare '' "$B/checker/neighbour.elf" "mode=afresh seed=$seed"
  run_seconds=30
  go afresh
}
