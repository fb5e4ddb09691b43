/*
 * task.c - a guest that switches tasks by hardware, and says what it finds
 *
 * Owns: tables, TSSs, the cases and their report.  Nothing is expected here: the same image prints
 * the same text on a bare machine and as a guest, and that is the test (tests/system/task.sh;
 * checker, group events).
 *
 * Faults are taken by tasks of their own, one for each vector, since the stack of a task that was
 * switched to in vain may be none; the back link tells in whose context the fault was raised.
 *
 * Source: [SDM] vol. 3 "Task Management" (8), table 8-1.
 */
#include "pae.h"
#include "say.h"

#define EXIT_PORT 0xf4
#define BOCHS_SHUTDOWN 0x8900
#define PIC1 0x20
#define OCW3_READ_IRR 0x0a
#define OCW3_READ_ISR 0x0b
#define PIC2 0xa0
#define PIT_COUNTER0 0x40
#define PIT_CONTROL 0x43
#define PIT_MODE0 0x30
#define LAPIC 0xfee00000u
#define LAPIC_ID 0x20
#define LAPIC_SVR 0xf0
#define LAPIC_ICR 0x300
#define LAPIC_ICR_HIGH 0x310
#define ICR_NMI 0x4400
#define INFO_COMMAND_LINE 4 /* of multiboot: the fifth word is where it lies */
#define VECTOR_TIMER 0x20
#define VECTOR_TASK 0x30

enum selector {
	SEL_CODE = 0x08,
	SEL_DATA = 0x10,
	SEL_MAIN = 0x18, /* as in boot.S */
	SEL_A = 0x20,
	SEL_B16 = 0x28,
	SEL_GATE = 0x30,
	SEL_LDT = 0x38,
	SEL_CODE_LOW = 0x40, /* base: the image */
	SEL_DATA_LOW = 0x48,
	SEL_BAD = 0x50, /* what a case puts there */
	SEL_IRQ = 0x58,
	SEL_FAULT = 0x60, /* and on, by enum fault_task */
	SEL_END = 0xa0,
};

static const u8 fault_vectors[] = { 6, 8, 10, 11, 12, 13, 14 };
#define FAULTS ARRAY_SIZE(fault_vectors)

struct tss {
	u32 link, stacks[6], cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
	u32 es, cs, ss, ds, fs, gs, ldt;
	u16 trap, io_map;
};
ASSERT_SIZE(struct tss, 104);

struct tss16 {
	u16 link, stacks[6], ip, flags, ax, cx, dx, bx, sp, bp, si, di, es, cs, ss, ds, ldt;
};
ASSERT_SIZE(struct tss16, 44);

struct PACKED table {
	u16 limit;
	u32 base;
};

#define PAGE_TABLES 4
static u32 directory[1024] ALIGNED(4096), other_directory[1024] ALIGNED(4096);
static u32 pages[PAGE_TABLES][1024] ALIGNED(4096);
static u32 lapic_pages[1024] ALIGNED(4096);
static u64 gdt[SEL_END / 8] ALIGNED(16), idt[256] ALIGNED(16), ldt[4] ALIGNED(16);
static struct tss tss_main ALIGNED(128), tss_a ALIGNED(128), tss_irq ALIGNED(128);
static struct tss tss_fault[FAULTS] ALIGNED(128);
static struct tss16 tss_b ALIGNED(128);
static struct {
	u8 before[4096];
	struct tss far_tss; /* on a page of its own, which may be taken away */
	u8 behind[4096 - sizeof(struct tss)];
} far_page ALIGNED(4096);
static u8 stack_a[4096] ALIGNED(16), stack_irq[2048] ALIGNED(16);
static u8 stack_fault[FAULTS][2048] ALIGNED(16);

extern u32 resume_esp, task16_flags, task16_esp, task16_ecx, task16_tr;
extern u8 image_start[], try_resume[], task16_entry[], task_iret[], task_jmp[], task_irq[];
extern u8 debug_entry[], v86_code[], v86_end[];
extern u8 fault6[], fault8[], fault10[], fault11[], fault12[], fault13[], fault14[];
static u8 *const fault_entry[FAULTS] = { fault6,  fault8,  fault10, fault11,
					 fault12, fault13, fault14 };

void try(void (*what)(void));
void main(const u32 *info);
void report(void);
void ticked(void);
void faulted(u32 vector, u32 error);
void debugged(const u32 *frame);

static u32 address(const volatile void *p)
{
	return (u32)(uintptr_t)p;
}

/* ---- Tables -------------------------------------------------------------------------------- */

static u64 descriptor(u32 base, u32 limit, u16 attr)
{
	return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(attr & 0xff) << 40 |
	       (u64)(limit >> 16 & 15) << 48 | (u64)(attr >> 8 & 15) << 52 |
	       (u64)(base >> 24) << 56;
}

static u64 gate(u16 selector, u32 offset, u8 attr)
{
	return (offset & 0xffff) | (u64)selector << 16 | (u64)attr << 40 |
	       (u64)(offset >> 16) << 48;
}

#define CODE32 0xc9b /* present, readable, 32 bits, pages */
#define DATA32 0xc93
#define CODE32_BYTES 0x49b
#define DATA32_BYTES 0x493
#define TSS32 0x089
#define TSS16 0x081
#define LDT 0x082
#define BUSY 2
#define GATE_TASK 0x85
#define GATE_INTERRUPT 0x8e

static void set_gdt(u16 selector, u64 value)
{
	*(volatile u64 *)&gdt[selector / 8] = value;
}

static u32 type(u16 selector)
{
	return (u32)(*(volatile u64 *)&gdt[selector / 8] >> 40) & 15;
}

static void make_tss(struct tss *t, u32 eip, u32 esp)
{
	*t = (struct tss){ .cr3 = address(directory), .eip = eip, .eflags = 2, .esp = esp,
			   .eax = 0xa0, .ecx = 0xc0, .edx = 0xd0, .ebx = 0xb0, .ebp = 0xe0,
			   .esi = 0xe1, .edi = 0xe2, .es = SEL_DATA, .cs = SEL_CODE,
			   .ss = SEL_DATA, .ds = SEL_DATA, .fs = SEL_DATA, .gs = SEL_DATA,
			   .io_map = sizeof(struct tss) };
}

/* All as before the first case; TR is main's, and busy. */
static void make_all(void)
{
	set_gdt(SEL_CODE, descriptor(0, 0xfffff, CODE32));
	set_gdt(SEL_DATA, descriptor(0, 0xfffff, DATA32));
	set_gdt(SEL_CODE_LOW, descriptor(address(image_start), 0xffff, CODE32_BYTES));
	set_gdt(SEL_DATA_LOW, descriptor(address(image_start), 0xfffff, DATA32));
	set_gdt(SEL_MAIN, descriptor(address(&tss_main), sizeof(tss_main) - 1, TSS32 | BUSY));
	set_gdt(SEL_A, descriptor(address(&tss_a), sizeof(tss_a) - 1, TSS32));
	set_gdt(SEL_B16, descriptor(address(&tss_b), sizeof(tss_b) - 1, TSS16));
	set_gdt(SEL_IRQ, descriptor(address(&tss_irq), sizeof(tss_irq) - 1, TSS32));
	set_gdt(SEL_GATE, gate(SEL_A, 0, GATE_TASK));
	set_gdt(SEL_LDT, descriptor(address(ldt), sizeof(ldt) - 1, LDT));
	set_gdt(SEL_BAD, 0);
	ldt[1] = descriptor(0, 0xfffff, DATA32 & ~1u);
	ldt[2] = descriptor(0, 0xfffff, CODE32 & ~1u);
	make_tss(&tss_a, address(task_iret), address(stack_a + sizeof(stack_a)));
	make_tss(&tss_irq, address(task_irq), address(stack_irq + sizeof(stack_irq)));
	make_tss(&far_page.far_tss, address(task_iret), address(stack_a + sizeof(stack_a)));
	tss_b = (struct tss16){ .ip = (u16)(task16_entry - image_start), .flags = 2, .cx = 0xc16,
				.sp = 0x8000, .es = SEL_DATA_LOW, .cs = SEL_CODE_LOW,
				.ss = SEL_DATA_LOW, .ds = SEL_DATA_LOW };
	for (unsigned i = 0; i < FAULTS; i++) {
		u16 selector = (u16)(SEL_FAULT + 8 * i);

		set_gdt(selector,
			descriptor(address(&tss_fault[i]), sizeof(struct tss) - 1, TSS32));
		make_tss(&tss_fault[i], address(fault_entry[i]), address(stack_fault[i + 1]));
		idt[fault_vectors[i]] = gate(selector, 0, GATE_TASK);
	}
	idt[1] = gate(SEL_CODE, address(debug_entry), GATE_INTERRUPT);
	idt[2] = gate(SEL_IRQ, 0, GATE_TASK);
	idt[VECTOR_TIMER] = gate(SEL_IRQ, 0, GATE_TASK);
	idt[VECTOR_TASK] = gate(SEL_A, 0, GATE_TASK);
}

/* ---- Reports -------------------------------------------------------------------------------- */

static u32 flags(void)
{
	u32 value;

	__asm__ volatile("pushfl\n\tpopl %0" : "=r"(value));
	return value;
}

#define CR(n)                                                                                      \
	({                                                                                         \
		u32 value_;                                                                        \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(value_));                             \
		value_;                                                                            \
	})
#define SEGMENT(name)                                                                              \
	({                                                                                         \
		u16 value_;                                                                        \
		__asm__ volatile("mov %%" #name ", %0" : "=r"(value_));                            \
		(u32)value_;                                                                       \
	})

static u32 tr(void)
{
	u16 value;

	__asm__ volatile("str %0" : "=r"(value));
	return value;
}

static u32 ldtr(void)
{
	u16 value;

	__asm__ volatile("sldt %0" : "=r"(value));
	return value;
}

/* The task that was switched to. */
void report(void)
{
	say("  in the task:");
	say_hex("tr", tr());
	say_hex("link", tss_a.link);
	say_hex("flags", flags() & 0x7f00);
	say_hex("ts", CR(0) & 8);
	say_hex("cr3", CR(3) == address(other_directory));
	say_hex("cs", SEGMENT(cs));
	say_hex("ss", SEGMENT(ss));
	say_hex("ds", SEGMENT(ds));
	say_hex("fs", SEGMENT(fs));
	say_hex("ldt", ldtr());
	say_hex("main", type(SEL_MAIN));
	say_hex("a", type(SEL_A));
	say("\n");
}

static volatile u32 ticks;

void ticked(void)
{
	ticks++;
	outb(PIC1, 0x20);
	say("  tick:");
	say_hex("tr", tr());
	say_hex("link", tss_irq.link);
	say_hex("if", flags() & 0x200);
	say_hex("nt", flags() & 0x4000);
	say("\n");
}

static const struct tss *task_of(u32 selector)
{
	return selector == SEL_MAIN ? &tss_main : selector == SEL_A ? &tss_a : NULL;
}

/* In a task of its own: whose fault it is, and back to main, however that was left. */
void faulted(u32 vector, u32 error)
{
	unsigned i = 0;
	const struct tss *t;

	while (fault_vectors[i] != vector)
		i++;
	t = task_of(tss_fault[i].link & 0xffff);
	say("  fault:");
	say_hex("vector", vector);
	say_hex("error", error);
	say_hex("link", tss_fault[i].link & 0xffff);
	if (vector == 14)
		say_hex("cr2", CR(2) - address(&far_page));
	if (t) {
		say_hex("cs", t->cs & 0xffff);
		say_hex("ss", t->ss & 0xffff);
		say_hex("ds", t->ds & 0xffff);
		say_hex("flags", t->eflags & 0x2fd00);
		say_hex("at-start", t->eip == address(task_iret));
	}
	say_hex("main", type(SEL_MAIN));
	say_hex("a", type(SEL_A));
	say("\n");
	make_tss(&tss_main, address(try_resume), 0);
	tss_main.cr3 = address(directory);
	set_gdt(SEL_MAIN, descriptor(address(&tss_main), sizeof(tss_main) - 1, TSS32));
	__asm__ volatile("ljmp %0, $0" ::"i"(SEL_MAIN));
}

void debugged(const u32 *frame)
{
	u32 dr6;

	__asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
	say("  debug:");
	say_hex("dr6", dr6 & 0xe00f);
	say_hex("tr", tr());
	say_hex("at-start", frame[0] == address(task_iret));
	say("\n");
	__asm__ volatile("mov %0, %%dr6" ::"r"(0xffff0ff0));
}

/* ---- Cases ----------------------------------------------------------------------------------- */

static void call_a(void)
{
	__asm__ volatile("lcall %0, $0" ::"i"(SEL_A));
}

static void jump_a(void)
{
	__asm__ volatile("ljmp %0, $0" ::"i"(SEL_A));
}

static void call_gate(void)
{
	__asm__ volatile("lcall %0, $0" ::"i"(SEL_GATE));
}

static void call_bad(void)
{
	__asm__ volatile("lcall %0, $0" ::"i"(SEL_BAD));
}

static void call_main(void)
{
	__asm__ volatile("lcall %0, $0" ::"i"(SEL_MAIN));
}

static void call_16(void)
{
	__asm__ volatile("lcall %0, $0" ::"i"(SEL_B16));
	say("  in 16 bits:");
	say_hex("flags", task16_flags & 0x7f00);
	say_hex("sp", task16_esp & 0xffff);
	say_hex("cx", task16_ecx & 0xffff);
	say_hex("tr", task16_tr);
	say_hex("link", tss_b.link);
	say_hex("saved-cx", tss_b.cx);
	say("\n");
}

static void interrupt(void)
{
	__asm__ volatile("int %0" ::"i"(VECTOR_TASK));
}

static void undefined(void)
{
	__asm__ volatile("ud2");
}

static void bad_segment(void)
{
	__asm__ volatile("mov %0, %%fs" ::"r"(0xfff8));
}

static void return_to_nobody(void)
{
	tss_main.link = SEL_A; /* which is not busy */
	__asm__ volatile("pushfl\n\torl $0x4000, (%esp)\n\tpopfl\n\tiret");
}

static void timer(void)
{
	u32 before = ticks;

	outb(PIT_CONTROL, PIT_MODE0);
	outb(PIT_COUNTER0, 0);
	outb(PIT_COUNTER0, 8);
	outb(PIC1 + 1, 0xfe);
	__asm__ volatile("sti");
	while (*(volatile u32 *)&ticks == before)
		__asm__ volatile("pause");
	__asm__ volatile("cli");
	outb(PIC1 + 1, 0xff);
}

static u32 lapic(u32 at)
{
	return *(volatile u32 *)(uintptr_t)(LAPIC + at);
}

static void set_lapic(u32 at, u32 value)
{
	*(volatile u32 *)(uintptr_t)(LAPIC + at) = value;
}

/* Two, one after the other; the task must have been left as it was begun. */
static void nmi(void)
{
	for (unsigned n = 0; n < 2; n++) {
		u32 before = ticks;

		set_lapic(LAPIC_SVR, 0x1ff);
		set_lapic(LAPIC_ICR_HIGH, lapic(LAPIC_ID));
		set_lapic(LAPIC_ICR, ICR_NMI);
		while (*(volatile u32 *)&ticks == before)
			__asm__ volatile("pause");
		say_hex("  left with", tss_irq.eflags & 0x4100);
		say("\n");
	}
}

static void show_page(void);

/* An interrupt whose task cannot be begun: it is in service, and does not come again. */
static void one_tick(void)
{
	outb(PIT_CONTROL, PIT_MODE0);
	outb(PIT_COUNTER0, 0);
	outb(PIT_COUNTER0, 8);
	outb(PIC1 + 1, 0xfe);
	outb(PIC1, OCW3_READ_IRR);
	while (!(inb(PIC1) & 1))
		__asm__ volatile("pause");
	__asm__ volatile("sti; nop; nop; cli");
}

static void make_irq_task(void)
{
	show_page();
	set_gdt(SEL_IRQ, descriptor(address(&tss_irq), sizeof(tss_irq) - 1, TSS32));
}

static void count_ticks(const char *when, u32 before)
{
	say("  ");
	say(when);
	say_hex("ticks", *(volatile u32 *)&ticks - before);
	say("\n");
}

static void tick_again(void)
{
	u32 before = ticks;

	make_irq_task();
	outb(PIC1, OCW3_READ_ISR);
	say_hex(" in service", inb(PIC1));
	say("\n");
	__asm__ volatile("sti; nop; nop; cli");
	count_ticks("then", before);
	outb(PIC1, 0x20);
	outb(PIC1 + 1, 0xff);
}

static void send_nmi(void)
{
	set_lapic(LAPIC_SVR, 0x1ff);
	set_lapic(LAPIC_ICR_HIGH, lapic(LAPIC_ID));
	set_lapic(LAPIC_ICR, ICR_NMI);
	for (unsigned i = 0; i < 100; i++)
		__asm__ volatile("pause");
}

/* The NMI that failed is gone, and blocks others until an IRET. */
static void nmi_again(void)
{
	u32 before = ticks;

	make_irq_task();
	count_ticks("then", before);
	send_nmi();
	count_ticks("after another one", before);
	__asm__ volatile("pushfl\n\tpushl %%cs\n\tpushl $1f\n\tiret\n1:\tnop" ::: "memory");
	count_ticks("after IRET", before);
}

static void prepare_ldt(void)
{
	tss_a.ldt = SEL_LDT;
	tss_a.ds = 8 | 4;
	tss_a.cs = 16 | 4;
}

static void prepare_v86(void)
{
	u8 *low = (u8 *)0x8000;

	for (const u8 *p = v86_code; p < v86_end; p++)
		*low++ = *p;
	tss_a.eflags = 0x20002;
	tss_a.cs = 0x800;
	tss_a.eip = 0;
	tss_a.ss = tss_a.ds = tss_a.es = tss_a.fs = tss_a.gs = 0x900;
	tss_a.esp = 0x100;
}

static void hide_tss(u32 selector)
{
	u32 at = address(&far_page.far_tss);

	set_gdt(selector, descriptor(at, sizeof(struct tss) - 1, TSS32));
	pages[at >> 22][at >> 12 & 1023] &= ~1u;
	__asm__ volatile("invlpg (%0)" ::"r"(at) : "memory");
}

static void hide_page(void)
{
	hide_tss(SEL_A);
}

static void hide_irq_page(void)
{
	hide_tss(SEL_IRQ);
}

static void show_page(void)
{
	u32 at = address(&far_page.far_tss);

	pages[at >> 22][at >> 12 & 1023] |= 1;
	__asm__ volatile("invlpg (%0)" ::"r"(at) : "memory");
}

/* One field of the new task, or a descriptor, is not as it should be. */
#define BREAK(name, what)                                                                          \
	static void name(void)                                                                     \
	{                                                                                          \
		what;                                                                              \
	}
BREAK(by_jump, tss_a.eip = address(task_jmp))
BREAK(other_cr3, tss_a.cr3 = address(other_directory))
BREAK(trap_bit, tss_a.trap = 1)
BREAK(absent_tss, set_gdt(SEL_A, descriptor(address(&tss_a), 103, TSS32 & ~0x80)))
BREAK(short_tss, set_gdt(SEL_A, descriptor(address(&tss_a), 102, TSS32)))
BREAK(busy_tss, set_gdt(SEL_A, descriptor(address(&tss_a), 103, TSS32 | BUSY)))
BREAK(absent_irq_tss, set_gdt(SEL_IRQ, descriptor(address(&tss_irq), 103, TSS32 & ~0x80)))
BREAK(no_ldt, tss_a.ldt = SEL_DATA)
BREAK(local_ldt, tss_a.ldt = 4)
BREAK(far_ldt, tss_a.ldt = 0x1000)
BREAK(absent_ldt, set_gdt(SEL_BAD, descriptor(0, 7, LDT & ~0x80)); tss_a.ldt = SEL_BAD)
BREAK(null_cs, tss_a.cs = 0)
BREAK(data_cs, tss_a.cs = SEL_DATA)
BREAK(far_cs, tss_a.cs = 0x2000)
BREAK(absent_cs, set_gdt(SEL_BAD, descriptor(0, 0xfffff, CODE32 & ~0x80)); tss_a.cs = SEL_BAD)
BREAK(ring3_cs, set_gdt(SEL_BAD, descriptor(0, 0xfffff, CODE32 | 0x60)); tss_a.cs = SEL_BAD)
BREAK(null_ss, tss_a.ss = 0)
BREAK(code_ss, tss_a.ss = SEL_CODE)
BREAK(rpl_ss, tss_a.ss = SEL_DATA | 1)
BREAK(read_only_ss, set_gdt(SEL_BAD, descriptor(0, 0xfffff, DATA32 & ~2)); tss_a.ss = SEL_BAD)
BREAK(absent_ss, set_gdt(SEL_BAD, descriptor(0, 0xfffff, DATA32 & ~0x80)); tss_a.ss = SEL_BAD)
BREAK(dpl_ss, set_gdt(SEL_BAD, descriptor(0, 0xfffff, DATA32 | 0x60)); tss_a.ss = SEL_BAD)
BREAK(execute_ds, set_gdt(SEL_BAD, descriptor(0, 0xfffff, CODE32 & ~2)); tss_a.ds = SEL_BAD)
BREAK(absent_es, set_gdt(SEL_BAD, descriptor(0, 0xfffff, DATA32 & ~0x80)); tss_a.es = SEL_BAD)
BREAK(system_fs, tss_a.fs = SEL_LDT)
BREAK(far_gs, tss_a.gs = 0x3000)
BREAK(null_data, tss_a.ds = SEL_DATA; tss_a.es = tss_a.fs = tss_a.gs = 3)
BREAK(far_eip, set_gdt(SEL_BAD, descriptor(0, 0x1000, CODE32_BYTES)); tss_a.cs = SEL_BAD)
BREAK(nothing, )

static const struct {
	const char *name;
	void (*prepare)(void), (*what)(void), (*after)(void);
} cases[] = {
	{ "CALL", nothing, call_a, nothing },
	{ "JMP, and JMP back", by_jump, jump_a, nothing },
	{ "CALL through a task gate", nothing, call_gate, nothing },
	{ "INT through a task gate", nothing, interrupt, nothing },
	{ "an interrupt through a task gate", nothing, timer, nothing },
	{ "NMIs through a task gate", nothing, nmi, nothing },
	{ "UD2 through a task gate", nothing, undefined, nothing },
	{ "#GP through a task gate", nothing, bad_segment, nothing },
	{ "another CR3", other_cr3, call_a, nothing },
	{ "an LDT", prepare_ldt, call_a, nothing },
	{ "null data segments", null_data, call_a, nothing },
	{ "T bit", trap_bit, call_a, nothing },
	{ "T bit, by INT", trap_bit, interrupt, nothing },
	{ "a task of 16 bits", nothing, call_16, nothing },
	{ "virtual-8086 mode", prepare_v86, call_a, nothing },
	{ "no TSS", nothing, call_bad, nothing },
	{ "oneself", nothing, call_main, nothing },
	{ "a busy TSS", busy_tss, call_a, nothing },
	{ "a busy TSS, by JMP", busy_tss, jump_a, nothing },
	{ "a busy TSS, by INT", busy_tss, interrupt, nothing },
	{ "an absent TSS", absent_tss, call_a, nothing },
	{ "an absent TSS, by INT", absent_tss, interrupt, nothing },
	{ "an absent TSS, by an interrupt", absent_irq_tss, one_tick, tick_again },
	{ "an absent TSS, by an NMI", absent_irq_tss, send_nmi, nmi_again },
	{ "a TSS too short", short_tss, call_a, nothing },
	{ "a TSS too short, by INT", short_tss, interrupt, nothing },
	{ "a TSS on an absent page", hide_page, call_a, show_page },
	{ "a TSS on an absent page, by an interrupt", hide_irq_page, one_tick, tick_again },
	{ "a TSS on an absent page, by an NMI", hide_irq_page, send_nmi, nmi_again },
	{ "IRET to a task that is not busy", nothing, return_to_nobody, nothing },
	{ "LDT: data", no_ldt, call_a, nothing },
	{ "LDT: in an LDT", local_ldt, call_a, nothing },
	{ "LDT: beyond the GDT", far_ldt, call_a, nothing },
	{ "LDT: absent", absent_ldt, call_a, nothing },
	{ "CS: null", null_cs, call_a, nothing },
	{ "CS: data", data_cs, call_a, nothing },
	{ "CS: beyond the GDT", far_cs, call_a, nothing },
	{ "CS: absent", absent_cs, call_a, nothing },
	{ "CS: of ring 3", ring3_cs, call_a, nothing },
	{ "SS: null", null_ss, call_a, nothing },
	{ "SS: code", code_ss, call_a, nothing },
	{ "SS: another RPL", rpl_ss, call_a, nothing },
	{ "SS: read-only", read_only_ss, call_a, nothing },
	{ "SS: absent", absent_ss, call_a, nothing },
	{ "SS: absent, by INT", absent_ss, interrupt, nothing },
	{ "SS: another DPL", dpl_ss, call_a, nothing },
	{ "DS: code that is only executed", execute_ds, call_a, nothing },
	{ "ES: absent", absent_es, call_a, nothing },
	{ "FS: a system segment", system_fs, call_a, nothing },
	{ "GS: beyond the GDT", far_gs, call_a, nothing },
	{ "EIP beyond the limit", far_eip, call_a, nothing },
};

static void run(unsigned n)
{
	make_all();
	say_case(cases[n].name);
	cases[n].prepare();
	__asm__ volatile("clts");
	try(cases[n].what);
	cases[n].after();
	say("  back:");
	say_hex("tr", tr());
	say_hex("nt", flags() & 0x4000);
	say_hex("ts", CR(0) & 8);
	say_hex("main", type(SEL_MAIN));
	say_hex("a", type(SEL_A));
	say_hex("a-nt", tss_a.eflags & 0x4000);
	say_hex("a-link", tss_a.link & 0xffff);
	say("\n");
}

/* ---- Start and end --------------------------------------------------------------------- */

static void start_paging(void)
{
	for (unsigned t = 0; t < PAGE_TABLES; t++) {
		for (u32 i = 0; i < 1024; i++)
			pages[t][i] = t << 22 | i << 12 | 7;
		directory[t] = other_directory[t] = address(pages[t]) | 7;
	}
	lapic_pages[LAPIC >> 12 & 1023] = LAPIC | 0x13; /* uncached */
	directory[LAPIC >> 22] = address(lapic_pages) | 3;
	__asm__ volatile("mov %0, %%cr3" ::"r"(address(directory)));
	__asm__ volatile("mov %0, %%cr0" ::"r"(CR(0) | (u32)BIT(31)) : "memory");
}

static void start_tables(void)
{
	const struct table gdtr = { sizeof(gdt) - 1, address(gdt) };
	const struct table idtr = { sizeof(idt) - 1, address(idt) };

	make_all();
	set_gdt(SEL_MAIN, descriptor(address(&tss_main), sizeof(tss_main) - 1, TSS32));
	make_tss(&tss_main, 0, 0);
	__asm__ volatile("lgdt %0\n\tlidt %1" ::"m"(gdtr), "m"(idtr));
	__asm__ volatile("ljmp %0, $1f\n1:\tmov %1, %%ds\n\tmov %1, %%es\n\tmov %1, %%ss\n\t"
			 "mov %1, %%fs\n\tmov %1, %%gs\n\tltr %w2" ::"i"(SEL_CODE),
			 "r"(SEL_DATA), "r"(SEL_MAIN)
			 : "memory");
}

static void start_pics(void)
{
	outb(PIC1, 0x11);
	outb(PIC1 + 1, VECTOR_TIMER);
	outb(PIC1 + 1, 4);
	outb(PIC1 + 1, 1);
	outb(PIC2, 0x11);
	outb(PIC2 + 1, VECTOR_TIMER + 8);
	outb(PIC2 + 1, 2);
	outb(PIC2 + 1, 1);
	outb(PIC1 + 1, 0xff);
	outb(PIC2 + 1, 0xff);
}

/* What follows the word in the command line; NULL: it is not there. */
static const char *told(const u32 *info, const char *word)
{
	const char *line = info[0] & INFO_COMMAND_LINE ? (const char *)(uintptr_t)info[4] : "";

	for (; *line; line++) {
		unsigned n = 0;

		while (word[n] && line[n] == word[n])
			n++;
		if (!word[n])
			return line + n;
	}
	return NULL;
}

/* info: what the boot loader left. */
void main(const u32 *info)
{
	bool v86 = !told(info, "no-v86");

	say_begin(told(info, "nonce="));
	start_pics();
	start_tables();
	start_paging();
	for (unsigned n = 0; n < ARRAY_SIZE(cases); n++)
		if (v86 || cases[n].prepare != prepare_v86)
			run(n);
	pae(address(directory));
	say_end();
	outb(EXIT_PORT, 0);
	for (const char *p = "Shutdown"; *p; p++)
		outb(BOCHS_SHUTDOWN, (u8)*p);
}
