// SPDX-License-Identifier: GPL-2.0
/*
 * What guests call. Functions with an implementation in the kernel are answered here; all others by the owner, who waits in
 * wj_serve().
 */
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/fpu/api.h>
#include "wj.h"

/* How often who waits for the owner looks whether the filesystem is still there. */
#define WJ_LOOK_AROUND (HZ / 4)
/* Most bytes that are filled or copied at once. */
#define WJ_SHORT_BULK 4096

void wj_exchange_init(struct wj_exchange *ex)
{
	spin_lock_init(&ex->lock);
	init_waitqueue_head(&ex->owner_wait);
	init_waitqueue_head(&ex->guest_wait);
	init_waitqueue_head(&ex->watch_wait);
}

/* The guest is not run any more: whoever waits goes on. */
void wj_exchange_dead(struct wj_vm *vm)
{
	WRITE_ONCE(vm->dead, true);
	wake_up_all(&vm->exchange.guest_wait);
	wake_up_all(&vm->exchange.watch_wait);
}

/* Nothing more will be asked: the owner's wj_serve returns. */
void wj_exchange_finish(struct wj_vm *vm)
{
	struct wj_exchange *ex = &vm->exchange;

	spin_lock(&ex->lock);
	ex->finished = true;
	spin_unlock(&ex->lock);
	wake_up_all(&ex->owner_wait);
	wake_up_all(&ex->guest_wait);
	wake_up_all(&ex->watch_wait);
}

/* Tells the owner that the guest trapped, or asks it to unmount. */
void wj_exchange_trapped(struct wj_vm *vm)
{
	WRITE_ONCE(vm->exchange.trapped, true);
	wake_up_all(&vm->exchange.owner_wait);
}

void wj_exchange_unmount(struct wj_vm *vm)
{
	WRITE_ONCE(vm->exchange.unmount, true);
	wake_up_all(&vm->exchange.owner_wait);
}

static bool wj_has_event(struct wj_exchange *ex)
{
	return READ_ONCE(ex->state) == WJ_ASKED || READ_ONCE(ex->finished) || READ_ONCE(ex->trapped) ||
	       READ_ONCE(ex->unmount);
}

static bool wj_is_answered(struct wj_vm *vm)
{
	return READ_ONCE(vm->exchange.state) == WJ_ANSWERED || READ_ONCE(vm->dead);
}

/*
 * Ends by an answer or by the owner's death, since the owner works on the guest's memory meanwhile. A signal, or that the filesystem is
 * unmounted by force, makes the owner come to an end earlier, if its call is one that waits.
 */
static void wj_await_answer(struct wj_vm *vm)
{
	struct wj_exchange *ex = &vm->exchange;
	long left;

	do {
		left = wait_event_interruptible_timeout(ex->guest_wait, wj_is_answered(vm), WJ_LOOK_AROUND);
		if (left > 0)
			return;
	} while (!left && !wj_fuse_aborted(vm));
	spin_lock(&ex->lock);
	ex->interrupted = true;
	spin_unlock(&ex->lock);
	wake_up_all(&ex->watch_wait);
	wait_event(ex->guest_wait, wj_is_answered(vm));
}

static u64 wj_ask_owner(struct wj_vm *vm, struct wj_import *import, const u64 *values)
{
	struct wj_exchange *ex = &vm->exchange;
	u64 result = 0;

	spin_lock(&ex->lock);
	ex->kind = import->builtin ? WJ_EVENT_BUILTIN : WJ_EVENT_HOST_CALL;
	ex->index = import->index;
	ex->count = import->params;
	memcpy(ex->values, values, sizeof(u64) * import->params);
	ex->call++;
	ex->state = WJ_ASKED;
	spin_unlock(&ex->lock);
	wake_up(&ex->owner_wait);
	wj_await_answer(vm);
	spin_lock(&ex->lock);
	ex->interrupted = false;
	if (ex->state == WJ_ANSWERED && !ex->failed)
		result = ex->result;
	else if (ex->state == WJ_ANSWERED)
		wj_end(vm, ex->failed - 1);
	else
		wj_end(vm, WJ_TRAP_Interrupt);
	ex->state = WJ_IDLE;
	spin_unlock(&ex->lock);
	return result;
}

/* Copies own globals to the owner, or takes them from there. */
int wj_globals(struct wj_vm *vm, u64 user, bool out)
{
	size_t bytes = 16 * (size_t)vm->own_globals;

	if (!user || !bytes)
		return 0;
	if (out)
		return copy_to_user(u64_to_user_ptr(user), vm->cells, bytes) ? -EFAULT : 0;
	return copy_from_user(vm->cells, u64_to_user_ptr(user), bytes) ? -EFAULT : 0;
}

/* What the owner has changed while it answered. The guest waits for it. */
int wj_take_answer(struct wj_vm *vm, const struct wj_event *event)
{
	unsigned long pages = DIV_ROUND_UP(event->memory_bytes, PAGE_SIZE);
	int err;

	err = wj_globals(vm, event->globals, false);
	if (!err && !vm->shared && event->memory_bytes > vm->memory.bytes)
		err = wj_extend(vm, ALIGN(pages, 1UL << WJ_PAGE_SHIFT));
	return err ?: wj_set_files(vm, event->files, event->file_count, event->files_at);
}

/* Takes the answer to the call before, waits for the next event. */
int wj_serve(struct wj_vm *vm, struct wj_event __user *arg)
{
	struct wj_exchange *ex = &vm->exchange;
	struct wj_event event;
	int err;

	if (copy_from_user(&event, arg, sizeof(event)))
		return -EFAULT;
	if (event.kind == WJ_EVENT_ANSWER) {
		/* A guest that is dead does not wait any more. */
		err = READ_ONCE(vm->dead) ? 0 : -EINVAL;
		if (READ_ONCE(ex->state) == WJ_TAKEN)
			err = wj_take_answer(vm, &event);
		spin_lock(&ex->lock);
		if (!err && ex->state == WJ_TAKEN) {
			ex->result = event.result;
			ex->failed = event.failed;
			ex->state = WJ_ANSWERED;
		}
		spin_unlock(&ex->lock);
		wake_up_all(&ex->guest_wait);
		if (err)
			return err;
	}
	err = wait_event_interruptible(ex->owner_wait, wj_has_event(ex));
	if (err)
		return -EINTR;
	event.file_count = 0;
	memset(&event.values, 0, sizeof(event.values));
	spin_lock(&ex->lock);
	if (ex->state == WJ_ASKED) {
		event.kind = ex->kind;
		event.index = ex->index;
		event.count = ex->count;
		event.call = ex->call;
		memcpy(event.values, ex->values, sizeof(u64) * ex->count);
		ex->state = WJ_TAKEN;
	} else if (ex->trapped) {
		event.kind = WJ_EVENT_TRAPPED;
		ex->trapped = false;
	} else if (ex->unmount) {
		event.kind = WJ_EVENT_UNMOUNT;
		ex->unmount = false;
	} else {
		event.kind = ex->finished ? WJ_EVENT_FINISHED : WJ_EVENT_NONE;
	}
	spin_unlock(&ex->lock);
	event.memory_bytes = vm->memory.bytes;
	err = wj_globals(vm, event.globals, true);
	if (!err && copy_to_user(arg, &event, sizeof(event)))
		err = -EFAULT;
	return err;
}

/* For a thread of the owner: waits until a call's caller gets a signal, and tells the call's number. */
int wj_watch(struct wj_vm *vm, u64 __user *user)
{
	struct wj_exchange *ex = &vm->exchange;
	u64 call;
	int err;

	err = wait_event_interruptible(ex->watch_wait, READ_ONCE(ex->interrupted) || READ_ONCE(ex->finished) || READ_ONCE(vm->dead));
	if (err)
		return -EINTR;
	if (READ_ONCE(ex->finished) || READ_ONCE(vm->dead))
		return -ENODEV;
	spin_lock(&ex->lock);
	call = ex->interrupted ? ex->call : 0;
	ex->interrupted = false;
	spin_unlock(&ex->lock);
	return put_user(call, user);
}

/* WASI's clock numbers. */
static u32 wj_clock(struct wj_vm *vm, u32 clock, u64 *ns)
{
	switch (clock) {
	case 0:
		*ns = ktime_get_real_ns();
		return 0;
	case 1:
		*ns = ktime_get_ns();
		return 0;
	default:
		return WJ_WASI_EINVAL;
	}
}

static u64 wj_clock_time_get(struct wj_vm *vm, u32 clock, u32 at)
{
	void *out = wj_range(vm, at, 8);
	u64 ns;
	u32 err;

	if (!out)
		return WJ_WASI_EFAULT;
	err = wj_clock(vm, clock, &ns);
	if (!err)
		memcpy(out, &ns, sizeof(ns));
	return err;
}

/* C's clock_gettime with 32-bit times. False: a clock or place that needs an errno. */
static bool wj_clock_gettime(struct wj_vm *vm, u32 clock, u32 at)
{
	void *out = wj_range(vm, at, 8);
	struct timespec64 time;
	u32 fields[2];

	if (!out || clock > 1)
		return false;
	if (clock)
		ktime_get_ts64(&time);
	else
		ktime_get_real_ts64(&time);
	fields[0] = time.tv_sec;
	fields[1] = time.tv_nsec;
	memcpy(out, fields, sizeof(fields));
	return true;
}

/* A double's bits, without a float register: the value of ns / 1000000, exact to its 53 bits. */
static u64 wj_milliseconds(u64 ns)
{
	u64 ms = div_u64(ns, 1000000), rest = ns - ms * 1000000;
	int top = fls64(ms);
	u64 mantissa;

	if (!top)
		return 0;
	/* 53 bits with the leading one; what is below a millisecond fills the rest. */
	mantissa = ms << (53 - top);
	mantissa |= div64_u64(rest << (53 - top > 43 ? 43 : 53 - top), 1000000) << (53 - top > 43 ? 10 - top : 0);
	return ((u64)(top - 1 + 1023) << 52) | (mantissa & ((1ULL << 52) - 1));
}

/* Emscripten's way to grow: by a fifth, or if that cannot be had by as much as is needed. */
static u32 wj_resize_heap(struct wj_vm *vm, u32 bytes)
{
	u64 old = vm->memory.bytes >> 16, need = DIV_ROUND_UP((u64)bytes, 65536), ample = max(need, old + old / 5);

	if (need <= old)
		return 1;
	return wj_memory_grow(vm, ample - old) >= 0 || wj_memory_grow(vm, need - old) >= 0;
}

/* memory.fill and memory.copy: the whole range is checked first. */
static void wj_fill(struct wj_vm *vm, u64 dst, u32 value, u64 len)
{
	void *to = dst <= U32_MAX ? wj_range(vm, dst, len) : NULL;

	if (to)
		memset(to, value, len);
	else
		wj_end(vm, WJ_TRAP_MemoryOutOfBounds);
}

static void wj_copy(struct wj_vm *vm, u64 dst, u64 src, u64 len)
{
	void *to = dst <= U32_MAX ? wj_range(vm, dst, len) : NULL;
	void *from = src <= U32_MAX ? wj_range(vm, src, len) : NULL;

	if (to && from)
		memmove(to, from, len);
	else
		wj_end(vm, WJ_TRAP_MemoryOutOfBounds);
}

/* Images have one memory: the memory that a builtin names is that. Answers what can be answered here. False: the owner has to. */
static bool wj_native(struct wj_vm *vm, struct wj_import *import, const u64 *v, u64 *result)
{
	s32 status;

	switch (import->native) {
	case WJ_NATIVE_memory_grow:
		if (vm->shared)
			return false;
		*result = v[1] <= U32_MAX ? wj_memory_grow(vm, v[1]) : -1;
		return true;
	case WJ_NATIVE_resize_heap:
		if (vm->shared)
			return false;
		*result = wj_resize_heap(vm, v[0]);
		return true;
	case WJ_NATIVE_memory_fill:
		wj_fill(vm, v[1], v[2], v[3]);
		return true;
	case WJ_NATIVE_memory_copy:
		wj_copy(vm, v[2], v[3], v[4]);
		return true;
	case WJ_NATIVE_fuse_send:
		status = wj_fuse_send(vm, v[0], v[1]);
		*result = (u32)status;
		return status != WJ_FUSE_ASK_OWNER;
	case WJ_NATIVE_fuse_unmount:
	case WJ_NATIVE_fuse_exit:
		wj_fuse_ask_unmount(vm);
		return true;
	case WJ_NATIVE_clock_time_get:
		*result = wj_clock_time_get(vm, v[0], v[2]);
		return true;
	case WJ_NATIVE_clock_time_get_split:
		*result = wj_clock_time_get(vm, v[0], v[3]);
		return true;
	case WJ_NATIVE_clock_gettime:
		*result = 0;
		return wj_clock_gettime(vm, v[0], v[1]);
	case WJ_NATIVE_memcpy_big:
	case WJ_NATIVE_memcpy:
		*result = (u32)v[0];
		wj_copy(vm, (u32)v[0], (u32)v[1], (u32)v[2]);
		return true;
	case WJ_NATIVE_date_now:
		*result = wj_milliseconds(ktime_get_real_ns());
		return true;
	case WJ_NATIVE_now:
		*result = wj_milliseconds(ktime_get_ns());
		return true;
	case WJ_NATIVE_table_grow:
	case WJ_NATIVE_table_fill:
	case WJ_NATIVE_table_copy:
	case WJ_NATIVE_table_init:
	case WJ_NATIVE_elem_drop:
		return wj_table_call(vm, import->native, v, result);
	default:
		return false;
	}
}

/* Sorts out how the function is answered. */
void wj_classify(struct wj_import *import)
{
	switch (import->native) {
	case WJ_NATIVE_clock_time_get:
	case WJ_NATIVE_clock_time_get_split:
	case WJ_NATIVE_date_now:
	case WJ_NATIVE_now:
		import->quick = true;
		break;
	case WJ_NATIVE_memory_fill:
	case WJ_NATIVE_memory_copy:
		import->bulk = true;
		break;
	case WJ_NATIVE_fd_read:
	case WJ_NATIVE_fd_write:
	case WJ_NATIVE_fd_pread:
	case WJ_NATIVE_fd_pread_split:
	case WJ_NATIVE_fd_pwrite:
	case WJ_NATIVE_fd_pwrite_split:
	case WJ_NATIVE_fstat:
	case WJ_NATIVE_poll:
	case WJ_NATIVE_newselect:
		import->file = true;
		import->plain_file = import->params <= 5 && !import->vm->shared;
	}
}

/* A call's arguments: in registers, five of them integer and eight vector registers, then on the stack. */
static u64 *wj_arguments(const struct wj_import *import, u64 *registers, const u64 *stack)
{
	u64 *values = import->vm->call_values;
	u32 ints = 0, xmms = 0, i;

	if (import->params <= 5 && !import->float_params)
		return registers;
	for (i = 0; i < import->params; i++) {
		if (import->float_params & BIT(i))
			values[i] = xmms < 8 ? registers[5 + xmms++] : *stack++;
		else
			values[i] = ints < 5 ? registers[ints++] : *stack++;
	}
	return values;
}

/* As compilers do with structures, which is not worth giving vector registers up for. False: it is longer. */
static bool wj_short_bulk(struct wj_vm *vm, const struct wj_import *import, const u64 *v)
{
	bool fills = import->native == WJ_NATIVE_memory_fill;

	if (v[fills ? 3 : 4] > WJ_SHORT_BULK)
		return false;
	if (fills)
		wj_fill(vm, v[1], v[2], v[3]);
	else
		wj_copy(vm, v[2], v[3], v[4]);
	return true;
}

/* Any function, in any state. */
u64 wj_any_call(struct wj_import *import, u64 *registers, const u64 *stack)
{
	u64 *values = wj_arguments(import, registers, stack);
	struct wj_vm *vm = import->vm;
	bool ask = vm->ask_owner && !import->builtin;
	bool floats = vm->ctx->floats, quick = import->quick && !ask, done = false;
	u64 result = 0;
	s64 answer;

	if (import->bulk && wj_short_bulk(vm, import, registers))
		return 0;
	if (!quick)
		wj_go_outside(vm);
	if (floats && !quick) {
		vm->ctx->floats = 0;
		kernel_fpu_end();
	}
	if (import->file && !ask) {
		answer = wj_file_call(vm, import->native, values);
		done = answer >= 0;
		result = answer;
	} else if (!ask) {
		done = wj_native(vm, import, values, &result);
	}
	if (!done && vm->coroutine) {
		wj_suspend(vm, import, values, floats);
		return 0;
	}
	if (!done)
		result = wj_ask_owner(vm, import, values);
	if (!quick)
		wj_go_inside(vm);
	if ((floats && !quick) || (import->float_result && !floats)) {
		kernel_fpu_begin();
		vm->ctx->floats = 1;
	}
	return import->wide_result ? result : (u32)result;
}

/* A call on a file that its owner has to make. */
u64 wj_ask(struct wj_import *import, const u64 *values)
{
	if (!import->vm->coroutine)
		return (u32)wj_ask_owner(import->vm, import, values);
	wj_suspend(import->vm, import, values, false);
	return 0;
}

asmlinkage void wj_begin_floats(struct wj_vm *vm)
{
	kernel_fpu_begin();
	vm->ctx->floats = 1;
}
