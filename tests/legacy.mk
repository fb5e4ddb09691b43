# legacy.mk - the guest of tests/guests/legacy: real mode, virtual-8086 mode, segment limits
#
# $(B)/legacy/legacy.elf (multiboot 1, ELF32, with symbols).

LEGACY_B := $(B)/legacy
LEGACY_IMAGE := $(LEGACY_B)/legacy.elf
LEGACY_OBJECTS := $(LEGACY_B)/boot.S.o $(LEGACY_B)/legacy.c.o
LEGACY_FLAGS = $(filter-out -m64 -march=x86-64 -mcmodel=kernel -mno-red-zone,$(FREESTANDING)) -m32 \
	-march=i686 -Wno-missing-prototypes -Ihv $(DEPS)

.PHONY: legacy-guest
legacy-guest: $(LEGACY_IMAGE) ## a guest in real and virtual-8086 mode

$(LEGACY_B)/%.o: tests/guests/legacy/%
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(LEGACY_FLAGS) -c -o $@ $<

$(LEGACY_IMAGE): tests/guests/legacy/legacy.ld $(LEGACY_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(LD) -m elf_i386 -nostdlib -static -z noexecstack --build-id=none \
		--no-warn-rwx-segments -T $< -o $@ $(LEGACY_OBJECTS)

SYSTEM_TEST_NEEDS += legacy-guest
build-all: legacy-guest

-include $(LEGACY_OBJECTS:.o=.d)
