#!/bin/sh
# tests/long/linux.sh - tests/system/linux.sh on the other machines, with other numbers of vCPUs
cd "$(dirname "$0")/../.." || exit 1
# Each wait inside the machine is limited by its own time: on Bochs, 50 million instructions a second.
LIMIT=2400 CASES='qemu-svm:1 qemu-svm:4 bochs-svm:1 bochs-vmx:2' exec tests/system/linux.sh
