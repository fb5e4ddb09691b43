/*
 * hostile_races.c - a second CPU that changes everything while the hypervisor looks at it: group
 * "bombs", in a machine that has two
 *
 * Must not know: how a hypervisor reads an instruction, a table or a ring.  What it read may be the
 * old or the new, but one of them: it may not check the one and use the other.
 *
 * Source: [SDM] "Multiple-Processor (MP) Initialization" (9.4).
 */
#include "hostile.h"
#include "hostile_pci.h"
#include "hostile_virtio.h"
#include "lib/string.h"
#include "x86_ops.h"

#define LAPIC 0xfee00000ull
#define ICR 0x300
#define SVR 0xf0
#define INIT_OTHERS 0xc4500u
#define SIPI_OTHERS 0xc4600u
#define FIXED_OTHERS 0xc4000u
#define AP_BLOB 0x7000u

extern const u8 ap_blob[], ap_blob_end[];
void hostile_ap(void);

/*
 * From a SIPI to C: protection and paging at once, then where we are linked.  CR4: PAE, OSFXSR,
 * OSXMMEXCPT; EFER: LME, SCE; CR0: PG, WP, NE, ET, PE.
 */
__asm__(".section .rodata\n.globl ap_blob, ap_blob_end\n.code16\nap_blob:\n\t"
	"cli\n\tmovw %cs, %ax\n\tmovw %ax, %ds\n\tlgdtl ap_gdtr - ap_blob\n\t"
	"movl $0x620, %eax\n\tmovl %eax, %cr4\n\tmovl $rt_pml4, %eax\n\tmovl %eax, %cr3\n\t"
	"movl $0xc0000080, %ecx\n\tmovl $0x101, %eax\n\txorl %edx, %edx\n\twrmsr\n\t"
	"movl $0x80010031, %eax\n\tmovl %eax, %cr0\n\tljmpl $8, $ap_long\n"
	"ap_gdtr:\n\t.word 0x2f\n\t.long rt_gdt\nap_blob_end:\n"
	".text\n.code64\nap_long:\n\tmovl $16, %eax\n\tmovl %eax, %ds\n\tmovl %eax, %es\n\t"
	"movl %eax, %ss\n\tmovq $ap_stack + 4096, %rsp\n\tcall hostile_ap\n1:\thlt\n\tjmp 1b\n"
	".local ap_stack\n.comm ap_stack, 4096, 16\n");

/* ---- The second CPU --------------------------------------------------------------------- */

/* What it does: between the stores it lets some time go. */
static volatile u64 *volatile racing; /* the word to change; NULL: nothing */
static volatile u64 values[2];
static volatile u64 alive;     /* counts */
static volatile unsigned mood; /* of one that has nothing to change */

enum { MOOD_SPIN, MOOD_HALT, MOOD_EXITS, MOOD_DEVICE };

static void be_in_a_mood(void)
{
	switch (mood) {
	case MOOD_HALT:
		__asm__ volatile("hlt");
		break;
	case MOOD_EXITS:
		x86_cpuid(0, 0);
		break;
	case MOOD_DEVICE:
		(void)*(volatile u32 *)(LAPIC + 0x30);
		break;
	default:
		x86_pause();
	}
}

void hostile_ap(void)
{
	for (u64 n = 0;; n++) {
		volatile u64 *word = racing;

		alive++;
		if (!word) {
			be_in_a_mood();
			continue;
		}
		*word = values[n & 1];
		for (unsigned i = n % 61; i; i--)
			__asm__ volatile("");
	}
}

static void icr(u32 value)
{
	*(volatile u32 *)(LAPIC + SVR) = 0x1ff;
	*(volatile u32 *)(LAPIC + ICR) = value;
}

static void pause_for(unsigned n)
{
	while (n--)
		x86_pause();
}

static bool came_alive(u64 before)
{
	for (unsigned i = 0; i < 2000000 && alive == before; i++)
		x86_pause();
	return alive != before;
}

/* True: there is a second CPU. */
static bool wake(void)
{
	u64 before = alive;

	memcpy((void *)(uintptr_t)AP_BLOB, ap_blob, (size_t)(ap_blob_end - ap_blob));
	icr(INIT_OTHERS);
	pause_for(1000);
	icr(SIPI_OTHERS | AP_BLOB >> 12);
	return came_alive(before);
}

static void race(volatile u64 *word, u64 one, u64 other)
{
	values[0] = one;
	values[1] = other;
	__asm__ volatile("mfence" ::: "memory");
	racing = word;
}

static void no_race(volatile u64 *word, u64 value)
{
	u64 before = alive;

	racing = NULL;
	mood = MOOD_SPIN;
	came_alive(before + 1);
	*word = value;
}

/* ---- Code --------------------------------------------------------------------------------- */

/*
 * Eight bytes each, of which no part is a jump or a push; RDX is port 0xed, RDI the APIC, RCX an
 * MSR.
 */
static const u8 codes[][8] = {
	{ 0x0f, 0xa2, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90 }, /* CPUID */
	{ 0xec, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90 }, /* IN AL, DX */
	{ 0x66, 0x2e, 0x3e, 0xef, 0x90, 0x90, 0x90, 0x90 }, /* OUT DX, AX */
	{ 0x8b, 0x07, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90 }, /* MOV EAX, [RDI] */
	{ 0x81, 0x0f, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90 }, /* OR dword [RDI], .. */
	{ 0x67, 0x2e, 0x8a, 0x07, 0x90, 0x90, 0x90, 0x90 }, /* MOV AL, [EDI] */
	{ 0x0f, 0x06, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90 }, /* CLTS */
	{ 0x0f, 0x32, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90 }, /* RDMSR */
	{ 0xf0, 0x0f, 0xc1, 0x07, 0x90, 0x90, 0x90, 0x90 }, /* LOCK XADD [RDI], EAX */
	{ 0x0f, 0x09, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90 }, /* WBINVD */
};

static struct {
	u8 begin[16];
	volatile u64 changing;
	u8 end[16];
} code ALIGNED(64) = {
	/* PUSH RBX; MOV EDX, 0xed; MOV EDI, APIC + 30h; MOV ECX, 1Bh: to the word behind */
	{ 0x53, 0xba, 0xed, 0, 0, 0, 0xbf, 0x30, 0, 0xe0, 0xfe, 0xb1, 0x1b, 0x0f, 0xb6, 0xc9 },
	0,
	/* What the end of one makes of the other may be long: then POP RBX; RET. */
	{ 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x5b, 0xc3 },
};

static void race_between(struct tally *t, const u8 (*list)[8], unsigned count)
{
	u64 word[2], r11;

	hostile_case(t, 0xffff, 0);
	if (!wake())
		return;
	for (unsigned a = 0; a < count; a++)
		for (unsigned b = 0; b < a; b++) {
			memcpy(&word[0], list[a], 8);
			memcpy(&word[1], list[b], 8);
			code.changing = word[0];
			race(&code.changing, word[0], word[1]);
			for (u64 i = hostile_some(40); i; i--) {
				hostile_call(&code, &r11);
				hostile_case(t, a, b);
			}
			no_race(&code.changing, word[0]);
		}
}

/* All of the same length, and all with the same operand in a device. */
static const u8 accesses[][8] = {
#define ACCESS(opcode)                                                                             \
	{                                                                                          \
		opcode, 0x07, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90                                   \
	}
	ACCESS(0x8b), ACCESS(0x8a), ACCESS(0x89), ACCESS(0x88), ACCESS(0x87), ACCESS(0x86),
	ACCESS(0x01), ACCESS(0x03), ACCESS(0x09), ACCESS(0x31), ACCESS(0x39), ACCESS(0x85),
#undef ACCESS
};

/* Catches: an instruction that is read twice, and is another one the second time. */
static void race_operands(struct tally *t)
{
	race_between(t, accesses, ARRAY_SIZE(accesses));
}

/*
 * The same with instructions of all lengths and kinds, so that what made an exit may be none that
 * makes one when it is read: a hypervisor may try again, or end this guest.
 */
void hostile_race_code(void)
{
	struct tally t = { 0 };

	for (unsigned i = 0; i < 20; i++)
		race_between(&t, codes, ARRAY_SIZE(codes));
	mood = MOOD_SPIN;
	icr(INIT_OTHERS);
}

/* ---- Tables --------------------------------------------------------------------------------- */

extern u64 rt_window_pt[];

static u8 page[4096] ALIGNED(4096);

/* Catches: an address that is translated twice, and leads elsewhere the second time. */
static void race_tables(struct tally *t)
{
	const u64 pages[] = { (u64)(uintptr_t)page, 0xfee00000, 0xd0000000, 0xb8000,
			      1ull << 39,	    0xfec00000 };
	volatile u64 *entry = &rt_window_pt[0];
	volatile u8 *p = (volatile u8 *)(uintptr_t)RT_WINDOW;
	u64 value = 0, mine = 0x77;

	hostile_case(t, 0xffff, 0);
	if (!wake())
		return;
	for (unsigned a = 0; a < ARRAY_SIZE(pages); a++)
		for (unsigned b = 0; b < ARRAY_SIZE(pages); b++) {
			/* With itself: there, and not there. */
			race(entry, pages[a] | PTE_P | PTE_W,
			     a == b ? pages[a] : pages[b] | PTE_P | PTE_W);
			for (u64 i = hostile_some(30); i; i--) {
				x86_invlpg(RT_WINDOW);
				RT_TRY("movq (%1), %0", RT_OUT("+r"(value)), "r"(p + 0x20));
				hostile_case(t, a, b);
				hostile_bad(t, hostile_secret(value), "a-secret", a);
				x86_invlpg(RT_WINDOW);
				RT_TRY("lock xaddl %k0, (%1)", RT_OUT("+r"(mine)), "r"(p + 0x30));
				hostile_case(t, a, b);
			}
			no_race(entry, 0);
			x86_invlpg(RT_WINDOW);
		}
}

/* ---- Rings ----------------------------------------------------------------------------------- */

static struct ring *const ring = &virtio_ring;

static void race_ring(const struct virtio *d, void *context)
{
	const u64 wrong[] = { 0xd0000000, BIT(63), 0xfee00000, rt_memory_end() - 8, ~0ull };
	/* Of a descriptor's second word: a length, flags, a link. */
	const u64 wrong_rest[] = { ~0u, 16 | (u64)DESC_TABLE << 32,
				   16 | (u64)(DESC_WRITE | DESC_NEXT) << 32 | 0xffffull << 48,
				   16 | (u64)(DESC_WRITE | DESC_NEXT) << 32 };
	struct tally *t = context;

	for (unsigned i = 0; i < ARRAY_SIZE(wrong) + ARRAY_SIZE(wrong_rest); i++) {
		bool rest = i >= ARRAY_SIZE(wrong);
		volatile u64 *word = (volatile u64 *)(void *)&ring->d[0] + rest;
		u64 right = rest ? 16 | (u64)DESC_WRITE << 32 : (u64)(uintptr_t)ring->data;

		for (unsigned k = 0; k < RING; k++)
			ring->d[k] =
			    (struct descriptor){ (u64)(uintptr_t)ring->data, 16, DESC_WRITE, 0 };
		virtio_start(d, 0);
		race(word, right, rest ? wrong_rest[i - ARRAY_SIZE(wrong)] : wrong[i]);
		for (u64 n = hostile_some(40); n; n--) {
			if (n % 8 == 0)
				virtio_start(d, 0);
			ring->avail[2 + ring->avail[1] % RING] = 0;
			ring->avail[1]++;
			virtio_notify(d, 0);
			hostile_case(t, d->nth, i);
			hostile_bad(t, ring->before[4095] != 0x5a || ring->behind[0] != 0xa5,
				    "written-around-a-buffer", i);
		}
		no_race(word, right);
	}
}

/* Catches: a descriptor that is checked, read again, and used. */
static void race_rings(struct tally *t)
{
	rt_vector = RT_NONE;
	hostile_case(t, 0xffff, 0);
	if (wake())
		virtio_each(race_ring, t);
}

/* ---- CPUs --------------------------------------------------------------------------------------
 */

/* The other one is stopped and started in the middle of all that it may do.  Catches: a vCPU that
 * is reset while it runs, or its exit that is carried out afterwards. */
static void race_init(struct tally *t)
{
	rt_vector = RT_NONE;
	hostile_case(t, 0xffff, 0);
	if (!wake())
		return;
	for (unsigned how = 0; how < 4; how++)
		for (unsigned m = MOOD_SPIN; m <= MOOD_DEVICE; m++)
			for (u64 i = hostile_some(5); i; i--) {
				u64 before;

				mood = m;
				pause_for((unsigned)(rt_random() % 500));
				before = alive;
				if (how != 1) /* a SIPI without INIT is nothing */
					icr(INIT_OTHERS);
				if (how == 2)
					icr(INIT_OTHERS);
				icr(SIPI_OTHERS | AP_BLOB >> 12);
				if (how == 3)
					icr(SIPI_OTHERS | AP_BLOB >> 12);
				hostile_case(t, how, m);
				hostile_bad(t, how != 1 && !came_alive(before), "CPU-did-not-start",
					    how << 4 | m);
			}
	mood = MOOD_SPIN;
}

/* Interrupts that nobody takes, as many as can be sent.  Catches: kicks that are not merged. */
static void race_interrupts(struct tally *t)
{
	rt_vector = RT_NONE;
	hostile_case(t, 0xffff, 0);
	if (!wake())
		return;
	for (unsigned m = MOOD_SPIN; m <= MOOD_DEVICE; m++) {
		mood = m;
		for (u64 i = hostile_some(400); i; i--) {
			icr(FIXED_OTHERS | (u32)(0x40 + i % 0xa0));
			hostile_case(t, m, i % 0xa0 / 16);
		}
	}
	wake();
	mood = MOOD_SPIN;
	icr(INIT_OTHERS);
}

static const struct attack attacks[] = {
	{ "race-operands", race_operands, false },     { "race-tables", race_tables, false },
	{ "race-rings", race_rings, false },	       { "race-init", race_init, false },
	{ "race-interrupts", race_interrupts, false },
};

const struct attack_list hostile_races = ATTACKS_OF(attacks, "bombs");
