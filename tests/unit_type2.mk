# unit_type2.mk - unit tests of hv/type2/: the real threads, clocks and files of this host, once under the
# address sanitizer and once under the thread sanitizer

TYPE2_UNIT_SUITES := $(wildcard tests/unit/type2/test_*.c)
TYPE2_UNIT_SRC := $(TYPE2_UNIT_SUITES) tests/unit/type2/fake.c tests/unit/main.c hv/lib/fmt.c hv/sched/sched.c \
	$(patsubst %,hv/store/%.c,store overlay_store) $(patsubst %,hv/net/%.c,link switch capture) \
	$(patsubst %,hv/type2/%.c,threads lock futex timer ram file_store image options failure filter confine attempt \
	uplink netsocket watcher terminal)
TYPE2_UNIT_CFLAGS := $(CSTD) $(WARN) -O1 -g -fno-omit-frame-pointer -pthread -Ihv -Itests/unit/type2

comma := ,

# sanitized NAME FLAGS
define sanitized
$(UNIT)/type2-$(1)/test_list.h: $(TYPE2_UNIT_SUITES) tests/unit_type2.mk
	@mkdir -p $$(@D)
	$$(Q)printf '%s\n' $(TYPE2_UNIT_SUITES) | sed 's|.*/test_\(.*\)\.c|TEST(\1)|' > $$@

$(UNIT)/type2-$(1)/%.o: %.c | $(UNIT)/type2-$(1)/test_list.h
	$$(call say,CC,$$< ($(1)))
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(TYPE2_UNIT_CFLAGS) -I$(UNIT)/type2-$(1) $(2) $$(DEPS) -c -o $$@ $$<

$(UNIT)/type2-$(1)-tests: $(TYPE2_UNIT_SRC:%.c=$(UNIT)/type2-$(1)/%.o)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $(2) -pthread -o $$@ $$^ -lcunit

UNIT_TESTS += $(UNIT)/type2-$(1)-tests
-include $(TYPE2_UNIT_SRC:%.c=$(UNIT)/type2-$(1)/%.d)
endef

$(eval $(call sanitized,asan,-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -DUNDER_ASAN))
$(eval $(call sanitized,tsan,-fsanitize=thread))

SYSTEM_TEST_NEEDS += espejo-vm
