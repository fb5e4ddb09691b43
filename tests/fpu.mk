# fpu.mk - the guest of tests/guests/fpu: FPU, vector and XSAVE state that must survive
#
# $(B)/fpu/fpu.elf (multiboot 1, ELF32), on the runtime of the checker's probes.

FPU_B := $(B)/fpu
FPU_IMAGE := $(FPU_B)/fpu.elf
FPU_SOURCES := $(wildcard tests/guests/fpu/*.c)
FPU_OBJECTS := $(patsubst tests/guests/fpu/%,$(FPU_B)/%.o,$(FPU_SOURCES))

.PHONY: fpu-guest
fpu-guest: $(FPU_IMAGE) ## a guest that looks at each bit of its FPU state

$(FPU_B)/%.o: tests/guests/fpu/%
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(CHECK_FLAGS) -Itests/guests/fpu -c -o $@ $<

$(FPU_B)/fpu.sym.elf: checker/guests/rt/rt.ld $(CHECK_RT) $(FPU_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(LD) $(GUEST_LD_FLAGS) -T $< -o $@ $(filter %.o,$^)

$(FPU_IMAGE): $(FPU_B)/fpu.sym.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -S -O elf32-i386 $< $@

SYSTEM_TEST_NEEDS += fpu-guest
build-all: fpu-guest

-include $(FPU_OBJECTS:.o=.d)
