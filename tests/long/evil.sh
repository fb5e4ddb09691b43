#!/bin/sh
# tests/long/evil.sh - tests/system/evil.sh with all its parts on Bochs
cd "$(dirname "$0")/../.." || exit 1
EVIL_CASES='bochs-vmx:all bochs-svm:all' exec tests/system/evil.sh
