/* main.c - the checks in turn; see apic.h */
#include "apic.h"
#include "cpus.h"

#include "lib/fmt.h"

#define TEXT_MAX 200

volatile u8 log_vector[LOG_SIZE];
volatile unsigned log_count, log_nmis, log_spurious;
volatile bool log_low;
void (*volatile log_hook)(unsigned vector);
static unsigned number, failures;

/* ---- Verdicts ---------------------------------------------------------------- */

void good(bool is_good, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	fmt_vstring(text, sizeof(text), format, args);
	va_end(args);
	failures += !is_good;
	rt_print("%s %u - %s\n", is_good ? "ok" : "not ok", ++number, text);
}

void value(const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	fmt_vstring(text, sizeof(text), format, args);
	va_end(args);
	rt_print("value %s\n", text);
}

/* ---- The local APIC ---------------------------------------------------------------- */

u32 apic_read(u32 reg)
{
	return *(volatile u32 *)(APIC_DEFAULT_BASE + reg);
}

void apic_write(u32 reg, u32 value_)
{
	*(volatile u32 *)(APIC_DEFAULT_BASE + reg) = value_;
}

bool apic_bit(u32 set, unsigned vector)
{
	return apic_read(set + 16 * (vector / 32)) >> vector % 32 & 1;
}

void apic_send(u32 dest, u32 icr)
{
	apic_write(APIC_ICR_HIGH, dest << 24);
	apic_write(APIC_ICR, icr);
	for (unsigned i = 0; i < PATIENCE && apic_read(APIC_ICR) & ICR_BUSY; i++)
		x86_pause();
}

void apic_eoi(void)
{
	u64 base = x86_rdmsr(MSR_APIC_BASE);

	if (base & APIC_BASE_X2APIC)
		x86_wrmsr(MSR_X2APIC_FIRST + (APIC_EOI >> 4), 0);
	else
		apic_write(APIC_EOI, 0);
}

void apic_quiet(bool extint)
{
	apic_write(APIC_SVR, SVR_ON | SPURIOUS);
	for (u32 lvt = APIC_LVT_TIMER; lvt <= APIC_LVT_ERROR; lvt += 16)
		apic_write(lvt, LVT_MASK);
	if (extint)
		apic_write(APIC_LVT_LINT0, MODE_EXTINT);
	apic_write(APIC_INITIAL, 0);
	apic_write(APIC_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_TPR, 0);
	log_hook = NULL;
	log_clear();
	log_open();
	for (unsigned i = 0; i < 256; i++)
		apic_write(APIC_EOI, 0);
	log_clear();
}

/* ---- Interrupts -------------------------------------------------------------------------- */

static bool on_trap(struct rt_frame *frame)
{
	unsigned vector = (unsigned)frame->vector;

	if (cpus_on_trap(vector))
		return true;
	if (vector == VECTOR_NMI) {
		log_nmis++;
		if (log_hook)
			log_hook(vector);
		return true;
	}
	if ((vector < 16 && !log_low) || rt_fixup)
		return false;
	if (vector == SPURIOUS && !apic_bit(APIC_ISR, SPURIOUS)) {
		log_spurious++;
		return true;
	}
	log_vector[log_count++ % LOG_SIZE] = (u8)vector;
	if (vector >= RT_PIC_VECTOR && vector < RT_PIC_VECTOR + 16) {
		x86_outb(0xa0, 0x20);
		x86_outb(0x20, 0x20);
	} else if (log_hook) {
		log_hook(vector);
	} else {
		apic_eoi();
	}
	return true;
}

void log_clear(void)
{
	log_count = log_nmis = log_spurious = 0;
}

void log_open(void)
{
	__asm__ volatile("sti; nop; nop; nop; nop; cli" ::: "memory");
}

bool log_wait(unsigned count)
{
	__asm__ volatile("sti" ::: "memory");
	for (unsigned i = 0; i < count * 10 * PATIENCE && log_count < count; i++)
		x86_pause();
	__asm__ volatile("cli" ::: "memory");
	return log_count >= count;
}

void log_halt(unsigned count)
{
	while (log_count < count)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
}

bool log_is(unsigned vector)
{
	return log_count == 1 && log_vector[0] == vector;
}

unsigned probe_main(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {
		{ "registers", check_registers }, { "vectors", check_vectors },
		{ "messages", check_messages },	  { "timer", check_timer },
		{ "modes", check_modes },	  { "ioapic", check_ioapic },
		{ "clocks", check_clocks },	  { "tables", check_tables },
		{ "cpus", check_cpus },
	};
	char only[16] = "";

	rt_hook = on_trap;
	rt_word("only", only, sizeof(only));
	for (unsigned v = 0; v < 256; v++)
		rt_gate(v, RT_CS, 0, 0, true); /* no IST: interrupts nest */
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
		if (only[0] && !rt_has("only", parts[i].name))
			continue;
		rt_print("# %s\n", parts[i].name);
		parts[i].run();
	}
	rt_print("1..%u\n# %u failed\n", number, failures);
	return failures ? 1 : 0;
}
