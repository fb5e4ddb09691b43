# guest-os.mk - the guest OS: $(B)/guest-os/guest-os.elf (multiboot 1, ELF32),
# guest-os.sym.elf (the same with symbols, ELF64), guest-os.iso (GRUB, for bare Bochs)

GUEST_B := $(B)/guest-os
GUEST_IMAGE := $(GUEST_B)/guest-os.elf
GUEST_ARGS ?= selftest

GUEST_SOURCES := $(wildcard guest-os/*.c guest-os/*.S)
GUEST_LIB := hv/lib/fmt.c hv/lib/string.c
GUEST_OBJECTS := $(patsubst %,$(GUEST_B)/%.o,$(GUEST_SOURCES:guest-os/%=kernel/%) $(GUEST_LIB:hv/%=kernel/%))

# A program is one file of user/ and the library, which is the rest.
GUEST_PROGRAMS := counter sieve walker faulter asker tester worker
GUEST_PROGRAM_FILES := $(GUEST_PROGRAMS:%=$(GUEST_B)/user/%.elf)
GUEST_USER_LIB := $(patsubst %,$(GUEST_B)/user/%.o,start.S user.c $(GUEST_LIB:hv/%=%))

GUEST_INCLUDE := -Iguest-os -Ihv
GUEST_FLAGS = $(FREESTANDING) $(GUEST_INCLUDE) $(DEPS)
# Programs may use SSE and lie in the lower 2 GiB.
GUEST_USER_FLAGS = $(filter-out -mcmodel=kernel -mgeneral-regs-only,$(FREESTANDING)) \
	$(GUEST_INCLUDE) -Iguest-os/user $(DEPS)
GUEST_LD_FLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --build-id=none \
	--no-warn-rwx-segments

.PHONY: guest-os guest-os-iso
build-all: guest-os
guest-os: $(GUEST_IMAGE) $(GUEST_B)/guest-os.sym.elf ## the guest OS, a multiboot kernel
guest-os-iso: $(GUEST_B)/guest-os.iso ## the guest OS as a GRUB ISO, with GUEST_ARGS
#: GUEST_ARGS the guest OS's command line in its ISO: selftest, run=counter, ..

$(GUEST_B)/kernel/lib/%.c.o: hv/lib/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(call compile,$(TARGET_CC) $(GUEST_FLAGS))

$(GUEST_B)/kernel/%.c.o: guest-os/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(call compile,$(TARGET_CC) $(GUEST_FLAGS))

$(GUEST_B)/kernel/%.S.o: guest-os/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(TARGET_CC) $(GUEST_FLAGS) -Wa,-I$(GUEST_B)/user -c -o $@ $<

$(GUEST_B)/kernel/program_table.S.o: $(GUEST_PROGRAM_FILES)

$(GUEST_B)/user/lib/%.c.o: hv/lib/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(call compile,$(TARGET_CC) $(GUEST_USER_FLAGS))

$(GUEST_B)/user/%.c.o: guest-os/user/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(call compile,$(TARGET_CC) $(GUEST_USER_FLAGS))

$(GUEST_B)/user/%.S.o: guest-os/user/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(call compile,$(TARGET_CC) $(GUEST_USER_FLAGS))

$(GUEST_B)/user/%.elf: $(GUEST_B)/user/%.c.o $(GUEST_USER_LIB) guest-os/user/user.ld
	$(call say,LD,$@)
	$(Q)$(LD) $(GUEST_LD_FLAGS) -s -T guest-os/user/user.ld -o $@ $(filter %.o,$^)

$(GUEST_B)/guest-os.sym.elf: $(GUEST_OBJECTS) guest-os/guest-os.ld
	$(call say,LD,$@)
	$(Q)$(LD) $(GUEST_LD_FLAGS) -T guest-os/guest-os.ld -o $@ $(GUEST_OBJECTS)

# Multiboot 1 loaders want ELF32; they look at physical addresses only.
$(GUEST_IMAGE): $(GUEST_B)/guest-os.sym.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -g -O elf32-i386 $< $@

$(GUEST_B)/guest-os.iso: $(GUEST_IMAGE) guest-os/mkiso FORCE
	$(call say,ISO,$@)
	$(Q)sh guest-os/mkiso $(GUEST_IMAGE) '$(GUEST_ARGS)' $@

.PHONY: FORCE
FORCE:

-include $(GUEST_OBJECTS:.o=.d) $(GUEST_USER_LIB:.o=.d) $(GUEST_PROGRAMS:%=$(GUEST_B)/user/%.c.d)
.SECONDARY: $(GUEST_PROGRAMS:%=$(GUEST_B)/user/%.c.o)
.SECONDARY: $(GUEST_USER_LIB)
