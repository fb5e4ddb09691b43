#!/bin/sh
# The decoder against objdump - lengths, names, operands - over made-up and over real code.
#
#   decode_crosscheck.sh DECODE_DUMP [quick|full [PROGRAM...]]
#
# quick: 1 MiB of noise in each mode (seconds).  full: 16 MiB of noise, a sweep of
# every opcode with prefixes and ModRM bytes, and the code of real programs (a minute
# or two).  DECODE_DUMP is the program built from decode_dump.c.
#
# Status 0: no mismatch, and something was compared.  Differences that are not the
# decoder's fault are counted by class, which decode_dump.c defines by rules:
#   - objdump takes FWAIT and the x87 instruction behind it, also with prefixes
#     between, for one: assemblers write FSTCW so.  The CPU runs two.
#   - it prints a prefix that the next byte cancels (REX before 66) on a line of its
#     own.  The CPU reads on.
#   - it prints LOCK before anything; MOV to CR1, DR9, CS and the 386's test
#     registers; legacy prefixes before VEX; SWAPGS and RDFSBASE in 32-bit code; VIA's instructions.
#     All are #UD, so we refuse.  The length without the fault is compared instead.
#   - "(bad)" lines are not compared: they have no length.
# objdump runs with -M intel64: near branches in 64-bit mode ignore 66 as ours do.
set -eu

dump=$1
size=${2:-quick}
shift
[ $# -eq 0 ] || shift
seed=${SEED:-20261120}
status=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT INT TERM

if ! command -v objdump >/dev/null; then
	echo "decode_crosscheck: objdump is missing (package binutils)" >&2
	exit 2
fi

# judge MODE NAME OBJDUMP-ARGUMENTS...
judge() {
	mode=$1
	echo "$2, $mode-bit:"
	shift 2
	{ objdump -w --insn-width=16 -M intel,intel64 "$@" || : >"$tmp/failed"; } |
		"$dump" check "$mode" || status=1
	if [ -e "$tmp/failed" ]; then
		echo "decode_crosscheck: objdump failed" >&2
		exit 2
	fi
}

# made NAME: judge $tmp/bytes in one mode
made() {
	case $1 in
	64) judge "$1" "$2" -D -b binary -m i386:x86-64 "$tmp/bytes" ;;
	32) judge "$1" "$2" -D -b binary -m i386 "$tmp/bytes" ;;
	16) judge "$1" "$2" -D -b binary -m i8086 "$tmp/bytes" ;;
	esac
}

kib=1024
[ "$size" = quick ] || kib=16384
for mode in 64 32 16; do
	"$dump" random "$seed" "$kib" >"$tmp/bytes"
	made "$mode" "noise"
	[ "$size" = quick ] && continue
	"$dump" sweep "$seed" "$mode" >"$tmp/bytes"
	made "$mode" "opcode sweep"
done

[ "$size" = quick ] && exit "$status"
if [ $# -eq 0 ]; then
	set -- /usr/bin/qemu-system-x86_64 /usr/bin/gdb "$(gcc -print-prog-name=cc1)" \
		/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1 \
		/usr/lib/x86_64-linux-gnu/libcrypto.so.3 /usr/lib32/libc.so.6
fi
for program in "$@"; do
	[ -e "$program" ] || continue
	case $(LC_ALL=C objdump -f "$program" | sed -n 's/.*file format //p') in
	elf64-x86-64) judge 64 "$program" -d "$program" ;;
	elf32-i386) judge 32 "$program" -d "$program" ;;
	esac
done
exit "$status"
