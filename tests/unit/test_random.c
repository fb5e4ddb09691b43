/*
 * test_random.c - seed and streams: hv/type1/random.c
 *
 * The file is part of this one, so that its block function is seen and RDRAND is ours.
 */
#include "fake_host.h"
#include "machine.h"

#define ESPEJO_X86_OPS_H /* RDRAND is faked */

static struct {
	u64 next, step;
	unsigned fails; /* in a row, before it answers */
	bool broken;
} cpu;

static bool x86_rdrand(u64 *value)
{
	static unsigned failed;

	if (cpu.broken || failed < cpu.fails) {
		failed++;
		return false;
	}
	failed = 0;
	*value = cpu.next;
	cpu.next += cpu.step;
	return true;
}

#include "type1/random.c"

void test_random_register(void);

/* RFC 8439, "Test Vector for the ChaCha20 Block Function" (2.3.2). */
static void test_block(void)
{
	static const u32 expected[BLOCK_WORDS] = {
		0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033,
		0x9aaa2204, 0x4e6cd4c3, 0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
		0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2,
	};
	u32 state[BLOCK_WORDS] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	u32 result[BLOCK_WORDS];

	for (u32 i = 0; i < 8; i++)
		state[4 + i] = 0x03020100 + 0x04040404 * i;
	state[12] = 1;
	state[13] = 0x09000000;
	state[14] = 0x4a000000;
	block(state, result);
	CU_ASSERT_FALSE(memcmp(result, expected, sizeof(expected)));
}

/* "Test Vectors" (A.1), number 1: an all-zero key is what a declared seed of 0 gives stream 0. */
static void test_first_stream(void)
{
	static const u8 expected[8] = { 0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90 };
	struct random_stream stream;

	fake_host_reset();
	random_init(0, true);
	random_stream_init(&stream, 0);
	CU_ASSERT_FALSE(memcmp(stream.key, expected, sizeof(expected)));
}

static void take(u64 declared, bool insist, u64 number, u8 bytes[100])
{
	struct random_stream stream;

	fake_host_reset();
	random_init(declared, insist);
	random_stream_init(&stream, number);
	random_bytes(&stream, bytes, 100);
}

static void test_streams(void)
{
	u8 a[100], b[100], zeros[100] = { 0 };
	struct random_stream stream, before;
	unsigned ones = 0;

	take(1, true, 1, a);
	take(1, true, 1, b);
	CU_ASSERT_FALSE(memcmp(a, b, sizeof(a))); /* declared is declared */
	take(1, true, 2, b);
	CU_ASSERT_TRUE(memcmp(a, b, 16));
	take(2, true, 1, b);
	CU_ASSERT_TRUE(memcmp(a, b, 16));
	/* The key moves on, and no byte given out stands in it. */
	random_stream_init(&stream, 7);
	before = stream;
	random_bytes(&stream, a, 1);
	CU_ASSERT_TRUE(memcmp(&stream, &before, sizeof(stream)));
	random_bytes(&stream, a, 64);
	CU_ASSERT_TRUE(memcmp(a, a + 32, 32));
	CU_ASSERT_TRUE(memcmp(a + 32, &stream, 32));
	random_bytes(&stream, zeros, 0);
	CU_ASSERT_EQUAL(zeros[0], 0);
	for (unsigned i = 0; i < 1000; i++) {
		random_bytes(&stream, a, 1);
		ones += (unsigned)__builtin_popcount(a[0]);
	}
	CU_ASSERT_TRUE(ones > 3700 && ones < 4300);
}

static void cpu_is(u64 next, u64 step, unsigned fails, bool broken)
{
	cpu.next = next;
	cpu.step = step;
	cpu.fails = fails;
	cpu.broken = broken;
}

static struct cpuid_regs no_rdrand(u32 leaf UNUSED, u32 subleaf UNUSED)
{
	return (struct cpuid_regs){ 0 };
}

static bool uses_cpu(void)
{
	u8 a[100], b[100];

	take(5, false, 1, a);
	CU_ASSERT_EQUAL(!strstr(fake_host.log, "the CPU's"),
			!!strstr(fake_host.log, "the seed is 0x5"));
	take(5, true, 1, b);
	return memcmp(a, b, sizeof(a));
}

static void test_cpu(void)
{
	u8 a[100], b[100];

	cpu_is(100, 1, 0, false);
	CU_ASSERT_TRUE(uses_cpu());
	cpu_is(100, 1, 9, false); /* as often as the manual allows */
	CU_ASSERT_TRUE(uses_cpu());
	cpu_is(100, 0, 0, false); /* the same number for ever */
	CU_ASSERT_FALSE(uses_cpu());
	cpu_is(100, 1, 0, true);
	CU_ASSERT_FALSE(uses_cpu());
	cpu_is(100, 1, 0, false);
	take(5, false, 1, a);
	cpu_is(200, 1, 0, false);
	take(5, false, 1, b);
	CU_ASSERT_TRUE(memcmp(a, b, sizeof(a)));
	fake_host_reset();
	fake_host.cpuid = no_rdrand;
	random_init(0xabc, false);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "0xabc"));
}

void test_random_register(void)
{
	CU_pSuite suite = CU_add_suite("random", NULL, NULL);

	CU_ADD_TEST(suite, test_block);
	CU_ADD_TEST(suite, test_first_stream);
	CU_ADD_TEST(suite, test_streams);
	CU_ADD_TEST(suite, test_cpu);
}
