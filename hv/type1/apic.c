/* apic.c - see apic.h */
#include "type1/apic.h"

#include "type1/paging.h"
#include "type1/traps.h"
#include "x86_ops.h"

/* Offsets of the registers in memory; an MSR is X2APIC_FIRST + offset / 16. */
#define APIC_ID 0x020
#define APIC_TPR 0x080
#define APIC_EOI 0x0b0
#define APIC_SPURIOUS 0x0f0
#define APIC_ESR 0x280
#define APIC_ICR 0x300
#define APIC_ICR_HIGH 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_THERMAL 0x330
#define APIC_LVT_PERF 0x340
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0
#define APIC_SIZE 0x1000
#define APIC_BASE_ADDRESS BITS(51, 12)

#define SPURIOUS_ENABLE BIT(8)
#define LVT_MASKED BIT(16)
#define LVT_NMI (4 << 8)
#define DIVIDE_BY_1 0xb
#define ID_SHIFT 24 /* xAPIC: the ID is the register's highest byte */

#define ICR_FIXED 0
#define ICR_NMI (4 << 8)
#define ICR_INIT (5 << 8)
#define ICR_STARTUP (6 << 8)
#define ICR_PENDING BIT(12)
#define ICR_ASSERT BIT(14)
#define ICR_OTHERS (3 << 18)
#define ICR_PATIENCE 1000000

#define CPUID_APIC BIT(9) /* edx */
#define CPUID_X2APIC BIT(21) /* ecx */

static volatile u32 *registers;
static bool x2apic;

static u32 read(u32 offset)
{
	if (x2apic)
		return (u32)x86_rdmsr(MSR_X2APIC_FIRST + offset / 16);
	return registers[offset / 4];
}

static void write(u32 offset, u32 value)
{
	if (x2apic)
		x86_wrmsr(MSR_X2APIC_FIRST + offset / 16, value);
	else
		registers[offset / 4] = value;
}

/* The CPU knows best where its registers are: tables are not asked. */
bool apic_init(void)
{
	struct cpuid_regs features = x86_cpuid(1, 0);

	if (!(features.edx & CPUID_APIC))
		return false;
	x2apic = features.ecx & CPUID_X2APIC;
	if (!x2apic)
		registers = paging_map_device(x86_rdmsr(MSR_APIC_BASE) & APIC_BASE_ADDRESS,
					      APIC_SIZE);
	return x2apic || registers;
}

/* An interrupt that came without being due: not to be acknowledged. */
static void spurious(void)
{
}

static void apic_error(void)
{
	write(APIC_ESR, 0);
	apic_eoi();
}

void apic_init_cpu(void)
{
	static const u32 masked[] = { APIC_LVT_LINT0, APIC_LVT_PERF, APIC_LVT_THERMAL };
	u64 base = x86_rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	x86_wrmsr(MSR_APIC_BASE, base);
	if (x2apic)
		x86_wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
	traps_set_handler(TRAPS_VECTOR_SPURIOUS, spurious);
	traps_set_handler(TRAPS_VECTOR_ERROR, apic_error);
	write(APIC_SPURIOUS, SPURIOUS_ENABLE | TRAPS_VECTOR_SPURIOUS);
	write(APIC_TPR, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(masked); i++)
		write(masked[i], LVT_MASKED);
	write(APIC_LVT_LINT1, LVT_NMI);
	write(APIC_LVT_ERROR, TRAPS_VECTOR_ERROR);
	write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	write(APIC_TIMER_INITIAL, 0);
	write(APIC_LVT_TIMER, TRAPS_VECTOR_TIMER);
	apic_eoi(); /* what firmware may have left in service */
}

bool apic_is_x2apic(void)
{
	return x2apic;
}

u32 apic_id(void)
{
	return x2apic ? read(APIC_ID) : read(APIC_ID) >> ID_SHIFT;
}

void apic_eoi(void)
{
	write(APIC_EOI, 0);
}

static void icr(u32 id, u32 command)
{
	if (x2apic) {
		/* WRMSR to an x2APIC does not wait for earlier stores: [SDM] 10.12.3. */
		__asm__ volatile("mfence; lfence" ::: "memory");
		x86_wrmsr(MSR_X2APIC_FIRST + APIC_ICR / 16, (u64)id << 32 | command);
		return;
	}
	write(APIC_ICR_HIGH, id << ID_SHIFT);
	write(APIC_ICR, command);
	for (unsigned i = 0; read(APIC_ICR) & ICR_PENDING && i < ICR_PATIENCE; i++)
		x86_pause();
}

void apic_send(u32 id, u8 vector)
{
	icr(id, ICR_FIXED | ICR_ASSERT | vector);
}

void apic_send_nmi(u32 id)
{
	icr(id, ICR_NMI | ICR_ASSERT);
}

void apic_nmi_others(void)
{
	icr(0, ICR_NMI | ICR_ASSERT | ICR_OTHERS);
}

void apic_send_init(u32 id)
{
	icr(id, ICR_INIT | ICR_ASSERT);
}

void apic_send_startup(u32 id, u64 page)
{
	icr(id, ICR_STARTUP | ICR_ASSERT | (u32)(page >> PAGE_SHIFT));
}

void apic_timer_start(u32 count)
{
	write(APIC_TIMER_INITIAL, count);
}

u32 apic_timer_count(void)
{
	return read(APIC_TIMER_CURRENT);
}
