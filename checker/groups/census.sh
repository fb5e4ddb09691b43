# shellcheck shell=sh disable=SC2034,SC2154
# What an instruction does, bare and virtual.
# checks: census/*

guests_of_census() { guest "$1" "$2" 64 bare '' "$B/checker/census.elf" "where=${1#census-} seed=$seed"; }

check_census()
{
  bare census-bare census
  begin census-virtual
  guests_of_census census-virtual one
  go census-virtual
}
