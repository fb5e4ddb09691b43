# unit_fuzz.mk - (behind unit.mk, on which it stands) fuzz targets, tests/fuzz/fuzz_NAME.c, and their corpus, tests/fuzz/corpus/NAME
#
# `make fuzz` lets each target run for SECONDS.  What it finds is copied to the corpus by hand, and
# from then on tried by `make test-unit`, which needs no fuzzer.

#: SECONDS how long `make fuzz` runs each target (60)
SECONDS ?= 60
#: FUZZ the targets of `make fuzz`, all by default: make fuzz FUZZ='virtqueue'
FUZZ_NAMES := $(filter-out vm,$(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ ?= $(FUZZ_NAMES)

FUZZ_B := $(B)/fuzz
FUZZ_HELP := $(wildcard tests/fuzz/fake_*.c) tests/fuzz/fuzz.c tests/fuzz/fuzz_vm.c \
	$(filter tests/unit/fake_%.c,$(UNIT_HELP))
FUZZ_SHARED := $(FUZZ_HELP) $(UNIT_HV) hv/type1/shell.c
FUZZ_CFLAGS := $(filter-out -O1,$(UNIT_CFLAGS)) -O2 -Itests/fuzz

# ---- With libFuzzer

$(FUZZ_B)/%.o: %.c | $(UNIT)/test_list.h
	$(call say,FUZZCC,$<)
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link $(DEPS) -c -o $@ $<

$(FUZZ_B)/hv/dev/acpitables.o: $(B)/hv/dsdt.aml.h
$(FUZZ_B)/hv/vm/load_rom.o: $(B)/hv/rom.bin.h

# An archive: a target takes out of it what it needs.
$(FUZZ_B)/shared.a: $(FUZZ_SHARED:%.c=$(FUZZ_B)/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^

$(FUZZ_B)/fuzz_%: $(FUZZ_B)/tests/fuzz/fuzz_%.o $(FUZZ_B)/shared.a
	$(call say,LD,$@)
	$(Q)clang -fsanitize=fuzzer,address,undefined -o $@ $^

# Does clang come with what libFuzzer and the sanitizers need at run time?
.PHONY: fuzz-runtime
fuzz-runtime:
	$(Q)mkdir -p $(FUZZ_B); src=$(FUZZ_B)/runtime.c; \
	echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d && n < 0; }' > $$src; \
	clang -fsanitize=fuzzer,address,undefined -o $(FUZZ_B)/runtime $$src 2> $(FUZZ_B)/runtime.log || { \
		echo 'make fuzz: clang is missing, or its libFuzzer and sanitizer runtime' >&2; \
		echo '  (Debian: clang libclang-rt-dev); it said:' >&2; \
		sed 's/^/  /' $(FUZZ_B)/runtime.log >&2; exit 1; }

FUZZ_RUN = $(FUZZ_B)/fuzz_$$name -max_total_time=$(SECONDS) -timeout=10 -verbosity=0 -print_final_stats=1 \
	-artifact_prefix=$(FUZZ_B)/found/$$name- $(FUZZ_B)/corpus/$$name $$seeds

# What libFuzzer says goes to a log; here stands what somebody must know.
.PHONY: fuzz
fuzz: fuzz-runtime ## run the fuzz targets, SECONDS each
	$(Q)$(MAKE) --no-print-directory SETUP=no $(FUZZ:%=$(FUZZ_B)/fuzz_%)
	$(Q)failed=; mkdir -p $(FUZZ_B)/found; \
	for name in $(FUZZ); do \
		log=$(FUZZ_B)/found/$$name.log; mkdir -p $(FUZZ_B)/corpus/$$name; \
		seeds=; [ ! -d tests/fuzz/corpus/$$name ] || seeds=tests/fuzz/corpus/$$name; \
		$(FUZZ_RUN) > $$log 2>&1 && found= || found=yes; \
		runs=$$(sed -n 's/^stat::number_of_executed_units: *//p' $$log); \
		echo "$$name: $${runs:-?} inputs$${found:+, and it FAILED}"; \
		[ "$$found" ] || continue; failed="$$failed $$name"; \
		grep -a -m 3 -e '^panic at' -e 'runtime error:' -e '^SUMMARY' $$log | sed 's/^/  /'; \
		input=$$(sed -n 's/^.*Test unit written to //p' $$log | tail -n 1); \
		echo "  all of it:    $$log"; \
		echo "  replay:       $(FUZZ_B)/fuzz_$$name $$input"; \
		echo "  or, with gcc: $(UNIT)/fuzz-replay $$name $$input"; \
		echo "  when fixed:   cp $$input tests/fuzz/corpus/$$name/WHAT-IT-SHOWS"; \
	done; \
	[ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

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

-include $(FUZZ_REPLAY_OBJ:.o=.d) $(FUZZ_NAMES:%=$(FUZZ_B)/tests/fuzz/fuzz_%.d) \
	$(FUZZ_SHARED:%.c=$(FUZZ_B)/%.d) $(FUZZ_SHARED:%.c=$(UNIT)/%.d)
.SECONDARY: $(FUZZ_NAMES:%=$(FUZZ_B)/tests/fuzz/fuzz_%.o)
