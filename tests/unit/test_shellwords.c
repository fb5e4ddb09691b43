/*
 * test_shellwords.c - the shell's commands and complaints
 *
 * The shell itself is part of this file, for the list of its commands is its own affair.
 */
#include "fake_type1.h"
#include "fake_virt.h"
#include "machine.h"

#include "type1/shell.c"

void test_shellwords_register(void);

/* ---- Commands --------------------------------------------------------------------- */

static int command(const char *text)
{
	char *copy = strdup(text);
	int result;

	fake_type1.said[0] = fake_type1.done[0] = '\0';
	result = shell_command(copy);
	free(copy);
	return result;
}

static void complains(const char *text, const char *word)
{
	CU_ASSERT_EQUAL(command(text), -1);
	if (!strstr(fake_type1.said, word))
		printf("\n[%s]: %s\n", text, fake_type1.said);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, word));
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "");
}

static void test_complaints(void)
{
	fake_type1_reset();
	fake_type1_guest("a", NULL);
	complains("rm -rf", "'rm' is no command");
	complains("\"", "quote");
	complains("vm start", "which VM");
	complains("vm start b", "no VM 'b'");
	complains("vm fly a", "vm list | create");
	complains("vm delete", "which VM");
	complains("vm delete b", "no VM 'b'");
	complains("vm console a", "VM a is not started");
	complains("vm create", "NAME LIKE");
	complains("vm create x a 64 more", "NAME LIKE");
	complains("vm create \"x y\" a", "'x y' is no name");
	complains("vm create \"x\\n[a]\" a", "is no name");
	complains("vm create 5 a", "'5' is no name");
	complains("vm create x a 1", "no size");
	complains("vm create x a 524289", "no size");
	complains("vm create x y", "no VM 'y'");
	complains("vm create namethatismuchtoolong a", "1 to 15 letters");
	complains("vm create x a 0", "no size");
	complains("vm create x a many", "no size");
	complains("vm create x a 1048577", "no size");
	complains("trace", "which VM");
	complains("trace a", "no vCPU");
	complains("trace a x", "COUNT");
	complains("walk a", "ADDRESS");
	complains("walk a 0xg", "ADDRESS");
	complains("protect a 0 0x1000", "RIGHTS");
	complains("protect a 0 0x1000 rq", "RIGHTS");
	complains("dirty a 0", "ADDRESS SIZE");
	complains("stress", "kicks COUNT");
	complains("stress kicks 0", "kicks COUNT");
	complains("quit 128", "0..127");
	complains("quit x", "0..127");
}

static void test_commands(void)
{
	fake_type1_reset();
	fake_type1_guest("a", NULL);
	CU_ASSERT_EQUAL(command(""), 0);
	CU_ASSERT_EQUAL(command("vm start a"), 0);
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "start a;");
	CU_ASSERT_EQUAL(command("vm restart a"), 0);
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "restart a;");
	CU_ASSERT_EQUAL(command("vm pause a"), 0);
	CU_ASSERT_EQUAL(command("vm resume a"), 0);
	CU_ASSERT_EQUAL(command("vm kill a"), 0);
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "kill a;");
	CU_ASSERT_EQUAL(command("vm delete a"), 0);
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "delete a;");
	CU_ASSERT_EQUAL(command("vm create b a 128"), 0);
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "define b;");
	CU_ASSERT_EQUAL(fake_type1.guest[1].definition.config.memory, MiB(128));
	CU_ASSERT_EQUAL(command("vm"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "defined"));
	CU_ASSERT_EQUAL(command("stress kicks 100"), 0);
	CU_ASSERT_EQUAL(fake_type1.kicks, 100);
	CU_ASSERT_EQUAL(command("cpus"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "this shell"));
	fake_type1.result = -HOST_EINVAL;
	CU_ASSERT_EQUAL(command("vm pause a"), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "not started"));
	CU_ASSERT_EQUAL(command("vm start a"), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "no such luck"));
	CU_ASSERT_EQUAL(command("vm delete a"), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "no such luck"));
	CU_ASSERT_EQUAL(command("help"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "kill|delete|console"));
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, commands[i].name));
}

/* A disk that is written to, and a card's address, belong to one VM. */
static void test_create_like(void)
{
	struct guest_definition *a, *b;

	fake_type1_reset();
	a = &fake_type1_guest("a", NULL)->definition;
	b = &fake_type1.guest[1].definition;
	a->file_count = 1;
	a->file[0].role = ROLE_DISK;
	complains("vm create b a", "VM a has a disk that no other VM may have too");
	a->file[0].cow = true;
	a->has_mac = true;
	CU_ASSERT_EQUAL(command("vm create b a"), 0);
	CU_ASSERT_EQUAL(b->file_count, 1);
	CU_ASSERT_FALSE(b->has_mac);
	a->disk_count = 1;
	complains("vm create c a", "VM a has a disk that no other VM may have too");
}

static void test_quit(void)
{
	fake_type1_reset();
	if (!setjmp(fake_type1.ended))
		shell_command((char[]){ "quit 7" });
	CU_ASSERT_EQUAL(fake_type1.status, 7);
}

/* Those that look into a machine. */
static void test_looking(void)
{
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = vm->vcpu[0];

	memset(&fake_type1, 0, sizeof(fake_type1));
	fake_type1_guest("a", vm);
	fake_mode_long(v);
	vcpu_step(v);
	CU_ASSERT_EQUAL(command("vm list"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "running"));
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "host interrupt 1"));
	vm->console.virtio.cause = "a reason";
	CU_ASSERT_EQUAL(command("vm list"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "console 0 needs a reset: a reason\n"));
	vm->console.virtio.cause = NULL;
	CU_ASSERT_EQUAL(command("trace a 18446744073709551615"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "host interrupt"));
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "hold a;release a;");
	CU_ASSERT_EQUAL(command("walk a 0x8000"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "level 1: entry at"));
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "guest-physical 0x8000"));
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "an access makes a nested fault"));
	CU_ASSERT_PTR_NOT_NULL(memory_ptr(vm, gpa(0x8000), 1));
	CU_ASSERT_EQUAL(command("walk a 0x8000"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "host-physical"));
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "references to memory"));
	CU_ASSERT_EQUAL(command("walk a 0x7f0000000000"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "page fault, error code 0"));
	CU_ASSERT_EQUAL(command("protect a 0x8000 0x1000 r"), 0);
	CU_ASSERT_EQUAL(command("dirty a"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "pages written since the last time"));
	CU_ASSERT_EQUAL(command("protect a 0x8001 0x1000 r"), -1);
	CU_ASSERT_EQUAL(command("protect a 0x300000 0x200000 r"), -1);
	CU_ASSERT_EQUAL(command("dirty a 0xa0000 0x1000"), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "no range of whole pages"));
	CU_ASSERT_EQUAL(command("dump a"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "nothing"));
	CU_ASSERT_EQUAL(command("mem"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "promised to VMs 4 MiB"));
	CU_ASSERT_EQUAL(command("trace-dump"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "trace-begin 1000000000\ntrace a 0 "));
	CU_ASSERT_EQUAL(command("vm console a"), 0);
	CU_ASSERT_PTR_EQUAL(fake_type1.focus, vm);
	fake_vm_free(vm);
}

void test_shellwords_register(void)
{
	CU_pSuite suite = CU_add_suite("shell", NULL, NULL);

	CU_add_test(suite, "complaints", test_complaints);
	CU_add_test(suite, "commands", test_commands);
	CU_add_test(suite, "create like another", test_create_like);
	CU_add_test(suite, "quit", test_quit);
	CU_add_test(suite, "looking into a machine", test_looking);
}
