#!/bin/sh
# tests/long/audit.sh - the hypervisor that audits each of its entries, on every machine: nothing to find fault with
cd "$(dirname "$0")/../.." || exit 1
out=${B:-build}/tests/audit
echo 1..3
n=0 failed=0
for machine in qemu-svm bochs-svm bochs-vmx; do
  n=$((n + 1)) verdict=ok
  output=$(B=${B:-$PWD/build} checker/pgcheck --platform "$machine" --only audit --out "$out-$machine" --quiet 2>&1) ||
    verdict='not ok' failed=1
  printf '%s\n' "$output" | sed 's/^/# /'
  echo "$verdict $n - audit on $machine"
  rm -rf "$out-$machine"
done
exit "$failed"
