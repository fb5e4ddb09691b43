/*
 * access.h - the ways to touch a page that paging.c and paging_legacy.c have in common
 *
 * Owns: which snippet does it, what kind of access that is to the manual, where in the page.
 * Must not know: tables, modes.
 *
 * Some accesses a hypervisor carries out itself, because the instruction exits (strings from and
 * to ports, the local APIC, CPUID): it must walk the tables as the CPU does.
 */
#ifndef CHECKER_ACCESS_H
#define CHECKER_ACCESS_H

#include "pagemodel.h"
#include "space.h"

#define ACCESS_PORT 0xed /* nobody is there */
#define ACCESS_DATA 0x80 /* in the page */
#define ACCESS_LDT 0x100
#define ACCESS_APIC_VERSION 0x30
#define ACCESS_APIC_TPR 0x80

enum access {
	READ,
	WRITE,
	FETCH,
	SEGMENT,
	CHANGE,
	ACCESS_EXITS, /* from here on */
	OUTS = ACCESS_EXITS,
	INS,
	LOAD_APIC,  /* from the page to a device */
	STORE_APIC, /* from a device to the page */
	FETCH_CPUID,
	ACCESSES
};

const char *access_code(enum access how);
/* What the model is asked. */
struct pagemodel_access access_of(enum access how, bool user, bool ac);
/* The byte of the page that is touched. */
unsigned access_offset(enum access how);
/* What all of them find in the page. */
void access_fill(u8 *page);
/* How it ended, and should have, as a word, but for the entries. */
u64 access_word(u64 vector, u64 error, bool cr2);
u64 access_manual(const struct pagemodel_result *want);

#endif
