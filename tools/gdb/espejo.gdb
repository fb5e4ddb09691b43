# espejo.gdb - what gdb should know about a run under QEMU; `make gdb` loads it
#
# attach-machine [PORT]   connect to the machine that tools/run --gdb started
# to-hypervisor           go on to the next exit that the hypervisor handles
# vms                     the virtual machines and their numbers
# exits VM                its exits by reason
# vmcb VM                 AMD-V: its control block
# vmcs VM                 VT-x: what memory shows of it
# walk VM ADDRESS         guest-virtual to host-physical
# guest-view, hypervisor-view
#                         whose symbols addresses have; guest-break FUNCTION
# gpr                     the registers of where the CPU is
#
# VM is a number of vms.  All but gpr and the guest's view read the hypervisor's memory through
# its own addresses, so the CPU must be in it: `to-hypervisor` sees to that.  No Python is needed.

set confirm off
set pagination off
set print pretty on
set architecture i386:x86-64
# QEMU answers slowly when the machine is loaded.
set tcp connect-timeout 30
set $direct_base = 0xffff800000000000
set $address_bits = 0x000ffffffffff000

define attach-machine
  if $argc == 0
    target remote 127.0.0.1:1234
  else
    target remote 127.0.0.1:$arg0
  end
end
document attach-machine
attach-machine [PORT]: connect to QEMU's gdb server (tools/run --gdb).
Hardware breakpoints (hbreak) work before the hypervisor has mapped itself; plain
ones, which are written into memory, do not.
end

define to-hypervisor
  thbreak handle_exit
  continue
end
document to-hypervisor
to-hypervisor: go on until a guest has left for a reason that common code answers.
Then the hypervisor's memory is mapped, and the vCPU is in the argument v.
end

# ---- Virtual machines ---------------------------------------------------------------

define vms
  set $n = 0
  while $n < sizeof(guest) / sizeof(guest[0])
    set $g = &guest[$n]
    set $n = $n + 1
    if $g->number != 0
      printf "%2d %-15s ", $n, $g->definition.config.name
      if $g->vm == 0
        printf "not started\n"
      else
        output (enum vm_state)$g->vm->state
        printf ", %d vCPU, %lu MiB, %s\n", $g->vm->vcpu_count, $g->definition.config.memory >> 20, $g->vm->cause
      end
    end
  end
end
document vms
vms: the virtual machines, with the numbers that the other commands take.
end

# Sets $vm and $vcpu, its first one; $vm is 0 if there is none.
define find-vm
  set $vm = (struct vm *)0
  if $arg0 >= 1 && $arg0 <= sizeof(guest) / sizeof(guest[0])
    set $vm = guest[$arg0 - 1].vm
  end
  if $vm == 0
    printf "there is no such VM: see vms\n"
  else
    set $vcpu = $vm->vcpu[0]
  end
end
document find-vm
find-vm VM: set $vm and $vcpu.
end

define exits
  find-vm $arg0
  if $vm != 0
    set $r = 0
    while $r < EXIT_REASON_COUNT
      if $vcpu->exits[$r] != 0
        printf "%12lu ", $vcpu->exits[$r]
        output (enum exit_reason)$r
        printf "\n"
      end
      set $r = $r + 1
    end
    printf "last: "
    output (enum exit_reason)$vcpu->exit.reason
    printf " (%#lx) at rip %#lx\n", $vcpu->exit.raw, $vcpu->regs.rip
  end
end
document exits
exits VM: how often its first vCPU has left the guest, by reason, and the last time.
end

# ---- Control blocks ---------------------------------------------------------------------

define vmcb
  find-vm $arg0
  if $vm != 0
    if virt != &amd_ops
      printf "this machine has no VMCB: see vmcs\n"
    else
      set $b = ((struct svm_vcpu *)$vcpu)->vmcb
      set $c = &$b->control
      set $s = &$b->save
      printf "exitcode    %#18lx  exitinfo1 %#18lx\n", $c->exitcode, $c->exitinfo1
      printf "exitinfo2   %#18lx  intinfo   %#18lx\n", $c->exitinfo2, $c->exitintinfo
      printf "eventinj    %#18lx  intctrl   %#18lx\n", $c->eventinj, $c->int_control
      printf "n_cr3       %#18lx  asid %u  clean %#x\n", $c->n_cr3, $c->guest_asid, $c->clean
      printf "intercepts  cr %#x dr %#x exceptions %#x misc %#x %#x\n", $c->intercept_cr, $c->intercept_dr, $c->intercept_exceptions, $c->intercept_misc1, $c->intercept_misc2
      printf "cs:rip   %04x:%#018lx  rflags %#lx  cpl %u\n", $s->cs.selector, $s->rip, $s->rflags, $s->cpl
      printf "ss:rsp   %04x:%#018lx  rax    %#lx\n", $s->ss.selector, $s->rsp, $s->rax
      printf "cr0 %#lx  cr2 %#lx  cr3 %#lx  cr4 %#lx  efer %#lx\n", $s->cr0, $s->cr2, $s->cr3, $s->cr4, $s->efer
    end
  end
end
document vmcb
vmcb VM: AMD-V's control block of its first vCPU, as the last exit left it.
All of it: print *((struct svm_vcpu *)$vcpu)->vmcb
end

define vmcs
  find-vm $arg0
  if $vm != 0
    if virt != &intel_ops
      printf "this machine has no VMCS: see vmcb\n"
    else
      set $i = (struct intel_vcpu *)$vcpu
      printf "region %#lx  vpid %u  loaded on CPU %d  todo %#x\n", $i->region, $i->vpid, $i->loaded_on, $i->todo
      printf "primary %#lx  secondary %#lx  cr0 owned %#lx  cr4 owned %#lx\n", $i->primary, $i->secondary, $i->cr0_owned, $i->cr4_owned
      printf "rip %#lx  rflags %#lx\n", $vcpu->regs.rip, $vcpu->regs.rflags
      printf "The CPU keeps the fields: the shell's `dump` reads them.\n"
    end
  end
end
document vmcs
vmcs VM: what memory shows of VT-x's control structure: the manual leaves its format to the
CPU, so the fields are read by VMREAD only, which the shell's command `dump VM` does.
end

# ---- Addresses ----------------------------------------------------------------------------

# Guest-physical $arg0 through NPT: $hpa, ~0 if nothing is mapped; each entry is shown if $show.
define to-host
  set $table = (unsigned long *)((struct svm_vm *)$vm)->npt.root
  set $shift = 39
  set $hpa = ~0UL
  while $shift >= 12
    set $entry = $table[($arg0 >> $shift) & 511]
    if $show
      printf "  nested level %d: %#lx\n", ($shift - 12) / 9 + 1, $entry
    end
    if ($entry & 1) == 0
      set $shift = 0
    else
      if $shift == 12 || ($entry & 0x80)
        set $size = 1UL << $shift
        set $hpa = ($entry & $address_bits & ~($size - 1)) | ($arg0 & ($size - 1))
        set $shift = 0
      else
        set $table = (unsigned long *)($direct_base + ($entry & $address_bits))
        set $shift = $shift - 9
      end
    end
  end
end
document to-host
to-host GUEST-PHYSICAL: set $hpa, by the VM of the last find-vm.
end

define walk
  find-vm $arg0
  if $vm != 0 && virt == &amd_ops
    set $s = &((struct svm_vcpu *)$vcpu)->vmcb->save
    set $gva = (unsigned long)$arg1
    set $gpa = ~0UL
    if ($s->cr0 & 0x80000000) == 0
      printf "paging is off: the address is guest-physical\n"
      set $gpa = $gva
    else
      if ($s->efer & 0x400) == 0
        printf "not in long mode: the shell's `walk` knows the other modes\n"
      else
        printf "guest-virtual %#lx, CR3 %#lx\n", $gva, $s->cr3
        set $at = $s->cr3 & $address_bits
        set $level = 39
        set $show = 0
        while $level >= 12
          set $at = $at + 8 * (($gva >> $level) & 511)
          to-host $at
          if $hpa == ~0UL
            printf "  level %d: the table itself is not mapped, at %#lx\n", ($level - 12) / 9 + 1, $at
            set $level = 0
          else
            set $guest_entry = *(unsigned long *)($direct_base + $hpa)
            printf "  level %d: entry at %#lx = %#lx\n", ($level - 12) / 9 + 1, $at, $guest_entry
            if ($guest_entry & 1) == 0
              printf "  not present\n"
              set $level = 0
            else
              if $level == 12 || ($level <= 30 && ($guest_entry & 0x80))
                set $page = 1UL << $level
                set $gpa = ($guest_entry & $address_bits & ~($page - 1)) | ($gva & ($page - 1))
                set $level = 0
              else
                set $at = $guest_entry & $address_bits
                set $level = $level - 9
              end
            end
          end
        end
      end
    end
    if $gpa != ~0UL
      printf "guest-physical %#lx\n", $gpa
      set $show = 1
      to-host $gpa
      if $hpa == ~0UL
        printf "no RAM there: a device or nothing\n"
      else
        printf "host-physical %#lx\n", $hpa
      end
    end
  end
end
document walk
walk VM ADDRESS: guest-virtual to host-physical through the guest's page tables and the nested
ones (AMD-V; on VT-x the shell's command of the same name).
end

# ---- The guest's own view -------------------------------------------------------------------

# The guest OS is linked to the same addresses as the hypervisor, so gdb can know the symbols of
# one at a time; `make gdb` defines guest-view and hypervisor-view with the files' names.

# The guest's CR3 is in the CPU while it runs: that tells its addresses from ours.
define guest-break
  set $hypervisor_cr3 = $cr3
  guest-view
  hbreak $arg0 if $cr3 != $hypervisor_cr3
end
document guest-break
guest-break FUNCTION: from the hypervisor (to-hypervisor), stop when a guest comes to FUNCTION of
the guest OS.  gdb then shows the guest's symbols; hypervisor-view goes back.
QEMU 7.2 does not look through nested paging when gdb reads memory: registers and the place
are right there, variables are not, but for what the guest maps at equal addresses.
end

define gpr
  printf "rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", $rax, $rbx, $rcx, $rdx
  printf "rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx\n", $rsi, $rdi, $rbp, $rsp
  printf "r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n", $r8, $r9, $r10, $r11
  printf "r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n", $r12, $r13, $r14, $r15
  printf "rip %016lx  eflags %08x  cr3 %016lx\n", $rip, $eflags, $cr3
  x/i $rip
end
document gpr
gpr: the general registers and the next instruction.
end
