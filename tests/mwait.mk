# mwait.mk - the guest of tests/guests/mwait: MONITOR and MWAIT, of one CPU and of two
#
# $(B)/mwait/mwait.elf (multiboot 1, ELF32), on the runtime of the checker's probes.

MWAIT_B := $(B)/mwait
MWAIT_IMAGE := $(MWAIT_B)/mwait.elf
MWAIT_SOURCES := $(wildcard tests/guests/mwait/*.c tests/guests/mwait/*.S)
MWAIT_OBJECTS := $(patsubst tests/guests/mwait/%,$(MWAIT_B)/%.o,$(MWAIT_SOURCES))

.PHONY: mwait-guest
mwait-guest: $(MWAIT_IMAGE) ## a guest that waits for stores

$(MWAIT_B)/%.o: tests/guests/mwait/%
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(CHECK_FLAGS) -Itests/guests/mwait -c -o $@ $<

$(MWAIT_B)/mwait.sym.elf: checker/guests/rt/rt.ld $(CHECK_RT) $(MWAIT_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(LD) $(GUEST_LD_FLAGS) -T $< -o $@ $(filter %.o,$^)

$(MWAIT_IMAGE): $(MWAIT_B)/mwait.sym.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -S -O elf32-i386 $< $@

SYSTEM_TEST_NEEDS += mwait-guest
build-all: mwait-guest

-include $(MWAIT_OBJECTS:.o=.d)
