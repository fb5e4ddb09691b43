/* test_options.c - command lines of the hypervisor and its modules: type1/options.c */
#include <CUnit/CUnit.h>
#include <string.h>

#include "type1/options.h"

void test_options_register(void);

static char error[300];

/* The text must be refused, and the sentence must have these words. */
static void refused(const char *text, const char *words)
{
	struct options_module m;
	int result = options_parse_module(text, 3, &m, error, sizeof(error));

	CU_ASSERT_EQUAL(result, -HOST_EINVAL);
	if (!strstr(error, words) || strncmp(error, "module 3: ", 10))
		CU_FAIL(error);
}

static void test_module_refused(void)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "", "name= is missing" },
		{ "file", "name= is missing" },
		{ "file -- name=a", "name= is missing" },
		{ "name=", "option name=: expected" },
		{ "name=sixteen-letters-", "option name=sixteen-letters-" },
		{ "name=a/b", "option name=a/b" },
		{ "name=a name=b", "option name= is given twice" },
		{ "name=a foo=1", "unknown option foo=1" },
		{ "name=a Mem=64M", "unknown option Mem=64M" },
		{ "name=a mem", "mem is no option without a value" },
		{ "mem name=a", "mem is no option without a value" },
		{ "name=a file", "file is no option" },
		{ "name=a mem=", "option mem=: expected" },
		{ "name=a mem=64X", "option mem=64X: expected" },
		{ "name=a mem=64MB", "option mem=64MB" },
		{ "name=a mem=M", "option mem=M" },
		{ "name=a mem=-64M", "option mem=-64M" },
		{ "name=a mem=1M", "option mem=1M: expected 2M or more" },
		{ "name=a mem=0x100000", "option mem=0x100000" },
		{ "name=a mem=99999999999999999999", "option mem=" },
		{ "name=a mem=18446744073709551615G", "option mem=" },
		{ "name=a mem=1024G", "option mem=1024G" },
		{ "name=a cpus=0", "option cpus=0: expected 1 to 8" },
		{ "name=a cpus=9", "option cpus=9" },
		{ "name=a cpus=1K", "option cpus=1K" },
		{ "name=a weight=0", "option weight=0" },
		{ "name=a weight=10001", "option weight=10001" },
		{ "name=a cpu=fast", "option cpu=fast: expected bare or v1" },
		{ "name=a strict=yes", "option strict=yes: expected 0 or 1" },
		{ "name=a strict=", "option strict=: expected" },
		{ "name=a role=initrd", "not both" },
		{ "name=a vm=b", "not both" },
		{ "vm=a mem=64M role=initrd", "not both" },
		{ "vm=a", "needs role=" },
		{ "vm=a role=kernel", "option role=kernel: expected" },
		{ "role=initrd", "role= needs vm=NAME" },
		{ "role=script vm=a", "leave vm= out" },
		{ "role=script mem=2M", "not both" },
		{ "name=a =1", "unknown option =1" },
	};
	char longest[400];

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		refused(bad[i].text, bad[i].words);
	strcpy(longest, "name=a mem=");
	memset(longest + 11, '9', 300);
	longest[311] = '\0';
	refused(longest, "is longer than");
}

static void test_error_cut(void)
{
	struct options_module m;
	char tiny[8];

	memset(tiny, 'x', sizeof(tiny));
	CU_ASSERT(options_parse_module("name=a foo=1", 1, &m, tiny, sizeof(tiny)) < 0);
	CU_ASSERT_STRING_EQUAL(tiny, "module ");
	CU_ASSERT(options_parse_module("name=a foo=1", 1, &m, tiny, 1) < 0);
	CU_ASSERT_EQUAL(tiny[0], 0);
}

static struct options_module good(const char *text)
{
	struct options_module m;
	int result = options_parse_module(text, 1, &m, error, sizeof(error));

	if (result)
		CU_FAIL(error);
	CU_ASSERT_EQUAL(result, 0);
	return m;
}

static void test_kernel(void)
{
	struct options_module m = good("name=a");

	CU_ASSERT_EQUAL(m.role, ROLE_KERNEL);
	CU_ASSERT_STRING_EQUAL(m.config.name, "a");
	CU_ASSERT_EQUAL(m.config.memory, MiB(64));
	CU_ASSERT_EQUAL(m.config.vcpus, 1);
	CU_ASSERT_EQUAL(m.config.weight, 100);
	CU_ASSERT_STRING_EQUAL(m.config.cpu, "bare");
	CU_ASSERT_FALSE(m.config.strict);
	CU_ASSERT_STRING_EQUAL(m.cmdline, "");

	m = good("  /boot/guest os.elf   name=fifteen_letters  mem=1G cpus=8 weight=10000 cpu=v1 "
		 "strict=1"
		 " --   root=/dev/x -- quiet ");
	CU_ASSERT_STRING_EQUAL(m.config.name, "fifteen_letters");
	CU_ASSERT_EQUAL(m.config.memory, GiB(1));
	CU_ASSERT_EQUAL(m.config.vcpus, 8);
	CU_ASSERT_EQUAL(m.config.weight, 10000);
	CU_ASSERT_STRING_EQUAL(m.config.cpu, "v1");
	CU_ASSERT_TRUE(m.config.strict);
	CU_ASSERT_STRING_EQUAL(m.cmdline, "root=/dev/x -- quiet ");
	CU_ASSERT_EQUAL(good("name=a mem=2097152").config.memory, MiB(2));
	CU_ASSERT_EQUAL(good("name=a mem=4096K").config.memory, MiB(4));
	CU_ASSERT_STRING_EQUAL(good("name=a --").cmdline, "");
}

static void test_files(void)
{
	struct options_module m = good("busybox.gz vm=linux role=initrd -- and more");

	CU_ASSERT_EQUAL(m.role, ROLE_INITRD);
	CU_ASSERT_STRING_EQUAL(m.config.name, "linux");
	CU_ASSERT_STRING_EQUAL(m.cmdline, "and more");
	CU_ASSERT_EQUAL(good("role=module vm=a").role, ROLE_MODULE);
	CU_ASSERT_EQUAL(good("role=disk vm=a").role, ROLE_DISK);
	CU_ASSERT_EQUAL(good("role=firmware vm=a").role, ROLE_FIRMWARE);
	CU_ASSERT_EQUAL(good("run.hv role=script").role, ROLE_SCRIPT);
}

static void hypervisor_refused(const char *text, const char *words)
{
	struct options o;

	CU_ASSERT_EQUAL(options_parse(text, &o, error, sizeof(error)), -HOST_EINVAL);
	if (!strstr(error, words) || !strstr(error, "the hypervisor's command line: "))
		CU_FAIL(error);
}

static void test_hypervisor(void)
{
	struct options o;

	hypervisor_refused("cpus=0", "option cpus=0: expected 1 to 64");
	hypervisor_refused("cpus=65", "option cpus=65");
	hypervisor_refused("cpus=", "option cpus=");
	hypervisor_refused("trace=100", "a power of two");
	hypervisor_refused("trace=8", "option trace=8");
	hypervisor_refused("exit=now", "option exit=now: expected never or done");
	hypervisor_refused("script-exit=1", "unknown option script-exit=1");
	hypervisor_refused("file script-exit cpu", "cpu is no option");
	hypervisor_refused("file cpu=4", "unknown option cpu=4");
	hypervisor_refused("script-exit script-exit", "given twice");

	CU_ASSERT_EQUAL(options_parse("", &o, error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(o.cpus, 64);
	CU_ASSERT_EQUAL(o.trace, 256);
	CU_ASSERT_FALSE(o.exit_done);
	CU_ASSERT_FALSE(o.script_exit);
	CU_ASSERT_EQUAL(o.silence, 20);
	CU_ASSERT_EQUAL(options_parse("espejo.elf32 cpus=2 trace=65536 script-exit exit=done", &o,
				      error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(o.cpus, 2);
	CU_ASSERT_EQUAL(o.trace, 65536);
	CU_ASSERT_TRUE(o.exit_done);
	CU_ASSERT_TRUE(o.script_exit);
	CU_ASSERT_EQUAL(options_parse("silence=0", &o, error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(o.silence, 0);
	CU_ASSERT_NOT_EQUAL(options_parse("silence=3601", &o, error, sizeof(error)), 0);
}

void test_options_register(void)
{
	CU_pSuite suite = CU_add_suite("options", NULL, NULL);

	CU_add_test(suite, "modules refused", test_module_refused);
	CU_add_test(suite, "a short buffer for the error", test_error_cut);
	CU_add_test(suite, "a VM", test_kernel);
	CU_add_test(suite, "its files", test_files);
	CU_add_test(suite, "the hypervisor", test_hypervisor);
}
