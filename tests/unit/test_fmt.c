/* test_fmt.c - lib/fmt.c against the C library's snprintf */
#include <CUnit/CUnit.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fmt.h"

void test_fmt_register(void);

#define ROOM 256

/* Not literals, so that the compiler does not judge the odd ones. */
static unsigned differ(const char *ours, size_t n, const char *theirs, int m, const char *format)
{
	if ((int)n == m && !strcmp(ours, theirs))
		return 0;
	printf("\n    \"%s\": ours \"%s\", C's \"%s\"", format, ours, theirs);
	return 1;
}

#define SAME(format, ...)                                                                          \
	({                                                                                         \
		char ours_[ROOM], theirs_[ROOM];                                                   \
		size_t n_ = fmt_string(ours_, ROOM, format, ##__VA_ARGS__);                        \
		int m_ = snprintf(theirs_, ROOM, format, ##__VA_ARGS__);                           \
		differ(ours_, n_, theirs_, m_, format);                                            \
	})

static void test_cut(void)
{
	char buf[8];

	for (size_t size = 0; size <= sizeof(buf); size++) {
		memset(buf, '#', sizeof(buf));
		CU_ASSERT_EQUAL(fmt_string(buf, size, "%s-%d", "abcdef", 42), 9);
		for (size_t i = size; i < sizeof(buf); i++)
			CU_ASSERT_EQUAL(buf[i], '#');
		if (size) {
			CU_ASSERT_EQUAL(strlen(buf), size - 1);
			CU_ASSERT_EQUAL(memcmp(buf, "abcdef-42", size - 1), 0);
		}
	}
	CU_ASSERT_EQUAL(fmt_string(NULL, 0, "%100d", 1), 100);
}

static void test_text(void)
{
	const char *volatile null = NULL;
	char open[4] = { 'a', 'b', 'c', 'd' }; /* not terminated */
	char buf[ROOM];

	CU_ASSERT_EQUAL(SAME("%s", "") + SAME("%s", "x%dy") + SAME("[%10s]", "abc"), 0);
	CU_ASSERT_EQUAL(SAME("[%-10s]", "abc") + SAME("[%2s]", "abc") + SAME("[%.2s]", "abc"), 0);
	CU_ASSERT_EQUAL(SAME("[%8.3s|%-8.3s]", "abcdef", "ghijkl") + SAME("[%.s]", "abc"), 0);
	CU_ASSERT_EQUAL(SAME("[%*s|%-*s]", 6, "ab", 6, "cd") + SAME("[%*s]", -6, "ab"), 0);
	CU_ASSERT_EQUAL(SAME("[%.*s]", 2, "abc") + SAME("[%.*s]", -1, "abc"), 0);
	CU_ASSERT_EQUAL(SAME("%c%c", 'a', 'b') + SAME("[%5c|%-5c]", 'a', 'b'), 0);
	CU_ASSERT_EQUAL(SAME("100%%") + SAME("%%%d%%", 5) + SAME("plain") + SAME("%s%s", "a", "b"),
			0);
	CU_ASSERT_EQUAL(fmt_string(buf, ROOM, "%.4s", open), 4); /* never beyond the precision */
	CU_ASSERT_EQUAL(fmt_string(buf, ROOM, "%s", null), 6);
	CU_ASSERT_STRING_EQUAL(buf, "(null)");
	CU_ASSERT_EQUAL(fmt_string(buf, ROOM, "%c", 0), 1);
	CU_ASSERT_EQUAL(buf[0], 0);
	fmt_string(buf, ROOM, "%p", (void *)0x1234abcd);
	CU_ASSERT_STRING_EQUAL(buf, "0x1234abcd");
}

/* Formats that end too soon. */
static void test_broken(void)
{
	static const char *const broken[] = { "%", "a%", "a%-", "a%5", "a%.", "a%l", "a%08.3ll" };
	char buf[ROOM];

	for (unsigned i = 0; i < ARRAY_SIZE(broken); i++) {
		char *exact = strdup(broken[i]); /* the sanitizer sees reading beyond its end */
		size_t n = fmt_string(buf, ROOM, exact, 0);

		CU_ASSERT_EQUAL(n, strlen(buf));
		CU_ASSERT(n <= strlen(exact));
		free(exact);
	}
}

static void test_lengths(void)
{
	static const s64 values[] = { 0,	1,	   -1,	      127,	 128,
				      -128,	-129,	   255,	      256,	 32767,
				      32768,	-32769,	   65535,     INT_MAX,	 INT_MIN,
				      UINT_MAX, 1ll << 32, INT64_MAX, INT64_MIN, 10000000,
				      99999999, 123456789, -42,	      8 };
	unsigned bad = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		s64 v = values[i];

		bad += SAME("%hhd %hhu %hhx", (signed char)v, (unsigned char)v, (unsigned char)v);
		bad += SAME("%hd %hu %hX", (short)v, (unsigned short)v, (unsigned short)v);
		bad += SAME("%d %i %u %x %X %o", (int)v, (int)v, (unsigned)v, (unsigned)v,
			    (unsigned)v, (unsigned)v);
		bad += SAME("%ld %lu %lx %lo", (long)v, (unsigned long)v, (unsigned long)v,
			    (unsigned long)v);
		bad += SAME("%lld %llu %llX", (long long)v, (unsigned long long)v,
			    (unsigned long long)v);
		bad += SAME("%zu %zx %jd %td", (size_t)v, (size_t)v, (intmax_t)v, (ptrdiff_t)v);
		bad += SAME("%d %s %lld %c %x", (int)v, "mixed", (long long)v, 'z', (unsigned)v);
	}
	CU_ASSERT_EQUAL(bad, 0);
}

/* All flags with many widths and precisions, each conversion. */
static void test_flags(void)
{
	static const char conversions[] = "diuxXo";
	static const int values[] = { 0, 1, -1, 42, -12345, INT_MAX, INT_MIN };
	unsigned bad = 0;

	for (unsigned flags = 0; flags < 32; flags++) {
		for (int width = -1; width < 14; width += 3) {
			for (int precision = -2; precision < 13; precision += 3) {
				char format[64] = "%", number[16];

				strcat(format, flags & 1 ? "-" : "");
				strcat(format, flags & 2 ? "0" : "");
				strcat(format, flags & 4 ? "+" : "");
				strcat(format, flags & 8 ? " " : "");
				strcat(format, flags & 16 ? "#" : "");
				snprintf(number, sizeof(number), "%d", width);
				strcat(format, width >= 0 ? number : "");
				snprintf(number, sizeof(number), ".%d", precision);
				strcat(format, precision == -2 ? "" : precision < 0 ? "." : number);
				for (unsigned c = 0; conversions[c]; c++) {
					char full[80];

					snprintf(full, sizeof(full), "%s%c|", format,
						 conversions[c]);
					for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
						bad += SAME(full, values[i]);
				}
			}
		}
	}
	CU_ASSERT_EQUAL(bad, 0);
}

struct counting_sink {
	struct fmt_sink sink;
	char text[64];
	size_t len;
};

static void count(struct fmt_sink *sink, const char *text, size_t len)
{
	struct counting_sink *c = container_of(sink, struct counting_sink, sink);

	memcpy(c->text + c->len, text, len);
	c->len += len;
}

static size_t put(struct fmt_sink *sink, const char *format, ...)
{
	va_list args;
	size_t n;

	va_start(args, format);
	n = fmt_vput(sink, format, args);
	va_end(args);
	return n;
}

static void test_sink(void)
{
	struct counting_sink c = { .sink = { count } };

	CU_ASSERT_EQUAL(put(&c.sink, "%s is %5d%%", "half", 50), 14);
	CU_ASSERT_EQUAL(c.len, 14);
	CU_ASSERT_EQUAL(memcmp(c.text, "half is    50%", 14), 0);
}

static void test_hex_byte(void)
{
	static const char *const none[] = { "",   "a",  "g0", "0g", "-1",
					      " 1", "/0", ":0", "@0", "`0" };

	for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		CU_ASSERT_EQUAL(fmt_hex_byte(none[i]), -1);
	CU_ASSERT_EQUAL(fmt_hex_byte("00"), 0);
	CU_ASSERT_EQUAL(fmt_hex_byte("9fz"), 0x9f);
	CU_ASSERT_EQUAL(fmt_hex_byte("aF"), 0xaf);
	CU_ASSERT_EQUAL(fmt_hex_byte("F0"), 0xf0);
}

void test_fmt_register(void)
{
	CU_pSuite suite = CU_add_suite("fmt", NULL, NULL);

	CU_add_test(suite, "text cut off", test_cut);
	CU_add_test(suite, "broken formats", test_broken);
	CU_add_test(suite, "strings and characters", test_text);
	CU_add_test(suite, "lengths", test_lengths);
	CU_add_test(suite, "flags, widths, precisions", test_flags);
	CU_add_test(suite, "a sink", test_sink);
	CU_add_test(suite, "two hexadecimal digits", test_hex_byte);
}
