/*
 * forms.S - instructions, each with the words that its operand holds
 *
 * Owns: the table.  EAX 0x12345678, ECX 5, EDX 3, EBX 0, ESI 0x20, EDI 0x40, EBP 0x60; all of DS to
 * GS are the operands' segment, in which the words lie at 0, and a pattern behind.
 * Must not know: what is expected.
 */
#include "mmio.h"

#define CF 0x001
#define PF 0x004
#define AF 0x010
#define ZF 0x040
#define SF 0x080
#define OF 0x800
#define LOGIC AF
#define MUL (SF+ZF+AF+PF)
#define DIV (CF+OF+SF+ZF+AF+PF)
#define SHIFT (AF+OF)
#define SCAN (CF+OF+SF+AF+PF)
#define BITS (OF+SF+AF+PF)

/* form UNDEFINED FLAGS, WANTS, "WORDS" (up to five), "INSTRUCTIONS" */
.macro form undefined, wants, words, insns
	.section .rodata.text, "a"
1:	.asciz "\insns"
	.section .rodata.code, "a"
2:	\insns
3:
	.section .rodata.forms, "a"
	.long 1b, 2b, 3b, \undefined, \wants
4:	.long \words
	.skip 20 - (. - 4b)
.endm

/* What a return to user mode finds behind CS and EIP (and EFLAGS). */
.macro user_stack
	pushl $SEL_DATA_USER + 3
	pushl $0x80
.endm

	.section .note.GNU-stack, "", @progbits
	.section .rodata.forms, "a"
	.balign 4
	.globl forms, forms_end
forms:

/* Plain moves and arithmetic, of all sizes */
	form 0, 0, 0x89abcdef, "movl (%ebx), %eax"
	form 0, 0, 0x89abcdef, "movb (%ebx), %ah"
	form 0, 0, 0x89abcdef, "movw %ax, 2(%ebx)"
	form 0, 0, 0x89abcdef, "movl %eax, 1(%ebx)"
	form 0, 0, 0x89abcdef, "movzbl 3(%ebx), %ecx"
	form 0, 0, 0x89abcdef, "movswl 2(%ebx), %ecx"
	form 0, 0, 0x89abcdef, "movl $0x55aa55aa, (%ebx)"
	form 0, 0, 0x89abcdef, "addl %eax, (%ebx)"
	form 0, 0, 0x89abcdef, "lock; sbbl %eax, (%ebx)"
	form LOGIC, 0, 0x89abcdef, "xorb $0x0f, (%ebx)"
	form LOGIC, 0, 0x89abcdef, "testl %eax, (%ebx)"
	form 0, 0, 0x89abcdef, "cmpw $0x1234, (%ebx)"
	form 0, 0, 0x89abcdef, "negl (%ebx)"
	form 0, 0, 0x89abcdef, "xchgl %ecx, (%ebx)"
	form 0, 0, 0x89abcdef, "lock; xaddl %ecx, (%ebx)"
	form 0, 0, 0x12345678, "lock; cmpxchgl %ecx, (%ebx)"
	form 0, 0, 0x12345679, "cmpxchgl %ecx, (%ebx)"
	form 0, 0, "0x12345678, 3", "lock; cmpxchg8b (%ebx)"
	form 0, 0, "0x12345678, 4", "cmpxchg8b (%ebx)"
	form 0, 0, 0x89abcdef, "cmovcl (%ebx), %ecx"
	form 0, 0, 0x89abcdef, "setnz (%ebx)"
	form 0, 0, 0x89abcdef, "movnti %eax, (%ebx)"
	form 0, 0, 0x89abcdef, "clflush 1(%ebx)"
/* Products, quotients */
	form MUL, 0, 0x89abcdef, "mulb (%ebx)"
	form MUL, 0, 0x89abcdef, "mulw (%ebx)"
	form MUL, 0, 0x89abcdef, "mull (%ebx)"
	form MUL, 0, 0x89abcdef, "imulb (%ebx)"
	form MUL, 0, 0x89abcdef, "imull (%ebx)"
	form MUL, 0, 0x89abcdef, "imull (%ebx), %ecx"
	form MUL, 0, 0x89abcdef, "imulw (%ebx), %cx"
	form MUL, 0, 0x89abcdef, "imull $0x12345, (%ebx), %ecx"
	form MUL, 0, 3, "imull $-3, (%ebx), %ecx"
	form DIV, 0, 0x89abcdef, "divl (%ebx)"
	form DIV, 0, 2, "divl (%ebx)"
	form DIV, 0, 0, "divl (%ebx)"
	form DIV, 0, 0x5678, "divw (%ebx)"
	form DIV, 0, 0x79, "divb (%ebx)"
	form DIV, 0, 0x89abcdef, "idivl (%ebx)"
	form DIV, 0, 0xffff8000, "idivw (%ebx)"
	form DIV, 0, 0x80, "idivb (%ebx)"
/* Shifts, bits */
	form AF, 0, 0x89abcdef, "shll (%ebx)"
	form SHIFT, 0, 0x89abcdef, "sarw %cl, (%ebx)"
	form OF, 0, 0x89abcdef, "rclb $3, (%ebx)"
	form AF, 0, 0x89abcdef, "shldl $1, %eax, (%ebx)"
	form SHIFT, 0, 0x89abcdef, "shldl %cl, %eax, (%ebx)"
	form SHIFT, 0, 0x89abcdef, "shrdw $9, %ax, (%ebx)"
	form SHIFT, 0, 0x89abcdef, "shrdl %cl, %eax, (%ebx)"
	form SCAN, 0, 0x89abcd00, "bsfl (%ebx), %ecx"
	form SCAN, 0, 0x09abcd00, "bsrl (%ebx), %ecx"
	form SCAN, 0, 0x00000000, "bsrw (%ebx), %cx"
	form BITS, 0, 0x89abcdef, "btl $9, (%ebx)"
	form BITS, 0, 0x89abcdef, "btl %esi, (%ebx)"
	form BITS, 0, 0x89abcdef, "btl %eax, -0x2468ac4(%ebx)"
	form BITS, 0, 0x89abcdef, "lock; btsl %edi, 1(%ebx)"
	form BITS, 0, 0x89abcdef, "btrl $30, (%ebx)"
	form BITS, 0, 0x89abcdef, "btcw $4, (%ebx)"
/* Strings */
	form 0, 0, 0x89abcdef, "movsl"
	form 0, 0, 0x89abcdef, "rep; movsb"
	form 0, DOWN, 0x89abcdef, "rep; movsw"
	form 0, 0, 0x89abcdef, "rep; stosl"
	form 0, 0, 0x89abcdef, "lodsw"
	form 0, 0, 0x89abcdef, "repe; cmpsb"
	form 0, 0, 0x89abcdef, "repne; scasb"
	form 0, 0, 0x89abcdef, "rep; addr16 stosb"
/* Tables */
	form 0, 0, 0x89abcdef, "xlat"
	form 0, 0, 0x89abcdef, "xlat %es:(%ebx)"
	form 0, 0, "0x0, 0x7fffffff", "bound %eax, (%ebx)"
	form 0, 0, "0x20000000, 0x7fffffff", "bound %eax, (%ebx)"
	form 0, 0, 0x00058001, "bound %cx, (%ebx)"
	form 0, 0, 0x00048001, "bound %cx, (%ebx)"
/* The stack in the segment */
	form 0, STACK, 0x89abcdef, "pushl (%ebx)"
	form 0, STACK, 0x89abcdef, "pushw (%ebx)"
	form 0, STACK, 0x89abcdef, "pushl $-2"
	form 0, STACK, 0x89abcdef, "pushl %esp"
	form 0, STACK, 0x89abcdef, "popl (%ebx)"
	form 0, STACK, 0x89abcdef, "popl (%esp)"
	form 0, STACK, 0x89abcdef, "popl %esp"
	form 0, STACK, 0x89abcdef, "popw %ax"
	form 0, STACK, 0x89abcdef, "pushal"
	form 0, STACK, 0x89abcdef, "pushaw"
	form 0, STACK, 0x89abcdef, "popal"
	form 0, STACK, 0x89abcdef, "popaw"
	form 0, STACK, 0x89abcdef, "pushfl"
	form 0, STACK, 0x89abcdef, "pushfw"
	form 0, STACK, 0x89abcdef, "pushl $0x2468d7; popfl"
	form 0, STACK, 0x89abcdef, "pushw $0x08d7; popfw"
	form 0, STACK, 0x89abcdef, "enter $0x20, $0"
	form 0, STACK, 0x89abcdef, "enter $0x10, $1"
	form 0, STACK, 0x89abcdef, "enter $0x08, $4"
	form 0, STACK, 0x89abcdef, "enterw $0x08, $2"
	form 0, STACK, 0x89abcdef, "leave"
	form 0, STACK, 0x89abcdef, "leavew"
	form 0, STACK, 0x89abcdef, "pushl %ds"
	form 0, STACK, 0x89abcdef, "pushl $SEL_OTHER; popl %es"
	form 0, STACK, 0x89abcdef, "pushl $SEL_OTHER; popl %ss; incl %eax"
	form 0, STACK, 0x89abcdef, "movl $landing, %eax; call *%eax"
	form 0, STACK, 0x89abcdef, "pushl $landing; ret"
	form 0, STACK, 0x89abcdef, "pushl $landing; ret $8"
	form 0, 0, landing, "call *(%ebx)"
	form 0, 0, landing, "jmp *(%ebx)"
/* Segment registers */
	form 0, 0, SEL_OTHER, "movw (%ebx), %ds"
	form 0, 0, SEL_DATA, "movw (%ebx), %es"
	form 0, 0, SEL_DATA, "movw (%ebx), %ss; incl %eax"
	form 0, 0, 0, "movw (%ebx), %fs"
	form 0, 0, 0, "movw (%ebx), %ss"
	form 0, 0, SEL_BEYOND, "movw (%ebx), %gs"
	form 0, 0, SEL_ABSENT, "movw (%ebx), %gs"
	form 0, 0, SEL_ABSENT, "movw (%ebx), %ss"
	form 0, 0, SEL_TSS, "movw (%ebx), %gs"
	form 0, 0, SEL_EXECUTE_ONLY, "movw (%ebx), %gs"
	form 0, 0, SEL_OTHER + 3, "movw (%ebx), %gs"
	form 0, 0, SEL_OTHER + 3, "movw (%ebx), %ss"
	form 0, 0, 0x89abcdef, "movw %fs, (%ebx)"
	form 0, 0, "0x89abcdef, SEL_OTHER", "lds (%ebx), %eax"
	form 0, 0, "0x89abcdef, SEL_DATA", "les (%ebx), %eax"
	form 0, 0, "0x89abcdef, SEL_DATA", "lss (%ebx), %eax"
	form 0, 0, "0x89abcdef, SEL_OTHER", "lfs (%ebx), %eax"
	form 0, 0, "0x89abcdef, SEL_ABSENT", "lgs (%ebx), %eax"
	form 0, 0, "0x0018cdef", "lgsw (%ebx), %ax"
/* Tables of the system */
	form 0, 0, SEL_LDT, "lldt (%ebx)"
	form 0, 0, 0, "lldt (%ebx)"
	form 0, 0, SEL_DATA, "lldt (%ebx)"
	form 0, 0, SEL_TSS_FREE, "ltr (%ebx)"
	form 0, 0, SEL_TSS, "ltr (%ebx)"
	form 0, 0, 0, "ltr (%ebx)"
	form 0, 0, 0x89abcdef, "sldt (%ebx)"
	form 0, 0, 0x89abcdef, "str (%ebx)"
	form 0, 0, 0x89abcdef, "smsw (%ebx)"
	form 0, 0, 0x89abfff3, "lmsw (%ebx)"
	form 0, 0, 0x89abfff0, "lmsw (%ebx)"
	form 0, 0, 0x89abcdef, "sgdtl (%ebx)"
	form 0, 0, 0x89abcdef, "sidtl (%ebx)"
	form 0, 0, "0xffff, 0", "sgdtl (%ebx); lgdtl (%ebx)"
	form 0, 0, "0xffff, 0", "sidtl (%ebx); lidtl (%ebx)"
	form 0, 0, SEL_DATA, "verr (%ebx)"
	form 0, 0, SEL_EXECUTE_ONLY, "verr (%ebx)"
	form 0, 0, SEL_CODE, "verw (%ebx)"
	form 0, 0, SEL_OTHER, "verw (%ebx)"
	form 0, 0, SEL_BEYOND, "verw (%ebx)"
	form 0, 0, SEL_OPERAND, "lar (%ebx), %eax"
	form 0, 0, SEL_TSS, "lar (%ebx), %eax"
	form 0, 0, 0, "lar (%ebx), %eax"
	form 0, 0, SEL_OPERAND, "lsl (%ebx), %eax"
	form 0, 0, SEL_DATA, "lsl (%ebx), %eax"
	form 0, 0, SEL_GATE, "lsl (%ebx), %eax"
	form 0, 0, 0x89abcdec, "arpl %dx, (%ebx)"
	form 0, 0, 0x89abcdef, "arpl %cx, (%ebx)"
	form 0, 0, 0x89abcdef, "invlpg (%ebx)"
/* Far transfers */
	form 0, 0, "landing, SEL_CODE", "ljmpl *(%ebx)"
	form 0, 0, "landing, SEL_CONFORMING", "ljmpl *(%ebx)"
	form 0, 0, "landing, SEL_DATA", "ljmpl *(%ebx)"
	form 0, 0, "landing, 0", "ljmpl *(%ebx)"
	form 0, 0, "landing, SEL_BEYOND", "ljmpl *(%ebx)"
	form 0, 0, "0, SEL_GATE", "ljmpl *(%ebx)"
	form 0, 0, "landing, SEL_CODE", "lcalll *(%ebx)"
	form 0, 0, "0, SEL_GATE", "lcalll *(%ebx)"
	form 0, STACK, "landing, SEL_CODE", "lcalll *(%ebx)"
	form 0, STACK, "landing, SEL_CODE", "lcalll $SEL_CODE, $landing"
	form 0, STACK, "0, SEL_GATE", "lcalll *(%ebx)"
	form 0, STACK, 0, "pushl $SEL_CODE; pushl $landing; lretl"
	form 0, STACK, 0, "pushl $SEL_CODE; pushl $landing; lretl $12"
	form 0, STACK, 0, "user_stack; pushl $SEL_CODE_USER + 3; pushl $user_landing; lretl"
	form 0, STACK, 0, "pushl $0x46; pushl $SEL_CODE; pushl $landing; iretl"
	form 0, STACK, 0, "pushl $0x108d7; pushl $SEL_CODE; pushl $landing; iretl"
	form 0, STACK, 0, "user_stack; push $0x46; push $SEL_CODE_USER+3; push $user_landing; iretl"
	form 0, STACK, 0, "user_stack; pushl $SEL_CODE_USER + 3; pushl $user_inwards; lretl"
/* Single steps */
	form 0, STEP, 0x89abcdef, "incl (%ebx)"
	form 0, STEP, 0x89abcdef, "rep; stosb"
	form 0, STEP, SEL_DATA, "movw (%ebx), %ss; incl %eax"
	form 0, STEP, SEL_OTHER, "movw (%ebx), %ds; incl %eax"
	form 0, STEP, "landing, SEL_CODE", "ljmpl *(%ebx)"
	form MUL, STEP, 0x89abcdef, "mull (%ebx)"
/* LOCK, where it is refused */
	form 0, 0, 0x89abcdef, ".byte 0xf0, 0x8b, 0x03"
	form 0, 0, 0x89abcdef, ".byte 0xf0, 0x39, 0x03"
	form 0, 0, 0x89abcdef, ".byte 0xf0, 0x0f, 0xa3, 0x03"
/* Beyond the segment's limit */
	form 0, 0, 0x89abcdef, "movl 0xfffd(%ebx), %eax"
	form 0, 0, 0x89abcdef, "addl %eax, 0xfffe(%ebx)"
	form 0, 0, 0x89abcdef, "movl %eax, 0xfffc(%ebx)"
	form 0, 0, 0x89abcdef, "movl %eax, -1(%ebx)"
/* MMX and SSE */
	form 0, SSE, "0x89abcdef, 0x01234567", "movq (%ebx), %mm3; movq %mm3, 0x10(%ebx); emms"
	form 0, SSE, "0x89abcdef, 0x01234567", "movd (%ebx), %xmm1; movd %xmm1, %ecx"
	form 0, SSE, "0x89abcdef, 0x01234567", "movups 1(%ebx), %xmm1; movups %xmm1, 0x11(%ebx)"
	form 0, SSE, "0x89abcdef, 0x01234567", "movaps (%ebx), %xmm2; movaps %xmm2, 0x10(%ebx)"
	form 0, SSE, "0x89abcdef, 0x01234567", "movaps 4(%ebx), %xmm2"
	form 0, SSE, "0x89abcdef, 0x01234567", "movdqa (%ebx), %xmm2; movdqu %xmm2, 0x13(%ebx)"
	form 0, SSE, "0x89abcdef, 0x01234567", "movlps (%ebx), %xmm2; movhps %xmm2, 0x13(%ebx)"
	form 0, SSE, "0x89abcdef, 0x01234567", "movsd (%ebx), %xmm2; movss %xmm2, 0x13(%ebx)"
	form 0, SSE, "0x89abcdef, 0x01234567", "pinsrw $3, 5(%ebx), %xmm2; movups %xmm2, 0x13(%ebx)"
	form 0, SSE, "0x80008000, 0x00ff7f00", "movaps (%ebx), %xmm2; maskmovdqu %xmm2, %xmm2"
	form 0, SSE, "0x00001fa5, 0", "ldmxcsr (%ebx); stmxcsr 0x10(%ebx)"
	form 0, SSE, "0x00011f80, 0", "ldmxcsr (%ebx)"
	form 0, SSE, "0x00000f7f, 0", "fninit; fldcw (%ebx); fnstcw 0x10(%ebx); fnstsw 0x20(%ebx)"
	form 0, SSE, "0, 0", "fninit; movaps (%ebx), %xmm2; fxsave (%ebx); movl $0, 0x1c(%ebx)"
	form 0, SSE, "0, 0", "fxsave (%ebx); movb $1, 160(%ebx); fxrstor (%ebx); movl $0, 28(%ebx)"
	form 0, SSE, "0, 0", "fxsave 8(%ebx)"
/* Ports */
	form 0, 0, 0x89abcdef, "movw $0x80, %dx; outsb"
	form 0, 0, 0x89abcdef, "movw $0x80, %dx; rep; outsb"
forms_end:
	.skip 4

	.text
	.globl user_inwards
/* User code: through a call gate to the kernel. */
user_inwards:
	pushl $0x11111111
	pushl $0x22222222
	lcall $SEL_GATE_INWARDS, $0
