#!/bin/sh
# tests/long/bios.sh - tests/system/bios.sh: the hybrid ISO and the other machines
cd "$(dirname "$0")/../.." || exit 1
LIMIT=${LIMIT:-2400} CASES='qemu-svm:disk.iso bochs-vmx:disk.img bochs-svm:disk.img' exec tests/system/bios.sh
