/*
 * main.c - a guest as a Linux process
 *
 * Owns: the order in which the parts are brought up; it is the table of contents.
 * Must not know: how any of them works.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kvm/kvm.h"
#include "lib/fmt.h"
#include "type2/attempt.h"
#include "type2/confine.h"
#include "type2/console.h"
#include "type2/disks.h"
#include "type2/file_store.h"
#include "type2/filter.h"
#include "type2/guest.h"
#include "type2/netsocket.h"
#include "type2/options.h"
#include "type2/ram.h"
#include "type2/record.h"
#include "type2/statefile.h"
#include "type2/tap.h"
#include "type2/terminal.h"
#include "type2/threads.h"
#include "type2/timer.h"
#include "type2/uplink.h"
#include "type2/usernet.h"
#include "type2/watcher.h"

#define STATUS_GUEST_DEAD 1 /* it did what no machine survives, or halted for ever */
#define STATUS_EXIT_GUEST_FAILED 125
#define DISK_THREADS 4
#define STDIN_POLL 0
#define GUEST_POLL 1
#define SIGNAL_POLL 2

static struct options options;
static struct files files;
static struct vm_config config = { .name = "guest", .weight = 100 };
static struct failure why;

u32 host_trace_size(void)
{
	return options.trace_entries;
}

/* With --exit-guest every other status is the guest's. */
static int failed_as(int status)
{
	return options.exit_guest ? STATUS_EXIT_GUEST_FAILED : status;
}

static void must(bool good)
{
	if (good)
		return;
	host_log("%s", why.text);
	exit(failed_as(why.status));
}

static void command_line(int argc, char **argv)
{
	if (options_parse(argc, argv, &options, why.text)) {
		why.status = FAILURE_USAGE;
		must(false);
	}
	if (!options.help)
		return;
	fputs(options_usage, stdout);
	exit(0);
}

/* ---- What has to be open before we lock ourselves in ------------------------------------------
 */

static void virtualization(void)
{
	static const struct virt_ops *const back_ends[] = { &kvm_ops };
	const char *missing = virt_select(back_ends, 1);

	if (!missing && !virt->cpu_on())
		return;
	must(failure_set(
	    &why, kvm_probe_errno() == EACCES ? FAILURE_NO_PERMISSION : FAILURE_UNAVAILABLE,
	    "cannot start: %s", missing ? missing + strspn(missing, "\n ") : "KVM does not start"));
}

static void network(void)
{
	static const u8 ours[LINK_MAC] = { 0x52, 0x54, 0x00, 0xe5, 0x00, 0x01 };
	int fd = options.net_fd;

	if (options.net == NET_NONE)
		return;
	if (options.net == NET_TAP)
		fd = tap_open(options.tap, &why);
	else if (options.net == NET_USER)
		fd = usernet_start(&why);
	else if (options.net == NET_SOCKET)
		fd = netsocket_open(options.net_mine, options.net_peer, &why);
	must(fd >= 0);
	config.net = uplink_open(fd, options.net == NET_TAP ? options.tap : "uplink");
	if (!config.net)
		must(failure_set(&why, FAILURE_OS, "no memory for the network"));
	memcpy(config.mac, options.has_mac ? options.mac : ours, LINK_MAC);
}

static void open_all(void)
{
	if (options.net == NET_FD)
		must(netsocket_check(options.net_fd, &why));
	must(files_open(&options, &files, &why));
	must(disks_open(&options, &config, &why));
	virtualization();
	network();
	if (options.trace)
		must(record_open(options.trace, &why));
	if (options.state)
		must(statefile_open(options.state, &why));
}

/* ---- The guest's process --------------------------------------------------------------------- */

static void machine(void)
{
	config.memory = options.memory;
	config.vcpus = options.cpus;
	config.firmware = options.by_firmware;
	config.serial_only = !options.by_firmware;
	config.pause_port = options.state != NULL;
	fmt_string(config.cpu, sizeof(config.cpu), "%s", options.cpu);
	timer_calibrate();
	must(guest_make(&config, &files, &why));
}

static void threads(void)
{
	if (!threads_start_vcpus(options.cpus) || !timer_start_thread() ||
	    (options.disks && !file_store_start_threads(DISK_THREADS)) || !uplink_start_thread())
		must(failure_set(&why, FAILURE_OS, "the system gives no more threads: %s",
				 strerror(errno)));
}

static void lock_in(void)
{
	struct filter_wishes wishes = { .ioctls = kvm_runtime_ioctls,
					.ioctl_count = kvm_runtime_ioctl_count };

	confine_limits();
	if (!filter_install(&wishes))
		host_log("this kernel cannot filter system calls: the guest runs without");
	if (options.attempt)
		exit(attempt_run(options.attempt) ? FAILURE_USAGE : FAILURE_SOFTWARE);
}

/*
 * The operator, or who sent SIGTERM, wants an end: the guest's own first, then ours.  A guest that
 * does not listen has no end of its own.
 */
static void press_button(void)
{
	static bool pressed;
	bool heard = !pressed && guest_power_button();

	if (!pressed && !heard)
		host_log("stopped: the guest does not listen to its power button");
	if (!heard)
		exit(WATCHER_STOPPED);
	pressed = true;
	if (options.verbose)
		host_log("the guest's power button was pressed");
}

/* The guest paused itself, for its state to be taken. */
static void look_paused(void)
{
	if (READ_ONCE(guest_vm()->state) == VM_PAUSED)
		must(statefile_take(guest_vm(), &why));
}

/* One that is halted for ever is left so with --exit-guest, as a machine of its own would be. */
static bool over(void)
{
	if (guest_poll(!options.exit_guest, &why) == GUEST_RUNS) {
		look_paused();
		return false;
	}
	return !options.exit_guest || guest_vm()->state != VM_HALTED;
}

static void run(void)
{
	struct pollfd fds[] = {
		[STDIN_POLL] = { .fd = STDIN_FILENO },
		[GUEST_POLL] = { .fd = guest_event_fd(), .events = POLLIN },
		[SIGNAL_POLL] = { .fd = watcher_signal_fd(), .events = POLLIN },
	};
	bool escape;

	guest_start();
	for (;;) {
		int ms = console_feed(guest_vm());

		fds[STDIN_POLL].events = console_wants_input() ? POLLIN : 0;
		poll(fds, ARRAY_SIZE(fds), ms);
		if (fds[GUEST_POLL].revents && over())
			return;
		if (fds[SIGNAL_POLL].revents) {
			watcher_take_signal();
			press_button();
		}
		if (!fds[STDIN_POLL].revents)
			continue;
		if (!console_read(&escape))
			fds[STDIN_POLL].fd = -1;
		if (escape)
			press_button();
	}
}

/* Port 45, CPUID 1: as `vm list` of the Type 1 has it. */
static void log_exits(const struct vm *vm)
{
	char exits[VM_EXITS_TEXT];

	if (vm_exits(vm, exits))
		host_log("VM %s: exits: %s", vm->config.name, exits);
}

static int status(void)
{
	const struct vm *vm = guest_vm();

	if (options.verbose)
		log_exits(vm);
	if (options.verbose || vm->state != VM_OFF)
		host_log("VM %s is %s: %s", vm->config.name, vm_state_name(vm->state), vm->cause);
	if (why.status)
		must(false);
	if (vm->exited)
		return (u8)(vm->exit_value << 1 | 1);
	if (vm->state == VM_OFF || (options.exit_guest && (vm->restart || vm->triple_fault)))
		return 0;
	return failed_as(STATUS_GUEST_DEAD);
}

int main(int argc, char **argv)
{
	const char *confined;

	console_open_standard();
	timer_init();
	command_line(argc, argv);
	ram_init(ram_of_machine());
	open_all();
	confined = confine_namespaces(false, NULL);
	if (options.verbose)
		host_log("confined: %s", confined);
	console_init(terminal_raw());
	if (!watcher_split(failed_as(FAILURE_SOFTWARE), &why)) {
		terminal_restore();
		must(false);
	}
	machine();
	threads();
	lock_in();
	run();
	if (!record_write(guest_vm()))
		return failed_as(FAILURE_IO);
	return status();
}
