#!/bin/sh
# tests/long/linux.sh - tests/system/linux.sh on the other machines, with other numbers of vCPUs
cd "$(dirname "$0")/../.." || exit 1
# With two vCPUs Bochs takes its time: Linux believes CPUID's 3.5 GHz, and one of its seconds is 70 of the machine.
LIMIT=2400 CASES='qemu-svm:1 qemu-svm:4 bochs-svm:1 bochs-vmx:2' exec tests/system/linux.sh
