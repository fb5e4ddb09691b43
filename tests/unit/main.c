/*
 * main.c - all unit tests, in one program
 *
 * Each test_X.c gives test_X_register, which adds its suite; the list of them is made
 * by the makefile from the names of the files, so that no test is forgotten.
 * Arguments choose suites by name.  Exit status 1 if anything failed.
 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#define TEST(name) void test_##name##_register(void);
#include "test_list.h"
#undef TEST

static void register_all(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*add)(void);
	} tests[] = {
#define TEST(name) { #name, test_##name##_register },
#include "test_list.h"
#undef TEST
	};

	for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		int wanted = argc < 2;

		for (int a = 1; a < argc; a++)
			wanted |= !strcmp(argv[a], tests[i].name);
		if (wanted)
			tests[i].add();
	}
}

int main(int argc, char **argv)
{
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	register_all(argc, argv);
	if (!CU_get_registry()->uiNumberOfTests) {
		fprintf(stderr, "no such test\n");
		return 2;
	}
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_tests_failed() + CU_get_number_of_suites_failed();
	printf("%u passed, %u failed\n", CU_get_number_of_tests_run() - failed, failed);
	CU_cleanup_registry();
	return failed != 0;
}
