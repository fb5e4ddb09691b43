# Unit tests: the parts that know no machine, on the host, with sanitizers.

UNIT := $(B)/unit
UNIT_SUITES := $(wildcard tests/unit/test_*.c)
UNIT_HELP := $(filter-out $(UNIT_SUITES) tests/unit/decode_dump.c,$(wildcard tests/unit/*.c))
# What is linked in, and tested through its headers.  Not lib/string.c: the C library's.
UNIT_HV := hv/lib/fmt.c hv/virt.c $(wildcard hv/vm/*.c hv/dev/*.c hv/paging/*.c hv/sched/*.c hv/trace/*.c \
	hv/store/*.c hv/net/*.c hv/kvm/*.c) \
	$(filter-out hv/audit/link.c,$(wildcard hv/audit/*.c)) \
	$(wildcard hv/amd/npt.c hv/amd/svm_explain.c hv/amd/svm_dump.c hv/amd/svm_audit.c hv/intel/ept.c hv/intel/vmx_explain.c \
		hv/intel/vmx_rules_*.c) \
	$(patsubst %,hv/type1/%.c,acpi mptable multiboot words definition options modules plugs partitions pages font symbols shell_vm shell_devices \
		shell_look) \
	$(patsubst %,checker/%.c,streams/found $(patsubst %,guests/streams/%,case generate forms forms_table forms_memory pen)) \
	$(patsubst %,checker/%.c,report record compare outside references judge_cases systems guests/systems/pagemodel isa/census isa/derive isa/write)
UNIT_OBJ := $(patsubst %.c,$(UNIT)/%.o,$(UNIT_SUITES) $(UNIT_HELP) $(UNIT_HV))
UNIT_CFLAGS := $(CSTD) $(WARN) -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -Ihv -Itests/unit -I$(UNIT) -I$(B)/hv

$(UNIT)/test_list.h: $(UNIT_SUITES) tests/unit.mk
	@mkdir -p $(@D)
	$(Q)printf '%s\n' $(UNIT_SUITES) | sed 's|.*/test_\(.*\)\.c|TEST(\1)|' > $@

$(UNIT)/%.o: %.c | $(UNIT)/test_list.h
	$(call say,CC,$< (host))
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) $(DEPS) -c -o $@ $<

$(UNIT)/hv/dev/acpitables.o: $(B)/hv/dsdt.aml.h
$(UNIT)/hv/vm/load_rom.o: $(B)/hv/rom.bin.h

$(UNIT)/unit-tests: $(UNIT_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^ -lcunit

# Sources that are the probe's as well.
$(UNIT)/checker/streams/%.o $(UNIT)/tests/unit/test_streams.o: UNIT_CFLAGS += -Ichecker

UNIT_TESTS := $(UNIT)/unit-tests

-include $(UNIT_OBJ:.o=.d)

# A decoder by itself, for tests/unit/decode_crosscheck.sh.
$(UNIT)/decode-dump: tests/unit/decode_dump.c hv/vm/decode.c hv/vm/decode_tables.c hv/vm/insn.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CSTD) $(WARN) -O2 -Ihv -o $@ $^
SYSTEM_TEST_NEEDS += $(UNIT)/decode-dump
