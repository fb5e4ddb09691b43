# labs.mk - the labs: their guests, `make demo`, `make handout`, `make grade`
#
# A lab's folder is labs/NN-name; an assembly file in it, or a C file, is a guest, which becomes
# $(B)/labs/NN-name/FILE.elf (multiboot 1, ELF32).

# A lab with a makefile of its own says there what its C files are.
LAB_SOURCES := $(wildcard labs/*/*.S) $(foreach f,$(wildcard labs/*/*.c),$(if $(wildcard $(dir $f)*.mk),,$f))
LAB_GUESTS := $(patsubst labs/%,$(B)/labs/%.elf,$(basename $(LAB_SOURCES)))
LAB_CFLAGS = $(CSTD) $(WARN) -O2 -m32 -march=i686 -ffreestanding -fno-pic -mgeneral-regs-only \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -fno-strict-aliasing \
	-Wno-unused-function # the helpers of an attack that is not written yet

$(B)/labs/%.o: labs/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(TARGET_CC) -m32 -fno-pic $(DEPS) -c -o $@ $<

$(B)/labs/%.o: labs/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(LAB_CFLAGS) $(DEPS) -c -o $@ $<

$(B)/labs/%.elf: $(B)/labs/%.o labs/guest.ld
	$(call say,LD,$@)
	$(Q)$(LD) -m elf_i386 -nostdlib -static --build-id=none -z noexecstack --no-warn-rwx-segments \
		-T labs/guest.ld -o $@ $<

.SECONDARY: $(LAB_GUESTS:.elf=.o)
.PHONY: labs demo seed hint progress handout handout-needs catchup grade viva autograder
labs: $(LAB_GUESTS) ## the guests of the labs
build-all: labs
-include $(LAB_GUESTS:.elf=.d)

#: LAB the number of a lab, for demo, handout and grade
# What a lab asks for in its line `make`.
DEMO_GOALS = $(shell tools/lab goals '$(LAB)' '$(MACHINE)' 2>/dev/null)
demo: $(if $(filter demo,$(MAKECMDGOALS)),$(DEMO_GOALS)) ## run a lab's demonstration: make demo LAB=3
	@tools/lab demo '$(LAB)' '$(MACHINE)'

seed: ## the number that makes your inputs in a lab differ from those of others: make seed LAB=0
	@tools/lab seed '$(LAB)'

hint: ## open the next hint for an exercise: make hint EX=3.2
	@tools/lab hint '$(EX)'

progress: ## exercises, points and next step; LAB=3 for one lab
	@tools/lab progress '$(LAB)'

viva: ## three questions on a student's own run: make viva LAB=3 [OUT=what tools/grade-one made]
	@tools/viva '$(or $(OUT),$(B)/grade/$(shell printf %02d '$(LAB)'))' '$(LAB)'

#: FOR gradescope, autolab, vpl or classroom50: whom make autograder packs the grader for
autograder: ## pack the trusted grader: make autograder FOR=gradescope LAB=3
	@tools/autograder '$(FOR)' '$(LAB)' '$(or $(OUT),$(B)/autograder/$(FOR)-$(LAB))'

#: OUT where make handout puts the tree, build/handout/lab-NN by default
#: EARLIER source (default) or object: how a handout has what earlier labs asked for
# What object code of other labs is taken from.
HANDOUT_NEEDS := hv guest-os labs espejo-vm container classify
SYSTEM_TEST_NEEDS += $(HANDOUT_NEEDS) labs-linux-if-possible
handout-needs: $(HANDOUT_NEEDS)
handout: $(HANDOUT_NEEDS) ## the tree that students get: make handout LAB=3
	@tools/handout '$(LAB)' '$(or $(OUT),$(B)/handout/lab-$(LAB))' --earlier '$(or $(EARLIER),source)' && echo '$(or $(OUT),$(B)/handout/lab-$(LAB))'

#: FROM the handout to which make catchup brings this tree: a repository or an archive
#: KEEP mine: make catchup keeps your own solutions of earlier labs
catchup: ## bring your tree to another lab, losing nothing: make catchup LAB=4 FROM=HANDOUT
	@KEEP='$(KEEP)' tools/catchup '$(LAB)' '$(FROM)'

#: EX the one exercise to be graded, such as 3.2; all by default
grade: ## grade this tree's solutions of a lab: make grade LAB=3
	@tools/grade '$(or $(LAB),$(firstword $(subst ., ,$(EX))))' '$(EX)'
