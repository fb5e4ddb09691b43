/*
 * kvm_explain.c - KVM's words for people
 *
 * Owns: names of exits, why an entry failed, the registers in full.
 * Must not know: how a guest is run.
 *
 * Source: [KVM] "The kvm_run structure" (5).
 */
#include "kvm/kvm.h"
#include "lib/fmt.h"

const char *kvm_raw_name(u64 raw)
{
	static const char *const names[] = {
#define NAME(exit) [KVM_EXIT_##exit] = "KVM_EXIT_" #exit
		NAME(UNKNOWN),
		NAME(EXCEPTION),
		NAME(IO),
		NAME(HYPERCALL),
		NAME(DEBUG),
		NAME(HLT),
		NAME(MMIO),
		NAME(IRQ_WINDOW_OPEN),
		NAME(SHUTDOWN),
		NAME(FAIL_ENTRY),
		NAME(INTR),
		NAME(SET_TPR),
		NAME(TPR_ACCESS),
		NAME(NMI),
		NAME(INTERNAL_ERROR),
		NAME(WATCHDOG),
		NAME(SYSTEM_EVENT),
		NAME(X86_RDMSR),
		NAME(X86_WRMSR),
		NAME(X86_BUS_LOCK),
#undef NAME
	};

	return raw < ARRAY_SIZE(names) && names[raw] ? names[raw] : "an exit unknown to us";
}

static void line(struct fmt_sink *sink, const char *format, ...) PRINTF_LIKE(2, 3);
static void line(struct fmt_sink *sink, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vput(sink, format, args);
	va_end(args);
	sink->put(sink, "\n", 1);
}

#define ULL(x) ((unsigned long long)(x))

/* KVM says why in the code of the hardware beneath. */
unsigned kvm_explain(struct vcpu *v, struct fmt_sink *sink)
{
	const struct kvm_run *run = kvm_vcpu(v)->run;

	if (run->exit_reason != KVM_EXIT_FAIL_ENTRY)
		return 0;
	line(sink, "KVM: hardware_entry_failure_reason is %#llx, on CPU %u",
	     ULL(run->fail_entry.hardware_entry_failure_reason), run->fail_entry.cpu);
	kvm_dump(v, sink);
	return 1;
}

static void dump_segment(struct fmt_sink *sink, const char *name, const struct segment *s)
{
	line(sink, "%-4s %04x attr %03x limit %08x base %016llx", name, s->selector, s->attr,
	     s->limit, ULL(s->base));
}

void kvm_dump(struct vcpu *v, struct fmt_sink *sink)
{
	static const char *const segment[SEG_COUNT] = { "ES", "CS", "SS", "DS", "FS", "GS" };
	const struct kvm_run *run = kvm_vcpu(v)->run;
	const struct cpu_state *s = vcpu_state(v, STATE_EXEC | STATE_SEG | STATE_CR2 | STATE_INT);

	line(sink, "exit %s, immediate_exit %u, request_interrupt_window %u, CR8 %llu",
	     kvm_raw_name(run->exit_reason), run->immediate_exit, run->request_interrupt_window,
	     ULL(run->cr8));
	line(sink, "RIP %016llx RFLAGS %llx CPL %u", ULL(v->regs.rip), ULL(v->regs.rflags), s->cpl);
	line(sink, "CR0 %llx CR2 %llx CR3 %llx CR4 %llx EFER %llx", ULL(s->cr0), ULL(s->cr2),
	     ULL(s->cr3), ULL(s->cr4), ULL(s->efer));
	for (unsigned i = 0; i < SEG_COUNT; i++)
		dump_segment(sink, segment[i], &s->seg[i]);
	dump_segment(sink, "LDTR", &s->ldtr);
	dump_segment(sink, "TR", &s->tr);
	line(sink, "GDTR %016llx %04x  IDTR %016llx %04x  shadow %u, NMIs %s", ULL(s->gdtr.base),
	     s->gdtr.limit, ULL(s->idtr.base), s->idtr.limit, s->shadow,
	     s->nmi_blocked ? "blocked" : "open");
}
