# type2.mk - the hypervisor as a Linux process: build/espejo-vm
#
# The same files as in the Type 1 image but those that own a bare machine or its CPU, compiled
# for an operating system; kvm/ in the place of amd/ and intel/.  One static file, so that
# it runs in an initramfs as well.  espejo-net beside it needs libslirp: it is made where that is.

VM_DIRS := store net vm dev sched trace kvm type2
VM_SRCS := hv/virt.c hv/lib/fmt.c $(wildcard $(foreach d,$(VM_DIRS),hv/$(d)/*.c))
VM_OBJS = $(VM_SRCS:hv/%=$(B)/type2/%.o)
VM_CFLAGS = $(CSTD) $(WARN) -O2 -g -m64 -march=x86-64 -fno-strict-aliasing -pthread -fPIE \
	-fstack-protector-strong -Ihv -I$(B)/hv $(VM_EXTRA)
VM_LDFLAGS = -pthread -Wl,-z,relro,-z,now -Wl,-z,noexecstack

$(B)/type2/dev/acpitables.c.o: $(B)/hv/dsdt.aml.h
$(B)/type2/vm/load_rom.c.o: $(B)/hv/rom.bin.h

$(B)/type2/%.c.o: hv/%.c hv/type2/type2.mk
	@mkdir -p $(@D)
	$(call say,CC,$< (type2))
	$(Q)$(call compile,$(TARGET_CC) $(VM_CFLAGS) $(DEPS))

$(B)/espejo-vm: $(VM_OBJS)
	$(call say,LD,$@)
	$(Q)$(TARGET_CC) $(VM_LDFLAGS) -static-pie -o $@ $(VM_OBJS)

SLIRP := $(wildcard /usr/include/slirp/libslirp.h)
USERNET_OBJS = $(patsubst %,$(B)/type2/type2/%.c.o,usernet/main confine filter)

$(B)/espejo-net: $(USERNET_OBJS)
	$(call say,LD,$@)
	$(Q)$(TARGET_CC) $(VM_LDFLAGS) -pie -o $@ $(USERNET_OBJS) -lslirp

# The first program of the Linux in which tools/type2 runs it, where there is no KVM.
$(B)/type2-init: tools/type2-init.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(TARGET_CC) $(CSTD) $(WARN) -O2 -static -o $@ $<

.PHONY: espejo-vm
espejo-vm: $(B)/espejo-vm $(B)/type2-init $(if $(SLIRP),$(B)/espejo-net) ## build the hypervisor that is a Linux process

# On another kind of host there is no KVM for it.
ifeq ($(CROSS_COMPILE),)
build-all: espejo-vm
endif

-include $(VM_OBJS:.o=.d) $(USERNET_OBJS:.o=.d)
