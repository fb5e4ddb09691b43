/*
 * emu.h - a vCPU that emulates one instruction, between RAM and a device that writes down all
 *
 * Owns: setting up a mode, code and segments for the tests of emulate.c.
 * Must not know: what an instruction should do.
 */
#ifndef ESPEJO_TESTS_UNIT_EMU_H
#define ESPEJO_TESTS_UNIT_EMU_H

#include "fake_virt.h"
#include "machine.h"
#include "vm/emulate.h"
#include "vm/walk.h"

#define EMU_CODE 0x8000ull
#define EMU_RAM 0x20000ull    /* some RAM that nothing else uses, 64 KiB */
#define EMU_DEVICE 0xa0000ull /* device memory, of the size of the hole */
#define EMU_DEVICE_SIZE 0x20000ull
#define EMU_PORT 0x5000
#define EMU_NOTHING 0xf8000000ull
#define EMU_LOG 32

enum emu_mode { EMU_16, EMU_32, EMU_64 };

struct emu_access {
	bool write;
	u8 size;
	u32 offset; /* or the port */
	u64 value;
};

struct emu {
	struct vm *vm;
	struct vcpu *v;
	u8 device[EMU_DEVICE_SIZE];
	struct emu_access log[EMU_LOG];
	unsigned accesses; /* of device memory */
	struct emu_access port_log[EMU_LOG];
	unsigned port_accesses;
	u32 port_next; /* what the port reads as; counts up */
};

extern struct emu emu;

/* For CU_add_suite. */
int emu_begin(void);
int emu_end(void);

/* Flat segments, empty logs, zero registers. */
void emu_start(enum emu_mode mode);
/* Changes to v->state since then become the guest's. */
void emu_settle(void);
/* The instruction at EMU_CODE; v->exit tells the outcome. */
enum exit_outcome emu_run(const u8 *bytes, unsigned len);
#define EMU_RUN(...) emu_run((const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

u64 emu_ram(u64 at, unsigned size);
void emu_set_ram(u64 at, unsigned size, u64 value);
u64 emu_device(u64 at, unsigned size);
void emu_set_device(u64 at, unsigned size, u64 value);

/* Outcome is this fault; no RIP, no device was touched. */
void emu_expect_fault(u8 vector, u32 error, u64 cr2);

#endif
