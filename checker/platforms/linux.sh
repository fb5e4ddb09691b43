# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Guests as processes of Debian's Linux, with its kvm-amd on QEMU's emulated AMD-V: what type2 and kvm have
# in common.  linux_command NAME MiB MODEL OPTIONS FILE COMMAND-LINE DISK (a file, or nothing): the process, a
# word a line; linux_base: the file of an initramfs with what that needs.
# linux_no_attack, linux_no_systems: why these are not run; PEERS_TRY=1 does all the same.
# linux_avoid: forms of isa that would take the run along, NAME:MASK of the modes that are tried.
# peers/init.c runs the guests and follows the steps.
platform_machine=qemu-svm
platform_bare=qemu-bare
platform_can='icount count log disks'
# Linux's tick, 250 times a second; a nanosecond is an instruction.
platform_slice=${platform_slice:-4000000}
platform_storm=${platform_storm:-2}
platform_scale=1 # in a hundred, of attacks that are alike
# A #DB in the delivery of #DB ends the emulator itself (docs/emulators.md).
platform_deadly=${PEERS_DEADLY-endlessdb}
# One guest meets the breakpoints of another: QEMU's VMRUN loads DR7 and arms nothing (docs/found.md, "A guest ends
# QEMU by its debug registers"), and KVM leaves them to VMRUN.
platform_stray_breakpoints=yes
# A Linux beneath: it has no image that memory could be compared with.
platform_image=$B/linux/vmlinuz
platform_declared=$checker/platforms/linux.declared
# What KVM, Linux and the QEMU beneath do otherwise; docs/found.md has the reproducers.
platform_known="selftest/36 #NP while #PF is delivered: #NP alone; KVM, or the QEMU beneath it
attack/cr[04]-bits census/cr?.high says why
attack/svm-instructions census/honest.stgi says why
attack/shadows the CLGI of attack/svm-instructions: the GIF is clear, no interrupt waits for the end of a shadow
attack/interrupt-storm the CLGI of attack/svm-instructions: the GIF is clear, an interrupt to itself does not come
attack/mode-instructions QEMU does not refuse LOCK before CPUID, and KVM does not look
end/lostcr3 KVM takes a walk through page tables that are nowhere for an access to a device, and begins again for ever
census/lapic.off.cpuid KVM takes the APIC's bit from leaf 1 only, not from 80000001h
census/cpuid.1.ecx KVM emulates what the CPU has not: x2APIC, the deadline timer, TSC_ADJUST, ARCH_CAPABILITIES
  census/cpuid.7.ebx
census/honest.stgi KVM lets STGI and CLGI pass wherever the CPU has VGIF, also where the guest has no SVM
census/cr?.high KVM's emulation of MOV to CR drops the upper half
census/sti.touch* QEMU does not read the interrupt shadow at VMRUN: behind a nested fault amid it an interrupt comes too early
census/cr8.reserved QEMU ignores reserved bits of CR8
isa/theorem the sum of the others
isa/MOV_r,CR4 CR4.OSXSAVE is clear: there is no XSAVE
isa/RDPMC QEMU bare gives #UD, KVM has counters
isa/XGETBV_(1) there is no XSAVE
isa/XSAVEOPT* there is no XSAVE, so it is #UD, as the manual has it; bare QEMU shows no XSAVEOPT and executes it
isa/VPCLMULQDQ_x,x,x,i8 there is no XSAVE, and without it no AVX
  isa/VAESENC_x,x,x
isa/STGI KVM lets STGI and CLGI pass wherever the CPU has VGIF
  isa/CLGI
isa/SYSEXIT* KVM carries it out in long mode, where AMD's CPUs have #UD
isa/VMCALL KVM's: of user mode it is #GP
isa/VMMCALL a hypercall to KVM, which the guest's CPUID announces
isa/FNSTENV_m QEMU's FXSAVE stores no instruction pointer: it is lost when KVM swaps the FPU
  isa/FNSAVE_m
isa/MWAIT KVM takes it for a NOP, though CPUID shows no MONITOR
share/quiet Linux's own tick, once a slice, and what it wakes
share/wait Linux takes the CPU away at its ticks only, of 4 ms each: after one of them, or two and what the switch takes
  share/wait-storm
share/progress Linux gives turns of milliseconds, and the even share only over many more than ten
  share/fair
share/after-resets Linux lets a machine that resets itself for ever have its half
identity/switch the guest executes 3.4 instructions less an exit than bare; not looked into
exits/tickless Linux's own tick, 250 times a second
  ratio/cpu
exits/pagefault KVM maps a page of 4 KiB when it is touched
census/call.vmmcall a hypercall to KVM, which the guest's CPUID announces
census/watch.port KVM reports no breakpoint on a port that it, or user space, reads or writes in the CPU's place (inferred)
  census/watch.port.out census/watch.port.step census/watch.port.last census/watch.port.wide census/watch.port.aligned
census/watch.mmio KVM reports no breakpoint on data that its emulator touches (inferred)
  census/watch.mmio.step census/watch.mmio.written
census/step.break.here KVM steps over IN and tells of the step only, not of the breakpoint where it ends (inferred)
isa/UD2_(task_gate) what the task switch changed is not as bare, in the same way with either user program; not looked into
events/xsetbv-zero there is no XSAVE, so it is #UD
  events/sti-xsetbv-gp events/rf-of-xsetbv events/xsetbv-gp-then-gp events/xsetbv-gp-then-pf events/fresh-stack-xsetbv
  events/break-behind-xsetbv
events/step-rep-ins KVM's emulator carries out more than one round at once: a trap less (inferred)
events/nmi-unblocked-by-faulting-iret KVM holds NMIs back until the IRET that faulted is done
events/data-device-memory see census/watch.mmio
  events/data-outs events/data-ins
events/port-out see census/watch.port
  events/port-in
events/break-behind-in KVM steps over IN and leaves RF set: the next breakpoint is not met (inferred)
events/break-behind-out KVM steps over OUT and leaves RF set: the next breakpoint is not met (inferred)
events/fresh-sti-load see census/sti.touch*
  events/fresh-sti-store events/fresh-sti-add events/fresh-sti-locked events/fresh-sti-fxsave events/fresh-sti-lfs
  events/fresh-sti-sgdt events/fresh-sti-movs events/fresh-sti-push events/fresh-sti-pop events/fresh-sti-call
  events/fresh-sti-enter events/fresh-sti-popf events/fresh-sti-lret events/fresh-sti-iret events/fresh-sti-pushf
  events/fresh-sti-pushf32"
linux=$B/linux
linux_init=$B/checker/peers-init

# Files given on standard input, SOURCE TARGET a line, as an uncompressed archive.
linux_archive()
{
  tree=$(mktemp -d "${TMPDIR:-/tmp}/espejo-peers.XXXXXX")
  while read -r source target; do
    mkdir -p "$tree/$(dirname "$target")"
    cp -L "$source" "$tree/$target"
  done
  find "$tree" -exec touch -h -d @0 {} +
  (cd "$tree" && find . | LC_ALL=C sort | cpio -o -H newc --reproducible -R 0:0 2>/dev/null)
  rm -rf "$tree"
}

# How many CPUs the options of a guest want.
linux_cpus()
{
  case " $1 " in
  *' cpus='*) echo "$1" | sed 's/.*cpus=\([0-9]*\).*/\1/' ;;
  *) echo 1 ;;
  esac
}

# A program and the libraries that it is linked with.
linux_program()
{
  echo "$1 $2"
  ldd "$1" | sed -n 's/.*=> \(\/[^ ]*\).*/\1 \1/p; s/^[[:space:]]*\(\/[^ ]*\) .*/\1 \1/p'
}

# linux_initramfs NAME: of the guests of $dir/NAME.guests
linux_initramfs()
{
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/espejo-peers.XXXXXX")
  files=$scratch/files
  for module in kvm/irqbypass kvm/kvm kvm/kvm-amd ${linux_modules:-}; do
    echo "/${module#*/}.ko"
    echo "$linux/$module.ko /${module#*/}.ko" >>"$files"
  done >"$scratch/modules"
  [ -z "${linux_tap:-}" ] || echo "$linux_tap" >"$scratch/tap"
  [ -z "${linux_tap:-}" ] || echo "$scratch/tap tap" >>"$files"
  while IFS='|' read -r name mem model options file cmdline; do
    echo "$name"
    disk=$([ ! -s "$dir/$1.disks" ] || sed -n "s/^$name|//p" "$dir/$1.disks")
    linux_command "$name" "$mem" "$model" "$options" "/images/$(basename "$file")" "$cmdline" \
      "${disk:+/images/$name.disk}" | tr '\n' '\0' >"$scratch/guest.$name"
    echo "$scratch/guest.$name guest.$name" >>"$files"
    echo "$file images/$(basename "$file")" >>"$files"
    [ -z "$disk" ] || echo "$disk images/$name.disk" >>"$files"
  done <"$dir/$1.guests" >"$scratch/guests"
  {
    echo "$linux_init init"
    echo "$scratch/modules modules"
    echo "$scratch/guests guests"
    echo "$dir/$1.steps steps"
  } >>"$files"
  mkdir -p "${linux_base%/*}"
  # For a reproducer of docs/found.md: init asks QEMU for registers all the time.
  [ -z "${PEERS_LOOK:-}" ] || echo "/dev/null look" >>"$files"
  linux_base && { cat "$linux_base" && linux_archive <"$files"; } >"$dir/$1.initramfs" || return
  rm -rf "$scratch"
}

# linux_boot NAME: one machine, with the guests and steps of that name
linux_boot()
{
  [ -r "$linux/vmlinuz" ] || die "no $linux/vmlinuz: make linux"
  linux_initramfs "$1" || return 125
  part=$1
  # One CPU: with two, Linux and icount wait for each other for minutes.
  set -- --machine "$platform_machine" --mem $((run_mem + linux_mem)) \
    --timeout $((run_seconds * 4)) --debug-out "$dir/$part.said" \
    --append 'quiet nokaslr rdinit=/init panic=-1 tsc=reliable no_timer_check' --module "$dir/$part.initramfs"
  [ "$part" = attack-2 ] || set -- "$@" --icount
  [ -z "$run_until" ] || set -- "$@" --until "$run_until"
  case $run_log in
  yes) set -- "$@" --log "$dir/$part.asm" ;;
  esac
  case $run_count in
  yes) set -- "$@" --count "$dir/$part.count" --marks "$dir/$part.marks" ;;
  esac
  status=0
  "$tools/run" "$@" "$linux/vmlinuz" </dev/null >"$dir/$part.out" 2>"$dir/$part.err" || status=$?
  rm -f "$dir/$part.initramfs"
  # Without a word of init nothing is known of any guest.
  grep -q begins "$dir/$part.said" || status=125
  return "$status"
}

# linux_parts RUN: boots RUN-1, RUN-2, .. one after the other; the worst status
linux_parts()
{
  [ -s "$dir/$1-1.guests" ] || return 125
  worst=0
  for part_of in $(linux_parts_of "$1"); do
    status=0
    linux_boot "$part_of" || status=$?
    [ "$status" -le "$worst" ] || worst=$status
    cat "$dir/$part_of.err" >>"$dir/$1.err"
  done
  return "$worst"
}
linux_parts_of()
{
  for guests in "$dir/$1"-[0-9].guests; do
    [ ! -s "$guests" ] || basename "$guests" .guests
  done
}

# ---- attack ------------------------------------------------------------------------------------

# Several machines, or those that never end would share one CPU with all others: the attackers' is the first, then
# as many with linux_crowd of those who end or never do.  A neighbour is in each.
linux_crowd=4
# Exceptions without an instruction between take no time with icount, so that nothing would ever interrupt
# them: these have a machine whose time is the host's.
linux_timeless=' endlesspf '
linux_split_attack()
{
  rm -f "$dir/$1"-*
  awk -F'|' -v base="$dir/$1" -v crowd="$linux_crowd" -v timeless="$linux_timeless" '
    $1 == "neighbour" { neighbour = $0; next }
    index(timeless, " " $1 " ") { part = 2 }
    / end=/ && !index(timeless, " " $1 " ") { part = 3 + int(ends / crowd); ends++ }
    !/ end=/ { part = 1 }
    {
      file = base "-" part ".guests"
      if (!(part in begun)) print neighbour >file
      begun[part] = 1
      print >file
    }' "$dir/$1.guests"
  for part in $(linux_parts_of "$1"); do
    [ ! -s "$dir/$1.disks" ] || cp "$dir/$1.disks" "$dir/$part.disks"
    # Seconds are those of a machine that idles; who waits here waits for one of a few.
    awk -v first="$([ "$part" != "$1-1" ] || echo 1)" -v flowing="$([ "$part" != "$1-2" ] || echo 1)" '
      NR == FNR { sub(/\|.*/, ""); here[$0] = 1; next }
      $1 == "report" { print }
      $1 == "sleep" { held = first ? "" : "sleep 500"; next }
      !($2 in here) { next }
      $1 == "kill" && held { print held; held = "" }
      $1 == "wait" && !first { $3 = flowing ? 1200 : 60 }
      { print }' "$dir/$part.guests" "$dir/$1.steps" >"$dir/$part.steps"
  done
}

# Has the neighbour of that part seen what it should?
linux_neighbour_is_well()
{
  tr -d '\r' <"$dir/$1.out" | awk '
    function word(key,   i) {
      for (i = 1; i <= NF; i++) if (index($i, key "=") == 1) return substr($i, length(key) + 2)
      return ""
    }
    $1 != "[neighbour]" { next }
    $3 == "watching" { before = word("hash") }
    $3 == "watched" {
      well = word("bad-words") == "0" && word("bad-registers") == "0" && word("backwards") == "0" &&
        word("same") == "1" && word("hash") == before && word("looks") >= 5
    }
    END { exit !well }'
}

# One run of them all.  Of the neighbours the one that fared worst is judged: the first that is not well.
linux_join_attack()
{
  judged=$1-1
  for part in $(linux_parts_of "$1"); do
    linux_neighbour_is_well "$part" || {
      judged=$part
      break
    }
  done
  : >"$dir/$1.out"
  for part in $(linux_parts_of "$1"); do
    if [ "$part" = "$judged" ]; then others=none; else others=neighbour; fi
    grep -a -v "^\[$others\] " "$dir/$part.out" >>"$dir/$1.out" || :
    grep -a -v "^vm $others " "$dir/$part.said" >>"$dir/$1.said" || :
  done
}

# ---- isa -----------------------------------------------------------------------------------------

# A form that takes the guest along is a run of its own, without the modes in which it does.
linux_split_isa()
{
  rm -f "$dir/$1"-*
  from=0 n=1
  for avoid in ${linux_avoid:-}; do
    index=$(sed -n "s/^ISA_FORM(\([0-9]*\), \"${avoid%:*}\",.*/\1/p" "$B/checker/isa/isa_table.h")
    [ -n "$index" ] || die "linux_avoid: no form ${avoid%:*}"
    sed "s/\$/ first=$from count=$((index - from))/" "$dir/$1.guests" >"$dir/$1-$n.guests"
    sed "s/ modes=[^ ]*/ modes=${avoid#*:}/; s/\$/ first=$index count=1/" "$dir/$1.guests" >"$dir/$1-$((n + 1)).guests"
    from=$((index + 1)) n=$((n + 2))
  done
  sed "s/\$/ first=$from/" "$dir/$1.guests" >"$dir/$1-$n.guests"
  for part in $(linux_parts_of "$1"); do
    cp "$dir/$1.steps" "$dir/$part.steps"
  done
}

# The first head, all forms, and an end if each part has one.
linux_join_isa()
{
  for part in $(linux_parts_of "$1"); do
    tr -d '\r' <"$dir/$part.out"
    cat "$dir/$part.said" >>"$dir/$1.said"
  done | awk -v parts="$(linux_parts_of "$1" | wc -l)" '
    $3 == "end" { end = $0; ends++; next }
    $3 == "isa" && heads++ { next }
    { print }
    END { if (ends == parts) print end }' >"$dir/$1.out"
}

platform_run()
{
  run=$1
  case $run in
  attack)
    if [ -n "${linux_no_attack:-}" ] && [ -z "${PEERS_TRY:-}" ]; then
      echo "skip $run $linux_no_attack" >>"$dir/info"
      return
    fi
    whole=attack
    ;;
  isa-virtual) whole=isa ;;
  systems-virtual)
    if [ -n "${linux_no_systems:-}" ] && [ -z "${PEERS_TRY:-}" ]; then
      echo "skip $run $linux_no_systems" >>"$dir/info"
      return
    fi
    linux_boot "$run"
    return
    ;;
  *)
    linux_boot "$run"
    return
    ;;
  esac
  "linux_split_$whole" "$run"
  : >"$dir/$run.said"
  status=0
  linux_parts "$run" || status=$?
  "linux_join_$whole" "$run"
  return "$status"
}

. "$checker/platforms/vmexit.sh"

platform_facts()
{
  [ ! -s "$dir/$1.asm" ] || svm_log "$1"
  [ -r "$dir/$1.said" ] || : >"$dir/$1.said"
  # KVM's own count by exit code is that of all guests: of the only one, if there is one.
  only=$(cut -d'|' -f1 "$dir/$1.guests")
  awk -v only="$only" "$svm_names"'
    $1 == "vm" { print }
    $1 == "kvm" {
      code = sprintf("%8s", $2); gsub(/ /, "0", code)
      if (code in name) count[name[code]] += $3
    }
    END { if (only !~ /\n/) for (reason in count) print "exits", only, reason, count[reason] }' \
    "$dir/$1.said" >"$dir/$1.facts"
}
