# task.mk - the guest of tests/guests/task: hardware task switches, in 32-bit code
#
# $(B)/task/task.elf (multiboot 1, ELF32, with symbols).

TASK_B := $(B)/task
TASK_IMAGE := $(TASK_B)/task.elf
TASK_OBJECTS := $(TASK_B)/boot.S.o $(TASK_B)/say.c.o $(TASK_B)/pae.c.o \
	$(TASK_B)/task.c.o
TASK_FLAGS = $(filter-out -m64 -march=x86-64 -mcmodel=kernel -mno-red-zone,$(FREESTANDING)) -m32 \
	-march=i686 -Wno-missing-prototypes -Ihv $(DEPS)

.PHONY: task-guest
task-guest: $(TASK_IMAGE) ## a guest that switches tasks by hardware

$(TASK_B)/%.o: tests/guests/task/%
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(TARGET_CC) $(TASK_FLAGS) -c -o $@ $<

$(TASK_IMAGE): tests/guests/task/task.ld $(TASK_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(LD) -m elf_i386 -nostdlib -static -z noexecstack --build-id=none \
		--no-warn-rwx-segments -T $< -o $@ $(TASK_OBJECTS)

SYSTEM_TEST_NEEDS += task-guest
build-all: task-guest

-include $(TASK_OBJECTS:.o=.d)
