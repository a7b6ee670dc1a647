// SPDX-License-Identifier: GPL-2.0
/* A guest's tables, and the segments that they are filled from. Outside of the kernel entries are function numbers plus one, 0 for null. */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "wj.h"

#define WJ_MAX_TABLE 10000000

/* Makes a list of references from the owner's list of numbers. */
static int wj_take_list(struct wj_vm *vm, const struct wj_table *from, struct wj_table_desc *to)
{
	u32 n, func;

	if (from->len > WJ_MAX_TABLE)
		return -EDQUOT;
	to->base = kvcalloc(max(from->len, 1U), sizeof(u64), GFP_KERNEL_ACCOUNT);
	if (!to->base)
		return -ENOMEM;
	to->len = from->len;
	for (n = 0; n < from->len; n++) {
		if (get_user(func, (u32 __user *)u64_to_user_ptr(from->entries) + n))
			return -EFAULT;
		if (func > vm->image->meta->functions)
			return -EINVAL;
		if (func)
			to->base[n] = (unsigned long)wj_func_ref(vm, func - 1);
	}
	return 0;
}

static int wj_take_lists(struct wj_vm *vm, u64 user, u32 count, struct wj_table_desc *lists, u64 *limits)
{
	struct wj_table from;
	u32 i;
	int err;

	for (i = 0; i < count; i++) {
		if (copy_from_user(&from, (struct wj_table __user *)u64_to_user_ptr(user) + i, sizeof(from)))
			return -EFAULT;
		err = wj_take_list(vm, &from, &lists[i]);
		if (err)
			return err;
		if (limits)
			limits[i] = min_t(u64, from.max, WJ_MAX_TABLE);
	}
	return 0;
}

/* Takes tables and segments from the owner; slots are the vmctx's pointers to the tables. */
int wj_link_tables(struct wj_vm *vm, const struct wj_create *arg, struct wj_table_desc **slots)
{
	u32 i;
	int err;

	vm->tables = kcalloc(max(arg->table_count, 1U), sizeof(*vm->tables), GFP_KERNEL_ACCOUNT);
	vm->table_limits = kcalloc(max(arg->table_count, 1U), sizeof(u64), GFP_KERNEL_ACCOUNT);
	vm->segments = kvcalloc(max(arg->segment_count, 1U), sizeof(*vm->segments), GFP_KERNEL_ACCOUNT);
	if (!vm->tables || !vm->table_limits || !vm->segments)
		return -ENOMEM;
	vm->table_count = arg->table_count;
	vm->segment_count = arg->segment_count;
	for (i = 0; i < arg->table_count; i++)
		slots[i] = &vm->tables[i];
	err = wj_take_lists(vm, arg->tables, arg->table_count, vm->tables, vm->table_limits);
	return err ?: wj_take_lists(vm, arg->segments, arg->segment_count, vm->segments, NULL);
}

void wj_drop_tables(struct wj_vm *vm)
{
	u32 i;

	for (i = 0; i < vm->table_count; i++)
		kvfree(vm->tables[i].base);
	for (i = 0; i < vm->segment_count; i++)
		kvfree(vm->segments[i].base);
	kfree(vm->tables);
	kfree(vm->table_limits);
	kvfree(vm->segments);
}

/* Tells the owner what the tables hold, as far as it has room; their lengths anyway. */
int wj_get_tables(struct wj_vm *vm, u64 user)
{
	struct wj_table __user *to = u64_to_user_ptr(user);
	struct wj_table table;
	u32 i;
	u64 n;

	for (i = 0; i < vm->table_count; i++) {
		const struct wj_table_desc *from = &vm->tables[i];

		if (copy_from_user(&table, to + i, sizeof(table)))
			return -EFAULT;
		for (n = 0; n < min_t(u64, from->len, table.len); n++) {
			u64 at = from->base[n];
			u32 func = at ? (at - (unsigned long)wj_func_ref(vm, 0)) / sizeof(struct wj_func_ref) + 1 : 0;

			if (put_user(func, (u32 __user *)u64_to_user_ptr(table.entries) + n))
				return -EFAULT;
		}
		table.len = from->len;
		if (copy_to_user(to + i, &table, sizeof(table)))
			return -EFAULT;
	}
	return 0;
}

/* start..start + len of a list; NULL, and the guest ends, if it has not so many. */
static u64 *wj_entries(struct wj_vm *vm, const struct wj_table_desc *list, u64 start, u64 len)
{
	if (len <= list->len && start <= list->len - len)
		return list->base + start;
	wj_end(vm, WJ_TRAP_TableOutOfBounds);
	return NULL;
}

static u64 wj_table_grow(struct wj_vm *vm, u32 index, u64 init, u64 delta)
{
	struct wj_table_desc *table = &vm->tables[index];
	u64 old = table->len, *base, n;

	if (delta > vm->table_limits[index] || old > vm->table_limits[index] - delta)
		return -1;
	base = kvcalloc(max(old + delta, 1ULL), sizeof(u64), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!base)
		return -1;
	memcpy(base, table->base, old * sizeof(u64));
	for (n = old; n < old + delta; n++)
		base[n] = init;
	kvfree(table->base);
	table->base = base;
	table->len = old + delta;
	return old;
}

static void wj_table_copy(struct wj_vm *vm, struct wj_table_desc *to, const struct wj_table_desc *from, u64 dst, u64 src,
			  u64 len)
{
	const u64 *source = wj_entries(vm, from, src, len);
	u64 *target = wj_entries(vm, to, dst, len);

	if (source && target)
		memmove(target, source, len * sizeof(u64));
}

static void wj_table_fill(struct wj_vm *vm, struct wj_table_desc *table, u64 dst, u64 value, u64 len)
{
	u64 *to = wj_entries(vm, table, dst, len), n;

	for (n = 0; to && n < len; n++)
		to[n] = value;
}

/* The builtins on tables; validation has made sure of the tables and segments that they name. */
bool wj_table_call(struct wj_vm *vm, u32 native, const u64 *v, u64 *result)
{
	u32 first = v[0], second = v[1];
	bool segment = native == WJ_NATIVE_table_init;

	if (native == WJ_NATIVE_elem_drop) {
		if (first < vm->segment_count)
			vm->segments[first].len = 0;
		return true;
	}
	if (first >= vm->table_count || (segment && second >= vm->segment_count) ||
	    (native == WJ_NATIVE_table_copy && second >= vm->table_count)) {
		wj_end(vm, WJ_TRAP_TableOutOfBounds);
		return true;
	}
	switch (native) {
	case WJ_NATIVE_table_grow:
		*result = wj_table_grow(vm, first, v[1], v[2]);
		return true;
	case WJ_NATIVE_table_fill:
		wj_table_fill(vm, &vm->tables[first], v[1], v[2], v[3]);
		return true;
	case WJ_NATIVE_table_copy:
		wj_table_copy(vm, &vm->tables[first], &vm->tables[second], v[2], v[3], v[4]);
		return true;
	case WJ_NATIVE_table_init:
		wj_table_copy(vm, &vm->tables[first], &vm->segments[second], v[2], (u32)v[3], (u32)v[4]);
		return true;
	default:
		return false;
	}
}
