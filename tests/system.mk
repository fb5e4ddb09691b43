# system.mk - what the tests in emulators need built: the guests of tests/guests, a few lines each,
# and the hypervisor by the compiler that is not $(CC)

TINY_B := $(B)/tests/guests
TINY_GUESTS := $(patsubst tests/guests/%.S,$(TINY_B)/%.elf,$(wildcard tests/guests/*.S))

$(TINY_B)/%.S.o: tests/guests/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(TARGET_CC) -m32 -fno-pic $(DEPS) -c $< -o $@

$(TINY_B)/%.elf: $(TINY_B)/%.S.o tests/guests/tiny.ld
	$(call say,LD,$@)
	$(Q)$(LD) -m elf_i386 -nostdlib -static -z noexecstack --build-id=none \
		--no-warn-rwx-segments -T tests/guests/tiny.ld -o $@ $<

.PHONY: tiny-guests other-compiler
tiny-guests: $(TINY_GUESTS)
build-all: tiny-guests

# A tree inside of this one's.
OTHER_CC := $(if $(filter clang%,$(CC)),gcc,clang)
other-compiler:
	$(Q)if command -v $(OTHER_CC) >/dev/null; then \
		$(MAKE) --no-print-directory B=$(B)/$(OTHER_CC) CC=$(OTHER_CC) hv guest-os; fi

# Debian's kernel needs a network the first time; without, its test is skipped and says so.
.PHONY: linux-if-possible
linux-if-possible:
	$(Q)[ -f $(B)/linux/vmlinuz ] || $(MAKE) --no-print-directory linux || true

SYSTEM_TEST_NEEDS += hv guest-os tiny-guests other-compiler linux-if-possible

-include $(TINY_GUESTS:.elf=.S.d)
.SECONDARY: $(TINY_GUESTS:.elf=.S.o)
