/* test_piix.c - the board's chips: dev/i440fx.c, dev/piix3.c, dev/piix4.c */
#include "machine.h"

#include "dev/clock.h"
#include "dev/i440fx.h"
#include "dev/pic.h"
#include "dev/piix3.h"
#include "dev/piix4.h"
#include "dev/section.h"

void test_piix_register(void);

#define PM PIIX4_PM_BASE
#define CARD PCI_DEVFN(2, 0)

static struct machine m;
static struct pci pci;
static struct pic pic;
static struct i440fx bridge;
static struct piix3 piix3;
static struct piix4 piix4;
static struct pci_function card;
static struct line intr;
static u16 irqs; /* as the callback told them */
static unsigned resets, power_offs, pam_calls;
static bool read_ram[I440FX_AREAS], write_ram[I440FX_AREAS];

static void set_irq(void *ctx, unsigned irq, bool level)
{
	CU_ASSERT_PTR_EQUAL(ctx, &m);
	irqs = (u16)((irqs & ~BIT(irq)) | (level ? BIT(irq) : 0));
	pic_set_irq(&pic, irq, level);
}

static void reset(void *ctx UNUSED)
{
	resets++;
}

static void power_off(void *ctx UNUSED)
{
	power_offs++;
}

static void pam_changed(void *ctx UNUSED, gpa_t base, u64 size, bool reads, bool writes)
{
	unsigned area = base.v == 0xf0000 ? 12 : (unsigned)((base.v - 0xc0000) / 0x4000);

	CU_ASSERT_FATAL(area < I440FX_AREAS);
	CU_ASSERT_EQUAL(size, area == 12 ? 0x10000 : 0x4000);
	read_ram[area] = reads;
	write_ram[area] = writes;
	pam_calls++;
}

static void reset_all(void)
{
	pic_reset(&pic);
	pci_reset(&pci);
	piix3_reset(&piix3);
	piix4_reset(&piix4);
}

static void start(void)
{
	const struct i440fx_lines i440fx_lines = { .pam_changed = pam_changed };
	const struct piix3_lines piix3_lines = { .irq = set_irq, .reset = reset, .ctx = &m };
	const struct piix4_lines piix4_lines = { .power_off = power_off };
	const struct pci_identity identity = { .vendor = 0x1af4, .device = 1, .intx_pin = 1 };
	struct wire pirq[PCI_INTX_LINES];

	machine_init(&m);
	for (unsigned i = 0; i < PCI_INTX_LINES; i++)
		pirq[i] = piix3_pirq_wire(&piix3, i);
	pic_init(&pic, &m.bus, line_wire(&intr));
	pci_init(&pci, &m.bus, pirq);
	i440fx_init(&bridge, &pci, &i440fx_lines);
	piix3_init(&piix3, &pci, &piix3_lines);
	piix4_init(&piix4, &pci, piix3_irq_wire(&piix3, PIIX4_SCI_IRQ), &piix4_lines);
	pci_add(&pci, &card, CARD, &identity);
	irqs = 0;
	reset_all();
	resets = power_offs = pam_calls = 0;
}

static void firmware(void)
{
	pic_after_firmware(&pic);
	piix3_after_firmware(&piix3);
	piix4_after_firmware(&piix4);
}

static void start_acpi(void)
{
	start();
	firmware();
	bus_out(&m.bus, 0xb2, 1, PIIX4_ACPI_ENABLE);
}

static u32 get(u8 devfn, unsigned offset, unsigned size)
{
	return pci_config_read(&pci, devfn, offset, size);
}

static void set(u8 devfn, unsigned offset, unsigned size, u32 value)
{
	pci_config_write(&pci, devfn, offset, size, value);
}

static u32 in(unsigned port, unsigned size)
{
	return bus_in(&m.bus, (u16)port, size);
}

static void out(unsigned port, unsigned size, u32 value)
{
	bus_out(&m.bus, (u16)port, size, value);
}

/* ---- The host bridge -------------------------------------------------------- */

static void test_identity(void)
{
	start();
	CU_ASSERT_EQUAL(get(I440FX_DEVFN, 0, 4), 0x12378086);
	CU_ASSERT_EQUAL(get(I440FX_DEVFN, 8, 4), 0x06000002);
	CU_ASSERT_EQUAL(get(I440FX_DEVFN, 0x2c, 4), 0x11001af4);
	CU_ASSERT_EQUAL(get(I440FX_DEVFN, 0x0e, 1), 0);
	CU_ASSERT_EQUAL(get(PIIX3_DEVFN, 0, 4), 0x70008086);
	CU_ASSERT_EQUAL(get(PIIX3_DEVFN, 8, 4), 0x06010000);
	CU_ASSERT_EQUAL(get(PIIX3_DEVFN, 0x0e, 1), 0x80); /* it has other functions */
	CU_ASSERT_EQUAL(get(PIIX4_DEVFN, 0, 4), 0x71138086);
	CU_ASSERT_EQUAL(get(PIIX4_DEVFN, 8, 4), 0x06800003);
	CU_ASSERT_EQUAL(get(PCI_DEVFN(1, 1), 0, 4), 0xffffffff); /* no IDE */
	set(I440FX_DEVFN, PCI_COMMAND, 2, 0);
	set(PIIX3_DEVFN, PCI_COMMAND, 2, 0);
	CU_ASSERT_EQUAL(get(I440FX_DEVFN, PCI_COMMAND, 2), 6);
	CU_ASSERT_EQUAL(get(PIIX3_DEVFN, PCI_COMMAND, 2), 7);
}

static void test_pam(void)
{
	start();
	for (unsigned area = 0; area < I440FX_AREAS; area++)
		CU_ASSERT(!read_ram[area] && !write_ram[area]);
	set(I440FX_DEVFN, 0x59, 1, 0xff);
	CU_ASSERT_EQUAL(get(I440FX_DEVFN, 0x59, 1), 0x30);
	CU_ASSERT(read_ram[12] && write_ram[12]);
	CU_ASSERT_EQUAL(pam_calls, 1);
	set(I440FX_DEVFN, 0x5a, 1, 0x21);
	CU_ASSERT(read_ram[0] && !write_ram[0] && !read_ram[1] && write_ram[1]);
	CU_ASSERT_EQUAL(pam_calls, 3);
	set(I440FX_DEVFN, 0x5a, 1, 0x21); /* no change */
	CU_ASSERT_EQUAL(pam_calls, 3);
	set(I440FX_DEVFN, 0x5c, 4, 0x30000000);
	CU_ASSERT(read_ram[11] && write_ram[11] && !read_ram[10]);
	CU_ASSERT_EQUAL(pam_calls, 4);
	i440fx_after_firmware(&bridge);
	for (unsigned area = 0; area < I440FX_AREAS; area++)
		CU_ASSERT(read_ram[area] && write_ram[area]);
	pam_calls = 0;
	pci_reset(&pci);
	CU_ASSERT_EQUAL(pam_calls, I440FX_AREAS);
	for (unsigned area = 0; area < I440FX_AREAS; area++)
		CU_ASSERT(!read_ram[area] && !write_ram[area]);
}

static void test_smram(void)
{
	start();
	CU_ASSERT_EQUAL(get(I440FX_DEVFN, I440FX_SMRAM, 1), 0x02);
	set(I440FX_DEVFN, I440FX_SMRAM, 1, 0x4a);
	CU_ASSERT_EQUAL(get(I440FX_DEVFN, I440FX_SMRAM, 1), 0x4a);
	set(I440FX_DEVFN, I440FX_SMRAM, 1, 0x5a); /* locked: closed for good */
	CU_ASSERT_EQUAL(get(I440FX_DEVFN, I440FX_SMRAM, 1), 0x1a);
	set(I440FX_DEVFN, I440FX_SMRAM, 1, 0x42);
	CU_ASSERT_EQUAL(get(I440FX_DEVFN, I440FX_SMRAM, 1), 0x1a);
	pci_reset(&pci);
	set(I440FX_DEVFN, I440FX_SMRAM, 1, 0x4a);
	CU_ASSERT_EQUAL(get(I440FX_DEVFN, I440FX_SMRAM, 1), 0x4a);
}

/* ---- Interrupt steering ----------------------------------------------------- */

static void bad_irq(void *irq)
{
	piix3_irq_wire(&piix3, *(unsigned *)irq).set(&piix3, *(unsigned *)irq, true);
}

static void bad_pirq(void *line)
{
	piix3_pirq_wire(&piix3, 0).set(&piix3, *(unsigned *)line, true);
}

static void test_steering(void)
{
	unsigned sixteen = 16, four = 4;

	start();
	CU_ASSERT(panics(bad_irq, &sixteen));
	CU_ASSERT(panics(bad_pirq, &four));
	pci_set_intx(&card, true); /* device 2, INTA: PIRQB, which leads nowhere yet */
	CU_ASSERT_EQUAL(irqs, 0);
	set(PIIX3_DEVFN, 0x61, 1, 0x7b);
	CU_ASSERT_EQUAL(get(PIIX3_DEVFN, 0x60, 4), 0x80800b80);
	CU_ASSERT_EQUAL(irqs, BIT(11));
	set(PIIX3_DEVFN, 0x60, 4, 0x80800580);
	CU_ASSERT_EQUAL(irqs, BIT(5));
	for (unsigned irq = 0; irq < 16; irq++) { /* not all IRQs can be had */
		set(PIIX3_DEVFN, 0x61, 1, irq);
		CU_ASSERT_EQUAL(irqs, irq < 3 || irq == 8 || irq == 13 ? 0 : BIT(irq));
	}
	set(PIIX3_DEVFN, 0x61, 1, 0x85);
	CU_ASSERT_EQUAL(irqs, 0);
	set(PIIX3_DEVFN, 0x61, 1, 0x05);
	pci_reset(&pci);
	CU_ASSERT_EQUAL(irqs, 0);
}

/* ISA devices and PIRQs may meet at one input. */
static void test_shared_irq(void)
{
	struct wire com, cascade;

	start();
	com = piix3_irq_wire(&piix3, 4);
	cascade = piix3_irq_wire(&piix3, 2);
	wire_set(&cascade, true);
	CU_ASSERT_EQUAL(irqs, 0);
	set(PIIX3_DEVFN, 0x61, 1, 4);
	wire_set(&com, true);
	pci_set_intx(&card, true);
	wire_set(&com, false);
	CU_ASSERT_EQUAL(irqs, BIT(4));
	pci_set_intx(&card, false);
	CU_ASSERT_EQUAL(irqs, 0);
}

static void test_elcr(void)
{
	start();
	firmware();
	CU_ASSERT_EQUAL(in(0x4d0, 2), BIT(9) | BIT(10) | BIT(11));
	CU_ASSERT_EQUAL(get(PIIX3_DEVFN, 0x60, 4), 0x0b0b0a0a);
	out(0xa1, 1, 0xfb); /* IRQ 10 only */
	pci_set_intx(&card, true);
	CU_ASSERT_EQUAL(irqs, BIT(10));
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x72);
	out(0xa0, 1, 0x20);
	out(0x20, 1, 0x20);
	CU_ASSERT(pic_pending(&pic)); /* a level: it asks again */
	pci_set_intx(&card, false);
	CU_ASSERT(!pic_pending(&pic));
}

static void test_reset_control(void)
{
	start();
	out(0xcf9, 1, 0x02);
	CU_ASSERT_EQUAL(resets, 0);
	CU_ASSERT_EQUAL(in(0xcf9, 1), 0x02);
	out(0xcf8, 4, 0x80000400); /* CONFIG_ADDRESS, not the byte in it */
	CU_ASSERT_EQUAL(resets, 0);
	out(0xcf9, 1, 0x06);
	CU_ASSERT_EQUAL(resets, 1);
	CU_ASSERT_EQUAL(in(0xcf9, 1), 0x02);
	out(0xcf9, 1, 0x0f);
	CU_ASSERT_EQUAL(resets, 2);
	reset_all();
	CU_ASSERT_EQUAL(in(0xcf9, 1), 0);
}

/* ---- Power management ------------------------------------------------------- */

static void test_pm_place(void)
{
	start();
	CU_ASSERT_EQUAL(in(PM + 4, 2), 0xffff); /* nowhere after power-on */
	CU_ASSERT_EQUAL(get(PIIX4_DEVFN, 0x40, 4), 1);
	set(PIIX4_DEVFN, 0x40, 4, 0xffffffff);
	CU_ASSERT_EQUAL(get(PIIX4_DEVFN, 0x40, 4), 0xffc1);
	set(PIIX4_DEVFN, 0x40, 4, PM);
	CU_ASSERT_EQUAL(in(PM + 4, 2), 0xffff); /* not switched on */
	set(PIIX4_DEVFN, 0x80, 1, 0xff);
	CU_ASSERT_EQUAL(get(PIIX4_DEVFN, 0x80, 1), 1);
	CU_ASSERT_EQUAL(in(PM + 4, 2), 0);
	set(PIIX4_DEVFN, 0x40, 4, 0xb000);
	CU_ASSERT_EQUAL(in(PM + 4, 2), 0xffff);
	CU_ASSERT_EQUAL(in(0xb004, 2), 0);
	set(PIIX4_DEVFN, 0x40, 4, 0);	  /* over the interrupt controllers: not there */
	set(PIIX4_DEVFN, 0x40, 4, 0xcc0); /* over configuration space */
	out(0xcf8, 4, 0x80000000);
	CU_ASSERT_EQUAL(in(0xcfc, 4), 0x12378086);
	CU_ASSERT_EQUAL(in(0xcc4, 2), 0xffff);
	reset_all();
	CU_ASSERT_EQUAL(get(PIIX4_DEVFN, 0x40, 4), 1);
}

/* SeaBIOS then believes that SMIs are set up, and does not wait for one. */
static void test_no_smm(void)
{
	start();
	CU_ASSERT_EQUAL(get(PIIX4_DEVFN, 0x58, 4), 0x02000000);
	CU_ASSERT_EQUAL(get(PIIX4_DEVFN, 0xd2, 1), 0); /* SMBus: off */
	set(PIIX4_DEVFN, 0xd2, 1, 0x09);
	CU_ASSERT_EQUAL(get(PIIX4_DEVFN, 0xd2, 1), 0);
	out(0xb3, 1, 0x42);
	out(0xb2, 1, 0x00);
	CU_ASSERT_EQUAL(in(0xb2, 2), 0x4200);
	firmware();
	out(PM + 0x28, 4, 0x12345678); /* registers without effect keep what is written */
	out(PM + 0x29, 1, 0xff);
	CU_ASSERT_EQUAL(in(PM + 0x28, 4), 0x1234ff78);
	CU_ASSERT_EQUAL(in(PM + 0x14, 1), 0);
}

static void test_acpi_mode(void)
{
	start();
	firmware();
	CU_ASSERT_EQUAL(in(PM + 4, 2), 0);
	out(0xb2, 1, PIIX4_ACPI_ENABLE);
	CU_ASSERT_EQUAL(in(PM + 4, 2), 1);
	out(0xb2, 1, PIIX4_ACPI_DISABLE);
	CU_ASSERT_EQUAL(in(PM + 4, 2), 0);
	out(0xb3, 1, PIIX4_ACPI_ENABLE);
	CU_ASSERT_EQUAL(in(PM + 4, 2), 0);
}

static void test_power_off(void)
{
	start_acpi();
	out(PM + 4, 2, 0x2001 | 5 << 10); /* states that are not there */
	out(PM + 4, 2, 0x2001 | 1 << 10);
	out(PM + 4, 2, 0x0001);
	CU_ASSERT_EQUAL(power_offs, 0);
	out(PM + 4, 2, 0x2001);
	CU_ASSERT_EQUAL(power_offs, 1);
	CU_ASSERT_EQUAL(in(PM + 4, 2), 0x0001); /* SLP_EN reads as 0 */
	out(PM + 5, 1, 0x20);
	CU_ASSERT_EQUAL(power_offs, 2);
	out(PM + 2, 4, 0x20010000); /* over two dwords */
	CU_ASSERT_EQUAL(power_offs, 3);
	out(PM + 6, 2, 0x2000);
	CU_ASSERT_EQUAL(power_offs, 3);
}

static void test_power_button(void)
{
	start();
	CU_ASSERT(!piix4_power_button(&piix4)); /* nobody listens */
	start_acpi();
	CU_ASSERT(!piix4_power_button(&piix4));
	out(PM + 2, 2, 0xffff);
	CU_ASSERT_EQUAL(in(PM + 2, 2), 0x0521);
	CU_ASSERT(piix4_power_button(&piix4));
	CU_ASSERT_EQUAL(irqs, BIT(9));
	CU_ASSERT_EQUAL(in(PM, 2), 0x0100);
	out(PM, 2, 0x0001);
	CU_ASSERT_EQUAL(irqs, BIT(9));
	out(PM + 1, 1, 0x01);
	CU_ASSERT_EQUAL(irqs, 0);
	CU_ASSERT_EQUAL(in(PM, 2), 0);
	CU_ASSERT(piix4_power_button(&piix4));
	out(0xb2, 1, PIIX4_ACPI_DISABLE);
	CU_ASSERT_EQUAL(irqs, 0);
	out(0xb2, 1, PIIX4_ACPI_ENABLE);
	CU_ASSERT_EQUAL(irqs, BIT(9));
	reset_all();
	CU_ASSERT_EQUAL(irqs, 0);
}

#define HALF_PERIOD_NS clock_ns(1 << 23, PIIX4_PM_TIMER_HZ)

static void test_timer(void)
{
	u32 before;

	start();
	firmware();
	CU_ASSERT_EQUAL(in(PM + 8, 4), 0);
	machine_run(&m, 1 * S);
	CU_ASSERT_EQUAL(in(PM + 8, 4), 3579545);
	CU_ASSERT_EQUAL(in(PM + 8, 1), 3579545 & 0xff);
	machine_run(&m, 10 * S);
	before = in(PM + 8, 4);
	CU_ASSERT_EQUAL(before, 11 * 3579545u % (1u << 24)); /* 24 bits */
	out(PM + 8, 4, 0);
	CU_ASSERT_EQUAL(in(PM + 8, 4), before);
	CU_ASSERT_PTR_NULL(m.bus.alarms); /* costs nothing while nobody wants its interrupt */
}

static void test_timer_overflow(void)
{
	start_acpi();
	machine_run(&m, HALF_PERIOD_NS - 1);
	CU_ASSERT_EQUAL(in(PM, 2), 0);
	machine_run(&m, 1);
	CU_ASSERT_EQUAL(in(PM, 2), 1);
	out(PM + 2, 2, 1);
	CU_ASSERT_EQUAL(irqs, BIT(9));
	out(PM, 2, 1);
	CU_ASSERT_EQUAL(in(PM, 2), 0);
	CU_ASSERT_EQUAL(irqs, 0);
	machine_run(&m, clock_ns(2 << 23, PIIX4_PM_TIMER_HZ) - 1 - m.now);
	CU_ASSERT_EQUAL(irqs, 0);
	machine_run(&m, 1);
	CU_ASSERT_EQUAL(irqs, BIT(9));
	CU_ASSERT_PTR_NULL(m.bus.alarms); /* nothing more before it is cleared */
	machine_run(&m, 100 * S);
	out(PM, 2, 1);
	CU_ASSERT_EQUAL(irqs, 0);
	out(PM + 2, 2, 0);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
}

static void test_gpe(void)
{
	start_acpi();
	CU_ASSERT_EQUAL(in(PM + 0xc, 4), 0);
	out(PM + 0xc, 4, 0xffffffff);
	CU_ASSERT_EQUAL(in(PM + 0xc, 4), 0x0f810000); /* no event ever */
	out(PM + 0xf, 1, 0);
	CU_ASSERT_EQUAL(in(PM + 0xe, 2), 0x0081);
	CU_ASSERT_EQUAL(irqs, 0);
}

/* ---- Saved state ------------------------------------------------------------ */

static void save3(const void *dev, struct state_buf *buf)
{
	piix3_save(dev, buf);
}

static int load3(void *dev, struct state_buf *buf)
{
	return piix3_load(dev, buf);
}

static void save4(const void *dev, struct state_buf *buf)
{
	piix4_save(dev, buf);
}

static int load4(void *dev, struct state_buf *buf)
{
	return piix4_load(dev, buf);
}

static void poke(void)
{
	poke_ports(&m, 0xb2, 0xb3);
	poke_ports(&m, 0xcf8, 0xcfb);
	poke_ports(&m, PM, PM + 0x40);
	machine_run(&m, 3 * S);
	for (unsigned offset = 0x40; offset < 256; offset += 3)
		set(PIIX3_DEVFN, offset, 1, 0xa5 * offset);
	firmware();
}

static void test_piix3_state(void)
{
	const struct saved_device d = { &piix3, sizeof(piix3), DEVICE_SECTION_PIIX3,
					save3,	load3,	       poke };
	u8 data[1024];
	size_t size;
	const char *error;

	start();
	firmware();
	pci_set_intx(&card, true);
	out(0xcf9, 1, 2);
	check_truncated(&d);
	size = saved_write(&d, data, sizeof(data));
	start();
	CU_ASSERT_EQUAL(saved_read(&d, data, size, &error), 0);
	CU_ASSERT_EQUAL(in(0xcf9, 1), 2);
	pci_set(&piix3.function, PIIX3_PIRQRC, 4, 0x0b0b0a0a); /* as pci_load does */
	card.intx = true;
	CU_ASSERT_EQUAL(irqs, 0); /* the controllers have their own state: nothing is driven */
	pci_set_intx(&card, false);
	CU_ASSERT_EQUAL(piix3.driven, 0);
	check_corrupt(&d);
	start();
	piix3.isa = BIT(2);
	CU_ASSERT(refuses_itself(&d));
}

static void test_piix4_state(void)
{
	const struct saved_device d = { &piix4, sizeof(piix4), DEVICE_SECTION_PIIX4,
					save4,	load4,	       poke };

	start_acpi();
	out(PM + 2, 2, 0x0101);
	piix4_power_button(&piix4);
	machine_run(&m, 4 * S);
	check_truncated(&d);
	check_corrupt(&d);
	start_acpi();
	piix4.overflows = 1;
	CU_ASSERT(refuses_itself(&d));
	start_acpi();
	piix4.status = 1; /* the timer's is worked out */
	CU_ASSERT(refuses_itself(&d));
}

void test_piix_register(void)
{
	CU_pSuite suite = CU_add_suite("piix", NULL, NULL);

	CU_add_test(suite, "who they say they are", test_identity);
	CU_add_test(suite, "PAM", test_pam);
	CU_add_test(suite, "SMRAM", test_smram);
	CU_add_test(suite, "PIRQ steering", test_steering);
	CU_add_test(suite, "a line with two drivers", test_shared_irq);
	CU_add_test(suite, "level-triggered IRQs", test_elcr);
	CU_add_test(suite, "reset control", test_reset_control);
	CU_add_test(suite, "where the PM block is", test_pm_place);
	CU_add_test(suite, "no SMM", test_no_smm);
	CU_add_test(suite, "ACPI mode", test_acpi_mode);
	CU_add_test(suite, "power off", test_power_off);
	CU_add_test(suite, "power button", test_power_button);
	CU_add_test(suite, "PM timer", test_timer);
	CU_add_test(suite, "PM timer overflow", test_timer_overflow);
	CU_add_test(suite, "general purpose events", test_gpe);
	CU_add_test(suite, "saved state of PIIX3", test_piix3_state);
	CU_add_test(suite, "saved state of PIIX4", test_piix4_state);
}
