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
endif
