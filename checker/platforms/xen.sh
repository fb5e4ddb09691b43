# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Debian's Xen on QEMU's emulated AMD-V; the guest is its PVH dom0, behind peers/xen_shim.c.
# Xen itself speaks on COM2; COM1 and the exit port are dom0's, as all of the machine that Xen does not use.
# needs: xen/xen.elf make xen
platform_title='Xen with a PVH dom0, on AMD-V'
platform_machine=qemu-svm
platform_bare=qemu-bare
platform_can=icount
platform_slice=10000000
platform_storm=2
platform_image=$B/xen/xen.elf
xen_shim=$B/checker/xen-shim.elf
# The shim shows its kernel 96 MiB and lies above (peers/xen_shim.c).
xen_options='dom0=pvh dom0_mem=128M,max:128M iommu=1 com2=115200,8n1 console=com2'
platform_limits='cpuid 8000
vmmcall 20000
rdmsr 8000
mmio 20000
touch 4000000'

platform_declared=$checker/platforms/xen.declared
# docs/found.md has the reproducers.
platform_cannot='census/mwait.[me]* Xen shows its guests no MONITOR
census/pic.* a PVH dom0 has not the chips of a PC, and the ports that Xen uses itself read ones: left out
  census/pit.* census/rtc.* census/kbd.* census/uart.* census/lapic.* census/ioapic.* census/pci.* census/pm.* census/vga.*
  census/fwcfg.* census/virtio.* census/call.* census/hlt.masked
systems/paging.5level.* Xen shows its guests no 5-level paging
  systems/canonical.5level
systems/paging.*.s-key-* Xen shows its guests no PKS
  systems/msr.pkrs
systems/paging.4level.nxe*.key-wd without PKS another sequence of random accesses than bare
  systems/paging.4level.nxe*.key-other systems/paging.4level.nxe*.key-ad'
platform_known='census/cpuid.1.ecx Xen emulates x2APIC
census/cpuid.80000008.eax Xen tells 48 bits of linear addresses: it has no 5-level paging
census/cr0.nw the guest dies of MOV to CR0 with NW and without CD: left out
census/msr.pat.reserved QEMU takes reserved types, and Xen lets its guests write PAT by themselves
census/nmi.count an NMI that waits for an IRET waits for IF too: QEMU ignores the shadow that Xen sets there (inferred)
  census/nmi.order
census/watch.mmio Xen reports no breakpoint on data that its emulator touches (inferred)
  census/watch.mmio.step census/watch.mmio.written
census/cr8.reserved QEMU ignores reserved bits of CR8
census/cr8.6 QEMU offers a virtual interrupt whose class equals the TPR: left out
census/cr8.0 left out with census/cr8.6
systems/complete.systems PAE and what Xen does not show are left out
systems/paging.32bit*.smep* SMEP and SMAP do nothing until CR4 is written behind CR0.PG: Xen keeps them from the CPU while paging is off
  systems/paging.32bit*.smap*
systems/paging.pae* QEMU sets the accessed bit in PDPTEs, and Xen calls it reserved: left out
systems/msr.lstar Xen does not intercept the MSR, and QEMU takes any address; with 48 bits more of them are wrong
  systems/msr.cstar systems/msr.fs_base systems/msr.gs_base systems/msr.kernel_gs_base
systems/msr.debugctl Xen keeps reserved bits, as if they had been written, where QEMU drops them: neither refuses
systems/control.effects Xen looks for RDTSC where RDTSCP is: #GP
systems/control.cr8.illegal QEMU ignores reserved bits of CR8
ratio/* Xen emulates RDTSC where the TSC is not invariant: two a measurement'
# The words of a guest's command line that keep it alive here.
xen_avoid=avoid=${XEN_AVOID-cr0.nw,cr8.6,board,halts,smep.cpuid,pae}

platform_run()
{
  run=$1
  if [ "$(wc -l <"$dir/$run.guests")" -gt 1 ]; then
    echo "skip $run one guest only: a second domain needs a toolstack in dom0" >>"$dir/info"
    return
  fi
  if [ -s "$dir/$run.steps" ]; then
    echo "skip $run nobody follows steps here: dom0 is all there is" >>"$dir/info"
    return
  fi
  case $run in
  streams-*${PEERS_TRY:+not} | detail-* | cases-*)
    echo "skip $run the QEMU beneath ends itself by an assertion (docs/found.md); PEERS_TRY=1 tries" >>"$dir/info"
    return
    ;;
  smp-*)
    echo "skip $run dom0 has one CPU here" >>"$dir/info"
    return
    ;;
  selftest-* | loads-* | events-* | tasks-* | isa-*${PEERS_TRY:+not})
    echo "skip $run it wants a PIT, which a PVH dom0 has not" >>"$dir/info"
    return
    ;;
  esac
  [ -r "$platform_image" ] || die "no $platform_image: make xen"
  IFS='|' read -r name mem model options file cmdline <"$dir/$run.guests"
  set -- --machine "$platform_machine" --cpu max,+svm,+npt --mem "$run_mem" --timeout $((run_seconds * 2)) \
    --icount --capture "$dir/$run.xen" --qemu -M --qemu q35 --qemu -device --qemu amd-iommu \
    --append "$xen_options" --module "$xen_shim $cmdline $xen_avoid" --module "$file"
  status=0
  "$tools/run" "$@" "$platform_image" </dev/null >"$dir/$run.raw" 2>"$dir/$run.err" || status=$?
  sed "s/^/[$name] /" "$dir/$run.raw" >"$dir/$run.out"
  rm -f "$dir/$run.raw"
  grep -q 'Serial input to DOM0' "$dir/$run.xen" || status=125
  return "$status"
}

platform_facts()
{
  [ ! -r "$dir/$1.xen" ] || tr -d '\r' <"$dir/$1.xen" | awk -v guests="$(cut -d'|' -f1 "$dir/$1.guests")" '
    / Dom0 crashed| Dom0 halted/ { state = "dead " $0 }
    END { if (state != "") print "vm", guests, state }' >"$dir/$1.facts"
}
