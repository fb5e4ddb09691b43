#!/bin/sh
# tests/system/firmwares.sh - other people's firmware: U-Boot, and iPXE's CD on SeaBIOS
# shellcheck disable=SC2034
LIMIT=${LIMIT:-400}
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

CASES=${CASES:-qemu-svm:uboot32 qemu-svm:ipxe.iso bochs-vmx:uboot64}
others=$build/others
bios=/usr/share/seabios/bios-256k.bin vga=/usr/share/seabios/vgabios-isavga.bin
wanted=$(printf '%s\n' "$CASES" | tr ' ' '\n' | sed 's/.*://' | sort -u)
# shellcheck disable=SC2086
if [ ! -f "$bios" ]; then
  skip 'firmware of others' 'no package seabios'
  finish
elif ! tools/guest-others "$others" $wanted >"$records/fetched" 2>&1; then
  skip 'firmware of others' "$(tail -n 1 "$records/fetched")"
  finish
fi

# A disk whose first sector can be known again.
new_disk()
{
  printf 'espejo was here ' | dd of="$1" bs=512 seek=0 conv=sync status=none
  truncate -s 16M "$1"
}

for case in $CASES; do
  machine=${case%:*} what=${case#*:} name=$machine-${case#*:}
  case $what in
  uboot*)
    new_disk "$records/$name.disk"
    start "$name" "$machine" --opt silence=0 --mem 512 \
      --module "$others/$what name=u mem=192M role=firmware" \
      --module "$records/$name.disk vm=u role=disk" --script <<'END'
expect u "Hit any key to stop autoboot" 300
send u " "
expect u "=> " 100
send u "virtio scan; virtio info\r"
expect u "Capacity: 16.0 MB" 100
send u "virtio read 1000000 0 1; cp.b 1000000 1001000 200\r"
expect u "1 blocks read: OK" 100
send u "virtio write 1001000 7 1; mw.b 1000000 0 200; virtio read 1000000 7 1; md.b 1000000 10\r"
expect u "espejo was here" 100
expect u "=> " 100
send u "pci\r"
expect u "0x1af4" 100
quit 0
END
    ;;
  ovmf)
    start "$name" "$machine" --opt silence=0 --mem 640 --module "$others/$what name=u mem=256M role=firmware" \
      --script <<'END'
expect u "UEFI Interactive Shell" 300
quit 0
END
    ;;
  *.iso)
    start "$name" "$machine" --net --opt silence=0 --mem 512 --module "$bios name=u mem=192M role=firmware net=net" \
      --module "$vga vm=u role=firmware" --module "$others/$what vm=u role=disk" --script <<'END'
expect u "ISOLINUX" 200
expect u "iPXE initialising devices" 200
expect u "10.0.2.15/255.255.255.0 gw 10.0.2.2" 100
quit 0
END
    ;;
  esac
done

for case in $CASES; do
  name=${case%:*}-${case#*:}
  case $case in
  *:uboot*)
    ends "$name" 0 'U-Boot reads and writes the disk by its own driver, and lists the PCI bus'
    ;;
  *:ovmf) ends "$name" 0 'UEFI firmware, from its first page fault to its shell' ;;
  *) ends "$name" 0 'ISOLINUX and iPXE, to an address from the network' ;;
  esac
done
finish
