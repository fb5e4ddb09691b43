# run.mk - the machines that people start by hand
#
# make run              two guests, their consoles and the shell
# make run GUEST=linux  Debian's kernel beside a guest OS, with a disk and a network; VCPUS=2
# make run GUEST=file   a multiboot kernel or bzImage alone: tools/hv-run, whose status is the kernel's
# make run MACHINE=type2 GUEST=...  one guest as a Linux process; with GUEST=linux a disk and a network
#
# On a terminal you are the operator.  Otherwise a script is, and the run ends by itself with
# status 0.

#: GUEST guest-os (default), linux, or the file of any kernel
GUEST ?= guest-os
#: APPEND with INITRD and MEM (512M): of GUEST=file
APPEND ?=
INITRD ?=
MEM ?= 512M
#: CPUS CPUs of the machine, for make run (2)
CPUS ?= 2
#: VCPUS of the Linux guest, for GUEST=linux (1)
VCPUS ?= 1

GUEST_OS := $(B)/guest-os/guest-os.elf
ESPEJO := $(B)/hv/espejo.elf
SCRIPTED = $(if $(shell test -t 0 || echo no),--module "tools/$(1).script role=script")

RUN_MEM_guest-os := 512
RUN_MODULES_guest-os = --module "$(GUEST_OS) name=one mem=64M -- run=counter" \
	--module "$(GUEST_OS) name=two mem=64M -- shell" $(call SCRIPTED,play)
RUN_NEEDS_guest-os :=

LINUX := $(B)/linux
LINUX_CMDLINE := console=ttyS0 guest.ip=dhcp
RUN_MEM_linux := 768
RUN_OPTIONS_linux := --net
RUN_MODULES_linux = --module "$(LINUX)/vmlinuz name=linux mem=256M cpus=$(VCPUS) net=net -- $(LINUX_CMDLINE)" \
	--module "$(LINUX)/initrd.gz vm=linux role=initrd" \
	--module "$(LINUX)/small.img vm=linux role=disk" \
	--module "$(GUEST_OS) name=one mem=64M -- run=counter" $(call SCRIPTED,linux)
RUN_NEEDS_linux := $(LINUX)/vmlinuz $(LINUX)/small.img

# A run that hangs ends: Bochs takes minutes for Linux.
RUN_LIMIT = $(if $(shell test -t 0 || echo no),--timeout 1200)

$(LINUX)/vmlinuz: tools/guest-linux $(wildcard tools/linux/*)
	$(call say,FETCH,$@)
	$(Q)tools/guest-linux $(LINUX)
	@touch $@

# A disk of 4 MiB with a file; what the guest writes stays in memory, until the machine ends.
$(LINUX)/small.img: tools/run.mk $(LINUX)/vmlinuz
	$(call say,MKE2FS,$@)
	$(Q)rm -rf $(LINUX)/small && mkdir -p $(LINUX)/small && echo 'a file on the disk' >$(LINUX)/small/hello
	$(Q)rm -f $@ && PATH=$$PATH:/usr/sbin:/sbin mke2fs -q -t ext2 -d $(LINUX)/small $@ 4M

.PHONY: linux run
linux: $(LINUX)/vmlinuz ## fetch Debian's kernel and make an initramfs for it

export APPEND INITRD

# One guest in one process: see tools/type2.
RUN_TYPE2_guest-os = --mem 64M --append run=counter $(if $(SCRIPTED),--play tools/type2.script) $(GUEST_OS)
RUN_TYPE2_linux = --mem 256M --cpus $(VCPUS) --net --append "$(LINUX_CMDLINE)" --initrd $(LINUX)/initrd.gz \
	--disk $(LINUX)/small.img,cow $(if $(SCRIPTED),--play tools/type2-linux.script) $(LINUX)/vmlinuz

ifeq ($(MACHINE),type2)
run: espejo-vm guest-os $(LINUX)/vmlinuz $(RUN_NEEDS_$(GUEST))
ifeq ($(origin RUN_TYPE2_$(GUEST)),undefined)
	@tools/type2 --cpus $(VCPUS) --mem $(MEM) $(RUN_LIMIT) \
		$${APPEND:+--append "$$APPEND"} $${INITRD:+--initrd "$$INITRD"} '$(GUEST)'
else
	@tools/type2 $(RUN_LIMIT) $(RUN_TYPE2_$(GUEST)) || [ $$? -eq 1 ] # 0 at the exit port
endif
else

# It is a file if it is none of those above.
ifeq ($(origin RUN_MODULES_$(GUEST)),undefined)
run: hv
	@tools/hv-run --machine $(MACHINE) --cpus $(CPUS) --mem $(MEM) $(RUN_LIMIT) \
		$${APPEND:+--append "$$APPEND"} $${INITRD:+--initrd "$$INITRD"} '$(GUEST)'
else
run: hv guest-os $(RUN_NEEDS_$(GUEST)) ## boot two guests; GUEST=linux, MACHINE=bochs-vmx, ...
	@tools/run --strict --machine $(MACHINE) --cpus $(CPUS) --mem $(RUN_MEM_$(GUEST)) $(RUN_LIMIT) \
		$(RUN_OPTIONS_$(GUEST)) $(ESPEJO) $(RUN_MODULES_$(GUEST))
endif
endif
