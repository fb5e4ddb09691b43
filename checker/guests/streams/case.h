/*
 * case.h - a case: a state of the CPU, and a short stream of instructions
 *
 * Owns: what a case consists of, and its text form.
 * Must not know: how cases are made up (generate.h), how they are run (arena.h).
 *
 * The same source is linked into the probe and into the tool on the host.
 *
 * A case is made of units.  A unit is an instruction, or a few that belong together; it can stand
 * anywhere and be left out, as it refers to nothing outside itself but the window.  If one of its
 * instructions faults, execution goes on with the next unit.
 */
#ifndef CHECKER_STREAMS_CASE_H
#define CHECKER_STREAMS_CASE_H

#include "place.h"
#include "types.h"

#define CASE_UNITS 16
#define CASE_UNIT_MAX 40 /* bytes */
#define CASE_NAME_MAX 40

/* Where the stream runs. */
enum case_mode { MODE_KERNEL_64, MODE_USER_64, MODE_USER_32, MODE_KERNEL_32, MODE_COUNT };

#define CASE_CR0 0x80010033ull		     /* PE MP ET NE WP PG */
#define CASE_CR4 0x50620ull		     /* PAE OSFXSR OSXMMEXCPT FSGSBASE OSXSAVE */
#define CASE_EFER 0xd01ull		     /* SCE LME LMA NXE */
#define CASE_CODE_PAGE 0x5ull		     /* P U */
#define CASE_DATA_PAGE 0x8000000000000007ull /* P W U NX */

/*
 * The state, as NAME(default).  stacks: 0 traps have stacks of their own, 1 most take the stack of
 * the moment.  pending: an interrupt of this vector waits (0: none).  device: 1 the registers of
 * the local APIC can be reached, 2 data2 is VGA memory.  fpu, memory: what x87, SSE
 * and AVX registers, and the data pages, are filled from (0: as after reset; zeros).  entry: where
 * in the code pages the stream begins.
 */
#define CASE_VALUES(X)                                                                             \
	X(rax, 0)                                                                                  \
	X(rcx, 0)                                                                                  \
	X(rdx, 0)                                                                                  \
	X(rbx, 0)                                                                                  \
	X(rsp, STREAM_DATA + 0x1800)                                                               \
	X(rbp, 0)                                                                                  \
	X(rsi, 0)                                                                                  \
	X(rdi, 0)                                                                                  \
	X(r8, 0)                                                                                   \
	X(r9, 0)                                                                                   \
	X(r10, 0)                                                                                  \
	X(r11, 0)                                                                                  \
	X(r12, 0)                                                                                  \
	X(r13, 0)                                                                                  \
	X(r14, 0)                                                                                  \
	X(r15, 0)                                                                                  \
	X(rflags, 2)                                                                               \
	X(mode, MODE_KERNEL_64)                                                                    \
	X(entry, 0)                                                                                \
	X(ds, SEL_USER_DATA)                                                                       \
	X(es, SEL_USER_DATA)                                                                       \
	X(fs, 0)                                                                                   \
	X(gs, 0)                                                                                   \
	X(fs_base, 0)                                                                              \
	X(gs_base, 0)                                                                              \
	X(kernel_gs_base, 0)                                                                       \
	X(cr0, CASE_CR0)                                                                           \
	X(cr2, 0)                                                                                  \
	X(cr4, CASE_CR4)                                                                           \
	X(efer, CASE_EFER)                                                                         \
	X(xcr0, 7)                                                                                 \
	X(dr0, 0)                                                                                  \
	X(dr1, 0)                                                                                  \
	X(dr2, 0)                                                                                  \
	X(dr3, 0)                                                                                  \
	X(dr7, 0x400)                                                                              \
	X(code0, CASE_CODE_PAGE)                                                                   \
	X(code1, CASE_CODE_PAGE)                                                                   \
	X(data0, CASE_DATA_PAGE)                                                                   \
	X(data1, CASE_DATA_PAGE)                                                                   \
	X(data2, CASE_DATA_PAGE)                                                                   \
	X(data3, CASE_DATA_PAGE)                                                                   \
	X(fpu, 0)                                                                                  \
	X(memory, 0)                                                                               \
	X(device, 0)                                                                               \
	X(stacks, 0)                                                                               \
	X(pending, 0)

enum case_value {
#define X(name, other) CASE_##name,
	CASE_VALUES(X)
#undef X
	    CASE_VALUE_COUNT
};

struct case_unit {
	u8 len;
	u8 count;	/* instructions that it executes at least, if none faults */
	bool sensitive; /* a hypervisor may have to do with it */
	u8 byte[CASE_UNIT_MAX];
};

struct stream_case {
	char name[CASE_NAME_MAX];
	u64 value[CASE_VALUE_COUNT];
	unsigned units;
	struct case_unit unit[CASE_UNITS];
};

/* The default state, no units. */
void case_init(struct stream_case *c);
/* Bytes of all units. */
unsigned case_size(const struct stream_case *c);
const char *case_value_name(unsigned value);

/*
 * The text form: lines
 *	case NAME
 *	KEY 0xVALUE		for each value that is not the default
 *	unit COUNT BYTE..	in hex, COUNT in one digit; a ! behind it: sensitive
 *	end
 * Lines that are empty or begin with # are for people.
 *
 * Reads the case at *text, which is moved behind it.  1: there is one; 0: there are no more; -1: it
 * is none, and *text stands on the line that is wrong.
 */
int case_read(struct stream_case *c, const char **text);
/* The text without comments; the length that it has, as fmt_string says. */
size_t case_write(const struct stream_case *c, char *text, size_t size);

#endif
