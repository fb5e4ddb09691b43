/*
 * tokens.h - what the table's generator, the guest and the judge agree on
 *
 * Owns: the parts of an instruction's template, the modes, the states, what of the system can
 *change, as they stand in records. Must not know: any single form.
 *
 * The first record is "isa forms=COUNT sum=OF-THE-TABLE states=MASK modes=MASK" (of enum isa_state:
 *what this CPU has; of enum isa_mode: what was tried), the last one "end".  The others are
 *
 *	form N HAS OUTCOME.. [STATE=OUTCOME/MODES..]
 *
 * N the form's index in the table, HAS 1 if CPUID offers its feature, one OUTCOME for each mode in
 *the order of enum isa_mode; then what else came out in another state of the system, with the modes
 *as a mask.  An OUTCOME is "-" (not tried), "=" (as in the mode before), or
 *
 *	KIND[^][(ERROR)].HASH[!SYSTEM][~]
 *
 * KIND "x": executed; else the vector; "^": with RF in the flags that it pushed; ERROR hexadecimal
 *if not 0; HASH of all that changed in registers, flags, memory, FPU; SYSTEM a mask of enum
 *isa_system: what changed of the system; "~": the same form in the same state gave another hash at
 *a second time.  In a STATE's outcome an exception has no hash.
 */
#ifndef CHECKER_ISA_TOKENS_H
#define CHECKER_ISA_TOKENS_H

#define ISA_TOKENS 12

/* A token below 0x100 is a byte. */
#define TOKEN_MEMORY 0x100    /* | reg field of ModRM */
#define TOKEN_REGISTER 0x200  /* | reg field of ModRM */
#define TOKEN_IMMEDIATE 0x300 /* of the operand size, 4 bytes at most */
#define TOKEN_RELATIVE 0x400  /* to the next instruction */
#define TOKEN_OFFSET 0x500    /* absolute address, of the address size */
#define TOKEN_FAR 0x600	      /* landing and test code segment */

#define ISA_FLAG_ALIAS 1 /* the order in gen.c */
#define ISA_FLAG_LOOSE 2
#define ISA_FLAG_WAKE 4

enum isa_mode {
	ISA_L0, /* 64-bit mode, CPL 0 */
	ISA_L3, /* 64-bit mode, CPL 3 */
	ISA_C3, /* compatibility mode, 32 bits, CPL 3 */
	ISA_D3, /* compatibility mode, 16 bits, CPL 3 */
	ISA_P0, /* protected mode without long mode, 32 bits, CPL 0 */
	ISA_P3,
	ISA_R, /* real mode */
	ISA_V, /* virtual-8086 mode, IOPL 0 */
};
#define ISA_MODES 8
#define ISA_MODE_NAMES                                                                             \
	{                                                                                          \
		"l0", "l3", "c3", "d3", "p0", "p3", "r", "v"                                       \
	}

/* States that differ from the first one in one thing each. */
#define ISA_STATE_NAMES                                                                            \
	{                                                                                          \
		"base", "gdtr", "idtr", "ldtr", "tr", "msw", "if", "aux", "pic", "dpl", "regs",    \
		    "ts", "sse", "xsave", "xcr0", "iopl", "umip", "tsd", "pce", "fsgs", "vme",     \
		    "pke", "sce"                                                                   \
	}
enum isa_state {
	ISA_BASE,
	ISA_GDTR, /* tables of the same contents elsewhere */
	ISA_IDTR,
	ISA_LDTR, /* another selector */
	ISA_TR,
	ISA_MSW, /* CR0.MP */
	ISA_IF,
	ISA_AUX,   /* MSR TSC_AUX */
	ISA_PIC,   /* mask of the interrupt controller */
	ISA_DPL,   /* DPL and type of the test segments, DPL of a gate */
	ISA_REGS,  /* CR2, CR3.PWT, CR8, debug registers, KERNEL_GS_BASE */
	ISA_TS,	   /* CR0.TS set */
	ISA_SSE,   /* CR4.OSFXSR clear */
	ISA_XSAVE, /* CR4.OSXSAVE clear */
	ISA_XCR0,  /* without AVX */
	ISA_IOPL,  /* IOPL 3 */
	ISA_UMIP,
	ISA_TSD,
	ISA_PCE,
	ISA_FSGS, /* CR4.FSGSBASE clear */
	ISA_VME,  /* CR4.VME and CR4.PVI */
	ISA_PKE,  /* CR4.PKE clear */
	ISA_SCE,  /* EFER.SCE clear */
	ISA_STATES
};

#define ISA_SYSTEM_NAMES                                                                           \
	{                                                                                          \
		"CPL", "IF", "IOPL", "CR0", "CR2", "CR3", "CR4", "CR8", "EFER", "XCR0", "DR",      \
		    "GDTR", "IDTR", "LDTR", "TR", "MSR", "I/O"                                     \
	}
enum isa_system {
	ISA_SYS_CPL,
	ISA_SYS_IF,
	ISA_SYS_IOPL, /* and VM, VIF, VIP */
	ISA_SYS_CR0,
	ISA_SYS_CR2,
	ISA_SYS_CR3,
	ISA_SYS_CR4,
	ISA_SYS_CR8,
	ISA_SYS_EFER,
	ISA_SYS_XCR0,
	ISA_SYS_DR,
	ISA_SYS_GDTR,
	ISA_SYS_IDTR,
	ISA_SYS_LDTR,
	ISA_SYS_TR,
	ISA_SYS_MSR,
	ISA_SYS_IO,
	ISA_SYSTEMS
};

#define ISA_RECORD "form"

#endif
