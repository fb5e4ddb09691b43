/*
 * fake.h - what the tests of hv/type2/ have in common
 *
 * Owns: messages that are caught, a vcpu_step that a test gives.
 * Must not know: what is tested.  Threads, memory, clocks and files here are the real ones.
 */
#ifndef ESPEJO_TESTS_UNIT_TYPE2_FAKE_H
#define ESPEJO_TESTS_UNIT_TYPE2_FAKE_H

#include <CUnit/CUnit.h>

#include "vm/vcpu.h"

/* What host_log said last, and how often. */
extern char fake_log[256];
extern unsigned fake_logs;

/* What vcpu_step does. */
extern enum vcpu_stop (*fake_step)(struct vcpu *v);
/* Bytes that vm_console_input takes before its FIFO is full, and those it took. */
extern unsigned fake_input_room;
extern char fake_input[64];

/* Run in a process of its own: its exit status, or 256 + the signal that it died of. */
int fake_process(void (*run)(void));

#endif
