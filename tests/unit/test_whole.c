/*
 * test_whole.c - a host with virtual memory, and a back end that tells what was accessed
 *
 * Owns: RAM in one piece, which is mapped before anybody touches it, through all changes of what
 * is seen; exits that come decoded, on devices and on memory; exits that the back end completes.
 */
#include "machine.h"

#include "fake_virt.h"
#include "vm/handle.h"

void test_whole_register(void);

#define RAM MiB(8)
#define ROM_SIZE KiB(256)
#define ROM_LOW (MiB(1) - KiB(128))
#define WINDOW 0xb8000ull
#define WINDOW_SIZE KiB(8)
#define NOBODY 0xd0000000ull

static struct vm *vm;
static struct vcpu *v;
static u8 rom[ROM_SIZE];
static u8 display[WINDOW_SIZE] ALIGNED(4096);
static unsigned announced;

static u8 rom_byte(u64 offset)
{
	return (u8)(offset * 7 + 3);
}

static void display_written(void *ctx)
{
	announced++;
	memory_window_set(ctx, MEMORY_WINDOW_OPEN);
}

static int begin(void)
{
	struct vm_config config = {
		.name = "whole", .memory = RAM, .vcpus = 1, .weight = 100, .cpu = "bare"
	};
	char error[VM_CAUSE_MAX];

	fake_virt_reset();
	fake_host.ram_in_one_piece = true;
	if (vm_create(&config, &vm, error, sizeof(error)))
		return -1;
	vm_start(vm);
	v = vm->vcpu[0];
	virt->load(v);
	for (u64 i = 0; i < ROM_SIZE; i++)
		rom[i] = rom_byte(i);
	memory_window_set(vm, MEMORY_WINDOW_CLOSED); /* the VGA's own */
	memory_window(
	    vm, &(struct memory_window){ gpa(WINDOW), WINDOW_SIZE, display, display_written, vm });
	return 0;
}

static int end(void)
{
	memory_window_set(vm, MEMORY_WINDOW_CLOSED);
	fake_vm_free(vm);
	return 0;
}

/* What the back end's tables show at a: host memory and rights; NULL: nothing. */
static const u8 *shown(u64 a, unsigned *rights)
{
	u64 entries[NESTED_LEVELS];
	hpa_t page = hpa(0);
	unsigned n =
	    nested_walk(&container_of(vm, struct fake_vm, vm)->tables, gpa(a), entries, &page);

	*rights = page.v ? entries[n - 1] & PROT_RWX : 0;
	return page.v ? host_ptr(hpa(page.v | (a & PAGE_MASK))) : NULL;
}

static bool shows(u64 a, const void *host, unsigned rights)
{
	unsigned found;

	return shown(a, &found) == host && found == rights;
}

static bool shows_ram(u64 a)
{
	return shows(a, memory_ptr(vm, gpa(a), 1), PROT_RWX);
}

/* Nobody has touched anything: all of it is mapped. */
static void test_mapped_at_once(void)
{
	unsigned wrong = 0, rights;

	for (u64 a = 0; a < RAM; a += PAGE_SIZE)
		if (a < MEMORY_VGA_HOLE || a >= MEMORY_VGA_HOLE_END)
			wrong += !shows_ram(a);
		else
			wrong += shown(a, &rights) != NULL;
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_PTR_NULL(shown(RAM, &rights));
	CU_ASSERT_PTR_EQUAL(memory_ptr(vm, gpa(RAM - 1), 1),
			    (u8 *)memory_ptr(vm, gpa(0), 1) + RAM - 1);
}

static void test_rom(void)
{
	CU_ASSERT_EQUAL(memory_rom(vm, rom, ROM_SIZE), 0);
	CU_ASSERT(shows_ram(ROM_LOW));
	CU_ASSERT(shows(GiB(4) - ROM_SIZE, vm->memory.rom, PROT_R | PROT_X));
	CU_ASSERT(shows(GiB(4) - 1, vm->memory.rom + ROM_SIZE - 1, PROT_R | PROT_X));
	memory_pam(vm, gpa(MEMORY_PAM), MEMORY_PAM_END - MEMORY_PAM, false, true);
	CU_ASSERT(shows(ROM_LOW, vm->memory.rom + ROM_SIZE - KiB(128), PROT_R | PROT_X));
	CU_ASSERT(shows(MiB(1) - 1, vm->memory.rom + ROM_SIZE - 1, PROT_R | PROT_X));
	CU_ASSERT(shows(MEMORY_PAM, NULL, 0)); /* no ROM there: reads exit */
	memory_pam(vm, gpa(0xe4000), KiB(16), true, true);
	CU_ASSERT(shows_ram(0xe4000) && shows_ram(0xe7fff));
	CU_ASSERT(shows(0xe8000, vm->memory.rom + ROM_SIZE - (MiB(1) - 0xe8000), PROT_R | PROT_X));
	memory_pam(vm, gpa(MEMORY_PAM), MEMORY_PAM_END - MEMORY_PAM, true, true);
	CU_ASSERT(shows_ram(MEMORY_PAM) && shows_ram(MiB(1) - 1));
	/* A smaller one: what it does not cover is nothing again. */
	CU_ASSERT_EQUAL(memory_rom(vm, rom, KiB(64)), 0);
	CU_ASSERT(shows(GiB(4) - ROM_SIZE, NULL, 0));
	CU_ASSERT(shows(GiB(4) - KiB(64), vm->memory.rom, PROT_R | PROT_X));
}

static void test_window(void)
{
	memory_window_set(vm, MEMORY_WINDOW_WATCHED);
	CU_ASSERT(shows(WINDOW + 5, display + 5, PROT_R | PROT_X));
	CU_ASSERT(shows(WINDOW + WINDOW_SIZE - 1, display + WINDOW_SIZE - 1, PROT_R | PROT_X));
	CU_ASSERT(shows(WINDOW + WINDOW_SIZE, NULL, 0));
	memory_window_set(vm, MEMORY_WINDOW_OPEN);
	CU_ASSERT(shows(WINDOW, display, PROT_RWX));
	memory_window_set(vm, MEMORY_WINDOW_CLOSED);
	CU_ASSERT(shows(WINDOW, NULL, 0));
	memory_window_set(vm, MEMORY_WINDOW_OPEN);
	CU_ASSERT(shows(WINDOW, display, PROT_RWX));
}

static u64 access_at(u64 at, bool write, u64 value, unsigned size)
{
	v->exit = (struct vm_exit){ .reason = EXIT_MMIO, .insn_len = EXIT_LEN_BACK_END };
	v->exit.mmio.gpa = gpa(at);
	v->exit.mmio.size = (u8)size;
	v->exit.mmio.write = write;
	v->exit.mmio.value = value;
	handle_exit(v);
	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_DONE);
	return v->exit.mmio.value;
}

/* What a back end tells of accesses is memory too, where the tables do not give it. */
static void test_decoded(void)
{
	u32 seen = 0;

	announced = 0;
	memory_window_set(vm, MEMORY_WINDOW_CLOSED);
	memory_window_set(vm, MEMORY_WINDOW_WATCHED);
	access_at(WINDOW + 4, true, 0x11223344, 4);
	CU_ASSERT_EQUAL(announced, 1);
	CU_ASSERT_EQUAL(memcmp(display + 4, "\x44\x33\x22\x11", 4), 0);
	CU_ASSERT_EQUAL(access_at(WINDOW + 5, false, 0, 2), 0x2233);

	CU_ASSERT_EQUAL(memory_rom(vm, rom, ROM_SIZE), 0);
	access_at(GiB(4) - 4, true, 0, 4); /* lost */
	CU_ASSERT_EQUAL(access_at(GiB(4) - 1, false, 0, 1), rom_byte(ROM_SIZE - 1));
	memory_pam(vm, gpa(0xe4000), KiB(16), false,
		   true); /* writes go to RAM, reads come from ROM */
	access_at(0xe4000, true, 0xa5a5a5a5, 4);
	memory_pam(vm, gpa(0xe4000), KiB(16), true, true);
	CU_ASSERT_EQUAL(memory_read(vm, gpa(0xe4000), &seen, 4), 0);
	CU_ASSERT_EQUAL(seen, 0xa5a5a5a5);

	CU_ASSERT_EQUAL((u32)access_at(NOBODY, false, 0, 4), 0xffffffff);
	/* The local APIC's version says that it is one. */
	CU_ASSERT_EQUAL(access_at(APIC_DEFAULT_BASE + 0x30, false, 0, 4) & 0xf0, 0x10);
}

/* Faults and steps of such an exit are the back end's. */
static void test_completed_by_back_end(void)
{
	v->requests = 0;
	v->exit = (struct vm_exit){ .reason = EXIT_MSR, .insn_len = EXIT_LEN_BACK_END };
	v->exit.msr.index = 0x4711;
	handle_exit(v);
	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_FAULT);
	CU_ASSERT_EQUAL(v->raised.type, EVENT_NONE);
	v->regs.rflags |= RFLAGS_TF;
	v->exit = (struct vm_exit){ .reason = EXIT_IO, .insn_len = EXIT_LEN_BACK_END };
	v->exit.io.port = 0x80;
	v->exit.io.size = 1;
	handle_exit(v);
	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_DONE);
	CU_ASSERT_EQUAL(v->raised.type, EVENT_NONE);
	v->exit.insn_len = 1;
	handle_exit(v);
	CU_ASSERT(v->raised.type == EVENT_EXCEPTION && v->raised.vector == VECTOR_DB);
	v->raised.type = EVENT_NONE;
	v->exit.outcome = OUTCOME_NONE;
	v->regs.rflags &= ~RFLAGS_TF;
}

void test_whole_register(void)
{
	CU_pSuite s = CU_add_suite("whole", begin, end);

	CU_add_test(s, "RAM in one piece is mapped before it is touched", test_mapped_at_once);
	CU_add_test(s, "ROM and shadowed RAM are mapped as they change", test_rom);
	CU_add_test(s, "so is the window of a display", test_window);
	CU_add_test(s, "decoded accesses reach memory and devices", test_decoded);
	CU_add_test(s, "what the back end completes alone", test_completed_by_back_end);
}
