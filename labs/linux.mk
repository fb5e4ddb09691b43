# linux.mk - a Linux of a lab's own, for programs of this tree that run on one
#
# A lab's folder may hold `linux`, a script: the first program of a Linux that is started like any
# other kernel, by `--module B/labs/NN-name/linux.cpio B/linux/vmlinuz`.  Beside it in that initramfs
# lie busybox, KVM's modules (/kvm), build/espejo-vm and build/container (/bin), and the lab's
# guests (/guest).  The same bytes whoever builds it, whenever.

LAB_LINUXES := $(patsubst labs/%/linux,$(B)/labs/%/linux.cpio,$(wildcard labs/*/linux))

$(LAB_LINUXES): $(B)/labs/%/linux.cpio: labs/%/linux labs/linux.mk $(B)/espejo-vm $(B)/container \
		$(B)/linux/vmlinuz $(LAB_GUESTS)
	$(call say,CPIO,$@)
	$(Q)rm -rf $(@D)/linux && mkdir -p $(@D)/linux/bin $(@D)/linux/guest
	$(Q)cp labs/$*/linux $(@D)/linux/init && cp "$$(command -v busybox)" $(@D)/linux/bin/busybox
	$(Q)cp -r $(B)/linux/kvm $(@D)/linux/
	$(Q)for program in espejo-vm container; do \
		$(OBJCOPY) -S $(B)/$$program $(@D)/linux/bin/$$program || exit; done
	$(Q)for guest in $(@D)/*.elf; do [ ! -f "$$guest" ] || cp "$$guest" $(@D)/linux/guest/ || exit; done
	$(Q)chmod -R u=rwX,go=rX $(@D)/linux && chmod 755 $(@D)/linux/init
	$(Q)find $(@D)/linux -exec touch -h -d @0 {} +
	$(Q)(cd $(@D)/linux && find . | LC_ALL=C sort | \
		cpio -o -H newc --reproducible -R 0:0 2>/dev/null) >$@

.PHONY: labs-linux
labs-linux: $(LAB_LINUXES) ## the Linux of labs that have programs for one

# Debian's kernel needs a network the first time.
.PHONY: labs-linux-if-possible
labs-linux-if-possible: linux-if-possible
	$(Q)[ ! -f $(B)/linux/vmlinuz ] || $(MAKE) --no-print-directory labs-linux
