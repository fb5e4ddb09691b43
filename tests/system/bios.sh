#!/bin/sh
# tests/system/bios.sh - SeaBIOS as Debian ships it: from power-on through GRUB to Linux
# shellcheck disable=SC2034
LIMIT=${LIMIT:-800}
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

CASES=${CASES:-qemu-svm:disk.img}
linux=$build/linux
bios=/usr/share/seabios/bios-256k.bin vga=/usr/share/seabios/vgabios-isavga.bin
if [ ! -f "$linux/vmlinuz" ] || [ ! -f "$bios" ]; then
  skip 'SeaBIOS boots disks' 'no Linux (make linux) or no package seabios'
  finish
fi
check 'disks that firmware can boot are made' tools/linux-disk "$linux"

# Firmware that is none, or has nothing to boot; and what goes with firmware.
head -c 65536 /dev/zero >"$records/zeros.bin"
head -c 1000 "$bios" >"$records/short.bin"
start wrong qemu-svm --opt silence=0 --module "$GUEST_OS name=good mem=32M -- shell" \
  --module "$records/short.bin name=short mem=32M role=firmware" \
  --module "$records/zeros.bin name=zeros mem=32M role=firmware" \
  --module "$bios name=empty mem=32M role=firmware" --module "$vga vm=empty role=firmware" --script <<'END'
expect good "$ " 60
expect empty "No bootable device" 100
vm list
quit 0
END
start initrd qemu-svm --module "$bios name=bios mem=32M role=firmware" \
  --module "$linux/initrd.gz vm=bios role=initrd"

for case in $CASES; do
  machine=${case%:*} disk=${case#*:}
  start "$machine-$disk" "$machine" --mem 512 --module "$bios name=pc mem=192M role=firmware" \
    --module "$vga vm=pc role=firmware" --module "$linux/$disk vm=pc role=disk" --script <<'END'
expect pc "Linux on a disk" 600
expect pc "init: ready" 600
expect pc "disk login: " 600
send pc "root\r"
expect pc "# " 600
send pc "uname -a; grep vda /proc/partitions; poweroff\r"
wait pc ended 600
vm list
quit 0
END
done

ends wrong 0 'firmware that is none, and with nothing to boot'
says wrong 'a ROM of an odd size is refused' '^espejo: .*short.*: .*'
says wrong 'SeaBIOS finds nothing to boot, and says so' '^\[empty\] .*No bootable device'
says wrong 'the others run' '1 good +running' '2 short +defined'
ends initrd 1 'firmware takes no initrd'
says initrd 'and says so' 'vm=bios: it begins with firmware, which takes no initrd'
for case in $CASES; do
  name=${case%:*}-${case#*:}
  ends "$name" 0 'from power-on to a login'
  says "$name" 'the screen is on the console, from the firmware to the kernel' '^\[pc\] vga: SeaBIOS' \
    '^\[pc\] vga: Booting from Hard Disk' '^\[pc\] vga: .*GNU GRUB' '^\[pc\] vga: .*Linux version'
  says "$name" 'a login, and what is typed there' '^\[pc\] disk login: ' '^\[pc\] Linux disk .*x86_64' \
    '^\[pc\].* vda' 'reboot: Power down' '^VM pc is off: the guest switched the machine off'
done
finish
