# streams.mk - differential streams: the probe, and the tool on the host that makes and shrinks cases
# It is included by checker.mk and by the Makefile, which takes all fragments.
ifndef STREAMS_MK
STREAMS_MK := 1

CHECK_PROBES += streams
STREAMS_SHARED := case generate forms forms_table forms_memory pen
CHECK_OF_streams := $(patsubst %,streams/%,arena.S $(addsuffix .c,streams run arena $(STREAMS_SHARED)))

STREAMS_HOST := $(CHECK_B)/streams/host
STREAMS_HOST_OBJ := $(patsubst %,$(STREAMS_HOST)/%.o,streams/tool streams/found record \
	$(STREAMS_SHARED:%=guests/streams/%) lib/fmt)

$(STREAMS_HOST)/lib/%.o: hv/lib/%.c
	@mkdir -p $(@D)
	$(call say,CC,$< (host))
	$(Q)$(CC) $(CSTD) $(WARN) -O2 -g $(DEPS) -Ihv -c -o $@ $<

$(STREAMS_HOST)/%.o: checker/%.c
	@mkdir -p $(@D)
	$(call say,CC,$< (host))
	$(Q)$(CC) $(CSTD) $(WARN) -O2 -g $(DEPS) -Ihv -Ichecker -Ichecker/guests/streams -c -o $@ $<

$(CHECK_B)/streams-tool: $(STREAMS_HOST_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $^

check-tools: $(CHECK_B)/streams-tool

.PHONY: check-streams
#: STREAMS_CASES of make check-streams (150000: 2,900,000 instructions)
check-streams: hv guest-os check-tools ## random instructions by the million, bare and virtual; MACHINE=, SEED=
	@B=$(B) STREAMS_CASES=$${STREAMS_CASES:-150000} checker/pgcheck --platform $(MACHINE) --only streams \
		--seed $(SEED) --out $(B)/check-streams
CHECK_HOST += judge_streams

-include $(STREAMS_HOST_OBJ:.o=.d) $(wildcard $(CHECK_B)/guests/streams/*.d)
endif
