# apic.mk - the guest of tests/guests/apic: interrupt controllers, clocks, CPUs of a PC
#
# $(B)/apic/apic.elf (multiboot 1, ELF32), on the runtime of the checker's probes.

APIC_B := $(B)/apic
APIC_IMAGE := $(APIC_B)/apic.elf
APIC_SOURCES := $(wildcard tests/guests/apic/*.c tests/guests/apic/*.S)
APIC_OBJECTS := $(patsubst tests/guests/apic/%,$(APIC_B)/%.o,$(APIC_SOURCES))

.PHONY: apic-guest
apic-guest: $(APIC_IMAGE) ## a guest that checks interrupt controllers, clocks and CPUs

$(APIC_B)/%.o: tests/guests/apic/%
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(CHECK_FLAGS) -Itests/guests/apic -c -o $@ $<

$(APIC_B)/apic.sym.elf: checker/guests/rt/rt.ld $(CHECK_RT) $(APIC_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(LD) $(GUEST_LD_FLAGS) -T $< -o $@ $(filter %.o,$^)

$(APIC_IMAGE): $(APIC_B)/apic.sym.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -S -O elf32-i386 $< $@

SYSTEM_TEST_NEEDS += apic-guest
build-all: apic-guest

-include $(APIC_OBJECTS:.o=.d)
