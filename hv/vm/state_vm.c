/* state_vm.c - see state_vm.h */
#include "vm/state_vm.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "vm/vm.h"
#include "vm/xsave.h"

#define MACHINE_VERSION 1
#define CPUID_VERSION 1
#define VCPU_VERSION 1
#define RAM_VERSION 1
#define SCREEN_VERSION 1
#define SCOPE_MAX 32

/* ---- The machine ------------------------------------------------------------------ */

static void put_machine(struct state_buf *buf, const struct vm *vm)
{
	size_t begin = state_begin_section(buf, STATE_SECTION_MACHINE, MACHINE_VERSION);
	u64 clock_ns = vm_clock(vm), tsc_hz = host_tsc_hz();

	state_put(buf, vm->memory.size, 8);
	state_put(buf, vm->vcpu_count, 4);
	state_put(buf, vm->disk_count, 4);
	state_put(buf, vm->net != NULL, 1);
	state_put(buf, vm->config.firmware, 1);
	state_put(buf, vm->memory.rom_size, 8);
	state_put(buf, vm->memory.a20_masked, 1);
	state_put(buf, clock_ns, 8);
	state_put(buf, tsc_hz, 8);
	state_put(buf, vm_lapic_tick_ns(), 2);
	state_end_section(buf, begin);
}

static void put_cpuid(struct state_buf *buf, const struct cpuid_table *table)
{
	size_t begin = state_begin_section(buf, STATE_SECTION_CPUID, CPUID_VERSION);
	char scope[SCOPE_MAX];

	state_put(buf, table->count, 4);
	for (unsigned i = 0; i < table->count; i++) {
		const struct cpuid_leaf *leaf = &table->leaf[i];

		fmt_string(scope, sizeof(scope), "%08x.%x", leaf->leaf, leaf->subleaf);
		state_scope(buf, scope);
		state_put(buf, leaf->leaf, 4);
		state_put(buf, leaf->subleaf, 4);
		state_put(buf, leaf->regs.eax, 4);
		state_put(buf, leaf->regs.ebx, 4);
		state_put(buf, leaf->regs.ecx, 4);
		state_put(buf, leaf->regs.edx, 4);
		state_put(buf, leaf->flags, 1);
	}
	state_end_section(buf, begin);
}

/* ---- A vCPU ----------------------------------------------------------------------- */

/* What common code keeps of it.  Who waits in MWAIT stopped waiting as the machine stopped. */
static void put_common(struct state_buf *buf, const struct vcpu *v)
{
	size_t begin = state_begin_section(buf, STATE_SECTION_VCPU, VCPU_VERSION);
	u64 tsc = v->vm->paused_tsc + v->state.tsc_offset;
	u32 requests = v->requests & (REQUEST_NMI | REQUEST_INIT | REQUEST_SIPI);

	state_put(buf, tsc, 8);
	state_scope(buf, "raised");
	state_put_event(buf, &v->raised);
	state_scope(buf, NULL);
	state_put(buf, v->nmi_pending, 1);
	state_put(buf, v->injected, 1);
	state_put(buf, requests, 4);
	state_put(buf, v->sipi_wanted, 1);
	state_put(buf, v->sipi_vector, 1);
	state_put(buf, v->misc_enable, 8);
	state_put(buf, v->tsc_adjust, 8);
	for (unsigned i = 0; i < ARRAY_SIZE(v->mtrr); i++)
		state_put(buf, v->mtrr[i], 8);
	state_put(buf, v->mcg_status, 8);
	state_put(buf, v->mcg_ctl, 8);
	for (unsigned i = 0; i < ARRAY_SIZE(v->mce); i++)
		state_put(buf, v->mce[i], 8);
	state_end_section(buf, begin);
}

static void put_vcpu(struct state_buf *buf, struct vcpu *v)
{
	vcpu_state(v, STATE_ALL);
	state_save_cpu(buf, &v->state, &v->regs);
	xsave_save(v, buf);
	put_common(buf, v);
	lapic_save(&v->lapic, buf);
}

/* ---- Devices ---------------------------------------------------------------------- */

static void put_devices(struct state_buf *buf, const struct vm *vm)
{
	pic_save(&vm->pic, buf);
	pit_save(&vm->pit, buf);
	uart_save(&vm->uart, buf);
	rtc_save(&vm->rtc, buf);
	i8042_save(&vm->i8042, buf);
	ioapic_save(&vm->ioapic, buf);
	pci_save(&vm->pci, buf);
	piix3_save(&vm->piix3, buf);
	piix4_save(&vm->piix4, buf);
	fwcfg_save(&vm->fwcfg, buf);
	vga_save(&vm->vga, buf);
	virtio_console_save(&vm->console, buf);
	virtio_rng_save(&vm->rng, buf);
	if (vm->net)
		virtio_net_save(vm->net, buf);
	for (unsigned n = 0; n < vm->disk_count; n++)
		virtio_blk_save(vm->disk[n], buf);
}

/* ---- Memory ----------------------------------------------------------------------- */

#define FNV_PRIME_64 0x100000001b3ull
#define FNV_BASIS_64 0xcbf29ce484222325ull

/* FNV-1a, eight bytes at a time; 0: all of the page is zero. */
static u64 hash_of_page(const u8 *page)
{
	u64 hash = FNV_BASIS_64, any = 0;

	for (unsigned i = 0; i < PAGE_SIZE; i += sizeof(u64)) {
		u64 word = load64(page + i);

		any |= word;
		hash = (hash ^ word) * FNV_PRIME_64;
		hash ^= hash >> 32; /* a multiplication carries upwards only */
	}
	return any ? hash : 0;
}

/* Pages that are zero are as those that nobody touched. */
static void put_pages(struct state_buf *buf, u64 base, const u8 *host, u64 size)
{
	char scope[SCOPE_MAX];

	for (u64 at = 0; at < size; at += PAGE_SIZE) {
		u64 hash = hash_of_page(host + at), address = base + at;

		if (!hash)
			continue;
		fmt_string(scope, sizeof(scope), "%08llx", (unsigned long long)address);
		state_scope(buf, scope);
		state_put(buf, address, 8);
		state_put(buf, hash, 8);
	}
}

static void put_slot(struct state_buf *buf, const struct memory_slot *slot)
{
	for (u64 at = 0; at < slot->size; at += MEMORY_CHUNK) {
		const u8 *host = slot->whole ? slot->whole + at : slot->chunk[at / MEMORY_CHUNK];

		if (host)
			put_pages(buf, slot->base.v + at, host, MEMORY_CHUNK);
	}
}

static void put_memory(struct state_buf *buf, const struct vm *vm)
{
	size_t begin = state_begin_section(buf, STATE_SECTION_RAM, RAM_VERSION);

	for (unsigned i = 0; i < vm->memory.slot_count; i++)
		put_slot(buf, &vm->memory.slot[i]);
	state_end_section(buf, begin);
	begin = state_begin_section(buf, STATE_SECTION_SCREEN, SCREEN_VERSION);
	put_pages(buf, 0, vm->vga_memory, VGA_MEMORY);
	state_end_section(buf, begin);
}

/* ---- All of it -------------------------------------------------------------------- */

int state_vm_save(struct vm *vm, struct state_buf *buf)
{
	check(vm_is_quiet(vm));
	state_put_header(buf);
	put_machine(buf, vm);
	put_cpuid(buf, &vm->cpuid);
	host_lock(&vm->lock);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		put_vcpu(buf, vm->vcpu[i]);
	put_devices(buf, vm);
	host_unlock(&vm->lock);
	put_memory(buf, vm);
	if (buf->names)
		state_put_names(buf);
	return buf->error ? -1 : 0;
}

/* ---- As text ---------------------------------------------------------------------- */

#define LINE_BYTES 48
#define SUM_PRIME 16777619u

u32 state_vm_sum(u32 sum, const void *data, size_t len)
{
	const u8 *byte = data;

	while (len--)
		sum = (sum ^ *byte++) * SUM_PRIME;
	return sum;
}

static void print(struct fmt_sink *sink, const char *format, ...) PRINTF_LIKE(2, 3);
static void print(struct fmt_sink *sink, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vput(sink, format, args);
	va_end(args);
}

static void print_line(struct fmt_sink *sink, u32 offset, const u8 *data, size_t len)
{
	static const char digit[] = "0123456789abcdef";
	char text[2 * LINE_BYTES + 1];
	u32 sum = state_vm_sum(STATE_VM_SUM, &offset, sizeof(offset));

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digit[data[i] >> 4];
		text[2 * i + 1] = digit[data[i] & 0xf];
	}
	text[2 * len] = '\0';
	print(sink, "state %x %s %x\n", offset, text, state_vm_sum(sum, data, len));
}

static void print_all(struct fmt_sink *sink, const char *name, const struct state_buf *buf)
{
	print(sink, "state-begin %s %zx\n", name, buf->at);
	for (size_t at = 0; at < buf->at; at += LINE_BYTES)
		print_line(sink, (u32)at, buf->data + at, MIN(buf->at - at, (size_t)LINE_BYTES));
	print(sink, "state-end %zx %x\n", buf->at, state_vm_sum(STATE_VM_SUM, buf->data, buf->at));
}

#define ORDER_LEAST 5
#define ORDER_MOST 9

/* False: that much memory is too little for the state. */
static bool print_within(struct vm *vm, struct fmt_sink *sink, unsigned order, const char **why)
{
	struct state_names names = { .text.data = host_alloc_pages(order),
				     .text.size = PAGE_SIZE << order };
	struct state_buf buf = { .data = host_alloc_pages(order),
				 .size = PAGE_SIZE << order,
				 .names = &names };

	if (!buf.data || !names.text.data)
		*why = "not enough memory";
	else if (state_vm_save(vm, &buf))
		*why = buf.error;
	else
		*why = NULL;
	if (!*why)
		print_all(sink, vm->config.name, &buf);
	if (buf.data)
		host_free_pages(buf.data, order);
	if (names.text.data)
		host_free_pages(names.text.data, order);
	return !*why;
}

const char *state_vm_print(struct vm *vm, struct fmt_sink *sink)
{
	const char *why;

	for (unsigned order = ORDER_LEAST; order <= ORDER_MOST; order++)
		if (print_within(vm, sink, order, &why))
			return NULL;
	return why;
}
