/*
 * vmcb.h - the virtual machine control block of AMD-V
 *
 * Owns: its layout, the bits of its fields, exit codes, and the MSRs and CPUID bits of SVM,
 * spelled as the manual spells them.
 * Must not know: what is done with them.  Holds no code.
 *
 * Sources: [APM] vol. 2 "Layout of VMCB" (appendix B), "SVM Intercept Exit Codes" (appendix C),
 * "Secure Virtual Machine" (15).
 */
#ifndef ESPEJO_AMD_VMCB_H
#define ESPEJO_AMD_VMCB_H

#include "x86.h"

/* CPUID. [APM] vol. 3 "Extended Feature Function Numbers" (E.4) */
#define CPUID_EXT_FEATURES 0x80000001u
#define CPUID_EXT_ECX_SVM BIT(2)
#define CPUID_EXT_EDX_NX BIT(20)
#define CPUID_EXT_EDX_RDTSCP BIT(27)
#define CPUID_SIZES 0x80000008u /* EAX 7:0: bits of a physical address */
#define CPUID_SIZES_EBX_RDPRU BIT(4)
#define CPUID_SVM 0x8000000au /* EBX: number of ASIDs */
#define CPUID_SVM_EDX_NP BIT(0)
#define CPUID_SVM_EDX_LBR_VIRT BIT(1)
#define CPUID_SVM_EDX_SVML BIT(2)
#define CPUID_SVM_EDX_NRIPS BIT(3)
#define CPUID_SVM_EDX_VMCB_CLEAN BIT(5)
#define CPUID_SVM_EDX_FLUSH_BY_ASID BIT(6)
#define CPUID_SVM_EDX_DECODE_ASSISTS BIT(7)

/* [APM] vol. 2 "SVM Related MSRs" (15.30) */
#define MSR_VM_CR 0xc0010114
#define VM_CR_LOCK BIT(3)
#define VM_CR_SVMDIS BIT(4)
#define MSR_VM_HSAVE_PA 0xc0010117

/* ---- Intercepts ---------------------------------------------------------------- */

/* intercept_cr: reads of CRn in bit n, writes in bit 16 + n; intercept_dr alike. */
#define VMCB_INTERCEPT_READ(n) BIT(n)
#define VMCB_INTERCEPT_WRITE(n) BIT(16 + (n))

/* intercept_misc1, at offset 00Ch */
#define VMCB_INTERCEPT_INTR BIT(0)
#define VMCB_INTERCEPT_NMI BIT(1)
#define VMCB_INTERCEPT_SMI BIT(2)
#define VMCB_INTERCEPT_INIT BIT(3)
#define VMCB_INTERCEPT_VINTR BIT(4)
#define VMCB_INTERCEPT_CR0_SEL_WRITE BIT(5)
#define VMCB_INTERCEPT_RDTSC BIT(14)
#define VMCB_INTERCEPT_RDPMC BIT(15)
#define VMCB_INTERCEPT_PUSHF BIT(16)
#define VMCB_INTERCEPT_POPF BIT(17)
#define VMCB_INTERCEPT_CPUID BIT(18)
#define VMCB_INTERCEPT_RSM BIT(19)
#define VMCB_INTERCEPT_IRET BIT(20)
#define VMCB_INTERCEPT_SWINT BIT(21)
#define VMCB_INTERCEPT_INVD BIT(22)
#define VMCB_INTERCEPT_PAUSE BIT(23)
#define VMCB_INTERCEPT_HLT BIT(24)
#define VMCB_INTERCEPT_INVLPG BIT(25)
#define VMCB_INTERCEPT_INVLPGA BIT(26)
#define VMCB_INTERCEPT_IOIO_PROT BIT(27)
#define VMCB_INTERCEPT_MSR_PROT BIT(28)
#define VMCB_INTERCEPT_TASK_SWITCH BIT(29)
#define VMCB_INTERCEPT_FERR_FREEZE BIT(30)
#define VMCB_INTERCEPT_SHUTDOWN BIT(31)

/* intercept_misc2, at offset 010h */
#define VMCB_INTERCEPT_VMRUN BIT(0)
#define VMCB_INTERCEPT_VMMCALL BIT(1)
#define VMCB_INTERCEPT_VMLOAD BIT(2)
#define VMCB_INTERCEPT_VMSAVE BIT(3)
#define VMCB_INTERCEPT_STGI BIT(4)
#define VMCB_INTERCEPT_CLGI BIT(5)
#define VMCB_INTERCEPT_SKINIT BIT(6)
#define VMCB_INTERCEPT_RDTSCP BIT(7)
#define VMCB_INTERCEPT_ICEBP BIT(8)
#define VMCB_INTERCEPT_WBINVD BIT(9)
#define VMCB_INTERCEPT_MONITOR BIT(10)
#define VMCB_INTERCEPT_MWAIT BIT(11)
#define VMCB_INTERCEPT_MWAIT_ARMED BIT(12)
#define VMCB_INTERCEPT_XSETBV BIT(13)
#define VMCB_INTERCEPT_RDPRU BIT(14)

/* ---- Fields of the control area ------------------------------------------------- */

/* tlb_control */
#define VMCB_TLB_NOTHING 0
#define VMCB_TLB_FLUSH_ALL 1
#define VMCB_TLB_FLUSH_ASID 3
#define VMCB_TLB_FLUSH_ASID_NON_GLOBAL 7

/* int_control, at offset 060h */
#define VMCB_V_TPR BITS(7, 0)
#define VMCB_V_IRQ BIT(8)
#define VMCB_V_GIF BIT(9)
#define VMCB_V_NMI BIT(11)
#define VMCB_V_NMI_MASK BIT(12)
#define VMCB_V_INTR_PRIO BITS(19, 16)
#define VMCB_V_INTR_PRIO_SHIFT 16
#define VMCB_V_IGN_TPR BIT(20)
#define VMCB_V_INTR_MASKING BIT(24)
#define VMCB_V_GIF_ENABLE BIT(25)
#define VMCB_V_NMI_ENABLE BIT(26)
#define VMCB_X2AVIC_ENABLE BIT(30)
#define VMCB_AVIC_ENABLE BIT(31)
#define VMCB_V_INTR_VECTOR BITS(39, 32)
#define VMCB_V_INTR_VECTOR_SHIFT 32

/* int_shadow, at offset 068h */
#define VMCB_INTERRUPT_SHADOW BIT(0)
#define VMCB_GUEST_INTERRUPT_MASK BIT(1)

/* eventinj and exitintinfo. [APM] vol. 2 "Event Injection" (15.20) */
#define VMCB_EVENT_VECTOR BITS(7, 0)
#define VMCB_EVENT_TYPE BITS(10, 8)
#define VMCB_EVENT_TYPE_SHIFT 8
#define VMCB_EVENT_TYPE_INTR 0
#define VMCB_EVENT_TYPE_NMI 2
#define VMCB_EVENT_TYPE_EXCEPTION 3
#define VMCB_EVENT_TYPE_SOFT_INT 4
#define VMCB_EVENT_EV BIT(11) /* the error code is valid */
#define VMCB_EVENT_RESERVED BITS(30, 12)
#define VMCB_EVENT_V BIT(31)
#define VMCB_EVENT_ERROR_SHIFT 32

/* nested_control, at offset 090h */
#define VMCB_NP_ENABLE BIT(0)
#define VMCB_NESTED_CONTROL_DEFINED BITS(7, 0)

/* lbr_control, at offset 0B8h */
#define VMCB_LBR_VIRTUALIZATION BIT(0)
#define VMCB_LBR_CONTROL_DEFINED BITS(2, 0)

/* clean, at offset 0C0h. [APM] vol. 2 "VMCB Clean Bits" (15.15) */
#define VMCB_CLEAN_I BIT(0) /* intercepts, TSC offset, pause filter */
#define VMCB_CLEAN_IOPM BIT(1) /* addresses of IOPM and MSRPM */
#define VMCB_CLEAN_ASID BIT(2)
#define VMCB_CLEAN_TPR BIT(3) /* int_control */
#define VMCB_CLEAN_NP BIT(4) /* nested paging, N_CR3, G_PAT */
#define VMCB_CLEAN_CRX BIT(5) /* CR0 CR3 CR4 EFER */
#define VMCB_CLEAN_DRX BIT(6) /* DR6 DR7 */
#define VMCB_CLEAN_DT BIT(7) /* GDT and IDT */
#define VMCB_CLEAN_SEG BIT(8) /* CS DS SS ES, CPL */
#define VMCB_CLEAN_CR2 BIT(9)
#define VMCB_CLEAN_LBR BIT(10) /* DBGCTL and last branches */
#define VMCB_CLEAN_ALL BITS(10, 0)

/* exitinfo1 of IOIO. [APM] vol. 2 "IOIO Intercept Information" (15.10.2) */
#define VMCB_IOIO_IN BIT(0)
#define VMCB_IOIO_STR BIT(2)
#define VMCB_IOIO_REP BIT(3)
#define VMCB_IOIO_SIZE_SHIFT 4 /* one of three bits: 1, 2, 4 bytes */
#define VMCB_IOIO_SIZE BITS(6, 4)
#define VMCB_IOIO_PORT_SHIFT 16
/* exitinfo1 of MOV CR with decode assists. "MOV CRx/DRx Intercepts" (15.8.1) */
#define VMCB_CR_IS_MOV BIT(63)
#define VMCB_CR_GPR BITS(3, 0)
/* exitinfo1 of NPF, and the bits of a page fault. "Nested versus Guest Page Faults" (15.25.6) */
#define VMCB_NPF_FINAL BIT(32)
#define VMCB_NPF_TABLE BIT(33)
/* exitinfo2 of TASK_SWITCH. "Task Switch Intercept" (15.14.1) */
#define VMCB_TASK_IRET BIT(36)
#define VMCB_TASK_JMP BIT(38)
#define VMCB_TASK_ERROR BIT(44)
#define VMCB_TASK_RF BIT(48) /* RFLAGS.RF as it is to be saved */

/* [APM] vol. 2 "IOPM", "MSRPM": "I/O Intercepts" (15.10.1), "MSR Intercepts" (15.11) */
#define VMCB_IOPM_SIZE KiB(12)
#define VMCB_MSRPM_SIZE KiB(8)
#define VMCB_MSRPM_PART KiB(2) /* of MSRs 0.., C0000000.., C0010000.. */
#define VMCB_MSRPM_PART_MSRS 0x2000

/* ---- Exit codes. [APM] vol. 2 "SVM Intercept Exit Codes" (appendix C) ---------------- */

/* name, code; below these 00h-1Fh are CR, 20h-3Fh DR accesses, 40h-5Fh exceptions */
#define VMCB_EXITS(X)                    \
	X(INTR, 0x60)                    \
	X(NMI, 0x61)                     \
	X(SMI, 0x62)                     \
	X(INIT, 0x63)                    \
	X(VINTR, 0x64)                   \
	X(CR0_SEL_WRITE, 0x65)           \
	X(IDTR_READ, 0x66)               \
	X(GDTR_READ, 0x67)               \
	X(LDTR_READ, 0x68)               \
	X(TR_READ, 0x69)                 \
	X(IDTR_WRITE, 0x6a)              \
	X(GDTR_WRITE, 0x6b)              \
	X(LDTR_WRITE, 0x6c)              \
	X(TR_WRITE, 0x6d)                \
	X(RDTSC, 0x6e)                   \
	X(RDPMC, 0x6f)                   \
	X(PUSHF, 0x70)                   \
	X(POPF, 0x71)                    \
	X(CPUID, 0x72)                   \
	X(RSM, 0x73)                     \
	X(IRET, 0x74)                    \
	X(SWINT, 0x75)                   \
	X(INVD, 0x76)                    \
	X(PAUSE, 0x77)                   \
	X(HLT, 0x78)                     \
	X(INVLPG, 0x79)                  \
	X(INVLPGA, 0x7a)                 \
	X(IOIO, 0x7b)                    \
	X(MSR, 0x7c)                     \
	X(TASK_SWITCH, 0x7d)             \
	X(FERR_FREEZE, 0x7e)             \
	X(SHUTDOWN, 0x7f)                \
	X(VMRUN, 0x80)                   \
	X(VMMCALL, 0x81)                 \
	X(VMLOAD, 0x82)                  \
	X(VMSAVE, 0x83)                  \
	X(STGI, 0x84)                    \
	X(CLGI, 0x85)                    \
	X(SKINIT, 0x86)                  \
	X(RDTSCP, 0x87)                  \
	X(ICEBP, 0x88)                   \
	X(WBINVD, 0x89)                  \
	X(MONITOR, 0x8a)                 \
	X(MWAIT, 0x8b)                   \
	X(MWAIT_CONDITIONAL, 0x8c)       \
	X(XSETBV, 0x8d)                  \
	X(RDPRU, 0x8e)                   \
	X(EFER_WRITE_TRAP, 0x8f)         \
	X(INVLPGB, 0xa0)                 \
	X(INVLPGB_ILLEGAL, 0xa1)         \
	X(INVPCID, 0xa2)                 \
	X(MCOMMIT, 0xa3)                 \
	X(TLBSYNC, 0xa4)                 \
	X(BUSLOCK, 0xa5)                 \
	X(IDLE_HLT, 0xa6)                \
	X(NPF, 0x400)                    \
	X(AVIC_INCOMPLETE_IPI, 0x401)    \
	X(AVIC_NOACCEL, 0x402)           \
	X(VMGEXIT, 0x403)

#define VMCB_EXIT_CR_READ 0x00
#define VMCB_EXIT_CR_WRITE 0x10
#define VMCB_EXIT_DR_READ 0x20
#define VMCB_EXIT_DR_WRITE 0x30
#define VMCB_EXIT_EXCEPTION 0x40
#define VMCB_EXIT_CR_WRITE_TRAP 0x90
/* Hardware gives 64 bits of ones, QEMU 7.2 only 32. */
#define VMCB_EXIT_INVALID 0xffffffffu

#ifndef __ASSEMBLER__

enum vmcb_exit {
#define X(name, code) VMCB_EXIT_##name = code,
	VMCB_EXITS(X)
#undef X
};

struct vmcb_segment {
	u16 selector;
	u16 attrib; /* SEG_ATTR_*, as in our normal form */
	u32 limit;
	u64 base;
};

/* Table B-1 */
struct vmcb_control {
	u32 intercept_cr;
	u32 intercept_dr;
	u32 intercept_exceptions; /* by vector */
	u32 intercept_misc1;
	u32 intercept_misc2;
	u32 intercept_misc3;
	u8 reserved_018[0x3c - 0x18];
	u16 pause_filter_threshold;
	u16 pause_filter_count;
	u64 iopm_base_pa;
	u64 msrpm_base_pa;
	u64 tsc_offset;
	u32 guest_asid;
	u8 tlb_control;
	u8 reserved_05d[3];
	u64 int_control;
	u64 int_shadow;
	u64 exitcode;
	u64 exitinfo1;
	u64 exitinfo2;
	u64 exitintinfo;
	u64 nested_control;
	u64 avic_apic_bar;
	u64 ghcb_pa;
	u64 eventinj;
	u64 n_cr3;
	u64 lbr_control;
	u32 clean;
	u32 reserved_0c4;
	u64 nrip;
	u8 insn_bytes_count;
	u8 insn_bytes[15];
	u64 avic_backing_page;
	u64 reserved_0e8;
	u64 avic_logical_table;
	u64 avic_physical_table;
	u64 reserved_100;
	u64 vmsa_pa;
	u8 reserved_110[0x3e0 - 0x110];
	u8 host_use[0x20]; /* never read by the CPU */
};

/* Table B-2 */
struct vmcb_save {
	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 reserved_0a0[0xcb - 0xa0];
	u8 cpl;
	u32 reserved_0cc;
	u64 efer;
	u8 reserved_0d8[0x148 - 0xd8];
	u64 cr4;
	u64 cr3;
	u64 cr0;
	u64 dr7;
	u64 dr6;
	u64 rflags;
	u64 rip;
	u8 reserved_180[0x1d8 - 0x180];
	u64 rsp;
	u64 s_cet;
	u64 ssp;
	u64 isst_addr;
	u64 rax;
	u64 star;
	u64 lstar;
	u64 cstar;
	u64 sfmask;
	u64 kernel_gs_base;
	u64 sysenter_cs;
	u64 sysenter_esp;
	u64 sysenter_eip;
	u64 cr2;
	u8 reserved_248[0x268 - 0x248];
	u64 g_pat;
	u64 dbgctl;
	u64 br_from;
	u64 br_to;
	u64 lastexcpfrom;
	u64 lastexcpto;
	u8 reserved_298[0xc00 - 0x298];
};

struct vmcb {
	struct vmcb_control control;
	struct vmcb_save save;
};

ASSERT_SIZE(struct vmcb, 4096);
ASSERT_SIZE(struct vmcb_segment, 16);
ASSERT_OFFSET(struct vmcb, control.intercept_cr, 0x000);
ASSERT_OFFSET(struct vmcb, control.intercept_dr, 0x004);
ASSERT_OFFSET(struct vmcb, control.intercept_exceptions, 0x008);
ASSERT_OFFSET(struct vmcb, control.intercept_misc1, 0x00c);
ASSERT_OFFSET(struct vmcb, control.intercept_misc2, 0x010);
ASSERT_OFFSET(struct vmcb, control.intercept_misc3, 0x014);
ASSERT_OFFSET(struct vmcb, control.pause_filter_threshold, 0x03c);
ASSERT_OFFSET(struct vmcb, control.pause_filter_count, 0x03e);
ASSERT_OFFSET(struct vmcb, control.iopm_base_pa, 0x040);
ASSERT_OFFSET(struct vmcb, control.msrpm_base_pa, 0x048);
ASSERT_OFFSET(struct vmcb, control.tsc_offset, 0x050);
ASSERT_OFFSET(struct vmcb, control.guest_asid, 0x058);
ASSERT_OFFSET(struct vmcb, control.tlb_control, 0x05c);
ASSERT_OFFSET(struct vmcb, control.int_control, 0x060);
ASSERT_OFFSET(struct vmcb, control.int_shadow, 0x068);
ASSERT_OFFSET(struct vmcb, control.exitcode, 0x070);
ASSERT_OFFSET(struct vmcb, control.exitinfo1, 0x078);
ASSERT_OFFSET(struct vmcb, control.exitinfo2, 0x080);
ASSERT_OFFSET(struct vmcb, control.exitintinfo, 0x088);
ASSERT_OFFSET(struct vmcb, control.nested_control, 0x090);
ASSERT_OFFSET(struct vmcb, control.avic_apic_bar, 0x098);
ASSERT_OFFSET(struct vmcb, control.ghcb_pa, 0x0a0);
ASSERT_OFFSET(struct vmcb, control.eventinj, 0x0a8);
ASSERT_OFFSET(struct vmcb, control.n_cr3, 0x0b0);
ASSERT_OFFSET(struct vmcb, control.lbr_control, 0x0b8);
ASSERT_OFFSET(struct vmcb, control.clean, 0x0c0);
ASSERT_OFFSET(struct vmcb, control.nrip, 0x0c8);
ASSERT_OFFSET(struct vmcb, control.insn_bytes_count, 0x0d0);
ASSERT_OFFSET(struct vmcb, control.insn_bytes, 0x0d1);
ASSERT_OFFSET(struct vmcb, control.avic_backing_page, 0x0e0);
ASSERT_OFFSET(struct vmcb, control.avic_logical_table, 0x0f0);
ASSERT_OFFSET(struct vmcb, control.avic_physical_table, 0x0f8);
ASSERT_OFFSET(struct vmcb, control.vmsa_pa, 0x108);
ASSERT_OFFSET(struct vmcb, control.host_use, 0x3e0);
ASSERT_OFFSET(struct vmcb, save.es, 0x400);
ASSERT_OFFSET(struct vmcb, save.cs, 0x410);
ASSERT_OFFSET(struct vmcb, save.ss, 0x420);
ASSERT_OFFSET(struct vmcb, save.ds, 0x430);
ASSERT_OFFSET(struct vmcb, save.fs, 0x440);
ASSERT_OFFSET(struct vmcb, save.gs, 0x450);
ASSERT_OFFSET(struct vmcb, save.gdtr, 0x460);
ASSERT_OFFSET(struct vmcb, save.ldtr, 0x470);
ASSERT_OFFSET(struct vmcb, save.idtr, 0x480);
ASSERT_OFFSET(struct vmcb, save.tr, 0x490);
ASSERT_OFFSET(struct vmcb, save.cpl, 0x4cb);
ASSERT_OFFSET(struct vmcb, save.efer, 0x4d0);
ASSERT_OFFSET(struct vmcb, save.cr4, 0x548);
ASSERT_OFFSET(struct vmcb, save.cr3, 0x550);
ASSERT_OFFSET(struct vmcb, save.cr0, 0x558);
ASSERT_OFFSET(struct vmcb, save.dr7, 0x560);
ASSERT_OFFSET(struct vmcb, save.dr6, 0x568);
ASSERT_OFFSET(struct vmcb, save.rflags, 0x570);
ASSERT_OFFSET(struct vmcb, save.rip, 0x578);
ASSERT_OFFSET(struct vmcb, save.rsp, 0x5d8);
ASSERT_OFFSET(struct vmcb, save.s_cet, 0x5e0);
ASSERT_OFFSET(struct vmcb, save.ssp, 0x5e8);
ASSERT_OFFSET(struct vmcb, save.isst_addr, 0x5f0);
ASSERT_OFFSET(struct vmcb, save.rax, 0x5f8);
ASSERT_OFFSET(struct vmcb, save.star, 0x600);
ASSERT_OFFSET(struct vmcb, save.lstar, 0x608);
ASSERT_OFFSET(struct vmcb, save.cstar, 0x610);
ASSERT_OFFSET(struct vmcb, save.sfmask, 0x618);
ASSERT_OFFSET(struct vmcb, save.kernel_gs_base, 0x620);
ASSERT_OFFSET(struct vmcb, save.sysenter_cs, 0x628);
ASSERT_OFFSET(struct vmcb, save.sysenter_esp, 0x630);
ASSERT_OFFSET(struct vmcb, save.sysenter_eip, 0x638);
ASSERT_OFFSET(struct vmcb, save.cr2, 0x640);
ASSERT_OFFSET(struct vmcb, save.g_pat, 0x668);
ASSERT_OFFSET(struct vmcb, save.dbgctl, 0x670);
ASSERT_OFFSET(struct vmcb, save.br_from, 0x678);
ASSERT_OFFSET(struct vmcb, save.br_to, 0x680);
ASSERT_OFFSET(struct vmcb, save.lastexcpfrom, 0x688);
ASSERT_OFFSET(struct vmcb, save.lastexcpto, 0x690);

#endif /* !__ASSEMBLER__ */
#endif
