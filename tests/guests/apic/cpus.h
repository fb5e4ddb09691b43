/* cpus.h - between cpus.c, tables.c and main.c */
#ifndef TESTS_CPUS_H
#define TESTS_CPUS_H

#include "compiler.h"
#include "types.h"

extern u64 rt_gdt[];

/* A trap of another CPU: true, it is done with. */
bool cpus_on_trap(unsigned vector);
void cpus_wait_us(u64 us);
/* How many CPUs there are, as fw_cfg or the MADT says; at least 1. */
unsigned tables_cpus(void);

#endif
