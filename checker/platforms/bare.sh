# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# What bare platforms have in common: the first guest is the machine's kernel.
platform_run()
{
  IFS='|' read -r name mem model options file cmdline <"$dir/$1.guests"
  set -- "$1" --machine "$platform_machine" --mem 128 --timeout "$run_seconds" --append "$cmdline"
  run=$1
  shift
  case $run_time$platform_can in
  countedicount) set -- "$@" --icount ;;
  esac
  "$tools/run" "$@" "$file" </dev/null >"$dir/$run.out" 2>"$dir/$run.err"
}

platform_facts() { :; }
