/*
 * cpuid_rules.c - what a guest is told of each feature, and why
 *
 * Owns: the table.  What it does not name is hidden: a feature nobody thought about is
 * a promise nobody keeps.  Hiding a bit does not stop a guest that tries the
 * instruction anyway; what must be stopped is stopped by the back end.
 *
 * Sources: [SDM] vol. 2 "CPUID - CPU Identification" (table 3-8); [APM] vol. 3
 * "Obtaining Processor Information Via the CPUID Instruction" (appendix E).
 */
#include "vm/cpuid_rules.h"

/* clang-format off */
/*
 * One bit: passed; passed and part of v1; emulated; emulated, not in v1; hidden.  A field: passed;
 * computed; hidden.
 */
#define PASS(leaf, reg, bit, name)                                                           \
	{ leaf, 0, CPUID_##reg, bit, bit, CPUID_PASSED, false, name, NULL }
#define BASE(leaf, reg, bit, name)                                                           \
	{ leaf, 0, CPUID_##reg, bit, bit, CPUID_PASSED, true, name, NULL }
#define EMUL(leaf, reg, bit, name, why) \
	{ leaf, 0, CPUID_##reg, bit, bit, CPUID_EMULATED, true, name, why }
#define EMUL_BARE(leaf, reg, bit, name, why) \
	{ leaf, 0, CPUID_##reg, bit, bit, CPUID_EMULATED, false, name, why }
#define HIDE(leaf, reg, bit, name, why) \
	{ leaf, 0, CPUID_##reg, bit, bit, CPUID_HIDDEN, false, name, why }
#define MAKE(leaf, reg, bit, name, why) \
	{ leaf, 0, CPUID_##reg, bit, bit, CPUID_COMPUTED, true, name, why }
#define PASS_FIELD(leaf, sub, reg, high, low, name, why) \
	{ leaf, sub, CPUID_##reg, high, low, CPUID_PASSED, false, name, why }
#define MAKE_FIELD(leaf, sub, reg, high, low, name, why) \
	{ leaf, sub, CPUID_##reg, high, low, CPUID_COMPUTED, true, name, why }
#define HIDE_FIELD(leaf, sub, reg, high, low, name, why) \
	{ leaf, sub, CPUID_##reg, high, low, CPUID_HIDDEN, false, name, why }
#define HIDE_LEAF(leaf, name, why) HIDE_FIELD(leaf, CPUID_ANY_SUBLEAF, ALL, 31, 0, name, why)

/* Reasons that recur. */
#define NO_PMU "no virtual performance counters"
#define NO_POWER "power and heat are the hypervisor's"
#define NO_NESTING "no nested virtualisation yet"
#define NO_DEBUG_STORE "writes traces through host-physical buffers"
#define NO_TSX "an exit aborts any transaction; its control MSRs are not kept"
#define NO_WAIT "a guest that waits in the CPU keeps it from others"
#define NO_QOS "cache and bandwidth shares are the hypervisor's"
#define NO_XSS "supervisor state (XSS) is not swapped"
#define WITHDRAWN "withdrawn by its maker"
#define NO_SPECTRE \
	"side channels are out of scope: a control that nobody swaps would be a false promise"
#define NO_KEYS "keys in the CPU cannot be moved with the guest"
#define NO_AMX "its state is not swapped"
#define NO_SVM_LEAF "describes SVM, which is hidden"
#define BY_VCPUS "from the number of vCPUs: one package, one thread per core"
#define BY_STORES "MWAIT blocks as HLT does; stores are seen by guarding the page"
#define BY_CR4 "follows CR4 of the vCPU"

const struct cpuid_rule cpuid_rules[] = {
	MAKE_FIELD(0x0, 0, EAX, 31, 0, "maximum basic leaf",
		   "the machine's, at most 0x1f; v1: 0xb"),
	PASS_FIELD(0x0, 0, EBX, 31, 0, "vendor, bytes 0-3",
		   "v1: EspejoEspejo: vendors differ in 32-bit system calls, so v1 is neither"),
	PASS_FIELD(0x0, 0, ECX, 31, 0, "vendor, bytes 8-11", NULL),
	PASS_FIELD(0x0, 0, EDX, 31, 0, "vendor, bytes 4-7", NULL),

	PASS_FIELD(0x1, 0, EAX, 31, 0, "family, model, stepping", "v1: 0x610"),
	PASS_FIELD(0x1, 0, EBX, 7, 0, "brand index", NULL),
	PASS_FIELD(0x1, 0, EBX, 15, 8, "CLFLUSH line size", "v1: 64 bytes"),
	MAKE_FIELD(0x1, 0, EBX, 23, 16, "logical processors", BY_VCPUS),
	MAKE_FIELD(0x1, 0, EBX, 31, 24, "initial APIC ID", "of the vCPU"),
	BASE(0x1, ECX, 0, "SSE3"),
	PASS(0x1, ECX, 1, "PCLMULQDQ"),
	HIDE(0x1, ECX, 2, "DTES64", NO_DEBUG_STORE),
	EMUL_BARE(0x1, ECX, 3, "MONITOR", BY_STORES),
	HIDE(0x1, ECX, 4, "DS-CPL", NO_DEBUG_STORE),
	HIDE(0x1, ECX, 5, "VMX", NO_NESTING),
	HIDE(0x1, ECX, 6, "SMX", "measured launch belongs to who owns the machine"),
	HIDE(0x1, ECX, 7, "EIST", NO_POWER),
	HIDE(0x1, ECX, 8, "TM2", NO_POWER),
	BASE(0x1, ECX, 9, "SSSE3"),
	HIDE(0x1, ECX, 10, "CNXT-ID", "a firmware setting of the L1 cache"),
	HIDE(0x1, ECX, 11, "SDBG", "silicon debugging"),
	PASS(0x1, ECX, 12, "FMA"),
	BASE(0x1, ECX, 13, "CMPXCHG16B"),
	HIDE(0x1, ECX, 14, "xTPR", "a setting of the host's bus"),
	HIDE(0x1, ECX, 15, "PDCM", NO_PMU),
	PASS(0x1, ECX, 17, "PCID"),
	HIDE(0x1, ECX, 18, "DCA", "no physical devices in a guest"),
	BASE(0x1, ECX, 19, "SSE4.1"),
	BASE(0x1, ECX, 20, "SSE4.2"),
	EMUL(0x1, ECX, 21, "x2APIC", "our LAPIC"),
	PASS(0x1, ECX, 22, "MOVBE"),
	BASE(0x1, ECX, 23, "POPCNT"),
	EMUL(0x1, ECX, 24, "TSC-Deadline", "our LAPIC"),
	PASS(0x1, ECX, 25, "AES"),
	PASS(0x1, ECX, 26, "XSAVE"),
	MAKE(0x1, ECX, 27, "OSXSAVE", BY_CR4),
	PASS(0x1, ECX, 28, "AVX"),
	PASS(0x1, ECX, 29, "F16C"),
	PASS(0x1, ECX, 30, "RDRAND"),
	MAKE(0x1, ECX, 31, "hypervisor",
	     "v1: set; bare: as the machine, if its hypervisor (an emulator) has a name and "
	     "no services"),
	BASE(0x1, EDX, 0, "FPU"),
	PASS(0x1, EDX, 1, "VME"),
	BASE(0x1, EDX, 2, "DE"),
	BASE(0x1, EDX, 3, "PSE"),
	BASE(0x1, EDX, 4, "TSC"),
	BASE(0x1, EDX, 5, "MSR"),
	BASE(0x1, EDX, 6, "PAE"),
	EMUL(0x1, EDX, 7, "MCE",
	     "CR4.MCE may be set; a machine check stops the host, no guest sees it"),
	BASE(0x1, EDX, 8, "CX8"),
	EMUL(0x1, EDX, 9, "APIC", "our LAPIC; clear while APIC_BASE switches it off"),
	BASE(0x1, EDX, 11, "SEP"),
	EMUL(0x1, EDX, 12, "MTRR", "kept and checked, without effect on caching"),
	BASE(0x1, EDX, 13, "PGE"),
	EMUL(0x1, EDX, 14, "MCA", "MCG_CAP says 0 banks"),
	BASE(0x1, EDX, 15, "CMOV"),
	EMUL(0x1, EDX, 16, "PAT", "of the guest's own, checked when written"),
	BASE(0x1, EDX, 17, "PSE-36"),
	HIDE(0x1, EDX, 18, "PSN", "the machine's serial number is not the guest's"),
	BASE(0x1, EDX, 19, "CLFSH"),
	HIDE(0x1, EDX, 21, "DS", NO_DEBUG_STORE),
	HIDE(0x1, EDX, 22, "ACPI", NO_POWER),
	BASE(0x1, EDX, 23, "MMX"),
	BASE(0x1, EDX, 24, "FXSR"),
	BASE(0x1, EDX, 25, "SSE"),
	BASE(0x1, EDX, 26, "SSE2"),
	PASS(0x1, EDX, 27, "SS"),
	MAKE(0x1, EDX, 28, "HTT", "set if there are several vCPUs, or the machine sets it"),
	HIDE(0x1, EDX, 29, "TM", NO_POWER),
	HIDE(0x1, EDX, 31, "PBE", NO_POWER),

	PASS_FIELD(0x2, 0, ALL, 31, 0, "cache and TLB descriptors", "describe, do nothing"),

	HIDE_LEAF(0x3, "processor serial number", "the machine's serial number is not the guest's"),

	PASS_FIELD(0x4, CPUID_ANY_SUBLEAF, EAX, 13, 0, "cache: type, level, flags", NULL),
	MAKE_FIELD(0x4, CPUID_ANY_SUBLEAF, EAX, 25, 14, "cache: IDs that share it",
		   "level 3: all vCPUs, others: one"),
	MAKE_FIELD(0x4, CPUID_ANY_SUBLEAF, EAX, 31, 26, "core IDs in the package", BY_VCPUS),
	PASS_FIELD(0x4, CPUID_ANY_SUBLEAF, EBX, 31, 0, "cache: line, partitions, ways",
		   NULL),
	PASS_FIELD(0x4, CPUID_ANY_SUBLEAF, ECX, 31, 0, "cache: sets", NULL),
	PASS_FIELD(0x4, CPUID_ANY_SUBLEAF, EDX, 31, 0, "cache: inclusiveness, indexing", NULL),

	PASS_FIELD(0x5, 0, EAX, 15, 0, "MONITOR: smallest line", "ours are 64 bytes"),
	PASS_FIELD(0x5, 0, EBX, 15, 0, "MONITOR: largest line", "ours are 64 bytes"),
	PASS_FIELD(0x5, 0, ECX, 1, 0, "MWAIT: extensions, masked interrupts", NULL),
	PASS_FIELD(0x5, 0, EDX, 31, 0, "MWAIT: numbers of C-states",
		   "hints: to us they are all one"),

	EMUL(0x6, EAX, 2, "ARAT", "our LAPIC's timer never stops"),
	HIDE_FIELD(0x6, 0, EBX, 31, 0, "thermal thresholds", NO_POWER),
	HIDE_FIELD(0x6, 0, ECX, 31, 0, "APERF/MPERF, energy bias", NO_POWER),

	MAKE_FIELD(0x7, 0, EAX, 31, 0, "maximum subleaf", "the machine's, at most 1"),
	PASS(0x7, EBX, 0, "FSGSBASE"),
	EMUL(0x7, EBX, 1, "TSC_ADJUST", "moves the TSC offset"),
	HIDE(0x7, EBX, 2, "SGX", "enclaves would need EPC pages of the host"),
	PASS(0x7, EBX, 3, "BMI1"),
	HIDE(0x7, EBX, 4, "HLE", NO_TSX),
	PASS(0x7, EBX, 5, "AVX2"),
	PASS(0x7, EBX, 6, "FDP_EXCPTN_ONLY"),
	PASS(0x7, EBX, 7, "SMEP"),
	PASS(0x7, EBX, 8, "BMI2"),
	PASS(0x7, EBX, 9, "ERMS"),
	PASS(0x7, EBX, 10, "INVPCID"),
	HIDE(0x7, EBX, 11, "RTM", NO_TSX),
	HIDE(0x7, EBX, 12, "RDT-M", NO_QOS),
	PASS(0x7, EBX, 13, "no FPU CS and DS"),
	HIDE(0x7, EBX, 14, "MPX", WITHDRAWN),
	HIDE(0x7, EBX, 15, "RDT-A", NO_QOS),
	PASS(0x7, EBX, 16, "AVX512F"),
	PASS(0x7, EBX, 17, "AVX512DQ"),
	PASS(0x7, EBX, 18, "RDSEED"),
	PASS(0x7, EBX, 19, "ADX"),
	PASS(0x7, EBX, 20, "SMAP"),
	PASS(0x7, EBX, 21, "AVX512_IFMA"),
	HIDE(0x7, EBX, 22, "PCOMMIT", WITHDRAWN),
	PASS(0x7, EBX, 23, "CLFLUSHOPT"),
	PASS(0x7, EBX, 24, "CLWB"),
	HIDE(0x7, EBX, 25, "Processor Trace", NO_DEBUG_STORE),
	PASS(0x7, EBX, 26, "AVX512PF"),
	PASS(0x7, EBX, 27, "AVX512ER"),
	PASS(0x7, EBX, 28, "AVX512CD"),
	PASS(0x7, EBX, 29, "SHA"),
	PASS(0x7, EBX, 30, "AVX512BW"),
	PASS(0x7, EBX, 31, "AVX512VL"),
	PASS(0x7, ECX, 0, "PREFETCHWT1"),
	PASS(0x7, ECX, 1, "AVX512_VBMI"),
	PASS(0x7, ECX, 2, "UMIP"),
	PASS(0x7, ECX, 3, "PKU"),
	MAKE(0x7, ECX, 4, "OSPKE", BY_CR4),
	HIDE(0x7, ECX, 5, "WAITPKG", NO_WAIT),
	PASS(0x7, ECX, 6, "AVX512_VBMI2"),
	HIDE(0x7, ECX, 7, "CET_SS", NO_XSS),
	PASS(0x7, ECX, 8, "GFNI"),
	PASS(0x7, ECX, 9, "VAES"),
	PASS(0x7, ECX, 10, "VPCLMULQDQ"),
	PASS(0x7, ECX, 11, "AVX512_VNNI"),
	PASS(0x7, ECX, 12, "AVX512_BITALG"),
	HIDE(0x7, ECX, 13, "TME", NO_KEYS),
	PASS(0x7, ECX, 14, "AVX512_VPOPCNTDQ"),
	PASS(0x7, ECX, 16, "LA57"),
	HIDE_FIELD(0x7, 0, ECX, 21, 17, "MAWAU", WITHDRAWN),
	PASS(0x7, ECX, 22, "RDPID"),
	HIDE(0x7, ECX, 23, "Key Locker", NO_KEYS),
	HIDE(0x7, ECX, 24, "BUS_LOCK_DETECT", "DEBUGCTL is not the guest's"),
	PASS(0x7, ECX, 25, "CLDEMOTE"),
	PASS(0x7, ECX, 27, "MOVDIRI"),
	PASS(0x7, ECX, 28, "MOVDIR64B"),
	HIDE(0x7, ECX, 29, "ENQCMD", NO_XSS),
	HIDE(0x7, ECX, 30, "SGX_LC", "enclaves would need EPC pages of the host"),
	PASS(0x7, ECX, 31, "PKS"),
	PASS(0x7, EDX, 2, "AVX512_4VNNIW"),
	PASS(0x7, EDX, 3, "AVX512_4FMAPS"),
	PASS(0x7, EDX, 4, "FSRM"),
	HIDE(0x7, EDX, 5, "UINTR", NO_XSS),
	PASS(0x7, EDX, 8, "AVX512_VP2INTERSECT"),
	HIDE(0x7, EDX, 9, "SRBDS_CTRL", NO_SPECTRE),
	PASS(0x7, EDX, 10, "MD_CLEAR"),
	HIDE(0x7, EDX, 11, "RTM_ALWAYS_ABORT", NO_TSX),
	HIDE(0x7, EDX, 13, "TSX_FORCE_ABORT", NO_TSX),
	PASS(0x7, EDX, 14, "SERIALIZE"),
	HIDE(0x7, EDX, 15, "hybrid", "a vCPU runs on any core"),
	HIDE(0x7, EDX, 16, "TSXLDTRK", NO_TSX),
	HIDE(0x7, EDX, 18, "PCONFIG", NO_KEYS),
	HIDE(0x7, EDX, 19, "architectural LBR", NO_XSS),
	HIDE(0x7, EDX, 20, "CET_IBT", NO_XSS),
	HIDE(0x7, EDX, 22, "AMX-BF16", NO_AMX),
	PASS(0x7, EDX, 23, "AVX512_FP16"),
	HIDE(0x7, EDX, 24, "AMX-TILE", NO_AMX),
	HIDE(0x7, EDX, 25, "AMX-INT8", NO_AMX),
	HIDE(0x7, EDX, 26, "IBRS and IBPB", NO_SPECTRE),
	HIDE(0x7, EDX, 27, "STIBP", NO_SPECTRE),
	HIDE(0x7, EDX, 28, "L1D_FLUSH", NO_SPECTRE),
	HIDE(0x7, EDX, 29, "ARCH_CAPABILITIES", NO_SPECTRE),
	HIDE(0x7, EDX, 30, "CORE_CAPABILITIES", NO_SPECTRE),
	HIDE(0x7, EDX, 31, "SSBD", NO_SPECTRE),
	PASS_FIELD(0x7, 1, EAX, 2, 0, "SHA512, SM3, SM4", NULL),
	PASS_FIELD(0x7, 1, EAX, 5, 4, "AVX-VNNI, AVX512_BF16", NULL),
	PASS_FIELD(0x7, 1, EAX, 12, 10, "fast short REP MOVSB, STOSB, CMPSB and SCASB", NULL),
	HIDE_FIELD(0x7, 1, EAX, 22, 22, "HRESET", "its MSR is not kept"),
	PASS_FIELD(0x7, 1, EAX, 23, 23, "AVX-IFMA", NULL),
	HIDE_FIELD(0x7, 1, EAX, 26, 26, "LAM", "our page walker checks for canonical addresses"),

	HIDE_LEAF(0x9, "DCA", "no physical devices in a guest"),
	HIDE_LEAF(0xa, "performance monitoring", NO_PMU),

	MAKE_FIELD(0xb, CPUID_ANY_SUBLEAF, ALL, 31, 0, "topology: threads, cores, x2APIC ID",
		   BY_VCPUS),

	PASS_FIELD(0xd, 0, EAX, 2, 0, "XCR0: x87, SSE, AVX", NULL),
	HIDE_FIELD(0xd, 0, EAX, 4, 3, "XCR0: MPX", WITHDRAWN),
	PASS_FIELD(0xd, 0, EAX, 7, 5, "XCR0: AVX-512", NULL),
	PASS_FIELD(0xd, 0, EAX, 9, 9, "XCR0: PKRU", NULL),
	HIDE_FIELD(0xd, 0, EAX, 18, 17, "XCR0: AMX", NO_AMX),
	MAKE_FIELD(0xd, 0, EBX, 31, 0, "XSAVE size now", "for XCR0 of the vCPU"),
	MAKE_FIELD(0xd, 0, ECX, 31, 0, "XSAVE size at most", "for all components passed"),
	HIDE_FIELD(0xd, 0, EDX, 30, 30, "XCR0: LWP", NO_XSS),
	PASS_FIELD(0xd, 1, EAX, 0, 0, "XSAVEOPT", NULL),
	PASS_FIELD(0xd, 1, EAX, 1, 1, "XSAVEC", NULL),
	PASS_FIELD(0xd, 1, EAX, 2, 2, "XGETBV with ECX 1", NULL),
	PASS_FIELD(0xd, 1, EAX, 3, 3, "XSAVES", "with no component in XSS"),
	HIDE_FIELD(0xd, 1, EAX, 4, 4, "XFD", "its MSRs are not swapped"),
	MAKE_FIELD(0xd, 1, EBX, 31, 0, "compacted size now", "for XCR0 of the vCPU, if XSAVEC"),
	HIDE_FIELD(0xd, 1, ECX, 31, 0, "XSS, low half", NO_XSS),
	HIDE_FIELD(0xd, 1, EDX, 31, 0, "XSS, high half", NO_XSS),
	PASS_FIELD(0xd, CPUID_ANY_SUBLEAF, EAX, 31, 0, "component: size",
		   "of the components passed"),
	PASS_FIELD(0xd, CPUID_ANY_SUBLEAF, EBX, 31, 0, "component: offset", NULL),
	PASS_FIELD(0xd, CPUID_ANY_SUBLEAF, ECX, 2, 0, "component: flags", NULL),

	HIDE_LEAF(0xf, "RDT monitoring", NO_QOS),
	HIDE_LEAF(0x10, "RDT allocation", NO_QOS),
	HIDE_LEAF(0x12, "SGX", "enclaves would need EPC pages of the host"),
	HIDE_LEAF(0x14, "Processor Trace", NO_DEBUG_STORE),
	{ 0x15, 0, CPUID_ALL, 31, 0, CPUID_COMPUTED, false, "TSC and crystal clock",
	  "if the machine has it: the TSC as measured; its crystal is our LAPIC timer's clock" },
	PASS_FIELD(0x16, 0, ALL, 31, 0, "frequencies in MHz", "describe, do nothing"),
	HIDE_LEAF(0x17, "SoC vendor", "the guest is not on that chip"),
	HIDE_LEAF(0x18, "TLB parameters", "leaf 2 and 0x80000005 suffice"),
	HIDE_LEAF(0x19, "Key Locker", NO_KEYS),
	HIDE_LEAF(0x1a, "hybrid", "a vCPU runs on any core"),
	HIDE_LEAF(0x1b, "PCONFIG", NO_KEYS),
	HIDE_LEAF(0x1c, "architectural LBR", NO_XSS),
	HIDE_LEAF(0x1d, "AMX tiles", NO_AMX),
	HIDE_LEAF(0x1e, "AMX TMUL", NO_AMX),
	MAKE_FIELD(0x1f, CPUID_ANY_SUBLEAF, ALL, 31, 0, "topology, second form", BY_VCPUS),

	MAKE_FIELD(0x40000000, 0, ALL, 31, 0, "hypervisor: name and last leaf",
		   "v1: EspejoEspejo; bare: the machine's, if bit \"hypervisor\" is passed"),

	MAKE_FIELD(0x80000000, 0, EAX, 31, 0, "maximum extended leaf",
		   "the machine's, at most 0x8000001f; v1: 0x80000008"),
	PASS_FIELD(0x80000000, 0, EBX, 31, 0, "vendor, bytes 0-3", NULL),
	PASS_FIELD(0x80000000, 0, ECX, 31, 0, "vendor, bytes 8-11", NULL),
	PASS_FIELD(0x80000000, 0, EDX, 31, 0, "vendor, bytes 4-7", NULL),

	PASS_FIELD(0x80000001, 0, EAX, 31, 0, "family, model, stepping", NULL),
	PASS_FIELD(0x80000001, 0, EBX, 31, 0, "brand and package", NULL),
	BASE(0x80000001, ECX, 0, "LAHF/SAHF in 64-bit mode"),
	MAKE(0x80000001, ECX, 1, "CmpLegacy",
	     "AMD: set if there are several vCPUs, or the machine sets it"),
	HIDE(0x80000001, ECX, 2, "SVM", NO_NESTING),
	HIDE(0x80000001, ECX, 3, "ExtApicSpace", "our LAPIC has no extended registers"),
	PASS(0x80000001, ECX, 4, "AltMovCr8"),
	PASS(0x80000001, ECX, 5, "ABM (LZCNT)"),
	PASS(0x80000001, ECX, 6, "SSE4A"),
	PASS(0x80000001, ECX, 7, "MisAlignSse"),
	PASS(0x80000001, ECX, 8, "3DNowPrefetch"),
	HIDE(0x80000001, ECX, 9, "OSVW",
	     "errata are worked around by the hypervisor, or by model number"),
	HIDE(0x80000001, ECX, 10, "IBS", NO_PMU),
	PASS(0x80000001, ECX, 11, "XOP"),
	HIDE(0x80000001, ECX, 12, "SKINIT", "measured launch belongs to who owns the machine"),
	HIDE(0x80000001, ECX, 13, "WDT", "the watchdog is the machine's"),
	HIDE(0x80000001, ECX, 15, "LWP", NO_XSS),
	PASS(0x80000001, ECX, 16, "FMA4"),
	HIDE(0x80000001, ECX, 17, "TCE", "EFER.TCE is not offered"),
	HIDE(0x80000001, ECX, 19, "NodeId", "one node"),
	PASS(0x80000001, ECX, 21, "TBM"),
	PASS(0x80000001, ECX, 22, "TopologyExtensions"),
	HIDE(0x80000001, ECX, 23, "PerfCtrExtCore", NO_PMU),
	HIDE(0x80000001, ECX, 24, "PerfCtrExtNB", NO_PMU),
	HIDE(0x80000001, ECX, 26, "DataBkptExt", "its MSRs are not swapped"),
	HIDE(0x80000001, ECX, 27, "PerfTsc", NO_PMU),
	HIDE(0x80000001, ECX, 28, "PerfCtrExtLLC", NO_PMU),
	EMUL_BARE(0x80000001, ECX, 29, "MONITORX", BY_STORES),
	HIDE(0x80000001, ECX, 30, "AddrMaskExt", "its MSRs are not swapped"),
	PASS_FIELD(0x80000001, 0, EDX, 6, 0, "FPU to PAE again (AMD)", NULL),
	PASS_FIELD(0x80000001, 0, EDX, 8, 7, "MCE, CX8 again (AMD)", NULL),
	PASS_FIELD(0x80000001, 0, EDX, 9, 9, "APIC again (AMD)",
		   "clear while APIC_BASE switches it off"),
	BASE(0x80000001, EDX, 11, "SYSCALL"),
	PASS_FIELD(0x80000001, 0, EDX, 17, 12, "MTRR to PSE-36 again (AMD)", NULL),
	HIDE(0x80000001, EDX, 19, "MP", "of the Athlon MP"),
	BASE(0x80000001, EDX, 20, "NX"),
	PASS(0x80000001, EDX, 22, "MmxExt"),
	PASS_FIELD(0x80000001, 0, EDX, 24, 23, "MMX, FXSR again (AMD)", NULL),
	PASS(0x80000001, EDX, 25, "FFXSR"),
	PASS(0x80000001, EDX, 26, "Page1GB"),
	PASS(0x80000001, EDX, 27, "RDTSCP"),
	BASE(0x80000001, EDX, 29, "LM"),
	PASS(0x80000001, EDX, 30, "3DNowExt"),
	PASS(0x80000001, EDX, 31, "3DNow"),

	PASS_FIELD(0x80000002, 0, ALL, 31, 0, "brand string", "v1: Espejo v1"),
	PASS_FIELD(0x80000003, 0, ALL, 31, 0, "brand string", NULL),
	PASS_FIELD(0x80000004, 0, ALL, 31, 0, "brand string", NULL),
	PASS_FIELD(0x80000005, 0, ALL, 31, 0, "L1 caches and TLBs (AMD)", "describe, do nothing"),
	PASS_FIELD(0x80000006, 0, ALL, 31, 0, "L2, L3 caches and TLBs", "describe, do nothing"),
	PASS(0x80000007, EDX, 8, "TscInvariant"),
	HIDE_FIELD(0x80000007, 0, EBX, 31, 0, "RAS", "machine checks are the hypervisor's"),
	HIDE_FIELD(0x80000007, 0, ECX, 31, 0, "power sampling", NO_POWER),
	HIDE_FIELD(0x80000007, 0, EDX, 7, 0, "thermal and P-state control", NO_POWER),
	HIDE_FIELD(0x80000007, 0, EDX, 14, 9, "boost, feedback, power reporting", NO_POWER),
	PASS_FIELD(0x80000008, 0, EAX, 15, 0, "physical and linear address bits",
		   "v1: 39 and 48; a machine with fewer physical ones is refused"),
	PASS(0x80000008, EBX, 0, "CLZERO"),
	HIDE(0x80000008, EBX, 1, "InstRetCntMsr", NO_PMU),
	PASS(0x80000008, EBX, 2, "RstrFpErrPtrs"),
	HIDE(0x80000008, EBX, 3, "INVLPGB", "would reach other guests' CPUs"),
	HIDE(0x80000008, EBX, 4, "RDPRU", NO_POWER),
	HIDE(0x80000008, EBX, 8, "MCOMMIT", "waits for the machine's memory"),
	HIDE(0x80000008, EBX, 9, "WBNOINVD", "treated as WBINVD, which exits"),
	HIDE(0x80000008, EBX, 12, "IBPB", NO_SPECTRE),
	HIDE_FIELD(0x80000008, 0, EBX, 19, 14, "IBRS and STIBP", NO_SPECTRE),
	PASS(0x80000008, EBX, 20, "EferLmsleUnsupported"),
	HIDE(0x80000008, EBX, 21, "INVLPGBnestedPages", NO_NESTING),
	HIDE_FIELD(0x80000008, 0, EBX, 28, 24, "SSBD, PSFD", NO_SPECTRE),
	MAKE_FIELD(0x80000008, 0, ECX, 15, 0, "cores and APIC ID size (AMD)", BY_VCPUS),
	HIDE_FIELD(0x80000008, 0, ECX, 17, 16, "PerfTscSize", NO_PMU),
	HIDE_FIELD(0x80000008, 0, EDX, 31, 0, "INVLPGB and RDPRU limits", "both are hidden"),
	HIDE_LEAF(0x8000000a, "SVM features", NO_SVM_LEAF),
	PASS_FIELD(0x80000019, 0, ALL, 31, 0, "1 GiB TLBs", "describe, do nothing"),
	PASS_FIELD(0x8000001a, 0, EAX, 2, 0, "FP128, MOVU, FP256", "describe, do nothing"),
	HIDE_LEAF(0x8000001b, "IBS", NO_PMU),
	HIDE_LEAF(0x8000001c, "LWP", NO_XSS),
	PASS_FIELD(0x8000001d, CPUID_ANY_SUBLEAF, EAX, 13, 0, "cache: type, level, flags (AMD)",
		   NULL),
	MAKE_FIELD(0x8000001d, CPUID_ANY_SUBLEAF, EAX, 25, 14, "cache: IDs that share it",
		   "level 3: all vCPUs, others: one"),
	PASS_FIELD(0x8000001d, CPUID_ANY_SUBLEAF, EBX, 31, 0, "cache: line, partitions, ways",
		   NULL),
	PASS_FIELD(0x8000001d, CPUID_ANY_SUBLEAF, ECX, 31, 0, "cache: sets", NULL),
	PASS_FIELD(0x8000001d, CPUID_ANY_SUBLEAF, EDX, 31, 0, "cache: inclusiveness", NULL),
	MAKE_FIELD(0x8000001e, 0, ALL, 31, 0, "APIC ID, core, node (AMD)",
		   "of the vCPU; if TopologyExtensions"),
	HIDE_LEAF(0x8000001f, "memory encryption", NO_KEYS),
};

/* clang-format on */

const unsigned cpuid_rule_count = ARRAY_SIZE(cpuid_rules);

const char *cpuid_policy_name(unsigned policy)
{
	static const char *const names[CPUID_POLICY_COUNT] = {
		[CPUID_PASSED] = "passed",
		[CPUID_EMULATED] = "emulated",
		[CPUID_COMPUTED] = "computed",
		[CPUID_HIDDEN] = "hidden",
	};

	return policy < CPUID_POLICY_COUNT ? names[policy] : "?";
}
