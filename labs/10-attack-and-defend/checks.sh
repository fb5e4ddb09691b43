# shellcheck shell=sh disable=SC2034,SC2154
# checks.sh - how lab 10 is judged; the grader sources it
#
# An attack (10.1, 10.3, 10.5, 10.7) is run twice beside a neighbour that counts: on the reference
# with the hole that its incident is named after, where it must do what the incident did, and on the
# reference without it, where it must not.  A repair (10.2, 10.4, 10.6, 10.8) meets the reference's
# attack, and before it an ordinary guest, whose exits are counted: they are the same on all machines.
# The neighbour's secret, the attacker's weight and what is written depend on $nonce.

guests=B/labs/10-attack-and-defend
# What the attacker of 10.3 is to find out: 100 to 355.
weight() { echo "$((0x$(printf '%s' "$nonce" | cut -c 1-2) + 100))"; }

module() { a_modules="$a_modules$*
"; }

# machine_of NAME HYPERVISOR SCRIPT: runs the modules that were named since the last one.
machine_of()
{
  a_run=$1 a_hypervisor=$2 a_script=$3
  set -- --append script-exit "$a_hypervisor"
  while IFS= read -r line; do
    [ -z "$line" ] || set -- "$@" --module "$line"
  done <<END
$a_modules
END
  a_modules=
  run "$a_run" "$@" --module "labs/10-attack-and-defend/$a_script.script role=script"
}

neighbour() { module "$guests/neighbour.elf name=neighbour mem=4M -- secret=$nonce"; }

# attacker GUEST [FOLDER]: 6 MiB, so that its RAM ends in the middle of a large page of 4 MiB.
attacker()
{
  module "${2:-$guests}/$1.elf name=attacker mem=6M cpu=v1 weight=$(weight)"
  [ "$1" != cve-2021-29657 ] || module 'B/guest-os/guest-os.elf vm=attacker role=disk'
}

# attack NAME GUEST HYPERVISOR: sets $out.
attack()
{
  about='^\[attacker\] '
  a_modules=
  neighbour
  attacker "$2"
  machine_of "$1" "$3" attack
}

# On the reference without holes: the attacker comes to its end, and nobody else notices.
closed()
{
  attack closed "$1" B/hv/espejo.elf
  expect 'the closed hypervisor' \
    "$(texts "$2" "the attack comes to an end, and the neighbour's counter is unbroken")" "$look" \
    '^VM attacker is (off|dead): ' '^\[neighbour\] neighbour: my counter is unbroken$' \
    '^espejo: exit status 0$' '!PANIC' "$3"
}

# The four attacks write what they found; what is behind "!" must not be found.
failed() { printf '%s' '!my weight is|the secret is|PANIC|counter is broken'; }

# repair ATTACK PART TITLE WHAT PATTERN..: the ordinary guest's part, then the attack.
repair()
{
  a_guest=$1 a_part=$2 a_title=$3 a_promise=$4
  about='^\[ordinary\] '
  shift 4
  a_modules=
  neighbour
  # The reference's, which a handout has built.
  attacker "$a_guest" given/labs/10-attack-and-defend
  module "$guests/ordinary.elf name=ordinary mem=16M cpu=v1 -- part=$a_part seed=$nonce"
  [ "$a_part" != disk ] || module 'B/guest-os/guest-os.elf vm=ordinary role=disk'
  machine_of repair B/hv/espejo.elf repair
  expect 'the attack' "the attacker finds nothing, and the neighbour's counter is unbroken" "$look" \
    "$(failed)" "^\\[attacker\\] $a_guest: now\$" '^VM attacker is (off|dead): '
  # What came out otherwise is shown as it is.
  for a_line; do
    case $a_line in *' of '*) ;; *) continue ;; esac
    a_found=$(grep -a -m 1 -E -e "${a_line%% [0-9]*} [0-9]+ of " "$out") || continue
    printf '%s\n' "$a_found" | grep -q -E -e "$a_line" && continue
    record "$a_title" fail "$a_promise" "$a_found" "$look"
    return 0
  done
  expect "$a_title" "$a_promise" "$look" "$@" '^\[ordinary\] ordinary: done$' \
    '^\[neighbour\] neighbour: my counter is unbroken$'
}

check_10_1()
{
  look='write_dac of hv/dev/vga.c, and what lies behind the palette in struct vga'
  variant planted 10.2
  attack open venom "$variant/hv/espejo.elf"
  expect 'the open hypervisor' 'it panics with a fault of its own: everybody dies' "$look" \
    '^\[attacker\] venom: now$' '^espejo: PANIC on CPU 0: #(GP|PF|UD|DF)' '^espejo: exit status 70$'
  closed venom 'a palette is a palette' '!PANIC'
}

check_10_2()
{
  look='the contract of write_dac: what may dac_part be, on every way through?'
  repair venom palette 'the palette' 'all 256 colours, and 1,703 exits for them' \
    ' colours 256 of 256$' ' round the end 4 of 4$' ' between reads 2 of 2$' 'port 1703(,|$)'
}

check_10_3()
{
  look='read_row of hv/dev/lapic_regs.c, and what lies behind lapic.isr in struct vcpu'
  variant planted 10.4
  attack open xsa-108 "$variant/hv/espejo.elf"
  expect 'the open hypervisor' 'the attacker knows its weight, which it was never told' "$look" \
    "^\\[attacker\\] xsa-108: my weight is $(weight)\$"
  closed xsa-108 'such registers give #GP: no weight is found' '!my weight is'
}

check_10_4()
{
  look='the contract of read_row, and table 12-1: which numbers are registers?'
  repair xsa-108 x2apic 'the local APIC' \
    'every register that is there, #GP for the 215 numbers that are not, 288 MSR exits' \
    ' that wait 1 of 1$' ' local table 6 of 6$' ' not there 215 of 256$' 'MSR 288(,|$)'
}

check_10_5()
{
  look='map_chunk of hv/vm/memory.c: for whom is the memory that it maps, and when is it called?'
  variant planted 10.6
  attack open xsa-148 "$variant/hv/espejo.elf"
  expect 'the secret' "the attacker says the neighbour's secret" "$look" \
    "^\\[attacker\\] xsa-148: the secret is $nonce\$"
  expect 'the counter' "the neighbour finds its counter broken" "$look" \
    '^\[neighbour\] neighbour: my counter is broken$'
  closed xsa-148 'nothing is behind the end of RAM' '!the secret is'
}

check_10_6()
{
  look='the contract of map_chunk: whose is what lies behind host + MEMORY_CHUNK?'
  repair xsa-148 memory 'memory' 'fresh memory is zero, used memory is kept, 11 nested faults' \
    ' fresh pieces of memory 7 of 7$' 'ordinary: pieces of memory 7 of 7$' ' behind the end 1 of 1$' \
    ' closed gate 4 of 4$' 'nested fault 11(,|$)'
}

check_10_7()
{
  look='next_request of hv/dev/virtio_blk.c: when is it called, and who wrote to memory until then?'
  variant planted 10.8
  attack open cve-2021-29657 "$variant/hv/espejo.elf"
  expect 'the open hypervisor' 'it stops itself, at a request beyond the disk that it had checked' \
    "$look" '^\[attacker\] cve-2021-29657: now$' '^espejo: PANIC on CPU 0: .* do not lie in ' \
    '^espejo: exit status 70$'
  closed cve-2021-29657 'a disk is a disk' '!PANIC'
}

check_10_8()
{
  look='the contract of next_request: what is in the slot, and what is still in the guest?'
  repair cve-2021-29657 disk 'the disk' 'all 96 sectors as written, two errors, 90 port exits' \
    ' sectors 96 of 96$' ' beyond the disk 2 of 2$' 'port 90(,|$)'
}

# own HYPERVISOR NAME: the student's attack, with a disk; sets $out.
own()
{
  about='^\[own\] '
  a_modules=
  module "$guests/own.elf name=own mem=6M cpu=v1"
  module 'B/guest-os/guest-os.elf vm=own role=disk'
  machine_of "$2" "$1" own
}

check_10_9()
{
  look='own.c: what else does a guest tell a device that is an index, a number or a length?'
  own B/hv/espejo.elf clean
  expect 'no false alarm' 'no alarm on a hypervisor without holes' "$look" '!own: alarm' \
    '^\[own\] own: now$' '^VM own is (off|dead): ' '^espejo: exit status 0$'
  a_found=0 a_tried=0
  for a_hole in CVE-2016-1714 CVE-2016-3710 cmos-index disk-name; do
    variant hidden "$a_hole" || continue
    own "$variant/hv/espejo.elf" "$a_hole"
    a_tried=$((a_tried + 1))
    ! grep -a -q '^\[own\] own: alarm' "$out" || a_found=$((a_found + 1))
  done
  # Outside the trusted grader there are none.
  [ "$a_tried" -gt 0 ] || return 0
  a_verdict=fail
  [ "$a_found" -lt 2 ] || a_verdict=pass
  record 'the hidden holes' "$a_verdict" "$(text 'an alarm on at least 2 of %s hypervisors with hidden holes' "$a_tried")" \
    "$(text 'alarms on %s' "$a_found")" "$look"
}

# All that the student closed, against all that the student wrote.
check_whole()
{
  look='the exercise whose attack went through'
  a_modules=
  neighbour
  module "$guests/venom.elf name=venom mem=4M"
  module "$guests/xsa-108.elf name=xsa-108 mem=4M cpu=v1 weight=$(weight)"
  module "$guests/xsa-148.elf name=xsa-148 mem=6M"
  module "$guests/cve-2021-29657.elf name=cve-2021-29657 mem=4M"
  module 'B/guest-os/guest-os.elf vm=cve-2021-29657 role=disk'
  machine_of whole B/hv/espejo.elf demo
  expect 'the attack' 'four attacks, one after the other, and an unbroken counter' "$look" \
    "$(failed)" '^VM venom is (off|dead): ' '^VM xsa-108 is (off|dead): ' '^VM xsa-148 is (off|dead): ' \
    '^VM cve-2021-29657 is (off|dead): ' '^\[neighbour\] neighbour: my counter is unbroken$'
}
