# labs.mk - the labs: their guests, `make demo`, `make skel`, `make grade`
#
# A lab's folder is labs/NN-name; an assembly file in it is a guest, which becomes
# $(B)/labs/NN-name/FILE.elf (multiboot 1, ELF32).

LAB_GUESTS := $(patsubst labs/%.S,$(B)/labs/%.elf,$(wildcard labs/*/*.S))

$(B)/labs/%.o: labs/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(TARGET_CC) -m32 -fno-pic $(DEPS) -c -o $@ $<

$(B)/labs/%.elf: $(B)/labs/%.o labs/guest.ld
	$(call say,LD,$@)
	$(Q)$(LD) -m elf_i386 -nostdlib -static --build-id=none -z noexecstack --no-warn-rwx-segments \
		-T labs/guest.ld -o $@ $<

.SECONDARY: $(LAB_GUESTS:.elf=.o)
.PHONY: labs demo skel grade
labs: $(LAB_GUESTS) ## the guests of the labs
build-all: labs
-include $(LAB_GUESTS:.elf=.d)

#: LAB the number of a lab, for demo, skel and grade
demo: hv labs guest-os ## run a lab's demonstration: make demo LAB=3
	@tools/lab demo '$(LAB)' '$(MACHINE)'

#: OUT where make skel puts the skeleton, build/skel/lab-NN by default
skel: ## cut the skeleton of a lab, to be solved: make skel LAB=3
	@tools/lab skel '$(LAB)' '$(OUT)'

#: REFERENCE the solved tree that make grade compares with; the last commit by default
#: EX the one exercise to be graded, such as 3.2; all by default
grade: ## grade this tree's solutions of a lab: make grade LAB=3
	@REFERENCE='$(REFERENCE)' tools/grade '$(LAB)' '$(EX)'
