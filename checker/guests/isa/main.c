/*
 * main.c - see isa.h: the loop over forms, modes and states; the records
 *
 * On the command line: first=N count=N of the table, modes=MASK of enum isa_mode; say=1 tells each
 * execution.
 */
#include "isa.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "x86_ops.h"

#define LINE_SIZE 900
#define WORD_SIZE 32
#define NONCE_SIZE 40
#define UART 0x3f8
#define UART_LSR (UART + 5)
#define LSR_EMPTY BIT(5)
#define UART_FIFO 16
#define PATIENCE 10000000
#define KIND_EXECUTED 0xff
#define KIND_ABSENT 0xfe
#define FNV_BASIS 0xcbf29ce484222325ull
#define HASH_BITS 18 /* three characters */
#define PIT_CHANNEL0 0x40
#define PIT_COMMAND 0x43
#define PIT_ONE_SHOT 0x30 /* channel 0, both bytes, mode 0 */
#define PIT_COUNT 200
#define PIC_MASK_PORT 0x21
#define PIC_MASTER 0x20
#define PIC_EOI 0x20
#define TIMER_ONLY 0xfe
#define NO_TIMER 0xff

struct outcome {
	u8 kind;
	bool resume; /* RF in the pushed flags */
	u16 error;
	u32 hash, system;
};

struct difference {
	struct outcome outcome;
	u8 state, modes;
};

void shoot_long(void);
void shoot_legacy(void);

static const struct {
	u32 leaf;
	u8 subleaf, reg, bit;
} features[] = {
#define ISA_FEATURE(index, name, leaf, subleaf, reg, bit) { leaf, subleaf, reg, bit },
#define ISA_CLASS(...)
#define ISA_FORM(...)
#include "isa_table.h"
#undef ISA_FEATURE
#undef ISA_CLASS
#undef ISA_FORM
};

static const char *const class_modes[][ISA_MODES] = {
#define ISA_FEATURE(...)
#define ISA_CLASS(index, name, ...) { __VA_ARGS__ },
#define ISA_FORM(...)
#include "isa_table.h"
#undef ISA_FEATURE
#undef ISA_CLASS
#undef ISA_FORM
};

#define COUNT_OF(...) (sizeof((u16[]){ __VA_ARGS__ }) / sizeof(u16))
static const struct isa_form forms[] = {
#define ISA_FEATURE(...)
#define ISA_CLASS(...)
#define ISA_FORM(index, name, feature, class, setup, flags, ...)                                   \
	{ feature, class, SETUP_##setup, flags, COUNT_OF(__VA_ARGS__), { __VA_ARGS__ } },
#include "isa_table.h"
#undef ISA_FEATURE
#undef ISA_CLASS
#undef ISA_FORM
};

static bool feature_there[ARRAY_SIZE(features)];
static struct difference differences[ISA_STATES * ISA_MODES];
static unsigned difference_count;
static bool saying;
static u64 wanted_modes;
static char nonce[NONCE_SIZE] = "none";

static void find_features(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
		u32 leaf = features[i].leaf, top = x86_cpuid(leaf & 0x80000000, 0).eax;
		struct cpuid_regs r = x86_cpuid(leaf, features[i].subleaf);
		u32 value[] = { r.eax, r.ebx, r.ecx, r.edx };

		feature_there[i] = top >= leaf && value[features[i].reg] >> features[i].bit & 1;
	}
}

/* ---- One execution -------------------------------------------------------------------- */

static void arm_timer(void)
{
	x86_outb(PIT_COMMAND, PIT_ONE_SHOT);
	x86_outb(PIT_CHANNEL0, PIT_COUNT);
	x86_outb(PIT_CHANNEL0, 0);
	x86_outb(PIC_MASK_PORT, TIMER_ONLY);
}

static void disarm_timer(struct isa_shot *shot)
{
	x86_outb(PIC_MASK_PORT, NO_TIMER);
	if (shot->vector == WAKE_VECTOR)
		x86_outb(PIC_MASTER, PIC_EOI);
	shot->out.rflags &= ~RFLAGS_IF; /* our own STI */
}

static u64 hash_memory(u64 hash, u32 at, const u64 *was, u64 from, u64 to)
{
	const u64 *is = (const u64 *)(uintptr_t)at;

	for (u64 i = from / 8; i < to / 8; i++)
		if (is[i] != was[i])
			hash = state_hash(hash, (is[i] ^ was[i]) + i);
	return hash;
}

/* Below the stack pointer lies what the exit itself pushed, in the modes that have no other stack.
 */
static u64 hash_stack(u64 hash, const struct isa_mode_info *info, const struct isa_shot *shot)
{
	u64 rsp = shot->out.gpr[RSP], from = (info->width == 2 ? (u16)rsp : rsp) - info->stack;

	if (from > ISA_STACK_SIZE)
		from = 0;
	if (from & 7) {
		u64 word = 0;

		memcpy(&word, (const u8 *)ISA_STACK + from, 8 - (from & 7));
		hash = state_hash(hash, word);
		from = ALIGN_UP(from, 8);
	}
	return hash_memory(hash, ISA_STACK, prepare_stack, from, ISA_STACK_SIZE);
}

static u32 hash_of(enum isa_mode mode, const struct isa_shot *shot, u64 hash)
{
	const struct isa_context *in = &shot->in, *out = &shot->out;

	for (unsigned i = 0; i < GPRS; i++) {
		u64 change = in->gpr[i] ^ out->gpr[i];

		if (isa_modes[mode].width != 8)
			change = i < R8 ? (u32)change : 0;
		if (mode == ISA_D3 && i == RSP) /* IRETQ to a 16-bit stack leaves C's upper half */
			change = (u16)change;
		hash = state_hash(hash, change);
	}
	hash = state_hash(hash, in->rip ^ out->rip);
	hash = state_hash(hash, (in->rflags ^ out->rflags) & ~RFLAGS_RF);
	hash = state_hash(hash, (in->ds ^ out->ds) | (in->es ^ out->es) << 16 |
				    (in->fs ^ out->fs) << 32 | (in->gs ^ out->gs) << 48);
	hash = state_hash(hash, in->ss != out->ss);
	hash = state_hash(hash, (in->cs & ~3ull) != (out->cs & ~3ull) ? out->cs & ~3ull : 0);
	hash = hash_memory(hash, ISA_DATA, prepare_data, 0, ISA_DATA_SIZE);
	hash = hash_stack(hash, &isa_modes[mode], shot);
	hash = state_hash_fpu(hash);
	return (u32)((hash ^ hash >> 20 ^ hash >> 40) & BITS(HASH_BITS - 1, 0));
}

static bool came_to_an_end(const struct isa_shot *shot, enum isa_mode mode, unsigned end)
{
	u64 rip = shot->out.rip, code = isa_modes[mode].code;

	return shot->vector == VECTOR_BP &&
	       (rip == code + end + 1 || rip == code + ISA_LANDING + 1 ||
		rip == ISA_CODE + ISA_LANDING + 1);
}

static struct outcome shoot(const struct isa_form *form, enum isa_mode mode, u32 states, bool full)
{
	struct isa_shot *shot = isa_shot();
	bool wakes = form->flags & ISA_FLAG_WAKE && !isa_modes[mode].cpl;
	struct outcome outcome = { 0 };
	u64 hash = FNV_BASIS;
	unsigned end;

	state_load_fpu();
	state_enter(states, mode);
	end = prepare(form, mode, state_flags(states));
	shot->out = shot->in;
	shot->vector = shot->error = 0;
	if (wakes)
		arm_timer();
	if (isa_modes[mode].legacy)
		shoot_legacy();
	else
		shoot_long();
	if (wakes)
		disarm_timer(shot);
	if (prepare_task(form))
		hash = sandbox_hash_tasks(hash);
	outcome.system = state_leave(mode, full);
	outcome.kind = came_to_an_end(shot, mode, end) ? KIND_EXECUTED : (u8)shot->vector;
	outcome.error = outcome.kind == KIND_EXECUTED ? 0 : (u16)shot->error;
	outcome.resume = outcome.kind != KIND_EXECUTED && shot->out.rflags & RFLAGS_RF;
	outcome.hash = hash_of(mode, shot, hash);
	if (saying)
		rt_print(
		    "# mode %u states 0x%x: vector %lu error 0x%lx cs 0x%lx rip 0x%lx rsp 0x%lx "
		    "flags 0x%lx system 0x%x hash 0x%x\n",
		    mode, states, shot->vector, shot->error, shot->out.cs, shot->out.rip,
		    shot->out.gpr[RSP], shot->out.rflags, outcome.system, outcome.hash);
	return outcome;
}

/* ---- One form --------------------------------------------------------------------------- */

static bool executed(const struct outcome *o)
{
	return o->kind == KIND_EXECUTED;
}

/* The hash counts only where something was executed, and if it is the same each time. */
static bool same(const struct outcome *a, const struct outcome *b, bool volatile_hash)
{
	return a->kind == b->kind && a->error == b->error &&
	       !((a->system ^ b->system) & (u32)STATE_CHEAP) &&
	       (volatile_hash || !executed(a) || a->hash == b->hash);
}

static void differ(enum isa_state state, enum isa_mode mode, struct outcome outcome)
{
	struct difference *d = differences;

	outcome.system &= (u32)STATE_CHEAP;
	if (!executed(&outcome))
		outcome.hash = 0;
	for (; d < differences + difference_count; d++)
		if (d->state == state && same(&d->outcome, &outcome, false))
			break;
	if (d == differences + difference_count) {
		difference_count++;
		*d = (struct difference){ outcome, (u8)state, 0 };
	}
	d->modes |= (u8)BIT(mode);
}

static const u32 groups[] = {
	BIT(ISA_GDTR) | BIT(ISA_IDTR) | BIT(ISA_LDTR) | BIT(ISA_TR) | BIT(ISA_MSW) | BIT(ISA_IF) |
	    BIT(ISA_AUX) | BIT(ISA_PIC) | BIT(ISA_DPL) | BIT(ISA_REGS) | BIT(ISA_IOPL) |
	    BIT(ISA_UMIP) | BIT(ISA_TSD) | BIT(ISA_PCE) | BIT(ISA_FSGS) | BIT(ISA_VME) |
	    BIT(ISA_PKE) | BIT(ISA_SCE),
	BIT(ISA_TS) | BIT(ISA_SSE) | BIT(ISA_XSAVE) | BIT(ISA_XCR0),
};

/* As rt_record, but a FIFO at a time: there is much to say, and each access may be an exit. */
PRINTF_LIKE(1, 2) static void speak(const char *format, ...)
{
	char line[LINE_SIZE + NONCE_SIZE + WORD_SIZE];
	const char *p = line;
	va_list args;
	size_t len;

	va_start(args, format);
	len = fmt_vstring(line, sizeof(line), format, args);
	va_end(args);
	while (len) {
		size_t part = MIN(len, UART_FIFO), count = part;

		for (u64 i = 0; i < PATIENCE && !(x86_inb(UART_LSR) & LSR_EMPTY); i++)
			x86_pause();
		__asm__ volatile("rep outsb" : "+S"(p), "+c"(count) : "d"(UART) : "memory");
		len -= part;
	}
}

/* All states of a group at once; only if something is different, one by one. */
static void vary(const struct isa_form *form, enum isa_mode mode, const struct outcome *first,
		 bool volatile_hash)
{
	bool full = first->system & ~(u32)STATE_CHEAP;

	for (unsigned g = 0; g < ARRAY_SIZE(groups); g++) {
		u32 all = 0;
		struct outcome o;

		for (unsigned s = 0; s < ISA_STATES; s++)
			if (groups[g] & BIT(s) && state_possible(s))
				all |= (u32)BIT(s);
		o = shoot(form, mode, all, full);
		if (same(first, &o, volatile_hash))
			continue;
		for (unsigned s = 0; s < ISA_STATES; s++) {
			if (!(all & BIT(s)))
				continue;
			o = shoot(form, mode, (u32)BIT(s), full);
			if (!same(first, &o, volatile_hash))
				differ(s, mode, o);
		}
	}
}

/* Executed at a second time: is it the same? */
static bool changes(const struct isa_form *form, enum isa_mode mode, const struct outcome *first)
{
	struct outcome again;

	if (!executed(first))
		return false;
	again = shoot(form, mode, 0, first->system & ~(u32)STATE_CHEAP);
	return first->hash != again.hash;
}

static int put_outcome(char *to, size_t size, const struct outcome *o, bool hash,
		       bool volatile_hash)
{
	static const char digits[] =
	    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_@";
	int n;

	if (o->kind == KIND_ABSENT)
		return (int)fmt_string(to, size, "-");
	if (executed(o))
		n = (int)fmt_string(to, size, "x");
	else
		n = (int)fmt_string(to, size, "%02x", o->kind);
	if (o->resume)
		to[n++] = '^';
	if (o->error)
		n += (int)fmt_string(to + n, size - (size_t)n, "(%x)", o->error);
	if (hash)
		n += (int)fmt_string(to + n, size - (size_t)n, ".%c%c%c", digits[o->hash & 63],
				     digits[o->hash >> 6 & 63], digits[o->hash >> 12 & 63]);
	if (o->system)
		n += (int)fmt_string(to + n, size - (size_t)n, "!%x", o->system);
	if (volatile_hash)
		n += (int)fmt_string(to + n, size - (size_t)n, "~");
	return n;
}

static bool tried(const struct isa_form *form, enum isa_mode mode)
{
	return wanted_modes >> mode & 1 && class_modes[form->class][mode][0] != '-';
}

/*
 * The first execution in each mode.  What is slow to look at is looked at once, behind all of them;
 * only if something there has changed, behind each.
 */
static void shoot_all(const struct isa_form *form, struct outcome first[ISA_MODES], bool full)
{
	for (unsigned mode = 0; mode < ISA_MODES; mode++) {
		first[mode] = (struct outcome){ .kind = KIND_ABSENT };
		if (tried(form, mode))
			first[mode] = shoot(form, mode, 0, full);
	}
	if (!full && state_look())
		shoot_all(form, first, true);
}

/* All outcomes as a record has them; the end. */
static int put_modes(char *line, const struct outcome first[ISA_MODES],
		     const bool volatile_hash[ISA_MODES])
{
	char word[WORD_SIZE], last[WORD_SIZE] = "";
	int n = 0;

	for (unsigned mode = 0; mode < ISA_MODES; mode++) {
		put_outcome(word, sizeof(word), &first[mode], true, volatile_hash[mode]);
		n += (int)fmt_string(line + n, LINE_SIZE - (size_t)n, " %s",
				     strcmp(word, last) ? word : "=");
		memcpy(last, word, sizeof(last));
	}
	return n;
}

/* If they do not all fit, the record says so in a way that no judge accepts. */
static void put_differences(char *line, int n)
{
	static const char *const state_names[] = ISA_STATE_NAMES;

	for (unsigned i = 0; i < difference_count; i++) {
		const struct difference *d = &differences[i];

		if (n > LINE_SIZE - 2 * WORD_SIZE) {
			fmt_string(line + n, LINE_SIZE - (size_t)n, " cut");
			return;
		}
		n +=
		    (int)fmt_string(line + n, LINE_SIZE - (size_t)n, " %s=", state_names[d->state]);
		n += put_outcome(line + n, LINE_SIZE - (size_t)n, &d->outcome,
				 executed(&d->outcome), false);
		n += (int)fmt_string(line + n, LINE_SIZE - (size_t)n, "/%x", d->modes);
	}
}

static void census_form(unsigned index)
{
	const struct isa_form *form = &forms[index];
	struct outcome first[ISA_MODES];
	bool volatile_hash[ISA_MODES] = { false }, now = false;
	char line[LINE_SIZE];

	difference_count = 0;
	shoot_all(form, first, false);
	for (unsigned mode = 0; mode < ISA_MODES; mode++) {
		if (!tried(form, mode))
			continue;
		if (mode == ISA_L0 || mode == ISA_P0 || now)
			now = changes(form, mode, &first[mode]);
		volatile_hash[mode] = now;
		vary(form, mode, &first[mode], now);
	}
	put_differences(line, put_modes(line, first, volatile_hash));
	speak("@%s " ISA_RECORD " %u %u%s\n", nonce, index, feature_there[form->feature], line);
}

static u32 possible_states(void)
{
	u64 mask = 0;

	for (unsigned s = 0; s < ISA_STATES; s++)
		mask |= state_possible(s) ? BIT(s) : 0;
	return (u32)mask;
}

unsigned probe_main(void)
{
	unsigned first = (unsigned)rt_number("first", 0);
	unsigned count = (unsigned)rt_number("count", ISA_FORM_COUNT);

	rt_word("nonce", nonce, sizeof(nonce));
	saying = rt_number("say", 0);
	wanted_modes = rt_number("modes", BITS(ISA_MODES - 1, 0));
	rt_user_pages();
	memset((void *)ISA_CODE, 0xcc, 0x1000);
	sandbox_init();
	state_init();
	find_features();
	rt_record("isa forms=%u sum=0x%x states=0x%x modes=0x%lx", ISA_FORM_COUNT, ISA_TABLE_SUM,
		  possible_states(), wanted_modes);
	for (unsigned i = first; i < ISA_FORM_COUNT && i - first < count; i++)
		census_form(i);
	rt_record("end");
	return 0;
}
