# shellcheck shell=sh disable=SC2154
# checks.sh - how lab 13 is judged; the grader sources it
#
# Every run is a Linux (the script `linux` here) with the exercise's espejo-vm and container in it, on
# an emulated machine: the same for everybody, whatever the host's kernel has or forbids.  Seen are its
# lines: what the guest says, what containers say, what Linux sees of them from outside.

linux='console=ttyS0 loglevel=1 nokaslr rdinit=/init panic=-1 tsc=reliable no_timer_check cryptomgr.notests'

# linux NAME TENANTS: what they are, that script says.  This kernel has no controller for the CPU.
linux()
{
  run "$1" --mem 256 --append "$linux cgroup_disable=cpu nonce=$nonce tenants=$2" \
    --module 'B/labs/13-types-and-containers/linux.cpio' 'B/linux/vmlinuz'
}

# sees TITLE EXPECTED LOOK ABOUT PATTERN..: as expect; what was got are the lines that match ABOUT.
sees()
{
  title=$1 expected=$2 where=$3 about=$4
  shift 4
  # Cut off, or an exercise not written: whoever judges that knows better.
  if ! grep -a -q -x 'espejo: exit status 0' "$out" || ! grep -a -q -E -e "$about" "$out"; then
    expect "$title" "$expected" "$where" '^espejo: exit status 0' "$@"
    return
  fi
  verdict=pass
  for pattern; do
    case $pattern in
    !*) ! grep -a -q -E -e "${pattern#!}" "$out" || verdict=fail ;;
    *) grep -a -q -E -e "$pattern" "$out" || verdict=fail ;;
    esac
  done
  record "$title" "$verdict" "$expected" "$(grep -a -E -e "$about" "$out" | tail -n 3)" "$where"
}

# ---- A guest in a process ----------------------------------------------------------------------

of_guest='^(tenant|espejo-vm|outside): '

a_machine()
{
  sees 'a machine' 'the guest runs from its first instruction to its last: it switches itself off' \
    "$1" "$of_guest" \
    "^tenant: the key is $nonce" '^tenant: off' '^espejo-vm: VM guest is off: the guest wrote 0'
}

a_clock()
{
  sees 'a clock' 'its timer interrupts it while it works, when it listens again, while it sleeps' \
    "$1" "$of_guest" \
    '^tenant: a clock interrupts who works' '^tenant: a clock waits for who does not listen' \
    '^tenant: a clock wakes who sleeps'
}

check_13_1()
{
  look='the contract of set_slot; struct kvm_slot in kvm.h; struct kvm_userspace_memory_region'
  linux guest guest
  a_machine "$look"
  sees ROM 'a store to ROM changes nothing' "$look" '^tenant: ROM' '^tenant: ROM stays as it was'
}

check_13_2()
{
  look='the contract of enter, and "Kicks" at the head of kvm_vcpu.c'
  linux guest guest
  sees 'its first line' 'the guest is entered, and again after each exit, where it was' "$look" "$of_guest" \
    "^tenant: the key is $nonce"
  a_clock "$look"
}

check_13_3()
{
  look='the contract of kvm_exit, and which of its exits wait for an answer'
  linux guest guest,falls
  sees ports 'a string goes out of a port whole, and what ports hold comes in' "$look" \
    '^(tenant: (the key|ports)|espejo-vm: (panic|VM guest is dead))' \
    "^tenant: the key is $nonce" "^tenant: ports keep $nonce"
  sees 'device memory' 'what it stores there it reads there' "$look" '^(tenant: device|espejo-vm: panic)' \
    "^tenant: device memory keeps $nonce"
  sees 'an MSR' 'what it writes there it reads there' "$look" '^(tenant: an MSR|espejo-vm: panic)' \
    "^tenant: an MSR keeps $(printf %s "$nonce" | cut -c 1-5)000"
  a_clock "$look"
  sees 'each exit once' \
    'exits: port 344, device memory 4, HLT 3, MSR 2, interrupt window 1; the host'\''s come on top' \
    "$look" 'VM guest: exits:' 'exits:.* port 344(,|$)' 'exits:.* device memory 4(,|$)' \
    'exits:.* HLT [2-4](,|$)' 'exits:.* MSR 2(,|$)' 'exits:.* interrupt window 1(,|$)'
  sees 'a triple fault' 'a guest that falls over is dead, of a triple fault' "$look" 'VM guest is|exit status' \
    '^tenant: falls over' '^espejo-vm: VM guest is dead: triple fault'
}

# ---- Containers ----------------------------------------------------------------------------------

nobody()
{
  sees 'nobody outside' \
    'root inside, and what root'\''s container leaves behind is of user and group 65534' "$1" \
    '^(root:|inside: uid|outside: root)' '^inside: uid=0 gid=0' \
    "^outside: root's file is of user 65534, group 65534\$"
}

check_13_4()
{
  look='the contract of map_user; user_namespaces(7)'
  linux people people
  nobody "$look"
  sees 'a user outside' \
    'what a container of user 1000, group 100 leaves behind is his; setgroups is denied in it' "$look" \
    '^(somebody:|outside: somebody)' "^outside: somebody's file is of user 1000, group 100\$" \
    '!setgroups: allow'
}

own_files()
{
  sees 'its own files' 'of files it has its image'\''s, with the disk that is mounted there, and no way up' \
    "$1" \
    '^(inside: (/ |a way|the key)|box:|outside: box)' '^inside: / holds bin data dev proc tmp$' \
    "^inside: the key is $nonce\$" '^inside: a way up shows bin data dev proc tmp$'
}

check_13_5()
{
  look='the contract of enter_root; pivot_root(2), mount(2)'
  linux files box,look
  own_files "$look"
  sees 'its devices' 'five nodes in /dev, and they work' "$look" '^(inside: /dev|box:)' \
    '^inside: /dev holds full null random urandom zero, of which null takes all$'
  sees 'its processes' '/proc shows its own processes, three of them' "$look" '^(inside: /proc|box:)' \
    '^inside: /proc shows 3 processes'
  sees 'nothing behind it' 'who enters its mount namespace from outside finds its image there and no more' \
    "$look" \
    '^(outside: (its mounts|look)|container:)' '^outside: its mounts hold bin data dev proc tmp$'
  sees 'nothing comes later' 'what Linux mounts in the image when the container runs is not mounted in it' \
    "$look" \
    '^(outside: (the late mount|look)|container:)' '^outside: the late mount shows \*$'
}

limits()
{
  sees memory 'it is killed, by a control group, when it takes 32 MiB and may have 16: status 137' "$1" \
    '^(memory:|outside: memory)' '^outside: memory ends with status 137$' '!^memory: no control group'
  sees processes 'a control group of 6 processes: no seventh' "$1" '^(processes:|outside: processes)' \
    "^processes: can't fork" '^outside: processes ends with status 2$' '!^processes: no control group'
}

check_13_6()
{
  look='the contract of make_group; who reads group_path?'
  linux groups greedy,poor
  limits "$look"
  sees 'one of its name' 'a group that a killed container has left is no obstacle' "$look" \
    '^(again:|outside: again)' '^outside: again ends with status 2$' '!^again: no control group'
  sees 'a user is told' 'who may make no group hears why, and what stands in for it' \
    "$look" '^(user:|outside: user)' \
    '^user: no control group \(Permission denied\): processes are limited by RLIMIT_NPROC;$'
  sees 'each by itself' 'without a group, each process is limited by itself: no seventh either' "$look" \
    '^(user|cpu|outside: (user|cpu)).*(fork|status)' '^outside: user ends with status 2$' \
    "^user: can't fork" '^outside: cpu ends with status 2$'
  sees 'no group stays' 'no directory container-N is left when all have ended' "$look" '^outside: groups' \
    '^outside: groups: container\*$'
}

check_whole()
{
  look='the exercises that it names'
  linux whole guest,box,people,greedy
  a_machine "$look"
  a_clock "$look"
  nobody "$look"
  own_files "$look"
  limits "$look"
}
