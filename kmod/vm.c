// SPDX-License-Identifier: GPL-2.0
/*
 * Running guests: stack, vmctx, calls, traps; the file operations of /dev/wasm.
 *
 * An open file is one instance; its owner is the process that opened it. One task at a time runs it, with vm->lock held. Of a guest with
 * threads there are several, and one more open file that has nothing but their memory.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/thread_info.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/fpu/api.h>
#include "wj.h"

/* What a guest's stack keeps for interrupts, faults and unchecked frames. */
#define WJ_STACK_RESERVE (16 * 1024)
#define WJ_STACK_MIN (64 * 1024)
#define WJ_STACK_MAX (16 * 1024 * 1024)
/* How often running guests are made to look around. */
#define WJ_TICK_MS 10
/* How long a guest may go on after its caller was killed, or its filesystem was unmounted by force. */
#define WJ_GRACE (HZ)

static unsigned int max_instances = 256;
module_param(max_instances, uint, 0644);
MODULE_PARM_DESC(max_instances, "Most instances at a time");

static DEFINE_MUTEX(wj_instances_lock);
static unsigned int wj_instances;	/* under wj_instances_lock */

/*
 * Guests that run: a timer makes them poll while there are any. It fires in hard interrupts, because soft ones may wait for the
 * very guest that is to be stopped.
 */
static LIST_HEAD(wj_running);
static DEFINE_RAW_SPINLOCK(wj_running_lock);
static bool wj_ticking;		/* under wj_running_lock */
static struct hrtimer wj_timer;

static enum hrtimer_restart wj_tick(struct hrtimer *timer)
{
	enum hrtimer_restart again = HRTIMER_NORESTART;
	unsigned long flags;
	struct wj_vm *vm;

	raw_spin_lock_irqsave(&wj_running_lock, flags);
	list_for_each_entry(vm, &wj_running, running)
		WRITE_ONCE(vm->interrupt, 1);
	wj_ticking = !list_empty(&wj_running);
	if (wj_ticking) {
		hrtimer_forward_now(timer, ms_to_ktime(WJ_TICK_MS));
		again = HRTIMER_RESTART;
	}
	raw_spin_unlock_irqrestore(&wj_running_lock, flags);
	return again;
}

static void wj_start_running(struct wj_vm *vm)
{
	vm->started = jiffies;
	raw_spin_lock_irq(&wj_running_lock);
	list_add(&vm->running, &wj_running);
	if (!wj_ticking) {
		wj_ticking = true;
		hrtimer_start(&wj_timer, ms_to_ktime(WJ_TICK_MS), HRTIMER_MODE_REL_HARD);
	}
	raw_spin_unlock_irq(&wj_running_lock);
}

static void wj_stop_running(struct wj_vm *vm)
{
	raw_spin_lock_irq(&wj_running_lock);
	list_del_init(&vm->running);
	raw_spin_unlock_irq(&wj_running_lock);
	WRITE_ONCE(vm->interrupt, 0);
}

/* Whether nobody has waited for some time for what the guest does. The time begins when that is seen first: before, it may have slept. */
static bool wj_is_overdue(struct wj_vm *vm)
{
	if (vm->coroutine || !(fatal_signal_pending(current) || wj_fuse_aborted(vm)))
		return false;
	if (!vm->unwanted)
		vm->unwanted_since = jiffies;
	vm->unwanted = true;
	return jiffies - vm->unwanted_since > WJ_GRACE;
}

/*
 * From a poll: WJ_TRAP if the guest has to end, WJ_SUSPEND if its owner is to look around: for signals, which it gets, and for timers, which
 * only it knows of. Vector registers have been saved by the caller.
 */
asmlinkage int wj_poll(struct wj_vm *vm)
{
	bool floats = vm->ctx->floats;
	unsigned long age;

	WRITE_ONCE(vm->interrupt, 0);
	if (floats)
		kernel_fpu_end();
	vm->ctx->floats = 0;
	cond_resched();
	if (vm->shared && READ_ONCE(vm->mem->view) != vm->view)
		wj_adopt_view(vm);
	age = jiffies - vm->started;
	if (READ_ONCE(vm->dead) || READ_ONCE(vm->stop) || (vm->timeout && age > vm->timeout) || wj_is_overdue(vm)) {
		vm->trap.code = WJ_TRAP_Interrupt;
		return WJ_TRAP;
	}
	if (vm->coroutine) {
		vm->resume_floats = floats;
		return WJ_SUSPEND;
	}
	if (floats) {
		kernel_fpu_begin();
		vm->ctx->floats = 1;
	}
	return WJ_STAY;
}

/* After a trap: where, and who called. Frames lie on the guest's stack. */
asmlinkage void wj_note_trap(struct wj_vm *vm, unsigned long pc, unsigned long fp)
{
	unsigned long code = (unsigned long)vm->image->code, end = code + vm->image->meta->code_bytes;
	unsigned long low = (unsigned long)vm->stack, high = vm->guest_sp;
	u32 n = 0;

	while (pc >= code && pc < end && n < WJ_MAX_FRAMES) {
		vm->trap.pcs[n++] = pc - code;
		if (fp < low || fp > high - 16 || fp & 7)
			break;
		pc = ((unsigned long *)fp)[1];
		fp = ((unsigned long *)fp)[0];
	}
	vm->trap.count = n;
	vm->leaving = WJ_STAY;
}

/* Around every stretch of running the guest. */
void wj_begin_run(struct wj_vm *vm)
{
	vm->trap.code = WJ_TRAP_OF_SITE;
	vm->trap.count = 0;
	vm->leaving = WJ_STAY;
	vm->unwanted = false;
	wj_start_running(vm);
}

void wj_end_run(struct wj_vm *vm)
{
	wj_stop_running(vm);
	if (vm->ctx->floats) {
		vm->ctx->floats = 0;
		kernel_fpu_end();
	}
}

/* Code of a function of the guest's own, and what calls it with values in an array; NULL if there is no such function. */
const void *wj_code_of(struct wj_vm *vm, u32 func, const void **trampoline)
{
	const struct wj_image_meta *meta = vm->image->meta;
	u32 at;

	if (func < meta->imported || func >= meta->functions)
		return NULL;
	at = vm->image->trampolines[vm->image->func_types[func]];
	if (at == U32_MAX)
		return NULL;
	*trampoline = vm->image->code + at;
	return vm->image->code + vm->image->func_offsets[func - meta->imported];
}

/* Calls function number func with values in place, which its results replace. Under vm->lock. 0, 1 after a trap, or an error. */
int wj_call(struct wj_vm *vm, u32 func, u64 *values)
{
	const void *code, *trampoline;
	int err;

	if (vm->dead)
		return -EIO;
	if (vm->coroutine)
		return -EBUSY;
	code = wj_code_of(vm, func, &trampoline);
	if (!code)
		return -EINVAL;
	wj_begin_run(vm);
	wj_go_inside(vm);
	err = wj_enter(vm, trampoline, code, values);
	wj_go_outside(vm);
	wj_end_run(vm);
	return err;
}

static void wj_fill_import(struct wj_vm *vm, struct wj_import *import, u32 index, u32 native, const u32 *signature)
{
	import->vm = vm;
	import->index = index;
	import->native = native;
	import->params = signature[0] & 0xff;
	import->float_result = signature[0] >> 16 & 1;
	import->wide_result = signature[0] >> 17 & 1;
	import->float_params = signature[1];
	wj_classify(import);
}

/* The vmctx's function references and what they refer to. */
static int wj_link_functions(struct wj_vm *vm, const struct wj_create *arg)
{
	const struct wj_image_meta *meta = vm->image->meta;
	u32 i, native;

	vm->imports = kvcalloc(max(meta->imported, 1U), sizeof(*vm->imports), GFP_KERNEL_ACCOUNT);
	if (!vm->imports)
		return -ENOMEM;
	for (i = 0; i < meta->functions; i++) {
		struct wj_func_ref *ref = wj_func_ref(vm, i);
		u32 type = vm->image->func_types[i];

		ref->type_id = vm->image->type_ids[type];
		if (i >= meta->imported) {
			ref->code = vm->image->code + vm->image->func_offsets[i - meta->imported];
			ref->ctx = vm->ctx;
			continue;
		}
		if (get_user(native, (u32 __user *)u64_to_user_ptr(arg->imports) + i))
			return -EFAULT;
		if ((vm->image->signatures[2 * type] & 0xff) > WJ_MAX_VALUES)
			return -EINVAL;
		wj_fill_import(vm, &vm->imports[i], i, native, &vm->image->signatures[2 * type]);
		ref->code = wj_import_entry;
		ref->ctx = &vm->imports[i];
		ref->host = 1;
	}
	return 0;
}

static int wj_link_builtins(struct wj_vm *vm)
{
	static const u32 params[] = WJ_BUILTIN_PARAMS;
	static const u32 natives[] = WJ_BUILTIN_NATIVES;
	u32 i;

	BUILD_BUG_ON(ARRAY_SIZE(params) > 16);
	vm->builtins = kcalloc(ARRAY_SIZE(params), sizeof(*vm->builtins), GFP_KERNEL_ACCOUNT);
	vm->builtin_code = kcalloc(ARRAY_SIZE(params), sizeof(void *), GFP_KERNEL_ACCOUNT);
	if (!vm->builtins || !vm->builtin_code)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(params); i++) {
		u32 signature[2] = { params[i], 0 };

		wj_fill_import(vm, &vm->builtins[i], i, natives[i], signature);
		vm->builtins[i].builtin = true;
		vm->builtin_code[i] = (void *)wj_builtin_entries + i * WJ_BUILTIN_STRIDE;
	}
	return 0;
}

/* Lays the vmctx out as VmLayout does: header, functions, tables, memories, imported globals, own globals. */
static int wj_link(struct wj_vm *vm, const struct wj_create *arg)
{
	const struct wj_image_meta *meta = vm->image->meta;
	size_t tables = sizeof(struct wj_ctx) + (size_t)meta->functions * sizeof(struct wj_func_ref);
	size_t memories = tables + 8 * (size_t)arg->table_count;
	size_t imported = memories + 8 * (size_t)meta->memories;
	size_t cells = ALIGN(imported + 8 * (size_t)arg->imported_globals, 16);
	u64 **slots;
	int err;
	u32 i;

	vm->ctx = kvzalloc(cells + 16 * (size_t)arg->own_globals, GFP_KERNEL_ACCOUNT);
	vm->imported_cells = kcalloc(max(arg->imported_globals, 1U), 16, GFP_KERNEL_ACCOUNT);
	if (!vm->ctx || !vm->imported_cells)
		return -ENOMEM;
	vm->cells = (u64 *)((u8 *)vm->ctx + cells);
	vm->own_globals = arg->own_globals;
	vm->imported_globals = arg->imported_globals;
	slots = (u64 **)((u8 *)vm->ctx + imported);
	for (i = 0; i < arg->imported_globals; i++)
		slots[i] = vm->imported_cells + 2 * i;
	if (copy_from_user(vm->imported_cells, u64_to_user_ptr(arg->globals), 16 * (size_t)arg->imported_globals) ||
	    copy_from_user(vm->cells, u64_to_user_ptr(arg->globals) + 16 * (size_t)arg->imported_globals,
			   16 * (size_t)arg->own_globals))
		return -EFAULT;
	err = wj_link_builtins(vm);
	if (!err)
		err = wj_link_functions(vm, arg);
	if (!err)
		err = wj_link_tables(vm, arg, (struct wj_table_desc **)((u8 *)vm->ctx + tables));
	if (err)
		return err;
	if (meta->memories)
		*(struct wj_memory_desc **)((u8 *)vm->ctx + memories) = &vm->memory;
	vm->ctx->memory_base = vm->memory.base;
	vm->ctx->memory = &vm->memory;
	vm->ctx->stack_limit = (unsigned long)vm->stack + WJ_STACK_RESERVE;
	vm->ctx->interrupt = &vm->interrupt;
	vm->ctx->builtins = vm->builtin_code;
	vm->ctx->type_ids = vm->image->type_ids;
	vm->ctx->owner = vm;
	return 0;
}

static void wj_clear(struct wj_vm *vm)
{
	wj_drop_files(vm);
	wj_drop_tables(vm);
	wj_drop_memory(vm);
	vfree(vm->stack);
	kvfree(vm->ctx);
	kfree(vm->imported_cells);
	kfree(vm->builtins);
	kfree(vm->builtin_code);
	kvfree(vm->imports);
	if (vm->image)
		wj_image_put(vm->image);
}

/* Whether fields of struct stat lie in it, and it is not too large. The last ones of the list say nothing. */
static bool wj_good_layout(const u32 *layout)
{
	u32 i;

	for (i = 1; i < WJ_STAT_FIELDS; i++)
		if ((layout[i] & 0xff) + 2 * (layout[i] >> 8) > 128 || layout[i] >> 8 > 8)
			return false;
	return layout[0] <= 128;
}

/* The instance's image stays loaded from here on. Under vm->lock. */
static int wj_hold(struct wj_vm *vm, u64 image)
{
	if (!vm->image)
		vm->image = wj_image_get(image);
	return vm->image ? 0 : -ENOENT;
}

static int wj_hold_image(struct wj_vm *vm, const u64 __user *user)
{
	u64 image;

	if (get_user(image, user))
		return -EFAULT;
	return vm->image ? -EBUSY : wj_hold(vm, image);
}

static int wj_create(struct wj_vm *vm, const struct wj_create __user *user)
{
	struct wj_create arg;
	int err;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.abi_hash != WJ_ABI_HASH)
		return -ENOEXEC;
	if (vm->stack)
		return -EBUSY;
	if (vm->image && vm->image->meta->id != arg.image)
		return -EINVAL;
	if (arg.memory_pages > arg.max_pages || arg.max_pages > 65536 || arg.table_count > 1024 ||
	    arg.segment_count > 100000 || arg.own_globals > 100000 || arg.imported_globals > 100000 || arg.stack_bytes < WJ_STACK_MIN ||
	    arg.stack_bytes > WJ_STACK_MAX || !PAGE_ALIGNED(arg.stack_bytes))
		return -EINVAL;
	if (!wj_good_layout(arg.stat))
		return -EINVAL;
	memcpy(vm->stat_layout, arg.stat, sizeof(vm->stat_layout));
	vm->coroutine = arg.flags & WJ_CREATE_COROUTINE;
	vm->owner_files = current->files;
	vm->owner_mm = current->mm;
	if (vm->mem || (vm->coroutine && arg.memory != WJ_OWN_MEMORY))
		return -EINVAL;
	vm->stack = __vmalloc(arg.stack_bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!vm->stack)
		return -ENOMEM;
	err = arg.memory == WJ_OWN_MEMORY ? wj_make_memory(vm, arg.max_pages, false) : wj_share_memory(vm, arg.memory);
	if (err)
		return err;
	vm->stack_bytes = arg.stack_bytes;
	vm->guest_sp = (unsigned long)vm->stack + arg.stack_bytes - 64;
	vm->timeout = msecs_to_jiffies(arg.timeout_ms);
	err = wj_hold(vm, arg.image);
	if (!err && !vm->shared)
		err = wj_extend(vm, (unsigned long)arg.memory_pages << WJ_PAGE_SHIFT);
	if (!err && vm->memory.bytes >> (WJ_PAGE_SHIFT + PAGE_SHIFT) < vm->image->meta->memory_pages)
		err = -EINVAL;
	if (!err)
		err = wj_link(vm, &arg);
	if (!err)
		err = wj_set_files(vm, arg.files, arg.file_count, arg.files_at);
	/* What is half made is never run: the file can only be closed. */
	if (err)
		vm->dead = true;
	return err;
}

/* The memory of instances that are going to be made. Under vm->lock. */
static int wj_create_memory(struct wj_vm *vm, const u32 __user *user)
{
	u32 max_pages;

	if (get_user(max_pages, user))
		return -EFAULT;
	if (vm->mem || vm->stack)
		return -EBUSY;
	return max_pages > 65536 ? -EINVAL : wj_make_memory(vm, max_pages, true);
}

static int wj_grow_memory(struct wj_vm *vm, const u32 __user *user)
{
	struct wj_memory *mem = wj_memory_of(vm);
	u32 pages;

	if (get_user(pages, user))
		return -EFAULT;
	if (!mem || !mem->shared || pages > 65536)
		return -EINVAL;
	return wj_extend_shared(mem, (unsigned long)pages << WJ_PAGE_SHIFT);
}

static int wj_do_call(struct wj_vm *vm, struct wj_call __user *user)
{
	u64 values[WJ_MAX_VALUES] = {};
	struct wj_call arg;
	int err;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.count > WJ_MAX_VALUES)
		return -EINVAL;
	if (copy_from_user(values, u64_to_user_ptr(arg.values), 8 * arg.count))
		return -EFAULT;
	err = wj_call(vm, arg.func, values);
	if (err < 0)
		return err;
	arg.trapped = err;
	arg.trap = vm->trap;
	if (copy_to_user(u64_to_user_ptr(arg.values), values, 8 * arg.count) || copy_to_user(user, &arg, sizeof(arg)))
		return -EFAULT;
	return 0;
}

/* Who called what a waiting guest waits for: entry.S has left the frame pointer of its call on top of the stack. */
static void wj_note_call(struct wj_vm *vm)
{
	const unsigned long *frame = *(unsigned long **)vm->suspended_sp;

	vm->trap.code = WJ_TRAP_NONE;
	wj_note_trap(vm, frame[1], frame[0]);
}

static int wj_state(struct wj_vm *vm, struct wj_state __user *user)
{
	struct wj_state arg;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.globals && copy_to_user(u64_to_user_ptr(arg.globals), vm->cells, 16 * (size_t)vm->own_globals))
		return -EFAULT;
	if (arg.tables && wj_get_tables(vm, arg.tables))
		return -EFAULT;
	if (vm->suspended_sp && vm->asked)
		wj_note_call(vm);
	arg.memory_bytes = vm->memory.bytes;
	arg.dead = vm->dead;
	arg.trap = vm->trap;
	return copy_to_user(user, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static long wj_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct wj_vm *vm = file->private_data;
	void __user *user = (void __user *)arg;
	int err;

	/* These do not wait for the guest's turn: it may be waiting for them. */
	if (cmd == WJ_GROW)
		return wj_grow_memory(vm, user);
	if (cmd == WJ_SEND)
		return wj_fuse_send_from_outside(vm, user);
	if (cmd != WJ_CREATE && cmd != WJ_HOLD && cmd != WJ_MEMORY && !vm->ctx)
		return -EINVAL;
	if (cmd == WJ_SERVE)
		return wj_serve(vm, user);
	if (cmd == WJ_WATCH)
		return wj_watch(vm, user);
	if (cmd == WJ_STOP) {
		WRITE_ONCE(vm->stop, arg != 0);
		return 0;
	}
	if (mutex_lock_killable_nested(&vm->lock, cmd == WJ_RUN ? WJ_TURN_PROGRAM : WJ_TURN_OWNER))
		return -EINTR;
	switch (cmd) {
	case WJ_HOLD:
		err = wj_hold_image(vm, user);
		break;
	case WJ_MEMORY:
		err = wj_create_memory(vm, user);
		break;
	case WJ_CREATE:
		err = wj_create(vm, user);
		break;
	case WJ_CALL:
		err = wj_do_call(vm, user);
		break;
	case WJ_STATE:
		err = wj_state(vm, user);
		break;
	case WJ_RUN:
		err = wj_run(vm, user);
		break;
	case WJ_NOTIFY:
		err = wj_fuse_notify_fd(vm);
		break;
	case WJ_JOIN:
		err = wj_fuse_join(vm, user);
		break;
	default:
		err = -ENOTTY;
	}
	mutex_unlock(&vm->lock);
	return err;
}

static int wj_open(struct inode *inode, struct file *file)
{
	struct wj_vm *vm;

	if (!capable(CAP_SYS_ADMIN) || !capable(CAP_SYS_MODULE))
		return -EPERM;
	mutex_lock(&wj_instances_lock);
	if (wj_instances >= max_instances) {
		mutex_unlock(&wj_instances_lock);
		return -EUSERS;
	}
	wj_instances++;
	mutex_unlock(&wj_instances_lock);
	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm) {
		mutex_lock(&wj_instances_lock);
		wj_instances--;
		mutex_unlock(&wj_instances_lock);
		return -ENOMEM;
	}
	kref_init(&vm->kref);
	mutex_init(&vm->lock);
	INIT_LIST_HEAD(&vm->running);
	wj_exchange_init(&vm->exchange);
	vm->cred = get_current_cred();
	vm->unconfined = !(READ_ONCE(current_thread_info()->syscall_work) & SYSCALL_WORK_SECCOMP);
	file->private_data = vm;
	return 0;
}

static void wj_vm_release(struct kref *kref)
{
	struct wj_vm *vm = container_of(kref, struct wj_vm, kref);

	wj_clear(vm);
	put_cred(vm->cred);
	mutex_lock(&wj_instances_lock);
	wj_instances--;
	mutex_unlock(&wj_instances_lock);
	kfree(vm);
}

struct wj_vm *wj_vm_get(struct wj_vm *vm)
{
	kref_get(&vm->kref);
	return vm;
}

void wj_vm_put(struct wj_vm *vm)
{
	kref_put(&vm->kref, wj_vm_release);
}

/* The owner is gone: whoever waits for it goes on, and nothing runs any more. */
static int wj_release(struct inode *inode, struct file *file)
{
	struct wj_vm *vm = file->private_data;

	wj_exchange_dead(vm);
	wj_vm_put(vm);
	return 0;
}

const struct file_operations wj_fops = {
	.owner = THIS_MODULE,
	.open = wj_open,
	.release = wj_release,
	.unlocked_ioctl = wj_ioctl,
	.mmap = wj_mmap,
};

/* The instance that a descriptor of the caller is, held; or NULL. */
struct wj_vm *wj_vm_of_fd(int fd)
{
	struct file *file = fget(fd);
	struct wj_vm *vm = NULL;

	if (file && file->f_op == &wj_fops)
		vm = wj_vm_get(file->private_data);
	if (file)
		fput(file);
	return vm;
}

/* What images jump to. */
EXPORT_SYMBOL_GPL(wj_slot_trap);
EXPORT_SYMBOL_GPL(wj_slot_poll);
EXPORT_SYMBOL_GPL(wj_slot_floats);

int wj_vm_init(void)
{
	hrtimer_init(&wj_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	wj_timer.function = wj_tick;
	return 0;
}

void wj_vm_exit(void)
{
	hrtimer_cancel(&wj_timer);
}
