# isa.mk - the census of instruction forms: its table, the guest that tries them; see checker/isa/forms

# checker.mk takes it in where its lists are open, the Makefile once more.
ifndef ISA_TABLE
ISA_TABLE := $(CHECK_B)/isa/isa_table.h
CHECK_PROBES += isa
CHECK_OF_isa := $(patsubst checker/guests/%,%,$(wildcard checker/guests/isa/*.[cS]))
CHECK_HOST += judge_isa isa/census isa/derive isa/write

$(CHECK_B)/isa/gen: checker/isa/gen.c checker/isa/tokens.h
	@mkdir -p $(@D)
	$(call say,CC,$< (host))
	$(Q)$(CC) $(CSTD) $(WARN) -O2 -o $@ $<

$(ISA_TABLE): $(CHECK_B)/isa/gen checker/isa/forms
	$(call say,GEN,$@)
	$(Q)$< checker/isa/forms >$@

$(CHECK_B)/guests/isa/%.o: CHECK_FLAGS += -I$(CHECK_B)/isa -Ichecker
$(CHECK_OF_isa:%=$(CHECK_B)/guests/%.o): $(ISA_TABLE)
$(CHECK_B)/host/judge_isa.o: $(ISA_TABLE)
$(CHECK_B)/host/judge_isa.o: DEPS += -I$(CHECK_B)/isa
$(CHECK_B)/host/isa/classify.o: $(ISA_TABLE)
$(CHECK_B)/host/isa/classify.o: DEPS += -I$(CHECK_B)/isa

# The classes alone, of records in a file: lab 2, whose grader knows what it judges by "elf".
CLASSIFY_OBJ := $(patsubst %,$(CHECK_B)/host/%.o,isa/classify isa/census isa/derive record lab)
$(CHECK_B)/classify.elf: $(CLASSIFY_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $^

.PHONY: classify
classify: $(CHECK_B)/classify.elf
check-tools build-all: classify
-include $(CHECK_B)/host/isa/classify.d
endif
