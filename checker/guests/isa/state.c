/*
 * state.c - see isa.h: states of the system, what changed in it, the FPU
 *
 * Owns: C's state (that of an ordinary operating system: SSE and AVX on, no UMIP, TSD clear,
 * counters for CPL 0 only, FSGSBASE on, IOPL 0, IF clear), how states differ from it, the look at
 * the system behind each form. Sources: [SDM] vol. 3 "Control Registers" (2.5), "Extended Control
 * Registers" (2.6); [APM] vol. 2 (3.1).
 */
#include "isa.h"

#include "lib/string.h"
#include "x86_ops.h"

#define CPUID_1_EDX_VME 1
#define CPUID_1_ECX_XSAVE 26
#define CPUID_1_ECX_AVX 28
#define CPUID_7_EBX_FSGSBASE 0
#define CPUID_7_ECX_UMIP 2
#define CPUID_7_ECX_PKU 3
#define CPUID_7_ECX_RDPID 22
#define CPUID_80000001_EDX_RDTSCP 27
#define KERNEL_GS 0x5000
#define KERNEL_GS_INDEX 0 /* in msrs */
#define CR3_PWT BIT(3)
#define DR7_LE BIT(8) /* does nothing */
#define OTHER_ADDRESS 0x00765000
#define PIC_MASK_PORT 0x21
#define PIC_MASKS 0xff
#define PIC_OTHER 0xf7 /* IRQ 3: nothing raises it */
#define FPU_SIZE 1024
#define FPU_LEGACY 512
#define FPU_HEADER 576
#define FPU_YMM_END 832
#define FNV_PRIME 0x100000001b3ull
#define SYSTEM_FLAGS (RFLAGS_VM | RFLAGS_IOPL | RFLAGS_VIF | RFLAGS_VIP)
#define FEATURE(word, bit) ((word) >> (bit)&1)

static const u32 msrs[] = { MSR_KERNEL_GS_BASE, MSR_STAR,	 MSR_LSTAR,	   MSR_CSTAR,
			    MSR_SFMASK,		MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP,
			    MSR_TSC_AUX,	MSR_PAT };
#define MSRS ARRAY_SIZE(msrs)
#define AUX_INDEX 8

struct system {
	u64 cr0, cr2, cr3, cr4, cr8, efer, xcr0, dr[6], msr[MSRS];
	u8 pic;
};

static struct system base, wanted;
static bool has_xsave, has_avx, has_aux, possible[ISA_STATES];
static u8 fpu_image[FPU_SIZE] ALIGNED(64), fpu_now[FPU_SIZE] ALIGNED(64);

/* ---- What the CPU has ------------------------------------------------------------------- */

static void find_features(void)
{
	struct cpuid_regs one = x86_cpuid(1, 0), seven = x86_cpuid(7, 0);
	struct cpuid_regs more = x86_cpuid(0x80000001, 0);

	has_xsave = FEATURE(one.ecx, CPUID_1_ECX_XSAVE);
	has_avx = has_xsave && FEATURE(one.ecx, CPUID_1_ECX_AVX);
	has_aux =
	    FEATURE(more.edx, CPUID_80000001_EDX_RDTSCP) || FEATURE(seven.ecx, CPUID_7_ECX_RDPID);
	for (unsigned i = 0; i < ISA_STATES; i++)
		possible[i] = true;
	possible[ISA_AUX] = has_aux;
	possible[ISA_XSAVE] = has_xsave;
	possible[ISA_XCR0] = has_avx;
	possible[ISA_UMIP] = FEATURE(seven.ecx, CPUID_7_ECX_UMIP);
	possible[ISA_FSGS] = FEATURE(seven.ebx, CPUID_7_EBX_FSGSBASE);
	possible[ISA_VME] = FEATURE(one.edx, CPUID_1_EDX_VME);
	possible[ISA_PKE] = FEATURE(seven.ecx, CPUID_7_ECX_PKU);
}

bool state_possible(enum isa_state state)
{
	return possible[state];
}

/* ---- The look at the system ----------------------------------------------------------------- */

#define READ_DR(n, value) __asm__ volatile("mov %%dr" #n ", %0" : "=r"(value))
#define WRITE_DR(n, value) __asm__ volatile("mov %0, %%dr" #n ::"r"(value))

static u64 read_cr8(void)
{
	u64 value;

	__asm__ volatile("mov %%cr8, %0" : "=r"(value));
	return value;
}

static void read_dr(u64 dr[6])
{
	READ_DR(0, dr[0]);
	READ_DR(1, dr[1]);
	READ_DR(2, dr[2]);
	READ_DR(3, dr[3]);
	READ_DR(6, dr[4]);
	READ_DR(7, dr[5]);
}

static void write_dr(const u64 dr[6])
{
	WRITE_DR(0, dr[0]);
	WRITE_DR(1, dr[1]);
	WRITE_DR(2, dr[2]);
	WRITE_DR(3, dr[3]);
	WRITE_DR(6, dr[4]);
	WRITE_DR(7, dr[5]);
}

static bool msr_there(unsigned i)
{
	return i != AUX_INDEX || has_aux;
}

static void read_slow(struct system *now)
{
	now->cr2 = x86_read_cr2();
	now->cr8 = read_cr8();
	now->efer = x86_rdmsr(MSR_EFER);
	read_dr(now->dr);
	for (unsigned i = 0; i < MSRS; i++)
		now->msr[i] = msr_there(i) ? x86_rdmsr(msrs[i]) : 0;
}

static void init_syscalls(void)
{
	u64 at = ISA_CODE + ISA_LANDING;

	x86_wrmsr(MSR_STAR, (u64)(SEL_CS32 | 3) << 48 | (u64)SEL_CS64 << 32 | at);
	x86_wrmsr(MSR_LSTAR, at);
	x86_wrmsr(MSR_CSTAR, at);
	x86_wrmsr(MSR_SFMASK, RFLAGS_IF);
	x86_wrmsr(MSR_SYSENTER_EIP, at);
	x86_wrmsr(MSR_SYSENTER_ESP, ISA_STACK + ISA_SP);
	x86_wrmsr(MSR_SYSENTER_CS, SEL_CS64);
	x86_wrmsr(MSR_KERNEL_GS_BASE, KERNEL_GS);
	if (has_aux)
		x86_wrmsr(MSR_TSC_AUX, 5);
}

void state_init(void)
{
	/* LE is set, so that it is seen when a task switch clears it. */
	u64 dr[6] = { 0, 0, 0, 0, DR6_FIXED, DR7_FIXED | DR7_LE };

	find_features();
	x86_write_cr4(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | (has_xsave ? CR4_OSXSAVE : 0) |
		      (possible[ISA_FSGS] ? CR4_FSGSBASE : 0) | (possible[ISA_PKE] ? CR4_PKE : 0));
	if (has_xsave)
		x86_xsetbv(0, XCR0_X87 | XCR0_SSE | (has_avx ? XCR0_AVX : 0));
	x86_wrmsr(MSR_EFER, x86_rdmsr(MSR_EFER) | EFER_SCE);
	init_syscalls();
	write_dr(dr);
	x86_outb(PIC_MASK_PORT, PIC_MASKS);
	base = (struct system){ .cr0 = x86_read_cr0(),
				.cr3 = x86_read_cr3(),
				.cr4 = x86_read_cr4(),
				.pic = PIC_MASKS };
	read_slow(&base);
	base.xcr0 = has_xsave ? x86_xgetbv(0) : 0;
	wanted = base;
}

u64 state_cr0(enum isa_mode mode)
{
	u64 cr0 = wanted.cr0;

	if (isa_modes[mode].legacy)
		cr0 &= ~CR0_PG;
	return mode == ISA_R ? cr0 & ~CR0_PE : cr0;
}

u64 state_cr4(void)
{
	return wanted.cr4;
}

u64 state_xcr0(void)
{
	return wanted.xcr0;
}

/* ---- States --------------------------------------------------------------------------------- */

u64 state_flags(u32 states)
{
	return RFLAGS_ONE | (states & BIT(ISA_IF) ? RFLAGS_IF : 0) |
	       (states & BIT(ISA_IOPL) ? RFLAGS_IOPL : 0);
}

static u64 cr4_of(u32 states)
{
	static const struct {
		u8 state;
		u64 set, clear;
	} table[] = {
		{ ISA_SSE, 0, CR4_OSFXSR },	   { ISA_XSAVE, 0, CR4_OSXSAVE },
		{ ISA_UMIP, CR4_UMIP, 0 },	   { ISA_TSD, CR4_TSD, 0 },
		{ ISA_PCE, CR4_PCE, 0 },	   { ISA_FSGS, 0, CR4_FSGSBASE },
		{ ISA_VME, CR4_VME | CR4_PVI, 0 }, { ISA_PKE, 0, CR4_PKE },
	};
	u64 cr4 = base.cr4;

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		if (states & BIT(table[i].state))
			cr4 = (cr4 | table[i].set) & ~table[i].clear;
	return cr4;
}

/* What SYSENTER needs differs in legacy mode: it is C's state there. */
static void set_sysenter(bool legacy)
{
	u64 cs = legacy ? SEL_CS32 : SEL_CS64;

	if (base.msr[5] == cs)
		return;
	x86_wrmsr(MSR_SYSENTER_CS, cs);
	base.msr[5] = wanted.msr[5] = cs;
}

static void write_cr8(u64 value)
{
	__asm__ volatile("mov %0, %%cr8" ::"r"(value));
}

/* The registers that only a few forms can see, all at once. */
static void write_registers(const struct system *to)
{
	x86_write_cr2(to->cr2);
	x86_write_cr3(to->cr3);
	write_cr8(to->cr8);
	write_dr(to->dr);
	x86_wrmsr(MSR_KERNEL_GS_BASE, to->msr[KERNEL_GS_INDEX]);
}

static void other_registers(void)
{
	wanted.cr2 ^= OTHER_ADDRESS;
	wanted.cr3 ^= CR3_PWT;
	wanted.cr8 ^= 1;
	for (unsigned i = 0; i < 4; i++)
		wanted.dr[i] ^= OTHER_ADDRESS;
	wanted.dr[4] ^= 1;
	wanted.dr[5] ^= DR7_LE;
	wanted.msr[KERNEL_GS_INDEX] ^= OTHER_ADDRESS;
	write_registers(&wanted);
}

void state_enter(u32 states, enum isa_mode mode)
{
	bool b[4] = { states & BIT(ISA_GDTR), states & BIT(ISA_IDTR), states & BIT(ISA_LDTR),
		      states & BIT(ISA_TR) };
	struct isa_shot *shot = isa_shot();

	set_sysenter(isa_modes[mode].legacy);
	wanted = base;
	if (states & BIT(ISA_MSW))
		wanted.cr0 ^= CR0_MP;
	if (states & BIT(ISA_TS))
		wanted.cr0 |= CR0_TS;
	wanted.cr4 = cr4_of(states);
	if (states & BIT(ISA_XCR0))
		x86_xsetbv(0, wanted.xcr0 &= ~XCR0_AVX);
	if (states & BIT(ISA_AUX))
		x86_wrmsr(MSR_TSC_AUX, wanted.msr[AUX_INDEX] ^= 0x10);
	if (states & BIT(ISA_SCE))
		x86_wrmsr(MSR_EFER, wanted.efer &= ~EFER_SCE);
	if (states & BIT(ISA_REGS))
		other_registers();
	if (states & BIT(ISA_PIC))
		x86_outb(PIC_MASK_PORT, wanted.pic = PIC_OTHER);
	if (states & BIT(ISA_DPL))
		sandbox_protect(true);
	if (wanted.cr4 != base.cr4)
		x86_write_cr4(wanted.cr4);
	sandbox_tables(shot, mode, b);
	shot->cr0 = wanted.cr0 & ~CR0_PG;
	if (!isa_modes[mode].legacy && wanted.cr0 != base.cr0)
		x86_write_cr0(wanted.cr0);
}

static u64 changed(enum isa_system what, bool is)
{
	return is ? BIT(what) : 0;
}

static bool pointer_differs(const struct isa_pointer *a, const struct isa_pointer *b)
{
	return a->limit != b->limit || (u32)a->base != (u32)b->base;
}

/* What C can still see in long mode; shoot.S looked at it in the others. */
static void look_long(struct isa_shot *shot)
{
	u64 selector = 0;

	__asm__ volatile("sgdt %0; sidt %1" : "=m"(shot->seen_gdtr), "=m"(shot->seen_idtr));
	__asm__ volatile("sldt %w0" : "+r"(selector));
	shot->seen_ldtr = selector;
	__asm__ volatile("str %w0" : "+r"(selector));
	shot->seen_tr = selector;
	shot->seen_cr0 = x86_read_cr0();
	shot->seen_cr3 = x86_read_cr3();
	shot->seen_cr4 = x86_read_cr4();
}

/* CR4.OSXSAVE is as the form left it: without, XCR0 cannot have changed. */
static bool xcr0_changed(u64 cr4)
{
	return has_xsave && cr4 & CR4_OSXSAVE && x86_read_cr4() & CR4_OSXSAVE &&
	       x86_xgetbv(0) != wanted.xcr0;
}

static u64 look(enum isa_mode mode, const struct isa_shot *shot)
{
	u64 flags = shot->in.rflags ^ shot->out.rflags;
	bool was_user = isa_modes[mode].cpl == 3;
	bool is_user = mode != ISA_R && ((shot->out.cs & 3) || shot->out.rflags & RFLAGS_VM);

	if (was_user && shot->vector == ISA_INT) /* the gate led to CPL 0 */
		is_user = false;
	return changed(ISA_SYS_CPL, was_user != is_user) | changed(ISA_SYS_IF, flags & RFLAGS_IF) |
	       changed(ISA_SYS_IOPL, flags & SYSTEM_FLAGS) |
	       changed(ISA_SYS_CR0, (u32)shot->seen_cr0 != (u32)state_cr0(mode)) |
	       changed(ISA_SYS_XCR0, xcr0_changed(shot->seen_cr4)) |
	       changed(ISA_SYS_CR3, (u32)shot->seen_cr3 != (u32)wanted.cr3) |
	       changed(ISA_SYS_CR4, (u32)shot->seen_cr4 != (u32)wanted.cr4) |
	       changed(ISA_SYS_GDTR, pointer_differs(&shot->seen_gdtr, &shot->gdtr)) |
	       changed(ISA_SYS_IDTR, pointer_differs(&shot->seen_idtr, &shot->idtr)) |
	       changed(ISA_SYS_LDTR, (u16)shot->seen_ldtr != shot->ldtr) |
	       changed(ISA_SYS_TR, (u16)shot->seen_tr != shot->tr);
}

static u64 look_slow(void)
{
	struct system now;
	u64 system = 0;

	read_slow(&now);
	for (unsigned i = 0; i < MSRS; i++)
		if (now.msr[i] != wanted.msr[i]) {
			system |= BIT(ISA_SYS_MSR);
			x86_wrmsr(msrs[i], wanted.msr[i]);
		}
	if (memcmp(now.dr, wanted.dr, sizeof(now.dr))) {
		system |= BIT(ISA_SYS_DR);
		write_dr(wanted.dr);
	}
	if (now.cr8 != wanted.cr8) {
		system |= BIT(ISA_SYS_CR8);
		write_cr8(wanted.cr8);
	}
	if (now.cr2 != wanted.cr2 && isa_shot()->vector != VECTOR_PF)
		system |= BIT(ISA_SYS_CR2);
	if (now.cr2 != wanted.cr2)
		x86_write_cr2(wanted.cr2);
	if (now.efer != wanted.efer) {
		system |= BIT(ISA_SYS_EFER);
		x86_wrmsr(MSR_EFER, wanted.efer);
	}
	now.pic = x86_inb(PIC_MASK_PORT);
	if (now.pic != wanted.pic)
		system |= BIT(ISA_SYS_IO);
	return system;
}

/* From whatever the form left to C's state. */
static void restore(const struct isa_shot *shot, enum isa_mode mode, u64 system)
{
	bool legacy = isa_modes[mode].legacy;

	if ((legacy ? wanted.cr4 : shot->seen_cr4) != base.cr4)
		x86_write_cr4(base.cr4);
	if (!legacy && shot->seen_cr0 != base.cr0)
		x86_write_cr0(base.cr0);
	if (wanted.cr2 != base.cr2)
		write_registers(&base);
	else if (!legacy && shot->seen_cr3 != base.cr3)
		x86_write_cr3(base.cr3);
	if (wanted.xcr0 != base.xcr0 || system & BIT(ISA_SYS_XCR0))
		x86_xsetbv(0, base.xcr0);
	if (wanted.msr[AUX_INDEX] != base.msr[AUX_INDEX])
		x86_wrmsr(MSR_TSC_AUX, base.msr[AUX_INDEX]);
	if (wanted.efer != base.efer)
		x86_wrmsr(MSR_EFER, base.efer);
	if (wanted.pic != base.pic || system & BIT(ISA_SYS_IO))
		x86_outb(PIC_MASK_PORT, base.pic);
}

u32 state_leave(enum isa_mode mode, bool full)
{
	struct isa_shot *shot = isa_shot();
	u64 system;

	if (!isa_modes[mode].legacy)
		look_long(shot);
	system = look(mode, shot);
	sandbox_restore();
	if (full)
		system |= look_slow();
	restore(shot, mode, system);
	sandbox_protect(false);
	wanted = base;
	return (u32)system;
}

u32 state_look(void)
{
	u64 system = look_slow();

	if (system & BIT(ISA_SYS_IO))
		x86_outb(PIC_MASK_PORT, base.pic);
	return (u32)system;
}

/* ---- The FPU ------------------------------------------------------------- */

u64 state_hash(u64 hash, u64 value)
{
	return (hash ^ value ^ value >> 29) * FNV_PRIME;
}

const u8 *state_fpu_image(void)
{
	return fpu_image;
}

/* Numbers near 1 in all registers, so that nothing overflows; register 7 of XMM and YMM holds 0. */
static void make_image(void)
{
	u64 *quad = (u64 *)(void *)fpu_image;

	*(u16 *)(void *)fpu_image = 0x37f;
	*(u32 *)(void *)(fpu_image + 24) = 0x1f80;
	fpu_image[4] = 0xff; /* abridged tag word: all valid */
	for (unsigned i = 0; i < 8; i++) {
		quad[4 + 2 * i] = 0xc000000000000000 + i * 0x0123456789abcdull;
		quad[5 + 2 * i] = 0x3fff;
	}
	for (unsigned i = 0; i < 16; i += i == 6 ? 2 : 1) {
		quad[20 + 2 * i] = 0x3ff123453f912345 + i * 0x0001000200030004ull;
		quad[21 + 2 * i] = 0x3ff543213fa54321 + i * 0x0004000300020001ull;
		quad[72 + 2 * i] = 0x3ff223453f822345 + i * 0x0001000300020004ull;
		quad[73 + 2 * i] = 0x3ff643213fb64321 + i * 0x0004000200030001ull;
	}
	quad[FPU_LEGACY / 8] = base.xcr0;
}

void state_load_fpu(void)
{
	if (!fpu_image[0])
		make_image();
	if (has_xsave)
		__asm__ volatile("xrstor64 %0" ::"m"(fpu_image), "a"((u32)base.xcr0), "d"(0));
	else
		__asm__ volatile("fxrstor64 %0" ::"m"(fpu_image));
}

static bool is_pointer(unsigned quad)
{
	return quad == 1 || quad == 2; /* FIP, FDP: who keeps them differs */
}

u64 state_hash_fpu(u64 hash)
{
	const u64 *was = (const u64 *)(const void *)fpu_image;
	const u64 *is = (const u64 *)(const void *)fpu_now;
	unsigned end = FPU_LEGACY - 96;

	/* FXSAVE stores registers in their initial state, too; XSAVE need not. */
	__asm__ volatile("fxsave64 %0" : "=m"(fpu_now));
	if (has_avx) {
		memset(fpu_now + FPU_LEGACY, 0, FPU_YMM_END - FPU_LEGACY);
		__asm__ volatile("xsave64 %0" : "+m"(fpu_now) : "a"((u32)XCR0_AVX), "d"(0));
		end = FPU_YMM_END;
	}
	*(u16 *)(void *)(fpu_now + 6) = 0;
	*(u32 *)(void *)(fpu_now + 28) = *(const u32 *)(const void *)(fpu_image + 28);
	for (unsigned i = 0; i < end / 8; i++) {
		bool skip = is_pointer(i) || (i >= (FPU_LEGACY - 96) / 8 && i < FPU_HEADER / 8);

		if (!skip && was[i] != is[i])
			hash = state_hash(hash, (was[i] ^ is[i]) + i);
	}
	return hash;
}
