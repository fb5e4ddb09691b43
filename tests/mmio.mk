# mmio.mk - the guest of tests/guests/mmio: instructions on device memory
#
# $(B)/mmio/mmio.elf (multiboot 1, ELF32, with symbols).

MMIO_B := $(B)/mmio
MMIO_IMAGE := $(MMIO_B)/mmio.elf
MMIO_OBJECTS := $(MMIO_B)/boot.S.o $(MMIO_B)/forms.S.o $(MMIO_B)/mmio.c.o
MMIO_FLAGS = $(filter-out -m64 -march=x86-64 -mcmodel=kernel -mno-red-zone,$(FREESTANDING)) -m32 \
	-march=i686 -Wno-missing-prototypes -Ihv $(DEPS)

.PHONY: mmio-guest
mmio-guest: $(MMIO_IMAGE) ## a guest whose operands lie in device memory

$(MMIO_B)/%.o: tests/guests/mmio/%
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(MMIO_FLAGS) -c -o $@ $<

$(MMIO_IMAGE): tests/guests/mmio/mmio.ld $(MMIO_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(LD) -m elf_i386 -nostdlib -static -z noexecstack --build-id=none \
		--no-warn-rwx-segments -T $< -o $@ $(MMIO_OBJECTS)

SYSTEM_TEST_NEEDS += mmio-guest
build-all: mmio-guest

-include $(MMIO_OBJECTS:.o=.d)
