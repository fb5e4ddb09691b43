#!/bin/sh
# tests/long/type2.sh - tests/system/type2.sh with a Linux of four vCPUs besides
cd "$(dirname "$0")/../.." || exit 1
VCPUS='2 3 4' exec tests/system/type2.sh
