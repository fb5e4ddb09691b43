/* test_options.c - hv/type2/options.c and image.c: what users and files may say */
#include <string.h>

#include "fake.h"
#include "type2/image.h"
#include "type2/options.h"

void test_options_register(void);

static struct options o;
static char error[OPTIONS_ERROR];

/* Of one string, its words parted by blanks, which is changed. */
static int parse(const char *line)
{
	static char text[512];
	char *argv[32] = { (char[]){ "espejo-vm" } };
	int argc = 1;

	strcpy(text, line);
	for (char *word = strtok(text, " "); word && argc < 31; word = strtok(NULL, " "))
		argv[argc++] = word;
	error[0] = '\0';
	return options_parse(argc, argv, &o, error);
}

static void refused(const char *line, const char *cause)
{
	CU_ASSERT_EQUAL(parse(line), -HOST_EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, cause));
	if (!strstr(error, cause))
		printf("\n%s: %s\n", line, error);
}

static void test_good(void)
{
	CU_ASSERT_EQUAL(parse("kernel"), 0);
	CU_ASSERT_EQUAL(o.memory, MiB(512));
	CU_ASSERT_EQUAL(o.cpus, 1);
	CU_ASSERT_STRING_EQUAL(o.kernel, "kernel");
	CU_ASSERT_EQUAL(
	    parse("--mem=1G --cpus 4 --disk a,ro --disk b,b,cow --disk c --net tap=tap0 "
		  "--mac 52:54:00:AB:cd:ef --append x --initrd i --exit-guest k"),
	    0);
	CU_ASSERT_EQUAL(o.memory, GiB(1));
	CU_ASSERT_EQUAL(o.cpus, 4);
	CU_ASSERT_EQUAL(o.disks, 3);
	CU_ASSERT_EQUAL(o.disk[0].mode, DISK_READ_ONLY);
	CU_ASSERT_STRING_EQUAL(o.disk[0].path, "a");
	CU_ASSERT_EQUAL(o.disk[1].mode, DISK_COPY_ON_WRITE);
	CU_ASSERT_STRING_EQUAL(o.disk[1].path, "b,b");
	CU_ASSERT_EQUAL(o.disk[2].mode, DISK_WRITE);
	CU_ASSERT_EQUAL(o.net, NET_TAP);
	CU_ASSERT_STRING_EQUAL(o.tap, "tap0");
	CU_ASSERT_EQUAL(memcmp(o.mac, "\x52\x54\x00\xab\xcd\xef", 6), 0);
	CU_ASSERT_TRUE(o.exit_guest);
	CU_ASSERT_EQUAL(parse("--net socket=5000:65535 k"), 0);
	CU_ASSERT_TRUE(o.net == NET_SOCKET && o.net_mine == 5000 && o.net_peer == 65535);
	CU_ASSERT_EQUAL(parse("--state f k"), 0);
	CU_ASSERT_STRING_EQUAL(o.state, "f");
	CU_ASSERT_EQUAL(parse("--firmware image,cow"), 0);
	CU_ASSERT_TRUE(o.by_firmware && o.kernel_mode == DISK_COPY_ON_WRITE);
	CU_ASSERT_EQUAL(parse("--firmware=bios.bin --disk d --mem 64"), 0);
	CU_ASSERT_STRING_EQUAL(o.firmware, "bios.bin");
	CU_ASSERT_EQUAL(o.memory, MiB(64));
	CU_ASSERT_EQUAL(parse("--help"), 0);
	CU_ASSERT_TRUE(o.help);
}

static void test_refused(void)
{
	refused("", "no kernel");
	refused("a b", "two kernels or images: 'a' and 'b'");
	refused("--mem 1M k", "2M to 512G");
	refused("--mem 64X k", "--mem '64X'");
	refused("--mem 99999999999999999999G k", "--mem");
	refused("--mem -1 k", "--mem");
	refused("--cpus 0 k", "1 to 8");
	refused("--cpus 9 k", "1 to 8");
	refused("--cpus 2x k", "1 to 8");
	refused("--cpu z80 k", "bare or v1");
	refused("--disk ,ro k", "FILE,ro");
	refused("--disk a --disk b --disk c --disk d --disk e k", "at most four");
	refused("--net bridge k", "tap=NAME");
	refused("--net tap= k", "tap=NAME");
	refused("--net tap=sixteencharacter k", "tap=NAME");
	refused("--net fd=2 k", "fd=N");
	refused("--net socket=5000 k", "MINE:PEER");
	refused("--net socket=0:5000 k", "MINE:PEER");
	refused("--net socket=5000:65536 k", "MINE:PEER");
	refused("--net socket=5000:5000 k", "MINE:PEER");
	refused("--net socket=500000:5000 k", "MINE:PEER");
	refused("--mac 52:54:00:00:00:01 k", "--mac without --net");
	refused("--net user --mac 53:54:00:00:00:01 k", "not a group's");
	refused("--net user --mac 52:54:00:00:00 k", "an address");
	refused("--net user --mac 52:54:00:00:00:01: k", "an address");
	refused("--state= k", "a file");
	refused("--verbose=yes k", "takes no value");
	refused("k --append", "needs a value");
	refused("--frobnicate k", "unknown option '--frobnicate'");
	refused("-m k", "unknown option '-m'");
	refused("--firmware", "firmware needs a disk");
	refused("--firmware --append x i", "firmware boots a disk");
	refused("--option-rom r k", "--option-rom");
	refused("--firmware --disk a --disk b --disk c --disk d i", "more than four");
}

static void test_images(void)
{
	static const u32 multiboot[] = { 0x1badb002, 0, -0x1badb002u };
	u8 data[8192] = { 0 };

	CU_ASSERT_EQUAL(image_kind(data, 0), IMAGE_UNKNOWN);
	CU_ASSERT_EQUAL(image_kind(data, sizeof(data)), IMAGE_UNKNOWN);
	memcpy(data + 510, "\x55\xaa", 2);
	CU_ASSERT_EQUAL(image_kind(data, 512), IMAGE_DISK);
	CU_ASSERT_EQUAL(image_kind(data, 511), IMAGE_UNKNOWN);
	memcpy(data + 8192 - 12, multiboot, sizeof(multiboot));
	CU_ASSERT_EQUAL(image_kind(data, 8192), IMAGE_MULTIBOOT);
	CU_ASSERT_EQUAL(image_kind(data, 8191), IMAGE_DISK);
	memcpy(data + 0x202, "HdrS", 4);
	CU_ASSERT_EQUAL(image_kind(data, 8192), IMAGE_LINUX);
	memcpy(data, "KDMV", 4);
	CU_ASSERT_EQUAL(image_kind(data, 8192), IMAGE_OTHER_DISK);
	CU_ASSERT_STRING_EQUAL(image_format(data, 512), "VMDK");
	memset(data, 0, sizeof(data));
	memcpy(data, "name.ovf", 8);
	CU_ASSERT_PTR_NULL(image_format(data, 512));
	memcpy(data + 257, "ustar", 5);
	CU_ASSERT_STRING_EQUAL(image_format(data, 512), "OVA");
	CU_ASSERT_PTR_NULL(image_format(data, 260));
	memset(data, 0, sizeof(data));
	memcpy(data + 64, "\x7f\x10\xda\xbe", 4);
	CU_ASSERT_STRING_EQUAL(image_format(data, 512), "VDI");
}

void test_options_register(void)
{
	CU_pSuite suite = CU_add_suite("type2: command line and images", NULL, NULL);

	CU_add_test(suite, "what is taken", test_good);
	CU_add_test(suite, "what is refused", test_refused);
	CU_add_test(suite, "kinds of files", test_images);
}
