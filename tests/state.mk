# state.mk - the guest of tests/guests/state: a machine whose state is worth to be compared
#
# $(B)/state/state.elf (multiboot 1, ELF32), on the runtime of the checker's probes; and $(B)/tools/state,
# which reads and compares states.

STATE_B := $(B)/state
STATE_IMAGE := $(STATE_B)/state.elf
STATE_SOURCES := $(wildcard tests/guests/state/*.c tests/guests/state/*.S)
STATE_OBJECTS := $(patsubst tests/guests/state/%,$(STATE_B)/%.o,$(STATE_SOURCES))

.PHONY: state-guest
state-guest: $(STATE_IMAGE) ## a guest with something in every register

$(STATE_B)/%.o: tests/guests/state/%
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(CHECK_FLAGS) -Itests/guests/state -c -o $@ $<

$(STATE_B)/state.sym.elf: checker/guests/rt/rt.ld $(CHECK_RT) $(STATE_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(LD) $(GUEST_LD_FLAGS) -T $< -o $@ $(filter %.o,$^)

$(STATE_IMAGE): $(STATE_B)/state.sym.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -S -O elf32-i386 $< $@

STATE_TOOL := $(B)/tools/state
$(STATE_TOOL): tools/state.c hv/vm/state.h hv/dev/section.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(if $(filter clang%,$(CC)),clang,gcc) $(CSTD) $(WARN) -O2 -g -Ihv -o $@ tools/state.c

SYSTEM_TEST_NEEDS += state-guest $(STATE_TOOL)
build-all: state-guest $(STATE_TOOL)

-include $(STATE_OBJECTS:.o=.d)
