# evil.mk - the guest of tests/guests/evil: a driver that breaks every rule of its devices
#
# $(B)/evil/evil.elf (multiboot 1, ELF32); evil.sym.elf the same with symbols.  It stands on the
# runtime of the checker's probes (checker/guests/rt), built by checker.mk.

EVIL_B := $(B)/evil
EVIL_IMAGE := $(EVIL_B)/evil.elf
EVIL_SOURCES := $(wildcard tests/guests/evil/*.c tests/guests/evil/*.S)
EVIL_OBJECTS := $(patsubst tests/guests/evil/%,$(EVIL_B)/%.o,$(EVIL_SOURCES))
EVIL_FLAGS = $(CHECK_FLAGS) -Itests/guests/evil

.PHONY: evil
evil: $(EVIL_IMAGE) ## a guest whose drivers break every rule

$(EVIL_B)/%.c.o: tests/guests/evil/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(EVIL_FLAGS) -c -o $@ $<

$(EVIL_B)/%.S.o: tests/guests/evil/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(TARGET_CC) $(EVIL_FLAGS) -c -o $@ $<

$(EVIL_B)/evil.sym.elf: checker/guests/rt/rt.ld $(CHECK_RT) $(EVIL_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(LD) $(GUEST_LD_FLAGS) -T $< -o $@ $(filter %.o,$^)

$(EVIL_IMAGE): $(EVIL_B)/evil.sym.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -S -O elf32-i386 $< $@

SYSTEM_TEST_NEEDS += evil
build-all: evil

-include $(EVIL_OBJECTS:.o=.d)
