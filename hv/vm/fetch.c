/* fetch.c - see fetch.h */
#include "vm/fetch.h"

#include "lib/string.h"
#include "vm/vm.h"
#include "vm/walk.h"
#include "vm/xsave.h"

/* Where there is no RAM, an instruction fetch reads what a floating bus gives. */
#define FLOATING 0xff
/* Beside ACCESS_* and WALK_*: */
#define KIND_USER BIT(8)
#define KIND_AC BIT(9)

void *fetch_ram(struct vm *vm, gpa_t a, u64 len)
{
	void *ram = memory_ptr(vm, a, len);

	if (unlikely(!ram) && memory_is_ram(vm, a, len))
		vm_end(vm, VM_DEAD, "no host memory left for address %#llx",
		       (unsigned long long)a.v);
	return ram;
}

/* The same for who only reads: code and page tables may lie in ROM. */
static const void *fetch_view(struct vm *vm, gpa_t a, u64 len)
{
	const void *memory = memory_view(vm, a, len);

	return likely(memory) ? memory : fetch_ram(vm, a, len);
}

/* A walk that sets A and D in ROM changes the VM's own copy of it. */
static void *ram_entry(void *ctx, gpa_t a, unsigned size)
{
	return (void *)(uintptr_t)fetch_view(ctx, a, size);
}

void fetch_walk_mode(struct vcpu *v, struct walk_mode *mode)
{
	const struct cpu_state *state = vcpu_state(v, STATE_EXEC);
	bool pae = (state->cr0 & CR0_PG) && (state->cr4 & CR4_PAE) && !(state->efer & EFER_LMA);

	*mode = (struct walk_mode){
		.cr0 = state->cr0,
		.cr3 = state->cr3,
		.cr4 = state->cr4,
		.efer = state->efer,
		.rflags = v->regs.rflags,
		.cpl = state->cpl,
		.maxphyaddr = (u8)cpuid_maxphyaddr(&v->vm->cpuid),
		.pkru = state->cr4 & CR4_PKE ? xsave_pkru(v) : 0,
		.pkrs = state->cr4 & CR4_PKS ? (u32)vcpu_state(v, STATE_MSR)->pkrs : 0,
		.pdpte = pae ? vcpu_state(v, STATE_PDPTE)->pdpte : NULL,
		.entry = ram_entry,
		.ctx = v->vm,
	};
}

static enum decode_mode decode_mode(const struct cpu_state *state)
{
	u16 attr = state->seg[SEG_CS].attr;

	if ((state->efer & EFER_LMA) && (attr & SEG_ATTR_L))
		return DECODE_64;
	return attr & SEG_ATTR_DB ? DECODE_32 : DECODE_16;
}

u64 fetch_rip_wrapped(struct vcpu *v, u64 next)
{
	return decode_mode(vcpu_state(v, STATE_EXEC)) == DECODE_64 ? next : (u32)next;
}

struct event fetch_page_fault(u64 gva, u32 error)
{
	return (struct event){ .type = EVENT_EXCEPTION,
			       .vector = VECTOR_PF,
			       .has_error = true,
			       .error = error,
			       .cr2 = gva };
}

/* Bytes of one instruction, gathered from one or two pages. */
struct code {
	u8 bytes[INSN_MAX_LEN];
	unsigned len;
	struct walk first; /* the page that it begins on */
	const u8 *ram; /* where, in our memory; NULL: not RAM */
};

static bool read_page(struct vcpu *v, const struct walk_mode *mode, u64 gva, struct code *code,
		      struct walk *w, struct event *fault)
{
	unsigned n = (unsigned)MIN(INSN_MAX_LEN - code->len, PAGE_SIZE - (gva & PAGE_MASK));
	const u8 *ram;

	if (walk(w, mode, gva, ACCESS_FETCH)) {
		*fault = fetch_page_fault(gva, w->error);
		return false;
	}
	ram = fetch_view(v->vm, w->gpa, n);
	if (ram)
		memcpy(code->bytes + code->len, ram, n);
	else
		memset(code->bytes + code->len, FLOATING, n);
	if (!code->len)
		code->ram = ram;
	code->len += n;
	return true;
}

static struct event bad_code(int error)
{
	if (error == -DECODE_UD)
		return (struct event){ .type = EVENT_EXCEPTION, .vector = VECTOR_UD };
	return (struct event){ .type = EVENT_EXCEPTION, .vector = VECTOR_GP, .has_error = true };
}

static bool fetch_slowly(struct vcpu *v, struct code *code, struct insn *insn, struct event *fault)
{
	const struct cpu_state *state = vcpu_state(v, STATE_EXEC);
	enum decode_mode width = decode_mode(state);
	u64 gva = v->regs.rip + (width == DECODE_64 ? 0 : state->seg[SEG_CS].base);
	struct walk_mode mode;
	struct walk second;
	int error;

	if (width != DECODE_64)
		gva = (u32)gva;
	fetch_walk_mode(v, &mode);
	code->len = 0;
	if (!read_page(v, &mode, gva, code, &code->first, fault))
		return false;
	error = decode(insn, code->bytes, code->len, width);
	if (error == -DECODE_SHORT && code->len < INSN_MAX_LEN) {
		gva = ALIGN_UP(gva + 1, PAGE_SIZE);
		if (width != DECODE_64)
			gva = (u32)gva;
		if (!read_page(v, &mode, gva, code, &second, fault))
			return false;
		error = decode(insn, code->bytes, code->len, width);
	}
	if (error) {
		*fault = bad_code(error);
		return false;
	}
	return true;
}

static u64 byte_mask(unsigned bytes)
{
	return bytes >= 8 ? ~0ull : BIT(8 * bytes) - 1;
}

/* Only what can be checked again cheaply is kept: RAM, and 16 readable bytes on one page. */
static bool keepable(const struct code *code)
{
	if (!code->ram || (code->first.gpa.v & PAGE_MASK) > PAGE_SIZE - 16)
		return false;
	for (unsigned i = 0; i < code->first.count; i++)
		if (!code->first.entry[i].ptr ||
		    (code->first.entry[i].at.v & PAGE_MASK) > PAGE_SIZE - 8)
			return false; /* eight bytes are compared, whatever its size */
	return true;
}

static void keep(struct vcpu *v, struct fetch_entry *e, const struct code *code)
{
	unsigned len = e->insn.len;
	bool plain;

	e->cr3 = v->state.cr3;
	e->cs = v->state.seg[SEG_CS];
	e->walk_count = (u8)code->first.count;
	e->value_mask = byte_mask(code->first.entry_size);
	for (unsigned i = 0; i < code->first.count; i++) {
		e->entry[i] = code->first.entry[i].ptr;
		e->value[i] = code->first.entry[i].value;
	}
	for (unsigned i = code->first.count; i < FETCH_WALK_MAX; i++)
		e->entry[i] = (const u8 *)&e->value[i];
	plain = len <= 8 && !((v->regs.rip ^ (v->regs.rip + len)) >> 32) &&
		(!e->walk_count || (e->walk_count <= 4 && code->first.entry_size == 8));
	e->bytes = code->ram;
	e->mask[0] = byte_mask(len);
	e->mask[1] = len > 8 ? byte_mask(len - 8) : 0;
	memcpy(e->code, code->bytes, len);
	e->rip = v->regs.rip;
	e->epoch = v->mode_epoch;
	e->plain_epoch = plain ? e->epoch : 0;
}

/* Is all that the entry rests on still the same in memory? */
static bool same_memory(const struct fetch_entry *e)
{
	u64 changed = (load64(e->bytes) ^ e->code[0]) & e->mask[0];

	if (e->mask[1])
		changed |= (load64(e->bytes + 8) ^ e->code[1]) & e->mask[1];
	for (unsigned i = 0; i < e->walk_count; i++)
		changed |= (load64(e->entry[i]) ^ e->value[i]) & e->value_mask;
	return !changed;
}

const struct insn *fetch_insn(struct vcpu *v, struct event *fault)
{
	const struct cpu_state *state = vcpu_state(v, STATE_EXEC);
	struct fetch_entry *e = fetch_slot(&v->fetch, v->regs.rip, state->cr3);
	struct code code;

	if (likely(fetch_known(&v->fetch, v->mode_epoch, v->regs.rip, state->cr3,
			       &state->seg[SEG_CS]))) {
		v->fetch.hits++;
		return &e->insn;
	}
	if (e->rip == v->regs.rip && e->epoch == v->mode_epoch &&
	    fetch_same_code(e, state->cr3, &state->seg[SEG_CS]) && same_memory(e)) {
		v->fetch.hits++;
		return &e->insn;
	}
	v->fetch.misses++;
	e->epoch = 0;
	e->plain_epoch = 0;
	if (!fetch_slowly(v, &code, &e->insn, fault))
		return NULL;
	if (keepable(&code))
		keep(v, e, &code);
	return &e->insn;
}

/* ---- Data ----------------------------------------------------------------------- */

/*
 * Is all that the translation rests on still the same in memory?  With four entries of eight bytes,
 * or none, that takes no decision: those that were not walked point to their own value.
 */
static inline bool same_walk(const struct fetch_page *p)
{
	u64 changed = 0;

	if (likely(p->plain))
		return load64(p->entry[0]) == p->value[0] && load64(p->entry[1]) == p->value[1] &&
		       load64(p->entry[2]) == p->value[2] && load64(p->entry[3]) == p->value[3];
	for (unsigned i = 0; i < p->walk_count; i++)
		changed |= (load64(p->entry[i]) ^ p->value[i]) & p->value_mask;
	return !changed;
}

/* Who accesses, and how: what the rights depend on besides CR0, CR4 and EFER. */
static u16 access_kind(const struct vcpu *v, unsigned access)
{
	u64 ac = v->regs.rflags & RFLAGS_AC ? KIND_AC : 0;

	return (u16)(access | ac | (v->state.cpl == 3 ? KIND_USER : 0));
}

/* Keys may change without an exit; entries that are no memory cannot be compared. */
static bool page_keepable(const struct vcpu *v, const struct walk *w)
{
	for (unsigned i = 0; i < w->count; i++)
		if (!w->entry[i].ptr || (w->entry[i].at.v & PAGE_MASK) > PAGE_SIZE - 8)
			return false;
	return !(v->state.cr4 & (CR4_PKE | CR4_PKS));
}

static void keep_page(struct vcpu *v, struct fetch_page *p, u64 gva, u16 kind, const struct walk *w)
{
	p->page = gva >> PAGE_SHIFT;
	p->cr3 = v->state.cr3;
	p->epoch = v->mode_epoch;
	p->kind = kind;
	p->gpa = gpa(w->gpa.v & ~PAGE_MASK);
	p->walk_count = (u8)w->count;
	p->value_mask = byte_mask(w->entry_size);
	p->plain = !w->count || (w->count <= 4 && w->entry_size == 8);
	for (unsigned i = 0; i < w->count; i++) {
		p->entry[i] = w->entry[i].ptr;
		p->value[i] = w->entry[i].value;
	}
	for (unsigned i = w->count; i < FETCH_WALK_MAX; i++)
		p->entry[i] = (const u8 *)&p->value[i];
}

int fetch_translate(struct vcpu *v, u64 gva, unsigned access, gpa_t *at, u8 **ram,
		    struct event *fault)
{
	const struct cpu_state *state = vcpu_state(v, STATE_EXEC);
	u16 kind = access_kind(v, access);
	struct fetch_page *p =
		&v->fetch.page[((gva ^ state->cr3) >> PAGE_SHIFT ^ !!(access & ACCESS_WRITE)) %
			       FETCH_PAGES];
	struct walk_mode mode;
	struct walk w;

	if (likely(p->page == gva >> PAGE_SHIFT && p->epoch == v->mode_epoch && p->kind == kind &&
		   p->cr3 == state->cr3 && same_walk(p))) {
		*at = gpa(p->gpa.v | (gva & PAGE_MASK));
		*ram = p->ram ? p->ram + (gva & PAGE_MASK) : NULL;
		return 0;
	}
	p->epoch = 0;
	fetch_walk_mode(v, &mode);
	if (walk(&w, &mode, gva, access | WALK_SET_AD)) {
		*fault = fetch_page_fault(gva, w.error);
		return -1;
	}
	if (access & ACCESS_WRITE)
		memory_stored(v->vm, gpa(w.gpa.v & ~PAGE_MASK), PAGE_SIZE);
	p->ram = fetch_ram(v->vm, gpa(w.gpa.v & ~PAGE_MASK), PAGE_SIZE);
	if (page_keepable(v, &w))
		keep_page(v, p, gva, kind, &w);
	*at = w.gpa;
	*ram = p->ram ? p->ram + (gva & PAGE_MASK) : NULL;
	return 0;
}

void fetch_flush(struct vcpu *v)
{
	for (unsigned i = 0; i < FETCH_ENTRIES; i++)
		v->fetch.entry[i].epoch = v->fetch.entry[i].plain_epoch = 0;
	for (unsigned i = 0; i < FETCH_PAGES; i++)
		v->fetch.page[i].epoch = 0;
}
