/* access.c - see access.h */
#include "access.h"

#include "lib/string.h"

#define CODE_AT 0x10
#define CPUID_AT 0x20
#define INT3 0xcc
#define DATA_DESCRIPTOR 0x00cff3000000ffff /* accessed already */
#define PAGE_BYTES 4096
#define DATA_BYTES 64

static const struct {
	const char *code;
	bool write, fetch, implicit;
} ways[ACCESSES] = {
	[READ] = { snippet_read, .write = false },
	[WRITE] = { snippet_write, .write = true },
	[FETCH] = { snippet_fetch, .fetch = true },
	[SEGMENT] = { snippet_segment, .implicit = true },
	[CHANGE] = { snippet_change, .write = true },
	[OUTS] = { snippet_outs, .write = false },
	[INS] = { snippet_ins, .write = true },
	[LOAD_APIC] = { snippet_movs, .write = false },
	[STORE_APIC] = { snippet_movs, .write = true },
	[FETCH_CPUID] = { snippet_fetch, .fetch = true },
};

const char *access_code(enum access how)
{
	return ways[how].code;
}

struct pagemodel_access access_of(enum access how, bool user, bool ac)
{
	return (struct pagemodel_access){ .write = ways[how].write,
					  .fetch = ways[how].fetch,
					  .implicit = ways[how].implicit,
					  .user = user,
					  .ac = ac };
}

unsigned access_offset(enum access how)
{
	return how == FETCH	    ? CODE_AT
	       : how == FETCH_CPUID ? CPUID_AT
	       : how == SEGMENT	    ? ACCESS_LDT
				    : ACCESS_DATA;
}

void access_fill(u8 *page)
{
	memset(page, INT3, PAGE_BYTES);
	page[CPUID_AT] = 0x0f;
	page[CPUID_AT + 1] = 0xa2;
	memset(page + ACCESS_DATA, 0, DATA_BYTES);
	memcpy(page + ACCESS_LDT, &(u64){ DATA_DESCRIPTOR }, sizeof(u64));
}

u64 access_word(u64 vector, u64 error, bool cr2)
{
	return WORD_VECTOR(vector) | WORD_ERROR(error) |
	       (vector == VECTOR_PF && cr2 ? WORD_CR2 : 0);
}

u64 access_manual(const struct pagemodel_result *want)
{
	return want->fault ? access_word(VECTOR_PF, want->error, true)
			   : access_word(VECTOR_BP, 0, false);
}
