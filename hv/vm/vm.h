/*
 * vm.h - what a virtual machine is
 *
 * Owns: the whole of one guest: CPUs, memory, devices, clock, and its life.
 * Must not know: CPU vendors, hosts.
 *
 * Locks, in the order in which they may be taken:
 *   vm->lock (devices)  >  memory.lock, timers  >  the scheduler's  >  the console's
 * vm->lock is never held across virt->run, and nobody waits for another CPU while holding it.
 */
#ifndef ESPEJO_VM_VM_H
#define ESPEJO_VM_VM_H

#include "dev/bus.h"
#include "dev/debugport.h"
#include "dev/exitport.h"
#include "dev/fwcfg.h"
#include "dev/i440fx.h"
#include "dev/i8042.h"
#include "dev/ioapic.h"
#include "dev/lines.h"
#include "dev/pauseport.h"
#include "dev/pic.h"
#include "dev/piix3.h"
#include "dev/piix4.h"
#include "dev/pit.h"
#include "dev/rtc.h"
#include "dev/uart.h"
#include "dev/vga.h"
#include "dev/virtio_blk.h"
#include "dev/virtio_console.h"
#include "dev/virtio_net.h"
#include "dev/virtio_rng.h"
#include "vm/cpuid.h"
#include "vm/memory.h"
#include "vm/vcpu.h"

#define VM_NAME_MAX 16
#define VM_CAUSE_MAX 160
#define VM_MAX_VCPUS 8
#define VM_MAX_DISKS 4

enum vm_state {
	VM_CREATED, /* not yet started */
	VM_RUNNING,
	VM_PAUSED,
	VM_HALTED, /* all vCPUs halted with interrupts off: nothing can wake it */
	VM_OFF, /* the guest powered itself off */
	VM_DEAD, /* it did what no machine survives, or was killed: see cause */
};

struct vm_config {
	char name[VM_NAME_MAX];
	u64 memory; /* bytes */
	unsigned vcpus;
	unsigned weight; /* of its share of CPU, default 100 */
	char cpu[16]; /* CPUID model: bare, v1 */
	bool strict; /* a store to where nothing is ends the VM; else it is lost, as on a PC */
	bool firmware; /* it runs first: devices are left as after power-on */
	bool serial_only; /* its console is the serial line: what other devices say is not heard */
	bool pause_port; /* the guest can pause it (dev/pauseport.h) */
	const struct tick_policy *ticks; /* of its PIT; NULL: as hardware */
	struct store *disk[VM_MAX_DISKS]; /* the maker's, open while the VM is there */
	unsigned disks;
	struct net_switch *net; /* NULL: no network card */
	u8 mac[LINK_MAC];
};

struct tables_firmware;

struct vm {
	struct vm_config config;
	unsigned id; /* 1.. */
	u8 state; /* enum vm_state */
	bool restart; /* the guest reset itself: whoever made it loads it anew (host_vm_ended) */
	char cause[VM_CAUSE_MAX]; /* why it is HALTED, OFF or DEAD: a sentence */
	bool triple_fault; /* why it is DEAD; a PC would have been reset */
	bool exited; /* by the exit port */
	u32 exit_value; /* written there */
	u64 console_bytes; /* what it wrote to its console, in all */

	struct host_lock lock;
	struct memory memory;
	struct cpuid_table cpuid;

	unsigned vcpu_count;
	struct vcpu *vcpu[VM_MAX_VCPUS];

	struct bus bus;
	struct host_timer timer; /* for the earliest alarm of the bus */
	bool alarms_late; /* one was due while no vCPU could notice: vm_catch_up */
	u64 clock_base; /* host_now at which the machine's clock reads 0 */
	u64 paused_at; /* host_now, while paused; else 0 */
	u64 paused_tsc; /* the host's TSC then */
	u64 tsc_base; /* host TSC at which the guest's TSC read 0 at reset */

	struct uart uart;
	struct pic pic;
	struct pit pit;
	struct rtc rtc;
	struct i8042 i8042;
	struct debugport debugport, firmware_port;
	struct lines lines;
	struct exitport exitport;
	struct pauseport pauseport;
	struct ioapic ioapic;
	struct pci pci;
	struct i440fx i440fx;
	struct piix3 piix3;
	struct piix4 piix4;
	struct fwcfg fwcfg;
	struct tables_firmware *firmware; /* NULL: none runs */
	struct vga vga;
	u8 *vga_memory;
	struct virtio_console console;
	struct virtio_rng rng;
	struct virtio_net *net; /* NULL: none */
	struct virtio_blk *disk[VM_MAX_DISKS];
	unsigned disk_count;
};

/*
 * A new machine, switched off.  0, or negative with a sentence in error.  The structures are
 * freed by vm_free, which needs all vCPUs unloaded (vm_stop, then wait).
 */
int vm_create(const struct vm_config *config, struct vm **result, char *error, size_t size);
void vm_free(struct vm *vm);

/* Devices, CPUs and clock as after power-on; memory is kept.  No vCPU may be loaded. */
void vm_reset(struct vm *vm);

/*
 * Start or resume; pause, on any CPU, the lock held or not.  A paused machine's clock stands; it is
 * quiet a moment later (vm_is_quiet).
 */
void vm_start(struct vm *vm);
void vm_pause(struct vm *vm);

/*
 * The guest is at its end: state is VM_HALTED, VM_OFF or VM_DEAD, and the cause says why.
 * Any CPU; the first one wins.
 */
void vm_end(struct vm *vm, enum vm_state state, const char *cause, ...) PRINTF_LIKE(3, 4);
/* The end of a PC whose CPU shuts down, of which v is one. */
void vm_end_triple_fault(struct vcpu *v);

/* Are all its vCPUs halted with interrupts off and nothing that could wake them?  Then it ends. */
void vm_check_halted(struct vm *vm);

/* No vCPU of it is on any CPU any more, and nothing that its devices began goes on. */
bool vm_is_quiet(struct vm *vm);

/* Every CPU that runs vm forgets translations; returns when all have.  No lock may be held. */
void vm_flush(struct vm *vm);

/* Let alarms go off that waited for a vCPU to run. */
void vm_catch_up(struct vm *vm);

/* The machine's clock in ns. */
u64 vm_clock(const struct vm *vm);

/*
 * A tick of every LAPIC's timer in ns: 1, but where the TSC is slower than that (Bochs: 50 MHz), as
 * much as makes the timer no faster than the TSC.  CPUID leaf 0x15 tells it to guests.
 */
u16 vm_lapic_tick_ns(void);

/* A character for the machine's serial line; false: its FIFO is full, try later. */
bool vm_console_input(struct vm *vm, u8 byte);

const char *vm_state_name(unsigned state);

#define VM_EXITS_TEXT 1280 /* all reasons */

/* Its exits by reason, the most frequent first: "port 45, CPUID 1".  Their number. */
u64 vm_exits(const struct vm *vm, char text[VM_EXITS_TEXT]);

#endif
