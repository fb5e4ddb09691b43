# espejo.gdb - what gdb should know about a run started by tools/run --gdb
#
#   gdb -x tools/gdb/espejo.gdb build/hv/espejo.elf
#
# attach-machine    connect, and stop where the hypervisor enters its own address space
# guest-symbols F   add the symbols of a guest kernel; its addresses are guest-virtual,
#                   so they hold while the guest's CR3 is the loaded one
# gpr               the registers, four a line

set confirm off
set pagination off
set print pretty on
set architecture i386:x86-64
# QEMU answers slowly when the machine is loaded.
set tcp connect-timeout 30

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

define guest-symbols
  add-symbol-file $arg0
end
document guest-symbols
guest-symbols FILE: add the symbols of a guest kernel, such as
build/guest-os/guest-os.sym.elf.
end

define gpr
  printf "rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", $rax, $rbx, $rcx, $rdx
  printf "rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx\n", $rsi, $rdi, $rbp, $rsp
  printf "r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n", $r8, $r9, $r10, $r11
  printf "r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n", $r12, $r13, $r14, $r15
  printf "rip %016lx  eflags %08x\n", $rip, $eflags
  x/i $rip
end
document gpr
gpr: the general registers and the next instruction.
end
