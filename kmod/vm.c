// SPDX-License-Identifier: GPL-2.0
/*
 * Running guests: linear memory, stack, vmctx, calls, traps, limits; the file operations of /dev/wasm.
 *
 * An open file is one instance; its owner is the process that opened it. One task at a time runs the guest, with vm->lock held.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <asm/fpu/api.h>
#include "wj.h"

/* Wasm pages are 64 KiB. */
#define WJ_PAGE_SHIFT (16 - PAGE_SHIFT)
/* What a guest's stack keeps for interrupts, faults and unchecked frames. */
#define WJ_STACK_RESERVE (16 * 1024)
#define WJ_STACK_MIN (64 * 1024)
#define WJ_STACK_MAX (16 * 1024 * 1024)
/* How often running guests are made to look around. */
#define WJ_TICK_MS 10
/* How long a guest may go on after its caller was killed. */
#define WJ_GRACE (HZ)
#define WJ_MAX_TABLE 10000000

static unsigned long max_memory_mb = 512;
module_param(max_memory_mb, ulong, 0644);
MODULE_PARM_DESC(max_memory_mb, "Most memory of one instance, in MiB");
static unsigned long max_user_mb = 1024;
module_param(max_user_mb, ulong, 0644);
MODULE_PARM_DESC(max_user_mb, "Most memory of all instances of a user, in MiB");
static unsigned long max_total_mb = 2048;
module_param(max_total_mb, ulong, 0644);
MODULE_PARM_DESC(max_total_mb, "Most memory of all instances, in MiB");
static unsigned int max_instances = 256;
module_param(max_instances, uint, 0644);
MODULE_PARM_DESC(max_instances, "Most instances at a time");

/* Pages held, for each user that has any. */
struct wj_usage {
	struct list_head list;
	kuid_t uid;
	unsigned long pages;
};

static DEFINE_MUTEX(wj_limits_lock);	/* the totals below */
static LIST_HEAD(wj_usages);
static unsigned long wj_total_pages;
static unsigned int wj_instances;

static unsigned long wj_mb_pages(unsigned long mb)
{
	return min(mb, ULONG_MAX >> 20) << (20 - PAGE_SHIFT);
}

static struct wj_usage *wj_usage_of(kuid_t uid)
{
	struct wj_usage *usage;

	list_for_each_entry(usage, &wj_usages, list)
		if (uid_eq(usage->uid, uid))
			return usage;
	usage = kzalloc(sizeof(*usage), GFP_KERNEL);
	if (usage) {
		usage->uid = uid;
		list_add(&usage->list, &wj_usages);
	}
	return usage;
}

static void wj_uncharge(struct wj_vm *vm, unsigned long pages)
{
	struct wj_usage *usage;

	mutex_lock(&wj_limits_lock);
	wj_total_pages -= pages;
	vm->charged -= pages;
	usage = wj_usage_of(vm->cred->uid);
	if (usage) {
		usage->pages -= pages;
		if (!usage->pages) {
			list_del(&usage->list);
			kfree(usage);
		}
	}
	mutex_unlock(&wj_limits_lock);
}

static int wj_charge(struct wj_vm *vm, unsigned long pages)
{
	struct wj_usage *usage;
	int err = -EDQUOT;

	mutex_lock(&wj_limits_lock);
	usage = wj_usage_of(vm->cred->uid);
	if (!usage)
		err = -ENOMEM;
	else if (vm->charged + pages <= wj_mb_pages(max_memory_mb) &&
		 usage->pages + pages <= wj_mb_pages(max_user_mb) &&
		 wj_total_pages + pages <= wj_mb_pages(max_total_mb))
		err = 0;
	if (!err) {
		usage->pages += pages;
		wj_total_pages += pages;
		vm->charged += pages;
	} else if (usage && !usage->pages) {
		list_del(&usage->list);
		kfree(usage);
	}
	mutex_unlock(&wj_limits_lock);
	return err;
}

/* Makes memory larger: pages stay where they are, the kernel's view of them moves. Under vm->lock. */
static int wj_extend(struct wj_vm *vm, unsigned long to)
{
	unsigned long from = vm->page_count, n = from;
	void *base = NULL;
	int err;

	if (to > vm->page_limit)
		return -EDQUOT;
	err = wj_charge(vm, to - from);
	if (err)
		return err;
	for (; n < to; n++) {
		vm->pages[n] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | __GFP_NORETRY);
		if (!vm->pages[n])
			goto out_free;
		if (!(n % 1024))
			cond_resched();
	}
	if (to)
		base = vmap(vm->pages, to, VM_MAP, PAGE_KERNEL);
	if (to && !base)
		goto out_free;
	if (vm->memory.base)
		vunmap(vm->memory.base);
	vm->memory.base = base;
	vm->memory.bytes = (u64)to << PAGE_SHIFT;
	if (vm->ctx)
		vm->ctx->memory_base = base;
	smp_store_release(&vm->page_count, to);
	return 0;

out_free:
	while (n-- > from)
		__free_page(vm->pages[n]);
	wj_uncharge(vm, to - from);
	return -ENOMEM;
}

/* memory.grow: the previous size in wasm pages, or -1. */
s64 wj_memory_grow(struct wj_vm *vm, u32 delta)
{
	u64 old = vm->page_count >> WJ_PAGE_SHIFT, wanted = old + delta;

	if (wanted > 65536 || (wanted << WJ_PAGE_SHIFT) > vm->page_limit)
		return -1;
	if (delta && wj_extend(vm, wanted << WJ_PAGE_SHIFT))
		return -1;
	return old;
}

static vm_fault_t wj_fault(struct vm_fault *vmf)
{
	struct wj_vm *vm = vmf->vma->vm_private_data;

	if (vmf->pgoff >= smp_load_acquire(&vm->page_count))
		return VM_FAULT_SIGBUS;
	vmf->page = vm->pages[vmf->pgoff];
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct wj_vm_ops = { .fault = wj_fault };

static int wj_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct wj_vm *vm = file->private_data;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC || !vm->image)
		return -EINVAL;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
#else
	vma->vm_flags |= VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP;
	vma->vm_flags &= ~VM_MAYEXEC;
#endif
	vma->vm_private_data = vm;
	vma->vm_ops = &wj_vm_ops;
	return 0;
}

/*
 * Guests that run: a timer makes them poll while there are any. It fires in hard interrupts, because soft ones may wait for the
 * very guest that is to be stopped.
 */
static LIST_HEAD(wj_running);
static DEFINE_SPINLOCK(wj_running_lock);
static bool wj_ticking;		/* under wj_running_lock */
static struct hrtimer wj_timer;

static enum hrtimer_restart wj_tick(struct hrtimer *timer)
{
	enum hrtimer_restart again = HRTIMER_NORESTART;
	unsigned long flags;
	struct wj_vm *vm;

	spin_lock_irqsave(&wj_running_lock, flags);
	list_for_each_entry(vm, &wj_running, running)
		WRITE_ONCE(vm->interrupt, 1);
	wj_ticking = !list_empty(&wj_running);
	if (wj_ticking) {
		hrtimer_forward_now(timer, ms_to_ktime(WJ_TICK_MS));
		again = HRTIMER_RESTART;
	}
	spin_unlock_irqrestore(&wj_running_lock, flags);
	return again;
}

static void wj_start_running(struct wj_vm *vm)
{
	vm->started = jiffies;
	spin_lock_irq(&wj_running_lock);
	list_add(&vm->running, &wj_running);
	if (!wj_ticking) {
		wj_ticking = true;
		hrtimer_start(&wj_timer, ms_to_ktime(WJ_TICK_MS), HRTIMER_MODE_REL_HARD);
	}
	spin_unlock_irq(&wj_running_lock);
}

static void wj_stop_running(struct wj_vm *vm)
{
	spin_lock_irq(&wj_running_lock);
	list_del_init(&vm->running);
	spin_unlock_irq(&wj_running_lock);
	WRITE_ONCE(vm->interrupt, 0);
}

/* From a poll: whether the guest has to end. Vector registers have been saved by the caller. */
asmlinkage int wj_poll(struct wj_vm *vm)
{
	bool floats = vm->ctx->floats;
	unsigned long age;

	WRITE_ONCE(vm->interrupt, 0);
	if (floats)
		kernel_fpu_end();
	cond_resched();
	if (floats)
		kernel_fpu_begin();
	age = jiffies - vm->started;
	if (READ_ONCE(vm->dead) || READ_ONCE(vm->stop) || (vm->timeout && age > vm->timeout) ||
	    (fatal_signal_pending(current) && age > WJ_GRACE)) {
		vm->trap.code = WJ_TRAP_Interrupt;
		return 1;
	}
	return 0;
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
	vm->trapping = 0;
}

/* Calls function number func with values in place, which its results replace. Under vm->lock. 0, 1 after a trap, or an error. */
int wj_call(struct wj_vm *vm, u32 func, u64 *values)
{
	const struct wj_image_meta *meta = vm->image->meta;
	u32 tramp;
	int err;

	if (vm->dead)
		return -EIO;
	if (func < meta->imported || func >= meta->functions)
		return -EINVAL;
	tramp = vm->image->trampolines[vm->image->func_types[func]];
	if (tramp == U32_MAX)
		return -EINVAL;
	vm->trap.code = WJ_TRAP_OF_SITE;
	vm->trap.count = 0;
	wj_start_running(vm);
	err = wj_enter(vm, vm->image->code + tramp, vm->image->code + vm->image->func_offsets[func - meta->imported],
		       values);
	wj_stop_running(vm);
	if (vm->ctx->floats) {
		vm->ctx->floats = 0;
		kernel_fpu_end();
	}
	return err;
}

static struct wj_func_ref *wj_func_ref(struct wj_vm *vm, u32 func)
{
	return (struct wj_func_ref *)(vm->ctx + 1) + func;
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

/* Tables come as lists of function numbers plus one, 0 for null. */
static int wj_link_tables(struct wj_vm *vm, const struct wj_create *arg, struct wj_table_desc **slots)
{
	u32 i, n;

	vm->tables = kcalloc(max(arg->table_count, 1U), sizeof(*vm->tables), GFP_KERNEL_ACCOUNT);
	if (!vm->tables)
		return -ENOMEM;
	vm->table_count = arg->table_count;
	for (i = 0; i < arg->table_count; i++) {
		struct wj_table_desc *table = &vm->tables[i];
		struct wj_table from;

		slots[i] = table;
		if (copy_from_user(&from, (struct wj_table __user *)u64_to_user_ptr(arg->tables) + i, sizeof(from)))
			return -EFAULT;
		if (from.len > WJ_MAX_TABLE)
			return -EDQUOT;
		table->base = kvcalloc(max(from.len, 1U), sizeof(u64), GFP_KERNEL_ACCOUNT);
		if (!table->base)
			return -ENOMEM;
		table->len = from.len;
		for (n = 0; n < from.len; n++) {
			u32 func;

			if (get_user(func, (u32 __user *)u64_to_user_ptr(from.entries) + n))
				return -EFAULT;
			if (func > vm->image->meta->functions)
				return -EINVAL;
			if (func)
				table->base[n] = (unsigned long)wj_func_ref(vm, func - 1);
		}
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
	unsigned long n;
	u32 i;

	for (i = 0; i < vm->table_count; i++)
		kvfree(vm->tables[i].base);
	kfree(vm->tables);
	if (vm->memory.base)
		vunmap(vm->memory.base);
	for (n = 0; n < vm->page_count; n++)
		put_page(vm->pages[n]);
	if (vm->charged)
		wj_uncharge(vm, vm->charged);
	kvfree(vm->pages);
	vfree(vm->stack);
	kvfree(vm->ctx);
	kfree(vm->imported_cells);
	kfree(vm->builtins);
	kfree(vm->builtin_code);
	kvfree(vm->imports);
	if (vm->image)
		wj_image_put(vm->image);
}

static int wj_create(struct wj_vm *vm, const struct wj_create __user *user)
{
	struct wj_create arg;
	int err;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.abi_hash != WJ_ABI_HASH)
		return -ENOEXEC;
	if (vm->image)
		return -EBUSY;
	if (arg.memory_pages > arg.max_pages || arg.max_pages > 65536 || arg.table_count > 1024 ||
	    arg.own_globals > 100000 || arg.imported_globals > 100000 || arg.stack_bytes < WJ_STACK_MIN ||
	    arg.stack_bytes > WJ_STACK_MAX || !PAGE_ALIGNED(arg.stack_bytes))
		return -EINVAL;
	vm->page_limit = min((unsigned long)arg.max_pages << WJ_PAGE_SHIFT, wj_mb_pages(max_memory_mb));
	vm->pages = kvcalloc(max(vm->page_limit, 1UL), sizeof(*vm->pages), GFP_KERNEL_ACCOUNT);
	vm->stack = __vmalloc(arg.stack_bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!vm->pages || !vm->stack)
		return -ENOMEM;
	vm->stack_bytes = arg.stack_bytes;
	vm->guest_sp = (unsigned long)vm->stack + arg.stack_bytes - 64;
	vm->timeout = msecs_to_jiffies(arg.timeout_ms);
	vm->image = wj_image_get(arg.image);
	if (!vm->image)
		return -ENOENT;
	err = wj_extend(vm, (unsigned long)arg.memory_pages << WJ_PAGE_SHIFT);
	if (!err)
		err = wj_link(vm, &arg);
	/* What is half made is never run: the file can only be closed. */
	if (err)
		vm->dead = true;
	return err;
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

static int wj_state(struct wj_vm *vm, struct wj_state __user *user)
{
	struct wj_state arg;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.globals && copy_to_user(u64_to_user_ptr(arg.globals), vm->cells, 16 * (size_t)vm->own_globals))
		return -EFAULT;
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

	if (cmd != WJ_CREATE && !vm->ctx)
		return -EINVAL;
	if (cmd == WJ_SERVE)
		return wj_serve(vm, user);
	if (cmd == WJ_STOP) {
		WRITE_ONCE(vm->stop, arg != 0);
		return 0;
	}
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	switch (cmd) {
	case WJ_CREATE:
		err = wj_create(vm, user);
		break;
	case WJ_CALL:
		err = wj_do_call(vm, user);
		break;
	case WJ_STATE:
		err = wj_state(vm, user);
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
	mutex_lock(&wj_limits_lock);
	if (wj_instances >= max_instances) {
		mutex_unlock(&wj_limits_lock);
		return -EUSERS;
	}
	wj_instances++;
	mutex_unlock(&wj_limits_lock);
	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm) {
		mutex_lock(&wj_limits_lock);
		wj_instances--;
		mutex_unlock(&wj_limits_lock);
		return -ENOMEM;
	}
	kref_init(&vm->kref);
	mutex_init(&vm->lock);
	INIT_LIST_HEAD(&vm->running);
	wj_exchange_init(&vm->exchange);
	vm->cred = get_current_cred();
	file->private_data = vm;
	return 0;
}

static void wj_vm_release(struct kref *kref)
{
	struct wj_vm *vm = container_of(kref, struct wj_vm, kref);

	wj_clear(vm);
	put_cred(vm->cred);
	mutex_lock(&wj_limits_lock);
	wj_instances--;
	mutex_unlock(&wj_limits_lock);
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

	WRITE_ONCE(vm->dead, true);
	wake_up_all(&vm->exchange.guest_wait);
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
