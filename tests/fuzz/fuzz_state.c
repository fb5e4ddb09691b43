/*
 * fuzz_state.c - a saved state that nobody vouches for
 *
 * Input: the file.  It is refused with a sentence and nothing has changed; or what is loaded, saved
 * again and loaded again, is the same.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "vm/state.h"

#define SAVED_MAX 4096

struct cpu {
	struct cpu_state state;
	struct gpregs regs;
};

static size_t save(const struct cpu *cpu, u8 data[SAVED_MAX])
{
	struct state_buf buf = { .data = data, .size = SAVED_MAX };

	state_put_header(&buf);
	state_save_cpu(&buf, &cpu->state, &cpu->regs);
	check(!buf.error);
	return buf.at;
}

/* Sections as any reader goes through them. */
static void skip_all(struct state_buf buf)
{
	u32 version, length, id;

	do {
		id = state_next_section(&buf, &version, &length);
		check(id == STATE_SECTION_END || length <= buf.size - buf.at);
		(void)state_get(&buf, 8);
		state_skip_section(&buf, id);
	} while (id != STATE_SECTION_END);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u8 saved[SAVED_MAX], again[SAVED_MAX];
	struct state_buf buf = { .data = malloc(size ? size : 1), .size = size };
	struct cpu cpu, before;
	size_t len;

	memset(&cpu, 0x5a, sizeof(cpu));
	before = cpu;
	memcpy(buf.data, data, size);
	state_get_header(&buf);
	skip_all(buf);
	if (state_load_cpu(&buf, &cpu.state, &cpu.regs)) {
		check(buf.error && !memcmp(&cpu, &before, sizeof(cpu)));
	} else {
		check(!buf.error);
		len = save(&cpu, saved);
		memset(&cpu, 0, sizeof(cpu));
		free(buf.data);
		buf = (struct state_buf){ .data = malloc(len), .size = len };
		memcpy(buf.data, saved, len);
		state_get_header(&buf);
		check(!state_load_cpu(&buf, &cpu.state, &cpu.regs));
		check(save(&cpu, again) == len && !memcmp(saved, again, len));
	}
	free(buf.data);
	return 0;
}
