/* emu.c - see emu.h */
#include "emu.h"

struct emu emu;

static void note(struct emu_access *log, unsigned *count, struct emu_access access)
{
	if (*count < EMU_LOG)
		log[*count] = access;
	++*count;
}

static u64 device_read(void *dev UNUSED, u64 offset, unsigned size)
{
	u64 value = emu_device(EMU_DEVICE + offset, size);

	note(emu.log, &emu.accesses, (struct emu_access){ false, (u8)size, (u32)offset, value });
	return value;
}

static void device_write(void *dev UNUSED, u64 offset, unsigned size, u64 value)
{
	note(emu.log, &emu.accesses, (struct emu_access){ true, (u8)size, (u32)offset, value });
	emu_set_device(EMU_DEVICE + offset, size, value);
}

static u32 port_in(void *dev UNUSED, u16 port, unsigned size)
{
	u32 value = emu.port_next++;

	note(emu.port_log, &emu.port_accesses, (struct emu_access){ false, (u8)size, port, value });
	return value;
}

static void port_out(void *dev UNUSED, u16 port, unsigned size, u32 value)
{
	note(emu.port_log, &emu.port_accesses, (struct emu_access){ true, (u8)size, port, value });
}

int emu_begin(void)
{
	emu.vm = fake_vm_make(MiB(8), 1);
	emu.v = emu.vm->vcpu[0];
	/* In the place of the VGA. */
	bus_move_mmio(&emu.vm->bus, &emu.vm->vga, gpa(0), 0);
	bus_claim_mmio(&emu.vm->bus, (struct mmio_range){ .base = gpa(EMU_DEVICE),
							  .size = EMU_DEVICE_SIZE,
							  .read = device_read,
							  .write = device_write });
	bus_claim_ports(&emu.vm->bus, (struct port_range){ .first = EMU_PORT,
							   .last = EMU_PORT + 7,
							   .in = port_in,
							   .out = port_out });
	return 0;
}

int emu_end(void)
{
	fake_vm_free(emu.vm);
	return 0;
}

/* In 64-bit mode the addresses of nothing and of the LAPIC page are mapped too. */
void emu_start(enum emu_mode mode)
{
	struct vcpu *v = emu.v;

	if (mode == EMU_16)
		fake_mode_real(v);
	else if (mode == EMU_32)
		fake_mode_flat32(v);
	else
		fake_mode_long(v);
	if (mode == EMU_64) {
		fake_map(emu.vm, EMU_NOTHING, EMU_NOTHING, PTE_W | PTE_U);
		fake_map(emu.vm, APIC_DEFAULT_BASE, APIC_DEFAULT_BASE, PTE_W | PTE_U);
	}
	v->state.cr4 |= CR4_OSFXSR | CR4_OSXSAVE;
	v->state.xcr0 = XCR0_X87 | XCR0_SSE | XCR0_AVX;
	emu_settle();
	memset(v->regs.r, 0, sizeof(v->regs.r));
	v->regs.rflags = RFLAGS_ONE;
	v->regs.rip = EMU_CODE;
	emu.accesses = emu.port_accesses = 0;
	emu.port_next = 0x11223340;
	emu.v->requests = 0; /* else a REP lets interrupts in between any two rounds */
	emu.vm->config.strict = false;
}

void emu_settle(void)
{
	fake_vcpu_settle(emu.v);
}

enum exit_outcome emu_run(const u8 *bytes, unsigned len)
{
	struct vcpu *v = emu.v;

	check(memory_write(emu.vm, gpa(EMU_CODE), bytes, len) == 0);
	v->exit = (struct vm_exit){ .reason = EXIT_MEMORY };
	emulate_instruction(v);
	if (v->exit.outcome == OUTCOME_DONE)
		CU_ASSERT_EQUAL(v->exit.insn_len, len);
	CU_ASSERT_EQUAL(v->regs.rip, EMU_CODE);
	CU_ASSERT_FALSE(host_locked(&emu.vm->lock));
	return v->exit.outcome;
}

static u64 get(const u8 *p, unsigned size)
{
	u64 value = 0;

	memcpy(&value, p, size);
	return value;
}

u64 emu_ram(u64 at, unsigned size)
{
	u64 value = 0;

	check(memory_read(emu.vm, gpa(at), &value, size) == 0);
	return value;
}

void emu_set_ram(u64 at, unsigned size, u64 value)
{
	check(memory_write(emu.vm, gpa(at), &value, size) == 0);
}

u64 emu_device(u64 at, unsigned size)
{
	check(at - EMU_DEVICE + size <= EMU_DEVICE_SIZE);
	return get(emu.device + (at - EMU_DEVICE), size);
}

void emu_set_device(u64 at, unsigned size, u64 value)
{
	check(at - EMU_DEVICE + size <= EMU_DEVICE_SIZE);
	memcpy(emu.device + (at - EMU_DEVICE), &value, size);
}

void emu_expect_fault(u8 vector, u32 error, u64 cr2)
{
	const struct vm_exit *exit = &emu.v->exit;

	CU_ASSERT_EQUAL(exit->outcome, OUTCOME_FAULT);
	CU_ASSERT_EQUAL(exit->fault.type, EVENT_EXCEPTION);
	CU_ASSERT_EQUAL(exit->fault.vector, vector);
	CU_ASSERT_TRUE(exit->fault.has_error);
	CU_ASSERT_EQUAL(exit->fault.error, error);
	CU_ASSERT_EQUAL(exit->fault.cr2, cr2);
}
