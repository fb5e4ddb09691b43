/* test_modules.c - which file belongs to which guest: type1/modules.c */
#include "fake_type1.h"
#include "machine.h"

#include "type1/bootinfo.h"
#include "type1/modules.h"

void test_modules_register(void);

static struct bootinfo info;
static struct blob script;
static char error[300];
static u8 bytes[DEFINITION_FILES_MAX + 2][DEFINITION_FILES_MAX + 2];

static int define(unsigned count, const char *const cmdline[])
{
	fake_type1_reset();
	memset(&info, 0, sizeof(info));
	for (unsigned i = 0; i < count; i++)
		info.module[info.module_count++] = (struct bootinfo_module){
			host_hpa(bytes[i]).v, host_hpa(bytes[i]).v + i + 1, cmdline[i]
		};
	error[0] = '\0';
	return modules_define_guests(&info, &script, error, sizeof(error));
}

static void test_whole(void)
{
	static const char *const cmdline[] = {
		"kernel name=a mem=32M --% quiet%5c", "other name=b",	 "run role=script",
		"base.img vm=a,b role=disk cow", "m1 vm=a role=module", "ram vm=a role=initrd",
		"m2 vm=a role=module --% t%20w%22o", "seabios name=c role=firmware",
		"rom vm=c role=firmware",	 "rom2 vm=c role=firmware",
	};
	const struct guest_definition *a = &fake_type1.guest[0].definition,
				      *b = &fake_type1.guest[1].definition,
				      *c = &fake_type1.guest[2].definition;

	CU_ASSERT_EQUAL_FATAL(define(ARRAY_SIZE(cmdline), cmdline), 0);
	CU_ASSERT_EQUAL(fake_type1.guests, 3);
	CU_ASSERT_STRING_EQUAL(a->config.name, "a");
	CU_ASSERT_STRING_EQUAL(a->cmdline, "quiet\\");
	CU_ASSERT_PTR_EQUAL(a->kernel.data, bytes[0]);
	CU_ASSERT_STRING_EQUAL(a->kernel.name, "kernel");
	CU_ASSERT_EQUAL_FATAL(a->file_count, 4);
	CU_ASSERT_EQUAL(a->file[0].role, ROLE_DISK);
	CU_ASSERT_TRUE(a->file[0].cow);
	CU_ASSERT_EQUAL(a->file[1].role, ROLE_MODULE);
	CU_ASSERT_EQUAL(a->file[2].role, ROLE_INITRD);
	CU_ASSERT_PTR_EQUAL(a->file[2].blob.data, bytes[5]);
	CU_ASSERT_EQUAL(a->file[2].blob.size, 6);
	CU_ASSERT_STRING_EQUAL(a->file[3].blob.cmdline, "t w\"o");
	CU_ASSERT_EQUAL_FATAL(b->file_count, 1);
	CU_ASSERT_PTR_EQUAL(b->file[0].blob.data, bytes[3]);
	CU_ASSERT_TRUE(c->config.firmware);
	CU_ASSERT_EQUAL_FATAL(c->file_count, 2);
	CU_ASSERT_EQUAL(c->file[1].role, ROLE_FIRMWARE);
	CU_ASSERT_PTR_EQUAL(script.data, bytes[2]);
	CU_ASSERT_EQUAL(script.size, 3);
	CU_ASSERT_EQUAL(define(0, NULL), 0);
	CU_ASSERT_PTR_NULL(script.data);
}

static void refused(const char *first, const char *second, const char *third, const char *sentence)
{
	const char *const cmdline[] = { first, second, third };

	CU_ASSERT_EQUAL(define(ARRAY_SIZE(cmdline), cmdline), -HOST_EINVAL);
	if (strcmp(error, sentence))
		printf("\n%s\n", error);
	CU_ASSERT_STRING_EQUAL(error, sentence);
}

/* Every sentence names the module. */
static void test_refused(void)
{
	const char *cmdline[DEFINITION_FILES_MAX + 2];

	refused("k name=a", "i vm=b role=initrd", "",
		"module 2: vm=b: no module before it has name=b");
	refused("k name=a", "i vm=a role=initrd", "j vm=a role=initrd",
		"module 3: vm=a: it has an initrd already");
	refused("k name=a", "i vm=a role=firmware", "",
		"module 2: vm=a: role=firmware is an option ROM, for a VM that begins with"
		" firmware");
	refused("b name=a role=firmware", "i vm=a role=initrd", "",
		"module 2: vm=a: it begins with firmware, which takes no initrd");
	refused("b name=a role=firmware", "i vm=a role=disk", "j vm=a role=module",
		"module 3: vm=a: it begins with firmware, which takes no modules");
	refused("k name=a", "s role=script", "t role=script",
		"module 3: there is a script already");
	refused("k name=a", "k name=b", "j vm=b,c role=module",
		"module 3: vm=c: no module before it has name=c");
	cmdline[0] = "k name=a";
	for (unsigned i = 1; i < ARRAY_SIZE(cmdline); i++)
		cmdline[i] = "m vm=a role=module";
	CU_ASSERT_EQUAL(define(ARRAY_SIZE(cmdline) - 1, cmdline), 0);
	CU_ASSERT_EQUAL(define(ARRAY_SIZE(cmdline), cmdline), -HOST_EINVAL);
	CU_ASSERT_STRING_EQUAL(error, "module 18: vm=a: more than 16 files");
}

/* What guests_define says gets the module's number too. */
static void test_define_fails(void)
{
	const char *const cmdline[] = { "name=a", "name=b", "name=c", "name=d", "name=e" };

	CU_ASSERT_EQUAL(define(5, cmdline), -HOST_EINVAL);
	CU_ASSERT_STRING_EQUAL(error, "module 5: no such luck");
}

void test_modules_register(void)
{
	CU_pSuite suite = CU_add_suite("modules", NULL, NULL);

	CU_add_test(suite, "refused", test_refused);
	CU_add_test(suite, "no room for another guest", test_define_fails);
	CU_add_test(suite, "two guests and a script", test_whole);
}
