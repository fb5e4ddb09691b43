#!/bin/sh
# decode.sh - our decoder against binutils' on noise and on the code of real programs
set -u
cd "$(dirname "$0")/../.." || exit 2

dump=${B:-build}/unit/decode-dump
echo 1..1
report=$(sh tests/unit/decode_crosscheck.sh "$dump" quick 2>&1)
status=$?
printf '%s\n' "$report" | sed 's/^/# /'
if [ $status -eq 0 ]; then
  echo 'ok 1 - length and operands of every instruction as objdump has them'
else
  echo 'not ok 1 - length and operands of every instruction as objdump has them'
  exit 1
fi
