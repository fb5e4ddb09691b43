/*
 * machine.c - see machine.h: which device hangs on which wire
 *
 * Sources: Intel, "82371SB (PIIX3)", "Interrupt Controller"; ACPI Specification, "Interrupt Source
 * Override Structure": IRQ 0 of the PIT arrives at pin 2 of the IOAPIC, as on every PC.
 */
#include "vm/machine.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "net/switch.h"
#include "vm/tables.h"
#include "vm/vm.h"

#define PIT_IRQ 0
#define IOAPIC_PIC_PIN 0
#define IOAPIC_PIT_PIN 2

/* ---- Messages to LAPICs -------------------------------------------------------- */

static void lapic_notify(void *ctx)
{
	vcpu_request(ctx, REQUEST_IRQ);
}

static struct vcpu *lowest_priority(struct vm *vm, const struct ipi *ipi)
{
	struct vcpu *best = NULL;

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *v = vm->vcpu[i];

		if (lapic_accepts(&v->lapic, ipi) &&
		    (!best || lapic_ppr(&v->lapic) < lapic_ppr(&best->lapic)))
			best = v;
	}
	return best;
}

/* From whoever sends: a LAPIC, the IOAPIC, a device's MSI. */
static void send_message(void *ctx, const struct ipi *message)
{
	struct vm *vm = ctx;
	struct ipi acknowledged = *message;

	if (message->mode == LAPIC_EXTINT) { /* an interrupt whose vector the 8259s give */
		acknowledged.mode = LAPIC_FIXED;
		acknowledged.vector = pic_ack(&vm->pic);
		message = &acknowledged;
	}
	if (message->mode == LAPIC_LOWEST) {
		struct vcpu *v = lowest_priority(vm, message);

		if (v)
			lapic_deliver(&v->lapic, message->mode, message->vector, message->level);
		return;
	}
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (lapic_accepts(&vm->vcpu[i]->lapic, message))
			lapic_deliver(&vm->vcpu[i]->lapic, message->mode, message->vector,
				      message->level);
}

static void lapic_send_ipi(void *ctx, const struct ipi *ipi)
{
	send_message(((struct vcpu *)ctx)->vm, ipi);
}

static void lapic_eoi(void *ctx, u8 vector)
{
	ioapic_eoi(&((struct vcpu *)ctx)->vm->ioapic, vector);
}

/* [SDM] "Message Address Register Format", "Message Data Register Format" (11.11) */
#define MSI_WINDOW 0xfee00000ull
#define MSI_WINDOW_END 0xfef00000ull
#define MSI_LOGICAL BIT(2)
#define MSI_LEVEL BIT(15)

static void send_msi(struct bus *bus, u64 address, u32 data)
{
	struct vm *vm = container_of(bus, struct vm, bus);
	const struct ipi message = {
		.mode = (u8)(data >> 8 & 7),
		.vector = (u8)data,
		.level = (data & MSI_LEVEL) != 0,
		.logical = (address & MSI_LOGICAL) != 0,
		.dest = (u32)(address >> 12 & 0xff) == 0xff ? LAPIC_BROADCAST :
							      (u32)(address >> 12 & 0xff),
	};

	/* Elsewhere it is a write to memory that no device of ours makes: lost. */
	if (address >= MSI_WINDOW && address < MSI_WINDOW_END)
		send_message(vm, &message);
}

static void lapic_event(void *ctx, enum lapic_mode mode, u8 vector)
{
	struct vcpu *v = ctx;

	switch (mode) {
	case LAPIC_NMI:
		vcpu_request(v, REQUEST_NMI);
		break;
	case LAPIC_INIT: /* undoes what came before it */
		v->sipi_wanted = v->index != 0;
		vcpu_forget(v, REQUEST_SIPI | REQUEST_NMI);
		vcpu_request(v, REQUEST_INIT);
		break;
	case LAPIC_SIPI: /* the first behind an INIT counts, even one that was not served yet */
		if (!v->sipi_wanted)
			break;
		v->sipi_wanted = false;
		v->sipi_vector = vector;
		vcpu_request(v, REQUEST_SIPI);
		break;
	default: /* SMI: this machine has no system management mode */
		break;
	}
}

static u64 lapic_tsc(void *ctx)
{
	return host_tsc() + ((struct vcpu *)ctx)->state.tsc_offset;
}

/* Farther than this is never: beyond it, products overflow. */
#define FAR_SECONDS 1000000ull

static u64 lapic_tsc_to_ns(void *ctx, u64 tsc)
{
	struct vcpu *v = ctx;
	u64 now = host_tsc(), guest_now = now + v->state.tsc_offset;
	u64 ns;

	if (tsc <= guest_now) /* both are plain counts: all ones is far away */
		return 0;
	if (tsc - guest_now > FAR_SECONDS * host_tsc_hz())
		return ~0ull;
	/* The first nanosecond that is not too early. */
	ns = host_tsc_to_ns(now + (tsc - guest_now)) + 1;
	return ns > v->vm->clock_base ? ns - v->vm->clock_base : 0;
}

const struct lapic_ops machine_lapic_ops = {
	.notify = lapic_notify,
	.send_ipi = lapic_send_ipi,
	.event = lapic_event,
	.eoi = lapic_eoi,
	.tsc = lapic_tsc,
	.tsc_to_ns = lapic_tsc_to_ns,
};

/* ---- Wires --------------------------------------------------------------------- */

/* An ISA line goes to both kinds of controller; the guest masks it in the one it does not use. */
static void isa_irq(void *ctx, unsigned irq, bool level)
{
	struct vm *vm = ctx;

	pic_set_irq(&vm->pic, irq, level);
	ioapic_set_irq(&vm->ioapic, irq == PIT_IRQ ? IOAPIC_PIT_PIN : irq, level);
}

/* The 8259s ask: the boot CPU's LINT0, and input 0 of the IOAPIC for those who prefer that. */
static void pic_intr(void *ctx, unsigned pin UNUSED, bool level)
{
	struct vm *vm = ctx;

	lapic_set_lint(&vm->vcpu[0]->lapic, 0, level);
	ioapic_set_irq(&vm->ioapic, IOAPIC_PIC_PIN, level);
}

static void console_out(void *ctx, const char *text, size_t len)
{
	host_console_write(ctx, text, len);
}

static void serial_out(void *ctx, u8 byte)
{
	lines_byte(&((struct vm *)ctx)->lines, byte);
}

static void debug_out(void *ctx, u8 byte)
{
	if (!((struct vm *)ctx)->config.serial_only)
		serial_out(ctx, byte);
}

static void screen_out(void *ctx, const char *text, size_t len)
{
	struct vm *vm = ctx;

	if (!vm->config.serial_only)
		lines_line(&vm->lines, text, len);
}

static void virtio_out(void *ctx, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		debug_out(ctx, (u8)text[i]);
}

static void random_bytes_for(void *ctx, void *to, size_t len)
{
	host_random(ctx, to, len);
}

static void reset_wanted(void *ctx)
{
	struct vm *vm = ctx;

	if (vm->state < VM_HALTED)
		vm->restart = true;
	vm_end(vm, VM_OFF, "the guest reset the machine");
}

static void gate_a20(void *ctx, bool open)
{
	memory_a20(ctx, open);
}

static void power_off(void *ctx)
{
	vm_end(ctx, VM_OFF, "the guest switched the machine off");
}

static void exit_port(void *ctx, u32 value, unsigned size UNUSED)
{
	struct vm *vm = ctx;

	if (vm->state < VM_HALTED) {
		vm->exited = true;
		vm->exit_value = value;
	}
	vm_end(vm, VM_OFF, "the guest wrote %u to the exit port", value);
}

static void pause_wanted(void *ctx)
{
	struct vm *vm = ctx;

	if (vm->state != VM_RUNNING)
		return;
	vm_pause(vm);
	host_vm_paused(vm);
}

/* Devices do not say whether they will store. */
static void *ram(const struct bus *bus, gpa_t a, u64 len)
{
	struct vm *vm = container_of(bus, struct vm, bus);

	memory_stored(vm, a, len);
	return memory_ptr(vm, a, len);
}

static void work_posted(struct bus *bus)
{
	vcpu_request(container_of(bus, struct vm, bus)->vcpu[0], REQUEST_WORK);
}

static void pam_changed(void *ctx, gpa_t base, u64 size, bool read_ram, bool write_ram)
{
	memory_pam(ctx, base, size, read_ram, write_ram);
}

static void set_vga_window(void *ctx, enum vga_window state)
{
	static const u8 as_memory[] = {
		[VGA_WINDOW_CLOSED] = MEMORY_WINDOW_CLOSED,
		[VGA_WINDOW_WATCHED] = MEMORY_WINDOW_WATCHED,
		[VGA_WINDOW_OPEN] = MEMORY_WINDOW_OPEN,
	};

	memory_window_set(ctx, as_memory[state]);
}

static bool vga_settled(void *ctx)
{
	return memory_settled(ctx);
}

static void vga_window_written(void *ctx)
{
	vga_written(&((struct vm *)ctx)->vga);
}

static const struct vga_ops vga_ops = {
	.window = set_vga_window,
	.settled = vga_settled,
	.line = screen_out,
};

/* ---- The board ------------------------------------------------------------------ */

static void init_chipset(struct vm *vm)
{
	const struct i440fx_lines bridge = { .pam_changed = pam_changed, .ctx = vm };
	const struct piix3_lines isa = { .irq = isa_irq, .reset = reset_wanted, .ctx = vm };
	const struct piix4_lines power = { .power_off = power_off, .ctx = vm };
	struct wire pirq[PCI_INTX_LINES];

	for (unsigned i = 0; i < PCI_INTX_LINES; i++)
		pirq[i] = piix3_pirq_wire(&vm->piix3, i);
	pci_init(&vm->pci, &vm->bus, pirq);
	i440fx_init(&vm->i440fx, &vm->pci, &bridge);
	piix3_init(&vm->piix3, &vm->pci, &isa);
	piix4_init(&vm->piix4, &vm->pci, piix3_irq_wire(&vm->piix3, PIIX4_SCI_IRQ), &power);
}

static void init_isa(struct vm *vm)
{
	const struct uart_line line = { .tx = serial_out, .ctx = vm };
	const struct i8042_lines i8042 = { .reset = reset_wanted, .a20 = gate_a20, .ctx = vm };
	struct piix3 *isa = &vm->piix3;

	lines_init(&vm->lines, &vm->bus, console_out, vm);
	pit_init(&vm->pit, &vm->bus, piix3_irq_wire(isa, PIT_IRQ));
	if (vm->config.ticks)
		vm->pit.ticks.policy = vm->config.ticks;
	uart_init(&vm->uart, &vm->bus, UART_COM1_PORT, piix3_irq_wire(isa, UART_COM1_IRQ), &line);
	rtc_init(&vm->rtc, &vm->bus, piix3_irq_wire(isa, RTC_IRQ),
		 host_epoch() + host_now() / 1000000000, vm->memory.slot[0].size,
		 vm->memory.slot_count > 1 ? vm->memory.slot[1].size : 0);
	rtc_set_cpus(&vm->rtc, vm->vcpu_count);
	i8042_init(&vm->i8042, &vm->bus, piix3_irq_wire(isa, I8042_IRQ),
		   piix3_irq_wire(isa, I8042_AUX_IRQ), &i8042);
	debugport_init(&vm->debugport, &vm->bus, debug_out, vm);
	exitport_init(&vm->exitport, &vm->bus, exit_port, vm);
	if (vm->config.pause_port)
		pauseport_init(&vm->pauseport, &vm->bus, pause_wanted, vm);
}

static int init_vga(struct vm *vm)
{
	vm->vga_memory = host_alloc_pages(host_order(VGA_MEMORY));
	if (!vm->vga_memory)
		return -HOST_ENOMEM;
	memory_window(vm, &(struct memory_window){ .base = gpa(VGA_TEXT),
						   .size = VGA_TEXT_SIZE,
						   .host = vm->vga_memory,
						   .written = vga_window_written,
						   .ctx = vm });
	vga_init(&vm->vga, &vm->bus, vm->vga_memory, &vga_ops, vm);
	return 0;
}

/* Where they are on the PCI bus; disks from MACHINE_DISK_SLOT on. */
enum machine_slot {
	MACHINE_CONSOLE_SLOT = 2,
	MACHINE_RNG_SLOT = 3,
	MACHINE_NET_SLOT = 4,
	MACHINE_DISK_SLOT = 5,
};

static int init_net(struct vm *vm)
{
	char name[sizeof(vm->net->link.name)];
	int error;

	if (!vm->config.net)
		return 0;
	vm->net = host_alloc_pages(host_order(sizeof(*vm->net)));
	if (!vm->net)
		return -HOST_ENOMEM;
	fmt_string(name, sizeof(name), "%s", vm->config.name);
	error = virtio_net_init(vm->net, &vm->bus, &vm->pci, PCI_DEVFN(MACHINE_NET_SLOT, 0), name,
				vm->config.mac, true);
	if (error) {
		host_free_pages(vm->net, host_order(sizeof(*vm->net)));
		vm->net = NULL;
		return error;
	}
	memcpy(vm->net->link.mac, vm->config.mac, LINK_MAC);
	error = switch_plug(vm->config.net, &vm->net->link);
	virtio_net_link_changed(vm->net);
	return error;
}

static int init_disk(struct vm *vm, unsigned n)
{
	struct virtio_blk *disk = host_alloc_pages(host_order(sizeof(*disk)));
	int error;

	if (!disk)
		return -HOST_ENOMEM;
	error = virtio_blk_init(disk, &vm->bus, &vm->pci,
				PCI_DEVFN(MACHINE_DISK_SLOT + n, 0), vm->config.disk[n], true);
	if (error)
		host_free_pages(disk, host_order(sizeof(*disk)));
	else
		vm->disk[vm->disk_count++] = disk;
	return error;
}

int machine_init(struct vm *vm)
{
	int error;

	vm->bus.ram = ram;
	vm->bus.msi = send_msi;
	vm->bus.posted = work_posted;
	pic_init(&vm->pic, &vm->bus, (struct wire){ .set = pic_intr, .controller = vm });
	ioapic_init(&vm->ioapic, &vm->bus, MACHINE_IOAPIC_ID, send_message, vm);
	init_chipset(vm);
	init_isa(vm);
	virtio_console_init(&vm->console, &vm->bus, &vm->pci, PCI_DEVFN(MACHINE_CONSOLE_SLOT, 0),
			    virtio_out, vm, true);
	virtio_rng_init(&vm->rng, &vm->bus, &vm->pci, PCI_DEVFN(MACHINE_RNG_SLOT, 0),
			random_bytes_for, vm, true);
	error = tables_init(vm);
	if (!error)
		error = init_vga(vm);
	if (!error)
		error = init_net(vm);
	for (unsigned n = 0; n < vm->config.disks && !error; n++)
		error = init_disk(vm, n);
	return error;
}

void machine_free(struct vm *vm)
{
	tables_free(vm);
	for (unsigned n = 0; n < vm->disk_count; n++) {
		virtio_blk_free(vm->disk[n]);
		host_free_pages(vm->disk[n], host_order(sizeof(*vm->disk[n])));
	}
	if (vm->net) {
		virtio_net_free(vm->net);
		host_free_pages(vm->net, host_order(sizeof(*vm->net)));
	}
}

bool machine_settled(struct vm *vm)
{
	bool busy = false;

	host_lock(&vm->lock);
	bus_run_works(&vm->bus);
	for (unsigned n = 0; n < vm->disk_count; n++)
		busy |= virtio_busy(&vm->disk[n]->virtio);
	host_unlock(&vm->lock);
	return !busy;
}

/* What firmware leaves to a kernel: loaders start kernels without one. */
static void after_firmware(struct vm *vm)
{
	static const u8 pirq_irq[PCI_INTX_LINES] = PIIX3_PIRQ_IRQS;

	pit_after_firmware(&vm->pit);
	uart_after_firmware(&vm->uart);
	rtc_after_firmware(&vm->rtc);
	i8042_after_firmware(&vm->i8042);
	pic_after_firmware(&vm->pic); /* last: edges of the others are forgotten */
	lapic_after_firmware(&vm->vcpu[0]->lapic);
	pci_after_firmware(&vm->pci, MACHINE_PCI_MEMORY, pirq_irq);
	i440fx_after_firmware(&vm->i440fx);
	piix3_after_firmware(&vm->piix3);
	piix4_after_firmware(&vm->piix4);
	vga_after_firmware(&vm->vga);
}

void machine_reset(struct vm *vm)
{
	pic_reset(&vm->pic);
	pit_reset(&vm->pit);
	uart_reset(&vm->uart);
	rtc_reset(&vm->rtc);
	i8042_reset(&vm->i8042);
	ioapic_reset(&vm->ioapic);
	fwcfg_reset(&vm->fwcfg);
	vga_reset(&vm->vga);
	virtio_console_reset(&vm->console);
	virtio_rng_reset(&vm->rng);
	if (vm->net)
		virtio_net_reset(vm->net);
	for (unsigned n = 0; n < vm->disk_count; n++)
		virtio_blk_reset(vm->disk[n]);
	pci_reset(&vm->pci); /* after the devices behind its functions */
	piix3_reset(&vm->piix3);
	piix4_reset(&vm->piix4);
	if (!vm->config.firmware)
		after_firmware(vm);
}
