/*
 * svm_dump.c - the VMCB for people
 *
 * Owns: the names of the fields and of exit codes, in a dump and in messages.
 * Must not know: what the values mean.
 *
 * Source: [APM] vol. 2 "Layout of VMCB" (appendix B), "SVM Intercept Exit Codes" (appendix C).
 */
#include "amd/svm.h"

#include "lib/fmt.h"
#include "lib/string.h"

static void put(struct fmt_sink *sink, const char *format, ...) PRINTF_LIKE(2, 3);
static void put(struct fmt_sink *sink, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vput(sink, format, args);
	va_end(args);
}

/* The fields that have names, for dumps: name, offset, bytes. */
static const struct {
	const char *name;
	u16 offset, size;
} fields[] = {
#define FIELD(name, member) \
	{ name, offsetof(struct vmcb, member), sizeof(((struct vmcb *)0)->member) }
	FIELD("intercept_cr", control.intercept_cr),
	FIELD("intercept_dr", control.intercept_dr),
	FIELD("intercept_exceptions", control.intercept_exceptions),
	FIELD("intercept_misc1", control.intercept_misc1),
	FIELD("intercept_misc2", control.intercept_misc2),
	FIELD("intercept_misc3", control.intercept_misc3),
	FIELD("iopm_base_pa", control.iopm_base_pa),
	FIELD("msrpm_base_pa", control.msrpm_base_pa),
	FIELD("tsc_offset", control.tsc_offset),
	FIELD("guest_asid", control.guest_asid),
	FIELD("tlb_control", control.tlb_control),
	FIELD("int_control", control.int_control),
	FIELD("int_shadow", control.int_shadow),
	FIELD("exitcode", control.exitcode),
	FIELD("exitinfo1", control.exitinfo1),
	FIELD("exitinfo2", control.exitinfo2),
	FIELD("exitintinfo", control.exitintinfo),
	FIELD("nested_control", control.nested_control),
	FIELD("eventinj", control.eventinj),
	FIELD("n_cr3", control.n_cr3),
	FIELD("lbr_control", control.lbr_control),
	FIELD("clean", control.clean),
	FIELD("nrip", control.nrip),
	FIELD("cpl", save.cpl),
	FIELD("efer", save.efer),
	FIELD("cr0", save.cr0),
	FIELD("cr2", save.cr2),
	FIELD("cr3", save.cr3),
	FIELD("cr4", save.cr4),
	FIELD("dr6", save.dr6),
	FIELD("dr7", save.dr7),
	FIELD("rflags", save.rflags),
	FIELD("rip", save.rip),
	FIELD("rsp", save.rsp),
	FIELD("rax", save.rax),
	FIELD("star", save.star),
	FIELD("lstar", save.lstar),
	FIELD("cstar", save.cstar),
	FIELD("sfmask", save.sfmask),
	FIELD("kernel_gs_base", save.kernel_gs_base),
	FIELD("sysenter_cs", save.sysenter_cs),
	FIELD("sysenter_esp", save.sysenter_esp),
	FIELD("sysenter_eip", save.sysenter_eip),
	FIELD("g_pat", save.g_pat),
	FIELD("dbgctl", save.dbgctl),
#define SEGMENT(name)                                   \
	FIELD(#name ".selector", save.name.selector),   \
	FIELD(#name ".attrib", save.name.attrib),       \
	FIELD(#name ".limit", save.name.limit),         \
	FIELD(#name ".base", save.name.base)
	SEGMENT(es),
	SEGMENT(cs),
	SEGMENT(ss),
	SEGMENT(ds),
	SEGMENT(fs),
	SEGMENT(gs),
	SEGMENT(gdtr),
	SEGMENT(ldtr),
	SEGMENT(idtr),
	SEGMENT(tr),
#undef SEGMENT
#undef FIELD
};

static u64 read_field(const struct vmcb *b, u16 offset, u16 size)
{
	const u8 *byte = (const u8 *)b + offset;
	u64 value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (u64)byte[i] << (8 * i);
	return value;
}

bool svm_field(const char *name, u16 *offset, u16 *size)
{
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].name, name))
			continue;
		*offset = fields[i].offset;
		*size = fields[i].size;
		return true;
	}
	return false;
}

const char *svm_field_name(u16 offset)
{
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].offset == offset)
			return fields[i].name;
	return "?";
}

void svm_dump(struct vcpu *v, struct fmt_sink *sink)
{
	const struct vmcb *b = svm_vcpu(v)->vmcb;

	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		put(sink, "  %-20s %016llx\n", fields[i].name,
		    (unsigned long long)read_field(b, fields[i].offset, fields[i].size));
}

#define RANGE_NAMES(prefix)                                                                  \
	{ prefix "0", prefix "1", prefix "2", prefix "3", prefix "4", prefix "5", prefix "6",  \
	  prefix "7", prefix "8", prefix "9", prefix "10", prefix "11", prefix "12", prefix "13", \
	  prefix "14", prefix "15" }

static const char *const access_names[4][16] = {
	RANGE_NAMES("VMEXIT_READ_CR"),
	RANGE_NAMES("VMEXIT_WRITE_CR"),
	RANGE_NAMES("VMEXIT_READ_DR"),
	RANGE_NAMES("VMEXIT_WRITE_DR"),
};
static const char *const exception_names[2][16] = {
	RANGE_NAMES("VMEXIT_EXCP"),
	{ "VMEXIT_EXCP16", "VMEXIT_EXCP17", "VMEXIT_EXCP18", "VMEXIT_EXCP19", "VMEXIT_EXCP20",
	  "VMEXIT_EXCP21", "VMEXIT_EXCP22", "VMEXIT_EXCP23", "VMEXIT_EXCP24", "VMEXIT_EXCP25",
	  "VMEXIT_EXCP26", "VMEXIT_EXCP27", "VMEXIT_EXCP28", "VMEXIT_EXCP29", "VMEXIT_EXCP30",
	  "VMEXIT_EXCP31" },
};
static const char *const trap_names[16] = RANGE_NAMES("VMEXIT_CR_WRITE_TRAP");

const char *svm_raw_name(u64 raw)
{
	if (raw < VMCB_EXIT_EXCEPTION)
		return access_names[raw / 16][raw % 16];
	if (raw < VMCB_EXIT_INTR)
		return exception_names[raw / 16 - VMCB_EXIT_EXCEPTION / 16][raw % 16];
	if (raw - VMCB_EXIT_CR_WRITE_TRAP < 16)
		return trap_names[raw - VMCB_EXIT_CR_WRITE_TRAP];
	switch (raw) {
#define X(name, code) \
	case code:    \
		return "VMEXIT_" #name;
		VMCB_EXITS(X)
#undef X
	}
	return (u32)raw == VMCB_EXIT_INVALID ? "VMEXIT_INVALID" : "unknown to the manual";
}
