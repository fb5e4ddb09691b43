# shellcheck shell=sh disable=SC2154
# checks.sh - how lab 3 is judged; tools/grade sources it
#
# check_3_N judges exercise 3.N alone, in a tree whose other bodies are the reference's.
# It sees what a student sees: the serial line, the status of the machine, counts of exits,
# the control block as `dump` shows it.  $machine, $vendor (amd, intel) and the functions
# run, expect, bits_on, bits_off, not_zero are tools/grade's.

hv='B/hv/espejo.elf'
first='B/labs/03-first-guest/first.elf name=first mem=16M'
stubborn='B/labs/03-first-guest/stubborn.elf name=stubborn mem=16M'

script() { printf '%s\n' "labs/03-first-guest/$1.script role=script"; }

# The demonstration.  Its two guests leave 28 and 46 times, on either vendor.
first_light()
{
  run demo --append script-exit "$hv" --module "$stubborn" --module "$first" \
    --module "$(script demo)"
  expect 'first light' \
    'the guest prints two lines, beside one that keeps its CPU, and ends by itself' "$1" \
    '^\[stubborn\] stubborn: I keep this CPU$' '^\[first\] first light$' \
    '^VM first is off: the guest wrote 0 to the exit port$' '^hv> vm kill stubborn$' \
    '^espejo: exit status 0$'
  expect 'each exit once' 'exits of first: port 45, CPUID 1' "$1" ' port 45,? CPUID 1$'
}

a_kernel()
{
  run kernel --append script-exit "$hv" --module \
    "B/guest-os/guest-os.elf name=one mem=32M -- run=counter,1,3 poweroff" \
    --module "$(script kernel)"
  expect 'a kernel' 'guest-os counts to 3 in a process of its own and powers off' "$1" \
    '^\[one\] counter: 3$' '^VM one is off: the guest wrote 0 to the exit port$'
}

# The control block is read at the guest's end; run_control then has it in $out.
run_control()
{
  run control --append script-exit "$hv" --module "$first" --module "$(script control)"
}

# Machines that cannot: one has no extension at all, one has it without nested paging.
check_3_1()
{
  look=$(text "the contract of %s's probe, and virt.h, probe" "$vendor")
  first_light "$look"
  case $machine in
  qemu-*)
    run none --cpu max,-svm --append script-exit "$hv" --module "$first" --module "$(script demo)"
    expect 'no SVM' 'a clean stop, and a sentence on AMD-V that names SVM' "$look" \
      '^espejo: cannot start' 'AMD-V: .*SVM' '!AMD-V: .*([Nn]ested|NPT)' '^espejo: exit status 1$'
    run flat --cpu max,-npt --append script-exit "$hv" --module "$first" --module "$(script demo)"
    expect 'no nested paging' 'a clean stop, and a sentence that names nested paging' "$look" \
      '^espejo: cannot start' 'AMD-V: .*([Nn]ested paging|NPT)' '^espejo: exit status 1$'
    ;;
  bochs-vmx)
    run none --cpu athlon64_clawhammer --append script-exit "$hv" --module "$first" \
      --module "$(script demo)"
    expect 'no VMX' 'a clean stop, and a sentence on VT-x that names VMX' "$look" \
      '^espejo: cannot start' 'VT-x: .*VMX' '!VT-x: .*EPT' '^espejo: exit status 1$'
    run flat --cpu core2_penryn_t9600 --append script-exit "$hv" --module "$first" \
      --module "$(script demo)"
    expect 'no nested paging' 'a clean stop, and a sentence that names EPT' "$look" \
      '^espejo: cannot start' 'VT-x: .*EPT' '^espejo: exit status 1$'
    ;;
  esac
}

# What belongs to a CPU must not be shared by two.
check_3_2()
{
  look=$(text "the contract of %s's cpu_on: what does each CPU need of its own?" "$vendor")
  first_light "$look"
  # Two that never leave by themselves: each CPU is in a guest when the other one enters its own.
  run two --cpus 2 --append script-exit "$hv" --module "$stubborn" \
    --module 'B/labs/03-first-guest/stubborn.elf name=second mem=16M' \
    --module "$first" --module "$(script two)"
  expect 'two CPUs' 'on two CPUs, two stubborn guests, and a third one that ends' "$look" \
    '^espejo: 2 of 2 CPUs' '^\[stubborn\] stubborn: I' '^\[second\] stubborn: I' \
    '^\[first\] first light$' '^VM first is off: the guest wrote 0' '^hv> vm kill second$' \
    '^espejo: exit status 0$'
}

check_3_3()
{
  look=$(text "the contract of %s's function: which bit is missing, or too many?" "$vendor")
  first_light "$look"
  run_control
  case $vendor in
  amd)
    bits_on intercept_cr 16:CR0-write 20:CR4-write 24:CR8-write 8:CR8-read
    bits_on intercept_exceptions 18:#MC
    bits_on intercept_misc1 0:INTR 1:NMI 3:INIT 15:RDPMC 18:CPUID 19:RSM 22:INVD 24:HLT \
      26:INVLPGA 27:IOIO_PROT 28:MSR_PROT 29:TASK_SWITCH 30:FERR_FREEZE 31:SHUTDOWN
    bits_on intercept_misc2 0:VMRUN 1:VMMCALL 2:VMLOAD 3:VMSAVE 4:STGI 5:CLGI 6:SKINIT \
      9:WBINVD 10:MONITOR 11:MWAIT 13:XSETBV
    bits_off intercept_cr 3:CR3-read 19:CR3-write
    bits_off intercept_exceptions 3:#BP 6:#UD 7:#NM 13:#GP 14:#PF
    bits_off intercept_misc1 14:RDTSC 21:INTn 23:PAUSE 25:INVLPG
    ;;
  intel)
    bits_on PIN_BASED_CONTROLS 0:external-interrupt 3:NMI 5:virtual-NMIs
    bits_on PRIMARY_CONTROLS 3:TSC-offset 7:HLT 10:MWAIT 11:RDPMC 19:CR8-load 20:CR8-store \
      25:IO-bitmaps 28:MSR-bitmaps 29:MONITOR 31:secondary-controls
    bits_on SECONDARY_CONTROLS 1:EPT 5:VPID 6:WBINVD 7:unrestricted-guest
    bits_on EXIT_CONTROLS 2:save-debug 9:64-bit-host 18:save-PAT 19:load-PAT 20:save-EFER \
      21:load-EFER
    bits_on ENTRY_CONTROLS 2:load-debug 14:load-PAT 15:load-EFER
    bits_off PRIMARY_CONTROLS 2:interrupt-window 9:INVLPG 12:RDTSC 15:CR3-load 16:CR3-store \
      22:NMI-window 30:PAUSE
    ;;
  esac
}

check_3_4()
{
  look=$(text "the contract of %s's function: which field says so?" "$vendor")
  first_light "$look"
  run_control
  case $vendor in
  amd)
    not_zero iopm_base_pa msrpm_base_pa n_cr3
    bits_on nested_control 0:NP_ENABLE
    bits_on int_control 24:V_INTR_MASKING
    ;;
  intel)
    not_zero IO_BITMAP_A IO_BITMAP_B MSR_BITMAP EPT_POINTER VPID LINK_POINTER
    bits_on EXCEPTION_BITMAP 1:#DB 17:#AC 18:#MC
    bits_on CR0_GUEST_HOST_MASK 0:PE 29:NW 30:CD 31:PG
    bits_on CR4_GUEST_HOST_MASK 6:MCE 13:VMXE
    ;;
  esac
  a_kernel "$look"
}

check_3_5()
{
  look=$(text "the contract of %s's function, and the rule that the refused entry names" "$vendor")
  first_light "$look"
  a_kernel "$look"
}

check_3_6()
{
  look=$(text "the contract of %s's run, and vm/exit.h: an exit is a request" "$vendor")
  first_light "$look"
  a_kernel "$look"
  # Interrupts at the right moment need windows, and these the slow way.
  limit=240 run selftest --append script-exit "$hv" \
    --module "B/guest-os/guest-os.elf name=one mem=32M -- selftest quiet" \
    --module "$(script selftest)"
  expect 'a self-test' 'guest-os finds all as on a bare machine' "$look" \
    '^\[one\] # end selftest: ([0-9]+) passed of \1$' '!^\[one\] not ok '
}

check_whole()
{
  look='the demonstration, with all of your functions'
  first_light "$look"
  a_kernel "$look"
}
