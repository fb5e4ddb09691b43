#!/bin/sh
# tests/system/others.sh - other people's kernels: Debian's gnumach and memtest86+
# shellcheck disable=SC2034
LIMIT=${LIMIT:-400}
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

machines=${MACHINES:-qemu-svm}
others=$build/others
if ! tools/guest-others "$others" >"$records/fetched" 2>&1; then
  skip 'kernels of others' "$(tail -n 1 "$records/fetched")"
  finish
fi

# A kernel that was cut off on its way, and one with a hole where its code was.
head -c 100000 "$others/gnumach" >"$records/gnumach-cut"
head -c 20000 "$others/memtest" >"$records/memtest-cut"
start cut qemu-svm --module "$GUEST_OS name=good mem=32M -- shell" \
  --module "$records/gnumach-cut name=mach mem=64M" \
  --module "$records/memtest-cut name=mem mem=32M" --script <<'END'
expect good "$ " 60
vm list
quit 0
END

for machine in $machines; do
  start "mach-$machine" "$machine" --script \
    --module "$others/gnumach name=mach mem=64M -- console=com0" <<'END'
expect mach "No bootstrap code loaded" 120
vm list
quit 0
END
  start "memtest-$machine" "$machine" --script \
    --module "$others/memtest name=mt mem=12M -- console=ttyS0,115200" <<'END'
expect mt "Status: Testing" 300
expect mt "Moving inversions" 300
vm list
quit 0
END
done

ends cut 0 'kernels that were cut off'
says cut 'an error names file and cause, and the neighbour runs' '^espejo: .*gnumach-cut: .*the file ends' \
  '^espejo: .*memtest-cut: the file is cut off' '1 good +running'
for machine in $machines; do
  ends "mach-$machine" 0 'gnumach 1.8'
  says "mach-$machine" 'to its last line: it has no bootstrap program' '^\[mach\] GNU Mach 1.8' \
    '^\[mach\] biosmem: .*available' '^\[mach\] RTC time is 20' '^\[mach\] panic.*No bootstrap code loaded'
  ends "memtest-$machine" 0 'memtest86+ 6.10'
  says "memtest-$machine" 'on its serial line and on the screen, to its rows of tests' \
    '^\[mt\] .*\[1;1H.*Memtest86\+ v6.10' '^\[mt\] .*#[0-9]+ +\[Moving inversions' '^ *1 mt +running'
  never "memtest-$machine" 'without an error' 'Errors: +[1-9]'
done
finish
