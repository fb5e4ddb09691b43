# shellcheck shell=sh disable=SC2034,SC2154
# Several CPUs: how they start, what they send each other, what they see of each other's stores.
# checks: smp/*

guests_of_smp()
{
  guest "$1" "$2" 64 bare cpus=2 "$B/checker/smp.elf" \
    "where=${1#smp-} seed=$seed rounds=${SMP_ROUNDS:-0}"
  run_cpus=2 run_time=parallel
}

check_smp()
{
  bare smp-bare smp
  begin smp-virtual
  guests_of_smp smp-virtual one
  run_seconds=240
  go smp-virtual
}
