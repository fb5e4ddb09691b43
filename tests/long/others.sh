#!/bin/sh
# tests/long/others.sh - tests/system/others.sh on the other machines
cd "$(dirname "$0")/../.." || exit 1
MACHINES='bochs-vmx bochs-svm' exec tests/system/others.sh
