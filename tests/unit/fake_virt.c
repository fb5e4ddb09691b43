/* fake_virt.c - see fake_virt.h */
#include "fake_virt.h"

#include <stdio.h>
#include <string.h>

#include "lib/fmt.h"

struct fake_virt fake_virt;

static struct fake_vm *fake_vm(struct vm *vm)
{
	return container_of(vm, struct fake_vm, vm);
}

/* ---- Entries of nobody's format --------------------------------------------- */

#define ENTRY_RIGHTS BITS(2, 0)
#define ENTRY_TABLE BIT(3)
#define ENTRY_DIRTY BIT(4)
#define ENTRY_ADDR BITS(51, 12)

static u64 entry_table(hpa_t table)
{
	return table.v | ENTRY_TABLE;
}

static u64 entry_leaf(hpa_t page, unsigned level UNUSED, unsigned prot)
{
	return page.v | prot;
}

static bool entry_present(u64 entry)
{
	return entry & (ENTRY_RIGHTS | ENTRY_TABLE);
}

static bool entry_is_leaf(u64 entry, unsigned level UNUSED)
{
	return !(entry & ENTRY_TABLE);
}

static hpa_t entry_address(u64 entry, unsigned level UNUSED)
{
	return hpa(entry & ENTRY_ADDR);
}

static unsigned entry_rights(u64 entry)
{
	return entry & ENTRY_RIGHTS;
}

static const struct nested_format format = {
	.name = "fake",
	.table = entry_table,
	.leaf = entry_leaf,
	.present = entry_present,
	.is_leaf = entry_is_leaf,
	.address = entry_address,
	.rights = entry_rights,
	.dirty = ENTRY_DIRTY,
	.max_leaf_level = 1,
};

/* ---- The parts of the state --------------------------------------------------- */

#define COPY(member) memcpy(&to->member, &from->member, sizeof(to->member))

static void copy_parts(struct cpu_state *to, const struct cpu_state *from, unsigned parts)
{
	if (parts & STATE_EXEC)
		COPY(cr0), COPY(cr3), COPY(cr4), COPY(efer), COPY(cpl), COPY(seg[SEG_CS]);
	if (parts & STATE_SEG) {
		for (unsigned i = 0; i < SEG_COUNT; i++)
			if (i != SEG_CS)
				COPY(seg[i]);
		COPY(ldtr), COPY(tr), COPY(gdtr), COPY(idtr);
	}
	if (parts & STATE_CR2)
		COPY(cr2);
	if (parts & STATE_DR)
		COPY(dr);
	if (parts & STATE_MSR) {
		COPY(star), COPY(lstar), COPY(cstar), COPY(sfmask), COPY(kernel_gs_base);
		COPY(sysenter_cs), COPY(sysenter_esp), COPY(sysenter_eip);
		COPY(pat), COPY(debugctl), COPY(tsc_aux), COPY(spec_ctrl), COPY(pkrs);
	}
	if (parts & STATE_XSAVE)
		COPY(xcr0), COPY(xss);
	if (parts & STATE_INT)
		COPY(shadow), COPY(nmi_blocked);
	if (parts & STATE_PDPTE)
		COPY(pdpte);
	if (parts & STATE_TSC)
		COPY(tsc_offset);
}

static void get_state(struct vcpu *v, unsigned parts)
{
	fake_vcpu(v)->gets++;
	copy_parts(&v->state, &fake_vcpu(v)->truth, parts);
}

static void set_state(struct vcpu *v, unsigned parts)
{
	fake_vcpu(v)->sets++;
	copy_parts(&fake_vcpu(v)->truth, &v->state, parts);
}

/* What is stale must not be used: nobody changes the TSC offset but us, so it stays true. */
static void spoil(struct vcpu *v)
{
	struct cpu_state rubbish;

	memset(&rubbish, 0x5a, sizeof(rubbish));
	copy_parts(&v->state, &rubbish, STATE_ALL & ~STATE_TSC);
}

/* ---- Operations ------------------------------------------------------------------ */

static size_t xsave_size(void)
{
	return FAKE_XSAVE_SIZE;
}

static const char *probe(void)
{
	return NULL;
}

static int cpu_on(void)
{
	return 0;
}

static void cpu_off(void)
{
}

static int vm_init(struct vm *vm)
{
	int error = fake_virt.vm_init_error;

	if (!error)
		error = nested_init(&fake_vm(vm)->tables, &format);
	if (error)
		return error;
	fake_vm(vm)->made = true;
	fake_virt.vms_made++;
	return 0;
}

static void vm_free_tables(struct vm *vm)
{
	if (!fake_vm(vm)->made)
		return;
	nested_free(&fake_vm(vm)->tables);
	fake_vm(vm)->made = false;
	fake_virt.vms_made--;
}

static int vcpu_init(struct vcpu *v)
{
	if (fake_virt.vcpu_init_error)
		return fake_virt.vcpu_init_error;
	fake_vcpu(v)->made = true;
	fake_virt.vcpus_made++;
	return 0;
}

static void vcpu_free(struct vcpu *v)
{
	if (!fake_vcpu(v)->made)
		return;
	fake_vcpu(v)->made = false;
	fake_virt.vcpus_made--;
}

static void load(struct vcpu *v)
{
	check(!v->loaded);
	v->loaded = true;
	fake_vcpu(v)->loads++;
}

static void unload(struct vcpu *v)
{
	check(v->loaded);
	v->loaded = false;
}

/* As hw_complete, and the interrupt shadow ends. */
static void complete(struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;

	if (exit->outcome != OUTCOME_DONE) {
		check(exit->outcome != OUTCOME_FAULT); /* common code raises it */
		return;
	}
	check(exit->insn_len && exit->insn_len <= INSN_MAX_LEN);
	exit->outcome = OUTCOME_NONE;
	if (exit->reason == EXIT_IO && exit->io.in && !exit->io.string)
		insn_reg_write(&(struct insn){ .rex = 1 }, v->regs.r, REG_RAX, exit->io.size,
			       exit->io.value);
	if (exit->reason == EXIT_MSR && !exit->msr.write) {
		v->regs.r[REG_RAX] = (u32)exit->msr.value;
		v->regs.r[REG_RDX] = exit->msr.value >> 32;
	}
	v->regs.rip += exit->insn_len;
	v->state.shadow = 0;
	fake_vcpu(v)->truth.shadow = 0;
	fake_vcpu(v)->completions++;
}

/* The rules of an entry: one event at most, and the guest must be able to take it. */
static void deliver(struct vcpu *v)
{
	struct fake_vcpu *f = fake_vcpu(v);
	const struct event *e = &f->pending;

	if (e->type == EVENT_NONE)
		return;
	check(e->type != EVENT_INTR || (v->regs.rflags & RFLAGS_IF));
	check(e->type != EVENT_NMI || !f->truth.nmi_blocked);
	check(f->injections < FAKE_EVENTS);
	f->injected[f->injections++] = *e;
	f->truth.shadow = 0;
	if (e->type == EVENT_NMI)
		f->truth.nmi_blocked = true;
}

static void run(struct vcpu *v)
{
	struct fake_vcpu *f = fake_vcpu(v);

	check(v->loaded && v->in_guest && !host_locked(&v->vm->lock));
	check(v->state.interrupted.type == EVENT_NONE);
	complete(v);
	deliver(v);
	f->entries++;
	spoil(v);
	v->exit = (struct vm_exit){ .reason = EXIT_HOST };
	if (f->guest)
		f->guest(v);
	f->pending.type = EVENT_NONE;
}

static void inject(struct vcpu *v, const struct event *event)
{
	struct fake_vcpu *f = fake_vcpu(v);

	check(event->type != EVENT_NONE);
	check(f->pending.type == EVENT_NONE); /* at most one per entry */
	f->pending = *event;
}

static void window(struct vcpu *v, unsigned windows)
{
	fake_vcpu(v)->windows = windows;
	fake_vcpu(v)->window_calls++;
}

static void trap(struct vm *vm, const struct trap *t)
{
	check(t->first <= t->last);
	fake_vm(vm)->traps++;
}

static int map(struct vm *vm, gpa_t at, void *host, u64 size, unsigned prot)
{
	if (fake_virt.map_error)
		return fake_virt.map_error;
	fake_virt.maps++;
	return nested_map(&fake_vm(vm)->tables, at, host_hpa(host), size, prot);
}

static void unmap(struct vm *vm, gpa_t at, u64 size)
{
	fake_virt.unmapped += size;
	check(nested_unmap(&fake_vm(vm)->tables, at, size) == 0);
}

static void protect(struct vm *vm, gpa_t at, u64 size, unsigned prot)
{
	check(nested_protect(&fake_vm(vm)->tables, at, size, prot) == 0);
}

static void dirty(struct vm *vm, gpa_t at, u64 size, u64 *bitmap)
{
	nested_dirty_fetch_and_clear(&fake_vm(vm)->tables, at, size, bitmap);
}

static void flush(struct vcpu *v)
{
	fake_vcpu(v)->flushes++;
}

static unsigned walk_tables(struct vm *vm, gpa_t a, u64 entries[5], hpa_t *page)
{
	return nested_walk(&fake_vm(vm)->tables, a, entries, page);
}

static unsigned explain(struct vcpu *v UNUSED, struct fmt_sink *sink)
{
	static const char line[] = "CR0.PG is 1, CR0.PE is 0: a rule\n";

	sink->put(sink, line, sizeof(line) - 1);
	return 1;
}

static const char *raw_name(u64 raw)
{
	return raw == 77 ? "FAKE_77" : "?";
}

static void dump(struct vcpu *v UNUSED, struct fmt_sink *sink)
{
	sink->put(sink, "nothing\n", 8);
}

const struct virt_ops fake_virt_ops = {
	.name = "fake",
	.vm_size = sizeof(struct fake_vm),
	.vcpu_size = sizeof(struct fake_vcpu),
	.xsave_size = xsave_size,
	.probe = probe,
	.cpu_on = cpu_on,
	.cpu_off = cpu_off,
	.vm_init = vm_init,
	.vm_free = vm_free_tables,
	.vcpu_init = vcpu_init,
	.vcpu_free = vcpu_free,
	.load = load,
	.unload = unload,
	.run = run,
	.complete = complete,
	.get_state = get_state,
	.set_state = set_state,
	.inject = inject,
	.window = window,
	.trap = trap,
	.map = map,
	.unmap = unmap,
	.protect = protect,
	.dirty_fetch_and_clear = dirty,
	.flush = flush,
	.walk = walk_tables,
	.explain = explain,
	.raw_name = raw_name,
	.dump = dump,
};

/* ---- Machines to test on ------------------------------------------------------------ */

void fake_virt_reset(void)
{
	fake_host_reset();
	memset(&fake_virt, 0, sizeof(fake_virt));
	virt = &fake_virt_ops;
}

struct vm *fake_vm_make(u64 memory, unsigned vcpus)
{
	struct vm_config config = {
		.name = "test", .memory = memory, .vcpus = vcpus, .weight = 100, .cpu = "bare"
	};
	char error[VM_CAUSE_MAX] = "";
	struct vm *vm = NULL;

	fake_virt_reset();
	if (vm_create(&config, &vm, error, sizeof(error))) {
		panic("%s", error);
	}
	vm_start(vm);
	virt->load(vm->vcpu[0]);
	return vm;
}

void fake_vm_free(struct vm *vm)
{
	vm_end(vm, VM_DEAD, "the test is over");
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *v = vm->vcpu[i];

		if (sched_state(v) == SCHED_RUNNING)
			sched_put(v, false, fake_host.now);
		if (v->loaded)
			virt->unload(v);
	}
	vm_free(vm);
	/* No CU_ASSERT: also called when a suite ends. */
	check(fake_host_clean() && !fake_virt.vcpus_made && !fake_virt.vms_made);
}

void fake_vcpu_settle(struct vcpu *v)
{
	struct fake_vcpu *f = fake_vcpu(v);

	vcpu_state_changed(v, STATE_ALL);
	v->exit = (struct vm_exit){ 0 };
	v->raised.type = v->state.interrupted.type = EVENT_NONE;
	v->nmi_pending = false;
	v->requests = 0;
	v->windows = 0;
	f->windows = 0;
	f->pending.type = EVENT_NONE;
	f->injections = f->window_calls = f->entries = f->flushes = f->completions = 0;
}

void fake_mode_real(struct vcpu *v)
{
	state_reset(&v->state, &v->regs, 0);
	for (unsigned i = 0; i < SEG_COUNT; i++) {
		v->state.seg[i].selector = 0;
		v->state.seg[i].base = 0;
	}
	v->state.activity = ACTIVITY_RUN;
	fake_vcpu_settle(v);
}

void fake_mode_flat32(struct vcpu *v)
{
	state_reset(&v->state, &v->regs, 0);
	state_flat32(&v->state, &v->regs);
	v->state.activity = ACTIVITY_RUN;
	fake_vcpu_settle(v);
}

/* A table entry for gva at that level (0: the last), made on the way. */
static u64 *entry_for(struct vm *vm, u64 gva, unsigned level)
{
	u64 *next = memory_ptr(vm, gpa(FAKE_TABLES), 8); /* where the next table goes */
	u64 table = FAKE_TABLES + PAGE_SIZE;

	if (!*next)
		*next = FAKE_TABLES + 2 * PAGE_SIZE;
	for (unsigned l = 3;; l--) {
		u64 at = table + (gva >> (12 + 9 * l) & 511) * 8;
		u64 *entry = memory_ptr(vm, gpa(at), 8);

		if (l == level)
			return entry;
		if (!(*entry & PTE_P)) {
			*entry = *next | PTE_P | PTE_W | PTE_U;
			*next += PAGE_SIZE;
		}
		table = *entry & PTE_ADDR;
	}
}

void fake_map(struct vm *vm, u64 gva, u64 gpa_at, u64 flags)
{
	*entry_for(vm, gva, 0) = gpa_at | flags | PTE_P;
}

u64 *fake_pte(struct vm *vm, u64 gva)
{
	return entry_for(vm, gva, 0);
}

void fake_mode_long(struct vcpu *v)
{
	state_reset(&v->state, &v->regs, 0);
	state_long(&v->state, &v->regs, FAKE_TABLES + PAGE_SIZE);
	v->state.activity = ACTIVITY_RUN;
	for (u64 at = 0; at < MiB(2); at += PAGE_SIZE)
		fake_map(v->vm, at, at, PTE_W | PTE_U);
	fake_vcpu_settle(v);
}
