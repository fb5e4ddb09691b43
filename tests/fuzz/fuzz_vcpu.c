/*
 * fuzz_vcpu.c - a guest whose every exit is anything: the loop, the handlers, events, all devices
 *
 * Input: mode and state (fuzz_vm.c), then steps.  A step is an exit with operands, as a back end
 * may report it; or the outside does something.  The fake back end judges what is injected; entries
 * find a state that a CPU can be in.
 */
#include "fuzz_vm.h"

#include <string.h>

#include "vm/irq.h"
#include "vm/task.h"

#define STEPS 120
#define VCPUS 2

static struct fuzz_input *input;
static unsigned steps;

static const u16 ports[] = { 0x20, 0x21, 0xa0, 0x40, 0x43,  0x60,  0x61,  0x64,	 0x70,	0x71,
			     0x92, 0xe9, 0xf4, 0x3c0, 0x3d4, 0x3f8, 0x3f9, 0x3fd, 0x402, 0x4d0,
			     0x510, 0x514, 0x518, 0xb2, 0xcf8, 0xcf9, 0xcfc, 0x600, 0x604, 0x608 };

static void ask_io(struct vcpu *v, struct vm_exit *exit)
{
	u8 which = (u8)fuzz_take(input, 1);

	exit->reason = EXIT_IO;
	exit->io.port = which & 0x80 ? (u16)fuzz_take(input, 2)
				     : (u16)(ports[which % ARRAY_SIZE(ports)] + (which >> 5 & 3));
	exit->io.size = (u8)(1u << (fuzz_take(input, 1) % 3));
	exit->io.in = which & 0x40;
	exit->io.value = (u32)fuzz_take(input, exit->io.size);
	exit->io.string = which == 0x1f;
	v->regs.r[REG_RDX] = exit->io.port;
}

static void ask_memory(struct vm_exit *exit)
{
	static const u64 places[] = { 0xa0000, 0xb8000,	  0xbfff0,    0xf0000,
				      0xc0000, 0xfee00000, 0xfec00000, FUZZ_VM_MEMORY,
				      0,       0xfebf0000, 0xffff0000, 0x8000000000 };
	u8 which = (u8)fuzz_take(input, 1);

	exit->reason = EXIT_MEMORY;
	exit->memory.gpa = gpa(places[(which >> 2) % ARRAY_SIZE(places)] + fuzz_take(input, 2));
	exit->memory.access = (u8)(1u << (which & 3) % 3);
}

static void ask_mmio(struct vm_exit *exit)
{
	static const u64 places[] = { 0xa0000, 0xb8000, 0xfee00000, 0xfec00000, 0xfebf0000 };
	u8 which = (u8)fuzz_take(input, 1);
	unsigned size = 1u << (which & 3);

	exit->reason = EXIT_MMIO;
	exit->mmio.size = (u8)size;
	exit->mmio.gpa = gpa(places[(which >> 2 & 15) % ARRAY_SIZE(places)] +
			     (fuzz_take(input, 2) & ~(u64)(size - 1)));
	exit->mmio.write = which & 0x80;
	exit->mmio.value = fuzz_take(input, size);
}

static void ask_msr(struct vm_exit *exit)
{
	static const u32 msrs[] = { 0x10,	0x1b,	    0x174,	0x175,	    0x176, 0x1a0,
				    0x1d9,	0x200,	    0x277,	0x2ff,	    0x3b,  0x6e0,
				    0x800,	0xc0000080, 0xc0000081, 0xc0000082, 0x48,
				    0xc0000100,
				    0xc0000101, 0xc0000102, 0xc0000103, 0xda0,	    0x8b,  0x179 };
	u8 which = (u8)fuzz_take(input, 1);

	exit->reason = EXIT_MSR;
	exit->msr.index = which & 0x40 ? (u32)fuzz_take(input, 4)
				       : msrs[which % ARRAY_SIZE(msrs)];
	if (exit->msr.index == 0x800)
		exit->msr.index += (u32)fuzz_take(input, 1);
	exit->msr.write = which & 0x80;
	exit->msr.value = exit->msr.write ? fuzz_take_number(input) : 0;
}

static void ask_cr(struct vcpu *v, struct vm_exit *exit)
{
	static const u8 numbers[] = { 0, 3, 4, 8 };
	u8 which = (u8)fuzz_take(input, 1);

	exit->reason = EXIT_CR;
	exit->decoded = true;
	exit->cr.number = numbers[which & 3];
	exit->cr.reg = which >> 2 & 7;
	exit->cr.access = which & 0x80 ? CR_READ : CR_WRITE;
	if ((which & 0x60) == 0x60 && !exit->cr.number) {
		exit->cr.access = which & 0x80 ? CR_CLTS : CR_LMSW;
		exit->cr.source = (u16)fuzz_take(input, 1);
	}
	if (exit->cr.access == CR_WRITE) /* a change of what there is */
		v->regs.r[exit->cr.reg] = (exit->cr.number == 0	  ? v->state.cr0
					   : exit->cr.number == 3 ? v->state.cr3
					   : exit->cr.number == 4 ? v->state.cr4
								  : 0) ^
					  fuzz_take_number(input);
}

static void ask_task(struct vm_exit *exit)
{
	u8 which = (u8)fuzz_take(input, 1);

	exit->reason = EXIT_TASK;
	exit->task.source = which & 3;
	exit->task.selector = (u16)(which & 0xf8);
}

/* Vectors that back ends intercept; the fault is handed on. */
static void ask_exception(struct vm_exit *exit)
{
	static const u8 vectors[] = { VECTOR_DB, VECTOR_UD, VECTOR_GP, VECTOR_PF, VECTOR_AC };
	u8 which = (u8)fuzz_take(input, 1);

	exit->reason = EXIT_EXCEPTION;
	exit->exception.vector = vectors[which % ARRAY_SIZE(vectors)];
	exit->exception.has_error = exit->exception.vector >= VECTOR_GP;
	exit->exception.error = (u32)fuzz_take(input, 1);
	exit->exception.address = exit->exception.vector == VECTOR_DB ? DR6_BS : FUZZ_DATA;
}

static void ask(struct vcpu *v, struct vm_exit *exit, u8 what)
{
	static const u8 plain[] = { EXIT_CPUID, EXIT_HLT,  EXIT_PAUSE, EXIT_HYPERCALL, EXIT_XSETBV,
				    EXIT_CACHE, EXIT_RDPMC, EXIT_MONITOR, EXIT_VM_INSN, EXIT_INSN,
				    EXIT_WINDOW_INTR, EXIT_WINDOW_NMI, EXIT_INIT, EXIT_SHUTDOWN };

	switch (what & 15) {
	case 0:
	case 1:
	case 2:
		ask_io(v, exit);
		break;
	case 3:
	case 4:
		ask_memory(exit);
		break;
	case 5:
		ask_mmio(exit);
		break;
	case 6:
	case 7:
		ask_msr(exit);
		break;
	case 8:
	case 9:
		ask_cr(v, exit);
		break;
	case 10:
		ask_task(exit);
		break;
	case 11:
		ask_exception(exit);
		break;
	default:
		exit->reason = plain[fuzz_take(input, 1) % ARRAY_SIZE(plain)];
		v->regs.r[REG_RAX] = fuzz_take_number(input);
		v->regs.r[REG_RCX] = fuzz_take(input, 1) & 7;
		break;
	}
}

/* A CPU has its events where events can be: an exit while one was delivered. */
static void interrupt_delivery(struct vcpu *v, struct vm_exit *exit, u8 what)
{
	static const u8 types[] = { EVENT_INTR, EVENT_NMI, EVENT_EXCEPTION, EVENT_SOFT_INT };
	u8 type = types[what & 3];

	if (exit->reason != EXIT_MEMORY && exit->reason != EXIT_EXCEPTION &&
	    exit->reason != EXIT_TASK)
		return;
	if (exit->reason == EXIT_TASK && exit->task.source != TASK_IDT)
		return;
	if (type == EVENT_INTR && !(v->regs.rflags & RFLAGS_IF))
		return;
	v->state.interrupted = (struct event){ .type = type,
					       .vector = type == EVENT_NMI	   ? VECTOR_NMI
							 : type == EVENT_EXCEPTION ? VECTOR_PF
										   : 0x40,
					       .has_error = type == EVENT_EXCEPTION,
					       .insn_len = type == EVENT_SOFT_INT ? 2 : 0 };
	if (type == EVENT_NMI) /* it is on its way: blocking ends when it is tried again */
		v->state.interrupted.type = EVENT_NONE;
}

/* The guest, entered: what it exits with.  Registers are known, the rest of the state is not. */
static void guest(struct vcpu *v)
{
	struct fake_vcpu *f = fake_vcpu(v);
	u8 what = (u8)fuzz_take(input, 1), bytes[INSN_MAX_LEN], more;

	f->injections = 0;
	if (!input->left || ++steps > STEPS)
		return; /* a host interrupt */
	more = (u8)fuzz_take(input, 1);
	if (more & 1)
		v->regs.r[more >> 1 & 7] = fuzz_vm_address(input);
	if (more & 0x10) {
		v->regs.rflags ^= RFLAGS_IF;
		if (v->regs.rflags & RFLAGS_IF)
			f->truth.shadow = more & 0x20 ? SHADOW_STI : 0;
	}
	if (more & 0x40) {
		for (unsigned i = 0; i < sizeof(bytes); i++)
			bytes[i] = (u8)fuzz_take(input, 1);
		memcpy(fuzz_vm_ram(FUZZ_CODE), bytes, sizeof(bytes));
	}
	v->regs.rip = FUZZ_CODE;
	ask(v, &v->exit, what);
	v->exit.insn_len = (more & 0x40) && v->exit.reason != EXIT_MMIO ? 0 : 2;
	if (what & 0x80)
		interrupt_delivery(v, &v->exit, what >> 4);
}

static void outside(struct vm *vm, struct fuzz_input *in)
{
	u8 what = (u8)fuzz_take(in, 1);

	switch (what % 8) {
	case 0:
		fake_host_run(fuzz_take(in, 2) * 10000);
		break;
	case 1:
		(void)vm_console_input(vm, what);
		break;
	case 2:
		vcpu_request(vm->vcpu[what >> 3 & 1], REQUEST_NMI);
		break;
	case 3:
		vm_flush(vm);
		break;
	case 4:
		vm_pause(vm);
		fake_host_run(1000000);
		if (vm->state == VM_PAUSED)
			vm_start(vm);
		break;
	case 5:
		vm_catch_up(vm);
		break;
	case 6:
		vm_check_halted(vm);
		break;
	default:
		host_lock(&vm->lock);
		(void)piix4_power_button(&vm->piix4);
		host_unlock(&vm->lock);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	u8 mode = (u8)fuzz_take(&in, 1);
	struct vm *vm = fuzz_vm_begin(VCPUS, true);

	input = &in;
	steps = 0;
	for (unsigned i = 0; i < VCPUS; i++) {
		fake_vcpu(vm->vcpu[i])->guest = guest;
		if (!vm->vcpu[i]->loaded)
			virt->load(vm->vcpu[i]);
	}
	fuzz_vm_state(vm->vcpu[0], mode % FUZZ_MODES, mode & 0x80, &in);
	while (in.left && steps < STEPS && vm->state == VM_RUNNING) {
		u8 what = (u8)fuzz_take(&in, 1);
		struct vcpu *v = vm->vcpu[what & 1];

		(void)vcpu_step(v);
		check(!host_locked(&vm->lock) && !v->in_guest);
		if (what & 2)
			outside(vm, &in);
	}
	check(vm->state != VM_DEAD || vm->cause[0]);
	for (unsigned i = 0; i < VCPUS; i++)
		vm->vcpu[i]->exit = (struct vm_exit){ 0 };
	return 0;
}
