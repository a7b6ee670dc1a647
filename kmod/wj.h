/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of wasmjit.ko share. */
#ifndef WJ_H
#define WJ_H

#include <linux/cred.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include "wj_abi.h"
#include "wj_layout.h"

struct file;
struct module;
struct page;
struct vm_area_struct;

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

static_assert(offsetof(struct wj_ctx, memory_base) == WJ_CTX_MEMORY_BASE);
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
	bool bulk;		/* fills or copies memory */
	bool quick;		/* may be answered with preemption off */
	bool file;		/* one of the calls on files */
	bool plain_file;	/* likewise, with all arguments in registers, of a guest with a memory of its own */
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

/* The structure of struct wj_vm.stat_layout: where a field lies, and from bit 8 on its size. */
enum wj_stat_field {
	WJ_STAT_SIZE, WJ_STAT_DEV, WJ_STAT_MODE, WJ_STAT_NLINK, WJ_STAT_UID, WJ_STAT_GID, WJ_STAT_RDEV, WJ_STAT_LENGTH,
	WJ_STAT_BLKSIZE, WJ_STAT_BLOCKS, WJ_STAT_ATIME, WJ_STAT_MTIME, WJ_STAT_CTIME, WJ_STAT_INO, WJ_STAT_USED
};

static_assert(WJ_STAT_USED <= WJ_STAT_FIELDS);

/* One of the kernel's mappings of a memory's first pages. It goes when nobody uses it and it is not the newest one. */
struct wj_view {
	u8 *base;
	u64 bytes;
	u32 users;		/* under the memory's view_lock; the memory is one, of the newest */
};

/* Linear memory. Instances of a guest with threads share one. */
struct wj_memory {
	struct kref kref;
	struct mutex lock;	/* growth, and the list of instances */
	struct page **pages;	/* of page_limit; the first page_count are there, for ever */
	unsigned long page_count;	/* under lock */
	unsigned long page_limit;
	unsigned long charged;	/* pages in the totals */
	kuid_t uid;		/* in whose total */
	bool shared;		/* grows by WJ_GROW only */
	spinlock_t view_lock;
	struct wj_view *view;	/* the newest; changed under both locks */
	struct list_head sharers;	/* under lock: instances, of a shared memory */
	struct page *note;	/* of a shared memory: the owner's page, where it counts how often the table of descriptors has changed */
};

/* What waits for the owner: one host call at a time, because one task at a time runs the guest. */
enum wj_exchange_state { WJ_IDLE, WJ_ASKED, WJ_TAKEN, WJ_ANSWERED };

struct wj_exchange {
	spinlock_t lock;
	enum wj_exchange_state state;	/* under lock */
	bool finished;			/* under lock: nothing more will come */
	bool trapped, unmount;		/* to be told to the owner */
	bool interrupted;		/* under lock: who waits for the answer got a signal */
	u64 call;			/* number of the last call */
	wait_queue_head_t owner_wait;
	wait_queue_head_t guest_wait;
	wait_queue_head_t watch_wait;
	u32 kind, index, count, failed;
	u64 values[WJ_MAX_VALUES];
	u64 result;
};

/* What a guest's descriptor stands for. */
struct wj_file {
	struct file *file;	/* held: for a coroutine by its calls, else always */
	int fd;			/* the owner's descriptor */
	u32 may;		/* WJ_MAY_*: what the owner leaves to us */
	u32 can;		/* likewise, what can be done with the file that is held */
};

/* Most descriptors that a coroutine uses before it leaves for user space; further ones are the owner's to use. */
#define WJ_MAX_HELD 64

/*
 * Who takes vm->lock, told to lockdep: a program that runs may come to a mounted filesystem, and what is locked inside of a filesystem's
 * turn may be held by who waits for one, but not by an owner.
 */
enum wj_turn { WJ_TURN_OWNER, WJ_TURN_PROGRAM, WJ_TURN_MOUNT };

/* What vm->leaving asks for when a host call returns. */
enum wj_leaving { WJ_STAY, WJ_TRAP, WJ_SUSPEND };

/* Where a suspended guest goes on. */
enum wj_resume { WJ_AT_IMPORT, WJ_AT_POLL };

struct wj_vm {
	/* Offsets of these are known to entry.S. */
	unsigned long host_sp;
	unsigned long guest_sp;
	struct wj_ctx *ctx;
	struct wj_import *builtins;
	unsigned long suspended_sp;	/* of a guest that waits for its owner's answer; else 0 */
	u32 leaving;		/* enum wj_leaving */
	u32 resume;		/* enum wj_resume */

	u32 interrupt;		/* polled by the guest */
	struct kref kref;
	struct wj_image *image;
	struct mutex lock;	/* held while the guest runs and by who looks into it */
	struct wj_memory_desc memory;	/* what it sees of its memory; written where it does not run its own code */
	struct wj_memory *mem;
	struct wj_view *view;	/* held */
	struct list_head sharer;
	bool shared;		/* others run on the same memory */
	bool inside;		/* it may be running its own code; kept where memory is shared */
	void *stack;
	size_t stack_bytes;
	struct wj_import *imports;
	const void **builtin_code;
	struct wj_table_desc *tables;
	u32 table_count;
	u64 *table_limits;
	struct wj_table_desc *segments;	/* of elements */
	u32 segment_count;
	u64 *imported_cells;
	u64 *cells;		/* own globals, two words each */
	u32 own_globals;
	u32 imported_globals;
	const struct cred *cred;

	/* The guest's descriptors: changed by the owner, while it answers a host call. */
	struct wj_file *files;
	u32 file_count;
	u32 held_count;
	u32 held[WJ_MAX_HELD];	/* descriptors whose file a coroutine holds until it leaves for user space */
	u64 files_at;		/* the owner's count when it told of its last change */
	u32 stat_layout[WJ_STAT_FIELDS];

	/* Of an instance whose owner runs it by WJ_RUN: a host call may end in a return to user space. */
	bool coroutine;
	bool resume_floats;	/* vector registers were in use */
	bool ask_owner;		/* the next host call goes to the owner, whatever it is */
	bool unconfined;	/* the owner had no seccomp filter when it opened the device */
	const void *owner_files; /* its descriptor table, only to be compared */
	const void *owner_mm;	/* likewise, its memory */
	const struct wj_import *asked;	/* answers to this */
	u64 run_values[WJ_MAX_VALUES];
	u64 call_values[WJ_MAX_VALUES];	/* arguments of a host call, where not all of them came in integer registers */

	struct list_head running;	/* under wj_running_lock while the guest runs */
	unsigned long started;	/* jiffies */
	unsigned long timeout;	/* jiffies, 0: none */
	bool unwanted;		/* nobody waits for what the running guest does, */
	unsigned long unwanted_since;	/* in jiffies */
	bool dead;		/* the owner is gone, or the guest trapped */
	bool stop;		/* the guest has to end */
	struct wj_trap trap;
	struct wj_exchange exchange;
	struct wj_seat *seat;	/* under lock: its place at a mounted filesystem */
	struct wj_mount *joined;	/* likewise, under wj_seats_lock: until it is unmounted */
};

static_assert(offsetof(struct wj_vm, host_sp) == WJ_VM_HOST_SP);
static_assert(offsetof(struct wj_vm, guest_sp) == WJ_VM_GUEST_SP);
static_assert(offsetof(struct wj_vm, ctx) == WJ_VM_CTX);
static_assert(offsetof(struct wj_vm, builtins) == WJ_VM_BUILTINS);
static_assert(offsetof(struct wj_vm, suspended_sp) == WJ_VM_SUSPENDED);
static_assert(offsetof(struct wj_vm, leaving) == WJ_VM_LEAVING);
static_assert(offsetof(struct wj_vm, resume) == WJ_VM_RESUME);

extern const struct file_operations wj_fops;

struct wj_vm *wj_vm_get(struct wj_vm *vm);
void wj_vm_put(struct wj_vm *vm);
int wj_vm_init(void);
void wj_vm_exit(void);
int wj_call(struct wj_vm *vm, u32 func, u64 *values);
struct wj_vm *wj_vm_of_fd(int fd);

/* host.c */
void wj_classify(struct wj_import *import);
u64 wj_any_call(struct wj_import *import, u64 *registers, const u64 *stack);
u64 wj_ask(struct wj_import *import, const u64 *values);
void wj_exchange_init(struct wj_exchange *ex);
void wj_exchange_finish(struct wj_vm *vm);
void wj_exchange_trapped(struct wj_vm *vm);
void wj_exchange_unmount(struct wj_vm *vm);
int wj_serve(struct wj_vm *vm, struct wj_event __user *arg);
int wj_watch(struct wj_vm *vm, u64 __user *user);
void wj_exchange_dead(struct wj_vm *vm);
int wj_take_answer(struct wj_vm *vm, const struct wj_event *event);
int wj_globals(struct wj_vm *vm, u64 user, bool out);

/* files.c */
int wj_set_files(struct wj_vm *vm, u64 user, u32 count, u64 at);
void wj_drop_files(struct wj_vm *vm);
void wj_let_files_go(struct wj_vm *vm);
s64 wj_file_call(struct wj_vm *vm, u32 native, u64 *v);
struct file *wj_hold_file(struct wj_vm *vm, struct wj_file *entry, u32 wanted);

/* wait.c */
s64 wj_poll_files(struct wj_vm *vm, u64 *v);
s64 wj_select_files(struct wj_vm *vm, const u64 *v);

/* tables.c */
int wj_link_tables(struct wj_vm *vm, const struct wj_create *arg, struct wj_table_desc **slots);
void wj_drop_tables(struct wj_vm *vm);
int wj_get_tables(struct wj_vm *vm, u64 user);
bool wj_table_call(struct wj_vm *vm, u32 native, const u64 *v, u64 *result);

/* run.c */
int wj_run(struct wj_vm *vm, struct wj_event __user *arg);
void wj_suspend(struct wj_vm *vm, const struct wj_import *import, const u64 *values, bool floats);

/* A checked range of linear memory, or NULL. */
static inline void *wj_range_of(const struct wj_memory_desc *memory, u32 at, u64 bytes)
{
	u64 size = memory->bytes;

	return bytes <= size && at <= size - bytes ? memory->base + at : NULL;
}

static inline void *wj_range(struct wj_vm *vm, u32 at, u64 bytes)
{
	return wj_range_of(&vm->memory, at, bytes);
}

/* What a descriptor stands for, if this may and can be done with it. */
static __always_inline struct file *wj_file_of(struct wj_vm *vm, u32 fd, u32 wanted)
{
	struct wj_file *entry;

	if (fd >= vm->file_count)
		return NULL;
	entry = &vm->files[array_index_nospec(fd, vm->file_count)];
	if (likely(entry->can & wanted))
		return entry->file;
	return wj_hold_file(vm, entry, wanted);
}

/* The guest ends when the running host call returns. */
static inline void wj_end(struct wj_vm *vm, u32 code)
{
	vm->leaving = WJ_TRAP;
	vm->trap.code = code;
}

static inline struct wj_func_ref *wj_func_ref(struct wj_vm *vm, u32 func)
{
	return (struct wj_func_ref *)(vm->ctx + 1) + func;
}

/* memory.c; wasm pages are 64 KiB */
#define WJ_PAGE_SHIFT (16 - PAGE_SHIFT)
int wj_make_memory(struct wj_vm *vm, u32 max_pages, bool shared);
int wj_share_memory(struct wj_vm *vm, int fd);
void wj_drop_memory(struct wj_vm *vm);
int wj_extend(struct wj_vm *vm, unsigned long to);
int wj_extend_shared(struct wj_memory *mem, unsigned long to);
s64 wj_memory_grow(struct wj_vm *vm, u32 delta);
void wj_adopt_view(struct wj_vm *vm);
struct wj_view *wj_hold_view(struct wj_memory *mem);
void wj_drop_view(struct wj_memory *mem, struct wj_view *view);
int wj_mmap(struct file *file, struct vm_area_struct *vma);

/* For who does not have vm->lock; NULL while there is none. */
static inline struct wj_memory *wj_memory_of(struct wj_vm *vm)
{
	return smp_load_acquire(&vm->mem);	/* it is whole */
}

/*
 * Around running the guest's own code. Whoever makes a shared memory larger waits until no instance runs with what it saw before:
 * either it is not inside, or it sees the new size.
 */
static inline void wj_go_inside(struct wj_vm *vm)
{
	if (!vm->shared)
		return;
	WRITE_ONCE(vm->inside, true);
	smp_mb();		/* before it looks at the newest view; pairs with wj_await_views() */
	if (READ_ONCE(vm->mem->view) != vm->view)
		wj_adopt_view(vm);
}

static inline void wj_go_outside(struct wj_vm *vm)
{
	if (vm->shared)
		smp_store_release(&vm->inside, false);	/* after all that the guest did */
}

/* vm.c */
void wj_begin_run(struct wj_vm *vm);
void wj_end_run(struct wj_vm *vm);
const void *wj_code_of(struct wj_vm *vm, u32 func, const void **trampoline);

/* fuse_mount.c and fuse_transport.c */
int wj_fuse_init(void);
void wj_fuse_exit(void);
/* wj_fuse_send: the owner has to send it */
#define WJ_FUSE_ASK_OWNER 1
s32 wj_fuse_send(struct wj_vm *vm, u32 iov, u32 count);
int wj_fuse_send_from_outside(struct wj_vm *vm, struct wj_send __user *user);
int wj_fuse_join(struct wj_vm *vm, const struct wj_join __user *user);
int wj_fuse_notify_fd(struct wj_vm *vm);
void wj_fuse_ask_unmount(struct wj_vm *vm);
bool wj_fuse_aborted(const struct wj_vm *vm);

/* entry.S */
int wj_enter(struct wj_vm *vm, const void *trampoline, const void *code, u64 *values);
int wj_resume(struct wj_vm *vm, u64 result);
void wj_import_entry(void);
void wj_builtin_entries(void);
void wj_slot_trap(void);
void wj_slot_poll(void);
void wj_slot_floats(void);

/* called by entry.S */
asmlinkage int wj_poll(struct wj_vm *vm);
asmlinkage void wj_note_trap(struct wj_vm *vm, unsigned long pc, unsigned long fp);
asmlinkage u64 wj_host_call(struct wj_import *import, u64 *registers, const u64 *stack);
asmlinkage void wj_begin_floats(struct wj_vm *vm);

#endif
