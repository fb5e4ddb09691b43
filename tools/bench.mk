# bench.mk - what `make bench` needs beside the hypervisor: Linux with a load in its initramfs

# A static program of the guest's; the cross compiler where the host is no x86-64.
$(B)/bench/load: tools/linux/load.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CROSS_COMPILE)gcc $(CSTD) $(WARN) -O2 -static -s $< -o $@

# Linux takes several archives behind one another.  The same bytes whoever builds it, whenever.
$(B)/bench/initrd.gz: $(B)/bench/load tools/linux/bench $(B)/linux/vmlinuz
	$(call say,CPIO,$@)
	$(Q)rm -rf $(@D)/tree && mkdir -p $(@D)/tree/bin $(@D)/tree/etc
	$(Q)cp $(@D)/load $(@D)/tree/bin/ && cp tools/linux/bench $(@D)/tree/etc/
	$(Q)chmod 755 $(@D)/tree/etc/bench && find $(@D)/tree -exec touch -h -d @0 {} +
	$(Q)(cd $(@D)/tree && find . | LC_ALL=C sort | \
		cpio -o -H newc --reproducible -R 0:0 2>/dev/null) | gzip -9n > $(@D)/load.gz
	$(Q)cat $(B)/linux/initrd.gz $(@D)/load.gz > $@

.PHONY: bench
bench: hv guest-os check-probes $(B)/tools/count.so ## what virtualization costs, in instructions
	@$(MAKE) -s --no-print-directory $(B)/bench/initrd.gz || echo "bench: goes on without Linux" >&2
	@tools/bench $(B)/bench.json

.PHONY: bench-kvm
bench-kvm: $(B)/bench/initrd.gz $(B)/tools/count.so ## the same Linux under KVM, on the same emulated AMD-V
	@rm -f $(B)/bench-kvm.rows && tools/bench-kvm $(B)/bench-kvm.rows

#: COUNT how many submissions make bench-class grades (60)
.PHONY: bench-class
bench-class: handout-needs ## seconds for one submission, submissions a minute: make bench-class LAB=3
	@tools/bench-class '$(or $(LAB),3)' '$(or $(COUNT),60)'
