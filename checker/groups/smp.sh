# shellcheck shell=sh disable=SC2034,SC2154
# Several CPUs: how they start, what they send each other, what they see of each other's stores.
# checks: smp/*

guests_of_smp()
{
  guest "$1" "$2" 64 bare cpus=4 "$B/checker/smp.elf" \
    "where=${1#smp-} seed=$seed cpus=4 rounds=${SMP_ROUNDS:-0}"
  run_cpus=4 run_time=parallel
}

check_smp()
{
  bare smp-bare smp
  begin smp-virtual
  guests_of_smp smp-virtual one
  # More virtual CPUs than CPUs: four that wait for each other cost a busy host much.
  run_cpus=${SMP_CPUS:-2} run_seconds=240
  go smp-virtual
}
