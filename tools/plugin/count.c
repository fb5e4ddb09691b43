/*
 * count.c - a QEMU plugin: how many instructions a whole run executed
 *
 * Usage: qemu-system-x86_64 -accel tcg,thread=single ... -plugin count.so,out=FILE
 *
 * icount's clock jumps while a CPU is halted, so it cannot tell the cost of a workload that waits;
 * this can.  Every executed instruction of every CPU counts one, of firmware, hypervisor and guests
 * alike.  At the end FILE holds one number.
 *
 * Debian ships QEMU with plugins but without their header, so what is used of version 1 of the API
 * is declared here.  Source: QEMU, "QEMU TCG Plugins", "API" (docs/devel/tcg-plugins).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define API_VERSION 1
#define INLINE_ADD_U64 0
#define PATH_SIZE 4096

typedef uint64_t plugin_id;
struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *to,
						uint64_t value);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
					   void (*f)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_atexit_cb(plugin_id id, void (*f)(plugin_id id, void *data), void *data);

EXPORT int qemu_plugin_version = API_VERSION;
EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv);

static uint64_t executed;
static char out[PATH_SIZE];

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
		qemu_plugin_register_vcpu_insn_exec_inline(qemu_plugin_tb_get_insn(tb, i),
							   INLINE_ADD_U64, &executed, 1);
}

static void ended(plugin_id id, void *data)
{
	FILE *file = fopen(out, "w");

	(void)id;
	(void)data;
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
	if (argc != 1 || strncmp(argv[0], "out=", 4) || strlen(argv[0]) - 4 >= sizeof(out)) {
		fprintf(stderr, "count.so: wants one argument, out=FILE\n");
		return -1;
	}
	strcpy(out, argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
