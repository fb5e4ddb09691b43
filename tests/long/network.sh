#!/bin/sh
# tests/long/network.sh - tests/system/network.sh: two Linux guests on bochs-vmx, small ones on bochs-svm
cd "$(dirname "$0")/../.." || exit 1
LIMIT=${LIMIT:-2400} NETWORK_MACHINE=bochs-vmx NETWORK_TRIOS=bochs-svm NETWORK_PINGS=10 exec tests/system/network.sh
