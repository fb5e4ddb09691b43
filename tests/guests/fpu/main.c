/*
 * main.c - the fpu guest: x87, SSE, AVX and XSAVE state that must survive whatever comes between
 *
 * Each round sets XCR0, loads random state, waits in one of several ways (so that another guest
 * has the CPU meanwhile, or the hypervisor does something), and looks at each bit of it again.
 * Command line: rounds=N seed=N.
 *
 * Owns: the rounds, the images, what is compared.
 * Must not know: who else runs.
 *
 * Sources: [SDM] vol. 1 "Managing State Using the XSAVE Feature Set" (13), "XSAVE Area" (13.4);
 * vol. 3 "Control Registers" (2.5) on CR0.EM, MP, TS.
 */
#include "fpu.h"

#include "lib/string.h"
#include "x86_ops.h"

#define ROUNDS 240
#define REPORT 16 /* rounds between two lines */
#define PIT_DIVISOR 2386 /* 500 Hz */
#define PIT_RATE_CHANNEL_0 0x34
#define PORT_PIT 0x40

static u8 image[FPU_AREA] ALIGNED(64), before[FPU_AREA] ALIGNED(64), after[FPU_AREA] ALIGNED(64);
static unsigned differences, traps, refused;
static unsigned rounds_of[FPU_FORMS];

/* ---- Images -------------------------------------------------------------------------------- */

static void fill(u8 *to, u32 size)
{
	for (u32 i = 0; i < size; i++)
		to[i] = (u8)(rt_random() >> 32);
}

static void put(u32 at, u64 value, u32 size)
{
	memcpy(image + at, &value, size);
}

/* The legacy region: what is reserved is 0; FSW.ES and B follow from the exceptions. */
static void legacy_image(void)
{
	fill(image, FPU_HEADER);
	put(0, (rt_random() & 0x1f3f) | 0x40, 2);
	put(2, rt_random() & 0x7f7f, 2);
	put(4, rt_random() & 0xff, 2);
	put(6, rt_random() & 0x7ff, 2);
	/* Selectors that REX.W does not load, and canonical pointers. */
	put(8, rt_random() >> 17, 8);
	put(16, rt_random() >> 17, 8);
	put(24, rt_random() & fpu_mxcsr_mask, 4);
	for (u32 i = 0; i < 8; i++)
		put(32 + 16 * i + 10, 0, 6);
	memset(image + 416, 0, FPU_HEADER - 416);
}

/* Some components of what XCR0 has; the others go to their first value. */
static void make_image(u64 xcr0)
{
	memset(image, 0, FPU_AREA);
	legacy_image();
	if (!fpu_xcr0_all)
		return;
	put(FPU_HEADER, xcr0 & (rt_random() | rt_random()), 8);
	for (unsigned i = 2; i < 32; i++)
		if (fpu_component[i].size && (xcr0 & BIT(i)))
			fill(image + fpu_component[i].offset, fpu_component[i].size);
}

/* ---- One round -------------------------------------------------------------------------- */

/* XCR0 with some of what may be switched on: AVX wants SSE, AVX-512 comes whole, with AVX. */
static u64 some_xcr0(void)
{
	u64 xcr0 = fpu_xcr0_all & (rt_random() | rt_random());

	xcr0 |= XCR0_X87;
	if (!(xcr0 & XCR0_SSE))
		xcr0 &= ~XCR0_AVX;
	if (!(xcr0 & XCR0_AVX) || (xcr0 & XCR0_AVX512) != XCR0_AVX512)
		xcr0 &= ~XCR0_AVX512;
	if (!(xcr0 & XCR0_BNDREGS) != !(xcr0 & XCR0_BNDCSR))
		xcr0 &= ~(XCR0_BNDREGS | XCR0_BNDCSR);
	return xcr0;
}

static void complain(unsigned round, const char *what, u64 was, u64 is)
{
	if (differences++ < 10)
		rt_print("round %u: %s was 0x%lx, is 0x%lx\n", round, what, was, is);
}

static void compare(unsigned round, enum fpu_form form)
{
	char name[40];

	for (u32 i = 0; i < FPU_AREA; i += 8)
		if (load64(before + i) != load64(after + i)) {
			fmt_string(name, sizeof(name), "%s, byte %u", fpu_form_name[form], i);
			complain(round, name, load64(before + i), load64(after + i));
		}
}

/* What was loaded was there at all: else nothing that is compared afterwards says anything. */
static void check_load(unsigned round, enum fpu_form form)
{
	u64 bv = fpu_xcr0_all ? load64(image + FPU_HEADER) : ~0ull;

	if (form != FPU_FXSAVE && form != FPU_XSAVE)
		return;
	if ((bv & XCR0_X87) && load64(image + 32) != load64(before + 32))
		complain(round, "ST0 as loaded", load64(image + 32), load64(before + 32));
	if ((bv & XCR0_SSE) && load64(image + 400) != load64(before + 400))
		complain(round, "XMM15 as loaded", load64(image + 400), load64(before + 400));
}

/* CR0 has these of EM, MP and TS: an x87 instruction that never raises #MF faults as it must. */
static void try_cr0(unsigned round, u64 cr0)
{
	u64 want = cr0 & (CR0_EM | CR0_TS) ? VECTOR_NM : RT_NONE;
	u16 status;

	RT_TRY("fnstsw %0", RT_OUT("=m"(status)), "m"(status));
	if (rt_vector != want)
		complain(round, "FNSTSW's vector", want, rt_vector);
	traps += rt_faulted();
}

/* Things that exit, until the next tick or while it lasts. */
static void wait_for_tick(unsigned how)
{
	u64 ticks = rt_interrupts;

	if (how == 0) {
		__asm__ volatile("sti; hlt; cli" ::: "memory");
		return;
	}
	__asm__ volatile("sti");
	while (rt_interrupts - ticks < how)
		if (how == 1)
			x86_pause();
		else
			x86_cpuid(0, 0);
	__asm__ volatile("cli");
}

static void one_round(unsigned round)
{
	enum fpu_form form = fpu_form_of(round);
	u64 xcr0 = some_xcr0(), during = rt_random() & 1 ? xcr0 : XCR0_X87;
	u64 cr0 = x86_read_cr0(), bits = rt_random() & (CR0_EM | CR0_MP | CR0_TS), in_use = 0;

	rounds_of[form]++;
	if (fpu_xcr0_all)
		x86_xsetbv(0, xcr0);
	make_image(xcr0);
	fpu_load(image);
	fill(before, FPU_AREA);
	memcpy(after, before, FPU_AREA);
	fpu_save(form, before);
	check_load(round, form);
	if (fpu_has_in_use)
		in_use = x86_xgetbv(1);
	if (fpu_xcr0_all)
		x86_xsetbv(0, during);
	x86_write_cr0((cr0 & ~(CR0_EM | CR0_MP | CR0_TS)) | bits);
	wait_for_tick((unsigned)(rt_random() % 4));
	if ((x86_read_cr0() & (CR0_EM | CR0_MP | CR0_TS)) != bits)
		complain(round, "CR0", bits, x86_read_cr0());
	try_cr0(round, bits);
	x86_write_cr0(cr0);
	if (fpu_xcr0_all && x86_xgetbv(0) != during)
		complain(round, "XCR0", during, x86_xgetbv(0));
	if (fpu_xcr0_all)
		x86_xsetbv(0, xcr0);
	if (fpu_has_in_use && x86_xgetbv(1) != in_use)
		complain(round, "XINUSE", in_use, x86_xgetbv(1));
	fpu_save(form, after);
	compare(round, form);
}

/* ---- The end --------------------------------------------------------------------------------- */

/* Which faults CR0 makes of each kind of instruction, behind an exit. */
static void fault_table(void)
{
	u64 cr0 = x86_read_cr0(), fault[4];

	for (unsigned i = 0; i < 8; i++) {
		x86_write_cr0((cr0 & ~(CR0_EM | CR0_MP | CR0_TS)) | i * CR0_MP);
		x86_cpuid(0, 0);
		RT_TRY("fninit", RT_OUT(), "i"(0));
		fault[0] = rt_vector;
		RT_TRY("fwait", RT_OUT(), "i"(0));
		fault[1] = rt_vector;
		RT_TRY("movaps %%xmm0, %%xmm0", RT_OUT(), "i"(0));
		fault[2] = rt_vector;
		RT_TRY("fxsave64 (%0)", RT_OUT(), "r"(image));
		fault[3] = rt_vector;
		rt_print("CR0 %s%s%s: FNINIT %lx, FWAIT %lx, MOVAPS %lx, FXSAVE %lx\n",
			 i & 1 ? "MP " : "", i & 2 ? "EM " : "", i & 4 ? "TS " : "", fault[0],
			 fault[1], fault[2], fault[3]);
	}
	x86_write_cr0(cr0);
}

/* A bit of XCR0 that is not offered, or an impossible set, is refused, and changes nothing. */
static void refuse(void)
{
	static const u64 bad[] = { 0, XCR0_SSE, XCR0_X87 | XCR0_AVX, BIT(63) | XCR0_X87 };
	u64 was = x86_xgetbv(0);

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		RT_TRY("xsetbv", RT_OUT(), "a"((u32)bad[i]), "d"((u32)(bad[i] >> 32)), "c"(0));
		if (rt_vector != VECTOR_GP || x86_xgetbv(0) != was)
			complain(0, "XSETBV's vector", VECTOR_GP, rt_vector);
		refused++;
	}
}

unsigned probe_main(void)
{
	unsigned rounds = (unsigned)rt_number("rounds", ROUNDS);

	fpu_init();
	fpu_layout();
	x86_outb(PORT_PIT + 3, PIT_RATE_CHANNEL_0);
	x86_outb(PORT_PIT, PIT_DIVISOR & 0xff);
	x86_outb(PORT_PIT, PIT_DIVISOR >> 8);
	rt_pic(0xfffe);
	for (unsigned round = 1; round <= rounds; round++) {
		one_round(round);
		if (round % REPORT == 0)
			rt_print("round %u\n", round);
	}
	rt_pic(0xffff);
	fault_table();
	if (fpu_xcr0_all)
		refuse();
	for (unsigned i = 0; i < FPU_FORMS; i++)
		if (rounds_of[i])
			rt_print("%s: %u rounds\n", fpu_form_name[i], rounds_of[i]);
	rt_print("fpu: finished, %u rounds, %u #NM, %u refused, %u differences\n", rounds, traps,
		 refused, differences);
	return differences != 0;
}
