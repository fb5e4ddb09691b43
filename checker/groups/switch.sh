# shellcheck shell=sh disable=SC2034,SC2154
# Does each of two guests on one CPU find everything as it was?
# checks: switch/*

# Two of a kind on one CPU: what is one's is not the other's.  4 MiB are soon filled, and a second has many turns.
check_switch()
{
  begin switch
  guest switch one 4 bare '' "$B/checker/neighbour.elf" "mode=watch seed=$seed"
  guest switch two 4 bare '' "$B/checker/neighbour.elf" "mode=watch seed=${seed}7"
  steps switch <<'END'
sleep 1000
type one q
wait one 60
type two q
wait two 60
report
END
  go switch
}
