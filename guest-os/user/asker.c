/*
 * asker.c - asker [N [read]]: asks the kernel for what it must not give, and says what it got
 *
 * Each line begins with N, a number that whoever starts it may choose (1).  With "read" it asks for
 * a key to be written into its own code; somebody must press one.
 */
#include "user.h"

#include "layout.h"
#include "lib/string.h"
#include "syscall_numbers.h"

#define KERNEL_TEXT 0xffffffff80101000
#define UNMAPPED 0x20000000
#define SPIN_US 60000

long user_call(long number, u64 a, u64 b, u64 c);

static u64 n;

static void refused(const char *what, long result)
{
	user_print("asker %lu: %s: %ld\n", n, what, result);
}

/* Our own memory, new, across the border of two pages: N bytes that are written come back as N. */
static void own_memory(void)
{
	u8 *pages = user_sbrk(2 * PAGE_SIZE);
	char *text = (char *)pages + PAGE_SIZE - 2;

	if (!pages)
		return;
	memcpy(text, "    \n", 5);
	text[0] = (char)('a' + n % 26);
	text[1] = (char)('a' + n / 26 % 26);
	text[2] = (char)('a' + n / 676 % 26);
	text[3] = '.';
	user_print("asker %lu: text across two pages: %ld\n", n, user_write(text, 5));
}

static void calls_that_are_none(void)
{
	user_print("asker %lu: call %lu: %ld\n", n, SYSCALL_COUNT + n,
		   user_call((long)(SYSCALL_COUNT + n), 1, 2, 3));
	refused("the first call that is none", user_call(SYSCALL_COUNT, 1, 2, 3));
	refused("call -1", user_call(-1, 1, 2, 3));
	refused("call 1 with bit 32 set",
		user_call(1l << 32 | SYSCALL_WRITE, (u64) "wrong\n", 6, 0));
}

static void addresses_that_are_not_ours(void)
{
	refused("write the kernel's text", user_write((const char *)KERNEL_TEXT, 4));
	refused("write what is nowhere", user_write((const char *)UNMAPPED, 4));
	refused("write beyond the stack", user_write((const char *)USER_STACK_TOP - 2, 4));
	refused("write from the last bytes of all", user_write((const char *)~0ul - 1, 4));
	refused("read to the kernel's memory", user_call(SYSCALL_SPAWN, KERNEL_TEXT, 1, 0));
}

/* A child that could run while we only compute and ask for the time: does it? */
static void a_turn_for_others(void)
{
	static const char *const words[] = { "sieve", "100" };
	int pid = user_spawn(words, ARRAY_SIZE(words));
	u64 end = user_uptime() + SPIN_US;

	while (user_uptime() < end)
		continue;
	user_print("asker %lu: my child had its turn: %s\n", n, user_kill(pid) ? "yes" : "no");
	user_wait(pid);
}

/* A key goes to where no store may go. */
static void key_into_code(void)
{
	user_print("asker %lu: press a key\n", n);
	refused("read a key into my code", user_read((char *)(u64)key_into_code, 1));
}

int main(int argc, char **argv)
{
	n = user_number(argc, argv, 1, 1);
	if (argc > 2) {
		key_into_code();
		return 0;
	}
	user_print("asker %lu: pid %d\n", n, user_getpid());
	own_memory();
	calls_that_are_none();
	addresses_that_are_not_ours();
	a_turn_for_others();
	return 0;
}
