/*
 * fuzz_script.c - a script with any lines in it, and a guest that says anything
 *
 * Input: the script, up to a byte 0; then what the guest says, in pieces, each with its length and
 * how much time passes before it.  The interpreter is part of this file, so that each input gets a
 * new one.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "fake_type1.h"
#include "fake_virt.h"

#include "type1/script.c"

#define POLLS 64

static struct vm *machine;

/* False: the run has ended. */
static bool go_on(void)
{
	if (setjmp(fake_type1.ended)) {
		check(fake_type1.status <= 255);
		return false;
	}
	script_poll();
	return true;
}

static void run_script(struct fuzz_input *in)
{
	u8 piece[256];

	for (unsigned i = 0; i < POLLS && go_on() && script_active(); i++) {
		u8 len = (u8)fuzz_take(in, 1);

		fake_host_run(fuzz_take(in, 1) * 100000000ull);
		for (unsigned n = 0; n < len; n++)
			piece[n] = (u8)fuzz_take(in, 1);
		script_hear(machine, (const char *)piece, len);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	const u8 *end = memchr(data ? data : (const u8 *)"", 0, size);
	size_t len = end ? (size_t)(end - data) : size;
	char *text = malloc(len ? len : 1);

	if (!machine)
		machine = fake_vm_make(MiB(2), 1);
	memset(&script, 0, sizeof(script));
	memset(&fake_type1, 0, sizeof(fake_type1));
	fake_host.log[0] = fake_host.console[0] = '\0';
	fake_type1_guest("a", NULL);
	fake_type1_guest("b", machine);
	memcpy(text, data, len);
	in.data += MIN(len + 1, size);
	in.left -= MIN(len + 1, size);
	script_start(text, len);
	run_script(&in);
	script_forget(machine);
	while (fake_host.timers)
		host_timer_cancel(fake_host.timers);
	free(text);
	return 0;
}
