/*
 * faulter.c - faulter [kind]: commits one fault and dies of it; without an argument, starts
 * itself once for each kind and reports how each one ended
 */
#include "user.h"

#include "lib/string.h"

#define KERNEL_ADDRESS 0xffffffff80101000 /* its text */
#define UNMAPPED 0x10000000
#define FAULT_STATUS 128

static void divide(void)
{
	__asm__ volatile("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; divl %%ecx" ::
				 : "eax", "ecx", "edx");
}

static void undefined(void)
{
	__asm__ volatile("ud2");
}

static void breakpoint(void)
{
	__asm__ volatile("int3");
}

static void privileged(void)
{
	__asm__ volatile("cli");
}

static void port(void)
{
	__asm__ volatile("inb $0x60, %%al" ::: "rax");
}

static void halt(void)
{
	__asm__ volatile("hlt");
}

static void read_null(void)
{
	__asm__ volatile("movb 0, %%al" ::: "rax");
}

static void read_unmapped(void)
{
	(void)*(volatile u8 *)UNMAPPED;
}

static void read_kernel(void)
{
	(void)*(volatile u8 *)KERNEL_ADDRESS;
}

static void write_code(void)
{
	*(volatile u8 *)(u64)write_code = 0xc3;
}

static void run_stack(void)
{
	volatile u8 code[16] = { 0xc3 };

	__asm__ volatile("call *%0" ::"r"(code) : "memory");
}

/* Fresh memory of the heap: no page is there yet, and none may come for this. */
static void run_heap(void)
{
	__asm__ volatile("call *%0" ::"r"(user_sbrk(PAGE_SIZE)) : "memory");
}

/* A page of constants, given back: what comes again on demand is not for stores either. */
static void write_constant(void)
{
	static const u8 constant[16] = { 1 };

	user_unmap(constant);
	*(volatile u8 *)(u64)constant = 1;
}

static u64 overflow_stack(u64 depth)
{
	volatile u64 frame[64];

	frame[0] = depth;
	return depth ? overflow_stack(depth - 1) + frame[0] : 0;
}

static void recurse(void)
{
	overflow_stack(1 << 20);
}

static const struct fault {
	const char *name;
	void (*commit)(void);
} faults[] = {
	{ "divide", divide },	  { "undefined", undefined }, { "breakpoint", breakpoint },
	{ "cli", privileged },	  { "port", port },	      { "hlt", halt },
	{ "null", read_null },	  { "unmapped", read_unmapped }, { "kernel", read_kernel },
	{ "code", write_code },	  { "stack", run_stack },     { "recursion", recurse },
	{ "heap", run_heap },	  { "constant", write_constant },
};

/* As a child of its own, so that all kinds can be shown. */
static bool dies(const char *name)
{
	const char *words[] = { "faulter", name };
	int pid = user_spawn(words, ARRAY_SIZE(words));
	int status = pid < 0 ? pid : user_wait(pid);

	user_print("faulter: %s: %s %d\n", name, status >= FAULT_STATUS ? "vector" : "status",
		   status >= FAULT_STATUS ? status - FAULT_STATUS : status);
	return status >= FAULT_STATUS;
}

int main(int argc, char **argv)
{
	size_t dead = 0;

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		if (argc < 2)
			dead += dies(faults[i].name);
		else if (!strcmp(argv[1], faults[i].name))
			faults[i].commit();
	}
	if (argc > 1)
		user_print("faulter: no such fault, or it did not happen: %s\n", argv[1]);
	return argc > 1 || dead != ARRAY_SIZE(faults);
}
