# hv.mk - the hypervisor's image
#
# Every C and assembly file of these folders belongs to the Type 1 image.  GRUB boots espejo.elf
# (multiboot 2); QEMU's -kernel wants the same image as ELF32 (multiboot 1).

HV_DIRS := lib store net vm dev paging hw amd intel sched trace type1
HV_SRCS := $(wildcard hv/*.c $(foreach d,$(HV_DIRS),hv/$(d)/*.c hv/$(d)/*.S))
# The audit is linked around the rest, in an image of its own: see below.
AUDIT_SRCS := $(wildcard hv/audit/*.c hv/amd/svm_audit*.c hv/intel/vmx_audit*.c)
HV_SRCS := $(filter-out $(AUDIT_SRCS),$(HV_SRCS))
HV_OBJS = $(HV_SRCS:hv/%=$(B)/hv/%.o)
HV_CFLAGS = $(FREESTANDING) -Ihv -I$(B)/hv $(HV_EXTRA)

# The guests' DSDT, as numbers for an array.
$(B)/hv/dsdt.aml.h: hv/dev/dsdt.asl hv/hv.mk
	@mkdir -p $(@D)
	$(call say,IASL,$<)
	$(Q)iasl -p $(@:.aml.h=) $< > $(@:.aml.h=.log) 2>&1 || { cat $(@:.aml.h=.log); exit 1; }
	$(Q)od -An -v -tx1 $(@:.h=) | sed 's/\([0-9a-f][0-9a-f]\)/0x\1,/g' > $@

$(B)/hv/dev/acpitables.c.o: $(B)/hv/dsdt.aml.h

# The ROM of a machine whose kernel is started directly, as numbers for an array.
$(B)/hv/rom.bin.h: hv/rom/rom.S hv/rom/rom.h hv/hv.mk
	@mkdir -p $(@D)
	$(call say,ROM,$<)
	$(Q)$(TARGET_CC) -m32 -Ihv -c $< -o $(@:.bin.h=.o)
	$(Q)$(LD) -m elf_i386 -Ttext 0xf000 -e 0 --oformat binary -o $(@:.h=) $(@:.bin.h=.o)
	$(Q)od -An -v -tx1 $(@:.h=) | sed 's/\([0-9a-f][0-9a-f]\)/0x\1,/g' > $@

$(B)/hv/vm/load_rom.c.o: $(B)/hv/rom.bin.h

$(B)/hv/%.c.o: hv/%.c hv/hv.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(call compile,$(TARGET_CC) $(HV_CFLAGS) $(DEPS))

$(B)/hv/%.S.o: hv/%.S hv/hv.mk
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(call compile,$(TARGET_CC) $(HV_CFLAGS) $(DEPS))

$(B)/hv/espejo.elf: hv/type1/hv.ld $(HV_OBJS)
	$(call say,LD,$@)
	$(Q)$(LD) -m elf_x86_64 -nostdlib -static -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments \
		-T hv/type1/hv.ld -o $@ $(HV_OBJS)

# The bytes are the same; only the headers are 32 bits wide.  The symbols stay in espejo.elf.
$(B)/hv/espejo.elf32: $(B)/hv/espejo.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -S -O elf32-i386 $< $@

# The image that audits each entry (hv/audit/audit.h): the same object files, calls of these turned
# into calls of the audit's.
AUDIT_WRAPS := vm_create vm_free host_exit state_reset state_init nested_map nested_unmap nested_protect \
	memory_pam memory_a20 memory_window_set memory_guard memory_unguard memory_rom \
	svm_enter svm_go_on svm_go_on_nrips vmx_launch vmx_resume vmx_fast vmx_invept
AUDIT_OBJS = $(AUDIT_SRCS:hv/%=$(B)/hv/%.o)

$(B)/audit/espejo.elf: hv/type1/hv.ld hv/hv.mk $(HV_OBJS) $(AUDIT_OBJS)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LD) -m elf_x86_64 -nostdlib -static -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments \
		$(AUDIT_WRAPS:%=--wrap=%) -T hv/type1/hv.ld -o $@ $(HV_OBJS) $(AUDIT_OBJS)

$(B)/audit/espejo.elf32: $(B)/audit/espejo.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -S -O elf32-i386 $< $@

.PHONY: hv-audit hv-audit-wraps
hv-audit: $(B)/audit/espejo.elf $(B)/audit/espejo.elf32 ## build the hypervisor that audits each of its entries
hv-audit-wraps:
	@echo $(AUDIT_WRAPS)
-include $(AUDIT_SRCS:hv/%=$(B)/hv/%.d)

.PHONY: hv
hv: $(B)/hv/espejo.elf $(B)/hv/espejo.elf32 ## build the hypervisor

build-all: hv

-include $(HV_OBJS:.o=.d)
