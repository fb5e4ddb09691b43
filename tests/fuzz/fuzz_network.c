/*
 * fuzz_network.c - cards on a switch that send, claim addresses, are plugged in and out; one of
 * them recorded
 *
 * Input: steps of four bytes, struct step.  Each frame carries a number and a pattern, so that it
 * can be told what arrives where it should not, or not as it was sent.
 */
#include "fuzz.h"

#include <string.h>

#include "fake_host.h"
#include "net/capture.h"
#include "net/switch.h"

#define CARDS 4
#define OWNERS 2 /* the first so many have an address of their own */
#define RING 4096
#define FRAMES 1024 /* a number in a frame is modulo that */
#define NUMBER 14
#define MULTICAST 6 /* from here on */

static struct net_switch lan;
static struct link card[CARDS];
static bool plugged[CARDS];
static struct capture capture;
static u8 ring[RING];
static u32 pcap_at, pcap_left; /* in the file; of the record that is being read */

static struct sent {
	u8 from, to, source;
	u16 len;
	bool spoofed, owned; /* by a liar; to who is there alone */
} sent[FRAMES];
static unsigned number;

static void ready(struct link *link UNUSED)
{
}

static void capture_ready(struct capture *c UNUSED)
{
}

/* Of eight: two owners', strangers', a group's, everybody's, one that no bridge forwards. */
static void address(u8 *mac, unsigned n)
{
	static const u8 special[2][LINK_MAC] = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
						 { 1, 0x80, 0xc2, 0, 0, 3 } };

	if (n % 8 >= MULTICAST)
		memcpy(mac, special[n % 8 - MULTICAST], LINK_MAC);
	else
		memcpy(mac, (u8[]){ n % 8 == MULTICAST - 1 ? 3 : 2, 0, 0, 0, 0, (u8)(n % 8) },
		       LINK_MAC);
}

static void send(unsigned from, u8 addresses, u8 size)
{
	u8 frame[LINK_FRAME_MAX + 2];
	u32 len = size & 0x80 ? LINK_FRAME_MAX - 60 + size % 64u : size;
	struct sent *s = &sent[number % FRAMES];

	for (u32 i = 0; i < sizeof(frame); i++)
		frame[i] = (u8)(number + i);
	address(frame, addresses);
	address(frame + LINK_MAC, addresses >> 4);
	memcpy(frame + NUMBER, &number, sizeof(number));
	*s = (struct sent){ (u8)from, addresses % 8, (addresses >> 4) % 8, (u16)len, false, false };
	s->owned = s->to < OWNERS && plugged[s->to];
	s->spoofed = s->source < OWNERS && s->source != from && plugged[s->source];
	link_send(&card[from], frame, len);
	number++;
}

static void check_frame(unsigned to, const u8 *frame, u32 len)
{
	const struct sent *s;
	u32 n;

	check(len >= LINK_FRAME_MIN && len <= LINK_FRAME_MAX);
	if (len < NUMBER + sizeof(n))
		return;
	memcpy(&n, frame + NUMBER, sizeof(n));
	check(n < number);
	if (n + FRAMES < number)
		return;
	s = &sent[n % FRAMES];
	check(s->from != to && s->len == len && !s->spoofed && s->to != MULTICAST + 1);
	check(!s->owned || s->to == to);
	for (u32 i = NUMBER + sizeof(n); i < len; i++)
		check(frame[i] == (u8)(n + i));
}

static void receive(unsigned to, unsigned count)
{
	u8 frame[LINK_FRAME_MAX];
	u32 len;

	for (; count; count--) {
		bool waiting = link_waiting(&card[to]);

		len = link_receive(&card[to], frame);
		check(waiting == (len != 0));
		if (!len)
			return;
		check_frame(to, frame, len);
	}
}

/* ---- The file that is recorded, read as its format says ----------------------------- */

static struct {
	struct capture_file file;
	struct capture_record record;
} pcap;

/* Bytes of the file's next part: header of the file, header of a record, or a frame. */
static void read_pcap(const u8 *bytes, u32 len)
{
	for (; len; len--, bytes++) {
		u32 file = sizeof(pcap.file), record = sizeof(pcap.record);

		if (pcap_at < file) {
			((u8 *)&pcap.file)[pcap_at++] = *bytes;
			check(pcap_at < file || (pcap.file.magic == CAPTURE_MAGIC &&
						 pcap.file.link_type == CAPTURE_ETHERNET));
		} else if (pcap_at < file + record) {
			((u8 *)&pcap.record)[pcap_at++ - file] = *bytes;
			if (pcap_at < file + record)
				continue;
			pcap_left = pcap.record.captured;
			check(pcap_left == pcap.record.length && pcap_left >= LINK_FRAME_MIN &&
			      pcap_left <= LINK_FRAME_MAX);
			check(pcap.record.microseconds < 1000000);
		} else if (!--pcap_left) {
			pcap_at = file;
		}
	}
}

static void take(u32 most)
{
	u8 bytes[RING];
	bool waiting = capture_waiting(&capture);
	u32 len = capture_take(&capture, bytes, MIN(most, (u32)RING));

	check(len <= most && (len != 0) == (waiting && most));
	read_pcap(bytes, len);
}

/* ---- Steps -------------------------------------------------------------------------- */

struct step {
	u8 what, which, addresses, size;
};

enum step_kind { SEND, SEND_TOO, BURST, RECEIVE, PLUG, UNPLUG, DRAIN, TIME, RECORD, TAKE, KINDS };

static void plug(unsigned n)
{
	int error = plugged[n] ? 0 : switch_plug(&lan, &card[n]);

	check(!error);
	plugged[n] = true;
}

static void run(const struct step *s)
{
	unsigned n = s->which % CARDS;

	switch ((enum step_kind)(s->what % KINDS)) {
	case SEND:
	case SEND_TOO:
		send(n, s->addresses, s->size);
		break;
	case BURST: /* more than a queue or a ring takes */
		for (unsigned i = 0; i < s->which; i++)
			send(n, s->addresses, s->size);
		break;
	case RECEIVE:
		receive(n, s->size);
		break;
	case PLUG:
		plug(n);
		break;
	case UNPLUG:
		if (plugged[n])
			switch_unplug(&card[n]);
		plugged[n] = false;
		break;
	case DRAIN:
		link_drain(&card[n]);
		check(!link_waiting(&card[n]));
		break;
	case TIME:
		fake_host.now += (u64)s->size << (s->addresses % 40);
		break;
	case RECORD:
		switch_capture(&card[n], s->size & 1 ? &capture : NULL);
		break;
	default:
		take(s->size * 16u);
		break;
	}
}

static void begin(void)
{
	static struct fuzz_kept kept[2];

	if (!kept[0].at) {
		fake_host_reset();
		switch_init(&lan, "lan");
		for (unsigned i = 0; i < CARDS; i++) {
			check(!link_init(&card[i], "vm:0", ready));
			if (i < OWNERS)
				address(card[i].mac, i);
		}
		fuzz_keep(&kept[0], &lan, sizeof(lan));
		fuzz_keep(&kept[1], card, sizeof(card));
	}
	fuzz_restore(kept, ARRAY_SIZE(kept));
	memset(plugged, 0, sizeof(plugged));
	fake_host.now = 1000;
	number = pcap_at = pcap_left = 0;
	capture_init(&capture, ring, RING);
	capture.ready = capture_ready;
	for (unsigned i = 0; i < CARDS; i++)
		plug(i);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };

	begin();
	while (in.left) {
		const struct step step = {
			.what = (u8)fuzz_take(&in, 1),
			.which = (u8)fuzz_take(&in, 1),
			.addresses = (u8)fuzz_take(&in, 1),
			.size = (u8)fuzz_take(&in, 1),
		};

		run(&step);
	}
	for (unsigned i = 0; i < CARDS; i++)
		receive(i, LINK_QUEUE + 1);
	while (capture_waiting(&capture))
		take(RING);
	check(pcap_at == sizeof(pcap.file)); /* the file is whole */
	return 0;
}
