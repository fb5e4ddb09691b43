/*
 * monitor.h - a virtual machine monitor that has no help from the hardware
 *
 * Owns: the state of the one virtual CPU, and what the parts of the monitor have to do with each
 * other.
 * Must not know: Espejo; the monitor runs on the bare machine, or as anybody's guest.
 *
 * The guest kernel (kernel.S) is written for CPL 0 and executed at CPL 3, in 64-bit mode, in a
 * piece of memory of its own.  Whatever faults there comes here, and is carried out on the
 * virtual CPU: the trap-and-emulate of Popek and Goldberg.  What should trap and does not is
 * found beforehand in the guest's code, and its first byte is overwritten by INT3, which traps
 * (translate.c).
 */
#ifndef LAB_MONITOR_H
#define LAB_MONITOR_H

#include "rt.h"
#include "vm/decode.h"

/* The guest's memory: 2 MiB, all that user mode may touch.  Its code comes first. */
#define GUEST_BASE MiB(4)
#define GUEST_SIZE MiB(2)

struct table_register {
	u16 limit;
	u64 base;
} PACKED;

/* What the guest's CPU has for itself. All else (registers, arithmetic flags) is in the CPU. */
struct virtual_cpu {
	u64 flags; /* IF and IOPL as the guest's kernel left them; all other bits are 0 */
	u64 cr0;
	struct table_register gdtr, idtr;
	u16 ldtr, tr, cs, ss;
};
extern struct virtual_cpu virtual_cpu;

/* ---- translate.c ---------------------------------------------------------------------- */

#define PATCH_MAX 64
#define PATCH_BYTE 0xcc /* INT3 */

/* An instruction that was patched: where it begins, in bytes from GUEST_BASE, and what it was. */
struct patch {
	unsigned at;
	struct insn insn;
};
extern struct patch patches[PATCH_MAX];
extern unsigned patch_count;

/* Must this instruction be made to trap? */
bool must_trap(const struct insn *insn);

/* Patch `size` bytes of code.  False: not all of it could be decoded. */
bool translate(u8 *code, unsigned size);

/* What was at this place; NULL: nothing was patched there. */
const struct patch *patch_at(u64 at);

/* ---- emulate.c ------------------------------------------------------------------------ */

/*
 * Carry the instruction out on the virtual CPU, registers in *f; RIP is moved by the caller.
 *  False: the monitor has no answer to that one.
 */
bool emulate(const struct insn *insn, struct rt_frame *f);

/* ---- monitor.c ------------------------------------------------------------------------ */

/* The end of the guest, because of what it did; then the monitor's counts. */
NORETURN void monitor_stop(unsigned status, const char *why);

/* A character on the guest's serial line. */
void monitor_type(char c);

/*
 * `size` bytes, at most 10, between the monitor and the guest's memory.  An address that is not the
 * guest's is the end of the guest.
 */
void guest_read(void *to, u64 from, size_t size);
void guest_write(u64 to, const void *from, size_t size);

#endif
