/* state.c - see state.h; pure, tested on the host */
#include "vm/state.h"

#include "host.h"
#include "lib/string.h"

#define RESET_SELECTOR 0xf000
#define RESET_BASE 0xffff0000ull
#define RESET_RIP 0xfff0
#define SEGMENT_64K 0xffffu
#define SEGMENT_4G 0xffffffffu
#define DR6_RESET DR6_FIXED
#define DR7_RESET DR7_FIXED

/* Types as CPUs load them: accessed, the TSS busy. */
#define TYPE_DATA 3  /* writable */
#define TYPE_CODE 11 /* readable */
#define TYPE_LDT 2
#define TYPE_TSS_BUSY 11
#define ATTR_DATA (SEG_ATTR_P | SEG_ATTR_S | TYPE_DATA)
#define ATTR_CODE (SEG_ATTR_P | SEG_ATTR_S | TYPE_CODE)
#define FLAT_CS_SELECTOR 0x08
#define FLAT_DS_SELECTOR 0x10
#define LONG_CS_SELECTOR 0x10
#define LONG_DS_SELECTOR 0x18

#define GPREGS_VERSION 1
#define CPU_VERSION_FIRST 1
#define CPU_VERSION 2 /* with PKRS */
#define NAMES_VERSION 1

/* ---- Reset and loaders -------------------------------------------------------- */

/* What RESET and INIT both do. */
static void reset_common(struct cpu_state *s, struct gpregs *regs, u32 signature)
{
	const struct segment data = { 0, ATTR_DATA, SEGMENT_64K, 0 };

	*regs = (struct gpregs){ .rip = RESET_RIP, .rflags = RFLAGS_ONE };
	regs->r[REG_RDX] = signature;
	s->cr2 = s->cr3 = s->cr4 = s->efer = 0;
	s->cpl = 0;
	for (unsigned i = 0; i < SEG_COUNT; i++)
		s->seg[i] = data;
	s->seg[SEG_CS] = (struct segment){ RESET_SELECTOR, ATTR_CODE, SEGMENT_64K, RESET_BASE };
	s->ldtr = (struct segment){ 0, SEG_ATTR_P | TYPE_LDT, SEGMENT_64K, 0 };
	s->tr = (struct segment){ 0, SEG_ATTR_P | TYPE_TSS_BUSY, SEGMENT_64K, 0 };
	s->gdtr = s->idtr = (struct table_register){ 0, SEGMENT_64K };
	memset(s->dr, 0, sizeof(s->dr));
	s->dr[6] = DR6_RESET;
	s->dr[7] = DR7_RESET;
	memset(s->pdpte, 0, sizeof(s->pdpte));
	s->shadow = 0;
	s->nmi_blocked = false;
	s->interrupted = (struct event){ 0 };
	s->activity = ACTIVITY_RUN;
}

void state_reset(struct cpu_state *state, struct gpregs *regs, u32 signature)
{
	*state = (struct cpu_state){ .pat = PAT_RESET, .xcr0 = XCR0_X87 };
	reset_common(state, regs, signature);
	state->cr0 = CR0_CD | CR0_NW | CR0_ET;
}

void state_init(struct cpu_state *state, struct gpregs *regs, u32 signature)
{
	u64 kept = state->cr0 & (CR0_CD | CR0_NW);

	reset_common(state, regs, signature);
	state->cr0 = kept | CR0_ET;
	state->debugctl = 0;
}

static void set_flat(struct cpu_state *s, u16 cs, u16 code_attr, u16 ds)
{
	const u16 big = SEG_ATTR_DB | SEG_ATTR_G;

	for (unsigned i = 0; i < SEG_COUNT; i++)
		s->seg[i] = (struct segment){ ds, ATTR_DATA | big, SEGMENT_4G, 0 };
	s->seg[SEG_CS] = (struct segment){ cs, code_attr, SEGMENT_4G, 0 };
	s->cpl = 0;
}

void state_flat32(struct cpu_state *state, struct gpregs *regs)
{
	set_flat(state, FLAT_CS_SELECTOR, ATTR_CODE | SEG_ATTR_DB | SEG_ATTR_G, FLAT_DS_SELECTOR);
	state->cr0 = CR0_PE | CR0_ET;
	state->cr4 = 0;
	state->efer = 0;
	regs->rflags = RFLAGS_ONE;
}

void state_long(struct cpu_state *state, struct gpregs *regs, u64 cr3)
{
	set_flat(state, LONG_CS_SELECTOR, ATTR_CODE | SEG_ATTR_L | SEG_ATTR_G, LONG_DS_SELECTOR);
	state->cr0 = CR0_PE | CR0_ET | CR0_PG;
	state->cr3 = cr3;
	state->cr4 = CR4_PAE;
	state->efer = EFER_LME | EFER_LMA;
	regs->rflags = RFLAGS_ONE;
}

/* ---- The buffer --------------------------------------------------------------- */

int state_refuse(struct state_buf *buf, const char *problem)
{
	if (!buf->error)
		buf->error = problem ? problem : "a value of the saved state is out of its range";
	return -1;
}

static void put_at(u8 *p, u64 value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (u8)(value >> (8 * i));
}

static void put_raw(struct state_buf *buf, const void *data, size_t len)
{
	if (buf->error)
		return;
	if (len > buf->size - buf->at) {
		state_refuse(buf, "the buffer is too small for the state");
		return;
	}
	memcpy(buf->data + buf->at, data, len);
	buf->at += len;
}

static void put_number(struct state_buf *buf, u64 value, unsigned bytes)
{
	u8 raw[8];

	check(bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
	put_at(raw, value, bytes);
	put_raw(buf, raw, bytes);
}

/* ---- Names -------------------------------------------------------------------- */

void state_scope(struct state_buf *buf, const char *scope)
{
	if (!buf->names)
		return;
	buf->names->scope = scope;
	buf->names->last = NULL;
}

/* Only numbers join: an array is written in a loop of them. */
static bool joins(const struct state_names *names, u32 bytes, const char *name)
{
	return names->last == name && names->last_bytes == bytes && !(bytes & STATE_NAME_BYTES);
}

static void put_name(struct state_buf *buf, u32 bytes, const char *name)
{
	struct state_names *names = buf->names;
	struct state_buf *text;

	if (!names || buf->error)
		return;
	text = &names->text;
	if (joins(names, bytes, name)) {
		put_at(text->data + names->last_at, ++names->last_count, 4);
		return;
	}
	names->last = name;
	names->last_at = text->at;
	names->last_bytes = bytes;
	names->last_count = 1;
	put_number(text, names->last_count, 4);
	put_number(text, bytes, 4);
	if (names->scope) {
		put_raw(text, names->scope, strlen(names->scope));
		put_raw(text, "\t", 1);
	}
	put_raw(text, name, strlen(name) + 1);
	if (text->error)
		state_refuse(buf, text->error);
}

void state_put_bytes_named(struct state_buf *buf, const void *data, size_t len, const char *name)
{
	put_raw(buf, data, len);
	put_name(buf, (u32)len | STATE_NAME_BYTES, name);
}

void state_put_named(struct state_buf *buf, u64 value, unsigned bytes, const char *name)
{
	put_number(buf, value, bytes);
	put_name(buf, bytes, name);
}

void state_put_names(struct state_buf *buf)
{
	struct state_names *names = buf->names;
	size_t begin;

	buf->names = NULL; /* names have none */
	begin = state_begin_section(buf, STATE_SECTION_NAMES, NAMES_VERSION);
	put_raw(buf, names->text.data, names->text.at);
	state_end_section(buf, begin);
}

/* ---- Reading ------------------------------------------------------------------ */

void state_get_bytes(struct state_buf *buf, void *data, size_t len)
{
	size_t end = buf->section_end ? buf->section_end : buf->size;

	if (!buf->error && len > end - buf->at)
		state_refuse(buf, buf->section_end ? "a section of the saved state is too short"
						   : "the saved state is cut off");
	if (buf->error) {
		memset(data, 0, len);
		return;
	}
	memcpy(data, buf->data + buf->at, len);
	buf->at += len;
}

u64 state_get(struct state_buf *buf, unsigned bytes)
{
	u8 raw[8];
	u64 value = 0;

	check(bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
	state_get_bytes(buf, raw, bytes);
	for (unsigned i = 0; i < bytes; i++)
		value |= (u64)raw[i] << (8 * i);
	return value;
}

u64 state_get_max(struct state_buf *buf, unsigned bytes, u64 max, const char *problem)
{
	u64 value = state_get(buf, bytes);

	if (value <= max)
		return value;
	state_refuse(buf, problem);
	return 0;
}

/* ---- Sections ----------------------------------------------------------------- */

void state_put_header(struct state_buf *buf)
{
	put_number(buf, STATE_MAGIC, 4);
	put_number(buf, STATE_FORMAT, 4);
}

void state_get_header(struct state_buf *buf)
{
	if (state_get(buf, 4) != STATE_MAGIC)
		state_refuse(buf, "this is no saved state");
	if (state_get(buf, 4) != STATE_FORMAT)
		state_refuse(buf, "the saved state has an unknown format");
}

size_t state_begin_section(struct state_buf *buf, u32 id, u32 version)
{
	state_scope(buf, NULL);
	put_number(buf, id, 4);
	put_number(buf, version, 4);
	put_number(buf, 0, 4);
	return buf->at;
}

void state_end_section(struct state_buf *buf, size_t begin)
{
	if (!buf->error)
		put_at(buf->data + begin - 4, buf->at - begin, 4);
}

u32 state_next_section(struct state_buf *buf, u32 *version, u32 *length)
{
	u32 id;

	*version = *length = 0;
	if (buf->section_end && !buf->error)
		buf->at = buf->section_end;
	buf->section_end = 0;
	if (buf->error || buf->at == buf->size)
		return STATE_SECTION_END;
	id = (u32)state_get(buf, 4);
	buf->version = (u32)state_get(buf, 4);
	*length = (u32)state_get(buf, 4);
	if (!buf->error && *length > buf->size - buf->at)
		state_refuse(buf, "the saved state is cut off");
	if (buf->error)
		return STATE_SECTION_END;
	*version = buf->version;
	buf->section_end = buf->at + *length;
	return id;
}

void state_skip_section(struct state_buf *buf, u32 id)
{
	if (id & STATE_SECTION_REQUIRED)
		state_refuse(buf,
			     "the saved state needs something that this version does not know");
}

/* ---- A CPU -------------------------------------------------------------------- */

static void put_segment(struct state_buf *buf, const char *name, const struct segment *s)
{
	state_scope(buf, name);
	state_put(buf, s->selector, 2);
	state_put(buf, s->attr, 2);
	state_put(buf, s->limit, 4);
	state_put(buf, s->base, 8);
}

static void get_segment(struct state_buf *buf, struct segment *s)
{
	s->selector = (u16)state_get(buf, 2);
	s->attr = (u16)state_get_max(buf, 2, BITS(11, 0), "a segment has unknown attributes");
	s->limit = (u32)state_get(buf, 4);
	s->base = state_get(buf, 8);
}

void state_put_event(struct state_buf *buf, const struct event *e)
{
	state_put(buf, e->type, 1);
	state_put(buf, e->vector, 1);
	state_put(buf, e->has_error, 1);
	state_put(buf, e->insn_len, 1);
	state_put(buf, e->error, 4);
	state_put(buf, e->cr2, 8);
	state_put(buf, e->dr6, 8);
}

#define INSN_MAX 15 /* bytes */
#define EXCEPTIONS 32

void state_get_event(struct state_buf *buf, struct event *e)
{
	e->type =
	    (u8)state_get_max(buf, 1, EVENT_ICEBP, "an interrupted event has an unknown type");
	e->vector = (u8)state_get(buf, 1);
	e->has_error = state_get_max(buf, 1, 1, NULL);
	e->insn_len = (u8)state_get_max(buf, 1, INSN_MAX, "an instruction is longer than 15 bytes");
	e->error = (u32)state_get(buf, 4);
	e->cr2 = state_get(buf, 8);
	e->dr6 = state_get(buf, 8);
	if ((e->type == EVENT_EXCEPTION || e->type == EVENT_SOFT_EXCEPTION) &&
	    e->vector >= EXCEPTIONS)
		state_refuse(buf, "an interrupted exception has a vector above 31");
	if (e->type == EVENT_NMI && e->vector != VECTOR_NMI)
		state_refuse(buf, "an interrupted NMI has another vector than 2");
}

/*
 * The plain 64-bit registers of the CPU section, in their order there, which never
 * changes: what is new is appended to the section, with a higher version.
 */
/* clang-format off */
#define CPU_REGISTERS(X)                                            \
	X(cr0) X(cr3) X(cr4) X(efer) X(cr2)                         \
	X(dr[0]) X(dr[1]) X(dr[2]) X(dr[3]) X(dr[6]) X(dr[7])       \
	X(star) X(lstar) X(cstar) X(sfmask) X(kernel_gs_base)       \
	X(sysenter_cs) X(sysenter_esp) X(sysenter_eip)              \
	X(pat) X(debugctl) X(tsc_aux) X(spec_ctrl) X(xcr0) X(xss)   \
	X(pdpte[0]) X(pdpte[1]) X(pdpte[2]) X(pdpte[3]) X(tsc_offset)
/* clang-format on */

static const char *const segment_name[SEG_COUNT] = {
	[SEG_ES] = "es", [SEG_CS] = "cs", [SEG_SS] = "ss",
	[SEG_DS] = "ds", [SEG_FS] = "fs", [SEG_GS] = "gs",
};

static void put_cpu(struct state_buf *buf, const struct cpu_state *s)
{
	size_t begin = state_begin_section(buf, STATE_SECTION_CPU, CPU_VERSION);

#define X(name) state_put(buf, s->name, 8);
	CPU_REGISTERS(X)
#undef X
	for (unsigned i = 0; i < SEG_COUNT; i++)
		put_segment(buf, segment_name[i], &s->seg[i]);
	put_segment(buf, "ldtr", &s->ldtr);
	put_segment(buf, "tr", &s->tr);
	state_scope(buf, NULL);
	state_put(buf, s->gdtr.base, 8);
	state_put(buf, s->gdtr.limit, 2);
	state_put(buf, s->idtr.base, 8);
	state_put(buf, s->idtr.limit, 2);
	state_put(buf, s->cpl, 1);
	state_put(buf, s->shadow, 1);
	state_put(buf, s->nmi_blocked, 1);
	state_scope(buf, "interrupted");
	state_put_event(buf, &s->interrupted);
	state_scope(buf, NULL);
	state_put(buf, s->activity, 1);
	state_put(buf, s->pkrs, 8);
	state_end_section(buf, begin);
}

static void get_cpu(struct state_buf *buf, struct cpu_state *s)
{
#define X(name) s->name = state_get(buf, 8);
	CPU_REGISTERS(X)
#undef X
	for (unsigned i = 0; i < SEG_COUNT; i++)
		get_segment(buf, &s->seg[i]);
	get_segment(buf, &s->ldtr);
	get_segment(buf, &s->tr);
	s->gdtr.base = state_get(buf, 8);
	s->gdtr.limit = (u16)state_get(buf, 2);
	s->idtr.base = state_get(buf, 8);
	s->idtr.limit = (u16)state_get(buf, 2);
	s->cpl = (u8)state_get_max(buf, 1, 3, "the CPL is above 3");
	s->shadow =
	    (u8)state_get_max(buf, 1, SHADOW_STI | SHADOW_MOV_SS, "an interrupt shadow is unknown");
	s->nmi_blocked = state_get_max(buf, 1, 1, NULL);
	state_get_event(buf, &s->interrupted);
	s->activity = (u8)state_get_max(buf, 1, ACTIVITY_SHUTDOWN, "the CPU's activity is unknown");
	if (buf->version >= 2)
		s->pkrs = state_get_max(buf, 8, ~0u, "PKRS has more than 32 bits");
}

static void put_gpregs(struct state_buf *buf, const struct gpregs *regs)
{
	size_t begin = state_begin_section(buf, STATE_SECTION_GPREGS, GPREGS_VERSION);

	for (unsigned i = 0; i < REG_COUNT; i++)
		state_put(buf, regs->r[i], 8);
	state_put(buf, regs->rip, 8);
	state_put(buf, regs->rflags, 8);
	state_end_section(buf, begin);
}

static void get_gpregs(struct state_buf *buf, struct gpregs *regs)
{
	for (unsigned i = 0; i < REG_COUNT; i++)
		regs->r[i] = state_get(buf, 8);
	regs->rip = state_get(buf, 8);
	regs->rflags = state_get(buf, 8);
}

#define RFLAGS_KNOWN (BITS(21, 0) & ~(BIT(3) | BIT(5) | BIT(15)))
#define PAT_TYPES 8
#define PAT_TYPES_RESERVED (BIT(2) | BIT(3))

static bool canonical(const struct cpu_state *s, u64 a)
{
	unsigned bits = s->cr4 & CR4_LA57 ? 57 : 48;
	s64 top = (s64)a >> (bits - 1);

	return top == 0 || top == -1;
}

/* [SDM] "IA32_PAT MSR" (11.12.2): eight types of a byte each. */
static bool pat_valid(u64 pat)
{
	for (unsigned i = 0; i < sizeof(pat); i++, pat >>= 8)
		if ((pat & 0xff) >= PAT_TYPES || BIT(pat & 7) & PAT_TYPES_RESERVED)
			return false;
	return true;
}

/*
 * The rules between registers that hold for every CPU: [SDM] "Control Registers" (2.5),
 * "Enabling... IA-32e Mode" (9.8.5), "XCR0" (2.6), "Canonical Addressing" (vol. 1, 3.3.7.1).
 * Returns the sentence of the first one broken, or NULL.
 */
static const char *find_fault(const struct cpu_state *s, const struct gpregs *regs)
{
	bool long_mode = s->efer & EFER_LMA;
	const u64 address[] = { s->lstar,
				s->cstar,
				s->kernel_gs_base,
				s->sysenter_esp,
				s->sysenter_eip,
				s->gdtr.base,
				s->idtr.base,
				s->seg[SEG_FS].base,
				s->seg[SEG_GS].base,
				s->ldtr.base,
				s->tr.base };

	if ((regs->rflags & ~RFLAGS_KNOWN) || !(regs->rflags & RFLAGS_ONE))
		return "RFLAGS has impossible bits";
	if ((s->cr0 | s->cr4) & BITS(63, 32))
		return "CR0 or CR4 has bits above 31";
	if (s->cr0 & CR0_PG && !(s->cr0 & CR0_PE))
		return "CR0 has paging without protection";
	if (s->cr0 & CR0_NW && !(s->cr0 & CR0_CD))
		return "CR0 has NW without CD";
	if (long_mode != (s->efer & EFER_LME && s->cr0 & CR0_PG))
		return "EFER.LMA contradicts EFER.LME and CR0.PG";
	if (long_mode && !(s->cr4 & CR4_PAE))
		return "long mode without CR4.PAE";
	if (!long_mode && regs->rip & BITS(63, 32))
		return "RIP has bits above 31 outside of long mode";
	if ((s->dr[6] | s->dr[7]) & BITS(63, 32))
		return "DR6 or DR7 has bits above 31";
	if (!(s->xcr0 & XCR0_X87) || (s->xcr0 & XCR0_AVX && !(s->xcr0 & XCR0_SSE)))
		return "XCR0 is impossible";
	if (!pat_valid(s->pat))
		return "the PAT has unknown memory types";
	for (unsigned i = SEG_ES; i <= SEG_DS; i++)
		if (s->seg[i].base & BITS(63, 32))
			return "the base of ES, CS, SS or DS has bits above 31";
	for (unsigned i = 0; i < ARRAY_SIZE(address); i++)
		if (!canonical(s, address[i]))
			return "a base or entry address is not canonical";
	return NULL;
}

void state_save_cpu(struct state_buf *buf, const struct cpu_state *state, const struct gpregs *regs)
{
	put_gpregs(buf, regs);
	put_cpu(buf, state);
}

/* Go on to the next section of this id and version, past sections that nobody knows. */
static void find_section(struct state_buf *buf, u32 wanted, u32 version)
{
	u32 id, found, length;

	do {
		id = state_next_section(buf, &found, &length);
		if (id == wanted)
			break;
		if (id <= STATE_SECTION_XSAVE ||
		    (id >= STATE_SECTION_DEVICE_FIRST && !(id & STATE_SECTION_REQUIRED)))
			state_refuse(buf, "the saved state lacks a section of the CPU");
		state_skip_section(buf, id);
	} while (!buf->error);
	if (!buf->error && found < version)
		state_refuse(buf, "a section of the CPU has version 0");
}

int state_load_cpu(struct state_buf *buf, struct cpu_state *state, struct gpregs *regs)
{
	struct cpu_state s = *state;
	struct gpregs r;
	const char *fault;

	find_section(buf, STATE_SECTION_GPREGS, GPREGS_VERSION);
	get_gpregs(buf, &r);
	find_section(buf, STATE_SECTION_CPU, CPU_VERSION_FIRST);
	get_cpu(buf, &s);
	fault = find_fault(&s, &r);
	if (fault)
		state_refuse(buf, fault);
	if (buf->error)
		return -1;
	*state = s;
	*regs = r;
	return 0;
}
