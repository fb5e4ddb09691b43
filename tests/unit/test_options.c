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
		{ "mem=4M role=firmware", "name= is missing" },
		{ "name=a role=firmware cow", "not both" },
		{ "name=a vm=b role=firmware", "not both" },
		{ "name=a role=firmware -- text", "-- text: firmware takes no command line" },
		{ "name=a --% 10%", "--% ...%: expected % and two" },
		{ "name=a --% %4", "--% ...%4: expected" },
		{ "name=a --% %20%4g5", "--% ...%4g: expected" },
		{ "name=a --% %00", "--% ...%00: expected" },
		{ "vm=a role=kernel", "option role=kernel: expected" },
		{ "role=initrd", "role= needs vm=NAME" },
		{ "role=script vm=a", "leave vm=, cow and ro out" },
		{ "role=script mem=2M", "not both" },
		{ "name=a =1", "unknown option =1" },
		{ "name=7", "option name=7: expected 1 to 15 letters" },
		{ "name=0x1f", "option name=0x1f" },
		{ "vm=1 role=initrd", "option vm=1" },
		{ "vm= role=initrd", "option vm=: expected" },
		{ "vm=a, role=initrd", "option vm=a,: expected" },
		{ "vm=,a role=initrd", "option vm=,a" },
		{ "vm=a,,b role=initrd", "option vm=a,,b" },
		{ "vm=a,b,a role=initrd", "option vm=a,b,a" },
		{ "vm=a,b,c,d,e,f,g,h,i role=initrd", "up to 8" },
		{ "vm=a,sixteen_letters_ role=initrd", "option vm=a,sixteen_letters_" },
		{ "vm=a,b role=disk", "a disk that 2 VMs have needs cow or ro" },
		{ "vm=a role=disk cow ro", "not both" },
		{ "vm=a role=initrd cow", "cow is for role=disk only" },
		{ "vm=a role=module ro", "ro is for role=disk only" },
		{ "vm=a role=disk cow=1", "unknown option cow=1" },
		{ "vm=a role=disk ro ro", "option ro is given twice" },
		{ "vm=a cow", "vm=a needs role=" },
		{ "cow", "cow needs vm=NAME role=disk" },
		{ "ro", "ro needs vm=NAME role=disk" },
		{ "role=script cow", "leave vm=, cow and ro out" },
		{ "name=a ro", "not both" },
		{ "name=a disk=", "option disk=: expected hd0:START+SECTORS" },
		{ "name=a disk=sda", "option disk=sda" },
		{ "name=a disk=hd", "option disk=hd" },
		{ "name=a disk=hd0", "option disk=hd0:" },
		{ "name=a disk=hd4p1", "option disk=hd4p1" },
		{ "name=a disk=hd18446744073709551616p1", "option disk=" },
		{ "name=a disk=hd0p0", "option disk=hd0p0" },
		{ "name=a disk=hd0p129", "option disk=hd0p129" },
		{ "name=a disk=hd0p1x", "option disk=hd0p1x" },
		{ "name=a disk=hd0:", "option disk=hd0:" },
		{ "name=a disk=hd0:1", "option disk=hd0:1" },
		{ "name=a disk=hd0:1+", "option disk=hd0:1+" },
		{ "name=a disk=hd0:1+0", "option disk=hd0:1+0" },
		{ "name=a disk=hd0:1-2", "option disk=hd0:1-2" },
		{ "name=a disk=hd0:1+2+3", "option disk=hd0:1+2+3" },
		{ "name=a disk=hd0:+5", "option disk=hd0:+5" },
		{ "name=a disk=hd0:18446744073709551615+2", "option disk=" },
		{ "name=a disk=hd0:2+18446744073709551615", "option disk=" },
		{ "name=a disk=hd0:281474976710655+2", "option disk=" },
		{ "name=a disk=hd0p1 disk=hd0p2 disk=hd0p3 disk=hd0p4 disk=hd0p5", "at most four" },
		{ "disk=hd0p1", "name= is missing" },
		{ "vm=a role=disk disk=hd0p1", "not both" },
		{ "name=a net=", "option net=: expected the name of a switch" },
		{ "name=a net=a/b", "option net=a/b" },
		{ "name=a net=lan net=wan", "option net= is given twice" },
		{ "name=a mac=02:00:00:00:00", "option mac=02:00:00:00:00" },
		{ "name=a mac=02:00:00:00:00:01:02", "option mac=" },
		{ "name=a mac=02:00:00:00:00:0", "option mac=" },
		{ "name=a mac=02-00-00-00-00-01", "option mac=" },
		{ "name=a mac=02:00:00:00:00:0g", "option mac=" },
		{ "name=a mac=01:00:00:00:00:01", "option mac=01:00:00:00:00:01: expected six" },
		{ "name=a mac=00:00:00:00:00:00", "option mac=" },
		{ "name=a mac=", "option mac=: expected" },
		{ "name=a net=none mac=02:00:00:00:00:01", "mac= makes no sense with net=none" },
		{ "name=a tasksw=1", "unknown option tasksw=1" },
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

	CU_ASSERT_EQUAL(m.vm_count, 0);
	CU_ASSERT_FALSE(m.is_script);
	CU_ASSERT_STRING_EQUAL(m.vm.config.name, "a");
	CU_ASSERT_EQUAL(m.vm.config.memory, MiB(64));
	CU_ASSERT_EQUAL(m.vm.config.vcpus, 1);
	CU_ASSERT_EQUAL(m.vm.config.weight, 100);
	CU_ASSERT_STRING_EQUAL(m.vm.config.cpu, "bare");
	CU_ASSERT_FALSE(m.vm.config.strict);
	CU_ASSERT_STRING_EQUAL(m.cmdline, "");

	m = good("  /boot/guest os.elf   name=fifteen_letters  mem=1G cpus=8 weight=10000 cpu=v1 "
		 "strict=1"
		 " --   root=/dev/x -- quiet ");
	CU_ASSERT_STRING_EQUAL(m.vm.config.name, "fifteen_letters");
	CU_ASSERT_EQUAL(m.vm.config.memory, GiB(1));
	CU_ASSERT_EQUAL(m.vm.config.vcpus, 8);
	CU_ASSERT_EQUAL(m.vm.config.weight, 10000);
	CU_ASSERT_STRING_EQUAL(m.vm.config.cpu, "v1");
	CU_ASSERT_TRUE(m.vm.config.strict);
	CU_ASSERT_STRING_EQUAL(m.cmdline, "root=/dev/x -- quiet ");
	CU_ASSERT_EQUAL(good("name=a mem=2097152").vm.config.memory, MiB(2));
	CU_ASSERT_EQUAL(good("name=a mem=4096K").vm.config.memory, MiB(4));
	CU_ASSERT_STRING_EQUAL(good("name=a --").cmdline, "");
}

static void test_encoded(void)
{
	struct options_module m = good("file name=a --%   a%20%22b%22%5c%2E%ff ");
	char text[40];

	CU_ASSERT_TRUE(m.encoded);
	options_decode(m.cmdline, text);
	CU_ASSERT_STRING_EQUAL(text, "a \"b\"\\.\xff ");
	CU_ASSERT_FALSE(good("name=a -- 100%").encoded);
	CU_ASSERT_STRING_EQUAL(good("name=a -- 100%").cmdline, "100%");
	m = good("vm=a role=module --%");
	CU_ASSERT_TRUE(m.encoded);
	CU_ASSERT_STRING_EQUAL(m.cmdline, "");
	strcpy(text, "%41%4");
	options_decode(text, text);
	CU_ASSERT_STRING_EQUAL(text, "A%4");
}

static void test_firmware(void)
{
	struct options_module m = good("bios.bin name=a role=firmware mem=1G");

	CU_ASSERT_TRUE(m.vm.config.firmware);
	CU_ASSERT_EQUAL(m.vm_count, 0);
	CU_ASSERT_EQUAL(m.vm.config.memory, GiB(1));
	CU_ASSERT_FALSE(good("bios.bin name=a").vm.config.firmware);
	CU_ASSERT_FALSE(good("rom vm=a role=firmware").vm.config.firmware);
}

static void test_files(void)
{
	struct options_module m = good("busybox.gz vm=linux role=initrd -- and more");

	CU_ASSERT_EQUAL(m.file.role, ROLE_INITRD);
	CU_ASSERT_STRING_EQUAL(m.vm_name[0], "linux");
	CU_ASSERT_STRING_EQUAL(m.cmdline, "and more");
	CU_ASSERT_EQUAL(good("role=module vm=a").file.role, ROLE_MODULE);
	CU_ASSERT_EQUAL(good("role=disk vm=a").file.role, ROLE_DISK);
	CU_ASSERT_EQUAL(good("role=firmware vm=a").file.role, ROLE_FIRMWARE);
	CU_ASSERT_TRUE(good("run.hv role=script").is_script);
}

static void test_disks(void)
{
	struct options_module m = good("base.img vm=a,b-2,c role=disk cow");

	CU_ASSERT_EQUAL(m.vm_count, 3);
	CU_ASSERT_STRING_EQUAL(m.vm_name[1], "b-2");
	CU_ASSERT_STRING_EQUAL(m.vm_name[2], "c");
	CU_ASSERT_TRUE(m.file.cow && !m.file.ro);
	m = good("base.img vm=a role=disk ro");
	CU_ASSERT_TRUE(m.file.ro && !m.file.cow);
	CU_ASSERT_EQUAL(good("vm=abcdefghijklmno,b,c,d,e,f,g,h role=initrd").vm_count, 8);
	m = good("name=a disk=hd0p1 disk=hd3:0x800+4096 disk=hd1:0+1 disk=hd0:281474976710655+1");
	CU_ASSERT_EQUAL_FATAL(m.vm.disk_count, 4);
	CU_ASSERT(m.vm.disk[0].drive == 0 && m.vm.disk[0].partition == 1);
	CU_ASSERT(m.vm.disk[1].drive == 3 && m.vm.disk[1].partition == 0);
	CU_ASSERT(m.vm.disk[1].start == 2048 && m.vm.disk[1].sectors == 4096);
	CU_ASSERT(m.vm.disk[2].drive == 1 && m.vm.disk[2].start == 0);
	CU_ASSERT_EQUAL(m.vm.disk[2].sectors, 1);
}

static void test_net(void)
{
	struct options_module m = good("name=a net=lan mac=02:00:0a:bC:De:fF tasksw pauseport");

	CU_ASSERT_STRING_EQUAL(m.vm.net, "lan");
	CU_ASSERT_TRUE(m.vm.has_mac && m.vm.tasksw && m.vm.config.pause_port);
	CU_ASSERT_EQUAL(memcmp(m.vm.mac, "\x02\x00\x0a\xbc\xde\xff", 6), 0);
	m = good("name=a net=none");
	CU_ASSERT_STRING_EQUAL(m.vm.net, "");
	CU_ASSERT_FALSE(m.vm.has_mac || m.vm.tasksw || m.vm.config.pause_port);
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
	hypervisor_refused("exit=now", "option exit=now: expected never, done or guest");
	hypervisor_refused("script-exit=1", "unknown option script-exit=1");
	hypervisor_refused("file script-exit cpu", "cpu is no option");
	hypervisor_refused("file cpu=4", "unknown option cpu=4");
	hypervisor_refused("script-exit script-exit", "given twice");
	hypervisor_refused("housekeeping=1", "unknown option housekeeping=1");
	hypervisor_refused("console=", "option console=: expected lines or raw");
	hypervisor_refused("console=Raw", "option console=Raw");
	hypervisor_refused("seed=x", "option seed=x: expected a number");
	hypervisor_refused("seed=18446744073709551616", "option seed=");
	hypervisor_refused("cpus=1 -- trace=16", "-- trace=16: there is nobody to hand that on to");

	CU_ASSERT_EQUAL(options_parse("", &o, error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(o.cpus, 64);
	CU_ASSERT_EQUAL(o.trace, 256);
	CU_ASSERT_FALSE(o.exit_done);
	CU_ASSERT_FALSE(o.exit_guest || o.console_raw || o.has_seed);
	CU_ASSERT_FALSE(o.script_exit || o.housekeeping);
	CU_ASSERT_EQUAL(o.silence, 20);
	CU_ASSERT_EQUAL(options_parse("espejo.elf32 cpus=2 trace=65536 script-exit exit=done", &o,
				      error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(o.cpus, 2);
	CU_ASSERT_EQUAL(o.trace, 65536);
	CU_ASSERT_TRUE(o.exit_done);
	CU_ASSERT_TRUE(o.script_exit);
	CU_ASSERT_EQUAL(options_parse("cpus=2 housekeeping", &o, error, sizeof(error)), 0);
	CU_ASSERT_TRUE(o.housekeeping);
	CU_ASSERT_EQUAL(options_parse("silence=0", &o, error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(o.silence, 0);
	CU_ASSERT_NOT_EQUAL(options_parse("silence=3601", &o, error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(options_parse("console=raw exit=guest seed=0xffffffffffffffff", &o, error,
				      sizeof(error)), 0);
	CU_ASSERT_TRUE(o.console_raw && o.exit_guest && o.has_seed && !o.exit_done);
	CU_ASSERT_EQUAL(o.seed, ~0ull);
	CU_ASSERT_EQUAL(options_parse("console=lines exit=never", &o, error, sizeof(error)), 0);
	CU_ASSERT_FALSE(o.console_raw || o.exit_guest || o.exit_done);
}

void test_options_register(void)
{
	CU_pSuite suite = CU_add_suite("options", NULL, NULL);

	CU_add_test(suite, "modules refused", test_module_refused);
	CU_add_test(suite, "a short buffer for the error", test_error_cut);
	CU_add_test(suite, "a VM", test_kernel);
	CU_add_test(suite, "its files", test_files);
	CU_add_test(suite, "text that no loader changes", test_encoded);
	CU_add_test(suite, "firmware", test_firmware);
	CU_add_test(suite, "its disks", test_disks);
	CU_add_test(suite, "its network", test_net);
	CU_add_test(suite, "the hypervisor", test_hypervisor);
}
