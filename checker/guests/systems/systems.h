/*
 * systems.h - what the system parts of a CPU do, beside what the manuals say
 *
 * Owns: the form of the records.  Must not know: bare from virtual; who judges (judge_systems.c).
 *
 * Few cases have names, thousands have numbers.  A named one is a record
 *
 *	case NAME got=WORD manual=WORD
 *
 * Numbered ones come in batches, in an order that only the seed and the CPU's features decide.
 * What a case did is a word of bits; only what is not as the manual says is printed, like with
 * like:
 *
 *	batch NAME n=CASES off=CASES-NOT-AS-THE-MANUAL-SAYS
 *	off NAME.TAG got=0xWORD manual=0xWORD count=CASES first=NUMBER set=0xHASH|in=0xBITS
 *in2=0xBITS
 *
 * TAG is the kind of case; the words are those of the first that differed in these bits. Which
 * cases they were is told by a bit for each number, or, if the batch has more than 128, by a hash
 * of the numbers and of what they did.  The last record is "end cases=N": how many were run.
 */
#ifndef CHECKER_SYSTEMS_H
#define CHECKER_SYSTEMS_H

#include "../rt/rt.h"

#define SYSTEMS_NAME 60

void systems_begin(const char *name);
/* One case of the kind tag.  open: bits about which the manual says nothing. */
void systems_try(unsigned tag, u64 got, u64 manual, u64 open);
void systems_end(void);

/* got and manual (NULL: the manual leaves it open) are words. */
void systems_case(const char *name, const char *got, const char *manual);
void systems_number(const char *name, u64 got, u64 manual);

/* Of what is alike, so many in a hundred; scale=N on the command line. */
bool systems_chosen(unsigned percent);

/* We are behind a hypervisor: what hangs the bare emulator may be tried. */
bool systems_virtual(void);

/* ---- What a case did, as a word -------------------------------------------------------- */

#define WORD_VECTOR(v) ((u64)(v))
#define WORD_ERROR(e) ((u64)(e) << 8)
#define WORD_CR2 BIT(24)	 /* CR2 holds the address that was used */
#define WORD_ENTRY(level, entry) /* accessed and dirty, of the tables' entries */                  \
	((u64)((entry) >> 5 & 3) << (32 + 2 * (level)))

/* ---- Parts ------------------------------------------------------------------------------- */

void systems_paging(void);
void systems_paging_legacy(void);
/* In the mode that paging is in, with nothing at the addresses that are tried. */
void systems_canonical(void);
/* The last one: it may stay in that mode. */
void systems_paging_five(void);
void systems_exceptions(void);
void systems_msrs(void);
void systems_control(void);
/* The last record. */
void systems_finish(void);

#endif
