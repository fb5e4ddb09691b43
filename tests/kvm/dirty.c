/*
 * dirty.c - which pages a guest has written, as KVM's log tells
 *
 * Owns: a guest of this process, started twice; what its log must say.  tests/guests/pages.S
 * knows the same pages.
 * Must not know: ioctls.
 *
 * usage: as espejo-vm, with build/tests/guests/pages.elf as kernel.  TAP on standard output.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "kvm/kvm.h"
#include "type2/console.h"
#include "type2/files.h"
#include "type2/guest.h"
#include "type2/options.h"
#include "type2/ram.h"
#include "type2/threads.h"
#include "type2/timer.h"

#define FIRST MiB(2)
#define PAGES 1024u
#define PATIENCE_MS 60000

static const unsigned written[] = { 0, 1, 63, 64, 65, 511, 512, 700 };
static unsigned number, failures;
static struct failure why;

u32 host_trace_size(void)
{
	return 16;
}

static void good(bool is_good, const char *text)
{
	failures += !is_good;
	printf("%s %u - %s\n", is_good ? "ok" : "not ok", ++number, text);
}

static bool bit(const u64 *map, unsigned n)
{
	return map[n / 64] >> n % 64 & 1;
}

/* Pages first.. of the guest's, count of them: are those that it wrote in the log, and no others?
 */
static bool exact(unsigned first, unsigned count)
{
	u64 map[PAGES / 64 + 1], expected[PAGES / 64 + 1] = { 0 };
	bool same = true;

	memset(map, 0x55, sizeof(map)); /* all of it is the answer */
	for (unsigned i = 0; i < ARRAY_SIZE(written); i++)
		if (written[i] - first < count)
			expected[(written[i] - first) / 64] |= BIT((written[i] - first) % 64);
	virt->dirty_fetch_and_clear(guest_vm(), gpa(FIRST + first * PAGE_SIZE), count * PAGE_SIZE,
				    map);
	for (unsigned i = 0; i < count; i++)
		if (bit(map, i) != bit(expected, i)) {
			printf("# page %u: %s\n", first + i,
			       bit(map, i) ? "in the log" : "not in the log");
			same = false;
		}
	return same;
}

static bool all_are(unsigned first, unsigned count, bool set)
{
	u64 map[PAGES / 64 + 1] = { 0 };
	unsigned found = 0;

	virt->dirty_fetch_and_clear(guest_vm(), gpa(FIRST + first * PAGE_SIZE), count * PAGE_SIZE,
				    map);
	for (unsigned i = 0; i < count; i++)
		found += bit(map, i);
	return found == (set ? count : 0);
}

static bool must(bool is_good)
{
	if (!is_good)
		printf("Bail out! %s\n", why.text);
	return is_good;
}

static bool make(int argc, char **argv)
{
	static const struct virt_ops *const back_ends[] = { &kvm_ops };
	static struct vm_config config = { .name = "guest", .weight = 100, .cpu = "bare" };
	static struct options options;
	static struct files files;
	const char *missing;

	if (options_parse(argc, argv, &options, why.text))
		return false;
	config.memory = options.memory;
	config.vcpus = options.cpus;
	ram_init(ram_of_machine());
	if (!files_open(&options, &files, &why))
		return false;
	missing = virt_select(back_ends, 1);
	if (missing)
		return failure_set(&why, FAILURE_UNAVAILABLE, "%s", missing + 1);
	timer_calibrate();
	if (!guest_make(&config, &files, &why))
		return false;
	return threads_start_vcpus(options.cpus) && timer_start_thread();
}

/* From its start to its end. */
static bool run(void)
{
	struct pollfd ended = { .fd = guest_event_fd(), .events = POLLIN };

	guest_start();
	do {
		if (poll(&ended, 1, PATIENCE_MS) <= 0)
			return false;
	} while (guest_poll(false, &why) != GUEST_ENDED);
	return guest_vm()->state == VM_OFF;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	timer_init();
	if (!must(make(argc, argv)))
		return 2;
	good(all_are(0, PAGES, true),
	     "what was written before the log began is not known: all pages");
	good(all_are(0, PAGES, false), "nothing is written by a guest that does not run");
	good(run(), "the guest comes to its end");
	good(exact(0, PAGES), "exactly the pages that it wrote are in the log");
	good(all_are(0, PAGES, false), "a page is told once");
	good(guest_reload(&why) && run(), "it runs again");
	good(exact(60, 5), "a part, which begins and ends amid a word: exactly those");
	good(exact(65, PAGES - 65), "the rest behind it");
	good(exact(0, 60), "the rest before it");
	good(all_are(0, PAGES, false), "and no more");
	virt->unmap(guest_vm(), gpa(FIRST + 16 * PAGE_SIZE), PAGE_SIZE);
	good(all_are(0, 16, true) && all_are(17, PAGES - 17, true),
	     "behind a change of the map all that is there counts as written");
	printf("1..%u\n", number);
	return failures ? 1 : 0;
}
