/*
 * main.c - the cpu guest: which areas run, and how an outcome is written
 *
 * Owns: the words of the command line: area=NAME runs one only, without=NAME all others.
 * Must not know: what an area tries.
 */
#include "cpu.h"

#include "lib/fmt.h"

const char *outcome(void)
{
	static char text[4][40];
	static unsigned turn;
	char *line = text[turn++ % 4];

	if (rt_vector == RT_NONE)
		return "none";
	fmt_string(line, sizeof(text[0]), "%llu(%llx)", (unsigned long long)rt_vector,
		   (unsigned long long)rt_error);
	return line;
}

bool feature(u32 leaf, unsigned reg, unsigned bit)
{
	struct cpuid_regs r = x86_cpuid(leaf & 0x80000000, 0);
	const u32 *word = &r.eax;

	if (r.eax < leaf)
		return false;
	r = x86_cpuid(leaf, 0);
	return word[reg] & BIT(bit);
}

static const struct {
	const char *name;
	void (*run)(void);
} areas[] = {
	{ "cpuid", cpuid_area }, { "msr", msr_area },	  { "control", control_area },
	{ "keys", keys_area },	 { "fault", fault_area },
	{ "modes", modes_area },
};

unsigned probe_main(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(areas); i++) {
		char word[16];

		if (rt_word("area", word, sizeof(word)) && !rt_has("area", areas[i].name))
			continue;
		if (rt_has("without", areas[i].name))
			continue;
		rt_print("area %s\n", areas[i].name);
		areas[i].run();
	}
	rt_print("cpu: finished\n");
	return 0;
}
