# shellcheck shell=sh disable=SC2034,SC2154
# Does each of two guests on one CPU find everything as it was?
# checks: switch/* pause/*

# Two of a kind on one CPU: what is one's is not the other's, in no bit (REGISTERS_INVERSE), nor does it meet the
# other's breakpoint (REGISTERS_ARMED), but where a platform says why it must.  4 MiB are soon filled, and a second has
# many turns.
check_switch()
{
  flags=c
  [ -z "${platform_stray_breakpoints:-}" ] || flags=8
  switch_inverse=$(printf '0x%s%015x' "$flags" "$seed")
  begin switch
  guest switch one 4 bare '' "$B/checker/neighbour.elf" "mode=watch seed=$seed"
  guest switch two 4 bare '' "$B/checker/neighbour.elf" "mode=watch seed=$switch_inverse"
  steps switch <<'END'
sleep 1000
type one q
wait one 60
type two q
wait two 60
report
END
  go switch
  case " $platform_can " in
  *" pause "*) check_pause ;;
  *) echo "skip pause this platform cannot hold a machine" >>"$dir/info" ;;
  esac
}

# Two that count by all their clocks; one is held for a while.  75 ms are no multiple of what a PIT counts in one round.
check_pause()
{
  begin pause
  guest pause held 4 bare '' "$B/checker/neighbour.elf" "mode=clock seed=$seed"
  guest pause witness 4 bare '' "$B/checker/neighbour.elf" "mode=clock seed=$seed"
  steps pause <<'END'
sleep 60
pause held
report
sleep 75
resume held
sleep 30
type held q
wait held 60
type witness q
wait witness 60
report
start witness
sleep 25
type witness q
wait witness 60
END
  run_time=counted
  go pause
}
