# shellcheck shell=sh disable=SC2154
# checks.sh - how lab 4 is judged; the grader sources it
#
# check_4_N judges exercise 4.N alone, in a tree whose other bodies are the reference's, by what the guest
# honest.S prints: lines of a title, numbers and a seal over them that begins as $nonce.  The bare machine
# prints the same lines.  Beside it, under the name `fixed`, runs the same guest with the CPU model v1, which is
# the same on every machine and in which what is not there faults.

hv='B/hv/espejo.elf'
guest='B/labs/04-an-honest-machine/honest.elf'
mask=$((0xffffffff))

# asks SECTION [OPTION..]: a machine whose guest makes these inquiries.
asks()
{
  sections=$1
  shift
  run "asks-$sections" --append script-exit "$hv" \
    --module "$guest name=honest mem=16M -- nonce=$nonce do=$sections $*" \
    --module 'labs/04-an-honest-machine/demo.script role=script'
}

# The same in both CPU models.
asks_both()
{
  run "asks-$1" --append script-exit "$hv" \
    --module "$guest name=honest mem=16M -- nonce=$nonce do=$1" \
    --module "$guest name=fixed mem=16M cpu=v1 -- nonce=$nonce do=$1" \
    --module 'labs/04-an-honest-machine/two.script role=script'
}

# As honest.h does it: a number goes into the seal.
fold() { seal=$((((seal << 5 & mask | seal >> 27) + $1) & mask)); }

# hex NUMBER
hex() { printf '%x' "$1"; }

# line VM TITLE WORD..: sets $want, what that guest prints.  Words are hexadecimal; "-" is no trap;
# "+WORD" goes into the seal only.
line()
{
  vm=$1 title=$2
  want="[$vm] $title"
  seal=$((0x$nonce))
  shift 2
  for word in "$@"; do
    case $word in
    -) fold 255 ;;
    +*) fold $((0x${word#+})) ;;
    *) fold $((0x$word)) ;;
    esac
    case $word in +*) ;; *) want="$want $word" ;; esac
  done
  want="$want =$(hex "$seal")"
  lines="${lines}[$vm] $title$tab$want$tab"
}

# judge TITLE LOOK: all that `line` was called for is there.  What was printed in its place, if it was
# printed to the end, is what was got.
judge()
{
  judged=$1
  where=$2
  rest=$lines
  lines=
  while [ -n "$rest" ]; do
    begin=${rest%%"$tab"*}
    rest=${rest#*"$tab"}
    want=${rest%%"$tab"*}
    rest=${rest#*"$tab"}
    grep -a -q -x -F -e "$want" "$out" 2>/dev/null && continue
    got=$(grep -a -F -m 1 -e "$begin" "$out" 2>/dev/null) || :
    case $got in
    *' ='*) record "$judged" fail "$(verbatim "$want")" "$got" "$where" ;;
    *) expect "$judged" "$(verbatim "$want")" "$where" "^$(printf '%s\n' "$want" | sed 's/[][]/\\&/g')\$" ;;
    esac
    return
  done
  record "$judged" pass 'as on the bare machine' 'the same' "$where"
}

# The nonce, and its parts as the guest uses them.
number=$((0x$nonce))
low=$((number & 255)) second=$((number >> 8 & 255))
high=$((number >> 16)) rest16=$((number & 65535))
square=$((high * high + ((2 * high * rest16 + (rest16 * rest16 >> 16)) >> 16)))
tab=$(printf '\t')
lines=

# QEMU offers no XSAVEC, and has no compacted area.
area()
{
  case $machine in
  qemu-*) line "$1" '1 XSAVE area' 240 340 ;;
  *) line "$1" '1 XSAVE area' 240 340 340 ;;
  esac
}

syscall()
{
  case $vendor in
  intel) line "$1" '1 SYSCALL' 0 1 ;;
  *) line "$1" '1 SYSCALL' 1 1 ;;
  esac
}

check_4_1()
{
  look='the contract of patched'
  run asks-1 --append script-exit "$hv" \
    --module "$guest name=honest mem=16M cpus=2 -- nonce=$nonce do=1 cpus=2" \
    --module 'labs/04-an-honest-machine/demo.script role=script'
  line honest '1 OSXSAVE' 0 1
  judge 'OSXSAVE' "$(texts "$look" 'before and after CR4.OSXSAVE is set')"
  area honest
  judge 'XSAVE area' "$(texts "$look" 'with x87 alone, then with SSE and AVX')"
  case $machine in
  qemu-*)
    line honest '1 OSPKE' 0 1
    judge 'OSPKE' "$(texts "$look" 'before and after CR4.PKE is set')"
    ;;
  esac
  syscall honest
  judge 'SYSCALL' "$(texts "$look" 'in 32-bit mode, then in 64-bit mode')"
  case $machine in
  bochs-svm) line honest '1 second CPU' 1 0 ;; # without leaf 0xb
  *) line honest '1 second CPU' 1 1 ;;
  esac
  judge 'second CPU' "$(texts "$look" 'the APIC ID in leaf 1 and in leaf 0xb, on CPU 1')"
  line honest '1 APIC' 1 0
  judge 'APIC' "$(texts "$look" 'before and after APIC_BASE switches it off')"
}

ports()
{
  line "$1" '2 bytes' "$(hex $((0x5a5a5a00 | low)))" "$(hex $((0x5a5a5a00 | second)))"
  line "$1" '2 words' "$(hex $((0x80000000 | number & 0xfffffc)))" 5a5a8086
  line "$1" '2 nobody there' 5a5a5aff 5a5affff ffffffff
}

strings()
{
  line "$1" '2 strings' "$(hex $((low * 0x01010101)))" 0 4 "$(hex $((0x80000000 | ~number & 0xfffffc)))"
  line "$1" '2 text in one piece' 0
}

check_4_2()
{
  look='the contract of handle_io'
  asks_both 2
  ports honest
  judge 'ports' "$(texts "$look" 'who gets the answer?')"
  strings honest
  judge 'strings' "$(texts "$look" 'INS and OUTS')"
  line honest '2 breakpoint' 1 1 1
  judge 'breakpoint' "$(texts "$look" '#DB behind the OUT, with its bit in DR6')"
  line honest '2 calls' 0 0 0 ffffffff
  judge 'calls' "$(texts "$look" 'without a hypervisor in CPUID nobody is at port 0xec')"
  line fixed '2 calls' 1 0 0 ffffffff
  judge 'hypercall' "$(texts "$look" 'OUT of EAX to port 0xec, in a VM that is told of its hypervisor')"
}

emulated()
{
  line "$1" '3 emulated' - 0 "$(hex $((number & 0xfff000 | 6)))" - 0 fee00900 - 0 0
}

check_4_3()
{
  look='the contract of msr_read, and enum msr_kind'
  asks_both 3
  # Printed without leading zeros.
  line honest '3 kept' - 0 "$(hex "$number")"
  line honest '3 PAT' - 70406 "$(hex $((0x4040404 | number & 0x1010101)))"
  judge 'kept' "$(texts "$look" 'TSC_AUX and PAT, as they were written')"
  # Before the other VM's lines: who calls what is not there takes both along.
  line honest '3 only written' - 0 0 - 0 0
  judge 'only written' "$(texts "$look" 'a register whose rule has no function for reading')"
  line honest '3 constant' - 0 508
  line fixed '3 lost' - 0 0
  judge 'constant' "$(texts "$look" 'MTRRCAP, and a register whose writes are lost')"
  emulated honest
  judge 'emulated' "$(texts "$look" 'MTRR_PHYSBASE7, APIC_BASE, EFER')"
  line fixed '3 only written' d 0 5a5a5a5a 5a5a5a5a d 0 5a5a5a5a 5a5a5a5a
  line fixed "3 nobody's" d 0 5a5a5a5a 5a5a5a5a
  judge 'faults' "$(texts "$look" 'who decides whether an absent register faults? #GP(0) leaves EDX:EAX alone')"
}

check_4_4()
{
  look=$(text "the contract of %s's function" "$vendor")
  asks_both 4
  line honest '4 calls' 6 0 6 0
  judge 'no error code' "$(texts "$look" '#UD has none')"
  line honest '4 page' e 2 0 "$(hex $((0x40000000 | number & 0xffc)))"
  line fixed "4 nobody's MSR" d 0 0
  judge 'error code' "$(texts "$look" '#PF(2) at the instruction, #GP(0) before paging is on')"
  case $machine in
  bochs-svm) ;; # loses INT n whose delivery exits: docs/emulators.md
  *) line honest '4 INT n' 30 7 ;;
  esac
  line honest '4 new stacks' 3 6 6 5
  judge 'new stacks' "$(texts "$look" 'delivered again, INT n and INT3 push the address behind them, #UD its own')"
  line honest '4 double' 8 0
  judge 'double fault' "$(texts "$look" 'a #PF that cannot be delivered')"
  line honest '4 NMI' 2 1
  judge 'NMI' "$(texts "$look" 'the second NMI waits for the handler of the first')"
}

bits() { line "$1" '5 bits' 33 33 3b 33; }
pae() { line "$1" '5 PAE' "$(hex "$number")" 80000033; }
long_mode() { line "$1" '5 long mode' 100 500 500 "$(hex "$square")" 100 0; }
refused() { line "$1" '5 refused' d 0 33 d 0 33 - 33; }

check_4_5()
{
  look='the contract of cr_write_cr0'
  asks 5 strict=1
  bits honest
  judge 'bits' "$(texts "$look" 'ET cannot be cleared; TS set and cleared')"
  pae honest
  judge 'PAE' "$(texts "$look" 'which tables does PAE paging begin with?')"
  long_mode honest
  judge 'long mode' "$(texts "$look" 'EFER before, in and after long mode')"
  refused honest
  judge 'refused' "$(texts "$look" 'PG without PE, NW without CD, a bit that no CPU has')"
  case $machine in
  bochs-vmx)
    line honest '5 wrong PDPTE' d 0 33
    judge 'wrong PDPTE' "$(texts "$look" '#GP(0), and CR0 as it was')"
    ;;
  esac
}

# forms VM TITLE COUNT RIGHT IMMEDIATES: stores of nonce + i * 0x01010101, then of numbers in the code.
forms()
{
  vm=$1 title=$2 count=$3 right=$4 immediates=$5
  set --
  i=1
  while [ "$i" -le "$count" ]; do
    set -- "$@" "+$(hex $(((number + i * 0x01010101) & mask)))"
    i=$((i + 1))
  done
  i=1
  while [ "$i" -le "$immediates" ]; do
    set -- "$@" +600d600d
    i=$((i + 1))
  done
  line "$vm" "$title" "$@" "$right"
}
in_32() { forms "$1" '6 in 32 bits' 9 b 2; }
in_64() { forms "$1" '6 in 64 bits' 8 9 1; }

check_4_6()
{
  look='the contract of take_address32: which stores did not arrive, and how long was the instruction?'
  asks 6
  in_32 honest
  judge '32 bits' "$look"
  in_64 honest
  judge '64 bits' "$look"
}

check_whole()
{
  look='each exercise alone first: make grade LAB=4 EX=4.1'
  asks 123456 strict=1
  line honest '1 OSXSAVE' 0 1
  area honest
  syscall honest
  ports honest
  strings honest
  line honest '2 breakpoint' 1 1 1
  emulated honest
  line honest '4 page' e 2 0 "$(hex $((0x40000000 | number & 0xffc)))"
  line honest '4 NMI' 2 1
  bits honest
  pae honest
  long_mode honest
  refused honest
  in_32 honest
  in_64 honest
  judge 'all inquiries' "$look"
  run kernel --append script-exit "$hv" --module \
    "B/guest-os/guest-os.elf name=one mem=32M -- run=counter,1,3 poweroff" \
    --module 'labs/04-an-honest-machine/kernel.script role=script'
  expect 'a kernel' 'guest-os counts to 3 in a process of its own and powers off' "$look" \
    '^\[one\] counter: 3$' '^VM one is off: the guest wrote 0 to the exit port$'
}
