/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Into guest code and out of it. The guest runs on a stack of its own; everything else runs on the task's stack, at the place
 * that wj_enter noted (vm->host_sp). Layouts: struct wj_vm and struct wj_import in wj.h, which asserts the offsets.
 */
#include <linux/linkage.h>
#include <linux/version.h>
#include <asm/unwind_hints.h>
#include <asm/nospec-branch.h>
#include <asm/asm.h>
#include <asm/ibt.h>
#include "wj_abi.h"
#include "wj_layout.h"

/* The guest's frames are not for the unwinder. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define WJ_HINT UNWIND_HINT_UNDEFINED
#else
#define WJ_HINT UNWIND_HINT_EMPTY
#endif

.macro WJ_CODE name
SYM_CODE_START(\name)
	WJ_HINT
	ENDBR
.endm

	.text

.macro WJ_PUSH_HOST
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	subq	$8, %rsp
.endm

/* int wj_enter(struct wj_vm *vm, trampoline, code, u64 *values): 0, 1 after a trap, 2 if the guest waits to be resumed */
WJ_CODE wj_enter
	WJ_PUSH_HOST
	movq	%rdi, %rbx
	movq	%rsi, %rax
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%rsp, WJ_VM_HOST_SP(%rbx)
	movq	WJ_VM_GUEST_SP(%rbx), %rsp
	movq	WJ_VM_CTX(%rbx), %rdi
	xorl	%ebp, %ebp
	call	__x86_indirect_thunk_rax
	movq	WJ_VM_HOST_SP(%rbx), %rsp
	xorl	%eax, %eax
.Lleave:
	addq	$8, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	RET
SYM_CODE_END(wj_enter)

/* int wj_resume(struct wj_vm *vm, u64 result): lets a suspended guest go on; as wj_enter */
WJ_CODE wj_resume
	WJ_PUSH_HOST
	movq	%rdi, %rbx
	movq	%rsi, %rax
	movq	%rsp, WJ_VM_HOST_SP(%rbx)
	movq	WJ_VM_SUSPENDED(%rbx), %rsp
	movq	$0, WJ_VM_SUSPENDED(%rbx)
	popq	%rbp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	cmpl	$0, WJ_VM_RESUME(%rbx)
	je	.Lanswered
	jmp	.Lpolled
SYM_CODE_END(wj_resume)

/* The slot of traps: the site's call is on top of the guest's stack. */
WJ_CODE wj_slot_trap
	popq	%rsi
	movq	WJ_CTX_OWNER(%r15), %rbx
	movq	%rbp, %rdx
.Ltrapped:
	movq	WJ_VM_HOST_SP(%rbx), %rsp
	movq	%rbx, %rdi
	call	wj_note_trap
	movl	$1, %eax
	jmp	.Lleave
SYM_CODE_END(wj_slot_trap)

.macro WJ_SAVE
	pushq	%rbx
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
.endm

.macro WJ_RESTORE
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rax
	popq	%rbx
.endm

/* The slot of polls: keeps every register, vector registers in the guest's use among them. */
WJ_CODE wj_slot_poll
	WJ_SAVE
	movq	WJ_CTX_OWNER(%r15), %rbx
	subq	$256, %rsp
	cmpl	$0, WJ_CTX_FLOATS(%r15)
	je	1f
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	movups	%xmm\n, 16*\n(%rsp)
	.endr
1:	movq	%rsp, %r12
	movq	%rbx, %rdi
	movq	WJ_VM_HOST_SP(%rbx), %rsp
	call	wj_poll
	movq	%r12, %rsp
	testl	%eax, %eax
	jne	3f
.Lpolled:
	/* Memory may have been moved. */
	movq	WJ_CTX_MEMORY_BASE(%r15), %r14
	cmpl	$0, WJ_CTX_FLOATS(%r15)
	je	2f
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	movups	16*\n(%rsp), %xmm\n
	.endr
2:	addq	$256, %rsp
	WJ_RESTORE
	RET
3:	cmpl	$2, %eax
	je	4f
	movq	(256 + 11*8)(%rsp), %rsi
	movq	%rbp, %rdx
	jmp	.Ltrapped
4:	movl	$1, WJ_VM_RESUME(%rbx)
	jmp	.Lsuspend
SYM_CODE_END(wj_slot_poll)

/* The slot of functions that are going to use vector registers, of which none is in use yet. */
WJ_CODE wj_slot_floats
	WJ_SAVE
	movq	WJ_CTX_OWNER(%r15), %rbx
	movq	%rsp, %r12
	movq	%rbx, %rdi
	movq	WJ_VM_HOST_SP(%rbx), %rsp
	call	wj_begin_floats
	movq	%r12, %rsp
	WJ_RESTORE
	RET
SYM_CODE_END(wj_slot_floats)

/* Entry points of builtins: the first argument is the vmctx. */
.macro WJ_BUILTIN_ENTRY n
	.balign	32, 0xcc
	WJ_HINT
	ENDBR
	movq	WJ_CTX_OWNER(%rdi), %r11
	movq	WJ_VM_BUILTINS(%r11), %r10
	addq	$(\n * WJ_IMPORT_BYTES), %r10
	jmp	.Lhost
.endm

	.balign	32
SYM_CODE_START(wj_builtin_entries)
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	WJ_BUILTIN_ENTRY \n
	.endr
SYM_CODE_END(wj_builtin_entries)

/* Entry point of every imported function: the first argument is its struct wj_import. */
WJ_CODE wj_import_entry
	movq	%rdi, %r10
	movq	WJ_IMPORT_VM(%rdi), %r11
.Lhost:
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%rbx
	subq	$(8 * 13), %rsp
	movq	%r11, %rbx
	movq	%rsi, 0(%rsp)
	movq	%rdx, 8(%rsp)
	movq	%rcx, 16(%rsp)
	movq	%r8, 24(%rsp)
	movq	%r9, 32(%rsp)
	movq	WJ_VM_CTX(%rbx), %rax
	cmpl	$0, WJ_CTX_FLOATS(%rax)
	je	1f
	.irp	n, 0,1,2,3,4,5,6,7
	movsd	%xmm\n, (40 + 8*\n)(%rsp)
	.endr
1:	movq	%r10, %rdi
	movq	%rsp, %rsi
	leaq	16(%rbp), %rdx
	movq	WJ_VM_HOST_SP(%rbx), %rsp
	call	wj_host_call
	cmpl	$0, WJ_VM_LEAVING(%rbx)
	jne	3f
.Lanswered:
	movq	WJ_VM_CTX(%rbx), %rcx
	cmpl	$0, WJ_CTX_FLOATS(%rcx)
	je	2f
	movq	%rax, %xmm0
2:	movq	-8(%rbp), %rbx
	movq	%rbp, %rsp
	popq	%rbp
	RET
3:	cmpl	$2, WJ_VM_LEAVING(%rbx)
	je	4f
	movq	8(%rbp), %rsi
	movq	(%rbp), %rdx
	jmp	.Ltrapped
4:	movl	$0, WJ_VM_LEAVING(%rbx)
	movl	$0, WJ_VM_RESUME(%rbx)
	leaq	-(8 + 8*13)(%rbp), %rsp
	/* What the guest needs to go on lies on top of its stack. */
.Lsuspend:
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rbp
	movq	%rsp, WJ_VM_SUSPENDED(%rbx)
	movq	WJ_VM_HOST_SP(%rbx), %rsp
	movl	$2, %eax
	jmp	.Lleave
SYM_CODE_END(wj_import_entry)
