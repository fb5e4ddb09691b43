# checker.mk - the checker: probes, the judge on the host, and the runs that are judged

CHECK_B := $(B)/checker
CHECK_PROBES := probe hostile neighbour census
CHECK_RT := $(patsubst %,$(CHECK_B)/guests/%.o,rt/boot.S rt/rt.c lib/fmt.c lib/string.c)
CHECK_IMAGES = $(CHECK_PROBES:%=$(CHECK_B)/%.elf)
# Probes are linked low: the small code model.
CHECK_FLAGS = $(filter-out -mcmodel=kernel,$(FREESTANDING)) -fno-pie -Ihv -Ichecker/guests \
	-Ichecker/guests/rt $(DEPS)

# What a probe is made of, beside the runtime.
CHECK_OF_probe := $(notdir $(wildcard checker/guests/probe*.c))
CHECK_OF_hostile := registers.c $(notdir $(wildcard checker/guests/hostile*.c))
CHECK_OF_neighbour := neighbour.c registers.c afresh.c
CHECK_OF_census := $(notdir $(wildcard checker/guests/census*.c))

# Groups with more than a probe bring a fragment; it may add to CHECK_PROBES, CHECK_OF_x, CHECK_HOST.
include $(wildcard checker/isa.mk checker/streams.mk checker/systems.mk checker/peers.mk)

$(CHECK_B)/guests/lib/%.c.o: hv/lib/%.c
	@mkdir -p $(@D)
	$(call say,CC,$< (probe))
	$(Q)$(TARGET_CC) $(CHECK_FLAGS) -c -o $@ $<

$(CHECK_B)/guests/%.c.o: checker/guests/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(CHECK_FLAGS) -c -o $@ $<

$(CHECK_B)/guests/%.S.o: checker/guests/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(TARGET_CC) $(CHECK_FLAGS) -c -o $@ $<

define check_probe
$(CHECK_B)/$(1).elf64: $$(CHECK_RT) $$(CHECK_OF_$(1):%=$(CHECK_B)/guests/%.o) checker/guests/rt/rt.ld
	$$(call say,LD,$$@)
	$$(Q)$$(LD) $$(GUEST_LD_FLAGS) -T checker/guests/rt/rt.ld -o $$@ $$(filter %.o,$$^)
endef
$(foreach p,$(CHECK_PROBES),$(eval $(call check_probe,$(p))))

$(CHECK_B)/%.elf: $(CHECK_B)/%.elf64
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -S -O elf32-i386 $< $@

.PHONY: check-probes
check-probes: $(CHECK_IMAGES)
build-all: check-probes

# The judge runs on the host; JUDGE_FLAGS: sanitizers, for its test.
CHECK_HOST += judge judge_fidelity judge_isolation judge_pause judge_cases judge_performance judge_time \
	judge_loads judge_footprint judge_audit references compare record report outside
CHECK_HOST_OBJ := $(CHECK_HOST:%=$(CHECK_B)/host/%.o) $(CHECK_B)/host/lab.o
$(CHECK_B)/host/%.o: checker/%.c
	@mkdir -p $(@D)
	$(call say,CC,$< (host))
	$(Q)$(call compile,$(CC) $(CSTD) $(WARN) -O2 -g $(JUDGE_FLAGS) $(DEPS) -Ichecker -Ihv)

$(CHECK_B)/host/lab.o: hv/type2/lab.c
	@mkdir -p $(@D)
	$(call say,CC,$< (host))
	$(Q)$(CC) $(CSTD) $(WARN) -O2 -g $(DEPS) -Ihv -c -o $@ $<

$(CHECK_B)/judge: $(CHECK_HOST_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(JUDGE_FLAGS) -o $@ $^

.PHONY: check check-tools
check-tools: $(CHECK_B)/judge $(CHECK_IMAGES) $(B)/tools/count.so hv-audit
build-all: check-tools

#: CHECK groups of checks for make check (those of checker/pgcheck --help)
CHECK ?=
#: SEED of everything random in make check (1)
SEED ?= 1
# Relative names are used as they are: B is given on.
check: hv guest-os check-tools ## judge fidelity, isolation, performance; MACHINE=bochs-vmx, CHECK=, SEED=
	@B=$(B) checker/pgcheck --platform $(MACHINE) --only '$(CHECK)' --seed $(SEED) --out $(B)/check

.PHONY: check-all
check-all: hv guest-os check-tools ## the checker on all three machines, side by side: one table
	@B=$(B) tools/peers --platforms 'qemu-svm bochs-vmx bochs-svm' --only '$(CHECK)' --seed $(SEED) \
		--out $(B)/check/all

-include $(CHECK_HOST_OBJ:.o=.d) $(wildcard $(CHECK_B)/guests/*.d $(CHECK_B)/guests/*/*.d)

.PHONY: mutants
#: MUTANT one seeded bug for make mutants, a file of checker/mutants; else all
mutants: hv guest-os check-tools ## the checker's own grade: does it catch the seeded bugs?
	@B=$(B) checker/prove $(MUTANT)
.PHONY: mutants-coverage
mutants-coverage: ## which checks did no seeded bug of make mutants ever fail?
	@B=$(B) checker/prove --coverage
SYSTEM_TEST_NEEDS += check-tools
