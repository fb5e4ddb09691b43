# tools.mk - setup, doctor, the test run, what an editor and a debugger want
#
# The tools of the goals are checked (and installed) before any recipe runs, here
# where the makefile is read: so no rule needs to name them.

export B TIMEOUT_SCALE SETUP V MACHINE CC

SETUP_GOALS := $(filter-out help clean doctor,$(or $(MAKECMDGOALS),all))
# Not for a dry run, and once only when make calls make.
ifeq ($(findstring n,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),)
ifneq ($(strip $(SETUP_GOALS)),)
ifeq ($(ESPEJO_SETUP),)
ifneq ($(shell MACHINE='$(MACHINE)' GUEST='$(GUEST)' CC='$(CC)' SETUP='$(SETUP)' B='$(B)' \
	tools/setup $(SETUP_GOALS) >&2 && echo ready),ready)
$(error tools are missing, see above)
endif
export ESPEJO_SETUP := ready
endif
endif
endif

.PHONY: doctor
doctor: ## list the tools: found, version, needed for what
	@tools/doctor

# A unit test program is named in UNIT_TESTS by its fragment, which also has the
# rule that builds it.  A system test is a script tests/system/NAME.sh that prints
# TAP; what it needs built is named in SYSTEM_TEST_NEEDS.
#: TESTS the system tests to run, all by default: make test-system TESTS='boot lint'
# The long ones come first, so that none is left to run alone at the end.
LONG_FIRST := lab hostile autograder class hostile-uid type2 type2-disks checker snapshot linux lifecycle fast lint
ALL_TESTS := $(filter-out lib guests,$(patsubst tests/system/%.sh,%,$(wildcard tests/system/*.sh)))
TESTS ?= $(filter $(ALL_TESTS),$(LONG_FIRST)) $(sort $(filter-out $(LONG_FIRST),$(ALL_TESTS)))
#: TEST_JOBS how many of them at a time (2), each with one machine at a time; 1: one, with two
TEST_JOBS ?= 2

.PHONY: test test-unit test-system test-long test-start
test: test-start ## run every test
	@status=0; $(MAKE) --no-print-directory test-unit || tools/tally --broken test-unit || status=1; \
	$(MAKE) --no-print-directory test-system || tools/tally --broken test-system || status=1; \
	tools/tally --total || status=1; exit $$status

test-start:
	@mkdir -p $(B) && rm -f $(B)/test-summary

test-unit: $(UNIT_TESTS) ## run the unit tests on this host, under sanitizers
	@status=0; for test in $(UNIT_TESTS); do \
		tools/tally unit-$$(basename $$test) $$test || status=1; done; exit $$status

test-system: $(SYSTEM_TEST_NEEDS) ## run the tests in emulators, and the lints
	@printf '%s\n' $(TESTS) | JOBS=$(if $(filter 1,$(TEST_JOBS)),2,1) xargs -P $(TEST_JOBS) -I '{}' \
		tools/tally '{}' 'tests/system/{}.sh'

# The same on the other machines, and what takes long: tests/long/NAME.sh.
#: LONG_TESTS the tests of test-long to run, all by default
LONG_TESTS ?= $(sort $(patsubst tests/long/%.sh,%,$(wildcard tests/long/*.sh)))

test-long: $(SYSTEM_TEST_NEEDS) ## run the tests that take longer: other machines, more processors
	@status=0; for test in $(LONG_TESTS); do \
		TEST_LIMIT=3600 tools/tally long-$$test tests/long/$$test.sh || status=1; done; exit $$status

.PHONY: lint
lint: ## check headers, borders between folders, reading order, scripts
	@tools/tally lint tests/system/lint.sh

# One entry per C file, from the commands that make itself would run.
compile-commands: $(B)/compile_commands.json ## list every compiler command, for editors
.PHONY: compile-commands
all: $(B)/compile_commands.json
$(B)/compile_commands.json: Makefile $(FRAGMENTS)
	@mkdir -p $(@D)
	@$(MAKE) --no-print-directory --always-make --dry-run V=1 build-all | \
		tools/compile-commands > $@

# Counts executed instructions inside QEMU (tools/run --count); it must fit QEMU's process.
$(B)/tools/count.so: tools/plugin/count.c tools/linux/mark.h
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(if $(filter clang%,$(CC)),clang,gcc) $(CSTD) $(WARN) -O2 -fPIC -shared -fvisibility=hidden $< -o $@
