/*
 * emulate_memory.c - memory as the guest addresses it
 *
 * Owns: from segment and offset, or a linear address, to RAM and device registers; the faults on
 * that way, in their order: segment, alignment, pages.
 * Must not know: instructions.
 *
 * Sources: [SDM] vol. 3 "Limit Checking" (5.3), "Type Checking" (5.5), "Interrupt 17 - Alignment
 * Check Exception (#AC)" (6.15); "Bus Locking" (8.1.2).
 */
#include "vm/emulate_parts.h"

#include "lib/string.h"
#include "vm/breakpoint.h"
#include "vm/emulate.h"
#include "vm/exchange.h"
#include "vm/vm.h"

/* Registers' sizes, at any address, of whatever type. */
typedef u16 __attribute__((aligned(1), may_alias)) u16_any;
typedef u32 __attribute__((aligned(1), may_alias)) u32_any;
typedef u64 __attribute__((aligned(1), may_alias)) u64_any;

/* The widest access that goes to a device in one piece. */
#define PIECE_MAX 8

/* ---- Devices ------------------------------------------------------------------------ */

static u64 device_read(struct vcpu *v, gpa_t at, unsigned size)
{
	const struct mmio_range *range;
	u64 value = 0;

	if (lapic_page_hit(&v->lapic, at))
		return lapic_mmio_read(&v->lapic, at.v & PAGE_MASK, size);
	range = bus_mmio_find(&v->vm->bus, at);
	if (range)
		return range->read(range->dev, at.v - range->base.v, size);
	/* Memory whose writes go elsewhere than its reads, or nothing. */
	return memory_read(v->vm, at, &value, size) ? ~0ull : value;
}

static void device_write(struct vcpu *v, gpa_t at, unsigned size, u64 value)
{
	const struct mmio_range *range;
	struct vm *vm = v->vm;

	if (lapic_page_hit(&v->lapic, at)) {
		lapic_mmio_write(&v->lapic, at.v & PAGE_MASK, size, value);
		return;
	}
	range = bus_mmio_find(&vm->bus, at);
	if (range)
		range->write(range->dev, at.v - range->base.v, size, value);
	else if (memory_write(vm, at, &value, size) && vm->config.strict)
		vm_end(vm, VM_DEAD,
		       "stored %u bytes to address %#llx, where nothing is, at rip %#llx", size,
		       (unsigned long long)at.v, (unsigned long long)v->regs.rip);
}

u64 emulate_device_read(struct vcpu *v, gpa_t at, unsigned size)
{
	u64 value;

	host_lock(&v->vm->lock);
	value = device_read(v, at, size);
	host_unlock(&v->vm->lock);
	return value;
}

void emulate_device_write(struct vcpu *v, gpa_t at, unsigned size, u64 value)
{
	host_lock(&v->vm->lock);
	device_write(v, at, size, value);
	host_unlock(&v->vm->lock);
}

static inline u32 load32(const u8 *p)
{
	u32 value;

	__builtin_memcpy(&value, p, sizeof(value));
	return value;
}

static inline void store32(u8 *p, u32 value)
{
	__builtin_memcpy(p, &value, sizeof(value));
}

/* The largest aligned piece of an access: devices see what a bus would carry. */
static unsigned piece(u64 at, u64 len)
{
	unsigned size = PIECE_MAX;

	while (size > len || (at & (size - 1)))
		size /= 2;
	return size;
}

static void access_device(struct vcpu *v, gpa_t at, u8 *buf, unsigned len, bool write)
{
	if (likely(len == 4 && !(at.v & 3))) { /* what registers have */
		if (write)
			device_write(v, at, 4, load32(buf));
		else
			store32(buf, (u32)device_read(v, at, 4));
		return;
	}
	while (len) {
		unsigned size = piece(at.v, len);
		u64 value = 0;

		if (write) {
			memcpy(&value, buf, size);
			device_write(v, at, size, value);
		} else {
			value = device_read(v, at, size);
			memcpy(buf, &value, size);
		}
		at.v += size;
		buf += size;
		len -= size;
	}
}

/* ---- Linear addresses ----------------------------------------------------------------- */

/* These want v->state's STATE_EXEC to be fresh. */
static inline bool code64(const struct vcpu *v)
{
	return (v->state.efer & EFER_LMA) && (v->state.seg[SEG_CS].attr & SEG_ATTR_L);
}

static inline bool is_canonical(const struct vcpu *v, u64 gva)
{
	unsigned unused = v->state.cr4 & CR4_LA57 ? 64 - 57 : 64 - 48;

	return !(v->state.efer & EFER_LMA) || (u64)((s64)(gva << unused) >> unused) == gva;
}

static inline bool are_canonical(const struct vcpu *v, u64 gva, unsigned len)
{
	u64 last = gva + len - 1;

	return is_canonical(v, gva) && ((gva ^ last) < PAGE_SIZE || is_canonical(v, last));
}

bool emulate_canonical(struct vcpu *v, u64 gva)
{
	vcpu_state(v, STATE_EXEC);
	return is_canonical(v, gva);
}

bool emulate_code64(struct vcpu *v)
{
	vcpu_state(v, STATE_EXEC);
	return code64(v);
}

/* One page of the place. */
static int locate_page(struct vcpu *v, struct emulate_place *place, unsigned n, unsigned access,
		       struct event *fault)
{
	u64 gva = n ? place->gva + place->first : place->gva;

	if (!(v->state.efer & EFER_LMA))
		gva = (u32)gva;
	return fetch_translate(v, gva, access, &place->at[n], &place->ram[n], fault);
}

static int locate(struct vcpu *v, u64 gva, unsigned len, unsigned access,
		  struct emulate_place *place, struct event *fault)
{
	unsigned on_page = (unsigned)(PAGE_SIZE - (gva & PAGE_MASK));

	place->gva = gva;
	place->len = len;
	place->first = MIN(len, on_page);
	place->write = access & ACCESS_WRITE;
	place->locked = false;
	if (locate_page(v, place, 0, access, fault))
		return -1;
	return unlikely(len > on_page) ? locate_page(v, place, 1, access, fault) : 0;
}

int emulate_locate(struct vcpu *v, u64 gva, unsigned len, unsigned access,
		   struct emulate_place *place, struct event *fault)
{
	check(len && len <= PAGE_SIZE);
	vcpu_state(v, STATE_EXEC);
	if (!are_canonical(v, gva, len))
		return emulate_fault(fault, VECTOR_GP, 0);
	return locate(v, gva, len, access, place, fault);
}

/* What a CPU moves in one access stays one: nobody sees half of it, if it is aligned. */
static void move(void *to, const void *from, unsigned len)
{
	switch (len) {
	case 2:
		*(volatile u16_any *)to = *(const volatile u16_any *)from;
		break;
	case 4:
		*(volatile u32_any *)to = *(const volatile u32_any *)from;
		break;
	case 8:
		*(volatile u64_any *)to = *(const volatile u64_any *)from;
		break;
	default:
		memcpy(to, from, len);
	}
}

/* The part of the place on page n: between RAM or device and buf. */
static void transfer(struct vcpu *v, const struct emulate_place *place, unsigned n, u8 *buf,
		     bool write)
{
	unsigned len = n ? place->len - place->first : place->first;

	if (place->ram[n]) {
		move(write ? place->ram[n] : buf, write ? buf : place->ram[n], len);
		return;
	}
	if (!place->locked)
		host_lock(&v->vm->lock);
	access_device(v, place->at[n], buf, len, write);
	if (!place->locked)
		host_unlock(&v->vm->lock);
}

void emulate_get(struct vcpu *v, const struct emulate_place *place, void *to)
{
	transfer(v, place, 0, to, false);
	if (place->first < place->len)
		transfer(v, place, 1, (u8 *)to + place->first, false);
}

void emulate_put(struct vcpu *v, const struct emulate_place *place, const void *from)
{
	/* Only read from when writing: the cast takes no right away. */
	u8 *buf = (u8 *)(uintptr_t)from;

	transfer(v, place, 0, buf, true);
	if (place->first < place->len)
		transfer(v, place, 1, buf + place->first, true);
}

static int access_linear(struct vcpu *v, u64 gva, void *buf, unsigned len, unsigned access,
			 struct event *fault)
{
	struct emulate_place place;

	if (emulate_locate(v, gva, len, access, &place, fault))
		return -1;
	if (access & ACCESS_WRITE)
		emulate_put(v, &place, buf);
	else
		emulate_get(v, &place, buf);
	return 0;
}

int emulate_read(struct vcpu *v, u64 gva, void *to, unsigned len, bool system, struct event *fault)
{
	return access_linear(v, gva, to, len, ACCESS_READ | (system ? WALK_SYSTEM : 0), fault);
}

int emulate_write(struct vcpu *v, u64 gva, const void *from, unsigned len, bool system,
		  struct event *fault)
{
	/* As in emulate_put. */
	return access_linear(v, gva, (void *)(uintptr_t)from, len,
			     ACCESS_WRITE | (system ? WALK_SYSTEM : 0), fault);
}

/* ---- Read, modify, write ----------------------------------------------------------------- */

/* All of it side by side in RAM, to be exchanged in one access; NULL: it is not. */
static u8 *in_one_access(const struct emulate_place *place)
{
	u8 *at = place->ram[0];

	if (!at || (place->first < place->len && place->ram[1] != at + place->first))
		return NULL;
	return exchange_fits(at, place->len) ? at : NULL;
}

void emulate_begin(struct vcpu *v, struct emulate_place *place)
{
	if (!place->len || in_one_access(place))
		return;
	host_lock(&v->vm->lock);
	place->locked = true;
}

void emulate_end(struct vcpu *v, struct emulate_place *place)
{
	if (place->locked)
		host_unlock(&v->vm->lock);
	place->locked = false;
}

bool emulate_replace(struct vcpu *v, const struct emulate_place *place, const void *old,
		     const void *new)
{
	u8 *at = in_one_access(place);

	if (at)
		return exchange(at, place->len, old, new);
	emulate_put(v, place, new);
	return true;
}

/* ---- Segments ------------------------------------------------------------------------- */

#define TYPE_CODE BIT(3)
#define TYPE_EXPAND_DOWN BIT(2) /* of data */
#define TYPE_RW BIT(1) /* data: writable; code: readable */

static bool within_limit(const struct segment *s, u64 offset, unsigned len)
{
	u64 last = offset + len - 1;
	bool down = !(s->attr & TYPE_CODE) && (s->attr & TYPE_EXPAND_DOWN);

	if (down)
		return offset > s->limit &&
		       last <= (s->attr & SEG_ATTR_DB ? 0xffffffffull : 0xffffull);
	return last <= s->limit;
}

static bool type_allows(const struct segment *s, bool real, bool write)
{
	bool code = s->attr & TYPE_CODE;

	if (!(s->attr & SEG_ATTR_P) || real)
		return s->attr & SEG_ATTR_P;
	return write ? !code && (s->attr & TYPE_RW) : !code || (s->attr & TYPE_RW);
}

/* Outside 64-bit mode. */
static bool segment_allows(struct vcpu *v, enum x86_seg seg, u64 offset, unsigned len, bool write)
{
	const struct segment *s = &vcpu_state(v, STATE_SEG)->seg[seg];
	bool real = !(v->state.cr0 & CR0_PE) || (v->regs.rflags & RFLAGS_VM);

	return type_allows(s, real, write) && within_limit(s, offset, len);
}

/*
 * Only of what code at CPL 3 accesses, of 2, 4 or 8 bytes: a vector that must be aligned has #GP.
 * [SDM] vol. 2 "Exceptions Type 4" (2.4.4)
 */
static inline bool misaligned(const struct vcpu *v, u64 gva, unsigned len)
{
	if (likely(!(v->regs.rflags & RFLAGS_AC)) || !(v->state.cr0 & CR0_AM) || v->state.cpl != 3)
		return false;
	return len <= 8 && !(len & (len - 1)) && (gva & (len - 1));
}

int emulate_locate_in(struct vcpu *v, enum x86_seg seg, u64 offset, unsigned len, bool write,
		      struct emulate_place *place, struct event *fault)
{
	const struct segment *s = &vcpu_state(v, STATE_EXEC)->seg[seg];
	bool allowed;
	u64 gva;

	if (likely(code64(v))) {
		gva = offset + (seg >= SEG_FS ? vcpu_state(v, STATE_SEG)->seg[seg].base : 0);
		allowed = are_canonical(v, gva, len);
	} else {
		allowed = segment_allows(v, seg, offset, len, write);
		gva = (u32)(s->base + offset);
	}
	if (unlikely(!allowed))
		return emulate_fault(fault, seg == SEG_SS ? VECTOR_SS : VECTOR_GP, 0);
	if (unlikely(misaligned(v, gva, len)))
		return emulate_fault(fault, VECTOR_AC, 0);
	return locate(v, gva, len, write ? ACCESS_WRITE : ACCESS_READ, place, fault);
}

int emulate_locate_memory(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd,
			  unsigned len, bool write, struct emulate_place *place,
			  struct event *fault)
{
	return emulate_locate_in(v, insn_seg(insn, opnd),
				 insn_ea(insn, opnd, v->regs.r, v->regs.rip + insn->len), len,
				 write, place, fault);
}

void emulate_watched(struct vcpu *v, const struct emulate_place *place)
{
	breakpoint_data(v, place->gva, place->len, place->write);
}

u64 emulate_stack_mask(struct vcpu *v)
{
	if (emulate_code64(v))
		return ~0ull;
	return vcpu_state(v, STATE_SEG)->seg[SEG_SS].attr & SEG_ATTR_DB ? 0xffffffffull : 0xffffull;
}

int emulate_load(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd, void *to,
		 unsigned len, struct event *fault)
{
	struct emulate_place place;

	if (emulate_locate_operand(v, insn, opnd, len, false, &place, fault))
		return -1;
	emulate_get(v, &place, to);
	emulate_accessed(v, &place);
	return 0;
}
