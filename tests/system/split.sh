#!/bin/sh
# tests/system/split.sh - a file that was taken apart does what it did: tools/split, with gcc and clang
# shellcheck source=tests/system/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

work=$build/split-test
rm -rf "$work"
mkdir -p "$work"
host_tool split split.c cfunc.c || exit 1
split=$program

# All that house style knows at the top level: what is static and shared, constant, inline, in several declarators, behind attributes.
cat >"$work/sample.c" <<'END'
/* sample.c - each kind of declaration once */
#include <stdio.h>

#define ALIGNED(n) __attribute__((aligned(n)))
#define TABLE(X) X(one) X(two)

struct pair {
	int a, b;
};
typedef int (*operation)(int);
enum kind { FIRST, SECOND = 7 };

static int calls;
static int first = 1, *second = &first, third[3] = { 1, 2, 3 };
static struct pair pairs[] ALIGNED(16) = { { 1, 2 }, { 3, 4 } };
static struct {
	int depth;
} nameless = { 5 };
static const char *const names[] = { "one", "two" };
static const char *word = "seven";
static char text[16];
int visible = 9;
static int (*hook)(int);

static int forward(int x);
static int twice(int x);

/* inline: on both sides */
static inline int add(int a, int b)
{
	return a + b;
}

static int counted(int x)
{
	static int kept;

	calls++;
	kept += x;
	return kept;
}

static int forward(int x)
{
	int y = twice(x);

	return y + counted(x);
}

static int twice(int x)
{
	hook = counted;
	return add(x, x) + third[x % 3] + pairs[x & 1].b + nameless.depth;
}

static operation choose(enum kind kind)
{
	return kind == SECOND ? forward : twice;
}

struct pair both(int x)
{
	struct pair p = { .a = choose(FIRST)(x) };

	p.b = choose(SECOND)(x);
	snprintf(text, sizeof(text), "%s-%s", names[x & 1], word);
	*second += p.a;
	return p;
}

#define X(name)                                                                                    \
	static int name##_made(int x)                                                              \
	{                                                                                          \
		return x + (int)sizeof(#name);                                                     \
	}
TABLE(X)
#undef X

int main(void)
{
	for (int i = 0; i < 5; i++) {
		struct pair p = both(i);

		int h = hook(1);

		printf("%d %d %d %s %d %d %d %d\n", p.a, p.b, calls, text, first, h, one_made(i), two_made(visible));
	}
	return 0;
}
END

quiet='-std=gnu17 -Wall -Wextra -Werror -Wno-unused-function -Wno-unused-variable -Wno-unused-const-variable -Wno-unused-parameter'

# apart CC NAMES: the same output as the whole, from an object for each of the functions and one of the rest
apart()
{
  cc=$1
  shift
  rm -f "$work"/*.o
  (cd "$work" && "$split" open sample.c "$@" >open.c) || return 1
  # shellcheck disable=SC2086
  "$cc" $quiet -O2 -c "$work/open.c" -o "$work/open.o" || return 1
  for name in "$@"; do
    (cd "$work" && "$split" only sample.c "$name" >"only-$name.c") || return 1
    # shellcheck disable=SC2086
    "$cc" $quiet -O2 -c "$work/only-$name.c" -o "$work/only-$name.o" || return 1
  done
  "$cc" "$work"/*.o -o "$work/apart" && "$work/apart" >"$work/apart.out" && cmp "$work/whole.out" "$work/apart.out"
}

gcc -std=gnu17 -O2 "$work/sample.c" -o "$work/whole" && "$work/whole" >"$work/whole.out"
for cc in gcc clang; do
  command -v "$cc" >/dev/null || continue
  for name in counted forward twice choose both; do
    check "$cc: $name() alone" apart "$cc" "$name"
  done
  check "$cc: each alone" apart "$cc" counted forward twice choose both
  check "$cc: none" apart "$cc"
done
# Two compilers may have made the two sides.
mixed()
{
  (cd "$work" && "$split" open sample.c twice >open.c && "$split" only sample.c twice >only.c)
  rm -f "$work"/*.o
  # shellcheck disable=SC2086
  gcc $quiet -O2 -c "$work/open.c" -o "$work/open.o" && clang $quiet -O0 -c "$work/only.c" -o "$work/only.o" &&
    gcc "$work/open.o" "$work/only.o" -o "$work/apart" && "$work/apart" >"$work/apart.out" && cmp "$work/whole.out" "$work/apart.out"
}
if command -v clang >/dev/null; then check 'one side by gcc, the other by clang' mixed; fi

line_kept()
{
  sed 's/return add(x, x)/return ad(x, x)/' "$work/sample.c" >"$work/wrong.c"
  at=$(grep -n 'return ad(' "$work/wrong.c" | cut -d : -f 1)
  (cd "$work" && "$split" open wrong.c counted >open.c && ! gcc -c open.c -o open.o 2>wrong.log)
  grep -q "^wrong.c:$at:" "$work/wrong.log" || { cat "$work/wrong.log" && return 1; }
}
check 'messages of the compiler name file and line of the original' line_kept

ends_with() # STATUS PATTERN ARGUMENT...
{
  wanted=$1 pattern=$2
  shift 2
  status=0
  (cd "$work" && "$split" "$@") >/dev/null 2>"$work/said" || status=$?
  cat "$work/said"
  [ "$status" = "$wanted" ] || return 1
  grep -q "$pattern" "$work/said"
}
check 'a function that is not there' ends_with 65 'does not define nowhere() once' open sample.c nowhere
check 'one that is inline' ends_with 65 'is inline' only sample.c add
check 'one that a macro makes' ends_with 65 'does not define one_made() once' open sample.c one_made
check 'a file that is not there' ends_with 65 'cannot read' open none.c main
check 'no such command' ends_with 64 usage apart sample.c main
check 'no arguments' ends_with 64 usage
rm -rf "$work"
finish
