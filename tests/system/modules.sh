#!/bin/sh
# tests/system/modules.sh - modules and options that make no sense: an error that names them
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

good="$GUEST_OS name=one mem=32M -- run=counter,100"
head -c 2000 "$GUEST_OS" >"$records/truncated"
# A header that multiboot accepts, of a program that is not there.
head -c 9000 "$GUEST_OS" >"$records/headless"
yes 'not a kernel' | head -c 100000 >"$records/garbage"
: >"$records/empty"

# wrong NAME PATTERN OPTION...: ends with status 1 and a sentence.
wrong()
{
  wrong_name=$1
  printf '%s\n' "$2" >"$records/$1.pattern"
  names="${names:-} $1"
  shift 2
  start "$wrong_name" qemu-svm "$@"
}

wrong no-name 'module 1: name= is missing' --module "$GUEST_OS mem=32M"
wrong mem-unit 'module 1: option mem=12Q: expected .*64M' --module "$GUEST_OS name=one mem=12Q"
wrong mem-small 'module 1: option mem=1M: expected 2M or more' --module "$GUEST_OS name=one mem=1M"
wrong cpus-zero 'module 1: option cpus=0: expected 1 to' --module "$GUEST_OS name=one cpus=0"
wrong unknown 'module 2: unknown option colour=blue' --module "$good" \
  --module "$GUEST_OS name=two colour=blue"
wrong twice-option 'module 1: option mem= is given twice' \
  --module "$GUEST_OS name=one mem=32M mem=64M"
wrong same-name "there is a VM 'one' already" --module "$good" --module "$GUEST_OS name=one"
wrong bad-name "module 1: option name=a!b" --module "$GUEST_OS name=a!b"
wrong numeric-name "module 1: option name=7: expected 1 to 15 letters.*no number" --module "$GUEST_OS name=7"
wrong bad-role 'module 2: option role=ramdisk: expected initrd' --module "$good" \
  --module "$records/garbage vm=one role=ramdisk"
wrong role-alone 'module 2: role= needs vm=' --module "$good" --module "$records/garbage role=module"
wrong vm-alone 'module 2: vm=one needs role=' --module "$good" --module "$records/garbage vm=one"
wrong no-kernel 'module 1: vm=ghost: no module before it has name=ghost' \
  --module "$records/garbage vm=ghost role=initrd"
wrong two-scripts 'module 3: there is a script already' --module "$good" \
  --module "$records/garbage role=script" --module "$records/garbage role=script"
wrong two-initrds 'module 3: vm=one: it has an initrd already' --module "$good" \
  --module "$records/garbage vm=one role=initrd" --module "$records/garbage vm=one role=initrd"
wrong shared-disk 'module 3: a disk that 2 VMs have needs cow or ro' --module "$good" \
  --module "$GUEST_OS name=two" --module "$records/garbage vm=one,two role=disk"
wrong disk-area 'module 1: option disk=hd0:63: expected hd0:START.SECTORS or hd0p1' \
  --module "$GUEST_OS name=one disk=hd0:63"
wrong bad-mac 'module 1: option mac=ff:ff:ff:ff:ff:ff: expected six bytes' \
  --module "$GUEST_OS name=one net=lan mac=ff:ff:ff:ff:ff:ff"
wrong empty 'module 2 .empty.* is empty' --module "$good" --module "$records/empty name=empty"
wrong cpu-model 'module 1: option cpu=vax: expected bare or v1' --module "$GUEST_OS name=one cpu=vax"
wrong hv-option 'command line: unknown option turbo=1' --opt 'turbo=1' --module "$good"
wrong hv-rest 'command line: -- trace=16: there is nobody' --opt 'cpus=1 -- trace=16' --module "$good"
wrong hv-value 'command line: option trace=3: expected a power of two' --opt 'trace=3' \
  --module "$good"
wrong bad-script "script: line 2: .*" --module "$good" --script <<'END'
vm list
vm fly one
END
wrong late-script "script: line 1: expect one 'never said': not seen in time" --module "$good" --script <<'END'
expect one "never said" 1
END

# A file that is no kernel costs only its own VM.
start broken qemu-svm --module "$good" --module "$records/truncated name=truncated mem=16M" \
  --module "$records/headless name=headless mem=16M" \
  --module "$records/garbage name=garbage mem=16M" \
  --script <<'END'
expect one "counter: 2"
vm start garbage
quit 3
END
# What this machine lacks is refused when the VM starts; the others run.
start later qemu-svm --module "$good" --module "$GUEST_OS name=disk mem=16M" \
  --module "$GUEST_OS name=shared mem=16M" --module "$records/garbage name=bios mem=16M role=firmware" \
  --module "$GUEST_OS name=area mem=16M disk=hd0p1 disk=hd1:2048+4096" \
  --module "$GUEST_OS name=net mem=16M net=lan mac=02:00:00:00:00:01" \
  --module "$GUEST_OS name=task mem=16M tasksw" --module "$GUEST_OS name=lonely mem=16M net=none" \
  --module "$records/garbage vm=disk,shared role=disk cow" \
  --module "$records/garbage vm=bios role=firmware" --script <<'END'
expect one "counter: 2"
expect lonely "free"
vm list
vm delete bios
vm delete area
disk list
net list
vm list
quit 0
END
start none qemu-svm --script <<'END'
vm list
mem
quit 0
END

for name in $names; do
  ends "$name" 1 'ends with status 1'
  says "$name" 'and names what is wrong' "$(cat "$records/$name.pattern")"
done
ends broken 1 'vm start of what cannot start fails'
says broken 'the good VM runs beside the broken ones' '^\[one\] .*counter: 2'
for vm in truncated headless garbage; do
  says broken "the error about VM $vm says why" "^espejo: .*$vm.*: .*"
done
ends later 0 'disks, firmware and networks are understood'
says later 'what this machine lacks is named' \
  '^espejo: garbage: 0x186a0 bytes are no ROM' '^espejo: VM area: disk=hd0p1: there is no such disk'
says later 'and only those VMs do not run' '^hv> vm list' '2 disk +running' '3 shared +running' \
  '4 bios +defined' '5 area +defined' '6 net +running' '7 task +running' '8 lonely +running' \
  '^hv> vm delete area' '^hv> disk list' '^there is no disk' '^hv> net list' '^lan: ' \
  '02:00:00:00:00:01' '^hv> vm list' '3 shared +running' '6 net +running'
ends none 0 'no module at all: a hypervisor with nothing to do'
never none 'and no VM' 'running'
finish
