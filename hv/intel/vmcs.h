/*
 * vmcs.h - the virtual-machine control structure: its fields and their bits
 *
 * Owns: field encodings, control bits, exit reasons, formats of interruption
 * information and exit qualifications, capability MSRs; spelled as in the manual.
 * Must not know: what is done with them.  No code.
 *
 * Sources: [SDM] vol. 3 "Field Encoding in VMCS" (appendix B), "Virtual Machine Control
 * Structures" (25), "VMX Basic Exit Reasons" (appendix C), "VMX Capability Reporting
 * Facility" (appendix A).
 *
 * The fields are one list, from which the encodings, their names (for messages) and
 * the slots of a snapshot are made.  Only fields that we write, or that a rule or a message
 * needs, are in it.  A field may be absent from a CPU that lacks its feature.
 *
 * An encoding has structure: bit 0 access to the high half, 9:1 index, 11:10 type (0 control,
 * 1 read-only data, 2 guest state, 3 host state), 14:13 width (0: 16 bits, 1: 64, 2: 32,
 * 3: natural).  tests/unit/test_vmcs.c checks the list against it.
 */
#ifndef ESPEJO_INTEL_VMCS_H
#define ESPEJO_INTEL_VMCS_H

#include "compiler.h"

/* X(name, encoding) */
#define VMCS_FIELDS(X)                                                          \
	/* 16-bit control fields */                                             \
	X(VPID, 0x0000)                                                         \
	X(POSTED_INTERRUPT_VECTOR, 0x0002)                                      \
	/* 16-bit guest-state fields */                                         \
	X(GUEST_ES_SELECTOR, 0x0800)                                            \
	X(GUEST_CS_SELECTOR, 0x0802)                                            \
	X(GUEST_SS_SELECTOR, 0x0804)                                            \
	X(GUEST_DS_SELECTOR, 0x0806)                                            \
	X(GUEST_FS_SELECTOR, 0x0808)                                            \
	X(GUEST_GS_SELECTOR, 0x080a)                                            \
	X(GUEST_LDTR_SELECTOR, 0x080c)                                          \
	X(GUEST_TR_SELECTOR, 0x080e)                                            \
	/* 16-bit host-state fields */                                          \
	X(HOST_ES_SELECTOR, 0x0c00)                                             \
	X(HOST_CS_SELECTOR, 0x0c02)                                             \
	X(HOST_SS_SELECTOR, 0x0c04)                                             \
	X(HOST_DS_SELECTOR, 0x0c06)                                             \
	X(HOST_FS_SELECTOR, 0x0c08)                                             \
	X(HOST_GS_SELECTOR, 0x0c0a)                                             \
	X(HOST_TR_SELECTOR, 0x0c0c)                                             \
	/* 64-bit control fields */                                             \
	X(IO_BITMAP_A, 0x2000)                                                  \
	X(IO_BITMAP_B, 0x2002)                                                  \
	X(MSR_BITMAP, 0x2004)                                                   \
	X(EXIT_MSR_STORE_ADDRESS, 0x2006)                                       \
	X(EXIT_MSR_LOAD_ADDRESS, 0x2008)                                        \
	X(ENTRY_MSR_LOAD_ADDRESS, 0x200a)                                       \
	X(TSC_OFFSET, 0x2010)                                                   \
	X(VIRTUAL_APIC_ADDRESS, 0x2012)                                         \
	X(APIC_ACCESS_ADDRESS, 0x2014)                                          \
	X(EPT_POINTER, 0x201a)                                                  \
	X(XSS_EXITING_BITMAP, 0x202c)                                           \
	X(TSC_MULTIPLIER, 0x2032)                                               \
	/* 64-bit read-only data field */                                       \
	X(GUEST_PHYSICAL_ADDRESS, 0x2400)                                       \
	/* 64-bit guest-state fields */                                         \
	X(LINK_POINTER, 0x2800)                                                 \
	X(GUEST_DEBUGCTL, 0x2802)                                               \
	X(GUEST_PAT, 0x2804)                                                    \
	X(GUEST_EFER, 0x2806)                                                   \
	X(GUEST_PDPTE0, 0x280a)                                                 \
	X(GUEST_PDPTE1, 0x280c)                                                 \
	X(GUEST_PDPTE2, 0x280e)                                                 \
	X(GUEST_PDPTE3, 0x2810)                                                 \
	/* 64-bit host-state fields */                                          \
	X(HOST_PAT, 0x2c00)                                                     \
	X(HOST_EFER, 0x2c02)                                                    \
	/* 32-bit control fields */                                             \
	X(PIN_BASED_CONTROLS, 0x4000)                                           \
	X(PRIMARY_CONTROLS, 0x4002)                                             \
	X(EXCEPTION_BITMAP, 0x4004)                                             \
	X(PF_ERROR_CODE_MASK, 0x4006)                                           \
	X(PF_ERROR_CODE_MATCH, 0x4008)                                          \
	X(CR3_TARGET_COUNT, 0x400a)                                             \
	X(EXIT_CONTROLS, 0x400c)                                                \
	X(EXIT_MSR_STORE_COUNT, 0x400e)                                         \
	X(EXIT_MSR_LOAD_COUNT, 0x4010)                                          \
	X(ENTRY_CONTROLS, 0x4012)                                               \
	X(ENTRY_MSR_LOAD_COUNT, 0x4014)                                         \
	X(ENTRY_INTERRUPTION_INFO, 0x4016)                                      \
	X(ENTRY_EXCEPTION_ERROR_CODE, 0x4018)                                   \
	X(ENTRY_INSTRUCTION_LENGTH, 0x401a)                                     \
	X(TPR_THRESHOLD, 0x401c)                                                \
	X(SECONDARY_CONTROLS, 0x401e)                                           \
	/* 32-bit read-only data fields */                                      \
	X(INSTRUCTION_ERROR, 0x4400)                                            \
	X(EXIT_REASON, 0x4402)                                                  \
	X(EXIT_INTERRUPTION_INFO, 0x4404)                                       \
	X(EXIT_INTERRUPTION_ERROR_CODE, 0x4406)                                 \
	X(IDT_VECTORING_INFO, 0x4408)                                           \
	X(IDT_VECTORING_ERROR_CODE, 0x440a)                                     \
	X(EXIT_INSTRUCTION_LENGTH, 0x440c)                                      \
	X(EXIT_INSTRUCTION_INFO, 0x440e)                                        \
	/* 32-bit guest-state fields */                                         \
	X(GUEST_ES_LIMIT, 0x4800)                                               \
	X(GUEST_CS_LIMIT, 0x4802)                                               \
	X(GUEST_SS_LIMIT, 0x4804)                                               \
	X(GUEST_DS_LIMIT, 0x4806)                                               \
	X(GUEST_FS_LIMIT, 0x4808)                                               \
	X(GUEST_GS_LIMIT, 0x480a)                                               \
	X(GUEST_LDTR_LIMIT, 0x480c)                                             \
	X(GUEST_TR_LIMIT, 0x480e)                                               \
	X(GUEST_GDTR_LIMIT, 0x4810)                                             \
	X(GUEST_IDTR_LIMIT, 0x4812)                                             \
	X(GUEST_ES_ACCESS_RIGHTS, 0x4814)                                       \
	X(GUEST_CS_ACCESS_RIGHTS, 0x4816)                                       \
	X(GUEST_SS_ACCESS_RIGHTS, 0x4818)                                       \
	X(GUEST_DS_ACCESS_RIGHTS, 0x481a)                                       \
	X(GUEST_FS_ACCESS_RIGHTS, 0x481c)                                       \
	X(GUEST_GS_ACCESS_RIGHTS, 0x481e)                                       \
	X(GUEST_LDTR_ACCESS_RIGHTS, 0x4820)                                     \
	X(GUEST_TR_ACCESS_RIGHTS, 0x4822)                                       \
	X(GUEST_INTERRUPTIBILITY, 0x4824)                                       \
	X(GUEST_ACTIVITY, 0x4826)                                               \
	X(GUEST_SYSENTER_CS, 0x482a)                                            \
	/* 32-bit host-state field */                                           \
	X(HOST_SYSENTER_CS, 0x4c00)                                             \
	/* Natural-width control fields */                                      \
	X(CR0_GUEST_HOST_MASK, 0x6000)                                          \
	X(CR4_GUEST_HOST_MASK, 0x6002)                                          \
	X(CR0_READ_SHADOW, 0x6004)                                              \
	X(CR4_READ_SHADOW, 0x6006)                                              \
	/* Natural-width read-only data fields */                               \
	X(EXIT_QUALIFICATION, 0x6400)                                           \
	X(GUEST_LINEAR_ADDRESS, 0x640a)                                         \
	/* Natural-width guest-state fields */                                  \
	X(GUEST_CR0, 0x6800)                                                    \
	X(GUEST_CR3, 0x6802)                                                    \
	X(GUEST_CR4, 0x6804)                                                    \
	X(GUEST_ES_BASE, 0x6806)                                                \
	X(GUEST_CS_BASE, 0x6808)                                                \
	X(GUEST_SS_BASE, 0x680a)                                                \
	X(GUEST_DS_BASE, 0x680c)                                                \
	X(GUEST_FS_BASE, 0x680e)                                                \
	X(GUEST_GS_BASE, 0x6810)                                                \
	X(GUEST_LDTR_BASE, 0x6812)                                              \
	X(GUEST_TR_BASE, 0x6814)                                                \
	X(GUEST_GDTR_BASE, 0x6816)                                              \
	X(GUEST_IDTR_BASE, 0x6818)                                              \
	X(GUEST_DR7, 0x681a)                                                    \
	X(GUEST_RSP, 0x681c)                                                    \
	X(GUEST_RIP, 0x681e)                                                    \
	X(GUEST_RFLAGS, 0x6820)                                                 \
	X(GUEST_PENDING_DEBUG, 0x6822)                                          \
	X(GUEST_SYSENTER_ESP, 0x6824)                                           \
	X(GUEST_SYSENTER_EIP, 0x6826)                                           \
	/* Natural-width host-state fields */                                   \
	X(HOST_CR0, 0x6c00)                                                     \
	X(HOST_CR3, 0x6c02)                                                     \
	X(HOST_CR4, 0x6c04)                                                     \
	X(HOST_FS_BASE, 0x6c06)                                                 \
	X(HOST_GS_BASE, 0x6c08)                                                 \
	X(HOST_TR_BASE, 0x6c0a)                                                 \
	X(HOST_GDTR_BASE, 0x6c0c)                                               \
	X(HOST_IDTR_BASE, 0x6c0e)                                               \
	X(HOST_SYSENTER_ESP, 0x6c10)                                            \
	X(HOST_SYSENTER_EIP, 0x6c12)                                            \
	X(HOST_RSP, 0x6c14)                                                     \
	X(HOST_RIP, 0x6c16)

enum vmcs_field {
#define X(name, encoding) VMCS_##name = (encoding),
	VMCS_FIELDS(X)
#undef X
};

/* A field's place in a snapshot. */
enum vmcs_slot {
#define X(name, encoding) VMCS_SLOT_##name,
	VMCS_FIELDS(X)
#undef X
		VMCS_SLOT_COUNT
};

/* Segment registers come in this order in each of their four groups, 2 apart. */
enum vmcs_segment {
	VMCS_SEG_ES,
	VMCS_SEG_CS,
	VMCS_SEG_SS,
	VMCS_SEG_DS,
	VMCS_SEG_FS,
	VMCS_SEG_GS,
	VMCS_SEG_LDTR,
	VMCS_SEG_TR,
	VMCS_SEG_COUNT
};
#define VMCS_SEG_STEP 2

#define VMCS_WIDTH_SHIFT 13
#define VMCS_TYPE_SHIFT 10

/* [SDM] "Pin-Based VM-Execution Controls" (25.6.1) */
#define PIN_EXTERNAL_INTERRUPT_EXITING BIT(0)
#define PIN_NMI_EXITING BIT(3)
#define PIN_VIRTUAL_NMIS BIT(5)
#define PIN_PREEMPTION_TIMER BIT(6)
#define PIN_POSTED_INTERRUPTS BIT(7)

/* [SDM] "Processor-Based VM-Execution Controls" (25.6.2), primary */
#define PRIMARY_INTERRUPT_WINDOW_EXITING BIT(2)
#define PRIMARY_TSC_OFFSETTING BIT(3)
#define PRIMARY_HLT_EXITING BIT(7)
#define PRIMARY_INVLPG_EXITING BIT(9)
#define PRIMARY_MWAIT_EXITING BIT(10)
#define PRIMARY_RDPMC_EXITING BIT(11)
#define PRIMARY_RDTSC_EXITING BIT(12)
#define PRIMARY_CR3_LOAD_EXITING BIT(15)
#define PRIMARY_CR3_STORE_EXITING BIT(16)
#define PRIMARY_CR8_LOAD_EXITING BIT(19)
#define PRIMARY_CR8_STORE_EXITING BIT(20)
#define PRIMARY_TPR_SHADOW BIT(21)
#define PRIMARY_NMI_WINDOW_EXITING BIT(22)
#define PRIMARY_MOV_DR_EXITING BIT(23)
#define PRIMARY_UNCONDITIONAL_IO_EXITING BIT(24)
#define PRIMARY_IO_BITMAPS BIT(25)
#define PRIMARY_MONITOR_TRAP_FLAG BIT(27)
#define PRIMARY_MSR_BITMAPS BIT(28)
#define PRIMARY_MONITOR_EXITING BIT(29)
#define PRIMARY_PAUSE_EXITING BIT(30)
#define PRIMARY_SECONDARY_CONTROLS BIT(31)

/* Secondary */
#define SECONDARY_APIC_ACCESSES BIT(0)
#define SECONDARY_EPT BIT(1)
#define SECONDARY_DESCRIPTOR_TABLE_EXITING BIT(2)
#define SECONDARY_RDTSCP BIT(3)
#define SECONDARY_X2APIC_MODE BIT(4)
#define SECONDARY_VPID BIT(5)
#define SECONDARY_WBINVD_EXITING BIT(6)
#define SECONDARY_UNRESTRICTED_GUEST BIT(7)
#define SECONDARY_APIC_REGISTERS BIT(8)
#define SECONDARY_INTERRUPT_DELIVERY BIT(9)
#define SECONDARY_INVPCID BIT(12)
#define SECONDARY_PML BIT(17)
#define SECONDARY_XSAVES BIT(20)
#define SECONDARY_TSC_SCALING BIT(25)

/* [SDM] "VM-Exit Controls" (25.7.1) */
#define EXIT_CTL_SAVE_DEBUG BIT(2)
#define EXIT_CTL_HOST_64BIT BIT(9)
#define EXIT_CTL_LOAD_PERF_GLOBAL BIT(12)
#define EXIT_CTL_ACK_INTERRUPT BIT(15)
#define EXIT_CTL_SAVE_PAT BIT(18)
#define EXIT_CTL_LOAD_PAT BIT(19)
#define EXIT_CTL_SAVE_EFER BIT(20)
#define EXIT_CTL_LOAD_EFER BIT(21)
#define EXIT_CTL_SAVE_PREEMPTION_TIMER BIT(22)

/* [SDM] "VM-Entry Controls" (25.8.1) */
#define ENTRY_CTL_LOAD_DEBUG BIT(2)
#define ENTRY_CTL_IA32E_GUEST BIT(9)
#define ENTRY_CTL_SMM BIT(10)
#define ENTRY_CTL_DEACTIVATE_DUAL_MONITOR BIT(11)
#define ENTRY_CTL_LOAD_PERF_GLOBAL BIT(13)
#define ENTRY_CTL_LOAD_PAT BIT(14)
#define ENTRY_CTL_LOAD_EFER BIT(15)

/*
 * Interruption information: of an entry (25.8.3), of an exit (25.9.2) and of an
 * interrupted delivery (25.9.3) alike.
 */
#define INTR_VECTOR BITS(7, 0)
#define INTR_TYPE_SHIFT 8
#define INTR_TYPE BITS(10, 8)
#define INTR_ERROR_CODE BIT(11)
#define INTR_NMI_UNBLOCKED BIT(12) /* exit: an IRET had ended NMI blocking */
#define INTR_ENTRY_RESERVED BITS(30, 12)
#define INTR_VALID BIT(31)

enum intr_type {
	INTR_TYPE_EXTERNAL = 0,
	INTR_TYPE_RESERVED = 1,
	INTR_TYPE_NMI = 2,
	INTR_TYPE_HARD_EXCEPTION = 3,
	INTR_TYPE_SOFT_INT = 4,
	INTR_TYPE_PRIVILEGED_SOFT = 5, /* INT1 */
	INTR_TYPE_SOFT_EXCEPTION = 6, /* INT3, INTO */
	INTR_TYPE_OTHER = 7,
};

/* [SDM] "Guest Non-Register State" (25.4.2) */
#define INTERRUPTIBILITY_STI BIT(0)
#define INTERRUPTIBILITY_MOV_SS BIT(1)
#define INTERRUPTIBILITY_SMI BIT(2)
#define INTERRUPTIBILITY_NMI BIT(3)
#define INTERRUPTIBILITY_ENCLAVE BIT(4)
#define INTERRUPTIBILITY_SHADOW (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS)
#define INTERRUPTIBILITY_RESERVED BITS(31, 5)
#define VMX_ACTIVITY_ACTIVE 0
#define VMX_ACTIVITY_HLT 1
#define VMX_ACTIVITY_SHUTDOWN 2
#define VMX_ACTIVITY_WAIT_SIPI 3
#define PENDING_DEBUG_B BITS(3, 0)
#define PENDING_DEBUG_ENABLED BIT(12)
#define PENDING_DEBUG_BS BIT(14)
#define PENDING_DEBUG_RTM BIT(16)
#define VMCS_NO_LINK (~0ull)

/* [SDM] "Guest Register State" (25.4.1), access rights; x86.h has bits 7:0. */
#define ACCESS_RIGHTS_HIGH_SHIFT 4 /* SEG_ATTR bits 11:8 are bits 15:12 here */
#define ACCESS_RIGHTS_AVL BIT(12)
#define ACCESS_RIGHTS_L BIT(13)
#define ACCESS_RIGHTS_DB BIT(14)
#define ACCESS_RIGHTS_G BIT(15)
#define ACCESS_RIGHTS_UNUSABLE BIT(16)
#define ACCESS_RIGHTS_RESERVED (BITS(11, 8) | BITS(31, 17))

/* Bits that VM entry wants clear: all that no CPU defines. */
#define DEBUGCTL_DEFINED (BITS(15, 6) | BITS(2, 0))

/* [SDM] "Extended-Page-Table Pointer (EPTP)" (25.6.11) */
#define EPTP_MEMORY_TYPE BITS(2, 0)
#define EPTP_WALK_SHIFT 3
#define EPTP_WALK BITS(5, 3)
#define EPTP_ACCESSED_DIRTY BIT(6)
#define EPTP_RESERVED BITS(11, 7)

#define MEMORY_TYPE_UC 0
#define MEMORY_TYPE_WB 6

/* [SDM] "Exit Qualification" for CR accesses, I/O, task switches, EPT (28.2.1) */
#define QUAL_CR_NUMBER BITS(3, 0)
#define QUAL_CR_ACCESS_SHIFT 4
#define QUAL_CR_ACCESS BITS(5, 4)
#define QUAL_CR_REG_SHIFT 8
#define QUAL_CR_REG BITS(11, 8)
#define QUAL_CR_SOURCE_SHIFT 16
enum qual_cr { QUAL_CR_WRITE, QUAL_CR_READ, QUAL_CR_CLTS, QUAL_CR_LMSW };

#define QUAL_DR_NUMBER BITS(2, 0)
#define QUAL_DR_READ BIT(4)
#define QUAL_DR_REG_SHIFT 8
#define QUAL_DR_REG BITS(11, 8)

#define QUAL_IO_SIZE BITS(2, 0) /* bytes less one */
#define QUAL_IO_IN BIT(3)
#define QUAL_IO_STRING BIT(4)
#define QUAL_IO_REP BIT(5)
#define QUAL_IO_PORT_SHIFT 16

#define QUAL_TASK_SELECTOR BITS(15, 0)
#define QUAL_TASK_SOURCE_SHIFT 30
#define QUAL_TASK_SOURCE BITS(31, 30)
#define QUAL_TASK_IDT 3

#define QUAL_EPT_READ BIT(0)
#define QUAL_EPT_WRITE BIT(1)
#define QUAL_EPT_FETCH BIT(2)
#define QUAL_EPT_LINEAR_VALID BIT(7)
#define QUAL_EPT_FINAL BIT(8) /* not on a guest paging-structure entry */
#define QUAL_EPT_NMI_UNBLOCKED BIT(12)

/* [SDM] "VMX Basic Exit Reasons" (appendix C).  X(name, number) */
#define VMX_EXIT_REASONS(X)      \
	X(EXCEPTION_OR_NMI, 0)   \
	X(EXTERNAL_INTERRUPT, 1) \
	X(TRIPLE_FAULT, 2)       \
	X(INIT, 3)               \
	X(SIPI, 4)               \
	X(IO_SMI, 5)             \
	X(OTHER_SMI, 6)          \
	X(INTERRUPT_WINDOW, 7)   \
	X(NMI_WINDOW, 8)         \
	X(TASK_SWITCH, 9)        \
	X(CPUID, 10)             \
	X(GETSEC, 11)            \
	X(HLT, 12)               \
	X(INVD, 13)              \
	X(INVLPG, 14)            \
	X(RDPMC, 15)             \
	X(RDTSC, 16)             \
	X(RSM, 17)               \
	X(VMCALL, 18)            \
	X(VMCLEAR, 19)           \
	X(VMLAUNCH, 20)          \
	X(VMPTRLD, 21)           \
	X(VMPTRST, 22)           \
	X(VMREAD, 23)            \
	X(VMRESUME, 24)          \
	X(VMWRITE, 25)           \
	X(VMXOFF, 26)            \
	X(VMXON, 27)             \
	X(CR_ACCESS, 28)         \
	X(MOV_DR, 29)            \
	X(IO, 30)                \
	X(RDMSR, 31)             \
	X(WRMSR, 32)             \
	X(GUEST_STATE, 33)       \
	X(MSR_LOADING, 34)       \
	X(MWAIT, 36)             \
	X(MONITOR_TRAP_FLAG, 37) \
	X(MONITOR, 39)           \
	X(PAUSE, 40)             \
	X(MACHINE_CHECK, 41)     \
	X(TPR_BELOW, 43)         \
	X(APIC_ACCESS, 44)       \
	X(VIRTUALIZED_EOI, 45)   \
	X(GDTR_IDTR, 46)         \
	X(LDTR_TR, 47)           \
	X(EPT_VIOLATION, 48)     \
	X(EPT_MISCONFIG, 49)     \
	X(INVEPT, 50)            \
	X(RDTSCP, 51)            \
	X(PREEMPTION_TIMER, 52)  \
	X(INVVPID, 53)           \
	X(WBINVD, 54)            \
	X(XSETBV, 55)            \
	X(APIC_WRITE, 56)        \
	X(RDRAND, 57)            \
	X(INVPCID, 58)           \
	X(VMFUNC, 59)            \
	X(ENCLS, 60)             \
	X(RDSEED, 61)            \
	X(PML_FULL, 62)          \
	X(XSAVES, 63)            \
	X(XRSTORS, 64)           \
	X(PCONFIG, 65)           \
	X(SPP, 66)               \
	X(UMWAIT, 67)            \
	X(TPAUSE, 68)            \
	X(LOADIWKEY, 69)         \
	X(ENCLV, 70)             \
	X(ENQCMD_PASID, 72)      \
	X(ENQCMDS_PASID, 73)     \
	X(BUS_LOCK, 74)          \
	X(NOTIFY, 75)            \
	X(SEAMCALL, 76)          \
	X(TDCALL, 77)

enum vmx_exit_reason {
#define X(name, number) VMX_EXIT_##name = (number),
	VMX_EXIT_REASONS(X)
#undef X
		VMX_EXIT_LIMIT
};
#define VMX_EXIT_BASIC BITS(15, 0)
#define VMX_EXIT_ENTRY_FAILED BIT(31)

/* [SDM] "VM-Instruction Error Numbers" (31.4) */
enum vmx_error {
	VMX_ERROR_LAUNCH_NOT_CLEAR = 4,
	VMX_ERROR_RESUME_NOT_LAUNCHED = 5,
	VMX_ERROR_ENTRY_CONTROLS = 7,
	VMX_ERROR_ENTRY_HOST_STATE = 8,
	VMX_ERROR_FIELD = 12,
	VMX_ERROR_READ_ONLY = 13,
	VMX_ERROR_ENTRY_MOV_SS = 26,
	VMX_ERROR_OPERAND = 28,
};

/* [SDM] "VMX Capability Reporting Facility" (appendix A) */
#define MSR_VMX_BASIC 0x480
#define MSR_VMX_PINBASED_CTLS 0x481
#define MSR_VMX_PROCBASED_CTLS 0x482
#define MSR_VMX_EXIT_CTLS 0x483
#define MSR_VMX_ENTRY_CTLS 0x484
#define MSR_VMX_MISC 0x485
#define MSR_VMX_CR0_FIXED0 0x486
#define MSR_VMX_CR0_FIXED1 0x487
#define MSR_VMX_CR4_FIXED0 0x488
#define MSR_VMX_CR4_FIXED1 0x489
#define MSR_VMX_PROCBASED_CTLS2 0x48b
#define MSR_VMX_EPT_VPID_CAP 0x48c
#define MSR_VMX_TRUE_PINBASED_CTLS 0x48d
#define MSR_VMX_TRUE_PROCBASED_CTLS 0x48e
#define MSR_VMX_TRUE_EXIT_CTLS 0x48f
#define MSR_VMX_TRUE_ENTRY_CTLS 0x490

#define VMX_BASIC_REVISION BITS(30, 0)
#define VMX_BASIC_SIZE_SHIFT 32
#define VMX_BASIC_SIZE BITS(44, 32)
#define VMX_BASIC_32BIT_ADDRESSES BIT(48)
#define VMX_BASIC_TRUE_CTLS BIT(55)
#define VMX_BASIC_ANY_ERROR_CODE BIT(56)

#define VMX_MISC_ACTIVITY_SHIFT 6
#define VMX_MISC_CR3_TARGETS_SHIFT 16
#define VMX_MISC_CR3_TARGETS BITS(24, 16)
#define VMX_MISC_ZERO_LENGTH BIT(30)

#define EPT_CAP_EXECUTE_ONLY BIT(0)
#define EPT_CAP_WALK_4 BIT(6)
#define EPT_CAP_WALK_5 BIT(7)
#define EPT_CAP_UC BIT(8)
#define EPT_CAP_WB BIT(14)
#define EPT_CAP_2M BIT(16)
#define EPT_CAP_1G BIT(17)
#define EPT_CAP_INVEPT BIT(20)
#define EPT_CAP_ACCESSED_DIRTY BIT(21)
#define EPT_CAP_INVEPT_SINGLE BIT(25)
#define EPT_CAP_INVEPT_ALL BIT(26)
#define INVEPT_SINGLE 1
#define INVEPT_ALL 2

/* [SDM] "IA32_FEATURE_CONTROL" (vol. 4, table 2-2) and "Discovering Support for VMX" (24.6) */
#define FEATURE_CONTROL_LOCK BIT(0)
#define FEATURE_CONTROL_VMX BIT(2) /* outside SMX */
#define CPUID_1_ECX_VMX BIT(5)

/* The region that VMPTRLD takes: the CPU's own format but for these. */
struct vmcs_region {
	u32 revision; /* bit 31: shadow VMCS */
	u32 abort; /* VMX-abort indicator */
	u8 data[4096 - 8];
};
ASSERT_SIZE(struct vmcs_region, 4096);
ASSERT_OFFSET(struct vmcs_region, abort, 4);

/* Operand of INVEPT. */
struct invept_descriptor {
	u64 eptp;
	u64 zero;
};
ASSERT_SIZE(struct invept_descriptor, 16);

/* MSR bitmap: one page of four. [SDM] "MSR-Bitmap Address" (25.6.9) */
#define MSR_BITMAP_READ_LOW 0x000
#define MSR_BITMAP_READ_HIGH 0x400
#define MSR_BITMAP_WRITE_LOW 0x800
#define MSR_BITMAP_WRITE_HIGH 0xc00
#define MSR_BITMAP_MSRS 0x2000
#define MSR_BITMAP_HIGH_BASE 0xc0000000

/* EPT entries. [SDM] "EPT Translation Mechanism" (29.3.2), tables 29-1 to 29-7 */
#define EPT_READ BIT(0)
#define EPT_WRITE BIT(1)
#define EPT_EXECUTE BIT(2)
#define EPT_RIGHTS BITS(2, 0)
#define EPT_MEMORY_TYPE_SHIFT 3
#define EPT_IGNORE_PAT BIT(6)
#define EPT_LARGE BIT(7)
#define EPT_ACCESSED BIT(8)
#define EPT_DIRTY BIT(9)
#define EPT_ADDR BITS(51, 12)

#endif
