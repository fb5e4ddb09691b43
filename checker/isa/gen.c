/*
 * gen.c - from the table of instruction forms to C: gen FORMS >isa_table.h
 *
 * Owns: the text form of checker/isa/forms, and every complaint about it.
 * Must not know: what runs the forms (checker/guests/isa) and what judges them (judge_isa.c).
 *
 * What it writes are lines of macros that each reader defines as it likes:
 *	ISA_FEATURE(index, name, leaf, subleaf, register 0..3, bit)
 *	ISA_CLASS(index, name, expectation in each mode..)
 *	ISA_FORM(index, name, feature, class, setup, flags, tokens..)
 * and the constants ISA_FORM_COUNT, ISA_TABLE_SUM (of the text: guest and judge must agree).
 */
#include "tokens.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 256
#define NAMES_MAX 200
#define NAME_SIZE 24
#define FORMS_MAX 4000
#define FORM_NAME_SIZE 40

struct names {
	char name[NAMES_MAX][NAME_SIZE];
	unsigned count;
};

static struct names features, classes;
static char form_names[FORMS_MAX][FORM_NAME_SIZE];
static unsigned form_count, line_number;
static uint32_t sum = 2166136261u;

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "forms:%u: ", line_number);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static unsigned find_name(const struct names *names, const char *name)
{
	unsigned i = 0;

	while (i < names->count && strcmp(names->name[i], name))
		i++;
	return i;
}

static unsigned add_name(struct names *names, const char *name)
{
	if (find_name(names, name) < names->count)
		die("'%s' is there twice", name);
	if (names->count == NAMES_MAX || strlen(name) >= NAME_SIZE)
		die("'%s' is too long, or one too many", name);
	strcpy(names->name[names->count], name);
	return names->count++;
}

static void take_feature(char *text)
{
	static const char *const registers[] = { "eax", "ebx", "ecx", "edx" };
	char name[32], reg[8];
	unsigned leaf, subleaf, bit, number = 0;

	if (sscanf(text, "%31s %i %u %7s %u", name, (int *)&leaf, &subleaf, reg, &bit) != 5)
		die("a feature is NAME LEAF SUBLEAF REGISTER BIT");
	while (number < 4 && strcmp(registers[number], reg))
		number++;
	if (number == 4 || bit > 31)
		die("no such bit");
	printf("ISA_FEATURE(%u, \"%s\", 0x%xu, %u, %u, %u)\n", add_name(&features, name), name,
	       leaf, subleaf, number, bit);
}

/* "x", "?", "-" or two hexadecimal digits */
static bool is_expectation(const char *word)
{
	return (strchr("x?-", *word) && *word && !word[1]) ||
	       (strlen(word) == 2 && strspn(word, "0123456789abcdef") == 2);
}

static void take_class(char *text)
{
	const char *word = strtok(text, " \t");
	unsigned modes = 0;

	if (!word)
		die("a class needs a name");
	printf("ISA_CLASS(%u, \"%s\"", add_name(&classes, word), word);
	while ((word = strtok(NULL, " \t"))) {
		if (!is_expectation(word))
			die("'%s' is no expectation", word);
		printf(", \"%s\"", word);
		modes++;
	}
	if (modes != ISA_MODES)
		die("a class has %u modes", ISA_MODES);
	puts(")");
}

static bool is_modrm(const char *word)
{
	return word[0] == '/' && word[1] >= '0' && word[1] <= '7' &&
	       (word[2] == 'm' || word[2] == 'r') && !word[3];
}

static unsigned token_of(const char *word)
{
	char *end;
	unsigned long byte = strtoul(word, &end, 16);

	if (strlen(word) == 2 && !*end)
		return (unsigned)byte;
	if (is_modrm(word))
		return (word[2] == 'm' ? TOKEN_MEMORY : TOKEN_REGISTER) | (unsigned)(word[1] - '0');
	if (!strcmp(word, "iz"))
		return TOKEN_IMMEDIATE;
	if (!strcmp(word, "rz"))
		return TOKEN_RELATIVE;
	if (!strcmp(word, "mo"))
		return TOKEN_OFFSET;
	if (!strcmp(word, "far=code"))
		return TOKEN_FAR;
	die("'%s' is no part of an instruction", word);
}

static void put_tokens(char *bytes)
{
	unsigned count = 0;

	for (const char *w = strtok(bytes, " "); w; w = strtok(NULL, " ")) {
		if (++count > ISA_TOKENS)
			die("too long");
		printf(", 0x%x", token_of(w));
	}
	if (!count)
		die("no bytes");
	puts(")");
}

static unsigned flags_of(char *setup)
{
	static const char *const names[] = { "alias", "loose", "wake" };
	unsigned flags = 0;
	char *comma = strchr(setup, ',');

	while (comma) {
		char *word = comma + 1;
		unsigned i = 0;

		*comma = '\0';
		comma = strchr(word, ',');
		while (i < 3 && strncmp(names[i], word, strcspn(word, ",")))
			i++;
		if (i == 3)
			die("no such flag: %s", word);
		flags |= 1u << i;
	}
	return flags;
}

static void take_form(char *bytes, char *what, const char *name)
{
	char feature[32], class[32], setup[64];
	unsigned flags, f, c;

	if (sscanf(what, "%31s %31s %63s", feature, class, setup) != 3)
		die("a form has FEATURE CLASS SETUP");
	flags = flags_of(setup);
	f = find_name(&features, feature);
	c = find_name(&classes, class);
	if (f == features.count || c == classes.count)
		die("no such feature or class: %s %s", feature, class);
	if (form_count == FORMS_MAX || strlen(name) >= FORM_NAME_SIZE)
		die("the name is too long, or one too many");
	for (unsigned i = 0; i < form_count; i++)
		if (!strcmp(form_names[i], name))
			die("'%s' is there twice", name);
	strcpy(form_names[form_count], name);
	for (char *p = setup; *p; p++)
		if (*p == '-')
			*p = '_';
	printf("ISA_FORM(%u, \"%s\", %u, %u, %s, %u", form_count++, name, f, c, setup, flags);
	put_tokens(bytes);
}

static void take_line(char *line)
{
	char *what, *name;

	for (const char *p = line; *p; p++)
		sum = (sum ^ (unsigned char)*p) * 16777619u;
	line[strcspn(line, "\n")] = '\0';
	if (!*line || *line == '#')
		return;
	if (!strncmp(line, "feature ", 8)) {
		take_feature(line + 8);
	} else if (!strncmp(line, "class ", 6)) {
		take_class(line + 6);
	} else {
		what = strstr(line, " : ");
		name = what ? strstr(what + 3, " : ") : NULL;
		if (!name)
			die("a form is BYTES : FEATURE CLASS SETUP : NAME");
		*what = *name = '\0';
		take_form(line, what + 3, name + 3);
	}
}

int main(int argc, char **argv)
{
	char line[LINE_SIZE];
	FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (!file) {
		fputs("usage: gen FORMS\n", stderr);
		return 2;
	}
	puts("/* Made by checker/isa/gen.c of checker/isa/forms. */");
	while (fgets(line, sizeof(line), file)) {
		line_number++;
		take_line(line);
	}
	fclose(file);
	printf("#define ISA_FORM_COUNT %u\n#define ISA_FEATURE_COUNT %u\n#define ISA_CLASS_COUNT "
	       "%u\n#define ISA_TABLE_SUM 0x%08xu\n",
	       form_count, features.count, classes.count, (unsigned)sum);
	return 0;
}
