/*
 * main.c - the hypervisor starts
 *
 * Owns: the order in which the parts are brought up; it is the table of contents.
 * Must not know: how any of them works.
 */
#include "type1/main.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "sched/sched.h"
#include "type1/acpi.h"
#include "type1/apic.h"
#include "type1/bootinfo.h"
#include "type1/console.h"
#include "type1/console_input.h"
#include "type1/guests.h"
#include "type1/irqroute.h"
#include "type1/layout.h"
#include "type1/loop.h"
#include "type1/modules.h"
#include "type1/multiboot.h"
#include "type1/nudge.h"
#include "type1/options.h"
#include "type1/paging.h"
#include "type1/power.h"
#include "type1/ram.h"
#include "type1/random.h"
#include "type1/script.h"
#include "type1/services.h"
#include "type1/shell.h"
#include "type1/silence.h"
#include "type1/smp.h"
#include "type1/timer.h"
#include "type1/traps.h"
#include "type1/tsc.h"
#include "virt.h"
#include "x86_ops.h"

#define STATUS_CANNOT_START 1
#define STATUS_GUEST_DEAD 2

static const struct virt_ops *const back_ends[] = { &amd_ops, &intel_ops };

static struct bootinfo info;
static struct options options;
static struct acpi_machine machine;
static char error[400];

/* What is missing was said in error: end without a panic, for it is no bug. */
static void must(int result)
{
	if (!result)
		return;
	host_log("espejo: cannot start: %s", error);
	host_exit(STATUS_CANNOT_START);
}

/* Memory as the loader's and firmware's parsers see it: the first 4 GiB. */
static const u8 *see(const struct physical *memory, u64 address, u64 len)
{
	(void)memory;
	if (address >= GiB(4) || len > GiB(4) - address)
		return NULL;
	return (const u8 *)DIRECT_BASE + address;
}

static const struct physical physical = { see };

/* Where to complain depends on options, so they are read even if the rest makes no sense. */
static void boot_information(u32 magic, u32 address)
{
	int result = multiboot_parse(magic, address, &physical, &info, error, sizeof(error));
	char why[sizeof(error)];
	int misread = options_parse(info.cmdline ? info.cmdline : "", &options, why, sizeof(why));

	if (options.console_raw)
		console_use_raw();
	if (options.exit_guest)
		power_as_guest();
	must(result);
	memcpy(error, why, sizeof(error));
	must(misread);
}

static void memory(void)
{
	must(ram_init(&info, error, sizeof(error)));
	ram_add_high(&info, paging_map_memory(&info));
}

static void screen(void)
{
	const struct screen_framebuffer *fb = &info.framebuffer;
	void *pixels;

	if (info.screen == BOOTINFO_VGA_TEXT)
		console_use_vga();
	if (info.screen != BOOTINFO_FRAMEBUFFER)
		return;
	pixels = paging_map_device(fb->address, (u64)fb->pitch * fb->height);
	if (pixels)
		console_use_framebuffer(fb, pixels);
}

static void greet(void)
{
	u64 total, reserved, used;

	host_memory(&total, &reserved, &used);
	host_log("espejo: a hypervisor you can read");
	host_log("espejo: memory: %lu MiB free of %lu MiB; %u modules from %s",
		 (total - used) >> 20, ram_size(&info) >> 20, info.module_count, info.loader);
}

static void interrupts(void)
{
	if (acpi_find(&physical, info.has_rsdp ? info.rsdp : NULL, &machine, error, sizeof(error)))
		host_log("espejo: %s: using one CPU", error);
	power_init(&machine);
	irqroute_init(&machine);
	if (!apic_init()) {
		host_log("espejo: cannot start: this CPU has no APIC, which the hypervisor needs");
		host_exit(STATUS_CANNOT_START);
	}
	apic_init_cpu();
	cpu_table[0]->apic_id = apic_id();
	loop_init();
}

static void time(void)
{
	must(tsc_init(error, sizeof(error)));
	timer_init_cpu();
	console_input_on();
}

/* On a CPU whose interrupts do not end a guest's run, NMIs must. */
static void preemption(void)
{
	if (!virt->kick_needs_nmi || !virt->kick_needs_nmi())
		return;
	if (options.console_raw)
		console_input_poll();
	if (!nudge_init())
		host_log("espejo: a guest that keeps interrupts off cannot be preempted here:"
			 " there is no I/O APIC to send an NMI");
}

static void virtualization(void)
{
	const char *why_not = virt_select(back_ends, ARRAY_SIZE(back_ends));

	if (why_not) {
		host_log("espejo: cannot start: no hardware virtualization%s", why_not);
		host_exit(STATUS_CANNOT_START);
	}
	if (virt->cpu_on()) {
		host_log("espejo: cannot start: %s cannot be switched on", virt->name);
		host_exit(STATUS_CANNOT_START);
	}
}

static void cpus(void)
{
	u64 mhz = host_tsc_hz() / 1000000;

	smp_start(&machine, options.cpus, ram_low_page(&info), loop_run);
	if (options.housekeeping && host_cpu_count() < 2) {
		host_log("espejo: cannot start: housekeeping keeps one CPU from the guests, and "
			 "there is only one");
		host_exit(STATUS_CANNOT_START);
	}
	sched_init(&sched_round_robin, options.housekeeping ? 1 : 0, host_cpu_count());
	host_log("espejo: %u of %u CPUs (by %s%s), %s, TSC %lu.%03lu GHz", host_cpu_count(),
		 MAX(machine.cpu_count, 1u), machine.source, apic_is_x2apic() ? ", x2APIC" : "",
		 virt->name, mhz / 1000, mhz % 1000);
}

/* Of a run that is over: how the first guest that did not end well ended. */
static unsigned status_of_guests(void)
{
	for (unsigned i = 0; guests_at(i); i++) {
		const struct vm *vm = guests_at(i)->vm;

		if (!vm || vm->state == VM_DEAD)
			return STATUS_GUEST_DEAD;
		if (vm->exit_value)
			return vm->exit_value;
	}
	return 0;
}

/*
 * exit=guest: the machine ends as its only guest does.  One that is halted for ever leaves it
 * running, as it would a machine of its own.
 */
static void end_as_guest(void)
{
	const struct vm *vm = guests_at(0)->vm;

	if (!vm || vm->state <= VM_HALTED)
		return;
	host_log("VM %s is %s: %s", vm->config.name, vm_state_name(vm->state), vm->cause);
	if (vm->exited)
		power_end(POWER_END_VALUE, vm->exit_value);
	if (vm->restart || vm->triple_fault)
		power_end(POWER_END_RESET, 0);
	if (vm->state == VM_OFF)
		power_end(POWER_END_OFF, 0);
	host_exit(STATUS_GUEST_DEAD);
}

/* The boot CPU's duties beside its vCPUs. */
static void work(void)
{
	const struct vm *vm;

	services_poll();
	if (options.exit_guest)
		end_as_guest();
	guests_poll();
	silence_poll();
	vm = console_focus();
	if (vm && guests_ended(vm))
		console_set_focus(NULL);
	console_take_input();
	if (script_active())
		script_poll();
	if (options.script_exit && !script_active()) {
		guests_poll(); /* ends that came while the script ran */
		host_exit(0);
	}
	if (options.exit_done && !guests_alive())
		host_exit(status_of_guests());
}

/* Without RDRAND, random numbers of VMs follow from this: said on the console. */
#define DECLARED_SEED 0x45737065a06f2026ull

/* console=raw and exit=guest speak of one VM. */
static int check_only_guest(void)
{
	struct vm_config *config;

	if (!options.console_raw && !options.exit_guest)
		return 0;
	if (!guests_at(0) || guests_at(1)) {
		fmt_string(error, sizeof(error), "%s is for exactly one VM",
			   options.exit_guest ? "exit=guest" : "console=raw");
		return -HOST_EINVAL;
	}
	config = &guests_at(0)->definition.config;
	/* Firmware and boot menus speak to the screen. */
	config->serial_only = options.console_raw && !config->firmware;
	return 0;
}

static void start(struct guest *g)
{
	int result = guests_start(g, error, sizeof(error));

	if (options.exit_guest)
		must(result);
	if (result)
		host_log("espejo: %s", error);
}

static void virtual_machines(void)
{
	struct blob script;

	must(modules_define_guests(&info, &script, error, sizeof(error)));
	must(check_only_guest());
	for (unsigned i = 0; guests_at(i); i++)
		start(guests_at(i));
	if (script.data)
		script_start((const char *)script.data, script.size);
	else if (!options.console_raw)
		shell_init();
	if (options.console_raw) /* whoever types waits for this line */
		host_log("espejo: the serial line is VM %s's",
			 guests_at(0)->definition.config.name);
	loop_set_work(work);
	silence_init(options.silence);
	loop_wake_boot_cpu(); /* for what is there already */
}

/* The lock of vm keeps others away from its stream. */
void host_random(struct vm *vm, void *to, size_t len)
{
	random_bytes(&guests_of(vm)->random, to, len);
}

u32 host_trace_size(void)
{
	return options.trace;
}

void main_start(u32 magic, u32 address)
{
	smp_init_boot_cpu();
	paging_init();
	smp_guard_stacks(cpu_table[0]);
	console_init();
	traps_init_cpu(cpu_table[0]);
	boot_information(magic, address);
	memory();
	screen();
	greet();
	interrupts();
	time();
	virtualization();
	preemption();
	cpus();
	random_init(options.has_seed ? options.seed : DECLARED_SEED, options.has_seed);
	services_init();
	loop_set_drivers(services_poll);
	virtual_machines();
	loop_run();
}
