/* census.c - see census.h */
#include "census.h"

#include "lib/fmt.h"
#include "lib/string.h"

void census_case(const char *name, const char *got, const char *manual)
{
	if (manual)
		rt_record("case %s got=%s manual=%s", name, got, manual);
	else
		rt_record("case %s got=%s", name, got);
}

static const char *word(char *to, size_t size, u64 value)
{
	fmt_string(to, size, "0x%lx", value);
	return to;
}

void census_number(const char *name, u64 got)
{
	char text[24];

	census_case(name, word(text, sizeof(text), got), NULL);
}

void census_number_manual(const char *name, u64 got, u64 manual)
{
	char text[24], expected[24];

	census_case(name, word(text, sizeof(text), got), word(expected, sizeof(expected), manual));
}

void census_trap(const char *name, const char *manual)
{
	char text[40] = "none";

	if (rt_faulted())
		fmt_string(text, sizeof(text), "#%lu(0x%lx)", rt_vector, rt_error);
	census_case(name, text, manual);
}

void census_flags(const char *name, u64 mask)
{
	rt_record("flags %s got=0x%lx", name, mask);
}

bool census_virtual(void)
{
	return rt_has("where", "virtual");
}

unsigned probe_main(void)
{
	census_cpuid();
	census_msr();
	census_control();
	census_io();
	census_length();
	census_memory();
	if (!rt_avoids("board")) {
		census_chips();
		census_chips2();
		census_lines();
		census_apics();
		census_board();
		census_virtio();
	}
	census_interrupt();
	census_events();
	rt_record("end");
	return 0;
}
