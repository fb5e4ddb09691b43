/* main.c - the system parts of one CPU, one after the other: only=NAME for one */
#include "systems.h"

#include "lib/string.h"

unsigned probe_main(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {
		{ "paging", systems_paging },
		{ "legacy", systems_paging_legacy },
		{ "exceptions", systems_exceptions },
		{ "msrs", systems_msrs },
		{ "control", systems_control },
		{ "five", systems_paging_five },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
		char only[16];

		if (rt_word("only", only, sizeof(only)) && strcmp(only, parts[i].name))
			continue;
		rt_seed(rt_number("seed", 1));
		parts[i].run();
	}
	systems_finish();
	return 0;
}
