# events.mk - the guest of tests/guests/events: a table of events and their order
#
# $(B)/events/events.elf (multiboot 1, ELF32); events.sym.elf the same with symbols.

EVENTS_B := $(B)/events
EVENTS_IMAGE := $(EVENTS_B)/events.elf
EVENTS_SOURCES := $(wildcard tests/guests/events/*.c tests/guests/events/*.S)
EVENTS_LIB := hv/lib/fmt.c hv/lib/string.c
EVENTS_OBJECTS := $(patsubst tests/guests/events/%,$(EVENTS_B)/%.o,$(EVENTS_SOURCES)) \
	$(EVENTS_LIB:hv/%=$(EVENTS_B)/%.o)
# In the tables of cases what is not there is 0.
EVENTS_FLAGS = $(FREESTANDING) -Wno-missing-field-initializers -Itests/guests/events -Ihv $(DEPS)

.PHONY: events
events: $(EVENTS_IMAGE) ## a guest that prints which event comes first

$(EVENTS_B)/lib/%.c.o: hv/lib/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(EVENTS_FLAGS) -c -o $@ $<

$(EVENTS_B)/%.c.o: tests/guests/events/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(EVENTS_FLAGS) -c -o $@ $<

$(EVENTS_B)/%.S.o: tests/guests/events/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(TARGET_CC) $(EVENTS_FLAGS) -c -o $@ $<

$(EVENTS_B)/events.sym.elf: tests/guests/events/events.ld $(EVENTS_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(LD) -m elf_x86_64 -nostdlib -static -z max-page-size=4096 -z noexecstack \
		--build-id=none --no-warn-rwx-segments -T $< -o $@ $(EVENTS_OBJECTS)

$(EVENTS_IMAGE): $(EVENTS_B)/events.sym.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -S -O elf32-i386 $< $@

SYSTEM_TEST_NEEDS += events
build-all: events

-include $(EVENTS_OBJECTS:.o=.d)
