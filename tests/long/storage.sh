#!/bin/sh
# tests/long/storage.sh - tests/system/storage.sh on the other AMD-V
cd "$(dirname "$0")/../.." || exit 1
STORAGE_MACHINES='bochs-svm' exec tests/system/storage.sh
