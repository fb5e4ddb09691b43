# lab.mk - the guests of lab 2, in C: a monitor without hardware support, and a probe
#
# They stand on the runtime of the checker's probes (checker/guests/rt), built by checker.mk.

WHAT_TRAPS := labs/02-what-must-trap
WHAT_TRAPS_B := $(B)/$(WHAT_TRAPS)
WHAT_TRAPS_FLAGS = $(CHECK_FLAGS)
WHAT_TRAPS_DECODER := hv/vm/decode.c hv/vm/decode_tables.c
WHAT_TRAPS_monitor := $(patsubst $(WHAT_TRAPS)/%,$(WHAT_TRAPS_B)/%.o,$(wildcard $(WHAT_TRAPS)/monitor/*.[cS])) \
	$(WHAT_TRAPS_DECODER:hv/%=$(WHAT_TRAPS_B)/%.o)
WHAT_TRAPS_probe := $(patsubst $(WHAT_TRAPS)/%,$(WHAT_TRAPS_B)/%.o,$(wildcard $(WHAT_TRAPS)/probe/*.c))
WHAT_TRAPS_RT := $(CHECK_RT) $(WHAT_TRAPS_B)/lab.c.o

$(WHAT_TRAPS_B)/%.c.o: $(WHAT_TRAPS)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(call compile,$(TARGET_CC) $(WHAT_TRAPS_FLAGS))

$(WHAT_TRAPS_B)/%.S.o: $(WHAT_TRAPS)/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(TARGET_CC) $(WHAT_TRAPS_FLAGS) -c -o $@ $<

$(WHAT_TRAPS_B)/vm/%.c.o: hv/vm/%.c
	@mkdir -p $(@D)
	$(call say,CC,$< (lab 2))
	$(Q)$(call compile,$(TARGET_CC) $(WHAT_TRAPS_FLAGS))

define what_traps_guest
$(WHAT_TRAPS_B)/$(1).elf64: checker/guests/rt/rt.ld $$(WHAT_TRAPS_RT) $$(WHAT_TRAPS_$(1))
	$$(call say,LD,$$@)
	$$(Q)$$(LD) $$(GUEST_LD_FLAGS) -T checker/guests/rt/rt.ld -o $$@ $$(filter %.o,$$^)

$(WHAT_TRAPS_B)/$(1).elf: $(WHAT_TRAPS_B)/$(1).elf64
	$$(call say,OBJCOPY,$$@)
	$$(Q)$$(OBJCOPY) -S -O elf32-i386 $$< $$@

labs: $(WHAT_TRAPS_B)/$(1).elf
-include $$(WHAT_TRAPS_$(1):.o=.d) $(WHAT_TRAPS_B)/lab.c.d
endef
$(foreach guest,monitor probe,$(eval $(call what_traps_guest,$(guest))))
