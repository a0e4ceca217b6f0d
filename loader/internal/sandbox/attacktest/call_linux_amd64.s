#include "textflag.h"

// func clone(flags uintptr) uintptr
// The new process ends at once and returns nowhere: it may share the stack.
TEXT ·clone(SB), NOSPLIT, $0-16
	MOVQ flags+0(FP), DI
	XORL SI, SI
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	MOVL $56, AX
	SYSCALL
	TESTQ AX, AX
	JNE  parent
	XORL DI, DI
	MOVL $231, AX
	SYSCALL
parent:
	MOVQ AX, ret+8(FP)
	RET

// func int80(nr uintptr) uintptr
// A system call as 32-bit programs do it.
TEXT ·int80(SB), NOSPLIT, $0-16
	MOVQ nr+0(FP), AX
	INT $0x80
	MOVLQSX AX, AX
	MOVQ AX, ret+8(FP)
	RET
