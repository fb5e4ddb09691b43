# cpu.mk - the guest of tests/guests/cpu: what a kernel sees of the CPU, for comparison
#
# $(B)/cpu/cpu.elf (multiboot 1, ELF32); cpu.sym.elf the same with symbols.  It stands on the
# runtime of the checker's probes (checker/guests/rt), built by checker.mk.

CPU_B := $(B)/cpu
CPU_IMAGE := $(CPU_B)/cpu.elf
CPU_SOURCES := $(wildcard tests/guests/cpu/*.c tests/guests/cpu/*.S)
CPU_OBJECTS := $(patsubst tests/guests/cpu/%,$(CPU_B)/%.o,$(CPU_SOURCES))
CPU_FLAGS = $(CHECK_FLAGS) -Wno-missing-field-initializers -Itests/guests/cpu

.PHONY: cpu
cpu: $(CPU_IMAGE) ## a guest that prints what it sees of the CPU

$(CPU_B)/%.c.o: tests/guests/cpu/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(CPU_FLAGS) -c -o $@ $<

$(CPU_B)/%.S.o: tests/guests/cpu/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(TARGET_CC) $(CPU_FLAGS) -c -o $@ $<

$(CPU_B)/cpu.sym.elf: checker/guests/rt/rt.ld $(CHECK_RT) $(CPU_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(LD) $(GUEST_LD_FLAGS) -T $< -o $@ $(filter %.o,$^)

$(CPU_IMAGE): $(CPU_B)/cpu.sym.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -S -O elf32-i386 $< $@

SYSTEM_TEST_NEEDS += cpu
build-all: cpu

-include $(CPU_OBJECTS:.o=.d)
