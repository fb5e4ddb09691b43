#!/bin/sh
# tests/system/storage.sh - disks of guests: files in memory, parts of the machine's disk, and errors
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

machines=${STORAGE_MACHINES:-qemu-svm bochs-vmx}
# A disk with an empty part at 63 that is called hd0p1, sectors 2048 to 34815, and hd0p2 behind it.
# Bochs wants whole cylinders of 16 * 63 sectors.
sectors=$((40 * 16 * 63))
first=2048 size=32768

# shellcheck disable=SC2059
little() { printf "\\$(printf %03o $(($1 & 255)))\\$(printf %03o $(($1 >> 8 & 255)))\\$(printf %03o $(($1 >> 16 & 255)))\\0"; }

# entry FIRST SIZE, of an MBR: no cylinders, Linux.
entry() { printf '\0\377\377\377\203\377\377\377' && little "$1" && little "$2"; }

# new_disk NAME
new_disk()
{
  head -c $((sectors * 512)) /dev/zero >"$records/$1.img"
  {
    head -c 446 /dev/zero
    entry "$first" "$size"
    entry $((first + size)) 4096
    head -c 32 /dev/zero
    printf '\125\252'
  } | dd of="$records/$1.img" conv=notrunc 2>/dev/null
}

# part IMAGE FIRST SIZE: those sectors.
part() { dd if="$records/$1.img" bs=512 skip="$2" count="$3" 2>/dev/null; }

# Disks that cannot be, beside one that can.
new_disk wrong
start wrong qemu-svm --disk "$records/wrong.img" --opt silence=0 \
  --module "$GUEST_OS name=good mem=32M disk=hd0p1 -- shell" \
  --module "$GUEST_OS name=none mem=32M disk=hd0p7 -- shell" \
  --module "$GUEST_OS name=beyond mem=32M disk=hd0:2048+999999 -- shell" \
  --module "$GUEST_OS name=drive mem=32M disk=hd3p1 -- shell" \
  --module "$GUEST_OS name=same mem=32M disk=hd0p1 -- shell" \
  --module "$GUEST_OS name=overlap mem=32M disk=hd0:34815+2 -- shell" \
  --module "$GUEST_OS name=table mem=32M disk=hd0:0+4096 -- shell" \
  --module "$GUEST_OS name=second mem=32M disk=hd0p2 -- shell" --script <<'END'
expect second "$ " 60
expect good "$ " 60
send good "mkfs\r"
expect good "$ " 60
send good "write a it is good\r"
expect good "$ " 60
send good "cat a\r"
expect good "it is good" 60
disk list
vm list
quit 0
END

# One file for three VMs: each sees its own writes, the fourth may only read.
head -c 1048576 /dev/zero >"$records/base.img"
start shared qemu-svm --opt silence=0 \
  --module "$GUEST_OS name=one mem=32M -- do=mkfs do=write,a,from,one do=sync do=cat,a shell" \
  --module "$GUEST_OS name=two mem=32M -- do=ls do=mkfs do=write,a,from,two do=sync do=cat,a shell" \
  --module "$GUEST_OS name=three mem=32M -- do=mkfs do=ls shell" \
  --module "$records/base.img vm=one,two role=disk cow" \
  --module "$records/base.img vm=three role=disk ro" --script <<'END'
expect one "from one" 60
expect two "from two" 60
expect three "ls: " 60
send one "cat a\r"
expect one "from one" 60
quit 0
END

# A disk whose sectors 2048 + 32.. cannot be read or written: the guest's file system begins there.
new_disk broken
drive="driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=$records/broken.img"
for event in read_aio write_aio; do
  drive="$drive,file.inject-error.${n:=0}.event=$event,file.inject-error.$n.errno=5,file.inject-error.$n.sector=2048"
  n=$((n + 1))
done
start broken qemu-svm --opt silence=0 --qemu -drive \
  --qemu "$drive,if=ide,index=0,media=disk,werror=report,rerror=report" \
  --module "$GUEST_OS name=hurt mem=32M disk=hd0p1 -- do=ls do=mkfs shell" \
  --module "$GUEST_OS name=well mem=32M disk=hd0p2 -- do=mkfs do=write,a,unharmed do=sync shell" --script <<'END'
expect well "$ " 60
send well "cat a\r"
expect well "unharmed" 60
expect well "$ " 60
expect hurt "$ " 60
vm list
quit 0
END

# What is synced survives: the VM is restarted, killed, and the machine ends; the image has it.
for machine in $machines; do
  new_disk "$machine"
  start "$machine" "$machine" --disk "$records/$machine.img" --opt silence=0 \
    --module "$GUEST_OS name=keep mem=32M disk=hd0p1 -- shell" \
    --module "$GUEST_OS name=other mem=32M disk=hd0:$((first + size))+4096 -- do=mkfs shell" --script <<'END'
expect keep "$ " 60
send keep "mkfs\r"
expect keep "$ " 60
send keep "write kept espejo-was-here\r"
expect keep "$ " 60
send keep "sync\r"
expect keep "$ " 60
vm restart keep
expect keep "$ " 60
send keep "cat kept\r"
expect keep "espejo-was-here" 60
send keep "write kept espejo-came-back\r"
expect keep "$ " 60
send keep "sync\r"
expect keep "$ " 60
vm kill keep
quit 0
END
done

# Linux and a file system that the host reads; read-only the second time.
linux=$build/linux
PATH=$PATH:/usr/sbin:/sbin
if [ -f "$linux/vmlinuz" ] && command -v mke2fs >/dev/null; then
  new_disk linux
  mke2fs -q -F -t ext4 "$records/linux.fs" $((size / 2))k >/dev/null
  dd if="$records/linux.fs" of="$records/linux.img" bs=512 seek=$first conv=notrunc 2>/dev/null
  start linux qemu-svm --disk "$records/linux.img" --opt silence=0 \
    --module "$linux/vmlinuz name=linux mem=192M disk=hd0p1 -- console=ttyS0" \
    --module "$linux/initrd.gz vm=linux role=initrd" --script <<'END'
expect linux "init: ready" 600
expect linux "# " 600
send linux "mount -t ext4 /dev/vda /mnt; cp /bin/busybox /mnt/; sync; ls -l /mnt; echo s''ynced\r"
expect linux "synced" 300
vm restart linux
expect linux "init: ready" 600
expect linux "# " 600
send linux "mount -t ext4 /dev/vda /mnt; cmp /bin/busybox /mnt/busybox; echo cmp $?; poweroff\r"
wait linux ended 300
quit 0
END
fi

ends wrong 0 'disks that cannot be'
says wrong 'a partition that is not there' "VM none: disk=hd0p7: there is no such partition"
says wrong 'more sectors than there are' "VM beyond: disk=hd0:2048\\+999999: the disk has $sectors sectors"
says wrong 'a drive that is not there' 'VM drive: disk=hd3p1: there is no such disk \(1 found\)'
says wrong 'two VMs on one partition' 'VM same: disk=hd0p1 cannot be opened for writing: good writes hd0p1'
says wrong 'two VMs on overlapping sectors' 'VM overlap: disk=hd0:34815\+2 cannot be opened .*good'
says wrong 'over the partition table and another one' 'VM table: disk=hd0:0\+4096 cannot be opened .*good'
says wrong 'only those VMs do not run' '^\[good\] it is good' '1 good +running' '2 none +defined' \
  '3 beyond +defined' '4 drive +defined' '5 same +defined' '6 overlap +defined' '7 table +defined' \
  '8 second +running'
ends shared 0 'one file is the disk of three VMs'
says shared 'what one writes' '^\[one\] from one'
says shared 'the next does not see' '^\[two\] ls: there is no file system' '^\[two\] from two'
says shared 'a read-only one cannot be written' '^\[three\] mkfs: ' '^\[three\] ls: there is no file system'
ends broken 0 'a disk with sectors that cannot be read or written'
says broken 'the operator and the guest are told' '^hd0: (reading|writing) 8 sectors at 2048: status'
says broken 'and the guest goes on' '^\[hurt\] mkfs: the disk failed'
says broken 'its neighbour on the same disk is unharmed' '^\[well\] unharmed' '1 hurt +running' '2 well +running'
for machine in $machines; do
  ends "$machine" 0 'a guest on a partition'
  says "$machine" 'what was written survives a restart' '^\[keep\] espejo-was-here'
  check "$machine: the image has what was synced before the VM was killed" \
    sh -c "dd if='$records/$machine.img' bs=512 skip=$first count=$size 2>/dev/null | grep -a -q espejo-came-back"
  check "$machine: and the file system of its neighbour" \
    sh -c "dd if='$records/$machine.img' bs=512 skip=$((first + size)) count=4096 2>/dev/null | head -c 8 | grep -q espejofs"
  new_disk fresh
  part fresh 0 $first >"$records/fresh.first"
  check "$machine: sectors of no VM are as they were" \
    sh -c "dd if='$records/$machine.img' bs=512 count=$first | cmp - '$records/fresh.first'"
done
if [ -f "$records/linux.fs" ]; then
  ends linux 0 'Linux with ext4 on a partition'
  says linux 'what was synced survives a restart' '^\[linux\] synced' '^\[linux\] cmp 0'
  part linux $first $size >"$records/linux.after"
  check 'the file system on the host is clean' e2fsck -f -n "$records/linux.after"
  debugfs -R "dump /busybox $records/busybox" "$records/linux.after" 2>/dev/null
  check 'the file is there, byte for byte' cmp "$(command -v busybox)" "$records/busybox"
else
  skip 'Linux with ext4 on a partition' 'no kernel (make linux) or no e2fsprogs'
fi
finish
