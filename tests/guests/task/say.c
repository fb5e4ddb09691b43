/*
 * say.c - see say.h
 *
 * Owns: COM1, the form of lines and of records.
 * Must not know: tasks.
 */
#include "say.h"

#define COM1 0x3f8
#define UART_LCR 3
#define LCR_8N1 3
#define UART_LSR 5
#define LSR_THRE 0x20
#define LSR_TEMT 0x40

#define NONCE_MAX 40
#define NAME_MAX 48
#define WORD_MAX 60 /* a space behind so many characters ends the word */
#define LINE_MAX 90

static char nonce[NONCE_MAX + 1], case_name[NAME_MAX + 1], word[LINE_MAX + 1];
static u32 length, number, records;

static void put(char c)
{
	while (!(inb(COM1 + UART_LSR) & LSR_THRE))
		__asm__ volatile("pause");
	outb(COM1, (u8)c);
}

static void put_all(const char *text)
{
	for (; *text; text++)
		put(*text);
}

static void put_number(u32 n)
{
	if (n >= 10)
		put_number(n / 10);
	put((char)('0' + n % 10));
}

static void put_record(void)
{
	word[length] = 0;
	length = 0;
	put_all("@");
	put_all(nonce);
	put_all(" case task-");
	put_all(case_name);
	put_all(".");
	put_number(++number);
	put_all(" got=");
	put_all(word);
	put_all("\n");
	records++;
}

static void collect(char c)
{
	if (c == '\n' || (c == ' ' && length > WORD_MAX)) {
		if (length)
			put_record();
	} else if (length < LINE_MAX && (c != ' ' || length)) {
		word[length++] = c == ' ' ? ',' : c;
	}
}

static void say_char(char c)
{
	if (*nonce)
		collect(c);
	else
		put(c);
}

static bool in_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

void say_begin(const char *text)
{
	outb(COM1 + UART_LCR, LCR_8N1);
	for (u32 n = 0; text && n < NONCE_MAX && in_word(*text); n++)
		nonce[n] = *text++;
}

void say_case(const char *name)
{
	u32 n = 0;

	if (!*nonce) {
		put_all(name);
		put_all("\n");
		return;
	}
	for (; *name && n < NAME_MAX; name++)
		if (in_word(*name) || (n && case_name[n - 1] != '-'))
			case_name[n++] = in_word(*name) ? *name : '-';
	case_name[n] = 0;
	number = 0;
}

void say(const char *text)
{
	for (; *text; text++)
		say_char(*text);
}

void say_hex(const char *name, u32 value)
{
	say(" ");
	say(name);
	say("=");
	for (int shift = 28; shift >= 0; shift -= 4)
		if (value >> shift || !shift)
			say_char("0123456789abcdef"[value >> shift & 15]);
}

void say_end(void)
{
	if (*nonce) {
		put_all("@");
		put_all(nonce);
		put_all(" end cases=");
		put_number(records);
		put_all("\n");
	} else {
		put_all("task: finished\n");
	}
	while (!(inb(COM1 + UART_LSR) & LSR_TEMT))
		__asm__ volatile("pause");
}
