# events.mk - the guest of tests/guests/events: a table of events and their order
#
# $(B)/events/events.elf (multiboot 1, ELF32); events.sym.elf the same with symbols.  It stands on the
# runtime of the checker's probes (checker/guests/rt), built by checker.mk.

EVENTS_B := $(B)/events
EVENTS_IMAGE := $(EVENTS_B)/events.elf
EVENTS_SOURCES := $(wildcard tests/guests/events/*.c tests/guests/events/*.S)
EVENTS_OBJECTS := $(patsubst tests/guests/events/%,$(EVENTS_B)/%.o,$(EVENTS_SOURCES))
# In the tables of cases what is not there is 0.
EVENTS_FLAGS = $(CHECK_FLAGS) -Wno-missing-field-initializers -Itests/guests/events

.PHONY: events
events: $(EVENTS_IMAGE) ## a guest that prints which event comes first

$(EVENTS_B)/%.c.o: tests/guests/events/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(EVENTS_FLAGS) -c -o $@ $<

$(EVENTS_B)/%.S.o: tests/guests/events/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(TARGET_CC) $(EVENTS_FLAGS) -c -o $@ $<

$(EVENTS_B)/events.sym.elf: checker/guests/rt/rt.ld $(CHECK_RT) $(EVENTS_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(LD) $(GUEST_LD_FLAGS) -T $< -o $@ $(filter %.o,$^)

$(EVENTS_IMAGE): $(EVENTS_B)/events.sym.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -S -O elf32-i386 $< $@

SYSTEM_TEST_NEEDS += events
build-all: events

-include $(EVENTS_OBJECTS:.o=.d)
