/*
 * selftest_paging.c - page tables: rights, faults, accessed and dirty bits, the TLB
 *
 * Owns: the pages at TEST_BASE while a check runs.
 */
#include "errno.h"
#include "layout.h"
#include "lib/string.h"
#include "page.h"
#include "selftest.h"
#include "space.h"
#include "x86_ops.h"

#define PAGE TEST_BASE
#define NEXT_PAGE (TEST_BASE + PAGE_SIZE)
#define RESERVED_BIT BIT(51) /* above every processor's physical addresses */
#define READ_WRITE (PTE_W | PTE_NX)
#define REP_LENGTH 64
#define REP_BEFORE 16 /* what selftest_insn.S puts before the page's end */
#define MARK 0x77

extern char kernel_text[], kernel_rodata[], kernel_data[];

SELFTEST_INSN(read);
SELFTEST_INSN(write);
SELFTEST_INSN(write_word);
SELFTEST_INSN(call);
SELFTEST_INSN(rep_movsb);
SELFTEST_INSN(divide);

/* A page of zeros at va; NULL, and a failed check, without memory. */
static u8 *map(struct check *c, u64 va, u64 rights)
{
	u8 *page = page_alloc();

	if (page && space_map(&space_kernel, va, page_address(page), rights)) {
		page_free(page);
		page = NULL;
	}
	expect_true(c, "a page", page);
	return page;
}

static void unmap(u64 va)
{
	u64 pa = space_unmap(&space_kernel, va);

	if (pa != SPACE_NONE)
		page_free(page_at(pa & ~RESERVED_BIT));
}

static void expect_page_fault(struct check *c, void (*function)(u64), u64 va, u64 error,
			      const char *rip)
{
	x86_write_cr2(0);
	expect_exception(c, function, va, VECTOR_PF, error, rip);
	expect_equal(c, "CR2", x86_read_cr2(), va);
}

static void maps(struct check *c, const void *argument UNUSED)
{
	volatile u8 *page = map(c, PAGE, READ_WRITE);

	if (!page)
		return;
	*(volatile u8 *)PAGE = MARK;
	expect_equal(c, "byte", page[0], MARK);
	page[1] = MARK + 1;
	expect_equal(c, "byte", *(volatile u8 *)(PAGE + 1), MARK + 1);
	unmap(PAGE);
}

static void not_present(struct check *c, const void *argument UNUSED)
{
	expect_page_fault(c, insn_read, PAGE + 123, 0, insn_read_at);
	expect_page_fault(c, insn_write, PAGE + 456, PF_WRITE, insn_write_at);
	expect_page_fault(c, insn_call, PAGE, PF_FETCH, (char *)PAGE);
}

static void read_only(struct check *c, const void *argument UNUSED)
{
	map(c, PAGE, PTE_NX);
	expect_page_fault(c, insn_write, PAGE, PF_PRESENT | PF_WRITE, insn_write_at);
	unmap(PAGE);
}

static void read_only_without_wp(struct check *c, const void *argument UNUSED)
{
	volatile u8 *page = map(c, PAGE, PTE_NX);

	x86_write_cr0(x86_read_cr0() & ~CR0_WP);
	*(volatile u8 *)PAGE = MARK;
	x86_write_cr0(x86_read_cr0() | CR0_WP);
	expect_equal(c, "byte", page ? *page : 0, MARK);
	expect_page_fault(c, insn_write, PAGE, PF_PRESENT | PF_WRITE, insn_write_at);
	unmap(PAGE);
}

static void no_execute(struct check *c, const void *argument UNUSED)
{
	map(c, PAGE, READ_WRITE);
	expect_page_fault(c, insn_call, PAGE, PF_PRESENT | PF_FETCH, (char *)PAGE);
	unmap(PAGE);
}

static void executes(struct check *c, const void *argument UNUSED)
{
	static const u8 code[] = { 0xb8, MARK, 0, 0, 0, 0xc3 }; /* MOV EAX, MARK; RET */
	u8 *page = map(c, PAGE, 0);
	u64 result = PAGE;

	if (!page)
		return;
	memcpy(page, code, sizeof(code));
	__asm__ volatile("call *%0" : "+a"(result)::"memory");
	expect_equal(c, "result", result, MARK);
	unmap(PAGE);
}

/* Emulators do not agree on P in this error code. */
static void reserved_bit(struct check *c, const void *argument UNUSED)
{
	struct trap_frame frame = { 0 };

	map(c, PAGE, READ_WRITE | RESERVED_BIT);
	expect_raises(c, insn_read, PAGE, VECTOR_PF, insn_read_at, &frame);
	expect_equal(c, "error code but for P", frame.error & ~PF_PRESENT, PF_RESERVED);
	unmap(PAGE);
}

static void accessed_dirty(struct check *c, const void *argument UNUSED)
{
	volatile u64 *entry;

	map(c, PAGE, READ_WRITE);
	entry = space_entry(&space_kernel, PAGE);
	if (!entry)
		return;
	expect_equal(c, "A, D before", *entry & (PTE_A | PTE_D), 0);
	insn_read(PAGE);
	expect_equal(c, "A, D after a load", *entry & (PTE_A | PTE_D), PTE_A);
	insn_write(PAGE);
	expect_equal(c, "A, D after a store", *entry & (PTE_A | PTE_D), PTE_A | PTE_D);
	unmap(PAGE);
}

/* A fault sets no D bit. */
static void dirty_not_by_fault(struct check *c, const void *argument UNUSED)
{
	volatile u64 *entry;

	map(c, PAGE, PTE_NX);
	entry = space_entry(&space_kernel, PAGE);
	expect_page_fault(c, insn_write, PAGE, PF_PRESENT | PF_WRITE, insn_write_at);
	expect_equal(c, "D", entry ? *entry & PTE_D : PTE_D, 0);
	unmap(PAGE);
}

static void invlpg_forgets(struct check *c, const void *argument UNUSED)
{
	map(c, PAGE, READ_WRITE);
	insn_write(PAGE);
	unmap(PAGE);
	expect_page_fault(c, insn_read, PAGE, 0, insn_read_at);
}

static void cr3_forgets(struct check *c, const void *argument UNUSED)
{
	u8 *other = page_alloc();
	u64 *entry;
	u64 before;

	map(c, PAGE, READ_WRITE);
	entry = space_entry(&space_kernel, PAGE);
	expect_true(c, "a page", other && entry);
	if (!other || !entry)
		return;
	*other = MARK;
	insn_write(PAGE);
	before = *entry;
	WRITE_ONCE(*entry, page_address(other) | PTE_P | READ_WRITE);
	x86_write_cr3(x86_read_cr3());
	expect_equal(c, "byte", *(volatile u8 *)PAGE, MARK);
	WRITE_ONCE(*entry, before);
	unmap(PAGE);
	page_free(other);
}

/* Half of the store could be done: none of it must be. */
static void crossing_store(struct check *c, const void *argument UNUSED)
{
	u64 *last;
	u8 *page = map(c, PAGE, READ_WRITE);

	if (!page)
		return;
	last = (u64 *)(page + PAGE_SIZE - sizeof(u64));
	x86_write_cr2(0);
	expect_exception(c, insn_write_word, NEXT_PAGE - 4, VECTOR_PF, PF_WRITE,
			 insn_write_word_at);
	expect_equal(c, "CR2", x86_read_cr2(), NEXT_PAGE);
	expect_equal(c, "the first page", *last, 0);
	unmap(PAGE);
}

static u64 faults_taken, left_at_fault;

static void provide_page(struct trap_frame *frame)
{
	void *page = page_alloc();

	faults_taken++;
	left_at_fault = frame->rcx;
	if (!page || space_map(&space_kernel, NEXT_PAGE, page_address(page), READ_WRITE))
		trap_set(VECTOR_PF, NULL);
}

static void string_resumes(struct check *c, const void *argument UNUSED)
{
	struct trap_frame frame;

	map(c, PAGE, READ_WRITE);
	faults_taken = 0;
	trap_set(VECTOR_PF, provide_page);
	expect_true(c, "completion", !trap_try(insn_rep_movsb, NEXT_PAGE, &frame));
	trap_set(VECTOR_PF, NULL);
	expect_equal(c, "faults", faults_taken, 1);
	expect_equal(c, "RCX at the fault", left_at_fault, REP_LENGTH - REP_BEFORE);
	expect_equal(c, "difference",
		     (u64)memcmp((void *)(NEXT_PAGE - REP_BEFORE), (void *)(u64)insn_divide,
				 REP_LENGTH),
		     0);
	unmap(PAGE);
	unmap(NEXT_PAGE);
}

static void kernel_rights(struct check *c, const void *argument UNUSED)
{
	expect_equal(c, "pages both writable and executable", space_count(PTE_W, PTE_NX), 0);
	expect_between(c, "executable pages", space_count(0, PTE_W | PTE_NX), 1, 1000);
}

static void kernel_protected(struct check *c, const void *argument UNUSED)
{
	expect_page_fault(c, insn_write, (u64)kernel_text, PF_PRESENT | PF_WRITE, insn_write_at);
	expect_page_fault(c, insn_write, (u64)kernel_rodata, PF_PRESENT | PF_WRITE, insn_write_at);
	expect_page_fault(c, insn_call, (u64)kernel_data, PF_PRESENT | PF_FETCH, kernel_data);
}

static void no_null(struct check *c, const void *argument UNUSED)
{
	expect_page_fault(c, insn_read, 0, 0, insn_read_at);
}

static const struct selftest tests[] = {
	{ "a mapped page and its direct-map address are one memory", maps, NULL },
	{ "#PF: not present: load, store, fetch", not_present, NULL },
	{ "#PF: store to a read-only page", read_only, NULL },
	{ "CR0.WP off: the kernel may store there", read_only_without_wp, NULL },
	{ "#PF: fetch from an NX page", no_execute, NULL },
	{ "code in a new page runs", executes, NULL },
	{ "#PF: reserved bit", reserved_bit, NULL },
	{ "A is set by a load, D by a store", accessed_dirty, NULL },
	{ "D is not set by a store that faults", dirty_not_by_fault, NULL },
	{ "INVLPG forgets a translation", invlpg_forgets, NULL },
	{ "MOV to CR3 forgets translations", cr3_forgets, NULL },
	{ "#PF: store across pages, all or nothing", crossing_store, NULL },
	{ "REP MOVSB is resumed after a #PF", string_resumes, NULL },
	{ "no kernel page is writable and executable", kernel_rights, NULL },
	{ "#PF: kernel's text, constants, data", kernel_protected, NULL },
	{ "#PF: address 0 in the kernel", no_null, NULL },
};

const struct selftest_group selftest_paging = { tests, ARRAY_SIZE(tests) };
