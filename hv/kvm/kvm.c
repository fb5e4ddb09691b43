/*
 * kvm.c - Linux's KVM behind virt.h
 *
 * Owns: finding out whether KVM is there and has what is needed; making VMs; the table of the
 * back end.
 * Must not know: what an exit means.
 *
 * Source: [KVM] "KVM_CHECK_EXTENSION" (4.4), "KVM_X86_SET_MSR_FILTER" (4.97), "KVM_ENABLE_CAP"
 * (4.37).
 */
#include "kvm/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/fmt.h"

#define DEVICE "/dev/kvm"
#define REASON_MAX 200
/* Pages that KVM wants for itself on an Intel CPU without unrestricted guest: nothing is there. */
#define IDENTITY_MAP_PAGE 0xfeffc000ull
#define TSS_PAGES 0xfeffd000ull /* three */

/*
 * Where KVM is not like a CPU unless it is asked to be: LINT0 and CR0.CD at reset, a hole below the
 * local APIC, the length of OUT to port 0x7e, MWAIT in MISC_ENABLE, VMCALL that becomes VMMCALL in
 * the guest's memory, no #UD from MWAIT.  [KVM] "KVM_CAP_DISABLE_QUIRKS" (7.11), bits 0 to 6.
 */
#define QUIRKS BITS(6, 0)

struct kvm_features kvm_features;

static char reason[REASON_MAX];
static int reason_errno;

/* ---- Can it be done? ---- */

#define NEED(capability, least)                                                                    \
	{                                                                                          \
		KVM_CAP_##capability, least, "KVM_CAP_" #capability                                \
	}

/* least: what KVM_CHECK_EXTENSION must have set. */
static const struct {
	int number;
	int least;
	const char *name;
} needed[] = {
	NEED(USER_MEMORY, 1),
	NEED(READONLY_MEM, 1),
	NEED(EXT_CPUID, 1),
	NEED(IMMEDIATE_EXIT, 1),
	NEED(SYNC_REGS, KVM_SYNC_X86_REGS | KVM_SYNC_X86_EVENTS),
	NEED(SREGS2, 1),
	NEED(XSAVE, 1),
	NEED(XCRS, 1),
	NEED(DEBUGREGS, 1),
	NEED(VCPU_EVENTS, 1),
	NEED(EXCEPTION_PAYLOAD, 1),
	NEED(X86_USER_SPACE_MSR, 1),
	NEED(X86_MSR_FILTER, 1),
};

static const char *refuse(int error, const char *format, ...) PRINTF_LIKE(2, 3);
static const char *refuse(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vstring(reason, sizeof(reason), format, args);
	va_end(args);
	reason_errno = error;
	return reason;
}

int kvm_probe_errno(void)
{
	return reason_errno;
}

static const char *no_device(int error)
{
	switch (error) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return refuse(ENOENT,
			      "KVM: there is no " DEVICE ": it takes a Linux with kvm-amd or "
			      "kvm-intel loaded, on a CPU whose virtualization is enabled in "
			      "the firmware setup");
	case EACCES:
	case EPERM:
		return refuse(EACCES,
			      "KVM: no permission to open " DEVICE ": join its group (kvm), or "
			      "ask whoever runs this machine");
	default:
		return refuse(error, "KVM: " DEVICE " cannot be opened: %s", strerror(error));
	}
}

static int extension(int fd, int capability)
{
	int value = ioctl(fd, KVM_CHECK_EXTENSION, capability);

	return value < 0 ? 0 : value;
}

#define CPUID_1_ECX_VMX BIT(5)
#define CPUID_EXT_ECX_SVM BIT(2)
#define CPUID_EXT_EDX_RDTSCP BIT(27)

/*
 * A KVM on a CPU that shows neither is software: it carries out instructions one by one, slower
 * than an emulator, and not all of them.
 */
static bool is_hardware(void)
{
	return (host_cpuid(1, 0).ecx & CPUID_1_ECX_VMX) ||
	       (host_cpuid(CPUID_EXTENDED + 1, 0).ecx & CPUID_EXT_ECX_SVM);
}

static const char *lacks(int fd)
{
	int version = ioctl(fd, KVM_GET_API_VERSION, 0), slots = extension(fd, KVM_CAP_NR_MEMSLOTS);

	if (!is_hardware())
		return refuse(ENOTSUP,
			      "KVM: this CPU shows neither AMD-V nor VT-x, so its KVM is software, "
			      "slower than an emulator");
	if (version != KVM_API_VERSION)
		return refuse(ENOTSUP, "KVM: its interface has version %d, not %d", version,
			      KVM_API_VERSION);
	for (unsigned i = 0; i < ARRAY_SIZE(needed); i++)
		if ((extension(fd, needed[i].number) & needed[i].least) != needed[i].least)
			return refuse(ENOTSUP, "KVM: this one lacks %s; Linux 5.14 has it",
				      needed[i].name);
	if (slots < KVM_SLOTS)
		return refuse(ENOTSUP,
			      "KVM: it has %d memory regions (KVM_CAP_NR_MEMSLOTS), %d are "
			      "needed",
			      slots, KVM_SLOTS);
	if (!kvm_cpuid_read(fd))
		return refuse(ENOTSUP, "KVM: it does not say which CPU features it supports");
	return NULL;
}

static void read_features(int fd)
{
	int xsave = extension(fd, KVM_CAP_XSAVE2);

	kvm_features = (struct kvm_features){
		.fd = fd,
		.run_size = (unsigned)ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 0),
		.xsave_size = MAX((unsigned)xsave, (unsigned)sizeof(struct kvm_xsave)),
		.xsave2 = xsave > 0,
		.tsc_offset = extension(fd, KVM_CAP_VCPU_ATTRIBUTES),
		.exit_on_emulation = extension(fd, KVM_CAP_EXIT_ON_EMULATION_FAILURE),
		.tss_address = extension(fd, KVM_CAP_SET_TSS_ADDR),
		.svm = host_cpuid(CPUID_EXTENDED + 1, 0).ecx & CPUID_EXT_ECX_SVM,
		.tsc_aux = kvm_cpuid(CPUID_EXTENDED + 1, 0).edx & CPUID_EXT_EDX_RDTSCP,
		.quirks = (u64)extension(fd, KVM_CAP_DISABLE_QUIRKS2) & QUIRKS,
	};
}

/*
 * /dev/kvm stays open: where it is needed again, the process may see no files any more.
 */
static const char *probe(void)
{
	int fd = kvm_features.fd > 0 ? kvm_features.fd : open(DEVICE, O_RDWR | O_CLOEXEC);
	const char *why_not;

	if (fd < 0)
		return no_device(errno);
	why_not = lacks(fd);
	if (why_not) {
		close(fd);
		kvm_features.fd = 0;
		return why_not;
	}
	read_features(fd);
	reason_errno = 0;
	return NULL;
}

static size_t xsave_size(void)
{
	return kvm_features.xsave_size;
}

static int cpu_on(void)
{
	return 0;
}

static void cpu_off(void)
{
}

int kvm_must_named(int fd, unsigned long request, const char *name, void *argument)
{
	int result = ioctl(fd, request, argument);

	if (result < 0)
		panic("%s: %s", name, strerror(errno));
	return result;
}

/* ---- VMs ---- */

/*
 * Tell KVM what slot n is by now: where it begins for the guest, where that memory is in this
 * process, how many bytes; none means that KVM forgets it.  What the guest may not write (PROT_W)
 * must be read-only to KVM as well: a store there is then an exit, as one to a device is.  KVM
 * notes which pages are written if, and only if, the slot is logged.  0, or -errno of Linux.
 * Source: [KVM] "KVM_SET_USER_MEMORY_REGION" (4.35).  k->fd is a descriptor plus one (kvm.h).
 */
static int set_slot(struct kvm_slots *slots, unsigned n)
{
	struct kvm_vm *k = container_of(slots, struct kvm_vm, slots);
	const struct kvm_slot *slot = &slots->slot[n];
	struct kvm_userspace_memory_region region = {
		.slot = n,
		.guest_phys_addr = slot->at,
		.memory_size = slot->size,
		.userspace_addr = (uintptr_t)slot->host,
		.flags = (slot->prot & PROT_W ? 0u : KVM_MEM_READONLY) |
			 (slot->logged ? KVM_MEM_LOG_DIRTY_PAGES : 0u),
	};

	return ioctl(k->fd - 1, KVM_SET_USER_MEMORY_REGION, &region) ? -errno : 0;
}

static int fetch_log(struct kvm_slots *slots, unsigned n, u64 *bitmap)
{
	struct kvm_vm *k = container_of(slots, struct kvm_vm, slots);
	struct kvm_dirty_log log = { .slot = n, .dirty_bitmap = bitmap };

	return ioctl(k->fd - 1, KVM_GET_DIRTY_LOG, &log) ? -errno : 0;
}

static void enable(struct kvm_vm *k, u32 capability, u64 argument, const char *name)
{
	struct kvm_enable_cap cap = { .cap = capability, .args[0] = argument };

	kvm_must_named(k->fd - 1, KVM_ENABLE_CAP, name, &cap);
}

/* All MSRs that are not left to KVM, or that it does not know, come to us. */
static void configure(struct kvm_vm *k)
{
	u64 identity_map = IDENTITY_MAP_PAGE;

	enable(k, KVM_CAP_X86_USER_SPACE_MSR,
	       KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER,
	       "KVM_CAP_X86_USER_SPACE_MSR");
	enable(k, KVM_CAP_EXCEPTION_PAYLOAD, 1, "KVM_CAP_EXCEPTION_PAYLOAD");
	if (kvm_features.exit_on_emulation)
		enable(k, KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1,
		       "KVM_CAP_EXIT_ON_EMULATION_FAILURE");
	if (kvm_features.quirks)
		enable(k, KVM_CAP_DISABLE_QUIRKS2, kvm_features.quirks, "KVM_CAP_DISABLE_QUIRKS2");
	if (!kvm_features.tss_address)
		return;
	kvm_must(k->fd - 1, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
	kvm_must(k->fd - 1, KVM_SET_TSS_ADDR, (void *)TSS_PAGES);
}

static void set_filter(struct kvm_vm *k)
{
	static const u32 first[KVM_FILTER_PARTS] = { 0, 0xc0000000, 0xc0010000 };
	struct kvm_msr_filter filter = { .flags = KVM_MSR_FILTER_DEFAULT_DENY };

	for (unsigned i = 0; i < KVM_FILTER_PARTS; i++) {
		struct kvm_msr_filter_range range = { .nmsrs = KVM_FILTER_MSRS, .base = first[i] };

		range.flags = KVM_MSR_FILTER_READ;
		range.bitmap = k->filter->read[i];
		filter.ranges[2 * i] = range;
		range.flags = KVM_MSR_FILTER_WRITE;
		range.bitmap = k->filter->write[i];
		filter.ranges[2 * i + 1] = range;
	}
	kvm_must(k->fd - 1, KVM_X86_SET_MSR_FILTER, &filter);
}

static void vm_free_kvm(struct vm *vm)
{
	struct kvm_vm *k = kvm_vm(vm);

	kvm_slots_free(&k->slots);
	if (k->filter)
		host_free_pages(k->filter, host_order(sizeof(*k->filter)));
	if (k->fd)
		close(k->fd - 1);
	k->filter = NULL;
	k->fd = 0;
}

static int vm_init(struct vm *vm)
{
	struct kvm_vm *k = kvm_vm(vm);
	int fd = ioctl(kvm_features.fd, KVM_CREATE_VM, 0);

	k->filter = host_alloc_pages(host_order(sizeof(*k->filter)));
	k->fd = fd < 0 ? 0 : fd + 1;
	k->slots.set = set_slot;
	k->slots.fetch = fetch_log;
	if (fd < 0 || !k->filter) {
		vm_free_kvm(vm);
		return -HOST_ENOMEM;
	}
	configure(k);
	set_filter(k);
	return 0;
}

/* A register beyond the map always exits. */
static void pass(u8 map[KVM_FILTER_PARTS][KVM_FILTER_MSRS / 8], u32 msr, bool on)
{
	static const u32 first[KVM_FILTER_PARTS] = { 0, 0xc0000000, 0xc0010000 };

	for (unsigned part = 0; part < KVM_FILTER_PARTS; part++) {
		u32 bit = msr - first[part];

		if (bit >= KVM_FILTER_MSRS)
			continue;
		if (on)
			map[part][bit / 8] |= (u8)BIT(bit % 8);
		else
			map[part][bit / 8] &= (u8)~BIT(bit % 8);
	}
}

/* All ports exit: KVM has no map of them. */
static void trap_set(struct vm *vm, const struct trap *trap)
{
	struct kvm_vm *k = kvm_vm(vm);

	if (trap->kind == TRAP_IO)
		return;
	for (u64 msr = trap->first; msr <= trap->last; msr++)
		pass(trap->kind == TRAP_MSR_READ ? k->filter->read : k->filter->write, (u32)msr,
		     !trap->on);
	set_filter(k);
}

/* ---- Guest memory ---- */

static int map(struct vm *vm, gpa_t at, void *host, u64 size, unsigned prot)
{
	return kvm_slots_map(&kvm_vm(vm)->slots, at.v, host, size, prot);
}

static void unmap(struct vm *vm, gpa_t at, u64 size)
{
	kvm_slots_unmap(&kvm_vm(vm)->slots, at.v, size);
}

static void protect(struct vm *vm, gpa_t at, u64 size, unsigned prot)
{
	kvm_slots_protect(&kvm_vm(vm)->slots, at.v, size, prot);
}

static void dirty_fetch_and_clear(struct vm *vm, gpa_t at, u64 size, u64 *bitmap)
{
	kvm_slots_dirty(&kvm_vm(vm)->slots, at.v, size, bitmap);
}

/* The tables are KVM's. */
static unsigned walk(struct vm *vm UNUSED, gpa_t a UNUSED, u64 entries[5] UNUSED,
		     hpa_t *page UNUSED)
{
	return 0;
}

/* Nothing of KVM's has a name here. */
static bool poke(struct vcpu *v UNUSED, const char *field UNUSED, u64 value UNUSED,
		 bool force UNUSED)
{
	return false;
}

const u32 kvm_runtime_ioctls[] = {
	(u32)KVM_RUN,		(u32)KVM_SET_CPUID2,	  (u32)KVM_GET_SREGS2,
	(u32)KVM_SET_SREGS2,	(u32)KVM_GET_DEBUGREGS,	  (u32)KVM_SET_DEBUGREGS,
	(u32)KVM_GET_MSRS,	(u32)KVM_SET_MSRS,	  (u32)KVM_GET_XSAVE,
	(u32)KVM_GET_XSAVE2,	(u32)KVM_SET_XSAVE,	  (u32)KVM_GET_XCRS,
	(u32)KVM_SET_XCRS,	(u32)KVM_SET_DEVICE_ATTR, (u32)KVM_SET_USER_MEMORY_REGION,
	(u32)KVM_GET_DIRTY_LOG,
};
const unsigned kvm_runtime_ioctl_count = ARRAY_SIZE(kvm_runtime_ioctls);

const struct virt_ops kvm_ops = {
	.name = "KVM",
	.vm_size = sizeof(struct kvm_vm),
	.vcpu_size = sizeof(struct kvm_vcpu),
	.xsave_size = xsave_size,
	.cpuid = kvm_cpuid,
	.probe = probe,
	.cpu_on = cpu_on,
	.cpu_off = cpu_off,
	.vm_init = vm_init,
	.vm_free = vm_free_kvm,
	.vcpu_init = kvm_vcpu_init,
	.vcpu_free = kvm_vcpu_free,
	.load = kvm_vcpu_load,
	.unload = kvm_vcpu_load,
	.run = kvm_vcpu_run,
	.kick = kvm_vcpu_kick,
	.complete = kvm_vcpu_complete,
	.get_state = kvm_get_state,
	.set_state = kvm_set_state,
	.breakpoints = kvm_breakpoints,
	.inject = kvm_inject,
	.window = kvm_window,
	.trap = trap_set,
	.map = map,
	.unmap = unmap,
	.protect = protect,
	.dirty_fetch_and_clear = dirty_fetch_and_clear,
	.flush = kvm_vcpu_load,
	.walk = walk,
	.explain = kvm_explain,
	.poke = poke,
	.raw_name = kvm_raw_name,
	.dump = kvm_dump,
};
