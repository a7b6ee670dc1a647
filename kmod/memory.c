// SPDX-License-Identifier: GPL-2.0
/*
 * Linear memory: its pages, the kernel's and the owner's view of them, the limits on how many there may be.
 *
 * A view of more pages lies elsewhere in the kernel's address space. Instances that share a memory go over to it one by one, each where its
 * compiled code looks for the base anew: at polls, and behind host calls. The view before stays as long as one of them has it.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/delay.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include "wj.h"

static unsigned long max_memory_mb = 512;
module_param(max_memory_mb, ulong, 0644);
MODULE_PARM_DESC(max_memory_mb, "Most memory of one instance, in MiB");
static unsigned long max_user_mb = 1024;
module_param(max_user_mb, ulong, 0644);
MODULE_PARM_DESC(max_user_mb, "Most memory of all instances of a user, in MiB");
static unsigned long max_total_mb = 2048;
module_param(max_total_mb, ulong, 0644);
MODULE_PARM_DESC(max_total_mb, "Most memory of all instances, in MiB");
/* Pages held, for each user that has any. */
struct wj_usage {
	struct list_head list;
	kuid_t uid;
	unsigned long pages;
};

static DEFINE_MUTEX(wj_limits_lock);	/* the totals below, and vm->charged */
static LIST_HEAD(wj_usages);
static unsigned long wj_total_pages;

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
	/* Callers may be faults, and requests of a filesystem. */
	usage = kzalloc(sizeof(*usage), GFP_NOFS);
	if (usage) {
		usage->uid = uid;
		list_add(&usage->list, &wj_usages);
	}
	return usage;
}

static void wj_uncharge(struct wj_memory *mem, unsigned long pages)
{
	struct wj_usage *usage;

	mutex_lock(&wj_limits_lock);
	wj_total_pages -= pages;
	mem->charged -= pages;
	usage = wj_usage_of(mem->uid);
	if (usage) {
		usage->pages -= pages;
		if (!usage->pages) {
			list_del(&usage->list);
			kfree(usage);
		}
	}
	mutex_unlock(&wj_limits_lock);
}

static int wj_charge(struct wj_memory *mem, unsigned long pages)
{
	struct wj_usage *usage;
	int err = -EDQUOT;

	mutex_lock(&wj_limits_lock);
	usage = wj_usage_of(mem->uid);
	if (!usage)
		err = -ENOMEM;
	else if (mem->charged + pages <= wj_mb_pages(max_memory_mb) &&
		 usage->pages + pages <= wj_mb_pages(max_user_mb) &&
		 wj_total_pages + pages <= wj_mb_pages(max_total_mb))
		err = 0;
	if (!err) {
		usage->pages += pages;
		wj_total_pages += pages;
		mem->charged += pages;
	} else if (usage && !usage->pages) {
		list_del(&usage->list);
		kfree(usage);
	}
	mutex_unlock(&wj_limits_lock);
	return err;
}

/* Makes sure of a page. The owner's faults may come at the same time. */
static int wj_add_page(struct wj_memory *mem, unsigned long n)
{
	struct page *page;
	int err;

	if (READ_ONCE(mem->pages[n]))
		return 0;
	err = wj_charge(mem, 1);
	if (err)
		return err;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | __GFP_NORETRY);
	if (page && !cmpxchg(&mem->pages[n], NULL, page))
		return 0;
	wj_uncharge(mem, 1);
	if (!page)
		return -ENOMEM;
	__free_page(page);
	return 0;
}

static void wj_free_view(struct wj_view *view)
{
	if (view->base)
		vunmap(view->base);
	kfree(view);
}

/* The newest view, held; NULL while there is none. */
struct wj_view *wj_hold_view(struct wj_memory *mem)
{
	struct wj_view *view;

	spin_lock(&mem->view_lock);
	view = mem->view;
	if (view)
		view->users++;
	spin_unlock(&mem->view_lock);
	return view;
}

void wj_drop_view(struct wj_memory *mem, struct wj_view *view)
{
	bool last;

	if (!view)
		return;
	spin_lock(&mem->view_lock);
	last = !--view->users;
	spin_unlock(&mem->view_lock);
	if (last)
		wj_free_view(view);
}

/* An instance sees from now on what there is. It does not run its own code, or it waits at a poll. */
void wj_adopt_view(struct wj_vm *vm)
{
	struct wj_view *old = vm->view, *view = wj_hold_view(vm->mem);

	vm->memory.base = view ? view->base : NULL;
	vm->memory.bytes = view ? view->bytes : 0;
	if (vm->ctx)
		vm->ctx->memory_base = vm->memory.base;
	WRITE_ONCE(vm->view, view);
	wj_drop_view(vm->mem, old);
}

/* Makes memory larger: pages stay where they are, the kernel's view of them moves. Under mem->lock. */
static int wj_grow_to(struct wj_memory *mem, unsigned long to)
{
	unsigned long from = mem->page_count, n = from;
	struct wj_view *view, *old = mem->view;
	int err = -ENOMEM;

	if (to > mem->page_limit)
		return -EDQUOT;
	view = kzalloc(sizeof(*view), GFP_KERNEL_ACCOUNT);
	if (!view)
		return -ENOMEM;
	for (; n < to; n++) {
		err = wj_add_page(mem, n);
		if (err)
			goto out_drop;
		if (!(n % 1024))
			cond_resched();
	}
	err = -ENOMEM;
	view->base = to ? vmap(mem->pages, to, VM_MAP, PAGE_KERNEL) : NULL;
	if (to && !view->base)
		goto out_drop;
	view->bytes = (u64)to << PAGE_SHIFT;
	view->users = 1;
	spin_lock(&mem->view_lock);
	WRITE_ONCE(mem->view, view);
	spin_unlock(&mem->view_lock);
	mem->page_count = to;
	wj_drop_view(mem, old);
	return 0;

out_drop:
	kfree(view);
	/* The owner may have mapped some of these; then its mapping keeps them. */
	while (n-- > from) {
		put_page(xchg(&mem->pages[n], NULL));
		wj_uncharge(mem, 1);
	}
	return err;
}

/* Of an instance's own memory. It waits for us, or is the caller. */
int wj_extend(struct wj_vm *vm, unsigned long to)
{
	int err;

	mutex_lock(&vm->mem->lock);
	err = wj_grow_to(vm->mem, to);
	mutex_unlock(&vm->mem->lock);
	if (!err)
		wj_adopt_view(vm);
	return err;
}

/*
 * Nobody learns of the new size before all can use it: what runs, polls or makes a host call soon. What does neither for long would
 * only trap, so nothing waits for it for ever. Under mem->lock.
 */
static void wj_await_views(struct wj_memory *mem)
{
	unsigned long deadline = jiffies + HZ;
	struct wj_vm *vm;

	smp_mb();		/* after the newest view is there; pairs with wj_go_inside() */
	list_for_each_entry(vm, &mem->sharers, sharer) {
		while (READ_ONCE(vm->inside) && READ_ONCE(vm->view) != mem->view && time_before(jiffies, deadline)) {
			WRITE_ONCE(vm->interrupt, 1);
			usleep_range(20, 100);
		}
	}
}

int wj_extend_shared(struct wj_memory *mem, unsigned long to)
{
	/* Who waits may be called for by who frees memory. */
	unsigned int flags = memalloc_nofs_save();
	int err = 0;

	mutex_lock(&mem->lock);
	if (to > mem->page_count) {
		err = wj_grow_to(mem, to);
		if (!err)
			wj_await_views(mem);
	}
	mutex_unlock(&mem->lock);
	memalloc_nofs_restore(flags);
	return err;
}

/* memory.grow: the previous size in wasm pages, or -1. */
s64 wj_memory_grow(struct wj_vm *vm, u32 delta)
{
	u64 old = vm->mem->page_count >> WJ_PAGE_SHIFT, wanted = old + delta;

	if (wanted > 65536 || (wanted << WJ_PAGE_SHIFT) > vm->mem->page_limit)
		return -1;
	if (delta && wj_extend(vm, wanted << WJ_PAGE_SHIFT))
		return -1;
	return old;
}

/* Behind the guest's size, too: a host function of the owner may make memory larger, and tells of it when it is done. */
static vm_fault_t wj_fault(struct vm_fault *vmf)
{
	struct wj_memory *mem = ((struct wj_vm *)vmf->vma->vm_private_data)->mem;

	if (mem->note && vmf->pgoff == WJ_NOTE_OFFSET >> PAGE_SHIFT) {
		vmf->page = mem->note;
		get_page(vmf->page);
		return 0;
	}
	if (vmf->pgoff >= mem->page_limit || wj_add_page(mem, vmf->pgoff))
		return VM_FAULT_SIGBUS;
	vmf->page = READ_ONCE(mem->pages[vmf->pgoff]);
	if (!vmf->page)
		return VM_FAULT_SIGBUS;
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct wj_vm_ops = { .fault = wj_fault };

int wj_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct wj_vm *vm = file->private_data;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC || !wj_memory_of(vm))
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


/* A memory of no pages yet. Under vm->lock. */
int wj_make_memory(struct wj_vm *vm, u32 max_pages, bool shared)
{
	struct wj_memory *mem = kzalloc(sizeof(*mem), GFP_KERNEL_ACCOUNT);

	if (!mem)
		return -ENOMEM;
	mem->page_limit = min((unsigned long)max_pages << WJ_PAGE_SHIFT, wj_mb_pages(max_memory_mb));
	mem->pages = kvcalloc(max(mem->page_limit, 1UL), sizeof(*mem->pages), GFP_KERNEL_ACCOUNT);
	if (shared)
		mem->note = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!mem->pages || (shared && !mem->note)) {
		kvfree(mem->pages);
		kfree(mem);
		return -ENOMEM;
	}
	kref_init(&mem->kref);
	mutex_init(&mem->lock);
	spin_lock_init(&mem->view_lock);
	INIT_LIST_HEAD(&mem->sharers);
	mem->uid = vm->cred->uid;
	mem->shared = shared;
	smp_store_release(&vm->mem, mem);	/* pairs with wj_memory_of() */
	return 0;
}

/* An instance gets the memory that another open file of /dev/wasm has for that. Under vm->lock. */
int wj_share_memory(struct wj_vm *vm, int fd)
{
	struct wj_vm *other = wj_vm_of_fd(fd);
	struct wj_memory *mem = other ? wj_memory_of(other) : NULL;
	bool good = mem && mem->shared && uid_eq(mem->uid, vm->cred->uid);

	if (good) {
		kref_get(&mem->kref);
		smp_store_release(&vm->mem, mem);	/* pairs with wj_memory_of() */
		vm->shared = true;
		mutex_lock(&mem->lock);
		list_add(&vm->sharer, &mem->sharers);
		mutex_unlock(&mem->lock);
		wj_adopt_view(vm);
	}
	if (other)
		wj_vm_put(other);
	return good ? 0 : -EINVAL;
}

static void wj_free_memory(struct kref *kref)
{
	struct wj_memory *mem = container_of(kref, struct wj_memory, kref);
	unsigned long n;

	if (mem->view)
		wj_free_view(mem->view);
	for (n = 0; n < mem->page_limit; n++)
		if (mem->pages[n])
			put_page(mem->pages[n]);
	if (mem->charged)
		wj_uncharge(mem, mem->charged);
	if (mem->note)
		put_page(mem->note);
	kvfree(mem->pages);
	kfree(mem);
}

void wj_drop_memory(struct wj_vm *vm)
{
	struct wj_memory *mem = vm->mem;

	if (!mem)
		return;
	if (vm->shared) {
		mutex_lock(&mem->lock);
		list_del(&vm->sharer);
		mutex_unlock(&mem->lock);
	}
	wj_drop_view(mem, vm->view);
	kref_put(&mem->kref, wj_free_memory);
}
