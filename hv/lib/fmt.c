/* fmt.c - see fmt.h; pure, tested on the host against the C library's printf */
#include "lib/fmt.h"

#include "lib/string.h"

struct spec {
	bool left, zero, plus, space, alt;
	int width;
	int precision; /* -1: none given */
	unsigned size; /* bytes of the integer argument */
};

static size_t pad(struct fmt_sink *sink, char c, int n)
{
	for (int i = 0; i < n; i++)
		sink->put(sink, &c, 1);
	return n > 0 ? (size_t)n : 0;
}

static size_t put_text(struct fmt_sink *sink, const struct spec *spec, const char *s, int len)
{
	size_t n = (size_t)len;

	if (!spec->left)
		n += pad(sink, ' ', spec->width - len);
	sink->put(sink, s, (size_t)len);
	if (spec->left)
		n += pad(sink, ' ', spec->width - len);
	return n;
}

static size_t put_number(struct fmt_sink *sink, const struct spec *spec, u64 v, unsigned base,
			 bool upper, const char *sign)
{
	const char *digit = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char buf[24];
	int len = 0, zeros, sign_len = (int)strlen(sign);
	size_t n = 0;

	for (; v; v /= base)
		buf[sizeof(buf) - 1 - (size_t)len++] = digit[v % base];

	int least = spec->precision < 0 ? 1 : spec->precision;

	if (base == 8 && spec->alt)
		least = MAX(least, len + 1);
	zeros = MAX(least - len, 0);
	if (spec->zero && !spec->left && spec->precision < 0)
		zeros = MAX(zeros, spec->width - sign_len - len);

	int fill = spec->width - sign_len - zeros - len;

	if (!spec->left)
		n += pad(sink, ' ', fill);
	sink->put(sink, sign, (size_t)sign_len);
	n += (size_t)sign_len + pad(sink, '0', zeros);
	sink->put(sink, buf + sizeof(buf) - len, (size_t)len);
	n += (size_t)len;
	if (spec->left)
		n += pad(sink, ' ', fill);
	return n;
}

static const char *parse_flags(const char *f, struct spec *spec)
{
	for (;; f++) {
		switch (*f) {
		case '-':
			spec->left = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '#':
			spec->alt = true;
			break;
		default:
			return f;
		}
	}
}

static const char *parse_int(const char *f, int *value)
{
	*value = 0;
	for (; *f >= '0' && *f <= '9'; f++)
		*value = *value * 10 + (*f - '0');
	return f;
}

static const char *parse_size(const char *f, unsigned *size)
{
	*size = sizeof(int);
	for (;; f++) {
		if (*f == 'h')
			*size = *size == sizeof(int) ? 2 : 1;
		else if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
			*size = 8;
		else
			return f;
	}
}

static u64 take_unsigned(unsigned size, va_list *args)
{
	u64 v = size == 8 ? va_arg(*args, u64) : va_arg(*args, unsigned);

	return size == 8 ? v : v & BITS(size * 8 - 1, 0);
}

static s64 take_signed(unsigned size, va_list *args)
{
	s64 v = size == 8 ? va_arg(*args, s64) : va_arg(*args, int);

	return size == 1 ? (s8)v : size == 2 ? (s16)v : v;
}

static size_t put_one(struct fmt_sink *sink, char conversion, struct spec *spec, va_list *args)
{
	switch (conversion) {
	case 'd':
	case 'i': {
		s64 v = take_signed(spec->size, args);
		const char *sign = v < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";

		return put_number(sink, spec, v < 0 ? 0 - (u64)v : (u64)v, 10, false, sign);
	}
	case 'u':
		return put_number(sink, spec, take_unsigned(spec->size, args), 10, false, "");
	case 'o':
		return put_number(sink, spec, take_unsigned(spec->size, args), 8, false, "");
	case 'x':
	case 'X': {
		u64 v = take_unsigned(spec->size, args);
		bool upper = conversion == 'X';

		return put_number(sink, spec, v, 16, upper,
				  spec->alt && v ? upper ? "0X" : "0x" : "");
	}
	case 'p':
		return put_number(sink, spec, (uintptr_t)va_arg(*args, void *), 16, false, "0x");
	case 'c': {
		char c = (char)va_arg(*args, int);

		return put_text(sink, spec, &c, 1);
	}
	case 's': {
		const char *s = va_arg(*args, const char *);
		int len = 0;

		if (!s)
			s = "(null)";
		while ((spec->precision < 0 || len < spec->precision) && s[len])
			len++;
		return put_text(sink, spec, s, len);
	}
	default:
		sink->put(sink, &conversion, 1);
		return 1;
	}
}

size_t fmt_vput(struct fmt_sink *sink, const char *format, va_list given)
{
	size_t n = 0;
	va_list args;

	va_copy(args, given);
	while (*format) {
		const char *start = format;

		while (*format && *format != '%')
			format++;
		if (format > start)
			sink->put(sink, start, (size_t)(format - start));
		n += (size_t)(format - start);
		if (!*format || !*++format)
			break;

		struct spec spec = { .precision = -1 };

		format = parse_flags(format, &spec);
		if (*format == '*') {
			spec.width = va_arg(args, int);
			if (spec.width < 0) {
				spec.left = true;
				spec.width = -spec.width;
			}
			format++;
		} else {
			format = parse_int(format, &spec.width);
		}
		if (*format == '.') {
			format++;
			if (*format == '*') {
				spec.precision = va_arg(args, int);
				format++;
			} else {
				format = parse_int(format, &spec.precision);
			}
		}
		format = parse_size(format, &spec.size);
		if (!*format)
			break;
		n += put_one(sink, *format++, &spec, &args);
	}
	va_end(args);
	return n;
}

struct string_sink {
	struct fmt_sink sink;
	char *at;
	size_t room; /* without the terminator */
};

static void string_put(struct fmt_sink *sink, const char *text, size_t len)
{
	struct string_sink *s = container_of(sink, struct string_sink, sink);
	size_t n = MIN(len, s->room);

	if (!n) /* buf may be NULL if size is 0 */
		return;
	memcpy(s->at, text, n);
	s->at += n;
	s->room -= n;
}

size_t fmt_vstring(char *buf, size_t size, const char *format, va_list args)
{
	struct string_sink s = { { string_put }, buf, size ? size - 1 : 0 };
	size_t n = fmt_vput(&s.sink, format, args);

	if (size)
		*s.at = '\0';
	return n;
}

size_t fmt_string(char *buf, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);

	size_t n = fmt_vstring(buf, size, format, args);

	va_end(args);
	return n;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int fmt_hex_byte(const char *text)
{
	int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

	return low < 0 ? -1 : high << 4 | low;
}
