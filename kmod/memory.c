// SPDX-License-Identifier: GPL-2.0
/* Linear memory: its pages, the kernel's and the owner's view of them, the limits on how many there may be. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
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

/* Makes sure of a page. The owner's faults may come at the same time. */
static int wj_add_page(struct wj_vm *vm, unsigned long n)
{
	struct page *page;
	int err;

	if (READ_ONCE(vm->pages[n]))
		return 0;
	err = wj_charge(vm, 1);
	if (err)
		return err;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | __GFP_NORETRY);
	if (page && !cmpxchg(&vm->pages[n], NULL, page))
		return 0;
	wj_uncharge(vm, 1);
	if (!page)
		return -ENOMEM;
	__free_page(page);
	return 0;
}

/* Makes memory larger: pages stay where they are, the kernel's view of them moves. Under vm->lock. */
int wj_extend(struct wj_vm *vm, unsigned long to)
{
	unsigned long from = vm->page_count, n = from;
	void *base = NULL;
	int err;

	if (to > vm->page_limit)
		return -EDQUOT;
	for (; n < to; n++) {
		err = wj_add_page(vm, n);
		if (err)
			goto out_drop;
		if (!(n % 1024))
			cond_resched();
	}
	if (to)
		base = vmap(vm->pages, to, VM_MAP, PAGE_KERNEL);
	err = -ENOMEM;
	if (to && !base)
		goto out_drop;
	if (vm->memory.base)
		vunmap(vm->memory.base);
	vm->memory.base = base;
	vm->memory.bytes = (u64)to << PAGE_SHIFT;
	if (vm->ctx)
		vm->ctx->memory_base = base;
	vm->page_count = to;
	return 0;

out_drop:
	/* The owner may have mapped some of these; then its mapping keeps them. */
	while (n-- > from) {
		put_page(xchg(&vm->pages[n], NULL));
		wj_uncharge(vm, 1);
	}
	return err;
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

/* Behind the guest's size, too: a host function of the owner may make memory larger, and tells of it when it is done. */
static vm_fault_t wj_fault(struct vm_fault *vmf)
{
	struct wj_vm *vm = vmf->vma->vm_private_data;

	if (vmf->pgoff >= vm->page_limit || wj_add_page(vm, vmf->pgoff))
		return VM_FAULT_SIGBUS;
	vmf->page = READ_ONCE(vm->pages[vmf->pgoff]);
	if (!vmf->page)
		return VM_FAULT_SIGBUS;
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct wj_vm_ops = { .fault = wj_fault };

int wj_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct wj_vm *vm = file->private_data;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC || !READ_ONCE(vm->ctx))
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


/* A guest's memory, of no pages yet. */
int wj_make_memory(struct wj_vm *vm, u32 max_pages)
{
	vm->page_limit = min((unsigned long)max_pages << WJ_PAGE_SHIFT, wj_mb_pages(max_memory_mb));
	vm->pages = kvcalloc(max(vm->page_limit, 1UL), sizeof(*vm->pages), GFP_KERNEL_ACCOUNT);
	return vm->pages ? 0 : -ENOMEM;
}

void wj_drop_memory(struct wj_vm *vm)
{
	unsigned long n;

	if (vm->memory.base)
		vunmap(vm->memory.base);
	for (n = 0; vm->pages && n < vm->page_limit; n++)
		if (vm->pages[n])
			put_page(vm->pages[n]);
	if (vm->charged)
		wj_uncharge(vm, vm->charged);
	kvfree(vm->pages);
}
