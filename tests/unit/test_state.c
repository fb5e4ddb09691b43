/* test_state.c - reset values, and the saved form of a CPU: vm/state.c */
#include "machine.h"

void test_state_register(void);

#define SIGNATURE 0x50654
#define ROOM 2048

static struct cpu_state state;
static struct gpregs regs;

static void start(void)
{
	state_reset(&state, &regs, SIGNATURE);
}

static size_t save(u8 *data)
{
	struct state_buf buf = { .data = data, .size = ROOM };

	memset(data, 0xee, ROOM);
	state_save_cpu(&buf, &state, &regs);
	CU_ASSERT_PTR_NULL(buf.error);
	return buf.at;
}

/* From an exact copy; the error, or NULL.  On error nothing may have changed. */
static const char *load(const u8 *data, size_t size)
{
	u8 *copy = malloc(size ? size : 1);
	struct state_buf buf = { .data = copy, .size = size };
	struct cpu_state s;
	struct gpregs r;
	struct cpu_state s_before;
	struct gpregs r_before;
	int result;

	memset(&s, 0x5a, sizeof(s));
	s_before = s;
	memset(&r, 0x5a, sizeof(r));
	r_before = r;
	memcpy(copy, data, size);
	result = state_load_cpu(&buf, &s, &r);
	free(copy);
	CU_ASSERT_EQUAL(result, buf.error ? -1 : 0);
	if (result) {
		CU_ASSERT_EQUAL(memcmp(&s, &s_before, sizeof(s)), 0);
		CU_ASSERT_EQUAL(memcmp(&r, &r_before, sizeof(r)), 0);
	}
	return buf.error;
}

static void test_cut_off(void)
{
	u8 data[ROOM];
	size_t size;
	unsigned accepted = 0;

	start();
	size = save(data);
	for (size_t n = 0; n < size; n++)
		accepted += load(data, n) == NULL;
	CU_ASSERT_EQUAL(accepted, 0);
	CU_ASSERT_PTR_NULL(load(data, size));
}

static void test_no_room(void)
{
	u8 data[ROOM];
	size_t size;
	unsigned silent = 0;

	start();
	size = save(data);
	for (size_t n = 0; n < size; n++) {
		u8 *small = malloc(n ? n : 1);
		struct state_buf buf = { .data = small, .size = n };

		state_save_cpu(&buf, &state, &regs);
		silent += !buf.error || buf.at > n;
		state_put(&buf, 1, 1); /* nothing after an error */
		silent += buf.at > n;
		free(small);
	}
	CU_ASSERT_EQUAL(silent, 0);
}

static void bad_width(void *width)
{
	u8 data[8];
	struct state_buf buf = { .data = data, .size = sizeof(data) };

	state_put(&buf, 0, *(unsigned *)width);
}

static void test_header(void)
{
	static const u8 expected[] = { 0x53, 0x50, 0x4a, 0x4f, 1, 0, 0, 0 };
	u8 data[64] = { 0 };
	struct state_buf buf = { .data = data, .size = sizeof(data) };
	unsigned three = 3;

	CU_ASSERT(panics(bad_width, &three));
	state_put_header(&buf);
	CU_ASSERT_EQUAL(buf.at, 8);
	CU_ASSERT_EQUAL(memcmp(data, expected, 8), 0);
	state_put(&buf, 0x1122334455667788, 8); /* little-endian, whatever the host is */
	CU_ASSERT_EQUAL(data[8], 0x88);
	CU_ASSERT_EQUAL(data[15], 0x11);
	buf.at = 0;
	state_get_header(&buf);
	CU_ASSERT_PTR_NULL(buf.error);
	CU_ASSERT_EQUAL(state_get(&buf, 2), 0x7788);
	for (unsigned i = 0; i < 8; i++) {
		data[i] ^= 0x40;
		buf = (struct state_buf){ .data = data, .size = sizeof(data) };
		state_get_header(&buf);
		CU_ASSERT_PTR_NOT_NULL(buf.error);
		data[i] ^= 0x40;
	}
	for (size_t n = 0; n < 8; n++) {
		buf = (struct state_buf){ .data = data, .size = n };
		state_get_header(&buf);
		CU_ASSERT_PTR_NOT_NULL(buf.error);
	}
}

static size_t put_section(u8 *data, u32 id, u32 length)
{
	struct state_buf buf = { .data = data, .size = ROOM };
	size_t begin = state_begin_section(&buf, id, 7);

	for (u32 i = 0; i < length; i++)
		state_put(&buf, i, 1);
	state_end_section(&buf, begin);
	return buf.at;
}

static void test_unknown_sections(void)
{
	static const struct {
		u32 id;
		bool accepted;
	} cases[] = {
		{ 4, true }, /* a later version's */
		{ 0xff, true },
		{ 0x80000004, false }, /* it must not be skipped */
		{ STATE_SECTION_END, false },
		{ STATE_SECTION_CPU, false }, /* in the wrong place */
		{ STATE_SECTION_XSAVE, false },
		{ STATE_SECTION_DEVICE_FIRST, false },
		{ 0xffffffff, false },
	};
	u8 cpu[ROOM], data[2 * ROOM];
	size_t size;

	start();
	size = save(cpu);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t n = put_section(data, cases[i].id, 5);

		memcpy(data + n, cpu, size);
		CU_ASSERT_EQUAL(load(data, n + size) == NULL, cases[i].accepted);
	}
}

static void test_sections(void)
{
	u8 data[ROOM];
	size_t n = put_section(data, 0x123, 5);
	struct state_buf buf = { .data = data };
	u32 version, length;

	n += put_section(data + n, 0x456, 0);
	n += put_section(data + n, 0x789, 2);
	buf.size = n;
	CU_ASSERT_EQUAL(state_next_section(&buf, &version, &length), 0x123);
	CU_ASSERT_EQUAL(version, 7);
	CU_ASSERT_EQUAL(length, 5);
	CU_ASSERT_EQUAL(state_get(&buf, 1), 0);
	CU_ASSERT_EQUAL(state_next_section(&buf, &version, &length), 0x456); /* rest skipped */
	CU_ASSERT_EQUAL(length, 0);
	CU_ASSERT_EQUAL(state_next_section(&buf, &version, &length), 0x789);
	CU_ASSERT_EQUAL(state_get(&buf, 2), 0x100);
	CU_ASSERT_EQUAL(state_next_section(&buf, &version, &length), STATE_SECTION_END);
	CU_ASSERT_PTR_NULL(buf.error);
	buf = (struct state_buf){ .data = data, .size = n };
	(void)state_next_section(&buf, &version, &length);
	(void)state_get(&buf, 4);
	CU_ASSERT_EQUAL(state_get(&buf, 2), 0); /* not into the next section */
	CU_ASSERT_PTR_NOT_NULL(buf.error);
	CU_ASSERT_EQUAL(state_next_section(&buf, &version, &length), STATE_SECTION_END);
	data[8] = 0xff; /* longer than the file */
	data[11] = 0xff;
	buf = (struct state_buf){ .data = data, .size = n };
	CU_ASSERT_EQUAL(state_next_section(&buf, &version, &length), STATE_SECTION_END);
	CU_ASSERT_PTR_NOT_NULL(buf.error);
	buf = (struct state_buf){ .data = data, .size = n };
	CU_ASSERT_EQUAL(state_get_max(&buf, 1, 5, "too much"), 0);
	CU_ASSERT_STRING_EQUAL(buf.error, "too much");
	state_refuse(&buf, "later ones do not count");
	CU_ASSERT_STRING_EQUAL(buf.error, "too much");
}

/* Each broken rule has its sentence. */
#define REFUSED(change, word)                                                                      \
	do {                                                                                       \
		u8 data_[ROOM];                                                                    \
		size_t size_;                                                                      \
		const char *error_;                                                                \
		start();                                                                           \
		change;                                                                            \
		size_ = save(data_);                                                               \
		error_ = load(data_, size_);                                                       \
		CU_ASSERT(error_ &&strstr(error_, word));                                          \
	} while (0)

static void test_impossible_values(void)
{
	REFUSED(state.activity = 4, "activity");
	REFUSED(state.activity = 0xff, "activity");
	REFUSED(state.cpl = 4, "CPL");
	REFUSED(state.shadow = 4, "shadow");
	REFUSED(state.seg[SEG_FS].attr = 0x1000, "attributes");
	REFUSED(state.tr.attr = 0xffff, "attributes");
	REFUSED(state.interrupted.type = EVENT_ICEBP + 1, "type");
	REFUSED(state.interrupted.insn_len = 16, "15");
	REFUSED((state.interrupted.type = EVENT_EXCEPTION, state.interrupted.vector = 32), "31");
	REFUSED((state.interrupted.type = EVENT_NMI, state.interrupted.vector = 3), "NMI");
	REFUSED(regs.rflags = 0, "RFLAGS");
	REFUSED(regs.rflags |= BIT(15), "RFLAGS");
	REFUSED(regs.rflags |= BIT(22), "RFLAGS");
	REFUSED(state.cr0 |= BIT(32), "CR0");
	REFUSED(state.cr4 |= BIT(63), "CR4");
	REFUSED(state.cr0 |= CR0_PG, "paging");
	REFUSED(state.cr0 = CR0_NW, "NW");
	REFUSED(state.efer = EFER_LMA, "LMA");
	REFUSED((state_long(&state, &regs, 0), state.efer = EFER_LME), "LMA");
	REFUSED((state_long(&state, &regs, 0), state.cr4 = 0), "PAE");
	REFUSED(regs.rip = BIT(32), "RIP");
	REFUSED(state.dr[7] |= BIT(32), "DR7");
	REFUSED(state.xcr0 = 0, "XCR0");
	REFUSED(state.xcr0 = XCR0_X87 | XCR0_AVX, "XCR0");
	REFUSED(state.pat = 2, "PAT");
	REFUSED(state.pat = 0x0800000000000000, "PAT");
	REFUSED(state.lstar = BIT(47), "canonical");
	REFUSED(state.gdtr.base = BIT(63), "canonical");
	REFUSED(state.seg[SEG_GS].base = BIT(56), "canonical");
	REFUSED(state.seg[SEG_SS].base = BIT(32), "SS");
}

/* Any byte may be anything: an answer, and with it a sentence or a state that saves again. */
static void test_any_byte(void)
{
	u8 data[ROOM];
	size_t size;
	unsigned refused = 0;

	start();
	state_long(&state, &regs, 0x1000);
	size = save(data);
	for (size_t at = 0; at < size; at++) {
		u8 old = data[at];

		for (unsigned v = 0; v < 256; v++) {
			data[at] = (u8)v;
			refused += load(data, size) != NULL;
		}
		data[at] = old;
	}
	CU_ASSERT(refused > 256);
	CU_ASSERT_PTR_NULL(load(data, size));
}

static void test_there_and_back(void)
{
	u8 data[ROOM], again[ROOM];
	struct state_buf buf = { .data = data };

	start();
	state_long(&state, &regs, 0x123000);
	for (unsigned i = 0; i < REG_COUNT; i++)
		regs.r[i] = 0x0101010101010101ull * (i + 1);
	regs.rip = 0xffffffff81000000;
	for (unsigned i = 0; i < SEG_COUNT; i++)
		state.seg[i].selector = (u16)(0x1000 + i);
	state.seg[SEG_FS].base = 0xffff800000001000;
	state.dr[0] = 1, state.dr[1] = 2, state.dr[2] = 3, state.dr[3] = 4;
	state.star = 5, state.lstar = 6, state.cstar = 7, state.sfmask = 8;
	state.kernel_gs_base = 9, state.sysenter_cs = 10, state.sysenter_esp = 11;
	state.sysenter_eip = 12, state.debugctl = 13, state.tsc_aux = 14, state.spec_ctrl = 15;
	state.xcr0 = 7, state.xss = 16, state.pdpte[0] = 17, state.pdpte[3] = 18;
	state.tsc_offset = ~19ull, state.cr2 = 20, state.pkrs = 28;
	state.gdtr = (struct table_register){ 21, 22 };
	state.idtr = (struct table_register){ 23, 24 };
	state.interrupted = (struct event){ EVENT_EXCEPTION, 14, true, 3, 25, 26, 27 };
	state.shadow = SHADOW_MOV_SS;
	state.nmi_blocked = true;
	state.activity = ACTIVITY_HALT;
	state.cpl = 3;
	buf.size = save(data);
	memset(&state, 0, sizeof(state));
	memset(&regs, 0, sizeof(regs));
	CU_ASSERT_EQUAL(state_load_cpu(&buf, &state, &regs), 0);
	CU_ASSERT_EQUAL(save(again), buf.size);
	CU_ASSERT_EQUAL(memcmp(data, again, buf.size), 0);
	CU_ASSERT_EQUAL(regs.r[REG_R15], 0x1010101010101010);
	CU_ASSERT_EQUAL(regs.rip, 0xffffffff81000000);
	CU_ASSERT_EQUAL(state.cr3, 0x123000);
	CU_ASSERT_EQUAL(state.dr[3], 4);
	CU_ASSERT_EQUAL(state.seg[SEG_GS].selector, 0x1005);
	CU_ASSERT_EQUAL(state.seg[SEG_FS].base, 0xffff800000001000);
	CU_ASSERT_EQUAL(state.seg[SEG_CS].attr & SEG_ATTR_L, SEG_ATTR_L);
	CU_ASSERT_EQUAL(state.spec_ctrl, 15);
	CU_ASSERT_EQUAL(state.pkrs, 28);
	CU_ASSERT_EQUAL(state.pdpte[3], 18);
	CU_ASSERT_EQUAL(state.tsc_offset, ~19ull);
	CU_ASSERT_EQUAL(state.idtr.limit, 24);
	CU_ASSERT_EQUAL(state.interrupted.dr6, 27);
	CU_ASSERT(state.interrupted.has_error);
	CU_ASSERT_EQUAL(state.shadow, SHADOW_MOV_SS);
	CU_ASSERT_EQUAL(state.activity, ACTIVITY_HALT);
	CU_ASSERT_EQUAL(state.cpl, 3);
}

/* [SDM] table 9-1 */
static void test_reset(void)
{
	memset(&state, 0xff, sizeof(state));
	start();
	CU_ASSERT_EQUAL(regs.rip, 0xfff0);
	CU_ASSERT_EQUAL(regs.rflags, 2);
	CU_ASSERT_EQUAL(regs.r[REG_RDX], SIGNATURE);
	CU_ASSERT_EQUAL(regs.r[REG_RAX] | regs.r[REG_RSP] | regs.r[REG_R15], 0);
	CU_ASSERT_EQUAL(state.cr0, 0x60000010);
	CU_ASSERT_EQUAL(state.cr2 | state.cr3 | state.cr4 | state.efer, 0);
	CU_ASSERT_EQUAL(state.seg[SEG_CS].selector, 0xf000);
	CU_ASSERT_EQUAL(state.seg[SEG_CS].base, 0xffff0000);
	CU_ASSERT_EQUAL(state.seg[SEG_CS].limit, 0xffff);
	CU_ASSERT_EQUAL(state.seg[SEG_CS].attr & 0x90, 0x90);
	CU_ASSERT_EQUAL(state.seg[SEG_DS].attr, 0x93);
	CU_ASSERT_EQUAL(state.seg[SEG_DS].base, 0);
	CU_ASSERT_EQUAL(state.ldtr.attr, 0x82);
	CU_ASSERT_EQUAL(state.tr.attr, 0x8b);
	CU_ASSERT_EQUAL(state.gdtr.limit, 0xffff);
	CU_ASSERT_EQUAL(state.idtr.limit, 0xffff);
	CU_ASSERT_EQUAL(state.dr[6], 0xffff0ff0);
	CU_ASSERT_EQUAL(state.dr[7], 0x400);
	CU_ASSERT_EQUAL(state.pat, 0x0007040600070406);
	CU_ASSERT_EQUAL(state.xcr0, 1);
	CU_ASSERT_EQUAL(state.tsc_offset | state.lstar | state.debugctl, 0);
	CU_ASSERT_EQUAL(state.activity, ACTIVITY_RUN);
}

static void test_init(void)
{
	start();
	state_long(&state, &regs, 0x5000);
	state.cr0 |= CR0_CD;
	state.pat = 0x0606060606060606;
	state.lstar = 0x1234;
	state.tsc_offset = 99;
	state.xcr0 = 7;
	state.nmi_blocked = true;
	state.debugctl = 1;
	state.interrupted.type = EVENT_INTR;
	state.activity = ACTIVITY_HALT;
	state_init(&state, &regs, SIGNATURE);
	CU_ASSERT_EQUAL(state.cr0, CR0_CD | CR0_ET);
	CU_ASSERT_EQUAL(state.efer | state.cr4 | state.cr3, 0);
	CU_ASSERT_EQUAL(state.seg[SEG_CS].base, 0xffff0000);
	CU_ASSERT_EQUAL(regs.rip, 0xfff0);
	CU_ASSERT_EQUAL(state.pat, 0x0606060606060606); /* kept */
	CU_ASSERT_EQUAL(state.lstar, 0x1234);
	CU_ASSERT_EQUAL(state.tsc_offset, 99);
	CU_ASSERT_EQUAL(state.xcr0, 7);
	CU_ASSERT(!state.nmi_blocked);
	CU_ASSERT_EQUAL(state.interrupted.type, EVENT_NONE);
	CU_ASSERT_EQUAL(state.activity, ACTIVITY_RUN);
	CU_ASSERT_EQUAL(state.debugctl, 0);
}

static void test_loaders(void)
{
	start();
	regs.r[REG_RAX] = 0x2badb002;
	regs.rip = 0x100000;
	state_flat32(&state, &regs);
	CU_ASSERT_EQUAL(state.cr0 & (CR0_PE | CR0_PG), CR0_PE);
	CU_ASSERT_EQUAL(state.seg[SEG_CS].attr, 0xc9b);
	CU_ASSERT_EQUAL(state.seg[SEG_SS].attr, 0xc93);
	CU_ASSERT_EQUAL(state.seg[SEG_CS].limit, 0xffffffff);
	CU_ASSERT_EQUAL(state.seg[SEG_CS].base, 0);
	CU_ASSERT_EQUAL(regs.rflags, 2);
	CU_ASSERT_EQUAL(regs.r[REG_RAX], 0x2badb002); /* left alone */
	CU_ASSERT_EQUAL(regs.rip, 0x100000);
	state_long(&state, &regs, 0x7000);
	CU_ASSERT_EQUAL(state.cr3, 0x7000);
	CU_ASSERT_EQUAL(state.efer, EFER_LME | EFER_LMA);
	CU_ASSERT_EQUAL(state.cr4, CR4_PAE);
	CU_ASSERT(state.cr0 & CR0_PG);
	CU_ASSERT_EQUAL(state.seg[SEG_CS].attr, 0xa9b);
	CU_ASSERT_EQUAL(regs.rip, 0x100000);
}

void test_state_register(void)
{
	CU_pSuite suite = CU_add_suite("state", NULL, NULL);

	CU_add_test(suite, "cut off at every length", test_cut_off);
	CU_add_test(suite, "no room at any length", test_no_room);
	CU_add_test(suite, "header, byte order", test_header);
	CU_add_test(suite, "unknown and misplaced sections", test_unknown_sections);
	CU_add_test(suite, "sections", test_sections);
	CU_add_test(suite, "impossible values", test_impossible_values);
	CU_add_test(suite, "any byte anything", test_any_byte);
	CU_add_test(suite, "there and back", test_there_and_back);
	CU_add_test(suite, "reset", test_reset);
	CU_add_test(suite, "INIT", test_init);
	CU_add_test(suite, "as loaders start a CPU", test_loaders);
}
