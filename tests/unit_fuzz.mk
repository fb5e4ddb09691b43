# unit_fuzz.mk - (behind unit.mk, on which it stands) fuzz targets, tests/fuzz/fuzz_NAME.c, and their corpus, tests/fuzz/corpus/NAME
#
# `make fuzz` lets each target run for SECONDS.  What it finds is copied to the corpus by hand, and
# from then on tried by `make test-unit`, which needs no fuzzer.

#: SECONDS how long `make fuzz` runs each target (60)
SECONDS ?= 60
#: FUZZ the targets of `make fuzz`, all by default: make fuzz FUZZ='virtqueue'
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ ?= $(FUZZ_NAMES)

FUZZ_B := $(B)/fuzz
FUZZ_HELP := tests/fuzz/fuzz.c $(filter tests/unit/fake_%.c,$(UNIT_HELP))
FUZZ_SHARED := $(FUZZ_HELP) $(UNIT_HV)
FUZZ_CFLAGS := $(filter-out -O1,$(UNIT_CFLAGS)) -O2 -Itests/fuzz

# ---- With libFuzzer

$(FUZZ_B)/%.o: %.c | $(UNIT)/test_list.h
	$(call say,FUZZCC,$<)
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link $(DEPS) -c -o $@ $<

$(FUZZ_B)/hv/dev/acpitables.o: $(B)/hv/dsdt.aml.h

# An archive: a target takes out of it what it needs.
$(FUZZ_B)/shared.a: $(FUZZ_SHARED:%.c=$(FUZZ_B)/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^

$(FUZZ_B)/fuzz_%: $(FUZZ_B)/tests/fuzz/fuzz_%.o $(FUZZ_B)/shared.a
	$(call say,LD,$@)
	$(Q)clang -fsanitize=fuzzer,address,undefined -o $@ $^

.PHONY: fuzz
fuzz: $(FUZZ:%=$(FUZZ_B)/fuzz_%) ## run the fuzz targets, SECONDS each
	$(Q)for name in $(FUZZ); do \
		mkdir -p $(FUZZ_B)/corpus/$$name $(FUZZ_B)/found; \
		seeds=; [ ! -d tests/fuzz/corpus/$$name ] || seeds=tests/fuzz/corpus/$$name; \
		echo "fuzz_$$name: $(SECONDS) s"; \
		$(FUZZ_B)/fuzz_$$name -max_total_time=$(SECONDS) -timeout=10 -verbosity=0 -print_final_stats=1 \
			-artifact_prefix=$(FUZZ_B)/found/$$name- $(FUZZ_B)/corpus/$$name $$seeds || exit 1; \
	done

# ---- Without: the corpus, and some noise

FUZZ_REPLAY_OBJ := $(FUZZ_NAMES:%=$(UNIT)/replay/fuzz_%.o) $(UNIT)/tests/fuzz/replay.o

$(UNIT)/fuzz_list.h: $(wildcard tests/fuzz/fuzz_*.c) tests/unit_fuzz.mk
	@mkdir -p $(@D)
	$(Q)printf 'TARGET(%s)\n' $(FUZZ_NAMES) > $@

$(UNIT)/replay/fuzz_%.o: tests/fuzz/fuzz_%.c | $(UNIT)/test_list.h
	$(call say,CC,$< (host))
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -DLLVMFuzzerTestOneInput=fuzz_$* $(DEPS) -c -o $@ $<

$(UNIT)/tests/fuzz/replay.o: $(UNIT)/fuzz_list.h

$(UNIT)/fuzz-shared.a: $(FUZZ_SHARED:%.c=$(UNIT)/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^

$(UNIT)/fuzz-replay: $(FUZZ_REPLAY_OBJ) $(UNIT)/fuzz-shared.a
	$(call say,LD,$@)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^

UNIT_TESTS += $(UNIT)/fuzz-replay

-include $(FUZZ_REPLAY_OBJ:.o=.d) $(wildcard $(FUZZ_B)/tests/fuzz/*.d $(FUZZ_B)/hv/*/*.d)
.SECONDARY: $(FUZZ_NAMES:%=$(FUZZ_B)/tests/fuzz/fuzz_%.o)
