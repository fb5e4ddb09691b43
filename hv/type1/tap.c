/* tap.c - see tap.h */
#include "type1/tap.h"

#include "x86_ops.h"

#define COM2 0x2f8
#define DATA (COM2 + 0) /* and the divisor's low byte */
#define IER (COM2 + 1) /* and its high byte */
#define FCR (COM2 + 2)
#define LCR (COM2 + 3)
#define MCR (COM2 + 4)
#define LSR (COM2 + 5)
#define SCR (COM2 + 7)

#define LCR_8BITS 3
#define LCR_DLAB 0x80
#define FCR_ENABLE_CLEAR 7
#define MCR_DTR_RTS 3
#define LSR_THRE BIT(5)
#define LSR_TEMT BIT(6)
#define FIFO_DEPTH 16
#define SCRATCH 0x5a

#define RING_ORDER 8 /* 1 MiB */
#define BURST 256 /* bytes at most in one go: an emulator takes 10 us for each */
#define PERIOD_NS 1000000ull /* between them: at 115200 baud a FIFO's worth takes 1.4 ms */
#define FLUSH_NS 100000000ull /* without a byte that goes out */

static struct {
	struct capture capture;
	void *ring;
	struct host_lock lock; /* the port: bytes keep their order */
	struct host_timer timer;
	bool posted; /* the timer is set */
} tap;

static bool init_port(void)
{
	x86_outb(LCR, LCR_8BITS);
	x86_outb(SCR, SCRATCH);
	if (x86_inb(SCR) != SCRATCH || x86_inb(LSR) == 0xff)
		return false;
	x86_outb(IER, 0);
	x86_outb(LCR, LCR_DLAB | LCR_8BITS);
	x86_outb(DATA, 1);
	x86_outb(IER, 0);
	x86_outb(LCR, LCR_8BITS);
	x86_outb(FCR, FCR_ENABLE_CLEAR);
	x86_outb(MCR, MCR_DTR_RTS);
	return true;
}

/* A FIFO's worth; false: the port takes none, or there is nothing left. */
static bool send_some(void)
{
	u8 bytes[FIFO_DEPTH];
	u32 len;

	if (!(x86_inb(LSR) & LSR_THRE))
		return false;
	len = capture_take(&tap.capture, bytes, sizeof(bytes));
	for (u32 i = 0; i < len; i++)
		x86_outb(DATA, bytes[i]);
	return len;
}

static void post(struct capture *capture UNUSED)
{
	if (!__atomic_exchange_n(&tap.posted, true, __ATOMIC_SEQ_CST))
		host_timer_set(&tap.timer, host_now() + PERIOD_NS);
}

static void fire(struct host_timer *timer UNUSED)
{
	__atomic_store_n(&tap.posted, false, __ATOMIC_SEQ_CST);
	host_lock(&tap.lock);
	for (unsigned i = 0; i < BURST / FIFO_DEPTH && send_some(); i++)
		continue;
	host_unlock(&tap.lock);
	if (capture_waiting(&tap.capture))
		post(&tap.capture);
}

struct capture *tap_capture(void)
{
	if (tap.ring)
		return &tap.capture;
	if (!init_port())
		return NULL;
	tap.ring = host_alloc_pages(RING_ORDER);
	if (!tap.ring)
		return NULL;
	capture_init(&tap.capture, tap.ring, (u32)(PAGE_SIZE << RING_ORDER));
	tap.timer.fire = fire;
	tap.capture.ready = post;
	post(&tap.capture);
	return &tap.capture;
}

void tap_flush(void)
{
	u64 end = host_now() + FLUSH_NS;

	if (!tap.ring)
		return;
	host_lock(&tap.lock);
	while (capture_waiting(&tap.capture) && host_now() < end)
		if (send_some())
			end = host_now() + FLUSH_NS;
	while (!(x86_inb(LSR) & LSR_TEMT) && host_now() < end)
		host_relax();
	host_unlock(&tap.lock);
}
