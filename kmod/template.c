// SPDX-License-Identifier: GPL-2.0
/*
 * The template of images. The loader puts compiled code behind the slots and its tables in place of wj_meta, and names the
 * module. The kernel's loader fills in the slots and patches them as it patches all code.
 */
#include <linux/module.h>
#include <linux/objtool.h>
#include "wj_abi.h"

int wj_image_register(struct module *owner, const void *meta, size_t meta_bytes, const void *code);
void wj_image_unregister(struct module *owner);

#define WJ_SLOT(name, to)			\
	".balign 16, 0xcc\n"			\
	".globl " name "\n"			\
	".type " name ", @function\n"		\
	name ":\n"				\
	ANNOTATE_NOENDBR			\
	"jmp " to "\n"				\
	".size " name ", . - " name "\n"

asm(".pushsection .wj.code, \"ax\", @progbits\n"
	".balign 64\n"
	WJ_SLOT("wj_code", "__x86_return_thunk")
	WJ_SLOT("wj_code_indirect", "__x86_indirect_thunk_rax")
	WJ_SLOT("wj_code_trap", "wj_slot_trap")
	WJ_SLOT("wj_code_poll", "wj_slot_poll")
	WJ_SLOT("wj_code_floats", "wj_slot_floats")
	".balign 16, 0xcc\n"
	".popsection\n");
static_assert(WJ_SLOT_Return == 0 && WJ_SLOT_Indirect == 1 && WJ_SLOT_Trap == 2);
static_assert(WJ_SLOT_Poll == 3 && WJ_SLOT_Floats == 4 && WJ_SLOTS_BYTES == 80);

extern const u8 wj_code[];
/* What the loader replaces; not constant for the compiler. */
static struct wj_image_meta wj_meta __section(".wj.meta") __used = { .abi_hash = WJ_ABI_HASH };

static int __init wj_image_init(void)
{
	const struct wj_image_meta *meta = &wj_meta;

	OPTIMIZER_HIDE_VAR(meta);
	return wj_image_register(THIS_MODULE, meta, meta->bytes, wj_code);
}

static void __exit wj_image_exit(void)
{
	wj_image_unregister(THIS_MODULE);
}

module_init(wj_image_init);
module_exit(wj_image_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Code that wasmjit compiled");
