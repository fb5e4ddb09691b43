#!/bin/sh
# tests/long/network.sh - tests/system/network.sh: bochs-vmx
cd "$(dirname "$0")/../.." || exit 1
NETWORK_MACHINE=bochs-vmx NETWORK_PINGS=10 exec tests/system/network.sh
