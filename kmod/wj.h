/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of wasmjit.ko share. */
#ifndef WJ_H
#define WJ_H

#include <linux/cred.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include "wj_abi.h"
#include "wj_layout.h"

struct module;
struct page;

/* The head of the vmctx; fields as in the Rust source that wj_abi.h comes from. */
struct wj_ctx {
	u8 *memory_base;
	struct wj_memory_desc *memory;
	unsigned long stack_limit;
	const u32 *interrupt;
	const void *const *builtins;
	const u32 *type_ids;
	void *owner;
	void *exception;
	u64 floats;
};

struct wj_memory_desc {
	u8 *base;
	u64 bytes;
};

struct wj_table_desc {
	u64 *base;
	u64 len;
};

struct wj_func_ref {
	const void *code;
	void *ctx;
	u32 type_id;
	u32 host;		/* leaves its stack arguments to the caller */
};

static_assert(offsetof(struct wj_ctx, owner) == WJ_CTX_OWNER);
static_assert(offsetof(struct wj_ctx, floats) == WJ_CTX_FLOATS);
static_assert(offsetof(struct wj_ctx, stack_limit) == WJ_CTX_STACK_LIMIT);
static_assert(sizeof(struct wj_ctx) == WJ_CTX_BYTES);
static_assert(sizeof(struct wj_func_ref) == WJ_FUNC_REF_BYTES);

/* A function that the guest calls and the kernel side answers: an import or a builtin. */
struct wj_import {
	void *first_word;	/* compiled code loads it, and does not use it */
	struct wj_vm *vm;
	u32 index;		/* number of the import or builtin */
	u32 native;		/* WJ_NATIVE_*, 0: the owner answers */
	u32 params;
	u32 float_params;	/* bit set */
	bool float_result;
	bool builtin;
	bool wide_result;
};

static_assert(offsetof(struct wj_import, vm) == WJ_IMPORT_VM);
static_assert(sizeof(struct wj_import) == WJ_IMPORT_BYTES);

/* Code of one module, in a kernel module of its own. */
struct wj_image {
	struct list_head list;	/* under wj_images_lock */
	struct module *owner;
	const struct wj_image_meta *meta;
	const u8 *code;
	const u32 *func_types;	/* type index of each function */
	const u32 *func_offsets; /* of own functions in the code */
	const u32 *type_ids;
	const u32 *trampolines;	/* offset in the code, for each type */
	const u32 *signatures;	/* two words for each type */
};

int wj_image_register(struct module *owner, const void *meta, size_t meta_bytes, const void *code);
void wj_image_unregister(struct module *owner);
struct wj_image *wj_image_get(u64 id);
void wj_image_put(struct wj_image *image);

/* What waits for the owner: one host call at a time, because one task at a time runs the guest. */
enum wj_exchange_state { WJ_IDLE, WJ_ASKED, WJ_TAKEN, WJ_ANSWERED };

struct wj_exchange {
	spinlock_t lock;
	enum wj_exchange_state state;	/* under lock */
	bool finished;			/* under lock: nothing more will come */
	bool trapped, unmount;		/* to be told to the owner */
	wait_queue_head_t owner_wait;
	wait_queue_head_t guest_wait;
	u32 kind, index, count, failed;
	u64 values[WJ_MAX_VALUES];
	u64 result;
};

struct wj_vm {
	/* Offsets of these are known to entry.S. */
	unsigned long host_sp;
	unsigned long guest_sp;
	struct wj_ctx *ctx;
	struct wj_import *builtins;
	u32 trapping;		/* a host call asks to end the guest */

	u32 interrupt;		/* polled by the guest */
	struct kref kref;
	struct wj_image *image;
	struct mutex lock;	/* held while the guest runs and by who looks into it */
	struct wj_memory_desc memory;	/* written under lock */
	struct page **pages;	/* the first page_count are there, for ever */
	unsigned long page_count;	/* release/acquire */
	unsigned long page_limit;
	unsigned long charged;	/* pages in the totals */
	void *stack;
	size_t stack_bytes;
	struct wj_import *imports;
	const void **builtin_code;
	struct wj_table_desc *tables;
	u32 table_count;
	u64 *imported_cells;
	u64 *cells;		/* own globals, two words each */
	u32 own_globals;
	u32 imported_globals;
	const struct cred *cred;

	struct list_head running;	/* under wj_running_lock while the guest runs */
	unsigned long started;	/* jiffies */
	unsigned long timeout;	/* jiffies, 0: none */
	bool dead;		/* the owner is gone, or the guest trapped */
	bool stop;		/* the guest has to end */
	struct wj_trap trap;
	struct wj_exchange exchange;
	struct wj_mount *mount;	/* under lock */
};

static_assert(offsetof(struct wj_vm, host_sp) == WJ_VM_HOST_SP);
static_assert(offsetof(struct wj_vm, guest_sp) == WJ_VM_GUEST_SP);
static_assert(offsetof(struct wj_vm, ctx) == WJ_VM_CTX);
static_assert(offsetof(struct wj_vm, builtins) == WJ_VM_BUILTINS);
static_assert(offsetof(struct wj_vm, trapping) == WJ_VM_TRAPPING);

extern const struct file_operations wj_fops;

struct wj_vm *wj_vm_get(struct wj_vm *vm);
void wj_vm_put(struct wj_vm *vm);
int wj_vm_init(void);
void wj_vm_exit(void);
int wj_call(struct wj_vm *vm, u32 func, u64 *values);
struct wj_vm *wj_vm_of_fd(int fd);

/* host.c */
void wj_exchange_init(struct wj_exchange *ex);
void wj_exchange_finish(struct wj_vm *vm);
void wj_exchange_trapped(struct wj_vm *vm);
void wj_exchange_unmount(struct wj_vm *vm);
int wj_serve(struct wj_vm *vm, struct wj_event __user *arg);

/* vm.c: a checked range of linear memory, or NULL */
static inline void *wj_range(struct wj_vm *vm, u32 at, u64 bytes)
{
	u64 size = vm->memory.bytes;

	return bytes <= size && at <= size - bytes ? vm->memory.base + at : NULL;
}

s64 wj_memory_grow(struct wj_vm *vm, u32 delta);

/* fuse_transport.c */
int wj_fuse_init(void);
void wj_fuse_exit(void);
s32 wj_fuse_send(struct wj_vm *vm, u32 iov, u32 count);
void wj_fuse_ask_unmount(struct wj_vm *vm);

/* entry.S */
int wj_enter(struct wj_vm *vm, const void *trampoline, const void *code, u64 *values);
void wj_import_entry(void);
void wj_builtin_entries(void);
void wj_slot_trap(void);
void wj_slot_poll(void);
void wj_slot_floats(void);

/* called by entry.S */
asmlinkage int wj_poll(struct wj_vm *vm);
asmlinkage void wj_note_trap(struct wj_vm *vm, unsigned long pc, unsigned long fp);
asmlinkage u64 wj_host_call(struct wj_import *import, const u64 *registers, const u64 *stack);
asmlinkage void wj_begin_floats(struct wj_vm *vm);

#endif
