/*
 * test_shellwords.c - the shell's words, numbers and complaints
 *
 * The shell itself is part of this file, for its numbers are its own affair.
 */
#include "fake_type1.h"
#include "fake_virt.h"
#include "machine.h"

#include "type1/shell.c"

void test_shellwords_register(void);

/* ---- Words --------------------------------------------------------------------- */

struct split {
	const char *text;
	int words; /* -1: refused */
	const char *word[4];
};

static const struct split splits[] = {
	{ "", 0, { 0 } },
	{ "   ", 0, { 0 } },
	{ "help", 1, { "help" } },
	{ "  vm   list  ", 2, { "vm", "list" } },
	{ "send a \"two words\"", 3, { "send", "a", "two words" } },
	{ "a\"b c\"d", 1, { "ab cd" } },
	{ "\"\"", 1, { "" } },
	{ "\"\" x", 2, { "", "x" } },
	{ "\"a\\nb\\r\"", 1, { "a\nb\r" } },
	{ "\"a\\\"b\\\\c\"", 1, { "a\"b\\c" } },
	{ "a\\ b", 1, { "a b" } },
	{ "a\\", 1, { "a\\" } },
	{ "\"", -1, { 0 } },
	{ "a \"b", -1, { 0 } },
	{ "\"a\\\"", -1, { 0 } },
	{ "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", -1, { 0 } },
};

static void test_split(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(splits); i++) {
		const struct split *s = &splits[i];
		char *text = strdup(s->text), *word[SHELL_WORDS];
		int words = shell_split(text, word);

		if (words != s->words)
			printf("\n[%s]: %d words\n", s->text, words);
		CU_ASSERT_EQUAL_FATAL(words, s->words);
		for (int n = 0; n < words && n < 4; n++)
			CU_ASSERT_STRING_EQUAL(word[n], s->word[n]);
		free(text);
	}
}

static void test_sixteen_words(void)
{
	char text[] = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", *word[SHELL_WORDS];

	CU_ASSERT_EQUAL(shell_split(text, word), 16);
	CU_ASSERT_STRING_EQUAL(word[15], "16");
}

/* Whatever is typed, the words lie inside it: the sanitizer looks. */
static void test_noise(void)
{
	static const char letters[] = "ab \"\\nr";
	u64 seed = 1;

	for (unsigned i = 0; i < 20000; i++) {
		size_t len = i % 24;
		char *text = malloc(len + 1), *word[SHELL_WORDS];
		int words;

		for (size_t n = 0; n < len; n++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			text[n] = letters[(seed >> 33) % (sizeof(letters) - 1)];
		}
		text[len] = '\0';
		words = shell_split(text, word);
		for (int n = 0; n < words; n++)
			CU_ASSERT_FATAL(word[n] >= text && word[n] + strlen(word[n]) <= text + len);
		free(text);
	}
}

/* ---- Numbers -------------------------------------------------------------------- */

static void test_numbers(void)
{
	static const struct {
		const char *text;
		bool ok;
		u64 value;
	} numbers[] = {
		{ "0", true, 0 },
		{ "42", true, 42 },
		{ "0x0", true, 0 },
		{ "0xffffffffffffffff", true, ~0ull },
		{ "18446744073709551615", true, ~0ull },
		{ "18446744073709551616", false, 0 },
		{ "18446744073709551619", false, 0 },
		{ "99999999999999999999", false, 0 },
		{ "0x10000000000000000", false, 0 },
		{ "", false, 0 },
		{ "0x", false, 0 },
		{ "-1", false, 0 },
		{ "12a", false, 0 },
		{ "0x12g", false, 0 },
		{ "1 ", false, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		u64 value;
		bool ok = parse_u64(numbers[i].text, &value);

		if (ok != numbers[i].ok)
			printf("\n[%s]: %d\n", numbers[i].text, ok);
		CU_ASSERT_EQUAL(ok, numbers[i].ok);
		if (numbers[i].ok)
			CU_ASSERT_EQUAL(value, numbers[i].value);
	}
}

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
	complains("vm fly a", "vm list|create");
	complains("vm create", "NAME LIKE");
	complains("vm create x y", "no VM 'y'");
	complains("vm create namethatismuchtoolong a", "15 characters");
	complains("vm create x a 0", "no size");
	complains("vm create x a many", "no size");
	complains("vm create x a 1048577", "no size");
	complains("trace", "which VM");
	complains("trace a", "no vCPU 0");
	complains("trace a x", "COUNT");
	complains("walk a", "ADDRESS");
	complains("walk a 0xg", "ADDRESS");
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
	CU_ASSERT_EQUAL(command("vm create b a 128"), 0);
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "define b;");
	CU_ASSERT_EQUAL(fake_type1.guest[1].config.memory, MiB(128));
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
	CU_ASSERT_EQUAL(command("help"), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, commands[i].name));
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
	CU_ASSERT_EQUAL(command("trace a 18446744073709551615"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "host interrupt"));
	CU_ASSERT_STRING_EQUAL(fake_type1.done, "pause a;resume a;");
	CU_ASSERT_EQUAL(command("walk a 0x8000"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "level 1: entry at"));
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "guest-physical 0x8000"));
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "host-physical"));
	CU_ASSERT_EQUAL(command("walk a 0x7f0000000000"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_type1.said, "page fault, error code 0"));
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

	CU_add_test(suite, "words", test_split);
	CU_add_test(suite, "sixteen words and no more", test_sixteen_words);
	CU_add_test(suite, "noise", test_noise);
	CU_add_test(suite, "numbers", test_numbers);
	CU_add_test(suite, "complaints", test_complaints);
	CU_add_test(suite, "commands", test_commands);
	CU_add_test(suite, "quit", test_quit);
	CU_add_test(suite, "looking into a machine", test_looking);
}
