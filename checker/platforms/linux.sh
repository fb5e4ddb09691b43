# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Guests as processes of Debian's Linux, with its kvm-amd on QEMU's emulated AMD-V: what type2 and kvm have
# in common.  linux_command NAME MiB MODEL OPTIONS FILE COMMAND LINE: the process, a word a line;
# linux_base: the file of an initramfs with what that needs.
# peers/init.c runs them and follows the steps.
platform_machine=qemu-svm
platform_bare=qemu-bare
platform_can='icount log'
platform_slice=${platform_slice:-10000000}
platform_storm=${platform_storm:-2}
platform_scale=1 # in a hundred, of attacks that are alike
# A Linux beneath: it has no image that memory could be compared with.
platform_image=$B/linux/vmlinuz
platform_declared=$checker/platforms/linux.declared
# What KVM, Linux and the QEMU beneath do otherwise; docs/found.md has the reproducers.
platform_known="selftest/36 #NP while #PF is delivered: #NP alone; KVM, or the QEMU beneath it
attack/control-registers census/cr?.high says why
attack/vm-instructions census/honest.stgi says why
end/lostcr3 KVM takes a walk through page tables that are nowhere for an access to a device, and begins again for ever
census/cpuid.[17].e[bcd]x KVM emulates what the CPU has not: x2APIC, the deadline timer, TSC_ADJUST, ARCH_CAPABILITIES
census/honest.stgi KVM lets STGI and CLGI pass wherever the CPU has VGIF, also where the guest has no SVM
census/cr?.high KVM's emulation of MOV to CR drops the upper half
census/cr8.reserved QEMU ignores reserved bits of CR8
isa/complete SYSENTER in 64-bit mode at CPL 0 ends the VM: KVM internal error
isa/missing what comes behind SYSENTER was not run
isa/theorem the sum of the others
isa/MOV_r,CR4 CR4 reads otherwise; not looked into
isa/RDPMC QEMU bare gives #UD, KVM has counters
isa/XGETBV* there is no XSAVE
isa/MWAIT KVM takes it for a NOP, though CPUID shows no MONITOR
exits/tickless Linux's own tick, 250 times a second
ratio/cpu Linux's own tick, 250 times a second
exits/pagefault KVM maps a page of 4 KiB when it is touched"
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

linux_initramfs()
{
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/espejo-peers.XXXXXX")
  files=$scratch/files
  for module in irqbypass kvm kvm-amd; do
    echo "/$module.ko"
    echo "$linux/kvm/$module.ko /$module.ko" >>"$files"
  done >"$scratch/modules"
  while IFS='|' read -r name mem model options file cmdline; do
    echo "$name"
    linux_command "$name" "$mem" "$model" "$options" "/images/$(basename "$file")" "$cmdline" |
      tr '\n' '\0' >"$scratch/guest.$name"
    echo "$scratch/guest.$name guest.$name" >>"$files"
    echo "$file images/$(basename "$file")" >>"$files"
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

platform_run()
{
  run=$1
  case $run in
  loads-*)
    echo "skip $run disks, networks and the count of a guest's instructions are not fitted to this platform" >>"$dir/info"
    return
    ;;
  attack)
    if [ -n "${linux_no_attack:-}" ] && [ -z "${PEERS_TRY:-}" ]; then
      echo "skip $run $linux_no_attack" >>"$dir/info"
      return
    fi
    ;;
  esac
  [ -r "$linux/vmlinuz" ] || die "no $linux/vmlinuz: make linux"
  linux_initramfs "$run" || return 125
  # One CPU: with two, Linux and icount wait for each other for minutes.
  set -- --machine "$platform_machine" --mem $((run_mem + linux_mem)) \
    --icount --timeout $((run_seconds * 4)) --debug-out "$dir/$run.said" \
    --append 'quiet nokaslr rdinit=/init panic=-1 tsc=reliable' --module "$dir/$run.initramfs"
  [ -z "$run_until" ] || set -- "$@" --until "$run_until"
  case $run_log in
  yes) set -- "$@" --log "$dir/$run.asm" ;;
  esac
  status=0
  "$tools/run" "$@" "$linux/vmlinuz" </dev/null >"$dir/$run.out" 2>"$dir/$run.err" || status=$?
  rm -f "$dir/$run.initramfs"
  # Without a word of init nothing is known of any guest.
  grep -q begins "$dir/$run.said" || status=125
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
