#!/bin/sh
# tests/system/explain.sh - broken fields of the control block: named by us, judged as by the CPU
#
# Each field is broken in a machine of its own (`poke` in the shell), beside one that must not
# notice.  With `force` the CPU is asked although our rules refuse.  On bochs-vmx both verdicts must
# be the same for each field, good values included.  AMD-V leaves many checks out (the manual says
# what is illegal, and what only makes no sense): there we may be stricter, never laxer.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

NON_CANONICAL=0x1234000000000000

# FIELD VALUE VERDICT: both refuse (-), both enter (+: an unrestricted guest may); or we refuse what
# the manual forbids and Bochs 2.7 does not check (!).
intel_fields()
{
  cat <<END
PIN_BASED_CONTROLS 0x0 -
PRIMARY_CONTROLS 0x0 -
SECONDARY_CONTROLS 0x80 -
CR3_TARGET_COUNT 0x5 -
IO_BITMAP_A 0x1 -
IO_BITMAP_B 0xfff -
IO_BITMAP_B $NON_CANONICAL -
MSR_BITMAP 0x10 -
VPID 0x0 -
EPT_POINTER 0x7 -
EPT_POINTER 0x6 -
EXIT_CONTROLS 0x0 -
ENTRY_CONTROLS 0x0 -
ENTRY_INTERRUPTION_INFO 0x80000100 -
ENTRY_INTERRUPTION_INFO 0x80000203 -
ENTRY_INTERRUPTION_INFO 0x80000320 -
ENTRY_INTERRUPTION_INFO 0x8000030e -
ENTRY_INTERRUPTION_INFO 0x80000b06 -
ENTRY_INTERRUPTION_INFO 0x80001306 -
HOST_CR0 0x0 -
HOST_CR3 $NON_CANONICAL -
HOST_CR4 0x0 -
HOST_SYSENTER_ESP $NON_CANONICAL -
HOST_SYSENTER_EIP $NON_CANONICAL -
HOST_PAT 0x2 -
HOST_EFER 0x0 -
HOST_EFER 0x502 -
HOST_ES_SELECTOR 0x7 -
HOST_CS_SELECTOR 0x0 -
HOST_SS_SELECTOR 0x3 -
HOST_DS_SELECTOR 0x4 -
HOST_TR_SELECTOR 0x0 -
HOST_FS_BASE $NON_CANONICAL -
HOST_GS_BASE $NON_CANONICAL -
HOST_TR_BASE $NON_CANONICAL -
HOST_GDTR_BASE $NON_CANONICAL -
HOST_IDTR_BASE $NON_CANONICAL -
HOST_RIP $NON_CANONICAL -
GUEST_CR0 0x80000030 -
GUEST_CR3 $NON_CANONICAL -
GUEST_CR4 0x0 -
GUEST_CR4 0x8000002000 -
GUEST_DR7 0x100000400 -
GUEST_DEBUGCTL 0x80000000 !
GUEST_SYSENTER_ESP $NON_CANONICAL -
GUEST_SYSENTER_EIP $NON_CANONICAL -
GUEST_PAT 0x2 -
GUEST_EFER 0x2 -
GUEST_EFER 0x400 -
GUEST_TR_SELECTOR 0x4 -
GUEST_CS_BASE 0x10000000000 -
GUEST_FS_BASE $NON_CANONICAL -
GUEST_TR_BASE $NON_CANONICAL -
GUEST_CS_ACCESS_RIGHTS 0x0 -
GUEST_SS_ACCESS_RIGHTS 0xc09b -
GUEST_DS_ACCESS_RIGHTS 0xc092 -
GUEST_ES_ACCESS_RIGHTS 0xc083 -
GUEST_FS_ACCESS_RIGHTS 0xc013 -
GUEST_GS_ACCESS_RIGHTS 0xc193 -
GUEST_DS_ACCESS_RIGHTS 0x4093 -
GUEST_TR_ACCESS_RIGHTS 0x10000 -
GUEST_TR_ACCESS_RIGHTS 0x89 -
GUEST_GDTR_BASE $NON_CANONICAL -
GUEST_IDTR_BASE $NON_CANONICAL -
GUEST_GDTR_LIMIT 0x10000 -
GUEST_IDTR_LIMIT 0x10000 -
GUEST_RIP 0x10000000000 -
GUEST_RFLAGS 0x0 -
GUEST_RFLAGS 0x8002 -
GUEST_RFLAGS 0xa -
GUEST_ACTIVITY 0x9 -
GUEST_INTERRUPTIBILITY 0x20 -
GUEST_INTERRUPTIBILITY 0x3 -
GUEST_INTERRUPTIBILITY 0x1 -
GUEST_PENDING_DEBUG 0x20 -
LINK_POINTER 0x0 -
GUEST_CR3 0x1000 +
GUEST_DR7 0x400 +
GUEST_SYSENTER_EIP 0x1000 +
GUEST_INTERRUPTIBILITY 0x2 +
GUEST_INTERRUPTIBILITY 0x8 +
GUEST_RFLAGS 0x46 +
GUEST_GDTR_LIMIT 0xffff +
GUEST_DS_ACCESS_RIGHTS 0x10000 +
GUEST_SS_SELECTOR 0x3 +
GUEST_CS_ACCESS_RIGHTS 0xc09f +
GUEST_CS_ACCESS_RIGHTS 0xc093 +
END
}

# FIELD VALUE CPU: our rules refuse; what the CPU of Bochs does (r, e), or that it must not be asked
# (x: it would give the guest the memory of the machine, or its interrupts).
amd_fields()
{
  cat <<END
efer 0x0 r
efer 0x1002 r
efer 0x1400 e
cr0 0x100000011 r
cr0 0x20000011 r
cr0 0x80000010 e
cr4 0x80000000 r
dr6 0x1ffff0ff0 r
dr7 0x100000400 r
intercept_misc2 0x0 r
intercept_misc1 0x0 x
intercept_exceptions 0x0 x
guest_asid 0x0 r
guest_asid 0xffffffff e
iopm_base_pa 0xfffffffffffff000 r
iopm_base_pa 0x1 x
msrpm_base_pa 0xfffffffffffff000 r
msrpm_base_pa 0x1 x
eventinj 0x80000720 r
eventinj 0x80000320 r
eventinj 0x80000302 r
eventinj 0x80000203 e
eventinj 0x80000820 e
eventinj 0x8000030e e
tlb_control 0x2 e
nested_control 0x0 x
nested_control 0x80000001 e
n_cr3 0x1 x
n_cr3 0xfff0000000000000 r
g_pat 0x2 r
int_control 0x0 x
int_control 0x1000010 e
int_shadow 0x10 e
lbr_control 0x10 e
rflags 0x0 e
rflags 0x8002 e
rip 0x10000000000 e
cpl 0x4 x
cs.attrib 0xfc93 e
ss.attrib 0x1c93 e
ds.attrib 0xfc93 e
tr.attrib 0x93 e
ldtr.attrib 0x89 e
gdtr.limit 0x10000 e
idtr.limit 0x10000 e
gdtr.base $NON_CANONICAL e
fs.base $NON_CANONICAL e
lstar $NON_CANONICAL e
sysenter_eip $NON_CANONICAL e
kernel_gs_base $NON_CANONICAL e
END
}

# The operator's script: each line of standard input a machine of its own.
script()
{
  echo 'expect good "counter: 2" 60'
  while read -r field value how; do
    case $1.$how in
    force.x) continue ;;
    force.*) force=force ;;
    *) force= ;;
    esac
    echo "poke a $field $value $force"
    echo 'sleep 10'
    echo 'vm kill a'
    echo 'wait a ended'
    echo "vm start a"
  done
  echo 'vm list'
  echo 'echo all are broken'
  echo 'expect good "counter: 3" 60'
  echo 'quit 0'
}

# machine NAME MACHINE: the script comes from standard input.
# machine NAME MACHINE: the script is on standard input.
machine()
{
  start "$1" "$2" --cpus 1 --opt silence=0 \
    --module "$GUEST_OS name=good mem=32M -- run=counter,100" \
    --module "$TINY/busy.elf name=a mem=4M" --script
}

# verdicts NAME: FIELD VALUE RULES(broken: -, none: +, not asked) CPU(r, e, none) NAMED DEAD
verdicts()
{
  awk '
    function plain(name) {
      gsub(/_/, "", name)
      return toupper(name)
    }
    function flush() { if (field) print field, value, rules, cpu, named, dead }
    /^hv> poke a / {
      flush()
      field = $4; value = $5; rules = "?"; cpu = "none"; named = "no"; dead = "no"
    }
    /poke: .* rules broken, the CPU/ {
      match($0, /[0-9]+ rules broken/)
      rules = substr($0, RSTART, 1) == "0" ? "+" : "-"
      cpu = /the CPU refuses/ ? "r" : "e"
    }
    /VMC[BS] .* = [0-9a-fx]+: .*\[(SDM|APM)\]/ && field {
      if (plain($2) == plain(field)) named = "yes"
      if (rules == "?") rules = "-"
    }
    /^VM a is dead: entry refused/ { dead = "yes" }
    END { flush() }' "$records/$1.log"
}

intel_fields | script force | machine vmx bochs-vmx
amd_fields | script no | machine qemu-svm qemu-svm
amd_fields | script no | machine bochs-svm bochs-svm
amd_fields | script force | machine bochs-svm-asked bochs-svm

# A CPU without some of the VMCS's fields.
start vmx-sparse bochs-vmx --cpus 1 --cpu corei5_arrandale_m520 \
  --module "$GUEST_OS name=good mem=32M -- run=counter,100" --script <<'END'
expect good "counter: 2" 60
dump good
quit 0
END

# compare NAME TEXT [SED]: expected has lines as verdicts prints them, with what SED leaves of them;
# where the CPU enters nothing is named.
compare()
{
  verdicts "$1" | sed "${3:-s/ e .*/ e/}" >"$records/$1.verdicts"
  fields=$(wc -l <"$records/expected")
  if [ "$fields" -ge 40 ] && diff "$records/expected" "$records/$1.verdicts" >"$records/diff"; then
    ok "$1: $2 ($fields fields)"
  else
    not_ok "$1: $2" "$1"
    sed 's/^/#   /' "$records/diff"
  fi
}

for name in vmx qemu-svm bochs-svm bochs-svm-asked vmx-sparse; do
  ends "$name" 0 'the neighbour counts on while the others are broken'
done

intel_fields | sed 's/ -$/ - r yes yes/; s/ !$/ - e/; s/ +$/ + e/' >"$records/expected"
compare vmx 'our verdict is the one of the CPU, and names field, value, rule and title'

amd_fields | sed 's/ .$/ - none yes yes/' >"$records/expected"
for name in qemu-svm bochs-svm; do
  compare "$name" 'the entry is refused, and field, value, rule and title are named'
done

# A failed VMREAD of ours would be in INSTRUCTION_ERROR, where somebody looks for the entry's.
says vmx-sparse 'to look at a VMCS leaves its error alone' '^TSC_MULTIPLIER +0+$' \
  '^INSTRUCTION_ERROR +0+$'

# After a refused VMRUN Bochs has overwritten the VMCB: only the verdicts are compared.
amd_fields | sed '/ x$/d; s/ \(.\)$/ - \1/' >"$records/expected"
compare bochs-svm-asked 'what the CPU refuses our rules refuse too' 's/ \([er]\) .*/ \1/'
finish
