# systems.mk - the probes of the system parts: checker/guests/systems/systems.h

# checker.mk takes it in where its lists are open, the Makefile once more.
ifndef SYSTEMS_MK
SYSTEMS_MK := 1

CHECK_PROBES += systems smp
CHECK_OF_systems := $(patsubst checker/guests/%,%,$(wildcard checker/guests/systems/*.[cS]))
# How the other CPU starts is the code of tests/guests/apic.
CHECK_OF_smp := systems/record.c smp/ap.S \
	$(patsubst checker/guests/%,%,$(wildcard checker/guests/smp/*.c))

$(CHECK_B)/guests/smp/ap.S.o: tests/guests/apic/ap.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(TARGET_CC) $(CHECK_FLAGS) -c -o $@ $<

CHECK_HOST += judge_systems systems
check-tools: $(B)/events/events.elf $(B)/task/task.elf

-include $(wildcard $(CHECK_B)/guests/systems/*.d $(CHECK_B)/guests/smp/*.d)
endif
