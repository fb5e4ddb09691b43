/* guest.c - see guest.h */
#include "type2/guest.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "vm/tables.h"

#define QUIET_POLL_MS 1

static struct {
	struct vm *vm;
	const struct files *files;
	int ended; /* an eventfd */
} guest = { .ended = -1 };

struct vm *guest_vm(void)
{
	return guest.vm;
}

int guest_event_fd(void)
{
	return guest.ended;
}

/* ---- Making --------------------------------------------------------------------------------- */

static bool load(struct failure *why)
{
	const struct files *f = guest.files;
	struct vm *vm = guest.vm;
	struct load_request request = {
		.kernel = f->kernel,
		.cmdline = f->cmdline,
		.initrd = f->initrd,
		.modules = f->module,
		.module_count = f->modules,
	};
	int result;

	if (vm->config.firmware) {
		tables_offer(vm, f->rom, f->roms);
		result = load_firmware(vm, &f->kernel, why->text, sizeof(why->text));
	} else {
		request.acpi_rsdp = tables_place(vm);
		result = load_kernel(vm, &request, why->text, sizeof(why->text));
	}
	if (result)
		why->status = FAILURE_DATA;
	return !result;
}

bool guest_make(const struct vm_config *config, const struct files *files, struct failure *why)
{
	int result;

	guest.files = files;
	guest.ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (guest.ended < 0)
		return failure_set(why, FAILURE_OS, "no event descriptor");
	result = vm_create(config, &guest.vm, why->text, sizeof(why->text));
	if (result)
		why->status = result == -HOST_EINVAL ? FAILURE_USAGE : FAILURE_UNAVAILABLE;
	return !result && load(why);
}

void guest_start(void)
{
	vm_start(guest.vm);
}

/* ---- Its end -------------------------------------------------------------------------------- */

/* Any thread, the VM's lock held: only a note for guest_poll. */
void host_vm_ended(struct vm *vm UNUSED)
{
	u64 one = 1;

	while (write(guest.ended, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* The same. */
void host_vm_paused(struct vm *vm)
{
	host_vm_ended(vm);
}

static void wait_quiet(void)
{
	while (!vm_is_quiet(guest.vm))
		poll(NULL, 0, QUIET_POLL_MS);
}

bool guest_reload(struct failure *why)
{
	vm_reset(guest.vm);
	return load(why);
}

enum guest_state guest_poll(bool restart, struct failure *why)
{
	u64 count;

	while (read(guest.ended, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	if (READ_ONCE(guest.vm->state) < VM_HALTED)
		return GUEST_RUNS;
	wait_quiet();
	if (!guest.vm->restart || !restart)
		return GUEST_ENDED;
	if (!guest_reload(why))
		return GUEST_ENDED;
	vm_start(guest.vm);
	return GUEST_RUNS;
}

bool guest_power_button(void)
{
	bool heard;

	host_lock(&guest.vm->lock);
	heard = guest.vm->state == VM_RUNNING && piix4_power_button(&guest.vm->piix4);
	host_unlock(&guest.vm->lock);
	return heard;
}

void guest_stop(void)
{
	vm_end(guest.vm, VM_DEAD, "stopped");
	wait_quiet();
}

void guest_free(void)
{
	if (guest.vm)
		vm_free(guest.vm);
	guest.vm = NULL;
}

/* ---- What else its devices ask of the host -------------------------------------------------- */

/* The kernel's generator: nothing of one guest's numbers follows from another's. */
void host_random(struct vm *vm UNUSED, void *to, size_t len)
{
	u8 *at = to;

	while (len) {
		ssize_t got = getrandom(at, len, 0);

		check(got > 0 || errno == EINTR);
		if (got > 0) {
			at += got;
			len -= (size_t)got;
		}
	}
}
