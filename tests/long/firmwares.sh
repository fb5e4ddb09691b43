#!/bin/sh
# tests/long/firmwares.sh - tests/system/firmwares.sh: UEFI too, and the other machines
cd "$(dirname "$0")/../.." || exit 1
CASES='bochs-svm:uboot32 qemu-svm:uboot64 qemu-svm:ovmf bochs-vmx:ovmf' exec tests/system/firmwares.sh
