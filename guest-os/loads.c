/*
 * loads.c - eight workloads, to be measured from outside
 *
 * Owns: what is done how often, and the marks around it: a no-operation with a number
 * (tools/linux/mark.h), which an emulator that counts instructions sees, and a byte to the POST
 * port, which stands in an emulator's log of exits.  Each load is carried out once before, so that
 * no page of RAM is touched for the first time while somebody counts.
 * Must not know: who measures, and where it runs.
 *
 * A line "@NONCE load name=NAME n=TIMES ticks=TSC", or "absent=1" without the device.
 */
#include "loads.h"

#include "bootinfo.h"
#include "clock.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "net.h"
#include "page.h"
#include "print.h"
#include "process.h"
#include "sched.h"
#include "virtio_blk.h"
#include "virtio_net.h"
#include "x86_ops.h"

#include "../tools/linux/mark.h"

#define POST_PORT 0x80
#define NONCE_MAX 40
#define FRAME_TYPE 0x88b5 /* IEEE 802 "local experimental EtherType 1": nobody's */
#define FRAME_PATIENCE_US 1000000
#define NUMBER_SIZE 12

/* A program and its argument; its exit status 0 says that it did its work. */
static bool run(const char *kind, unsigned n)
{
	char number[NUMBER_SIZE];
	const char *words[] = { "worker", kind, number };
	struct process_end end;
	int pid;

	fmt_string(number, sizeof(number), "%u", n);
	pid = process_spawn(words, 3);
	return pid > 0 && process_wait(pid, &end) == 0 && end.how == END_EXIT && !end.status;
}

static bool load_cpu(unsigned n)
{
	return run("cpu", n);
}

static bool load_memory(unsigned n)
{
	return run("memory", n);
}

static bool load_syscall(unsigned n)
{
	return run("syscall", n);
}

static bool load_fault(unsigned n)
{
	return run("fault", n);
}

static bool load_switch(unsigned n)
{
	return run("switch", n);
}

static bool load_timer(unsigned n)
{
	return run("timer", n);
}

/* A page is written, and survives from then on. */
static bool load_disk(unsigned n)
{
	u8 *page = page_alloc();
	bool good = page;

	for (unsigned i = 0; good && i < n; i++) {
		memset(page, (int)i, PAGE_SIZE);
		good = !virtio_blk_write(8 * (i % 16), page, PAGE_SIZE) && !virtio_blk_flush();
	}
	if (page)
		page_free(page);
	return good;
}

/* A frame for everybody leaves, before the next one. */
static bool load_network(unsigned n)
{
	static u8 frame[NET_FRAME_MAX];
	struct net_header *header = (struct net_header *)frame;

	memcpy(header->to, net_broadcast, NET_MAC_SIZE);
	memcpy(header->from, virtio_net_mac(), NET_MAC_SIZE);
	header->type = wire16(FRAME_TYPE);
	for (unsigned i = 0; i < n; i++) {
		u64 sent = virtio_net_sent(), until = clock_us() + FRAME_PATIENCE_US;

		if (virtio_net_send(frame, sizeof(frame)))
			return false;
		while (virtio_net_sent() == sent && clock_us() < until)
			sched_wait(SCHED_NET, until);
		if (virtio_net_sent() == sent)
			return false;
	}
	return true;
}

/* ---- The table --------------------------------------------------------------------------- */

/* A mark's number is part of an instruction: a function for each load. */
#define BETWEEN_MARKS(index, load)                                                                 \
	static bool marked_##load(unsigned n)                                                      \
	{                                                                                          \
		bool good;                                                                         \
                                                                                                   \
		MARK(MARK_LOAD + 2 * (index));                                                     \
		good = load_##load(n);                                                             \
		MARK(MARK_LOAD + 2 * (index) + 1);                                                 \
		return good;                                                                       \
	}

#define LOADS(X)                                                                                   \
	X(0, cpu, 1000000, NULL)                                                                   \
	X(1, memory, 300000, NULL)                                                                 \
	X(2, syscall, 20000, NULL)                                                                 \
	X(3, fault, 2000, NULL)                                                                    \
	X(4, switch, 2000, NULL)                                                                   \
	X(5, timer, 100, NULL)                                                                     \
	X(6, disk, 64, virtio_blk_present)                                                         \
	X(7, network, 200, virtio_net_present)

#define X(index, load, times, present) BETWEEN_MARKS(index, load)
LOADS(X)
#undef X

static const struct load {
	const char *name;
	bool (*warm_up)(unsigned n), (*run)(unsigned n);
	unsigned n;
	bool (*present)(void);
} loads[] = {
#define X(index, load, times, present) { #load, load_##load, marked_##load, times, present },
	LOADS(X)
#undef X
};

static bool carry_out(unsigned i, const char *nonce)
{
	const struct load *l = &loads[i];
	bool good;
	u64 ticks;

	if (l->present && !l->present()) {
		print("@%s load name=%s absent=1\n", nonce, l->name);
		return true;
	}
	good = l->warm_up(l->n);
	x86_outb(POST_PORT, (u8)(i + 1));
	ticks = x86_rdtsc();
	good = l->run(l->n) && good;
	ticks = x86_rdtsc() - ticks;
	x86_outb(POST_PORT, 0);
	print("@%s load name=%s n=%u ticks=%lu%s\n", nonce, l->name, l->n, ticks,
	      good ? "" : " failed=1");
	return good;
}

bool shell_loads(unsigned count, char **words)
{
	char nonce[NONCE_MAX] = "";
	bool good = true;

	bootinfo_value("nonce=", 0, nonce, sizeof(nonce));
	for (unsigned i = 0; i < ARRAY_SIZE(loads); i++) {
		bool wanted = count < 2;

		for (unsigned k = 1; k < count; k++)
			wanted |= !strcmp(words[k], loads[i].name);
		if (wanted)
			good = carry_out(i, nonce) && good;
	}
	print("@%s end\n", nonce);
	return good;
}
