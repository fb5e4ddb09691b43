# peers.mk - the checker on hypervisors that are not ours, and on bare machines: what these platforms need
# It is included by checker.mk and by the Makefile, which takes all fragments.
ifndef PEERS_MK
PEERS_MK := 1

CHECK_HOST += judge_cannot

# The first program of the Linux in which type2 and kvm run their guests.
$(CHECK_B)/peers-init: checker/peers/init.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(TARGET_CC) $(CSTD) $(WARN) -O2 -static -s -o $@ $<

# A multiboot kernel becomes the PVH dom0 of Xen: a 32-bit program.
XEN_SHIM_FLAGS = $(filter-out -m64 -march=% -mcmodel=% -mno-red-zone,$(FREESTANDING)) -m32 -march=i686 \
	-fno-pie $(DEPS)

$(CHECK_B)/peers/%.c.o: checker/peers/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(TARGET_CC) $(XEN_SHIM_FLAGS) -c -o $@ $<

$(CHECK_B)/peers/%.S.o: checker/peers/%.S
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(TARGET_CC) $(XEN_SHIM_FLAGS) -c -o $@ $<

$(CHECK_B)/xen-shim.elf: checker/peers/xen_shim.ld $(CHECK_B)/peers/xen_entry.S.o $(CHECK_B)/peers/xen_shim.c.o
	$(call say,LD,$@)
	$(Q)$(LD) -m elf_i386 --no-warn-rwx-segments -T $< -o $@ $(filter %.o,$^)

.PHONY: peers-tools xen check-peers
SYSTEM_TEST_NEEDS += peers-tools
peers-tools: check-tools $(CHECK_B)/peers-init $(CHECK_B)/xen-shim.elf

xen: $(B)/xen/xen.elf ## fetch Debian's Xen, to be judged
$(B)/xen/xen.elf: tools/peers-xen
	$(call say,FETCH,$@)
	$(Q)tools/peers-xen $(@D)

#: PEERS platforms for make check-peers (all: tools/peers --help)
PEERS ?=
# What cannot be fetched is told in the table: its platform is absent.
check-peers: hv guest-os peers-tools espejo-vm ## the checker on every platform, QEMU, Bochs, KVM and Xen too: one table; CHECK=, PEERS=
	@$(MAKE) -s --no-print-directory linux xen || :
	@B=$(B) tools/peers $(if $(PEERS),--platforms '$(PEERS)') --only '$(CHECK)' --seed $(SEED)

-include $(wildcard $(CHECK_B)/peers/*.d)
endif
