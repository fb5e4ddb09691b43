/*
 * count.c - a QEMU plugin: how many instructions a whole run executed
 *
 * Usage: qemu-system-x86_64 -accel tcg,thread=single ... -plugin count.so,out=FILE[,marks=FILE]
 *
 * icount's clock jumps while a CPU is halted, so it cannot tell the cost of a workload that waits;
 * this can.  Every executed instruction of every CPU counts one, of firmware, hypervisor and guests
 * alike.  At the end FILE holds one number.
 *
 * marks: a line "NUMBER EXECUTED ENTRIES GUEST" for each mark (tools/linux/mark.h) that was
 * executed, in order: how many instructions came before, how many of them were VMRUN, that is,
 * entries into guests, and how many were executed between a VMRUN and the instruction behind it,
 * where exits lead: guests' own.  The first VMRUN gives a line of number 0.  (TCG has no VT-x.)
 *
 * Debian ships QEMU with plugins but without their header, so what is used of version 1 of the API
 * is declared here.  Source: QEMU, "QEMU TCG Plugins", "API" (docs/devel/tcg-plugins).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../linux/mark.h"

#define EXPORT __attribute__((visibility("default")))
#define API_VERSION 1
#define INLINE_ADD_U64 0
#define PATH_SIZE 4096
#define CB_NO_REGS 0

typedef uint64_t plugin_id;
struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *to,
						uint64_t value);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*f)(unsigned cpu, void *data), int flags,
					    void *data);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
					   void (*f)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_atexit_cb(plugin_id id, void (*f)(plugin_id id, void *data), void *data);

EXPORT int qemu_plugin_version = API_VERSION;
EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv);

#define VMRUNS_MAX 64

static uint64_t executed, entries, guest, entered_at;
static const uint8_t
    *behind_vmrun[VMRUNS_MAX]; /* where it lies in this process: no two are the same */
static unsigned vmruns;
static bool inside; /* a guest */
static char out[PATH_SIZE];
static FILE *marks;

/* [APM] vol. 3 "VMRUN" and "NOP". */
static const uint8_t vmrun[] = { 0x0f, 0x01, 0xd8 };
static const uint8_t mark[] = { 0x0f, 0x1f, 0x84, 0x00 };

static void marked(unsigned cpu, void *number)
{
	(void)cpu;
	fprintf(marks, "%u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", (unsigned)(uintptr_t)number,
		executed, entries, guest + (inside ? executed - entered_at : 0));
}

static void entered(unsigned cpu, void *data)
{
	if (!entries++)
		marked(cpu, data);
	inside = true;
	entered_at = executed;
}

static void left(unsigned cpu, void *data)
{
	(void)cpu;
	(void)data;
	if (inside)
		guest += executed - entered_at;
	inside = false;
}

static bool is_behind_vmrun(const uint8_t *at)
{
	for (unsigned i = 0; i < vmruns; i++)
		if (behind_vmrun[i] == at)
			return true;
	return false;
}

static void look_at_vmrun(struct qemu_plugin_insn *insn)
{
	const uint8_t *next = (const uint8_t *)qemu_plugin_insn_haddr(insn) + sizeof(vmrun);

	if (!is_behind_vmrun(next) && vmruns < VMRUNS_MAX)
		behind_vmrun[vmruns++] = next;
	qemu_plugin_register_vcpu_insn_exec_cb(insn, entered, CB_NO_REGS, NULL);
}

/* Those instructions that are more than one among many. */
static void look(struct qemu_plugin_insn *insn)
{
	const uint8_t *byte = qemu_plugin_insn_data(insn);
	size_t size = qemu_plugin_insn_size(insn);

	if (size == sizeof(vmrun) && !memcmp(byte, vmrun, sizeof(vmrun)))
		look_at_vmrun(insn);
	if (vmruns && is_behind_vmrun(qemu_plugin_insn_haddr(insn)))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, left, CB_NO_REGS, NULL);
	if (size == MARK_BYTES && !memcmp(byte, mark, sizeof(mark)) &&
	    (byte[6] | byte[7] << 8) == MARK_MAGIC)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, CB_NO_REGS,
						       (void *)(uintptr_t)(byte[4] | byte[5] << 8));
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &executed, 1);
		if (marks)
			look(insn);
	}
}

static void ended(plugin_id id, void *data)
{
	FILE *file = fopen(out, "w");

	(void)id;
	(void)data;
	if (marks)
		fclose(marks);
	if (!file) {
		perror(out);
		return;
	}
	fprintf(file, "%" PRIu64 "\n", executed);
	fclose(file);
}

int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc < 1 || argc > 2 || strncmp(argv[0], "out=", 4) ||
	    strlen(argv[0]) - 4 >= sizeof(out) || (argc == 2 && strncmp(argv[1], "marks=", 6))) {
		fprintf(stderr, "count.so: wants out=FILE[,marks=FILE]\n");
		return -1;
	}
	strcpy(out, argv[0] + 4);
	if (argc == 2 && !(marks = fopen(argv[1] + 6, "w"))) {
		perror(argv[1] + 6);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
