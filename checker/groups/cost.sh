# shellcheck shell=sh disable=SC2034,SC2154
# What a thing costs, bare and virtual; how late a timer wakes a guest.
# checks: cost/* ratio/* exits/* accounts/* wake/*

# A timer is set for times up to a sixth of a turn of the CPU.
guests_of_cost()
{
  guest "$1" "$2" 64 v1 '' "$B/checker/probe.elf" "work=all n=${cost_n:-0} span=$((platform_slice / 6)) seed=$seed"
}

# Beside one that wants all of the CPU, for times up to more than a turn; where somebody promises something.
wake_busy()
{
  case $platform_limits in
  *wake.beside-busy*) ;;
  *) return 0 ;;
  esac
  begin wake-busy
  guest wake-busy one 8 v1 '' "$B/checker/probe.elf" "work=wake wakes=12 span=$((platform_slice * 8 / 5)) seed=$seed"
  guest wake-busy busy 8 v1 '' "$B/checker/neighbour.elf" "mode=spin seed=$seed"
  run_time=counted run_seconds=60 run_until='one. @[0-9a-f]* end'
  go wake-busy
}

# Twice: without a script, so that nothing ticks; and with one, which asks for the accounts at the end.
check_cost()
{
  counts cost-bare accounts wake-busy || return 0
  bare cost-bare cost
  begin cost-virtual
  guests_of_cost cost-virtual one
  run_time=counted run_log=yes run_seconds=180
  go cost-virtual
  echo "slice $platform_slice" >>"$dir/info"
  begin accounts
  cost_n=300
  guests_of_cost accounts one
  cost_n=''
  run_time=counted run_log=yes run_seconds=180
  steps accounts <<'END'
wait one 120
report
END
  go accounts
  wake_busy
}
