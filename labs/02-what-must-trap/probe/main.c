/*
 * main.c - see questions.h: the probe's beginning, and its verdict
 *
 *	probe NAME: 12 questions, a right machine
 *	probe NAME: 12 questions, a wrong machine
 *
 * NAME is the word nonce= of the command line.
 */
#include "questions.h"

#include "lib/lab.h"

#define FOLDER "labs/02-what-must-trap"

static unsigned asked, wrong;

/* Not there before exercise 2.6 is solved. */
#pragma weak probe

void question(const char *what, bool right)
{
	asked++;
	if (right)
		return;
	wrong++;
	rt_print("probe: wrong: %s\n", what);
}

unsigned probe_main(void)
{
	char name[16] = "";

	if (!probe)
		lab_todo_at("2.6", FOLDER, FOLDER "/probe/probe.c", 1, "probe");
	rt_word("nonce", name, sizeof(name));
	probe();
	rt_print("probe %s: %u questions, a %s machine\n", name, asked, wrong ? "wrong" : "right");
	return wrong;
}
