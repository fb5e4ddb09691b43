# shellcheck shell=sh disable=SC2034,SC2154
# What a thing costs, bare and virtual.
# checks: cost/* ratio/* exits/* accounts/*

guests_of_cost() { guest "$1" "$2" 64 v1 '' "$B/checker/probe.elf" "work=all n=${cost_n:-0}"; }

# Twice: without a script, so that nothing ticks; and with one, which asks for the accounts at the end.
check_cost()
{
  counts cost-bare accounts || return 0
  bare cost-bare cost
  begin cost-virtual
  guests_of_cost cost-virtual one
  run_time=counted run_log=yes run_seconds=180
  go cost-virtual
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
}
