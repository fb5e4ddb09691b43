#!/bin/sh
# tests/long/peers.sh - the checker on every platform: no failure that its file does not know of
cd "$(dirname "$0")/../.." || exit 1
echo 1..1
status=0
output=$(tools/peers 2>&1) || status=$?
echo "$output" | sed 's/^/# /'
if [ "$status" -eq 0 ]; then echo 'ok 1 - tools/peers'; else echo "not ok 1 - tools/peers (status $status)"; fi
exit "$((status != 0))"
