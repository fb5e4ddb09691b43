/*
 * fuzz_record.c - a console's log that a guest wrote, read by the checker
 *
 * Input: a byte of options, then the log.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../checker/record.h"
#include "host.h"

#define NONCE "n0"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const bool one = size && (data[0] & 1);
	const size_t skip = size ? 1 : 0;
	char *bytes = malloc(size ? size : 1), word[16];
	struct record_log log;
	const char *text;
	uint64_t value;
	size_t at = 0, before, total = 0;

	memcpy(bytes, data + skip, size - skip);
	record_parse(&log, bytes, size - skip, one ? "vm" : NULL);
	free(bytes); /* they are copied */
	check(log.unfinished <= size);
	for (size_t i = 0; i < log.count; i++) {
		check(strlen(log.line[i].text) <= RECORD_LINE_MAX);
		total += strlen(log.line[i].speaker) * !one + strlen(log.line[i].text);
	}
	check(total <= size);
	for (;;) {
		before = at;
		text = record_next(&log, &at, "vm", NONCE, size & 1 ? "" : "K");
		if (!text)
			break;
		check(at > before && at <= log.count);
		(void)record_number(text, "a", &value);
		if (record_word(text, "a", word, sizeof(word)))
			check(memchr(word, 0, sizeof(word)));
	}
	(void)record_begins(&log, "vm", "x");
	record_free(&log);
	return 0;
}
