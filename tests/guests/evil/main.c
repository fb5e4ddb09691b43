/* main.c - see evil.h: the parts in their order, and the verdicts */
#include "evil.h"

#include "lib/fmt.h"
#include "lib/string.h"

static unsigned count, failed;

static const struct part {
	const char *name;
	void (*run)(void);
} parts[] = {
	{ "rings", rings_main },	 { "requests", requests_main }, { "flight", flight_main },
	{ "registers", registers_main }, { "bars", bars_main },		{ "chipset", chipset_main },
	{ "errors", errors_main },	 { "race", race_main },
};

/* On a line of its own, for the second console and the screen may have begun one. */
void verdict(bool good, const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	fmt_vstring(text, sizeof(text), format, args);
	va_end(args);
	failed += !good;
	rt_print("\n%sok %u - %s\n", good ? "" : "not ", ++count, text);
}

static bool wanted(const char *name)
{
	char word[32];

	return !rt_word("part", word, sizeof(word)) || !strcmp(word, "all") || !strcmp(word, name);
}

static void look_after(const char *name)
{
	u64 spoilt = memory_spoilt();

	verdict(!spoilt, "%s: memory that was not offered is unharmed (0x%lx)", name, spoilt);
	for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
		if (devices[i].devfn >= 0)
			verdict(virtio_works(&devices[i]), "%s: %s works afterwards", name,
				devices[i].name);
}

unsigned probe_main(void)
{
	unsigned found = virtio_find();
	volatile u8 *canary = (volatile u8 *)(uintptr_t)ALIGN_UP(rt_image_limit(), 4096ull);

	if (rt_has("mode", "storm"))
		storm_main();
	memory_mark();
	canary[0x12345]++;
	verdict(memory_spoilt() == (u64)(uintptr_t)&canary[0x12340] && !memory_spoilt(),
		"a byte that changes is noticed");
	verdict(found == rt_number("devices", 4), "%u virtio devices are there", found);
	look_after("begin");
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		if (wanted(parts[i].name)) {
			parts[i].run();
			look_after(parts[i].name);
		}
	rt_print("1..%u\nevil: %u of %u failed\n", count, failed, count);
	return failed != 0;
}
