// SPDX-License-Identifier: GPL-2.0
/* Waiting for a guest's files where it runs: poll and select. As in files.c, a call is either done wholly here or left to the owner. */
#include <linux/file.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include "wj.h"

#define WJ_MAX_POLLED 16
/* How much later than asked for a wait may end, as for poll(2) of a task that has not said. */
#define WJ_SLACK_NS 50000
/* Descriptors in a guest's set. */
#define WJ_SET_SIZE 1024
/* What a wait for any time is told. */
#define WJ_FOR_EVER (-1)

/* What is waited for. */
struct wj_waiting {
	u32 count;
	u32 fds[WJ_MAX_POLLED];
	s16 events[WJ_MAX_POLLED], found[WJ_MAX_POLLED];
	struct file *files[WJ_MAX_POLLED];
};

static bool wj_wait_for(struct wj_vm *vm, struct wj_waiting *w, u32 fd, s16 events)
{
	struct file *file = wj_file_of(vm, fd, WJ_MAY_POLL);

	if (!file || w->count == WJ_MAX_POLLED)
		return false;
	w->fds[w->count] = fd;
	w->events[w->count] = events;
	w->files[w->count++] = file;
	return true;
}

/* Looks at every file once; how many have something to tell. */
static u32 wj_poll_once(struct wj_waiting *w, poll_table *table)
{
	u32 i, hits = 0;

	for (i = 0; i < w->count; i++) {
		__poll_t wanted = demangle_poll((u16)w->events[i]) | EPOLLERR | EPOLLHUP;

		table->_key = wanted;
		w->found[i] = mangle_poll(vfs_poll(w->files[i], table) & wanted);
		if (w->found[i]) {
			hits++;
			table->_qproc = NULL;
		}
	}
	table->_qproc = NULL;
	return hits;
}

/* Waits as poll(2) does: until something is to tell, the time is over, or a signal comes. */
static int wj_wait(struct wj_waiting *w, s64 nanos)
{
	ktime_t end = ktime_add_safe(ktime_get(), max_t(s64, nanos, 0)), *expires = nanos < 0 ? NULL : &end;
	struct poll_wqueues queues;
	bool over = !nanos;
	int hits;

	poll_initwait(&queues);
	if (over)
		queues.pt._qproc = NULL;
	for (;;) {
		hits = wj_poll_once(w, &queues.pt);
		if (hits || over)
			break;
		if (queues.error || signal_pending(current)) {
			hits = queues.error ?: -EINTR;
			break;
		}
		set_current_state(TASK_INTERRUPTIBLE);
		if (!queues.triggered && !schedule_hrtimeout_range(expires, WJ_SLACK_NS, HRTIMER_MODE_ABS))
			over = true;
		__set_current_state(TASK_RUNNING);
		/* A wake-up that comes from here on is seen at the next turn, what woke us before it at this one. */
		smp_store_mb(queues.triggered, 0);
	}
	poll_freewait(&queues);
	return hits;
}

/* An entry of the guest's list. */
struct wj_pollfd {
	s32 fd;
	s16 events, revents;
};

s64 wj_poll_files(struct wj_vm *vm, u64 *v)
{
	struct wj_pollfd *guest = wj_range(vm, v[0], 8 * (u64)(u32)v[1]);
	struct wj_waiting w = { .count = 0 };
	ktime_t begin = ktime_get();
	u32 count = v[1], i;
	s32 timeout = v[2];
	int hits;

	if (!guest || count > WJ_MAX_POLLED)
		return -1;
	for (i = 0; i < count; i++)
		if (!wj_wait_for(vm, &w, READ_ONCE(guest[i].fd), READ_ONCE(guest[i].events)))
			return -1;
	hits = wj_wait(&w, timeout < 0 ? WJ_FOR_EVER : timeout * (s64)NSEC_PER_MSEC);
	if (hits < 0) {
		/* The owner waits for the rest of the time. */
		if (timeout > 0)
			v[2] = max_t(s64, timeout - ktime_ms_delta(ktime_get(), begin), 0);
		return -1;
	}
	for (i = 0; i < count; i++)
		memcpy(&guest[i].revents, &w.found[i], sizeof(w.found[i]));
	return hits;
}

/* What each of select's sets waits for, and what makes a descriptor a member of the answer. */
static const struct { s16 wanted, hit; } wj_sets[] = {
	{ POLLIN | POLLRDNORM, POLLIN | POLLRDNORM | POLLHUP | POLLERR },
	{ POLLOUT | POLLWRNORM, POLLOUT | POLLWRNORM | POLLERR },
	{ POLLPRI, POLLPRI },
};

static s16 wj_wanted(u8 *const *sets, u32 fd)
{
	s16 wanted = 0;
	u32 set;

	for (set = 0; set < ARRAY_SIZE(wj_sets); set++)
		if (sets[set] && READ_ONCE(sets[set][fd / 8]) & BIT(fd % 8))
			wanted |= wj_sets[set].wanted;
	return wanted;
}

/* Puts what was found into the sets; how many members they have. */
static u32 wj_put_sets(const struct wj_waiting *w, u8 *const *sets, u32 bytes)
{
	u32 set, i, members = 0;

	for (set = 0; set < ARRAY_SIZE(wj_sets); set++) {
		if (sets[set])
			memset(sets[set], 0, bytes);
		for (i = 0; i < w->count; i++) {
			if (!(w->events[i] & wj_sets[set].wanted) || !(w->found[i] & wj_sets[set].hit))
				continue;
			sets[set][w->fds[i] / 8] |= BIT(w->fds[i] % 8);
			members++;
		}
	}
	return members;
}

/* Bytes of a number of the guest's struct timeval: the seconds have as many as in struct stat, the rest has a long. */
static u32 wj_time_bytes(const struct wj_vm *vm)
{
	return vm->stat_layout[WJ_STAT_ATIME] >> 8;
}

/* The time that select is given, in nanoseconds; false if it is none. */
static bool wj_get_time(const struct wj_vm *vm, const void *at, s64 *nanos)
{
	u32 bytes = wj_time_bytes(vm);
	s64 seconds = 0;
	s32 micros;

	memcpy(&seconds, at, bytes);
	memcpy(&micros, at + bytes, sizeof(micros));
	if (bytes == sizeof(s32))
		seconds = (s32)seconds;
	if (seconds < 0 || micros < 0 || micros >= USEC_PER_SEC)
		return false;
	*nanos = ktime_set(seconds, micros * NSEC_PER_USEC);
	return true;
}

/* As Linux does after a wait, here after one that a signal has ended: the owner waits for the rest. */
static void wj_put_time_left(const struct wj_vm *vm, void *at, s64 nanos)
{
	s64 seconds = nanos / NSEC_PER_SEC;
	s32 micros = nanos % NSEC_PER_SEC / NSEC_PER_USEC;
	u32 bytes = wj_time_bytes(vm);

	memcpy(at, &seconds, bytes);
	memcpy(at + bytes, &micros, sizeof(micros));
}

s64 wj_select_files(struct wj_vm *vm, const u64 *v)
{
	u32 limit = v[0], bytes = DIV_ROUND_UP(limit, 8), fd, set;
	void *time = (u32)v[4] ? wj_range(vm, v[4], 16) : NULL;
	struct wj_waiting w = { .count = 0 };
	u8 *sets[ARRAY_SIZE(wj_sets)] = {};
	ktime_t begin = ktime_get();
	s64 nanos = WJ_FOR_EVER;
	s16 wanted;
	int hits;

	if (limit > WJ_SET_SIZE || ((u32)v[4] && !time) || !wj_time_bytes(vm))
		return -1;
	for (set = 0; set < ARRAY_SIZE(sets); set++) {
		sets[set] = (u32)v[1 + set] ? wj_range(vm, v[1 + set], bytes) : NULL;
		if ((u32)v[1 + set] && !sets[set])
			return -1;
	}
	for (fd = 0; fd < limit; fd++) {
		wanted = wj_wanted(sets, fd);
		if (wanted && !wj_wait_for(vm, &w, fd, wanted))
			return -1;
	}
	if (time && !wj_get_time(vm, time, &nanos))
		return -1;
	hits = wj_wait(&w, nanos);
	if (hits >= 0)
		return wj_put_sets(&w, sets, bytes);
	if (time)
		wj_put_time_left(vm, time, max_t(s64, nanos - ktime_to_ns(ktime_sub(ktime_get(), begin)), 0));
	return -1;
}
