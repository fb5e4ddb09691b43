/*
 * test_script.c - commands from a file
 *
 * The interpreter is part of this file, so that each test gets a new one.
 */
#include "fake_type1.h"
#include "fake_virt.h"
#include "machine.h"

#include "type1/script.c"

void test_script_register(void);

static char text[4096];

/* A new run, up to where it waits or ends.  Its status; -1: it goes on. */
static int go_on(void)
{
	if (setjmp(fake_type1.ended))
		return (int)fake_type1.status;
	script_poll();
	return -1;
}

static int run(const char *commands)
{
	memset(&script, 0, sizeof(script));
	fake_type1_reset();
	fake_type1_guest("a", NULL);
	snprintf(text, sizeof(text), "%s", commands);
	script_start(text, strlen(text));
	return go_on();
}

/* It ends with status 1 and this sentence. */
static void fails(const char *commands, const char *sentence)
{
	CU_ASSERT_EQUAL(run(commands), 1);
	if (!strstr(fake_host.log, sentence))
		printf("\n[%s]: %s\n", commands, fake_host.log);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, sentence));
}

static void test_failures(void)
{
	char longest[400];

	fails("fly", "script: line 1: the command failed");
	fails("\n# x\nvm start b\n", "script: line 3: the command failed");
	fails("echo x\nexpect a", "line 2: wrong number of words");
	fails("expect b x", "line 1: no VM 'b' runs");
	fails("expect a x", "line 1: no VM 'a' runs"); /* defined, never started */
	fails("sleep", "wrong number of words");
	fails("sleep 1 2", "wrong number of words");
	fails("sleep x", "a number is expected");
	fails("sleep 99999999999999999999", "a number is expected");
	fails("expect a x 1 2", "wrong number of words");
	fails("vm \"list", "a quote is open");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	fails(longest, "line too long");
}

static void test_runs_through(void)
{
	CU_ASSERT_EQUAL(run(""), -1);
	CU_ASSERT_FALSE(script_active());
	CU_ASSERT_EQUAL(run("\n\n# nothing\n"), -1);
	CU_ASSERT_FALSE(script_active());
	CU_ASSERT_EQUAL(run("vm start a\nvm kill a"), -1); /* no newline at the end */
	CU_ASSERT_FALSE(script_active());
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "start a;kill a;");
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, SHELL_PROMPT "vm kill a\n"));
	CU_ASSERT_EQUAL(run("quit 3\nvm start a"), 3);
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "");
}

/* A comment is text, whatever it says. */
static void test_comments(void)
{
	CU_ASSERT_EQUAL(run("# it's \"open\nvm start a\n"), -1);
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "start a;");
	CU_ASSERT_EQUAL(run("  # 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\nvm kill a\n"), -1);
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "kill a;");
}

static void test_echo(void)
{
	CU_ASSERT_EQUAL(run("echo hello  \"world\n"), -1);
	CU_ASSERT_STRING_EQUAL(fake_type1.said, "hello  \"world\n");
	CU_ASSERT_EQUAL(run("echo 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n"), -1);
	CU_ASSERT_STRING_EQUAL(fake_type1.said, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n");
	CU_ASSERT_EQUAL(run("# a long line before it\necho\n"), -1);
	CU_ASSERT_STRING_EQUAL(fake_type1.said, "\n");
	CU_ASSERT_EQUAL(run("  echo x\n"), -1);
	CU_ASSERT_STRING_EQUAL(fake_type1.said, "x\n");
}

static void test_sleep(void)
{
	CU_ASSERT_EQUAL(run("sleep 20\nvm start a"), -1);
	CU_ASSERT_TRUE(script_active());
	CU_ASSERT_PTR_NOT_NULL(fake_host.timers); /* somebody wakes the boot CPU */
	fake_host_run(19 * MS);
	CU_ASSERT_EQUAL(fake_type1.wakes, 0); /* nobody is disturbed meanwhile */
	CU_ASSERT_EQUAL(go_on(), -1);
	CU_ASSERT_TRUE(script_active());
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "");
	fake_host_run(1 * MS);
	CU_ASSERT(fake_type1.wakes > 0);
	CU_ASSERT_EQUAL(go_on(), -1);
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "start a;");
}

/* ---- Hearing and speaking ------------------------------------------------------------ */

/* A run with a VM; the script begins only now. */
static struct vm *run_with_vm(const char *commands)
{
	struct vm *vm = fake_vm_make(MiB(4), 1);

	memset(&script, 0, sizeof(script));
	memset(&fake_type1, 0, sizeof(fake_type1));
	fake_type1_guest("a", vm);
	snprintf(text, sizeof(text), "%s", commands);
	script_start(text, strlen(text));
	CU_ASSERT_EQUAL(go_on(), -1);
	return vm;
}

static void hear(const struct vm *vm, const char *said)
{
	script_hear(vm, said, strlen(said));
}

static void finish(struct vm *vm)
{
	host_timer_cancel(&script.timer);
	fake_vm_free(vm);
}

static void test_expect(void)
{
	struct vm *vm = run_with_vm("expect a \"login: \"\nexpect a b\nvm pause a");

	hear(vm, "log");
	CU_ASSERT_EQUAL(go_on(), -1);
	CU_ASSERT_EQUAL(script.line, 1);
	hear(vm, "in: b"); /* over pieces; what follows it counts for the next one */
	CU_ASSERT_EQUAL(go_on(), -1);
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "pause a;");
	CU_ASSERT_FALSE(script_active());
	finish(vm);
	/* What was found is consumed. */
	vm = run_with_vm("expect a x\nexpect a x\nvm pause a");
	hear(vm, "x");
	CU_ASSERT_EQUAL(go_on(), -1);
	CU_ASSERT_EQUAL(script.line, 2);
	hear(vm, "x");
	CU_ASSERT_EQUAL(go_on(), -1);
	CU_ASSERT_FALSE(script_active());
	finish(vm);
}

static void test_expect_is_late(void)
{
	struct vm *vm = run_with_vm("expect a never 2");

	hear(vm, "something else");
	fake_host_run(2 * S - 1 * MS);
	CU_ASSERT_EQUAL(go_on(), -1);
	fake_host_run(1 * MS);
	CU_ASSERT_EQUAL(go_on(), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "line 1: expect a 'never': not seen in time"));
	finish(vm);
}

/* A guest that talks and talks: what came last is found, and nothing beyond the buffer written. */
static void test_expect_in_a_flood(void)
{
	struct vm *vm = run_with_vm("expect a needle");

	for (unsigned i = 0; i < 3000; i++)
		hear(vm, "hay hay hay ");
	hear(vm, "needle");
	CU_ASSERT_EQUAL(go_on(), -1);
	CU_ASSERT_FALSE(script_active());
	finish(vm);
}

static void test_wait(void)
{
	struct vm *vm = run_with_vm("wait a running\nwait a ended\necho done");

	CU_ASSERT_EQUAL(script.line, 2);
	vm_end(vm, VM_OFF, "off");
	CU_ASSERT_EQUAL(go_on(), -1);
	CU_ASSERT_STRING_EQUAL(fake_type1.said, "done\n");
	finish(vm);
}

/* More than the FIFO takes: the rest later. */
static void test_send(void)
{
	struct vm *vm =
	    run_with_vm("send a \"0123456789012345678901234567890123456789\\r\"\necho sent");
	unsigned got = 0;

	for (unsigned turn = 0; turn < 100 && script_active(); turn++) {
		host_lock(&vm->lock);
		bus_out(&vm->bus, UART_COM1_PORT + 3, 1, 3);
		while (bus_in(&vm->bus, UART_COM1_PORT + 5, 1) & 1) {
			bus_in(&vm->bus, UART_COM1_PORT, 1);
			got++;
		}
		host_unlock(&vm->lock);
		fake_host_run(10 * MS);
		CU_ASSERT_EQUAL(go_on(), -1);
	}
	CU_ASSERT_FALSE(script_active());
	host_lock(&vm->lock);
	while (bus_in(&vm->bus, UART_COM1_PORT + 5, 1) & 1) {
		bus_in(&vm->bus, UART_COM1_PORT, 1);
		got++;
	}
	host_unlock(&vm->lock);
	CU_ASSERT_EQUAL(got, 41);
	finish(vm);
}

void test_script_register(void)
{
	CU_pSuite suite = CU_add_suite("script", NULL, NULL);

	CU_add_test(suite, "failures name their line", test_failures);
	CU_add_test(suite, "what is expected comes too late", test_expect_is_late);
	CU_add_test(suite, "runs through", test_runs_through);
	CU_add_test(suite, "comments", test_comments);
	CU_add_test(suite, "echo", test_echo);
	CU_add_test(suite, "sleep", test_sleep);
	CU_add_test(suite, "expect", test_expect);
	CU_add_test(suite, "expect in a flood", test_expect_in_a_flood);
	CU_add_test(suite, "wait", test_wait);
	CU_add_test(suite, "send", test_send);
}
