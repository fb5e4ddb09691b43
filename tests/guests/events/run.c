/* run.c - see run.h */
#include "run.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "x86_ops.h"

#define GATES 256
#define FRESH_FIRST MiB(24) /* RAM from here on belongs to fresh_page */
#define LARGE_PAGE MiB(2)
#define CPUID_1_ECX_XSAVE BIT(26)
#define LOG_SIZE 512
#define RUNAWAY 60 /* events in one case: it does not end */
#define RUNAWAY_COUNTED 100000
#define OR " or "
#define END_MARK '$'

struct mark {
	u64 at, letter;
};

extern const char __start_cases[], __stop_cases[], case_end[];
extern const struct mark __start_marks[], __stop_marks[];
void case_run(const void *code, u64 argument);

unsigned seen[256];
bool count_only, no_eoi;
unsigned interrupts_total, interrupts_at_a;

static u8 df_stack[RT_STACK] ALIGNED(16);
static const struct event_case *current; /* NULL: between cases */
static char log_text[LOG_SIZE];
static size_t log_len;
static u64 next_fresh = FRESH_FIRST;
static unsigned events;
static char emulator[16] = "none";
static bool records; /* for the checker */

/* ---- Gates ------------------------------------------------------------------------------- */

void gate_reset(unsigned vector)
{
	bool user = vector == VECTOR_BP || vector == VECTOR_OF || vector == EXIT_VECTOR ||
		    vector == DPL3_VECTOR;

	rt_gate(vector, RT_CS, user ? 3 : 0, vector == VECTOR_DF ? IST_DF : 0, true);
}

/* ---- Memory ------------------------------------------------------------------------------ */

u64 fresh_page(bool mapped)
{
	u64 page = next_fresh;

	next_fresh += LARGE_PAGE;
	rt_page_present(page, mapped);
	return page;
}

/* ---- The log ------------------------------------------------------------------------------- */

void log_word(const char *format, ...)
{
	va_list args;

	if (log_len && log_len < LOG_SIZE - 1)
		log_text[log_len++] = ' ';
	va_start(args, format);
	log_len += fmt_vstring(log_text + log_len, LOG_SIZE - log_len, format, args);
	va_end(args);
	log_len = MIN(log_len, LOG_SIZE - 1);
}

static bool in_case(u64 rip)
{
	return rip >= (u64)(uintptr_t)__start_cases && rip < (u64)(uintptr_t)__stop_cases;
}

static char mark_at(u64 rip)
{
	char letter = 0;

	for (const struct mark *m = __start_marks; m < __stop_marks; m++)
		if (m->at == rip && (!letter || letter == END_MARK))
			letter = (char)m->letter;
	return letter;
}

/* The first mark behind rip; a case has one at its end. */
static u64 next_mark(u64 rip)
{
	const struct mark *first = NULL;

	for (const struct mark *m = __start_marks; m < __stop_marks; m++)
		if (m->at > rip && (!first || m->at < first->at))
			first = m;
	return first ? first->at : (u64)(uintptr_t)case_end;
}

static void place(char *text, size_t size, u64 rip)
{
	char letter = mark_at(rip);

	if (!in_case(rip))
		fmt_string(text, size, "h");
	else if (letter == END_MARK)
		fmt_string(text, size, "end");
	else if (letter)
		fmt_string(text, size, "%c", letter);
	else
		fmt_string(text, size, "+%lld",
			   (long long)(rip - (u64)(uintptr_t)(current ? current->code : 0)));
}

#define WITH_ERROR                                                                                 \
	(BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | BIT(VECTOR_GP) |      \
	 BIT(VECTOR_PF) | BIT(VECTOR_AC))
#define FAULTS (BIT(VECTOR_DE) | BIT(VECTOR_BR) | BIT(VECTOR_UD) | BIT(VECTOR_NM) | WITH_ERROR)

static void event_name(char *text, size_t size, const struct rt_frame *f)
{
	static const char *const names[] = {
		"de", "db", "nmi", "bp", "of", "br", "ud",  "nm", "df",
		"v9", "ts", "np",  "ss", "gp", "pf", "v15", "mf", "ac"
	};

	if (f->vector < ARRAY_SIZE(names))
		fmt_string(text, size, "%s", names[f->vector]);
	else if (f->vector >= PIC_VECTOR && f->vector < PIC_VECTOR + 16)
		fmt_string(text, size, "irq%u", (unsigned)f->vector - PIC_VECTOR);
	else
		fmt_string(text, size, "v%x", (unsigned)f->vector);
}

static u64 read_dr6(void)
{
	u64 v;

	__asm__ volatile("mov %%dr6, %0" : "=r"(v));
	return v;
}

static u64 read_dr7(void)
{
	u64 v;

	__asm__ volatile("mov %%dr7, %0" : "=r"(v));
	return v;
}

static void write_dr6(u64 v)
{
	__asm__ volatile("mov %0, %%dr6" ::"r"(v));
}

/* Why: BS, BD, and the breakpoints that are switched on.  The handler must clear DR6. */
static void debug_cause(char *text, size_t size, u64 dr6, u64 dr7)
{
	size_t n = fmt_string(text, size, "(");

	for (unsigned i = 0; i < 4; i++)
		if (dr6 & BIT(i) && dr7 >> 2 * i & 3)
			n += fmt_string(text + n, size - n, "%sB%u", n > 1 ? "," : "", i);
	if (dr6 & DR6_BD)
		n += fmt_string(text + n, size - n, "%sBD", n > 1 ? "," : "");
	if (dr6 & DR6_BS)
		n += fmt_string(text + n, size - n, "%sBS", n > 1 ? "," : "");
	fmt_string(text + n, size - n, ")");
}

static void log_event(const struct rt_frame *f)
{
	char name[16], detail[32] = "", where[24];

	event_name(name, sizeof(name), f);
	place(where, sizeof(where), f->rip);
	if (f->vector == VECTOR_DB)
		debug_cause(detail, sizeof(detail), read_dr6(), read_dr7());
	else if (f->vector < 32 && WITH_ERROR & BIT(f->vector))
		fmt_string(detail, sizeof(detail), "(%x)", (unsigned)f->error);
	log_word("%s%s@%s%s", name, detail, where,
		 current && current->show_rf && f->rflags & RFLAGS_RF ? "+rf" : "");
}

/* ---- Traps --------------------------------------------------------------------------------- */

static void end_of_interrupt(u64 vector)
{
	if (vector >= PIC_VECTOR && vector < PIC_VECTOR + 16)
		pic_eoi((unsigned)vector - PIC_VECTOR);
	else
		lapic_eoi();
}

static bool is_interrupt(u64 vector)
{
	return vector >= PIC_VECTOR && vector != EXIT_VECTOR && vector != DPL0_VECTOR &&
	       vector != DPL3_VECTOR && vector != SPURIOUS_VECTOR;
}

/* Code breakpoints are faults: RF lets the instruction pass. */
static void after_debug(struct rt_frame *f)
{
	u64 dr6 = read_dr6(), dr7 = read_dr7();

	for (unsigned i = 0; i < 4; i++)
		if (dr6 & BIT(i) && dr7 >> 2 * i & 3 && !(dr7 >> (16 + 4 * i) & 3))
			f->rflags |= RFLAGS_RF;
	write_dr6(DR6_FIXED);
	if (mark_at(f->rip) == 'z')
		f->rflags &= ~RFLAGS_TF;
}

static void leave_case(struct rt_frame *f)
{
	f->rip = (u64)(uintptr_t)case_end;
	f->cs = RT_CS;
	f->ss = RT_DS;
	f->rflags = RFLAGS_ONE;
}

static void count(const struct rt_frame *f)
{
	interrupts_total++;
	interrupts_at_a += mark_at(f->rip) == 'a';
}

/* True: no end of events, this case is over. */
static bool runs_away(void)
{
	if (!current || events++ < (count_only ? RUNAWAY_COUNTED : RUNAWAY))
		return false;
	log_word("..");
	machine_reset();
	events = 0;
	return true;
}

static bool take_trap(struct rt_frame *f)
{
	bool resume = false;

	if (f->vector == EXIT_VECTOR || runs_away()) {
		leave_case(f);
		return true;
	}
	if (!current && f->vector != VECTOR_NMI && !is_interrupt(f->vector)) {
		rt_print("Bail out! unexpected vector %lu at %#lx, error %#lx, cr2 %#lx\n",
			 f->vector, f->rip, f->error, x86_read_cr2());
		rt_end(3);
	}
	seen[f->vector]++;
	if (current && !(count_only && is_interrupt(f->vector)))
		log_event(f);
	else if (current)
		count(f);
	if (f->vector == VECTOR_DB)
		after_debug(f);
	if (current && current->hook)
		resume = current->hook(f);
	if (is_interrupt(f->vector) && !(no_eoi && current))
		end_of_interrupt(f->vector);
	if (!resume && f->vector < 32 && FAULTS & BIT(f->vector)) {
		if (in_case(f->rip))
			f->rip = next_mark(f->rip);
		else
			leave_case(f);
	}
	if (f->rip == (u64)(uintptr_t)case_end)
		leave_case(f);
	return true;
}

/* ---- Cases ----------------------------------------------------------------------------------- */

static void write_dr7(u64 v)
{
	__asm__ volatile("mov %0, %%dr7" ::"r"(v));
}

static void reset(void)
{
	write_dr7(DR7_FIXED);
	write_dr6(DR6_FIXED);
	for (unsigned v = 0; v < GATES; v++)
		gate_reset(v);
	memset(seen, 0, sizeof(seen));
	count_only = no_eoi = false;
	interrupts_total = interrupts_at_a = 0;
	log_len = 0;
	log_text[0] = '\0';
	events = 0;
	machine_reset();
}

static const char *next_alternative(const char *text)
{
	for (; *text; text++)
		if (!strncmp(text, OR, strlen(OR)))
			return text + strlen(OR);
	return NULL;
}

static bool same_as_first(const char *got, const char *wanted)
{
	size_t len = strlen(got);

	return !strncmp(got, wanted, len) &&
	       (!wanted[len] || !strncmp(wanted + len, OR, strlen(OR)));
}

/* Is got one of the alternatives, which " or " divides? */
static bool same(const char *got, const char *wanted)
{
	for (; wanted; wanted = next_alternative(wanted))
		if (same_as_first(got, wanted))
			return true;
	return false;
}

/* Up to the next alternative, without spaces. */
static void put_words(char *to, const char *text)
{
	for (; *text && strncmp(text, OR, strlen(OR)); text++)
		*to++ = *text == ' ' ? '_' : *text;
	*to = '\0';
}

/* For the checker (groups/events.sh): a record; who deviates is its affair. */
static unsigned tell(const struct event_case *c, const char *got)
{
	char words[2][LOG_SIZE];
	const char *manual = c->expected;

	/* Where the manual allows several, the one that came; else the first. */
	for (const char *next = manual; next; next = next_alternative(next))
		if (same_as_first(got, next))
			manual = next;
	put_words(words[0], got);
	put_words(words[1], manual);
	rt_record("case %s got=%s manual=%s", c->name, words[0], words[1]);
	return 0;
}

static unsigned verdict(unsigned number, const struct event_case *c)
{
	const char *known = deviation(emulator, c->name), *got = log_len ? log_text : "-";

	if (records)
		return tell(c, got);
	if (same(got, c->expected)) {
		rt_print("ok %u %s\n", number, c->name);
		return 0;
	}
	if (same(got, known)) {
		rt_print("# %s: known deviation of %s: %s\n", c->name, emulator, got);
		rt_print("ok %u %s\n", number, c->name);
		return 0;
	}
	rt_print("not ok %u %s: expected %s got %s (%s)\n", number, c->name, c->expected, got,
		 c->source);
	return 1;
}

static unsigned run_case(unsigned number, const struct event_case *c)
{
	reset();
	current = c;
	if (c->setup)
		c->setup();
	case_run(c->code, c->argument);
	if (c->after)
		c->after();
	write_dr7(DR7_FIXED);
	current = NULL;
	machine_drain();
	return verdict(number, c);
}

static const struct {
	const struct event_case *cases;
	const unsigned *count;
} groups[] = {
	{ shadow_cases, &shadow_case_count },	  { step_cases, &step_case_count },
	{ nmi_cases, &nmi_case_count },		  { interrupt_cases, &interrupt_case_count },
	{ debug_cases, &debug_case_count },	  { fault_cases, &fault_case_count },
	{ delivery_cases, &delivery_case_count }, { fresh_cases, &fresh_case_count },
	{ behind_cases, &behind_case_count },
};

static unsigned run_all(void)
{
	unsigned total = 0, number = 0, failed = 0;

	for (unsigned g = 0; g < ARRAY_SIZE(groups); g++)
		total += *groups[g].count;
	if (!records)
		rt_print("1..%u\n", total);
	for (unsigned g = 0; g < ARRAY_SIZE(groups); g++)
		for (unsigned i = 0; i < *groups[g].count; i++)
			if (!records || !groups[g].cases[i].slow)
				failed += run_case(++number, &groups[g].cases[i]);
	if (records)
		rt_record("end cases=%u", number);
	else
		rt_print("# %u of %u cases differ\n", failed, total);
	return failed;
}

/* What the cases find switched on, beside what the runtime wants for itself. */
static void init_cpu(void)
{
	u64 cr4 = x86_read_cr4() | CR4_DE;

	if (x86_cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE)
		cr4 |= CR4_OSXSAVE;
	x86_write_cr4(cr4);
	rt_user_pages();
	rt_ist(IST_DF, (u64)(uintptr_t)df_stack + sizeof(df_stack));
	for (unsigned v = 0; v < GATES; v++)
		gate_reset(v);
	rt_hook = take_trap;
}

unsigned probe_main(void)
{
	/* The command line: the emulator whose deviations are known. */
	rt_word("emulator", emulator, sizeof(emulator));
	records = rt_has("records", "yes");
	init_cpu();
	machine_reset();
	return run_all() ? 1 : 0;
}
