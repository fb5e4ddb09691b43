#!/bin/sh
# tests/long/evil.sh - tests/system/evil.sh with all its parts on Bochs, both vendors
cd "$(dirname "$0")/../.." || exit 1
EVIL_CASES='bochs-vmx:all bochs-svm:all' EVIL_FLOODS='bochs-svm' exec tests/system/evil.sh
