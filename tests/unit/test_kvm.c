/*
 * test_kvm.c - the KVM back end as far as it can be tested without a KVM
 *
 * Owns: regions against a model of KVM that has its rules, registers there and back, exits and
 * events in a made-up shared page.
 */
#include "machine.h"

#include "fake_host.h"
#include "kvm/kvm.h"
#include "vm/irq.h"

void test_kvm_register(void);

/* ---- Regions: a KVM that refuses what KVM refuses ---- */

#define PAGES 200 /* of the address space under test */

static struct fake_kvm {
	struct kvm_slots slots; /* first */
	struct {
		u64 at, size;
		u8 *host;
		bool readonly, logged, written[PAGES];
	} region[KVM_SLOTS];
	bool remade[2 *
		    KVM_SLOTS]; /* a region was made there since its written pages were asked for */
	unsigned changes, refuse_after;
} kvm;

static u8 memory[PAGES * 4096];

static int fake_set(struct kvm_slots *slots, unsigned n)
{
	struct fake_kvm *f = container_of(slots, struct fake_kvm, slots);
	const struct kvm_slot *slot = &slots->slot[n];
	__typeof__(f->region[0]) *region = &f->region[n];
	bool readonly = !(slot->prot & PROT_W);

	f->changes++;
	if (!slot->size) {
		CU_ASSERT_FATAL(region->size != 0);
		memset(region, 0, sizeof(*region));
		return 0;
	}
	if (f->refuse_after && !--f->refuse_after)
		return -ENOMEM;
	if (region->size) { /* only the log can be switched */
		CU_ASSERT_FATAL(region->at == slot->at && region->size == slot->size &&
				region->host == slot->host && region->readonly == readonly);
		region->logged = slot->logged;
		return 0;
	}
	for (unsigned i = 0; i < KVM_SLOTS; i++)
		CU_ASSERT_FATAL(!f->region[i].size || slot->at + slot->size <= f->region[i].at ||
				f->region[i].at + f->region[i].size <= slot->at);
	CU_ASSERT(!slot->logged);
	region->at = slot->at;
	region->size = slot->size;
	region->host = slot->host;
	region->readonly = readonly;
	for (u64 a = slot->at; a < slot->at + slot->size; a += PAGE_SIZE)
		f->remade[a / PAGE_SIZE] = true;
	return 0;
}

static int fake_fetch(struct kvm_slots *slots, unsigned n, u64 *bitmap)
{
	struct fake_kvm *f = container_of(slots, struct fake_kvm, slots);

	CU_ASSERT(f->region[n].logged);
	for (u64 i = 0; i < f->region[n].size / PAGE_SIZE; i++) {
		if (f->region[n].written[i])
			bitmap[i / 64] |= BIT(i % 64);
		f->region[n].written[i] = false;
	}
	return 0;
}

static void kvm_begin(void)
{
	fake_host_reset();
	memset(&kvm, 0, sizeof(kvm));
	kvm.slots.set = fake_set;
	kvm.slots.fetch = fake_fetch;
}

/* What is at a page: -1 nothing; the region's number. */
static int region_at(u64 page)
{
	for (unsigned i = 0; i < KVM_SLOTS; i++)
		if (page * PAGE_SIZE - kvm.region[i].at < kvm.region[i].size)
			return (int)i;
	return -1;
}

static bool is(u64 page, const u8 *host, unsigned prot)
{
	int n = region_at(page);

	if (n < 0)
		return !host;
	return host == kvm.region[n].host + (page * PAGE_SIZE - kvm.region[n].at) &&
	       kvm.region[n].readonly == !(prot & PROT_W);
}

static void test_regions(void)
{
	kvm_begin();
	CU_ASSERT_EQUAL(kvm_slots_map(&kvm.slots, 0, memory, 100 * PAGE_SIZE, PROT_RWX), 0);
	CU_ASSERT_EQUAL(kvm.changes, 1);
	CU_ASSERT_EQUAL(kvm_slots_map(&kvm.slots, 4 * PAGE_SIZE, memory + 4 * PAGE_SIZE,
				      8 * PAGE_SIZE, PROT_RWX),
			0);
	CU_ASSERT_EQUAL(kvm.changes, 1); /* it was there */
	kvm_slots_unmap(&kvm.slots, 10 * PAGE_SIZE, 2 * PAGE_SIZE);
	CU_ASSERT(is(9, memory + 9 * PAGE_SIZE, PROT_RWX));
	CU_ASSERT(is(10, NULL, 0) && is(11, NULL, 0));
	CU_ASSERT(is(12, memory + 12 * PAGE_SIZE, PROT_RWX));
	kvm_slots_protect(&kvm.slots, 12 * PAGE_SIZE, PAGE_SIZE, PROT_R | PROT_X);
	CU_ASSERT(is(12, memory + 12 * PAGE_SIZE, PROT_R));
	CU_ASSERT(is(13, memory + 13 * PAGE_SIZE, PROT_RWX));
	kvm_slots_unmap(&kvm.slots, 0, PAGES * PAGE_SIZE);
	CU_ASSERT(is(0, NULL, 0) && is(99, NULL, 0));
	kvm_slots_free(&kvm.slots);
	CU_ASSERT(fake_host_clean());
}

/* What cannot be made is missing; what was there before is whole, or missing, never wrong. */
static void test_regions_refused(void)
{
	kvm_begin();
	kvm.refuse_after = 1;
	CU_ASSERT_EQUAL(kvm_slots_map(&kvm.slots, 0, memory, PAGE_SIZE, PROT_RWX), -HOST_ENOMEM);
	for (u64 n = 0; n < KVM_SLOTS; n++)
		CU_ASSERT_EQUAL(
		    kvm_slots_map(&kvm.slots, 2 * n * PAGE_SIZE, memory, PAGE_SIZE, PROT_RWX), 0);
	CU_ASSERT_EQUAL(kvm_slots_map(&kvm.slots, PAGE_SIZE, memory, PAGE_SIZE, PROT_RWX),
			-HOST_ENOMEM);
	CU_ASSERT(is(0, memory, PROT_RWX) && is(1, NULL, 0));
	kvm_slots_free(&kvm.slots);
	CU_ASSERT(fake_host_clean());
}

static u32 seed;

static u32 any(u32 below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

struct page {
	const u8 *host;
	unsigned prot;
	bool written;
};

static void write_pages(struct page *pages)
{
	for (unsigned i = 0; i < 10; i++) {
		u64 page = any(PAGES);
		int n = region_at(page);

		if (n < 0 || kvm.region[n].readonly)
			continue;
		pages[page].written = true;
		if (kvm.region[n].logged)
			kvm.region[n].written[page - kvm.region[n].at / PAGE_SIZE] = true;
	}
}

static bool log_is_right(struct page *pages, u64 first, u64 count)
{
	u64 bitmap[PAGES / 64 + 1];
	bool right = true;

	kvm_slots_dirty(&kvm.slots, first * PAGE_SIZE, count * PAGE_SIZE, bitmap);
	for (u64 i = 0; i < count; i++) {
		bool bit = bitmap[i / 64] & BIT(i % 64);
		u64 page = first + i;

		right &= bit || !pages[page].written;
		right &= !bit || pages[page].written || kvm.remade[page];
		pages[page].written = kvm.remade[page] = false;
	}
	return right;
}

static void change(struct page *pages, u64 first, u64 count)
{
	static const unsigned prots[] = { PROT_RWX, PROT_R | PROT_X };
	unsigned prot = prots[any(2)], what = any(4);
	u8 *host = memory + any(2) * PAGE_SIZE;
	bool full = false;

	if (what == 0)
		kvm_slots_unmap(&kvm.slots, first * PAGE_SIZE, count * PAGE_SIZE);
	else if (what == 1)
		kvm_slots_protect(&kvm.slots, first * PAGE_SIZE, count * PAGE_SIZE, prot);
	else
		full = kvm_slots_map(&kvm.slots, first * PAGE_SIZE, host, count * PAGE_SIZE, prot);
	for (u64 i = 0; i < count; i++) {
		struct page *old = &pages[first + i], new = *old;

		if (what == 1 && old->host)
			new.prot = prot;
		if (what != 1)
			new =
			    (struct page){ .host = what == 0 || full ? NULL : host + i * PAGE_SIZE,
					   .prot = prot };
		new.written = old->written &&new.host == old->host &&new.prot == old->prot;
		*old = new;
	}
}

static void test_regions_random(void)
{
	struct page pages[PAGES] = { 0 };
	unsigned wrong = 0;

	seed = 7;
	kvm_begin();
	for (unsigned round = 0; round < 3000; round++) {
		u64 first = any(PAGES), count = 1 + any(MIN(PAGES - (u32)first, 60u));

		if (any(3))
			change(pages, first, count);
		write_pages(pages);
		wrong += !any(4) && !log_is_right(pages, first, count);
		for (u64 page = 0; page < PAGES; page++)
			wrong += !is(page, pages[page].host, pages[page].prot);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(kvm.changes > 1000);
	kvm_slots_free(&kvm.slots);
	CU_ASSERT(fake_host_clean());
}

/* ---- Registers ---- */

static void test_registers(void)
{
	struct gpregs regs, back;
	struct kvm_regs kvms;

	for (unsigned i = 0; i < REG_COUNT; i++)
		regs.r[i] = 0x1111111111111111ull * i + 5;
	regs.rip = 0x123456789abcdef0;
	regs.rflags = 0x202;
	kvm_state_to_regs(&kvms, &regs);
	CU_ASSERT_EQUAL(kvms.rax, regs.r[REG_RAX]);
	CU_ASSERT_EQUAL(kvms.rsp, regs.r[REG_RSP]);
	CU_ASSERT_EQUAL(kvms.rsi, regs.r[REG_RSI]);
	CU_ASSERT_EQUAL(kvms.r8, regs.r[REG_R8]);
	kvm_state_from_regs(&back, &kvms);
	CU_ASSERT_EQUAL(memcmp(&regs, &back, sizeof(regs)), 0);
}

static void test_state_there_and_back(void)
{
	const unsigned parts = STATE_EXEC | STATE_SEG | STATE_CR2;
	struct cpu_state state, back;
	struct kvm_sregs2 sregs;
	struct gpregs regs;

	memset(&state, 0, sizeof(state));
	state_reset(&state, &regs, 0x610);
	state_long(&state, &regs, 0x5000);
	state.seg[SEG_FS] = (struct segment){ 0 }; /* unusable */
	state.seg[SEG_GS].base = 0xffff800012345678;
	state.cr2 = 0xdeadbeef;
	state.gdtr = (struct table_register){ 0x1000, 0x7f };
	state.cpl = 3;
	state.seg[SEG_SS].attr |= SEG_ATTR_DPL;
	memset(&sregs, 0x5a, sizeof(sregs));
	kvm_state_to_sregs(&sregs, &state, parts);
	CU_ASSERT(sregs.fs.unusable && !sregs.fs.present && !sregs.gs.unusable);
	CU_ASSERT(sregs.cs.l && sregs.cs.type == 11 && sregs.cs.s && sregs.cs.present);
	CU_ASSERT_EQUAL(sregs.ss.dpl, 3);
	back = state;
	memset(back.seg, 0x77, sizeof(back.seg));
	back.cr0 = back.cr3 = back.efer = back.cpl = 0;
	kvm_state_from_sregs(&back, &sregs, parts);
	CU_ASSERT_EQUAL(memcmp(&state, &back, sizeof(state)), 0);
}

/* KVM refuses CS.L outside of long mode; PDPTEs are handed over in PAE paging only. */
static void test_state_forms(void)
{
	struct kvm_sregs2 sregs = { 0 };
	struct cpu_state state = { 0 };
	struct gpregs regs;

	state_reset(&state, &regs, 0);
	state_flat32(&state, &regs);
	state.seg[SEG_CS].attr |= SEG_ATTR_L;
	state.pdpte[2] = 0x3001;
	kvm_state_to_sregs(&sregs, &state, STATE_EXEC | STATE_PDPTE);
	CU_ASSERT(!sregs.cs.l);
	CU_ASSERT_EQUAL(sregs.flags & KVM_SREGS2_FLAGS_PDPTRS_VALID, 0);
	state.cr0 |= CR0_PG;
	state.cr4 |= CR4_PAE;
	kvm_state_to_sregs(&sregs, &state, STATE_EXEC | STATE_PDPTE);
	CU_ASSERT_EQUAL(sregs.flags & KVM_SREGS2_FLAGS_PDPTRS_VALID, KVM_SREGS2_FLAGS_PDPTRS_VALID);
	CU_ASSERT_EQUAL(sregs.pdptrs[2], 0x3001);
	/* CR3 alone was changed: KVM reads them again. */
	kvm_state_to_sregs(&sregs, &state, STATE_EXEC);
	CU_ASSERT_EQUAL(sregs.flags & KVM_SREGS2_FLAGS_PDPTRS_VALID, 0);
	kvm_state_from_sregs(&state, &sregs, STATE_PDPTE);
	CU_ASSERT_EQUAL(state.pdpte[2], 0);
}

/* ---- Exits ---- */

static struct {
	struct kvm_run run;
	u8 data[64];
} page;
static struct vm no_vm;
static struct kvm_vcpu cpu;

static struct vm_exit *exit_of(unsigned reason)
{
	page.run.exit_reason = reason;
	kvm_exit(&cpu);
	return &cpu.vcpu.exit;
}

static void cpu_begin(void)
{
	memset(&page, 0, sizeof(page));
	memset(&cpu, 0, sizeof(cpu));
	cpu.run = &page.run;
	cpu.vcpu.vm = &no_vm;
	cpu.vcpu.regs.rflags = RFLAGS_ONE;
}

static void io(bool in, u8 size, u32 count)
{
	page.run.io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	page.run.io.size = size;
	page.run.io.port = 0x1234;
	page.run.io.count = count;
	page.run.io.data_offset = (u64)(page.data - (u8 *)&page.run);
}

static void test_port_string(void)
{
	struct vm_exit *exit = &cpu.vcpu.exit;

	cpu_begin();
	io(false, 2, 3);
	memcpy(page.data, "abcdef", 6);
	exit_of(KVM_EXIT_IO);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT(exit->reason == EXIT_IO && !exit->io.in && exit->io.size == 2);
		CU_ASSERT_EQUAL(exit->io.value, (u32)("abcdef"[2 * i] | "abcdef"[2 * i + 1] << 8));
		CU_ASSERT(cpu.pending);
		exit->outcome = OUTCOME_DONE;
		CU_ASSERT_EQUAL(kvm_exit_answer(&cpu), i < 2);
	}
	io(true, 4, 2);
	exit_of(KVM_EXIT_IO);
	exit->io.value = 0x44332211;
	exit->outcome = OUTCOME_DONE;
	CU_ASSERT(kvm_exit_answer(&cpu));
	exit->io.value = 0x88776655;
	exit->outcome = OUTCOME_DONE;
	CU_ASSERT(!kvm_exit_answer(&cpu));
	CU_ASSERT_EQUAL(load64(page.data), 0x8877665544332211);
	CU_ASSERT_EQUAL(page.data[8], 0);
}

/* Six bytes, as SGDT stores them: four and two. */
static void test_device_memory(void)
{
	struct vm_exit *exit = &cpu.vcpu.exit;

	cpu_begin();
	page.run.mmio.phys_addr = 0xa0010;
	page.run.mmio.len = 6;
	page.run.mmio.is_write = 1;
	memcpy(page.run.mmio.data, "\1\2\3\4\5\6\7\10", 8);
	exit_of(KVM_EXIT_MMIO);
	CU_ASSERT(exit->mmio.size == 4 && exit->mmio.gpa.v == 0xa0010);
	CU_ASSERT_EQUAL(exit->mmio.value, 0x04030201);
	exit->outcome = OUTCOME_DONE;
	CU_ASSERT(kvm_exit_answer(&cpu));
	CU_ASSERT(exit->mmio.size == 2 && exit->mmio.gpa.v == 0xa0014);
	CU_ASSERT_EQUAL(exit->mmio.value, 0x0605);
	exit->outcome = OUTCOME_DONE;
	CU_ASSERT(!kvm_exit_answer(&cpu));
	page.run.mmio.is_write = 0;
	exit_of(KVM_EXIT_MMIO);
	exit->mmio.value = 0xddccbbaa;
	exit->outcome = OUTCOME_DONE;
	CU_ASSERT(kvm_exit_answer(&cpu));
	exit->mmio.value = 0xffee;
	exit->outcome = OUTCOME_DONE;
	CU_ASSERT(!kvm_exit_answer(&cpu));
	CU_ASSERT_EQUAL(load64(page.run.mmio.data), 0x0807ffeeddccbbaa);
}

static void test_msr(void)
{
	struct vm_exit *exit = &cpu.vcpu.exit;

	cpu_begin();
	page.run.msr.index = MSR_EFER;
	page.run.msr.data = 0x500;
	exit_of(KVM_EXIT_X86_WRMSR);
	CU_ASSERT(exit->reason == EXIT_MSR && exit->msr.write && exit->msr.value == 0x500);
	CU_ASSERT_EQUAL(exit->insn_len, EXIT_LEN_BACK_END);
	exit->outcome = OUTCOME_FAULT;
	CU_ASSERT(!kvm_exit_answer(&cpu));
	CU_ASSERT_EQUAL(page.run.msr.error, 1);
	exit_of(KVM_EXIT_X86_RDMSR);
	CU_ASSERT(!exit->msr.write);
	exit->msr.value = 0x123456789;
	exit->outcome = OUTCOME_DONE;
	CU_ASSERT(!kvm_exit_answer(&cpu));
	CU_ASSERT(page.run.msr.error == 0 && page.run.msr.data == 0x123456789);
}

static void test_other_exits(void)
{
	static const struct {
		u32 kvms;
		u8 ours;
	} same[] = {
		{ KVM_EXIT_HLT, EXIT_HLT },
		{ KVM_EXIT_IRQ_WINDOW_OPEN, EXIT_WINDOW_INTR },
		{ KVM_EXIT_INTR, EXIT_HOST },
		{ KVM_EXIT_SET_TPR, EXIT_HOST },
		{ KVM_EXIT_SHUTDOWN, EXIT_SHUTDOWN },
		{ KVM_EXIT_FAIL_ENTRY, EXIT_REFUSED },
		{ KVM_EXIT_DEBUG, EXIT_UNKNOWN },
		{ KVM_EXIT_HYPERCALL, EXIT_UNKNOWN },
		{ 4711, EXIT_UNKNOWN },
	};

	cpu_begin();
	for (unsigned i = 0; i < ARRAY_SIZE(same); i++) {
		CU_ASSERT_EQUAL(exit_of(same[i].kvms)->reason, same[i].ours);
		CU_ASSERT(!cpu.pending && strlen(kvm_raw_name(same[i].kvms)) > 4);
	}
	page.run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	CU_ASSERT_EQUAL(exit_of(KVM_EXIT_INTERNAL_ERROR)->reason, EXIT_EMULATE);
	CU_ASSERT_EQUAL(cpu.vcpu.exit.insn_len, 0);
}

/* On AMD only a word for debugging tells an emulation failure from an event that met no memory. */
static void test_undeliverable(void)
{
	static const struct {
		u64 flags;
		u32 word, count;
		bool svm, ends;
	} cases[] = {
		{ KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES, 6, 8, true, true },
		{ KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES, 4, 8, true, false },
		{ 0, 4, 6, true, true },
		{ 0, 4, 4, true, false }, /* it is not there */
		{ 0, 4, 0, true, false },
		{ 0, 4, 6, false, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		cpu_begin();
		no_vm.state = VM_DEAD; /* it has nothing that could end */
		kvm_features.svm = cases[i].svm;
		page.run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
		page.run.internal.ndata = cases[i].count;
		page.run.internal.data[0] = cases[i].flags;
		page.run.internal.data[cases[i].word] = BIT(31) | 0x306; /* valid, #UD */
		CU_ASSERT_EQUAL(exit_of(KVM_EXIT_INTERNAL_ERROR)->reason,
				cases[i].ends ? EXIT_HOST : EXIT_EMULATE);
	}
	memset(&no_vm, 0, sizeof(no_vm));
	kvm_features.svm = false;
}

/* An instruction that we carried out: RIP moves here, and the shadow ends. */
static void test_emulated(void)
{
	cpu_begin();
	page.run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	page.run.s.regs.events.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	exit_of(KVM_EXIT_INTERNAL_ERROR);
	cpu.vcpu.regs.rip = 0x1000;
	cpu.vcpu.regs.rflags |= RFLAGS_RF;
	cpu.vcpu.state_fresh = STATE_ALL; /* flat: nothing wraps */
	cpu.vcpu.state.seg[SEG_CS].attr = SEG_ATTR_DB;
	cpu.vcpu.exit.insn_len = 3;
	cpu.vcpu.exit.outcome = OUTCOME_DONE;
	CU_ASSERT(!kvm_exit_answer(&cpu));
	CU_ASSERT_EQUAL(cpu.vcpu.regs.rip, 0x1003);
	CU_ASSERT_EQUAL(cpu.vcpu.regs.rflags, RFLAGS_ONE);
	CU_ASSERT(cpu.events && !page.run.s.regs.events.interrupt.shadow);
}

/* ---- Events ---- */

static struct kvm_vcpu_events *events(void)
{
	return &page.run.s.regs.events;
}

static void test_interrupted(void)
{
	struct event *interrupted = &cpu.vcpu.state.interrupted;

	cpu_begin();
	events()->interrupt.injected = 1;
	events()->interrupt.nr = 0x31;
	kvm_events_after(&cpu);
	CU_ASSERT(interrupted->type == EVENT_INTR && interrupted->vector == 0x31);
	CU_ASSERT(cpu.events && !events()->interrupt.injected);
	CU_ASSERT(cpu.vcpu.requests & REQUEST_IRQ);
	/* It goes back as it came. */
	kvm_inject(&cpu.vcpu, interrupted);
	CU_ASSERT(events()->interrupt.injected && events()->interrupt.nr == 0x31);
	kvm_events_before(&cpu);
	CU_ASSERT(page.run.kvm_dirty_regs & KVM_SYNC_X86_EVENTS);

	cpu_begin();
	events()->exception.injected = 1;
	events()->exception.nr = VECTOR_PF;
	events()->exception.has_error_code = 1;
	events()->exception.error_code = 7;
	kvm_events_after(&cpu);
	CU_ASSERT(interrupted->type == EVENT_EXCEPTION && interrupted->vector == VECTOR_PF);
	CU_ASSERT(interrupted->has_error && interrupted->error == 7);

	cpu_begin();
	events()->nmi.injected = 1;
	kvm_events_after(&cpu);
	CU_ASSERT(interrupted->type == EVENT_NMI && interrupted->vector == VECTOR_NMI);
}

/* What software raised is executed again: it does not come back. */
static void test_soft(void)
{
	const struct event soft = { .type = EVENT_SOFT_INT, .vector = 0x80, .insn_len = 2 };

	cpu_begin();
	events()->interrupt.injected = events()->interrupt.soft = 1;
	kvm_events_after(&cpu);
	CU_ASSERT_EQUAL(cpu.vcpu.state.interrupted.type, EVENT_NONE);
	CU_ASSERT(!events()->interrupt.injected);
	events()->exception.injected = 1;
	events()->exception.nr = VECTOR_BP;
	kvm_events_after(&cpu);
	CU_ASSERT_EQUAL(cpu.vcpu.state.interrupted.type, EVENT_NONE);
	kvm_inject(&cpu.vcpu, &soft);
	CU_ASSERT(!events()->interrupt.injected && !events()->exception.injected);
}

/* A reset between injection and entry: nothing of before is delivered. */
static void test_dropped(void)
{
	const struct event interrupt = { .type = EVENT_INTR, .vector = 0x31 };

	cpu_begin();
	kvm_inject(&cpu.vcpu, &interrupt);
	CU_ASSERT(events()->interrupt.injected);
	kvm_set_state(&cpu.vcpu, STATE_SEG);
	CU_ASSERT(events()->interrupt.injected);
	kvm_set_state(&cpu.vcpu, STATE_ALL);
	CU_ASSERT(!events()->interrupt.injected && cpu.events && cpu.dirty == STATE_ALL);
}

/* KVM raised an exception in completing an instruction: ours to deliver, with its payload. */
static void test_raised(void)
{
	cpu_begin();
	events()->exception.pending = 1;
	events()->exception.nr = VECTOR_DB;
	events()->exception_has_payload = 1;
	events()->exception_payload = DR6_BS;
	kvm_events_after(&cpu);
	CU_ASSERT(cpu.vcpu.raised.type == EVENT_EXCEPTION && cpu.vcpu.raised.vector == VECTOR_DB);
	CU_ASSERT_EQUAL(cpu.vcpu.raised.dr6, DR6_BS);
	CU_ASSERT(!events()->exception.pending && !events()->exception_has_payload);

	cpu_begin();
	events()->interrupt.injected = 1; /* was being delivered, and met a page fault */
	events()->interrupt.nr = 0x40;
	events()->exception.pending = 1;
	events()->exception.nr = VECTOR_PF;
	events()->exception.has_error_code = 1;
	events()->exception_has_payload = 1;
	events()->exception_payload = 0x1234;
	kvm_events_after(&cpu);
	CU_ASSERT(cpu.vcpu.raised.vector == VECTOR_PF && cpu.vcpu.raised.cr2 == 0x1234);
	CU_ASSERT_EQUAL(cpu.vcpu.state.interrupted.type, EVENT_NONE);
}

/* KVM has no window for NMIs: it keeps the one it is given until it can deliver it. */
static void test_nmi_window(void)
{
	cpu_begin();
	cpu.vcpu.nmi_pending = true;
	kvm_window(&cpu.vcpu, WINDOW_NMI);
	kvm_events_before(&cpu);
	CU_ASSERT(events()->nmi.pending && (page.run.kvm_dirty_regs & KVM_SYNC_X86_EVENTS));
	kvm_events_after(&cpu); /* not yet */
	CU_ASSERT(cpu.vcpu.nmi_pending && !events()->nmi.pending);
	kvm_events_before(&cpu);
	CU_ASSERT(events()->nmi.pending);
	events()->nmi.pending = 0; /* it did */
	kvm_events_after(&cpu);
	CU_ASSERT(!cpu.vcpu.nmi_pending);
	page.run.kvm_dirty_regs = 0;
	kvm_events_before(&cpu);
	CU_ASSERT(!events()->nmi.pending && !page.run.kvm_dirty_regs);
	kvm_window(&cpu.vcpu, WINDOW_INTR);
	kvm_events_before(&cpu);
	CU_ASSERT(page.run.request_interrupt_window);
}

void test_kvm_register(void)
{
	CU_pSuite s = CU_add_suite("kvm", NULL, NULL);

	CU_add_test(s, "regions are made, cut and deleted", test_regions);
	CU_add_test(s, "regions that cannot be made", test_regions_refused);
	CU_add_test(s, "regions and written pages, against a model", test_regions_random);
	CU_add_test(s, "general registers", test_registers);
	CU_add_test(s, "state there and back", test_state_there_and_back);
	CU_add_test(s, "state: what KVM wants otherwise", test_state_forms);
	CU_add_test(s, "a string of ports is an exit for each element", test_port_string);
	CU_add_test(s, "device memory, of odd sizes too", test_device_memory);
	CU_add_test(s, "MSRs, and #GP", test_msr);
	CU_add_test(s, "other exits", test_other_exits);
	CU_add_test(s, "an event that met no memory", test_undeliverable);
	CU_add_test(s, "an instruction carried out by us", test_emulated);
	CU_add_test(s, "interrupted events come out and go back", test_interrupted);
	CU_add_test(s, "software events are executed again", test_soft);
	CU_add_test(s, "what was not entered with is dropped", test_dropped);
	CU_add_test(s, "exceptions that KVM raised", test_raised);
	CU_add_test(s, "NMIs without a window", test_nmi_window);
}
