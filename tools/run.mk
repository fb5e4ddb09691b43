# run.mk - the machines that people start by hand
#
# make run              two guests, their consoles and the shell
# make run GUEST=linux  Debian's kernel beside a guest OS
# make run GUEST=file   a multiboot kernel or bzImage alone: tools/hv-run, whose status is the kernel's
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

GUEST_OS := $(B)/guest-os/guest-os.elf
ESPEJO := $(B)/hv/espejo.elf
SCRIPTED = $(if $(shell test -t 0 || echo no),--module "tools/$(1).script role=script")

RUN_MEM_guest-os := 512
RUN_MODULES_guest-os = --module "$(GUEST_OS) name=one mem=64M -- run=counter" \
	--module "$(GUEST_OS) name=two mem=64M -- shell" $(call SCRIPTED,play)
RUN_NEEDS_guest-os :=

LINUX := $(B)/linux
LINUX_CMDLINE := console=ttyS0 noapic nolapic acpi=off pci=off nosmp nokaslr
RUN_MEM_linux := 768
RUN_MODULES_linux = --module "$(LINUX)/vmlinuz name=linux mem=256M -- $(LINUX_CMDLINE)" \
	--module "$(LINUX)/initrd.gz vm=linux role=initrd" \
	--module "$(GUEST_OS) name=one mem=64M -- run=counter" $(call SCRIPTED,linux)
RUN_NEEDS_linux := $(LINUX)/vmlinuz

# A run that hangs ends: Bochs's Linux takes about a minute.
RUN_LIMIT = $(if $(shell test -t 0 || echo no),--timeout 600)

$(LINUX)/vmlinuz: tools/guest-linux
	$(call say,FETCH,$@)
	$(Q)tools/guest-linux $(LINUX)
	@touch $@

.PHONY: linux run
linux: $(LINUX)/vmlinuz ## fetch Debian's kernel and make an initramfs for it

export APPEND INITRD

# It is a file if it is none of those above.
ifeq ($(origin RUN_MODULES_$(GUEST)),undefined)
run: hv
	@tools/hv-run --machine $(MACHINE) --cpus $(CPUS) --mem $(MEM) $(RUN_LIMIT) \
		$${APPEND:+--append "$$APPEND"} $${INITRD:+--initrd "$$INITRD"} '$(GUEST)'
else
run: hv guest-os $(RUN_NEEDS_$(GUEST)) ## boot two guests; GUEST=linux, MACHINE=bochs-vmx, ...
	@tools/run --strict --machine $(MACHINE) --cpus $(CPUS) --mem $(RUN_MEM_$(GUEST)) $(RUN_LIMIT) \
		$(ESPEJO) $(RUN_MODULES_$(GUEST))
endif

