// SPDX-License-Identifier: GPL-2.0
/*
 * A guest as a coroutine of its owner: WJ_RUN runs it until it returns, traps, calls what only user space can do, or computes for a tick. In
 * the last two cases it waits on its stack, and the next WJ_RUN lets it go on.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <asm/fpu/api.h>
#include "wj.h"

/* From a host call: its answer comes with the next WJ_RUN. */
void wj_suspend(struct wj_vm *vm, const struct wj_import *import, const u64 *values, bool floats)
{
	struct wj_exchange *ex = &vm->exchange;

	ex->kind = import->builtin ? WJ_EVENT_BUILTIN : WJ_EVENT_HOST_CALL;
	ex->index = import->index;
	ex->count = import->params;
	memcpy(ex->values, values, sizeof(u64) * import->params);
	vm->asked = import;
	vm->resume_floats = floats || import->float_result;
	vm->leaving = WJ_SUSPEND;
}

static int wj_begin(struct wj_vm *vm, const struct wj_event *event)
{
	const void *code, *trampoline;
	int err;

	if (vm->dead)
		return -EIO;
	code = wj_code_of(vm, event->index, &trampoline);
	if (!code || event->count > WJ_MAX_VALUES)
		return -EINVAL;
	memcpy(vm->run_values, event->values, sizeof(vm->run_values));
	wj_begin_run(vm);
	err = wj_enter(vm, trampoline, code, vm->run_values);
	wj_end_run(vm);
	return err;
}

static int wj_go_on(struct wj_vm *vm, const struct wj_event *event)
{
	u64 result = 0;
	int err;

	if (vm->dead)
		return -EIO;
	if (event->kind == WJ_EVENT_ANSWER) {
		err = wj_take_answer(vm, event);
		if (err)
			return err;
	} else if (vm->asked) {
		return -EINVAL;
	}
	if (vm->asked)
		result = vm->asked->wide_result ? event->result : (u32)event->result;
	vm->asked = NULL;
	wj_begin_run(vm);
	if (vm->resume_floats) {
		kernel_fpu_begin();
		vm->ctx->floats = 1;
	}
	err = wj_resume(vm, result);
	wj_end_run(vm);
	return err;
}

/* Under vm->lock, by the task whose descriptors the guest's stand for. */
int wj_run(struct wj_vm *vm, struct wj_event __user *arg)
{
	struct wj_exchange *ex = &vm->exchange;
	struct wj_event event;
	int err;

	if (copy_from_user(&event, arg, sizeof(event)))
		return -EFAULT;
	if (!vm->coroutine || current->files != vm->owner_files || current->mm != vm->owner_mm)
		return -EPERM;
	if (event.kind != WJ_EVENT_ANSWER) {
		err = wj_set_files(vm, event.files, event.file_count, event.files_at);
		if (err)
			return err;
	}
	vm->ask_owner = event.ask_owner;
	if (event.kind == WJ_EVENT_START)
		err = vm->suspended_sp ? -EBUSY : wj_begin(vm, &event);
	else
		err = vm->suspended_sp ? wj_go_on(vm, &event) : -EINVAL;
	wj_let_files_go(vm);
	if (err < 0)
		return err;
	memset(&event.values, 0, sizeof(event.values));
	event.index = event.count = 0;
	if (err == 0) {
		event.kind = WJ_EVENT_FINISHED;
		memcpy(event.values, vm->run_values, sizeof(event.values));
	} else if (err == 1) {
		event.kind = WJ_EVENT_TRAPPED;
	} else if (vm->asked) {
		event.kind = ex->kind;
		event.index = ex->index;
		event.count = ex->count;
		memcpy(event.values, ex->values, sizeof(u64) * ex->count);
	} else {
		event.kind = WJ_EVENT_SIGNAL;
	}
	event.memory_bytes = vm->memory.bytes;
	err = wj_globals(vm, event.globals, true);
	if (!err && copy_to_user(arg, &event, sizeof(event)))
		err = -EFAULT;
	return err;
}
