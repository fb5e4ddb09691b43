/*
 * pages.c - page tables that one CPU changes and the other uses
 *
 * Sources: [SDM] vol. 3 "Propagation of Paging-Structure Changes to Multiple Processors"
 * (4.10.5), "Accessed and Dirty Flags" (4.8).
 */
#include "smp.h"

#define ROUNDS 40

extern u64 rt_window_pt[];
extern const char pages_touch_end[];

static u32 pages[2][1024] ALIGNED(4096);
static volatile u32 turn, answered, wrong;

/* One store to the window; a page fault goes on behind it. */
static NEVER_INLINE void touch(void)
{
	smp_fixup = (u64)(uintptr_t)pages_touch_end;
	__asm__ volatile("movl %0, (%1)\n\t.globl pages_touch_end\npages_touch_end:" ::"r"(0x77),
			 "r"(RT_WINDOW + 64)
			 : "memory");
	smp_fixup = 0;
}

static void follow(void)
{
	const volatile u32 *window = (const volatile u32 *)RT_WINDOW;

	for (u32 i = 1; i <= ROUNDS; i++) {
		while (turn < i)
			x86_pause();
		x86_invlpg(RT_WINDOW);
		wrong = wrong + (*window != 0x1000 + i);
		answered = i;
	}
}

static void moves(void)
{
	turn = answered = wrong = 0;
	pages[0][0] = 0;
	rt_window((u64)(uintptr_t)pages[0]);
	smp_give(follow);
	for (u32 i = 1; i <= ROUNDS; i++) {
		pages[i & 1][0] = 0x1000 + i;
		rt_window((u64)(uintptr_t)pages[i & 1]);
		__atomic_store_n(&turn, i, __ATOMIC_SEQ_CST);
		if (!smp_until(&answered, i))
			break;
	}
	systems_number("pages.move.end", smp_join(), true);
	systems_number("pages.move.stale", wrong, 0);
}

static void store_once(void)
{
	x86_invlpg(RT_WINDOW);
	touch();
}

/* The other CPU stores through an entry: its flags, its rights. */
static void through(const char *name, u64 bits, u64 manual)
{
	u64 entry;

	smp_forget();
	rt_window_pt[0] = (u64)(uintptr_t)pages[0] | bits;
	x86_invlpg(RT_WINDOW);
	smp_give(store_once);
	smp_join();
	entry = rt_window_pt[0] & (PTE_A | PTE_D);
	systems_number(name, entry | (smp_came[1][VECTOR_PF] ? BIT(16) : 0), manual);
}

void smp_pages(void)
{
	moves();
	through("pages.store.clean", PTE_P | PTE_W, PTE_A | PTE_D);
	through("pages.store.accessed", PTE_P | PTE_W | PTE_A, PTE_A | PTE_D);
	through("pages.store.absent", PTE_W, BIT(16));
	through("pages.store.read-only", PTE_P | PTE_A, PTE_A | BIT(16));
	rt_window((u64)(uintptr_t)pages[0]);
}
