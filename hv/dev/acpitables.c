/* acpitables.c - see acpitables.h; pure, tested on the host */
#include "dev/acpitables.h"

#include "dev/ioapic.h"
#include "dev/piix3.h"
#include "dev/piix4.h"
#include "host.h"
#include "lib/string.h"

/* Assembled from dev/dsdt.asl by hv.mk. */
static const u8 dsdt[] = {
#include "dsdt.aml.h"
};

#define ID_SIZE 6
#define TABLE_ID_SIZE 8
#define PAGE_0_CENTURY 0x32 /* CMOS byte: dev/rtc.c */

/* [ACPI] "System Description Table Header" (5.2.6) */
struct header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem_id[ID_SIZE], oem_table_id[TABLE_ID_SIZE];
	u32 oem_revision;
	char creator_id[4];
	u32 creator_revision;
} PACKED;
ASSERT_SIZE(struct header, 36);
ASSERT_OFFSET(struct header, checksum, 9);

/* [ACPI] "Generic Address Structure" (5.2.3.2) */
struct address {
	u8 space, width, offset, access;
	u64 address;
} PACKED;
ASSERT_SIZE(struct address, 12);
#define SPACE_IO 1
enum access_size { ACCESS_BYTE = 1, ACCESS_WORD, ACCESS_DWORD };

/* [ACPI] "Fixed ACPI Description Table" (5.2.9), as of revision 3 */
struct fadt {
	struct header header;
	u32 facs, dsdt;
	u8 reserved, profile;
	u16 sci_irq;
	u32 smi_port;
	u8 acpi_enable, acpi_disable, s4bios, pstate;
	u32 pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0, gpe1;
	u8 pm1_event_size, pm1_control_size, pm2_control_size, pm_timer_size, gpe0_size, gpe1_size;
	u8 gpe1_base, cstate;
	u16 c2_latency, c3_latency, flush_size, flush_stride;
	u8 duty_offset, duty_width, day_alarm, month_alarm, century;
	u16 boot_flags;
	u8 reserved_2;
	u32 flags;
	struct address reset;
	u8 reset_value, reserved_3[3];
	u64 x_facs, x_dsdt;
	struct address x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control, x_pm2_control;
	struct address x_pm_timer, x_gpe0, x_gpe1;
} PACKED;
ASSERT_SIZE(struct fadt, 244);
ASSERT_OFFSET(struct fadt, dsdt, 40);
ASSERT_OFFSET(struct fadt, pm_timer, 76);
ASSERT_OFFSET(struct fadt, century, 108);
ASSERT_OFFSET(struct fadt, flags, 112);
ASSERT_OFFSET(struct fadt, reset, 116);
ASSERT_OFFSET(struct fadt, x_dsdt, 140);
ASSERT_OFFSET(struct fadt, x_pm_timer, 208);

#define FADT_REVISION 3
#define PROFILE_DESKTOP 1
#define NO_C2_LATENCY 101 /* beyond these the state is not there, in microseconds */
#define NO_C3_LATENCY 1001
#define BOOT_LEGACY_DEVICES BIT(0)
#define BOOT_8042 BIT(1)
#define FLAG_WBINVD BIT(0)
#define FLAG_C1 BIT(2)
#define FLAG_NO_SLEEP_BUTTON BIT(5)
#define FLAG_NO_RTC_WAKE BIT(6)
#define FLAG_RESET_REGISTER BIT(10)

/* [ACPI] "Firmware ACPI Control Structure (FACS)" (5.2.10) */
struct facs {
	char signature[4];
	u32 length, hardware_signature, waking_vector, global_lock, flags;
	u64 x_waking_vector;
	u8 version, reserved[31];
} PACKED;
ASSERT_SIZE(struct facs, 64);

/* [ACPI] "Multiple APIC Description Table (MADT)" (5.2.12) */
struct madt {
	struct header header;
	u32 lapic, flags;
} PACKED;
ASSERT_SIZE(struct madt, 44);
#define MADT_REVISION 3
#define MADT_HAS_8259 BIT(0)
enum madt_type { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_NMI = 4 };
#define MADT_CPU_ENABLED BIT(0)
#define MADT_ALL_CPUS 0xff
#define MADT_LEVEL_HIGH 0x000du /* polarity 1, trigger 3: MPS INTI flags */

struct madt_lapic {
	u8 type, length, cpu, apic_id;
	u32 flags;
} PACKED;
struct madt_ioapic {
	u8 type, length, id, reserved;
	u32 address, gsi_base;
} PACKED;
struct madt_override {
	u8 type, length, bus, irq;
	u32 gsi;
	u16 flags;
} PACKED;
struct madt_nmi {
	u8 type, length, cpu;
	u16 flags;
	u8 lint;
} PACKED;
ASSERT_SIZE(struct madt_lapic, 8);
ASSERT_SIZE(struct madt_ioapic, 12);
ASSERT_SIZE(struct madt_override, 10);
ASSERT_SIZE(struct madt_nmi, 6);

/* [ACPI] "Root System Description Pointer (RSDP)" (5.2.5.3) */
struct rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[ID_SIZE];
	u8 revision;
	u32 rsdt, length;
	u64 xsdt;
	u8 extended_checksum, reserved[3];
} PACKED;
ASSERT_SIZE(struct rsdp, ACPITABLES_RSDP_SIZE);
ASSERT_OFFSET(struct rsdp, rsdt, 16);
ASSERT_OFFSET(struct rsdp, xsdt, 24);
#define RSDP_OLD_SIZE 20 /* what the first checksum covers */

/* ---- Putting tables one behind the other ------------------------------------ */

static void append(struct acpitables *t, const void *bytes, size_t size)
{
	check(size <= ACPITABLES_SIZE_MAX - t->size);
	memcpy(t->data + t->size, bytes, size);
	t->size += (u32)size;
}

static u32 begin(struct acpitables *t, u32 align)
{
	static const u8 zero[ACPITABLES_ALIGN];

	append(t, zero, ALIGN_UP(t->size, align) - t->size);
	return t->size;
}

static void add_pointer(struct acpitables *t, u32 at, u8 size)
{
	check(t->pointers < ACPITABLES_POINTERS);
	t->pointer[t->pointers++] = (struct acpitables_pointer){ at, size };
}

static struct header make_header(const char *signature, u8 revision)
{
	struct header h = { .revision = revision, .oem_revision = 1, .creator_revision = 1 };

	memcpy(h.signature, signature, sizeof(h.signature));
	memcpy(h.oem_id, "ESPEJO", sizeof(h.oem_id));
	memcpy(h.oem_table_id, "GUESTPC", sizeof("GUESTPC"));
	memcpy(h.creator_id, "ESPJ", sizeof(h.creator_id));
	return h;
}

/* The table from start to here is complete: its length is known, its sum will be wanted. */
static void end(struct acpitables *t, u32 start)
{
	u32 length = t->size - start;

	check(t->sums < ACPITABLES_SUMS);
	memcpy(t->data + start + offsetof(struct header, length), &length, sizeof(length));
	t->sum[t->sums++] =
	    (struct acpitables_sum){ start, length,
				     start + (u32)offsetof(struct header, checksum) };
}

/* ---- The tables ------------------------------------------------------------- */

static u32 add_facs(struct acpitables *t)
{
	struct facs facs = { .length = sizeof(facs), .version = 1 };
	u32 at = begin(t, ACPITABLES_ALIGN);

	memcpy(facs.signature, "FACS", sizeof(facs.signature));
	append(t, &facs, sizeof(facs));
	return at;
}

static u32 add_dsdt(struct acpitables *t)
{
	u32 at = begin(t, 16);

	append(t, dsdt, sizeof(dsdt));
	return at;
}

static struct address io(u32 port, u8 bytes, u8 access)
{
	return (struct address){ SPACE_IO, (u8)(8 * bytes), 0, access, port };
}

static void fill_power_management(struct fadt *f)
{
	const u32 base = PIIX4_PM_BASE;

	f->sci_irq = PIIX4_SCI_IRQ;
	f->smi_port = PIIX4_SMI_PORT;
	f->acpi_enable = PIIX4_ACPI_ENABLE;
	f->acpi_disable = PIIX4_ACPI_DISABLE;
	f->pm1a_event = base + PIIX4_PM1_EVENT;
	f->pm1a_control = base + PIIX4_PM1_CONTROL;
	f->pm_timer = base + PIIX4_PM_TIMER;
	f->gpe0 = base + PIIX4_GPE0;
	f->pm1_event_size = 4;
	f->pm1_control_size = 2;
	f->pm_timer_size = 4;
	f->gpe0_size = 4;
	f->x_pm1a_event = io(f->pm1a_event, f->pm1_event_size, ACCESS_WORD);
	f->x_pm1a_control = io(f->pm1a_control, f->pm1_control_size, ACCESS_WORD);
	f->x_pm_timer = io(f->pm_timer, f->pm_timer_size, ACCESS_DWORD);
	f->x_gpe0 = io(f->gpe0, f->gpe0_size, ACCESS_BYTE);
}

static u32 add_fadt(struct acpitables *t, u32 facs, u32 dsdt_at)
{
	struct fadt f = {
		.header = make_header("FACP", FADT_REVISION),
		.facs = facs,
		.dsdt = dsdt_at,
		.x_dsdt = dsdt_at,
		.profile = PROFILE_DESKTOP,
		.c2_latency = NO_C2_LATENCY,
		.c3_latency = NO_C3_LATENCY,
		.century = PAGE_0_CENTURY,
		.boot_flags = BOOT_LEGACY_DEVICES | BOOT_8042,
		.flags = FLAG_WBINVD | FLAG_C1 | FLAG_NO_SLEEP_BUTTON | FLAG_NO_RTC_WAKE |
			 FLAG_RESET_REGISTER,
		.reset = io(PIIX3_RESET_PORT, 1, ACCESS_BYTE),
		.reset_value = PIIX3_RESET_VALUE,
	};
	u32 at = begin(t, 16);

	fill_power_management(&f);
	append(t, &f, sizeof(f));
	end(t, at);
	add_pointer(t, at + (u32)offsetof(struct fadt, facs), sizeof(f.facs));
	add_pointer(t, at + (u32)offsetof(struct fadt, dsdt), sizeof(f.dsdt));
	add_pointer(t, at + (u32)offsetof(struct fadt, x_dsdt), sizeof(f.x_dsdt));
	return at;
}

static void add_override(struct acpitables *t, u8 irq, u32 gsi, u16 flags)
{
	const struct madt_override o = { MADT_OVERRIDE, sizeof(o), 0, irq, gsi, flags };

	append(t, &o, sizeof(o));
}

/* ISA lines that PIRQs and the SCI can raise are levels, active high. */
static u32 add_madt(struct acpitables *t, const struct acpitables_config *config)
{
	static const u8 levels[] = { 5, PIIX4_SCI_IRQ, 10, 11 };
	const struct madt madt = { make_header("APIC", MADT_REVISION), ACPITABLES_LAPIC_BASE,
				   MADT_HAS_8259 };
	const struct madt_ioapic ioapic = { MADT_IOAPIC, sizeof(ioapic), config->ioapic_id,
					    0,		 IOAPIC_BASE,	 0 };
	const struct madt_nmi nmi = { MADT_LAPIC_NMI, sizeof(nmi), MADT_ALL_CPUS, 0, 1 };
	u32 at = begin(t, 16);

	append(t, &madt, sizeof(madt));
	for (u8 i = 0; i < config->cpus; i++) {
		const struct madt_lapic lapic = { MADT_LAPIC, sizeof(lapic), i, i,
						  MADT_CPU_ENABLED };

		append(t, &lapic, sizeof(lapic));
	}
	append(t, &ioapic, sizeof(ioapic));
	add_override(t, 0, 2, 0); /* the timer; trigger and polarity as usual on ISA */
	for (unsigned i = 0; i < ARRAY_SIZE(levels); i++)
		add_override(t, levels[i], levels[i], MADT_LEVEL_HIGH);
	append(t, &nmi, sizeof(nmi));
	end(t, at);
	return at;
}

/* RSDT and XSDT: the same list with pointers of 4 and of 8 bytes. */
static u32 add_root(struct acpitables *t, const char *signature, u8 pointer_size, const u32 *table,
		    unsigned tables)
{
	struct header h = make_header(signature, 1);
	u32 at = begin(t, 16);

	append(t, &h, sizeof(h));
	for (unsigned i = 0; i < tables; i++) {
		u64 offset = table[i];

		add_pointer(t, t->size, pointer_size);
		append(t, &offset, pointer_size);
	}
	end(t, at);
	return at;
}

static void fill_rsdp(struct acpitables *t, u32 rsdt, u32 xsdt)
{
	struct rsdp r = { .revision = 2, .rsdt = rsdt, .length = sizeof(r), .xsdt = xsdt };

	memcpy(r.signature, "RSD PTR ", sizeof(r.signature));
	memcpy(r.oem_id, "ESPEJO", sizeof(r.oem_id));
	memcpy(t->rsdp, &r, sizeof(r));
	t->rsdp_pointer[0] = (struct acpitables_pointer){ offsetof(struct rsdp, rsdt), 4 };
	t->rsdp_pointer[1] = (struct acpitables_pointer){ offsetof(struct rsdp, xsdt), 8 };
	t->rsdp_sum[0] =
	    (struct acpitables_sum){ 0, RSDP_OLD_SIZE, offsetof(struct rsdp, checksum) };
	t->rsdp_sum[1] =
	    (struct acpitables_sum){ 0, sizeof(r), offsetof(struct rsdp, extended_checksum) };
}

void acpitables_build(struct acpitables *t, const struct acpitables_config *config)
{
	u32 facs, dsdt_at, rsdt, table[2];

	check(config->cpus >= 1 && config->cpus <= ACPITABLES_CPUS_MAX);
	memset(t, 0, sizeof(*t));
	facs = add_facs(t);
	dsdt_at = add_dsdt(t);
	table[0] = add_fadt(t, facs, dsdt_at);
	table[1] = add_madt(t, config);
	rsdt = add_root(t, "RSDT", 4, table, ARRAY_SIZE(table));
	fill_rsdp(t, rsdt, add_root(t, "XSDT", 8, table, ARRAY_SIZE(table)));
}

/* ---- Placing ---------------------------------------------------------------- */

static void relocate(u8 *data, const struct acpitables_pointer *p, u32 base)
{
	u64 value = 0;

	memcpy(&value, data + p->at, p->size);
	value += base;
	memcpy(data + p->at, &value, p->size);
}

static void add_up(u8 *data, const struct acpitables_sum *s)
{
	u8 sum = 0;

	for (u32 i = 0; i < s->length; i++)
		sum += data[s->start + i];
	data[s->at] -= sum;
}

void acpitables_place(struct acpitables *t, u32 base)
{
	check(IS_ALIGNED(base, ACPITABLES_ALIGN) && base <= ~0u - t->size);
	for (unsigned i = 0; i < t->pointers; i++)
		relocate(t->data, &t->pointer[i], base);
	for (unsigned i = 0; i < ARRAY_SIZE(t->rsdp_pointer); i++)
		relocate(t->rsdp, &t->rsdp_pointer[i], base);
	for (unsigned i = 0; i < t->sums; i++)
		add_up(t->data, &t->sum[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(t->rsdp_sum); i++)
		add_up(t->rsdp, &t->rsdp_sum[i]);
}
