# shellcheck shell=sh disable=SC2034,SC2154
# Hostile guests beside a neighbour.
# checks: attack/* end/* neighbour/* hypervisor/* outside/*

# ending NAME NUMBER OPTIONS MORE..: a VM that takes itself along
ending()
{
  name=$1 end=$2 options=$3
  shift 3
  guest attack "$name" 8 bare "$options" "$B/checker/hostile.elf" "end=$end $*"
}

# Those that soon end by themselves, and those that never do.
mortal='triple halt wild lostcr3 lostidt loststack jump jumpdev tangle'
immortal='reset endlesspf wbinvd tasks endlessac hog caching'

start_ends()
{
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
  ending reset 10 ''
  ending endlesspf 12 ''
  ending wbinvd 13 ''
  ending tasks 14 ''
  ending tangle 15 ''
  ending endlessac 16 ''
  ending hog 17 ''
  ending caching 18 ''
  ending racer 19 cpus=2
  # Where the hypervisor is known to take its machine along, platform_cannot says so.
  case " ${platform_deadly:-} " in
  *' endlessdb '*) ;;
  *)
    ending endlessdb 11 ''
    immortal="$immortal endlessdb"
    ;;
  esac
}

# A machine with a disk and a network, if the platform has them; 128 sectors.
start_bomber()
{
  case " $platform_can " in
  *" disks "*) ;;
  *) return 0 ;;
  esac
  head -c 65536 /dev/zero >"$dir/attack.disk"
  guest attack bomber 16 bare 'cpus=2 net=bombs' "$B/checker/hostile.elf" "attack=bombs seed=$seed scale=$races"
  echo "bomber|$dir/attack.disk" >"$dir/attack.disks"
  attackers="$attackers bomber"
  # On the same wire: sends back what it hears, for ever.
  guest attack mirror 8 bare net=bombs "$B/checker/hostile.elf" attack=mirror
  mirrors=mirror
}

check_attack()
{
  # Of what is alike, so many in a hundred; ATTACKS=all tries all of it.
  scale=${platform_scale:-5} races=20 pages=some attackers='hostile caller' mirrors=
  case ${ATTACKS:-} in
  all) scale=100 races=100 pages=all ;;
  esac
  begin attack
  guest attack neighbour 64 bare '' "$B/checker/neighbour.elf" "mode=watch seed=$seed"
  start_ends
  guest attack hostile 72 bare '' "$B/checker/hostile.elf" \
    "attack=all seed=$seed period=$platform_storm scale=$scale pages=$pages"
  guest attack caller 16 v1 '' "$B/checker/hostile.elf" "attack=calls seed=$seed scale=$scale"
  start_bomber
  {
    for vm in $mortal; do
      echo "wait $vm 600"
    done
    # Until each of the others has begun what it does for ever.
    echo 'sleep 2000'
    for vm in $immortal; do
      echo "kill $vm"
    done
    for vm in racer $attackers; do
      echo "wait $vm 600"
    done
    for vm in fuzz1 fuzz2 fuzz3 fuzz4 initself $mirrors; do
      echo "kill $vm"
    done
    echo 'type neighbour q'
    echo 'wait neighbour 120'
    echo report
  } | steps attack
  run_cpus=2 run_seconds=900 run_ram=yes
  # Where its nested tables are matters only to who sees the memory.
  case " $platform_can " in
  *" ram "*) run_roots=yes ;;
  esac
  go attack
  rm -f "$dir/attack.disk"
}
