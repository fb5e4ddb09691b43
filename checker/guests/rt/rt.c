/* rt.c - see rt.h */
#include "rt.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "x86_ops.h"

#define UART 0x3f8
#define UART_IER 1
#define UART_FCR 2
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define LCR_8N1 3
#define FCR_ON 7 /* FIFOs on and empty */
#define FCR_KEEP 1
#define LSR_DATA BIT(0)
#define LSR_EMPTY BIT(5)
#define LSR_IDLE BIT(6)
#define PATIENCE 10000000 /* readings of LSR: a line that stays busy is broken */

#define EXIT_PORT 0xf4
#define BOCHS_SHUTDOWN 0x8900
#define I8042_COMMAND 0x64
#define I8042_RESET 0xfe

#define GATE_INTERRUPT (0x0eull << 40)
#define GATE_PRESENT BIT(47)
#define GATE_DPL_SHIFT 45
#define IST_TRAP 1
#define IST_NMI 2
#define IST_COUNT 7
#define IST_SHIFT 32
#define STUB_SIZE 16
#define LARGE_PAGE MiB(2)
#define LARGE_PAGES 2048 /* of the one-to-one map */
#define TSS_AVAILABLE (0x89ull << 40)
#define VECTORS 256
#define FIRST_INTERRUPT 32
#define LAPIC_EOI 0xfee000b0
#define MSR_X2APIC_EOI 0x80b
#define PIC_MASTER 0x20
#define PIC_SLAVE 0xa0
#define PIC_EOI 0x20
#define PIC_INIT 0x11 /* ICW1: edge, cascade, ICW4 follows */
#define PIC_CASCADE 2 /* the line of the slave */
#define PIC_8086 1
#define RAM_LIMIT (GiB(3) + MiB(512))

#define MULTIBOOT_MEMORY BIT(0)
#define MULTIBOOT_CMDLINE BIT(2)

#define NONCE_MAX 32
#define CMDLINE_MAX 1024
#define LINE_SIZE 640

struct multiboot {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline;
};

struct PACKED tss {
	u32 reserved;
	u64 rsp[3], reserved1, ist[IST_COUNT];
	u64 reserved2;
	u16 reserved3, iomap;
};
ASSERT_SIZE(struct tss, 104);

struct PACKED pointer {
	u16 limit;
	u64 base;
};

extern u64 rt_gdt[], rt_pml4[], rt_pdpt[], rt_pd[], rt_window_pt[];
extern const char rt_stubs[], rt_recover[], rt_image_end[];
u64 rt_call(void (*f)(u64), u64 argument);
void rt_trap(struct rt_frame *frame);
NORETURN void rt_start(u32 magic, u32 info);

volatile u64 rt_fixup, rt_vector, rt_error, rt_cr2, rt_rip, rt_interrupts;
bool (*rt_hook)(struct rt_frame *frame);

static bool attempting;
static u64 idt[VECTORS][2] ALIGNED(16);
static struct tss tss ALIGNED(16);
static u8 trap_stack[RT_STACK] ALIGNED(16), nmi_stack[RT_STACK] ALIGNED(16);
/* A copy: the loader's lies in low memory, which probes use. */
static char cmdline[CMDLINE_MAX];
static u64 memory_end = MiB(16);
static char nonce[NONCE_MAX] = "none";
static u64 random_state = 88172645463325252ull;

/* ---- Speaking --------------------------------------------------------------------- */

/* A probe may have played with the UART: it is set up again for each line. */
static void uart_setup(u8 fcr)
{
	x86_outb(UART + UART_LCR, LCR_8N1);
	x86_outb(UART + UART_IER, 0);
	x86_outb(UART + UART_FCR, fcr);
	x86_outb(UART + UART_MCR, 0);
}

static void wait_for(u8 bits)
{
	for (u64 i = 0; i < PATIENCE && !(x86_inb(UART + UART_LSR) & bits); i++)
		x86_pause();
}

static void put_text(const char *text, size_t len)
{
	uart_setup(FCR_KEEP);
	for (size_t i = 0; i < len; i++) {
		wait_for(LSR_EMPTY);
		x86_outb(UART, (u8)text[i]);
	}
	wait_for(LSR_IDLE);
}

void rt_print(const char *format, ...)
{
	char line[LINE_SIZE];
	va_list args;
	size_t len;

	va_start(args, format);
	len = fmt_vstring(line, sizeof(line), format, args);
	va_end(args);
	put_text(line, MIN(len, sizeof(line) - 1));
}

void rt_record(const char *format, ...)
{
	char line[LINE_SIZE];
	va_list args;
	size_t len = fmt_string(line, sizeof(line), "@%s ", nonce);

	va_start(args, format);
	len += fmt_vstring(line + len, sizeof(line) - len, format, args);
	va_end(args);
	len = MIN(len, sizeof(line) - 2);
	line[len++] = '\n';
	put_text(line, len);
}

int rt_typed(void)
{
	return x86_inb(UART + UART_LSR) & LSR_DATA ? x86_inb(UART) : -1;
}

/* ---- The command line -------------------------------------------------------------- */

/* Behind "KEY=" of a word of the command line, or NULL. */
static const char *value_of(const char *key)
{
	size_t len = strlen(key);

	for (const char *p = cmdline; *p; p++)
		if ((p == cmdline || p[-1] == ' ') && !strncmp(p, key, len) && p[len] == '=')
			return p + len + 1;
	return NULL;
}

static size_t word_length(const char *word)
{
	size_t n = 0;

	while (word[n] && word[n] != ' ')
		n++;
	return n;
}

u64 rt_number(const char *key, u64 other)
{
	const char *p = value_of(key);
	u64 value = 0, base = 10;

	if (!p)
		return other;
	if (p[0] == '0' && p[1] == 'x') {
		base = 16;
		p += 2;
	}
	for (; *p && *p != ' '; p++)
		value = value * base + (u64)(*p <= '9' ? *p - '0' : (*p | 0x20) - 'a' + 10);
	return value;
}

bool rt_has(const char *key, const char *value)
{
	const char *p = value_of(key);

	return p && word_length(p) == strlen(value) && !strncmp(p, value, strlen(value));
}

bool rt_word(const char *key, char *word, size_t size)
{
	const char *p = value_of(key);
	size_t len = p ? MIN(word_length(p), size - 1) : 0;

	if (!p)
		return false;
	memcpy(word, p, len);
	word[len] = '\0';
	return true;
}

bool rt_avoids(const char *name)
{
	size_t len = strlen(name);
	char list[80] = "";

	rt_word("avoid", list, sizeof(list));
	for (const char *p = list; *p; p++)
		if ((p == list || p[-1] == ',') && !strncmp(p, name, len) &&
		    (p[len] == ',' || !p[len]))
			return true;
	return false;
}

u64 rt_memory_end(void)
{
	return memory_end;
}

u64 rt_image_limit(void)
{
	return (u64)(uintptr_t)rt_image_end;
}

/* ---- The end ------------------------------------------------------------------------ */

void rt_end(unsigned status)
{
	x86_cli();
	x86_outb(EXIT_PORT, (u8)status);
	for (const char *p = "Shutdown"; *p; p++)
		x86_outb(BOCHS_SHUTDOWN, (u8)*p);
	x86_outb(I8042_COMMAND, I8042_RESET);
	for (;;)
		x86_hlt();
}

/* ---- Traps ---------------------------------------------------------------------------- */

static void end_of_interrupt(u64 vector)
{
	u64 base = x86_rdmsr(MSR_APIC_BASE);

	if (vector - RT_PIC_VECTOR < 16) {
		x86_outb(PIC_SLAVE, PIC_EOI);
		x86_outb(PIC_MASTER, PIC_EOI);
		return;
	}
	if ((base & APIC_BASE_ENABLE) && (base & APIC_BASE_X2APIC))
		x86_wrmsr(MSR_X2APIC_EOI, 0);
	else if ((base & APIC_BASE_ENABLE) && (base & ~0xfffull) == APIC_DEFAULT_BASE)
		*(volatile u32 *)LAPIC_EOI = 0;
}

void rt_trap(struct rt_frame *frame)
{
	if (rt_hook && rt_hook(frame))
		return;
	if (frame->vector == VECTOR_NMI || frame->vector >= FIRST_INTERRUPT) {
		rt_interrupts++;
		if (frame->vector != VECTOR_NMI)
			end_of_interrupt(frame->vector);
		return;
	}
	rt_vector = frame->vector;
	rt_error = frame->error;
	rt_cr2 = x86_read_cr2();
	rt_rip = frame->rip;
	if (rt_fixup) {
		frame->rip = rt_fixup;
	} else if (attempting) {
		frame->rip = (u64)(uintptr_t)rt_recover;
		frame->cs = RT_CS;
		frame->ss = RT_DS;
	} else {
		rt_record("unexpected vector=%lu error=0x%lx rip=0x%lx cr2=0x%lx", frame->vector,
			  frame->error, frame->rip, rt_cr2);
		rt_end(3);
	}
	frame->rflags &= ~(RFLAGS_TF | RFLAGS_IF | RFLAGS_AC | RFLAGS_NT | RFLAGS_DF);
}

void rt_gate(unsigned vector, unsigned selector, unsigned dpl, unsigned ist, bool present)
{
	u64 at = (u64)(uintptr_t)rt_stubs + STUB_SIZE * (u64)vector;

	idt[vector][0] = (at & 0xffff) | (u64)selector << 16 | (u64)ist << IST_SHIFT |
			 GATE_INTERRUPT | (u64)dpl << GATE_DPL_SHIFT |
			 (present ? GATE_PRESENT : 0) | (at >> 16 & 0xffff) << 48;
	idt[vector][1] = at >> 32;
}

void rt_ist(unsigned slot, u64 stack_top)
{
	tss.ist[slot - 1] = stack_top;
}

bool rt_attempt(void (*f)(u64), u64 argument)
{
	bool failed;

	rt_vector = RT_NONE;
	attempting = true;
	failed = rt_call(f, argument);
	attempting = false;
	return failed;
}

bool rt_rdmsr(u32 msr, u64 *value)
{
	u32 lo = 0, hi = 0;

	RT_TRY("rdmsr", RT_OUT("+a"(lo), "+d"(hi)), "c"(msr));
	*value = (u64)hi << 32 | lo;
	return !rt_faulted();
}

bool rt_wrmsr(u32 msr, u64 value)
{
	RT_TRY("wrmsr", RT_OUT(), "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)));
	return !rt_faulted();
}

void *rt_window(u64 address)
{
	rt_window_pt[0] = (address & ~0xfffull) | PTE_P | PTE_W;
	x86_invlpg(RT_WINDOW);
	return (void *)(RT_WINDOW + (address & 0xfff));
}

void rt_page_present(u64 address, bool present)
{
	u64 *entry = &rt_pd[address / LARGE_PAGE];

	*entry = present ? *entry | PTE_P : *entry & ~PTE_P;
	x86_invlpg(address);
}

void rt_user_pages(void)
{
	rt_pml4[0] |= PTE_U;
	for (unsigned i = 0; i < LARGE_PAGES / 512; i++)
		rt_pdpt[i] |= PTE_U;
	for (unsigned i = 0; i < LARGE_PAGES; i++)
		rt_pd[i] |= PTE_U;
	x86_write_cr3(x86_read_cr3());
}

void rt_seed(u64 seed)
{
	random_state = seed * 0x9e3779b97f4a7c15ull + 88172645463325252ull;
	if (!random_state)
		random_state = 1;
}

u64 rt_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

/* What firmware left on is not ours, and its vectors are those of exceptions. */
void rt_pic(u16 masks)
{
	x86_outb(PIC_MASTER, PIC_INIT);
	x86_outb(PIC_SLAVE, PIC_INIT);
	x86_outb(PIC_MASTER + 1, RT_PIC_VECTOR);
	x86_outb(PIC_SLAVE + 1, RT_PIC_VECTOR + 8);
	x86_outb(PIC_MASTER + 1, BIT(PIC_CASCADE));
	x86_outb(PIC_SLAVE + 1, PIC_CASCADE);
	x86_outb(PIC_MASTER + 1, PIC_8086);
	x86_outb(PIC_SLAVE + 1, PIC_8086);
	x86_outb(PIC_MASTER + 1, (u8)masks);
	x86_outb(PIC_SLAVE + 1, (u8)(masks >> 8));
}

/* ---- The start --------------------------------------------------------------------------- */

static void init_traps(void)
{
	const struct pointer idtr = { sizeof(idt) - 1, (u64)(uintptr_t)idt };
	u64 base = (u64)(uintptr_t)&tss;

	for (unsigned i = 0; i < VECTORS; i++)
		rt_gate(i, RT_CS, 0, i == VECTOR_NMI ? IST_NMI : IST_TRAP, true);
	rt_ist(IST_TRAP, (u64)(uintptr_t)trap_stack + sizeof(trap_stack));
	rt_ist(IST_NMI, (u64)(uintptr_t)nmi_stack + sizeof(nmi_stack));
	tss.rsp[0] = tss.ist[IST_TRAP - 1];
	tss.iomap = sizeof(tss);
	rt_gdt[RT_TSS / 8] =
	    (sizeof(tss) - 1) | (base & 0xffffff) << 16 | TSS_AVAILABLE | (base >> 24 & 0xff) << 56;
	rt_gdt[RT_TSS / 8 + 1] = base >> 32;
	__asm__ volatile("lidt %0; ltr %w1" ::"m"(idtr), "r"(RT_TSS) : "memory");
}

static void read_loader(const struct multiboot *info)
{
	if (info->flags & MULTIBOOT_CMDLINE)
		fmt_string(cmdline, sizeof(cmdline), "%s", (const char *)(uintptr_t)info->cmdline);
	if (info->flags & MULTIBOOT_MEMORY)
		memory_end = MIN(MiB(1) + (u64)info->mem_upper * 1024, RAM_LIMIT);
}

void rt_start(u32 magic UNUSED, u32 info)
{
	init_traps();
	rt_pic(0xffff);
	read_loader((const struct multiboot *)(uintptr_t)info);
	rt_word("nonce", nonce, sizeof(nonce));
	rt_seed(rt_number("seed", 1));
	uart_setup(FCR_ON);
	rt_end(probe_main());
}
