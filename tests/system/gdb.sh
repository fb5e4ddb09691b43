#!/bin/sh
# tests/system/gdb.sh - gdb looks into a run: symbols of both kernels, and the commands of espejo.gdb
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

command -v gdb >/dev/null || command -v gdb-multiarch >/dev/null || {
  skip 'gdb looks into a run' 'no gdb'
  finish
}

# The shell's own walk of the same address is what gdb's is compared with.
cat >"$records/script" <<'END'
expect one "counter: 2" 60
walk one 0xffffffff80101000
quit 0
END
cat >"$records/commands" <<'END'
hbreak main_start
continue
info symbol $rip
hbreak host_exit
continue
info symbol $rip
vms
exits 1
vmcb 1
vmcs 1
walk 1 0xffffffff80101000
walk 1 0x7fff00000000
walk 9 0
gpr
detach
END
cat >"$records/guest-commands" <<'END'
hbreak virtual_machines
continue
to-hypervisor
print exit_reason_name(v->exit.reason)
delete
guest-break page_init
continue
printf "guest at "
info symbol $rip
hypervisor-view
delete
END

# A port of our own, so that two tests can run at a time.
GDB_PORT=$((20000 + $$ % 20000))
export GDB_PORT
GDB_BATCH=$records/commands background hypervisor tools/gdb/debug --timeout "$LIMIT" \
  --machine qemu-svm --module "$GUEST_OS name=one mem=16M -- run=counter,100" \
  --module "$records/script role=script"
wait_for hypervisor
tr -d "\r" <"$build/gdb.log" >"$records/serial"
GDB_BATCH=$records/guest-commands background guest tools/gdb/debug --timeout "$LIMIT" \
  --machine qemu-svm --module "$GUEST_OS name=one mem=16M -- run=counter,100"
ends hypervisor 0 'gdb attaches, and its commands work'
says hypervisor 'it stops where the hypervisor starts, and where it ends' \
  '^main_start in section .text' '^host_exit in section .text'
says hypervisor 'vms, exits, vmcb' '^ 1 one +VM_RUNNING, 1 vCPU, 16 MiB' '^ +[0-9]+ EXIT_IO' \
  '^ +[0-9]+ EXIT_CPUID' '^last: EXIT_' '^exitcode +0x[0-9a-f]+' '^cs:rip +0008:0xffffffff801' \
  '^this machine has no VMCS'
says hypervisor 'walk shows an address that is not mapped, and a VM that is not there' \
  '^guest-virtual 0x7fff00000000' '^  not present' '^there is no such VM'
host=$(sed -n 's/^host-physical //p' "$records/serial")
says hypervisor "walk ends where the shell's walk ended, at ${host:-nowhere}" \
  "^host-physical ${host:-nowhere}\$"
ends guest 0 'gdb follows into the guest'
says guest 'print calls a function of the hypervisor' '= .*"[A-Za-z]'
says guest 'it stops at a function of the guest OS, with its symbols' \
  '^guest at page_init in section .text'
finish
