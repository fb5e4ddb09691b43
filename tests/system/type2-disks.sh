#!/bin/sh
# tests/system/type2-disks.sh - disks of the Type 2: firmware boots an image of any format, what is written
# stays or is forgotten, who has an image has it alone; a network; what a killed process leaves behind
# shellcheck disable=SC2034
LIMIT=${LIMIT:-300}
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

VM=$build/espejo-vm
linux=$build/linux

# ---- Import -----------------------------------------------------------------------------------

# refused NAME STATUS PATTERN WORD...
refused()
{
  refused_name=$1 expected=$2 pattern=$3
  shift 3
  tools/import-image "$@" >"$records/import.out" 2>&1
  status=$?
  if [ "$status" -eq "$expected" ] && grep -q -e "$pattern" "$records/import.out"; then
    ok "import: $refused_name"
  else
    not_ok "import: $refused_name (status $status, not $expected)"
    sed 's/^/#   | /' "$records/import.out"
  fi
}

if ! command -v qemu-img >/dev/null || ! command -v xmllint >/dev/null; then
  skip 'images of other formats' 'no qemu-img (qemu-utils) or no xmllint (libxml2-utils)'
else
  # A boot sector with code, then what compresses badly, then a hole.
  {
    printf '\353\376'
    head -c 508 /dev/zero
    printf '\125\252'
    yes 'some content of a disk' | head -c 300032
  } >"$records/disk"
  truncate -s 4M "$records/disk"
  for format in vdi vmdk qcow2 vpc vhdx; do
    image=$records/image.$format
    qemu-img convert -q -f raw -O "$format" "$records/disk" "$image"
    check "import: $format, and its raw image has the same bytes" sh -c \
      "tools/import-image '$image' '$image.raw' && cmp -n 4194304 '$image.raw' '$records/disk'"
  done
  check 'import: holes stay holes' test "$(du -k "$records/image.vdi.raw" | cut -f 1)" -lt 1024
  cat >"$records/box.ovf" <<'END'
<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <References><File ovf:href="image.vmdk" ovf:id="file1"/></References>
  <DiskSection><Disk ovf:diskId="one" ovf:fileRef="file1"/></DiskSection>
</Envelope>
END
  tar -C "$records" -cf "$records/box.ova" box.ovf image.vmdk
  check 'import: an OVA' sh -c "tools/import-image '$records/box.ova' && cmp '$records/box.raw' '$records/disk'"
  sed 's/file1"\/><\/R/..\/file1"\/><\/R/; s/image.vmdk/..\/image.vmdk/' "$records/box.ovf" >"$records/bad.ovf"
  tar -C "$records" -cf "$records/bad.ova" bad.ovf image.vmdk
  tar -C "$records" -cf "$records/none.ova" image.vmdk
  sed 's/<References/<x value="efi" firmware="EFI"\/><References/; s/<x /<Config key="firmware" /' \
    "$records/box.ovf" >"$records/efi.ovf"
  tar -C "$records" -cf "$records/efi.ova" efi.ovf image.vmdk
  head -c 100000 "$records/image.vdi" >"$records/cut.vdi"
  qemu-img create -q -f qcow2 -F raw -b /etc/passwd "$records/backing.qcow2"
  qemu-img create -q -f qcow2 --object secret,id=s,data=x -o encrypt.format=aes,encrypt.key-secret=s \
    "$records/locked.qcow2" 1M
  head -c 1048576 /dev/zero >"$records/blank"
  { head -c 510 /dev/zero && printf '\125\252' && head -c 65536 /dev/zero; } >"$records/efi.img"
  : >"$records/empty"
  refused 'an image that was cut off' 65 'shorter than' "$records/cut.vdi"
  refused 'an image made of another file' 65 'another place' "$records/backing.qcow2"
  refused 'an encrypted image' 65 'encrypted' "$records/locked.qcow2"
  refused 'a disk without a boot sector' 65 'no boot sector' "$records/blank" "$records/x.raw"
  refused 'a disk that boots by EFI only' 65 'EFI only' "$records/efi.img" "$records/x.raw"
  refused 'an OVA that boots by EFI only' 65 'EFI only' "$records/efi.ova" "$records/x.raw"
  refused 'an OVA whose disk lies elsewhere' 65 'no file in it' "$records/bad.ova" "$records/x.raw"
  refused 'a tar archive that is no OVA' 65 'without an OVF' "$records/none.ova" "$records/x.raw"
  refused 'an empty file' 65 'empty' "$records/empty"
  refused 'nothing' 66 'no such file' "$records/nowhere.vdi"
  refused 'over a file that is there' 73 'there already' "$records/image.vdi" "$records/disk"
  check 'import: no half-made file is left' test ! -e "$records/x.raw"
fi

# ---- Guests -------------------------------------------------------------------------------------

if [ ! -f "$linux/vmlinuz" ]; then
  skip 'disks of guests of the Type 2' 'no Linux to run it in (make linux)'
  finish
fi

# run_linux NAME COMMAND OPTION...: Linux, at whose shell the command is typed, and then poweroff.
run_linux()
{
  name=$1 command=$2
  shift 2
  printf 'wait init: ready\nsend true\nwait [a-z~/] #\nsend %s; poweroff\n' "$command" >"$records/$name.play"
  background "$name" tools/type2 --timeout "$LIMIT" --verbose --mem 192M --initrd "$linux/initrd.gz" \
    --append 'console=ttyS0 quiet guest.ip=dhcp' --play "$records/$name.play" "$@" "$linux/vmlinuz"
}

write='echo it stays | dd of=/dev/vda bs=512 seek=5 conv=fsync'
for name in kept cow ro; do
  truncate -s 1M "$records/$name.img"
done
run_linux kept "$write" --disk "$records/kept.img"
run_linux cow "$write" --disk "$records/cow.img,cow"
run_linux ro "$write" --disk "$records/ro.img,ro"
ends kept 0 'a guest writes to its disk, flushes and ends'
check 'kept: it is in the file' grep -a -q 'it stays' "$records/kept.img"
ends cow 0 'the same, copy on write'
check 'cow: the file is as it was' cmp -n 1048576 "$records/cow.img" /dev/zero
ends ro 0 'the same, read only'
says ro 'the guest hears of it' 'Read-only|not permitted|I/O error|Operation'
check 'ro: the file is as it was' cmp -n 1048576 "$records/ro.img" /dev/zero

if [ -f /usr/share/seabios/bios-256k.bin ] && tools/linux-disk "$linux" >/dev/null 2>&1; then
  cat >"$records/login" <<'END'
wait disk login:
send root
wait [a-z~/] #
send grep vda /proc/partitions; poweroff
END
  background firmware tools/type2 --timeout "$LIMIT" --verbose --mem 192M --play "$records/login" --firmware \
    --disk "$linux/disk.img,cow"
  ends firmware 0 'SeaBIOS boots a disk image'
  says firmware 'to a login, and what is typed there' 'disk login: ' ' vda' 'reboot: Power down'
else
  skip 'firmware boots a disk image' 'no SeaBIOS, or no tools to make a disk'
fi

if [ -f "$build/espejo-net" ]; then
  run_linux net 'ip -4 address show eth0; ping -c 2 10.0.2.2' --net
  ends net 0 'a network card behind a user-space network'
  says net 'it answers' '2 packets received'
else
  skip 'a network card behind a user-space network' 'built without libslirp-dev'
fi

# ---- The process, seen from outside ----------------------------------------------------------------

tools/type2 --host here --timeout 30 --mem 32M --append v00 "$TINY/ends.elf" </dev/null >/dev/null 2>&1
if [ $? -ne 1 ]; then
  skip 'the process from outside' 'no KVM on this host'
  finish
fi
truncate -s 1M "$records/mine.img"
"$VM" --mem 32M --disk "$records/mine.img" --append s "$TINY/ends.elf" </dev/null >"$records/spin.out" 2>&1 &
watcher=$!
i=0
while [ "$i" -lt 100 ] && ! grep -q spinning "$records/spin.out"; do
  sleep 0.1
  i=$((i + 1))
done
child=$(cat "/proc/$watcher/task/$watcher/children")
child=${child% }
status_of() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$child/status"; }
check 'the guest runs' grep -q spinning "$records/spin.out"
check 'no new privileges' test "$(status_of NoNewPrivs)" = 1
check 'a filter of system calls' test "$(status_of Seccomp)" = 2
check 'no capabilities' test "$(status_of CapEff)$(status_of CapPrm)$(status_of CapBnd)" = "$(printf '%048d' 0)"
check 'not root' sh -c "awk '/^Uid:/ { exit \$2 == 0 }' /proc/$child/status"
for space in mnt net ipc uts pid; do
  check "a namespace of its own: $space" test "$(readlink "/proc/$child/ns/$space")" != \
    "$(readlink "/proc/$$/ns/$space")"
done
check 'its root is empty' test -z "$(ls -A "/proc/$child/root/" 2>&1)"
"$VM" --mem 32M --disk "$records/mine.img" "$TINY/ends.elf" </dev/null >"$records/second.out" 2>&1
check 'a second process does not get its disk' test $? -eq 75
check 'and says why' grep -q 'another process uses this image' "$records/second.out"
kill -9 "$watcher"
wait "$watcher" 2>/dev/null
i=0
while [ "$i" -lt 50 ] && [ -e "/proc/$child" ]; do
  sleep 0.1
  i=$((i + 1))
done
check 'killed by SIGKILL: no process is left' test ! -e "/proc/$child"
check 'nor a lock' "$VM" --exit-guest --mem 32M --disk "$records/mine.img" --append p "$TINY/ends.elf"
finish
