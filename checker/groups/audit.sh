# shellcheck shell=sh disable=SC2034,SC2154
# Control blocks and nested tables, audited at each entry by another build of the hypervisor.
# checks: audit/*
#
# The image is $B/audit/espejo.elf (hv/audit/audit.h), which says at its end how often it looked at each rule.  The
# judge wants a least number of entries of each run, and of those by the short way out of a shadow:
# "audit RUN ENTRIES [SHORT]".  Not a part of the quick check.

# For streams_manners: what the probe is told of the emulator.
# shellcheck disable=SC1091
. "$checker/groups/streams.sh"

# AUDIT_RUNS   some of: selftest census streams lives bombs (all)
: "${AUDIT_RUNS:=selftest census streams lives bombs}"

# audited RUN LEAST [SHORT]: the run, on the other image
audited()
{
  echo "audit $1 $2 ${3:-0}" >>"$dir/info"
  go "$1"
}

audit_selftest()
{
  begin audit-selftest
  guest audit-selftest one 64 bare cpus=2 "$B/guest-os/guest-os.elf" selftest
  run_cpus=2 run_seconds=300
  audited audit-selftest 6000
}

audit_census()
{
  begin audit-census
  guest audit-census one 64 bare '' "$B/checker/census.elf" "where=virtual seed=$seed"
  run_seconds=300
  audited audit-census 5000 50
}

audit_streams()
{
  begin audit-streams
  guest audit-streams one 64 bare '' "$B/checker/streams.elf" \
    "seed=$seed from=0 to=$audit_cases $(streams_manners)"
  run_seconds=300
  audited audit-streams 500
}

# Machines of one CPU, on one CPU of the host: memory that comes and goes, and machines, more than there are tags.
audit_lives()
{
  begin audit-lives
  guest audit-lives one 4 bare '' "$B/checker/neighbour.elf" "mode=watch seed=$seed"
  guest audit-lives two 4 bare '' "$B/checker/neighbour.elf" "mode=watch seed=${seed}7"
  for attack in gate-a20 pam-registers; do
    guest audit-lives "$attack" 8 bare '' "$B/checker/hostile.elf" "attack=$attack seed=$seed scale=20"
  done
  guest audit-lives reset 4 bare '' "$B/checker/hostile.elf" "end=10 seed=$seed"
  {
    for life in 1 2 3; do
      printf '%s\n' 'wait gate-a20 120' 'wait pam-registers 120' 'start gate-a20' 'start pam-registers'
    done
    printf '%s\n' 'wait gate-a20 120' 'wait pam-registers 120' 'kill reset'
    printf '%s\n' 'type one q' 'wait one 120' 'type two q' 'wait two 120' report
  } | steps audit-lives
  run_seconds=300
  audited audit-lives 2000
}

# A machine of two CPUs, one of which is sent INIT again and again, beside one that wants the CPUs too.
audit_bombs()
{
  begin audit-bombs
  guest audit-bombs bomber 16 bare 'cpus=2 net=bombs' "$B/checker/hostile.elf" \
    "attack=bombs seed=$seed scale=$audit_races"
  guest audit-bombs mirror 8 bare net=bombs "$B/checker/hostile.elf" attack=mirror
  guest audit-bombs spin 4 bare '' "$B/checker/neighbour.elf" "mode=idle seed=$seed"
  head -c 65536 /dev/zero >"$dir/audit-bombs.disk.img"
  echo "bomber|$dir/audit-bombs.disk.img" >"$dir/audit-bombs.disks"
  printf '%s\n' 'wait bomber 300' 'kill mirror' 'kill spin' report | steps audit-bombs
  run_cpus=2 run_seconds=400
  audited audit-bombs 5000
  rm -f "$dir/audit-bombs.disk.img"
}

check_audit()
{
  case $platform_image in
  "$B"/hv/espejo.elf) platform_image=$B/audit/espejo.elf ;;
  *)
    echo "skip audit this hypervisor has no build that audits itself" >>"$dir/info"
    return
    ;;
  esac
  [ -r "$platform_image" ] || die "no $platform_image: make hv-audit builds it"
  audit_cases=512 audit_races=20
  case $platform_machine in
  bochs-*) audit_cases=128 audit_races=5 ;;
  esac
  case $platform_machine in
  *vmx)
    {
      echo 'audit-without clean VT-x has no clean bits'
      echo 'audit-without short on VT-x no answer is given the short way out of a shadow'
    } >>"$dir/info"
    ;;
  esac

  for audit_run in $AUDIT_RUNS; do
    "audit_$audit_run"
  done
}
