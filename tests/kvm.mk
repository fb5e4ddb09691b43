# kvm.mk - $(B)/kvm-dirty: a program of the Type 2's parts that looks into KVM's log of written pages; tools/type2
# --program runs it where there is a KVM (tests/system/type2.sh)

KVM_DIRTY_OBJS = $(filter-out $(B)/type2/type2/main.c.o,$(VM_OBJS)) $(B)/type2/dirty.o

$(B)/type2/dirty.o: tests/kvm/dirty.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(VM_CFLAGS) $(DEPS) -c $< -o $@

$(B)/kvm-dirty: $(KVM_DIRTY_OBJS)
	$(call say,LD,$@)
	$(Q)$(TARGET_CC) $(VM_LDFLAGS) -static-pie -o $@ $^

.PHONY: kvm-dirty
kvm-dirty: $(B)/kvm-dirty
SYSTEM_TEST_NEEDS += kvm-dirty

-include $(B)/type2/dirty.d
