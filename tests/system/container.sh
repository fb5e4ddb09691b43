#!/bin/sh
# tests/system/container.sh - hv/container: what it must refuse first, then what it must do
#
# On this host, as whoever runs the tests; and as root under control groups inside Debian's kernel, in
# an emulator (tools/linux/compare, "container").  A host that allows no user namespaces skips the first part,
# but for the message that says so.
# shellcheck disable=SC2016
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

container=$build/container
image=$records/image
mkdir -p "$image/bin" "$image/dev" "$image/proc" "$image/tmp"
chmod 1777 "$image/tmp"
# Root's container is nobody outside, who must find the way.
chmod 755 "$records"
cp "$(command -v busybox)" "$image/bin/busybox"
for name in sh id hostname ps cat ls mount sleep dd chroot kill wc echo touch unshare; do
  ln -s busybox "$image/bin/$name"
done
echo no program >"$image/bin/broken"

# gives TEXT STATUS PATTERN ARGUMENT...: the container's status, and a line of all it says ("": any).
gives()
{
  text=$1 want=$2 pattern=$3
  shift 3
  timeout 60 "$container" "$@" </dev/null >"$records/said" 2>&1
  got=$?
  if [ "$got" -eq "$want" ] && { [ -z "$pattern" ] || grep -q -E -e "$pattern" "$records/said"; }; then
    ok "$text"
  else
    not_ok "$text (status $got, not $want)"
    sed 's/^/#   | /' "$records/said"
  fi
}

inside() { "$container" "$image" /bin/sh -c "$1" 2>&1; }

# code FILE...: lines with more than a comment.
code() { cat "$@" | awk -f tools/compare-lines.awk; }

check 'it can be read in one sitting: some 200 lines beside its includes and the list of refused calls' \
  sh -c 'test "$1" -le 280 && test "$2" -le 400' sh "$(code hv/container/container.c)" "$(code hv/container/*)"

# ---- Bad input -----------------------------------------------------------------------------

gives 'nothing to do' 64 '^usage: ' --memory 64M
gives 'no command' 64 '^usage: ' "$image"
gives 'an unknown option' 64 '^usage: ' --colour red "$image" /bin/id
gives 'a memory limit that is no number' 64 "^container: --memory: not a number .*'much'" \
  --memory much "$image" /bin/id
gives 'a limit of nothing' 64 "'0'" --pids 0 "$image" /bin/id
gives 'a limit below nothing' 64 "'-1'" --pids -1 "$image" /bin/id
gives 'a limit with rubbish behind it' 64 "'64MB'" --memory 64MB "$image" /bin/id
gives 'a limit that no number holds' 64 "'99999999999G'" --memory 99999999999G "$image" /bin/id
gives 'a device outside of /dev' 64 '^usage: ' --device /etc/passwd "$image" /bin/id
gives 'a device by a roundabout way' 64 '^usage: ' --device /dev/../etc/passwd "$image" /bin/id
gives 'a device without a name' 64 '^usage: ' --device /dev/ "$image" /bin/id
gives 'a limit with two units' 64 "'5KM'" --memory 5KM "$image" /bin/id
gives 'half a CPU, but of what' 64 "'50K'" --cpu 50K "$image" /bin/id
gives 'no root directory' 66 "no root directory $records/none: No such file" "$records/none" /bin/id
gives 'a root directory that is a file' 66 'Not a directory' "$image/bin/busybox" /bin/id
gives 'the root of the host' 64 "the host.s own root" / /bin/id

if ! unshare -U true 2>/dev/null; then
  gives 'no namespaces: said' 69 'no namespaces here' "$image" /bin/id
  skip 'the container on this host' 'it allows no user namespaces'
else
  check 'no namespaces: said, with its status' unshare -Ur sh -c '
    echo 0 >/proc/sys/user/max_user_namespaces
    "$1" "$2" /bin/id 2>"$3"
    test $? -eq 69 && grep -q "no namespaces here" "$3"' sh "$container" "$image" "$records/none"

  # ---- The status ----------------------------------------------------------------------------

  gives 'a program that is not there: 127' 127 'none: No such file' "$image" /bin/none
  gives 'a file that is no program: 126' 126 'broken: Permission denied' "$image" /bin/broken
  gives 'its own status' 7 '' "$image" /bin/sh -c 'exit 7'
  gives 'killed by a signal: 128+n' 137 '' "$image" /bin/sh -c 'kill -9 $$'
  gives 'ended by a signal that PID 1 would not get' 143 '' "$image" /bin/sh -c 'kill $$'
  "$container" "$image" /bin/sleep 987 &
  sleep 1
  kill "$!"
  wait "$!"
  check 'a signal to the container ends it' test $? -eq 137
  # shellcheck disable=SC2009
  check '... and all in it' sh -c '! ps ax -o args= | grep -q "^/bin/sleep 987"'
  "$container" "$image" /bin/sleep 985 &
  sleep 1
  kill -9 "$!"
  wait "$!" 2>/dev/null
  sleep 1
  # shellcheck disable=SC2009
  check 'nor does anything outlive a container that is killed' \
    sh -c '! ps ax -o args= | grep -q "^/bin/sleep 985"'
  # shellcheck disable=SC2009
  check 'what the command leaves running ends with it' sh -c '
    "$1" "$2" /bin/sh -c "/bin/sleep 986 & exit 3"; test $? -eq 3 || exit 1
    ! ps ax -o args= | grep -q "^/bin/sleep 986"' sh "$container" "$image"

  # ---- What is private ------------------------------------------------------------------------

  gives 'a host name of its own' 0 '^box$' --hostname box "$image" /bin/hostname
  check '... which leaves the host its' sh -c '! hostname | grep -qx box' 2>/dev/null
  gives 'its processes only' 0 '^1$' "$image" /bin/sh -c 'ps | grep -c "^ *1 "'
  check 'no process of the host' test "$(inside 'set -- /proc/[0-9]*; echo $#')" -le 3
  gives 'root of nothing' 0 '^uid=0 gid=0' "$image" /bin/id
  gives 'no network but its own loopback, which is down' 0 '^1$' "$image" /bin/sh -c \
    'ls /sys/class/net 2>/dev/null | wc -l; cat /proc/net/dev | grep -c :'
  gives 'no file of the host' 1 'No such file' "$image" /bin/cat "$root/README.md"
  gives 'no way up' 0 '^bin$' "$image" /bin/ls /../../..
  gives 'nothing behind PID 1' 1 'denied' "$image" /bin/sh -c \
    "p=/proc/1; ls \$p/root/ \$p/exe/"
  gives 'the usual devices' 0 '^0$' "$image" /bin/sh -c 'cat /dev/null | wc -c; echo x >/dev/null'
  gives 'no other device' 0 '^5$' "$image" /bin/sh -c 'ls /dev | wc -l'
  gives 'no device of the machine' 0 '^0$' "$image" /bin/sh -c 'ls /dev/kvm /dev/mem 2>/dev/null | wc -l'
  # An open directory would be a way out, as it was for real containers.
  check 'no file that its starter had open' sh -c '
    exec 3</
    ! "$1" "$2" /bin/ls /proc/self/fd/3/ 2>"$3" && grep -q "No such file" "$3"' sh "$container" "$image" "$records/none"
  check 'no word of the environment outside' sh -c '
    SECRET=geheim "$1" "$2" /bin/sh -c "echo secret: \$SECRET." | grep -q -x "secret: \."' sh "$container" "$image"
  # Others keep the groups that they are in: Linux lets nobody give up one without a privilege.
  if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
    skip 'no group of the root outside' 'for root, with setpriv(1)'
  else
    check 'no group of the root outside' sh -c '
      test "$(setpriv --groups 4,6 "$1" "$2" /bin/id -G)" = 0' sh "$container" "$image"
  fi

  # ---- What is refused ------------------------------------------------------------------------

  gives 'mount' 1 'permission denied|not permitted' "$image" /bin/mount -t tmpfs none /tmp
  gives 'another root' 1 'not permitted' "$image" /bin/chroot /tmp /bin/sh
  gives 'new namespaces' 1 'not permitted' "$image" /bin/unshare -U /bin/id
  gives 'no capability, none to be had' 0 '^0$' "$image" /bin/sh -c \
    'grep -E "^Cap(Prm|Eff|Bnd|Amb)" /proc/self/status | grep -v -c 0000000000000000 || :'
  gives 'no new privileges, a filter' 0 '^2$' "$image" /bin/sh -c \
    'grep -c -E "^(NoNewPrivs:.1|Seccomp:.2)" /proc/self/status'
  gives 'settings of the kernel' 1 'denied|ermission' "$image" /bin/sh -c \
    'echo x >/proc/sys/kernel/core_pattern'
  cp "$build/compare/attack" "$image/bin/attack" 2>/dev/null
  if [ -x "$image/bin/attack" ]; then
    timeout 120 "$container" --memory 64M --pids 16 "$image" /bin/attack all /bin/busybox \
      >"$records/attack" 2>&1
    for attempt in process-memory physical-memory kill files ports module core-pattern mount; do
      check "attack: $attempt fails" grep -q "^attack: $attempt failed" "$records/attack"
    done
    check 'attack: power fails, and the host is still there' grep -q '^attack: power failed' \
      "$records/attack"
    check 'attack: memory is limited' grep -q -E '^attack: memory failed [0-6][0-9]? MiB' "$records/attack"
    # The container and the shell that started it have a terminal in common.
    terminal() { script -qec "$* terminal" /dev/null </dev/null 2>&1; }
    if terminal "$image/bin/attack" | grep -q "^#*attack: terminal got"; then
      check 'attack: terminal fails' sh -c 'printf "%s\n" "$1" | grep -q "^attack: terminal failed"' sh \
        "$(terminal "$container" "$image" /bin/attack)"
    else
      skip 'attack: terminal' 'nobody can type on a terminal here, or script(1) is not there'
    fi
  else
    skip 'the attack of make compare' 'it is not built: make compare'
  fi
  gives 'a fork bomb is held' 2 "can't fork" --pids 8 "$image" /bin/sh -c \
    'i=0; while [ $i -lt 40 ]; do sleep 1 & i=$((i+1)); done; wait'
  gives 'after it the next container has its own share' 0 '^7$' --pids 8 "$image" /bin/sh -c \
    'for i in 1 2 3 4 5 6; do sleep 1 & done; wait; echo 7'
fi

# ---- As root, with control groups ------------------------------------------------------------

linux=$build/linux
if [ ! -f "$build/compare/initrd.gz" ]; then
  skip 'as root in Debian'\''s kernel' 'its initramfs is not there: make compare'
  finish
fi
background groups tools/run --machine qemu-bare --mem 512 --timeout "$LIMIT" \
  --append 'console=ttyS0 guest.run=/etc/compare,container' --module "$build/compare/initrd.gz" \
  "$linux/vmlinuz"
ends groups 0 'a machine with control groups runs it'
says groups 'memory: killed by its group, at 64 MiB' '^attack: memory failed 6[0-4] MiB, then killed'
says groups 'processes: a fork bomb is held by its group' '^compare: forks [0-7]$'
says groups 'CPU: a quarter of one is what it gets' '^compare: cpu (1[5-9]|2[0-9]|3[0-5]) %'
never groups 'nobody says that a group is missing' 'no control group'
says groups 'the groups are gone afterwards' '^compare: groups 0$'
says groups 'root outside is nobody inside: its files are not to be written' '^compare: file not-written$'
finish
