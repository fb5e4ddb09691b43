/* fuzz_vm.c - see fuzz_vm.h */
#include "fuzz_vm.h"

#include <string.h>

#include "vm/irq.h"

#define ATTR_CODE 0xc9bu /* G, D, P, S; accessed */
#define ATTR_DATA 0xc93u
#define ATTR_DPL(n) ((n) << 5)
#define ATTR_G 0x800u
#define ATTR_D 0x400u
#define ATTR_L 0x200u
#define ATTR_P 0x80u
#define ATTR_S 0x10u
#define TYPE_BUSY_TSS32 0xbu
#define TYPE_BUSY_TSS16 0x3u
#define TYPE_LDT 2u

static struct vm *vm;
static u8 *ram; /* all of it, in one piece */

u8 *fuzz_vm_ram(u64 a)
{
	check(a < FUZZ_VM_MEMORY);
	return ram + a;
}

static void put64(u64 at, u64 value)
{
	memcpy(fuzz_vm_ram(at), &value, sizeof(value));
}

static void put32(u64 at, u32 value)
{
	memcpy(fuzz_vm_ram(at), &value, sizeof(value));
}

static void make_tables(void)
{
	const u64 flags = PTE_P | PTE_W | PTE_U;

	put64(FUZZ_PML4, FUZZ_PDPT | flags);
	put64(FUZZ_PDPT, FUZZ_PD | flags);
	put64(FUZZ_PDPT_PAE, FUZZ_PD | PTE_P);
	put64(FUZZ_PD, FUZZ_PT | flags);
	put32(FUZZ_PD32, (u32)(FUZZ_PT32 | flags));
	for (u32 i = 0; i < FUZZ_VM_MEMORY / PAGE_SIZE; i++) {
		put64(FUZZ_PT + 8 * i, i * PAGE_SIZE | flags);
		put32(FUZZ_PT32 + 4 * i, (u32)(i * PAGE_SIZE | flags));
	}
}

static void start_again(void)
{
	vm_end(vm, VM_OFF, "next input");
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (sched_state(vm->vcpu[i]) == SCHED_RUNNING)
			sched_put(vm->vcpu[i], false, fake_host.now);
		if (vm->vcpu[i]->loaded)
			virt->unload(vm->vcpu[i]);
	}
	fake_host.now = fake_host.tsc = 1000;
	vm_reset(vm);
	vm_start(vm);
	virt->load(vm->vcpu[0]);
}

struct vm *fuzz_vm_begin(unsigned vcpus, bool anew)
{
	if (!vm) {
		vm = fake_vm_make(FUZZ_VM_MEMORY, vcpus);
		ram = memory_ptr(vm, gpa(0), 1);
	} else if (anew || vm->state != VM_RUNNING) {
		start_again();
	}
	fake_host.log[0] = fake_host.console[0] = '\0';
	memset(ram, 0, FUZZ_VM_MEMORY);
	make_tables();
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		fetch_flush(vm->vcpu[i]);
		fake_vcpu_settle(vm->vcpu[i]);
	}
	return vm;
}

u64 fuzz_vm_address(struct fuzz_input *in)
{
	static const u64 places[] = {
		FUZZ_DATA,	     FUZZ_DATA + 0xff8,	   FUZZ_DATA + 0x1ff0, 0xa0000,
		0xa0ffc,	     0xbfffe,		   FUZZ_NOTHING,       FUZZ_CODE,
		FUZZ_VM_MEMORY - 4,  0xfff8,		   0xfffffff0,	       0xfee00000,
		0xfec00000,	     0x00007ffffffffff8,   0xfffffffffffffffc, FUZZ_DATA + 0x6ffe,
	};
	u8 form = (u8)fuzz_take(in, 1);

	if (form & 0x80)
		return places[form % ARRAY_SIZE(places)] + (form >> 4 & 7);
	return form & 0x40 ? fuzz_take_number(in) : form & 0x3f;
}

/* ---- CPU states ----------------------------------------------------------------- */

static struct segment flat(u16 attr, u16 selector, bool user)
{
	return (struct segment){ .selector = (u16)(selector | (user ? 3 : 0)),
				 .attr = (u16)(attr | ATTR_DPL(user ? 3u : 0u)),
				 .limit = attr & ATTR_G ? 0xffffffff : 0xffff };
}

static void set_control(struct cpu_state *s, enum fuzz_mode mode)
{
	s->cr0 = CR0_ET | CR0_NE;
	s->cr4 = s->efer = s->cr3 = 0;
	if (mode != FUZZ_REAL)
		s->cr0 |= CR0_PE;
	if (mode < FUZZ_PAGED32)
		return;
	s->cr0 |= CR0_PG;
	s->cr3 = FUZZ_PD32;
	if (mode == FUZZ_PAE) {
		s->cr4 |= CR4_PAE;
		s->cr3 = FUZZ_PDPT_PAE;
		s->pdpte[0] = FUZZ_PD | PTE_P;
		s->pdpte[1] = s->pdpte[2] = s->pdpte[3] = 0;
	} else if (mode == FUZZ_LONG || mode == FUZZ_COMPAT) {
		s->cr4 |= CR4_PAE;
		s->cr3 = FUZZ_PML4;
		s->efer = EFER_LME | EFER_LMA;
	}
}

static void set_segments(struct cpu_state *s, enum fuzz_mode mode, bool user)
{
	u16 code = ATTR_CODE, data = ATTR_DATA;

	if (mode == FUZZ_REAL || mode == FUZZ_V86) {
		code = data = 0x93;
	} else if (mode == FUZZ_PM16) {
		code = 0x9b;
		data = 0x93;
	} else if (mode == FUZZ_LONG) {
		code = (ATTR_CODE & ~ATTR_D) | ATTR_L;
	}
	for (unsigned i = 0; i < SEG_COUNT; i++)
		s->seg[i] = flat(i == SEG_CS ? code : data, 0, mode == FUZZ_V86);
	if (mode != FUZZ_REAL && mode != FUZZ_V86) {
		for (unsigned i = 0; i < SEG_COUNT; i++)
			s->seg[i] = flat(i == SEG_CS ? code : data, i == SEG_CS ? 8 : 16, user);
	} else {
		for (unsigned i = 0; i < SEG_COUNT; i++)
			s->seg[i].selector = 0;
	}
	s->cpl = mode == FUZZ_V86 || (user && mode != FUZZ_REAL) ? 3 : 0;
	s->tr = (struct segment){ 0x18, ATTR_P | TYPE_BUSY_TSS32, 103, FUZZ_DATA };
	s->ldtr = (struct segment){ 0 };
}

/* A data segment of the input's making, that a descriptor could have given. */
static void change_segment(struct cpu_state *s, enum fuzz_mode mode, struct fuzz_input *in)
{
	u8 which = (u8)fuzz_take(in, 1);
	struct segment *seg = &s->seg[which % SEG_COUNT];
	u64 base = fuzz_vm_address(in);

	if (seg == &s->seg[SEG_CS] || !seg->attr)
		return;
	if (mode == FUZZ_REAL || mode == FUZZ_V86) {
		seg->selector = (u16)base;
		seg->base = (u64)seg->selector << 4;
		return;
	}
	seg->base = mode == FUZZ_LONG && (which & 0x80) ? base : (u32)base;
	if (mode == FUZZ_LONG)
		seg->base = (u64)((s64)(seg->base << 16) >> 16);
	seg->limit = (u32)fuzz_take(in, 2);
	if (which & 0x40) {
		seg->limit = seg->limit << 16 | 0xfff;
		seg->attr |= ATTR_G;
	} else {
		seg->attr &= (u16)~ATTR_G;
	}
	if (which & 0x20)
		seg->attr ^= 4; /* expands down */
	if (seg == &s->seg[SEG_SS])
		return;
	if (which & 0x10)
		seg->attr ^= 2; /* only to be read */
	if (which == 0x0f)
		*seg = (struct segment){ 0 };
}

/* Pages of FUZZ_DATA: RAM, device memory, nothing; some not present, not to be written, ... */
static void change_page(struct fuzz_input *in, bool wide)
{
	static const u64 places[] = { FUZZ_DATA, 0xa0000,	0xb8000,    FUZZ_NOTHING,
				      0xf0000,	 FUZZ_PT,	0x1ff000,   FUZZ_DATA + 0x3000,
				      0x200000,	 0x10000000000, 0xfee00000, 0 };
	u32 n = FUZZ_DATA / PAGE_SIZE + (u32)fuzz_take(in, 1) % FUZZ_DATA_PAGES;
	u64 entry = places[fuzz_take(in, 1) % ARRAY_SIZE(places)];

	entry |= fuzz_take(in, 1) ^ (PTE_P | PTE_W | PTE_U);
	if (wide)
		entry |= fuzz_take(in, 1) << 56 & (PTE_NX | 0x7800000000000000);
	put64(FUZZ_PT + 8 * n, entry);
	put32(FUZZ_PT32 + 4 * n, (u32)entry);
}

static void set_bits(struct cpu_state *s, enum fuzz_mode mode, u64 bits)
{
	if (bits & 1)
		s->cr0 |= CR0_WP;
	if (bits & 2)
		s->cr0 |= CR0_AM;
	if ((bits & 4) && mode >= FUZZ_PAE && mode <= FUZZ_COMPAT)
		s->efer |= EFER_NXE;
	if (bits & 8)
		s->cr4 |= CR4_SMAP;
	if (bits & 16)
		s->cr4 |= CR4_SMEP;
	if ((bits & 32) && (mode == FUZZ_LONG || mode == FUZZ_COMPAT))
		s->cr4 |= CR4_PKE;
	if (bits & 64) {
		s->dr[0] = FUZZ_DATA + 8;
		s->dr[1] = 0xa0000;
		s->dr[7] = 0x3b01040f;
	}
	if (bits & 128)
		s->cr4 |= CR4_PSE;
}

void fuzz_vm_state(struct vcpu *v, enum fuzz_mode mode, bool user, struct fuzz_input *in)
{
	struct cpu_state *s = &v->state;
	u64 flags, bits = fuzz_take(in, 1);
	unsigned n;

	state_reset(s, &v->regs, 0);
	s->activity = ACTIVITY_RUN;
	set_control(s, mode);
	set_segments(s, mode, user);
	set_bits(s, mode, bits);
	n = (unsigned)fuzz_take(in, 1);
	for (unsigned i = 0; i < n % 4; i++)
		change_segment(s, mode, in);
	for (unsigned i = 0; i < (n >> 2) % 8; i++)
		change_page(in, (s->efer & EFER_NXE) != 0);
	flags = fuzz_take(in, 2);
	v->regs.rflags = RFLAGS_ONE | (flags & (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF |
						RFLAGS_SF | RFLAGS_DF | RFLAGS_OF | RFLAGS_IF));
	if (mode == FUZZ_V86)
		v->regs.rflags |= RFLAGS_VM;
	if (flags & 0x8000)
		v->regs.rflags |= RFLAGS_AC;
	if (flags & 0x4000 && flags & 0x1000)
		v->regs.rflags |= RFLAGS_TF;
	for (unsigned i = 0; i < REG_COUNT; i++)
		v->regs.r[i] = i < 8 || mode == FUZZ_LONG ? fuzz_vm_address(in) : 0;
	v->regs.rip = FUZZ_CODE;
	fake_vcpu_settle(v);
}

/* ---- What entries want -------------------------------------------------------------- */

static void check_limit(const struct segment *s)
{
	check((s->limit & 0xfff) == 0xfff || !(s->attr & ATTR_G));
	check(!(s->limit >> 20) || (s->attr & ATTR_G));
}

static unsigned dpl(const struct segment *s)
{
	return s->attr >> 5 & 3;
}

static void check_v86(const struct cpu_state *s)
{
	for (unsigned i = 0; i < SEG_COUNT; i++)
		check(s->seg[i].base == (u64)s->seg[i].selector << 4 &&
		      s->seg[i].limit == 0xffff && s->seg[i].attr == 0xf3);
	check(s->cpl == 3);
}

void fuzz_vm_check_segments(struct vcpu *v)
{
	const struct cpu_state *s = vcpu_state(v, STATE_ALL);
	const struct segment *cs = &s->seg[SEG_CS], *ss = &s->seg[SEG_SS];

	check((s->tr.attr & (ATTR_P | ATTR_S)) == ATTR_P);
	check((s->tr.attr & 15) == TYPE_BUSY_TSS32 || (s->tr.attr & 15) == TYPE_BUSY_TSS16);
	check(!(s->tr.selector & 4) && s->tr.attr);
	check_limit(&s->tr);
	check(!s->ldtr.attr || ((s->ldtr.attr & 0x9f) == (ATTR_P | TYPE_LDT) &&
				!(s->ldtr.selector & 4)));
	if (v->regs.rflags & RFLAGS_VM) {
		check_v86(s);
		return;
	}
	if (!(s->cr0 & CR0_PE))
		return;
	check((cs->attr & 0x99) == 0x99 || (cs->attr & 0x9f) == 0x93);
	check(cs->attr & 4 ? dpl(cs) <= s->cpl : dpl(cs) == s->cpl);
	check(!(cs->attr & ATTR_L) || !(cs->attr & ATTR_D) || !(s->efer & EFER_LMA));
	check_limit(cs);
	check((cs->selector & 3) == s->cpl && (!ss->attr || dpl(ss) == s->cpl));
	check(!ss->attr || ((ss->attr & 0x9b) == 0x93 && (ss->selector & 3) == s->cpl));
	for (unsigned i = 0; i < SEG_COUNT; i++) {
		const struct segment *seg = &s->seg[i];

		if (i == SEG_CS || !seg->attr)
			continue;
		check((seg->attr & (ATTR_P | ATTR_S | 1)) == (ATTR_P | ATTR_S | 1));
		check(!(seg->attr & 8) || (seg->attr & 2)); /* code is readable */
		check((seg->attr & 0xc) == 0xc || i == SEG_SS ||
		      dpl(seg) >= (seg->selector & 3u));
		check_limit(seg);
	}
}
