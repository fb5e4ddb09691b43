# shellcheck shell=sh disable=SC2034,SC2154
# Hostile guests beside a neighbour.
# checks: attack/* end/* neighbour/* hypervisor/* outside/*

# ending NAME NUMBER OPTIONS MORE..: a VM that takes itself along
ending()
{
  name=$1 end=$2 options=$3
  shift 3
  guest attack "$name" 16 bare "$options" "$B/checker/hostile.elf" "end=$end $*"
}

check_attack()
{
  begin attack
  guest attack neighbour 64 bare '' "$B/checker/neighbour.elf" "mode=watch seed=$seed"
  ending triple 0 ''
  ending halt 1 ''
  ending jump 2 ''
  ending lostcr3 3 ''
  ending wild 4 strict=1
  ending lostidt 5 ''
  ending initself 6 ''
  ending jumpdev 7 ''
  ending loststack 8 ''
  for n in 1 2 3 4; do
    ending "fuzz$n" 9 '' "seed=$seed$n n=20000"
  done
  guest attack hostile 64 bare '' "$B/checker/hostile.elf" "attack=all seed=$seed period=$platform_storm"
  guest attack caller 16 v1 '' "$B/checker/hostile.elf" "attack=hypercalls seed=$seed"
  {
    for vm in hostile caller triple halt wild lostcr3 lostidt loststack jump jumpdev; do
      echo "wait $vm 300"
    done
    for vm in fuzz1 fuzz2 fuzz3 fuzz4 initself; do
      echo "kill $vm"
    done
    echo 'type neighbour q'
    echo 'wait neighbour 120'
    echo report
  } | steps attack
  run_cpus=2 run_seconds=400 run_ram=yes run_roots=yes
  go attack
}
