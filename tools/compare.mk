# compare.mk - the same program bare, under both types of hypervisor, in a container, as a process
#
# build/container is a Linux program; what runs inside the emulated machine is an initramfs with it.

CONTAINER_SRCS := $(wildcard hv/container/*.c)
COMPARE_B := $(B)/compare
# Programs of the guest's, for x86-64 whatever the host is.
GUEST_CC = $(if $(filter clang%,$(CC)),$(CC) --target=x86_64-linux-gnu,$(CROSS_COMPILE)gcc)

CONTAINER_OBJS := $(CONTAINER_SRCS:hv/container/%=$(B)/containers/%.o) $(B)/type2/type2/lab.c.o

$(B)/containers/%.c.o: hv/container/%.c tools/compare.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(call compile,$(GUEST_CC) $(CSTD) $(WARN) -O2 -Ihv $(DEPS))

$(B)/container: $(CONTAINER_OBJS)
	$(call say,LD,$@)
	$(Q)$(GUEST_CC) -static $(CONTAINER_OBJS) -o $@

-include $(CONTAINER_OBJS:.o=.d)

.PHONY: container
container: $(B)/container ## a container in a few hundred lines, to be read beside the hypervisors
build-all: container

$(COMPARE_B)/%: tools/linux/%.c tools/linux/mark.h
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(GUEST_CC) $(CSTD) $(WARN) -O2 -static -s $< -o $@

# An older build/linux has not these modules.
$(B)/linux/compare/brd.ko: $(B)/linux/vmlinuz
	$(Q)[ -f $@ ] || { rm -f $(B)/linux/vmlinuz; tools/guest-linux $(B)/linux; }
	@touch $@

# The image of the container is a part of it.  The same bytes whoever builds it, whenever.
$(COMPARE_B)/initrd.gz: $(COMPARE_B)/work $(COMPARE_B)/attack $(B)/container tools/linux/compare \
		$(B)/linux/compare/brd.ko tools/compare.mk
	$(call say,CPIO,$@)
	$(Q)rm -rf $(@D)/tree && mkdir -p $(@D)/tree/bin $(@D)/tree/etc $(@D)/tree/compare
	$(Q)cp $(@D)/work $(@D)/attack $(B)/container $(@D)/tree/bin/
	$(Q)cp tools/linux/compare $(@D)/tree/etc/ && cp $(B)/linux/compare/*.ko $(@D)/tree/compare/
	$(Q)cd $(@D)/tree && mkdir -p image/bin image/dev image/proc image/tmp image/compare && \
		cp bin/work bin/attack image/bin/ && cp compare/veth.ko image/compare/ && \
		cp "$$(command -v busybox)" image/bin/ && ln -s busybox image/bin/sh
	$(Q)chmod -R u=rwX,go=rX $(@D)/tree && chmod 755 $(@D)/tree/etc/compare
	$(Q)find $(@D)/tree -exec touch -h -d @0 {} +
	$(Q)(cd $(@D)/tree && find . | LC_ALL=C sort | \
		cpio -o -H newc --reproducible -R 0:0 2>/dev/null) | gzip -9n > $(@D)/more.gz
	$(Q)cat $(B)/linux/initrd.gz $(@D)/more.gz > $@

# The hypervisor that is a Linux process, with what it needs in its Linux; left out where it is not built.
$(COMPARE_B)/type2.gz: $(COMPARE_B)/initrd.gz $(B)/espejo-vm $(B)/linux/vmlinuz tools/compare.mk
	$(call say,CPIO,$@)
	$(Q)rm -rf $(@D)/host && mkdir -p $(@D)/host/bin $(@D)/host/guest
	$(Q)cp -r $(B)/linux/kvm $(@D)/host/ && cp $(B)/linux/vmlinuz $(COMPARE_B)/initrd.gz $(@D)/host/guest/
	$(Q)$(OBJCOPY) -S $(B)/espejo-vm $(@D)/host/bin/espejo-vm
	$(Q)chmod -R u=rwX,go=rX $(@D)/host && find $(@D)/host -exec touch -h -d @0 {} +
	$(Q)(cd $(@D)/host && find . | LC_ALL=C sort | \
		cpio -o -H newc --reproducible -R 0:0 2>/dev/null) | gzip -1n > $(@D)/host.gz
	$(Q)cat $(COMPARE_B)/initrd.gz $(@D)/host.gz > $@

#: PARTS of make compare: bare attack type1 type1-attack type2 type2-attack; all by default
PARTS ?=
.PHONY: compare
compare: hv guest-os $(COMPARE_B)/initrd.gz $(B)/tools/count.so ## bare, Type 1, Type 2, container, process: one table
	@rm -f $(COMPARE_B)/type2.why
	@$(MAKE) -s --no-print-directory $(COMPARE_B)/type2.gz >$(COMPARE_B)/type2.log 2>&1 || { \
		rm -f $(COMPARE_B)/type2.gz; echo 'espejo-vm does not build' >$(COMPARE_B)/type2.why; }
	@tools/compare $(COMPARE_B) $(PARTS)

# Something to run in it: busybox under all its names.
$(B)/image/bin/sh: tools/compare.mk
	@mkdir -p $(B)/image/bin $(B)/image/dev $(B)/image/proc $(B)/image/tmp
	$(Q)cp "$$(command -v busybox)" $(B)/image/bin/busybox
	$(Q)for name in $$(busybox --list); do [ "$$name" = busybox ] || ln -sf busybox $(B)/image/bin/$$name; done

.PHONY: image
image: $(B)/image/bin/sh ## a directory for build/container: build/container build/image /bin/sh

# What the tests need; without a network the first time, they are skipped and say so.
.PHONY: compare-if-possible
compare-if-possible: hv guest-os container linux-if-possible $(B)/tools/count.so
	$(Q)[ ! -f $(B)/linux/vmlinuz ] || $(MAKE) --no-print-directory $(COMPARE_B)/initrd.gz || true
	$(Q)[ ! -f $(COMPARE_B)/initrd.gz ] || $(MAKE) --no-print-directory $(COMPARE_B)/type2.gz || true

SYSTEM_TEST_NEEDS += compare-if-possible
