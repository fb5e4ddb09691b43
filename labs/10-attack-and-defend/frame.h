/*
 * frame.h - what every guest of this lab begins with
 *
 * A multiboot 1 kernel in 32-bit protected mode, without paging and without interrupts; faults
 * are caught.  A guest includes this file first and writes guest(); when that returns, its machine
 * is switched off.  Functions that begin with frame_ are this file's own.
 *
 * Sources: Multiboot Specification, "Machine state" (3.2), "Boot information format" (3.3);
 * [SDM] vol. 3 "Exception and Interrupt Vectors" (6.3); OASIS, "Virtual I/O Device (VIRTIO)
 * Version 1.2", "Virtio Over PCI Bus" (4.1), "Block Device" (5.2).
 */
#ifndef LAB_FRAME_H
#define LAB_FRAME_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MiB(n) ((n) * 1048576u)

/* What the guest does. */
void guest(void);

/* ---- The start, and faults ---------------------------------------------------------------- */

__asm__(".section .multiboot, \"a\"\n"
	".balign 4\n"
	".long 0x1badb002, 2, -0x1badb004\n"
	".text\n"
	".globl _start\n"
	"_start:\n"
	"	cli\n"
	"	cld\n"
	"	movl $frame_stack + 16384, %esp\n"
	"	pushl %ebx\n"
	"	call frame_main\n"
	/* Stub n is at frame_stubs + 16 n. */
	".balign 16\n"
	"frame_stubs:\n"
	".set frame_vector, 0\n"
	".rept 32\n"
	".balign 16\n"
	"	pushl $frame_vector\n"
	"	jmp frame_common\n"
	".set frame_vector, frame_vector + 1\n"
	".endr\n"
	"frame_common:\n"
	"	pushal\n"
	"	leal 32(%esp), %eax\n"
	"	pushl %eax\n"
	"	call frame_trap\n"
	"	movl %eax, frame_to\n"
	"	addl $4, %esp\n"
	"	popal\n"
	"	movl frame_recover_esp, %esp\n"
	"	jmp *frame_to\n");

struct frame_gate {
	u16 low, selector, type, high;
};

extern const u8 frame_stubs[];
u8 frame_stack[16384];
u32 frame_recover, frame_recover_esp, frame_to; /* where a fault leads to; 0: to the end */
static const u32 *frame_info;
static struct frame_gate frame_idt[32];

void frame_main(const u32 *info);
u32 frame_trap(const u32 *stack);
void *memset(void *to, int value, __SIZE_TYPE__ len);
void *memcpy(void *to, const void *from, __SIZE_TYPE__ len);

void *memset(void *to, int value, __SIZE_TYPE__ len)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(len) : "a"(value) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, __SIZE_TYPE__ len)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(len) : : "memory");
	return to;
}

/* ---- Single instructions ------------------------------------------------------------------ */

static inline void outb(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline u8 inb(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void outw(u16 port, u16 value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outl(u16 port, u32 value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline u32 inl(u16 port)
{
	u32 value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void wrmsr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "A"(value) : "memory");
}

/* False: RDMSR met a fault, and value is 0. */
static inline bool try_rdmsr(u32 msr, u64 *value)
{
	u32 faulted = 0;

	*value = 0;
	__asm__ volatile("movl %%esp, frame_recover_esp\n"
			 "movl $1f, frame_recover\n"
			 "rdmsr\n"
			 "jmp 2f\n"
			 "1: movl $1, %[faulted]\n"
			 "xorl %%eax, %%eax\n"
			 "xorl %%edx, %%edx\n"
			 "2: movl $0, frame_recover\n"
			 : "+A"(*value), "+c"(msr), [faulted] "+S"(faulted)
			 :
			 : "memory", "cc");
	return !faulted;
}

/* ---- The serial line, the end ------------------------------------------------------------- */

#define FRAME_COM1 0x3f8
#define FRAME_EXIT 0xf4

static inline void say(const char *text)
{
	for (; *text; text++)
		outb(FRAME_COM1, (u8)*text);
}

/* Eight hexadecimal digits. */
static inline void say_hex(u32 value)
{
	for (int shift = 28; shift >= 0; shift -= 4)
		outb(FRAME_COM1, (u8)"0123456789abcdef"[value >> shift & 15]);
}

static inline void say_number(u32 value)
{
	char text[11];
	unsigned at = sizeof(text) - 1;

	text[at] = '\0';
	do
		text[--at] = (char)('0' + value % 10);
	while (value /= 10);
	say(&text[at]);
}

/* The next byte that somebody typed, or 0: nobody did. */
static inline u8 typed(void)
{
	return inb(FRAME_COM1 + 5) & 1 ? inb(FRAME_COM1) : 0;
}

static inline void wait_for_key(void)
{
	while (!typed())
		;
}

__attribute__((noreturn)) static inline void finish(u8 value)
{
	outb(FRAME_EXIT, value);
	for (;;)
		__asm__ volatile("hlt");
}

/* ---- What the loader told ----------------------------------------------------------------- */

/* The value of the word NAME=VALUE on the command line, up to a space; NULL: there is none. */
static inline const char *option(const char *name)
{
	const char *at = frame_info[0] & 4 ? (const char *)frame_info[4] : "";

	while (*at) {
		unsigned n = 0;

		while (name[n] && at[n] == name[n])
			n++;
		if (!name[n] && at[n] == '=')
			return at + n + 1;
		while (*at && *at != ' ')
			at++;
		while (*at == ' ')
			at++;
	}
	return NULL;
}

/* One past the last byte of RAM. */
static inline u32 memory_end(void)
{
	return MiB(1) + frame_info[2] * 1024;
}

/* ---- A disk ------------------------------------------------------------------------------- */

/* What a request begins with, as the device reads it. */
struct disk_header {
	u32 type; /* DISK_READ, DISK_WRITE, DISK_NAME */
	u32 reserved;
	u64 sector;
};
enum { DISK_READ, DISK_WRITE, DISK_NAME = 8 };

/* A piece of memory with data. */
struct disk_piece {
	void *at;
	u32 size;
};

enum { DISK_OK, DISK_ERROR, DISK_UNSUPPORTED, DISK_SILENT = 0xff };

#define FRAME_RING 16

struct frame_descriptor {
	u64 address;
	u32 len;
	u16 flags, next;
};

static struct {
	struct frame_descriptor descriptor[FRAME_RING];
	u16 available_flags, available_idx, available[FRAME_RING];
	u32 used_flags_idx, used[FRAME_RING][2];
} frame_ring __attribute__((aligned(4096)));
static u32 frame_bar;
static u8 frame_status;

#define FRAME_DISK 0x80002800u /* device 5 of the PCI bus: its configuration */

static inline u32 frame_pci(u32 offset)
{
	outl(0xcf8, FRAME_DISK + offset);
	return inl(0xcfc);
}

static inline volatile u8 *frame_reg8(u32 offset)
{
	return (volatile u8 *)(frame_bar + offset);
}

static inline volatile u16 *frame_reg16(u32 offset)
{
	return (volatile u16 *)(frame_bar + offset);
}

static inline volatile u32 *frame_reg32(u32 offset)
{
	return (volatile u32 *)(frame_bar + offset);
}

/* Once, before the first request.  False: this machine has no disk. */
static inline bool disk_open(void)
{
	if ((frame_pci(0) & 0xffff) != 0x1af4)
		return false;
	frame_bar = frame_pci(0x10) & ~15u;
	outl(0xcf8, FRAME_DISK + 4);
	outw(0xcfc, 6); /* memory, bus master */
	*frame_reg8(0x14) = 0;
	*frame_reg8(0x14) = 1;
	*frame_reg8(0x14) = 3;
	*frame_reg32(0x08) = 1;
	*frame_reg32(0x0c) = 1; /* VERSION_1 and nothing else */
	*frame_reg8(0x14) = 11;
	*frame_reg16(0x16) = 0;
	*frame_reg16(0x18) = FRAME_RING;
	*frame_reg32(0x20) = (u32)frame_ring.descriptor;
	*frame_reg32(0x28) = (u32)&frame_ring.available_flags;
	*frame_reg32(0x30) = (u32)&frame_ring.used_flags_idx;
	*frame_reg16(0x1c) = 1;
	*frame_reg8(0x14) = 15;
	return true;
}

static inline void frame_describe(unsigned n, const void *at, u32 len, u16 flags)
{
	frame_ring.descriptor[n] = (struct frame_descriptor){ (u32)at, len, flags, (u16)(n + 1) };
}

/*
 * One request: the header, then the pieces (at most 14), whose sizes together are whole sectors of
 * 512 bytes; the device reads them if the header says DISK_WRITE, else it writes them.  DISK_*,
 * once it is done.
 */
static inline u8 disk_request(const struct disk_header *header, const struct disk_piece *piece,
			      unsigned pieces)
{
	u16 direction = header->type == DISK_WRITE ? 0 : 2;
	u16 before = (u16)(frame_ring.used_flags_idx >> 16);

	frame_describe(0, header, sizeof(*header), 1);
	for (unsigned i = 0; i < pieces; i++)
		frame_describe(i + 1, piece[i].at, piece[i].size, direction | 1);
	frame_describe(pieces + 1, &frame_status, 1, 2);
	frame_status = DISK_SILENT;
	frame_ring.available[frame_ring.available_idx % FRAME_RING] = 0;
	__asm__ volatile("" ::: "memory");
	frame_ring.available_idx++;
	__asm__ volatile("" ::: "memory");
	*frame_reg16(0x3000) = 0;
	for (unsigned n = 0; n < 1000000; n++) {
		__asm__ volatile("pause" ::: "memory");
		if ((u16)(frame_ring.used_flags_idx >> 16) != before)
			return frame_status;
	}
	return DISK_SILENT;
}

/* ---- The start, continued ----------------------------------------------------------------- */

/* stack: the vector; then EIP, with an error code before it for some. */
u32 frame_trap(const u32 *stack)
{
	u32 vector = stack[0], to = frame_recover;
	bool error = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;

	frame_recover = 0;
	if (to)
		return to;
	say("fault ");
	say_number(vector);
	say(" at ");
	say_hex(stack[error ? 2 : 1]);
	say("\n");
	finish(1);
}

void frame_main(const u32 *info)
{
	struct {
		u16 limit, low, high;
	} idtr = { sizeof(frame_idt) - 1, (u16)(u32)frame_idt, (u16)((u32)frame_idt >> 16) };
	u16 cs;

	frame_info = info;
	__asm__("movw %%cs, %0" : "=r"(cs));
	for (unsigned i = 0; i < ARRAY_SIZE(frame_idt); i++) {
		u32 stub = (u32)&frame_stubs[16 * i];

		frame_idt[i] = (struct frame_gate){ (u16)stub, cs, 0x8e00, (u16)(stub >> 16) };
	}
	__asm__ volatile("lidt %0" : : "m"(idtr));
	outb(FRAME_COM1 + 3, 3); /* words of 8 bits */
	guest();
	finish(0);
}

#endif
