// SPDX-License-Identifier: GPL-2.0
/*
 * A FUSE transport: requests go straight to the guest's dispatch function, in the context of the task that makes them.
 * What must not run there (background requests, forgets) goes through a workqueue.
 *
 * A request that the guest has seen and not answered yet lies in the processing lists of the connection's one fuse_dev, so that
 * fuse.ko ends it when the connection is aborted. While it is copied from or to, it is on the io list with FR_LOCKED set.
 */
#include <linux/highmem.h>
#include <linux/sched/mm.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include "fuse_mount.h"
#include "fuse_rules.h"

#define WJ_NEW_OPS (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0))
/* In the number of an interrupt: that of the request has it clear. */
#define WJ_INTERRUPT_BIT 1
/*
 * Reads ahead and direct reads and writes that are sent in the background would wait for the workqueue, only to take turns for
 * the guest there: their callers do them.
 */
#define WJ_NOT_OFFERED (FUSE_ASYNC_READ | FUSE_ASYNC_DIO)
/* How long releases and forgets wait for somebody who does them on the way, in jiffies. */
#define WJ_PUT_OFF 2

static bool wj_try_seats(struct wj_mount *m, struct wj_seat **seat)
{
	unsigned int i, count = wj_count_seats(m);

	for (i = 0; i < count; i++) {
		*seat = m->seats[i];
		if (mutex_trylock(&(*seat)->vm->lock))
			return true;
	}
	return false;
}

/* An instance to run, with its lock; NULL if the caller was killed. */
static struct wj_seat *wj_take_seat(struct wj_mount *m, bool killable)
{
	struct wj_seat *seat = m->seats[0];

	if (wj_count_seats(m) > 1) {
		if (!killable)
			wait_event(m->free, wj_try_seats(m, &seat));
		else if (wait_event_killable_exclusive(m->free, wj_try_seats(m, &seat)))
			return NULL;
		return seat;
	}
	if (!killable)
		mutex_lock_nested(&seat->vm->lock, WJ_TURN_MOUNT);
	else if (mutex_lock_killable_nested(&seat->vm->lock, WJ_TURN_MOUNT))
		return NULL;
	return seat;
}

static void wj_leave_seat(struct wj_seat *seat)
{
	struct wj_mount *m = seat->mount;

	mutex_unlock(&seat->vm->lock);
	if (wj_count_seats(m) > 1 && wq_has_sleeper(&m->free))
		wake_up(&m->free);
}

static unsigned int wj_bucket(u64 unique)
{
	return (unique >> 1) & (FUSE_PQ_HASH_SIZE - 1);
}

static void wj_end_request(struct fuse_req *req, int error)
{
	req->out.h.error = error;
	fuse_request_end(req);
}

/* Takes a request under our hands; false if the connection is gone. Under fpq->lock. */
static bool wj_hold(struct fuse_pqueue *fpq, struct fuse_req *req)
{
	bool held;

	if (!fpq->connected)
		return false;
	spin_lock(&req->waitq.lock);
	held = !test_bit(FR_ABORTED, &req->flags);
	if (held)
		set_bit(FR_LOCKED, &req->flags);
	spin_unlock(&req->waitq.lock);
	return held;
}

/* One of the pieces of a request's data. */
static void *wj_map(struct fuse_args_pages *ap, unsigned int i, unsigned int *len)
{
#if WJ_NEW_OPS
	if (ap->uses_folios) {
		*len = ap->folio_descs[i].length;
		return kmap_local_folio(ap->folios[i], ap->folio_descs[i].offset);
	}
#endif
	*len = ap->descs[i].length;
	return kmap_local_page(ap->pages[i]) + ap->descs[i].offset;
}

static unsigned int wj_pieces(struct fuse_args_pages *ap)
{
#if WJ_NEW_OPS
	if (ap->uses_folios)
		return ap->num_folios;
#endif
	return ap->num_pages;
}

/* memcpy for data: most of it is whole pages. */
static void wj_copy_data(u8 *to, const u8 *from, size_t len)
{
	for (; len >= PAGE_SIZE; len -= PAGE_SIZE) {
		copy_page(to, (void *)from);
		to += PAGE_SIZE;
		from += PAGE_SIZE;
	}
	memcpy(to, from, len);
}

/* Lays a request out in the guest's buffer. */
static int wj_put_request(struct wj_seat *seat, struct fuse_req *req)
{
	struct wj_mount *m = seat->mount;
	struct fuse_args *args = req->args;
	struct fuse_args_pages *ap = container_of(args, struct fuse_args_pages, args);
	u8 *to = wj_range(seat->vm, seat->buffer, m->buffer_bytes);
	unsigned int i, n, len, left;

	if (!to)
		return -EIO;
	if (req->in.h.len > m->buffer_bytes)
		return -E2BIG;
	memcpy(to, &req->in.h, sizeof(req->in.h));
	to += sizeof(req->in.h);
	for (i = 0; i < args->in_numargs; i++) {
		left = args->in_args[i].size;
		if (i + 1 < args->in_numargs || !args->in_pages) {
			memcpy(to, args->in_args[i].value, left);
			to += left;
			continue;
		}
		for (n = 0; left && n < wj_pieces(ap); n++) {
			void *from = wj_map(ap, n, &len);

			len = min(len, left);
			wj_copy_data(to, from, len);
			kunmap_local(from);
			to += len;
			left -= len;
		}
	}
	if (req->in.h.opcode == FUSE_INIT) {
		struct fuse_init_in *in = wj_range(seat->vm, seat->buffer, m->buffer_bytes) + sizeof(req->in.h);

		m->offered = (in->flags | (u64)in->flags2 << 32) & ~(u64)WJ_NOT_OFFERED;
		in->flags &= lower_32_bits(WJ_FUSE_INIT_FLAGS) & ~WJ_NOT_OFFERED;
		in->flags2 &= upper_32_bits(WJ_FUSE_INIT_FLAGS);
		in->minor = min_t(u32, in->minor, WJ_FUSE_NEWEST_MINOR);
	}
	return 0;
}

/* After a trap the guest is not run any more: everything that waits for it fails. */
static void wj_guest_failed(struct wj_seat *seat)
{
	struct wj_mount *m = seat->mount;
	struct fuse_pqueue *fpq = &m->fud->pq;
	struct fuse_req *req, *next;
	LIST_HEAD(failed);
	unsigned int i;

	for (i = 0; i < wj_count_seats(m); i++)
		wj_exchange_dead(m->seats[i]->vm);
	spin_lock(&fpq->lock);
	for (i = 0; i < FUSE_PQ_HASH_SIZE; i++)
		list_splice_tail_init(&fpq->processing[i], &failed);
	list_for_each_entry(req, &failed, list)
		clear_bit(FR_SENT, &req->flags);
	spin_unlock(&fpq->lock);
	list_for_each_entry_safe(req, next, &failed, list) {
		list_del_init(&req->list);
		wj_end_request(req, -EIO);
	}
	wj_exchange_trapped(seat->vm);
}

/*
 * Requests that the guest has put off for too long fail: what was there already at the last turn. So they have one to two times the
 * time that a call may take.
 */
void wj_deadline(struct work_struct *work)
{
	struct wj_mount *m = container_of(to_delayed_work(work), struct wj_mount, deadline);
	struct fuse_pqueue *fpq = &m->fud->pq;
	struct fuse_req *req, *next;
	bool more = false;
	LIST_HEAD(late);
	unsigned int i;

	spin_lock(&fpq->lock);
	for (i = 0; i < FUSE_PQ_HASH_SIZE; i++) {
		list_for_each_entry_safe(req, next, &fpq->processing[i], list) {
			if (req->in.h.unique > m->overdue) {
				more = true;
				continue;
			}
			clear_bit(FR_SENT, &req->flags);
			list_move(&req->list, &late);
		}
	}
	m->overdue = m->newest;
	spin_unlock(&fpq->lock);
	list_for_each_entry_safe(req, next, &late, list) {
		list_del_init(&req->list);
		wj_end_request(req, -EIO);
	}
	if (more)
		queue_delayed_work(wj_wq, &m->deadline, m->timeout);
}

/* Runs the guest on a message of its buffer. Under vm->lock. */
static void wj_dispatch(struct wj_seat *seat, u32 len)
{
	u64 values[2] = { seat->buffer, len };
	unsigned int flags = memalloc_nofs_save();

	if (wj_call(seat->vm, seat->dispatch, values))
		wj_guest_failed(seat);
	memalloc_nofs_restore(flags);
}

/* Gives a request to the guest. It is on no list. Under vm->lock. */
static void wj_run_locked(struct wj_seat *seat, struct fuse_req *req)
{
	struct wj_mount *m = seat->mount;
	struct fuse_pqueue *fpq = &m->fud->pq;
	u32 len = req->in.h.len;
	int err;

	if (READ_ONCE(seat->vm->dead))
		return wj_end_request(req, -EIO);
	spin_lock(&fpq->lock);
	if (!wj_hold(fpq, req)) {
		spin_unlock(&fpq->lock);
		return wj_end_request(req, -ECONNABORTED);
	}
	list_add(&req->list, &fpq->io);
	spin_unlock(&fpq->lock);
	err = wj_put_request(seat, req);
	spin_lock(&fpq->lock);
	clear_bit(FR_LOCKED, &req->flags);
	if (!fpq->connected)
		err = -ECONNABORTED;
	if (err) {
		if (!test_bit(FR_PRIVATE, &req->flags))
			list_del_init(&req->list);
		spin_unlock(&fpq->lock);
		return wj_end_request(req, err);
	}
	if (!test_bit(FR_ISREPLY, &req->flags)) {
		/* Data that the guest asked for: there is no answer to it. */
		list_del_init(&req->list);
		spin_unlock(&fpq->lock);
		wj_end_request(req, 0);
		return wj_dispatch(seat, len);
	}
	set_bit(FR_SENT, &req->flags);
	list_move_tail(&req->list, &fpq->processing[wj_bucket(req->in.h.unique)]);
	m->newest = max(m->newest, req->in.h.unique);
	spin_unlock(&fpq->lock);
	if (m->timeout)
		queue_delayed_work(wj_wq, &m->deadline, m->timeout);
	/* From here on the request may be gone any time, if it is not the caller's own. */
	wj_dispatch(seat, len);
}

/* Gives a message that has no request to the guest. Under vm->lock. */
static void wj_run_message(struct wj_seat *seat, const void *message, u32 bytes)
{
	struct wj_mount *m = seat->mount;
	void *to = wj_range(seat->vm, seat->buffer, m->buffer_bytes);

	if (to && !READ_ONCE(seat->vm->dead)) {
		memcpy(to, message, bytes);
		wj_dispatch(seat, bytes);
	}
}

static void wj_run_interrupt(struct wj_seat *seat, struct wj_interrupt *interrupt)
{
	struct {
		struct fuse_in_header h;
		struct fuse_interrupt_in in;
	} message = {
		.h = { .len = sizeof(message), .opcode = FUSE_INTERRUPT, .unique = interrupt->unique | WJ_INTERRUPT_BIT },
		.in = { .unique = interrupt->unique },
	};

	wj_run_message(seat, &message, sizeof(message));
	kfree(interrupt);
}

static void wj_run_forget(struct wj_seat *seat, struct fuse_forget_link *link)
{
	struct {
		struct fuse_in_header h;
		struct fuse_forget_in in;
	} message = {
		.h = { .len = sizeof(message), .opcode = FUSE_FORGET, .unique = 0, .nodeid = link->forget_one.nodeid },
		.in = { .nlookup = link->forget_one.nlookup },
	};

	wj_run_message(seat, &message, sizeof(message));
	kfree(link);
}

/* Does what was put off. Whoever has the guest anyway does it, so that tasks do not take turns for it. Under vm->lock. */
static void wj_drain(struct wj_seat *seat)
{
	struct wj_mount *m = seat->mount;
	struct wj_interrupt *interrupt;
	struct fuse_forget_link *link;
	struct fuse_req *req;

	while (!list_empty(&m->queue) || READ_ONCE(m->forgets) || READ_ONCE(m->interrupts)) {
		spin_lock(&m->lock);
		interrupt = m->interrupts;
		if (interrupt)
			m->interrupts = interrupt->next;
		link = m->forgets;
		if (link)
			m->forgets = link->next;
		req = list_first_entry_or_null(&m->queue, struct fuse_req, list);
		if (req)
			list_del_init(&req->list);
		spin_unlock(&m->lock);
		if (interrupt)
			wj_run_interrupt(seat, interrupt);
		if (req)
			wj_run_locked(seat, req);
		if (link)
			wj_run_forget(seat, link);
		cond_resched();
	}
}

void wj_work(struct work_struct *work)
{
	struct wj_mount *m = container_of(to_delayed_work(work), struct wj_mount, work);

	struct wj_seat *seat = wj_take_seat(m, false);

	wj_drain(seat);
	wj_leave_seat(seat);
}

/* Gives a request of the calling task to the guest. */
static void wj_run_now(struct wj_mount *m, struct fuse_req *req)
{
	struct wj_seat *seat = wj_take_seat(m, !test_bit(FR_FORCE, &req->flags));

	if (!seat)
		return wj_end_request(req, -EINTR);
	wj_drain(seat);
	wj_run_locked(seat, req);
	wj_leave_seat(seat);
}

static void wj_send(struct wj_mount *m, struct fuse_req *req)
{
	if (!test_bit(FR_BACKGROUND, &req->flags))
		return wj_run_now(m, req);
	spin_lock(&m->lock);
	list_add_tail(&req->list, &m->queue);
	spin_unlock(&m->lock);
	/* Nobody waits for a release: the next request may do it. */
	if (req->in.h.opcode == FUSE_RELEASE || req->in.h.opcode == FUSE_RELEASEDIR)
		queue_delayed_work(wj_wq, &m->work, WJ_PUT_OFF);
	else
		mod_delayed_work(wj_wq, &m->work, 0);
}

static void wj_queue_forget(struct wj_mount *m, struct fuse_forget_link *link)
{
	spin_lock(&m->lock);
	link->next = m->forgets;
	m->forgets = link;
	spin_unlock(&m->lock);
	queue_delayed_work(wj_wq, &m->work, WJ_PUT_OFF);
}

/*
 * The caller waits for a reply that the guest put off, and got a signal. While the guest runs for a caller, that does not wait:
 * the guest cannot be told then.
 */
static void wj_queue_interrupt(struct wj_mount *m, struct fuse_req *req)
{
	struct wj_interrupt *interrupt = kmalloc(sizeof(*interrupt), GFP_ATOMIC | __GFP_NOWARN);

	if (!interrupt)
		return;
	interrupt->unique = req->in.h.unique;
	spin_lock(&m->lock);
	interrupt->next = m->interrupts;
	m->interrupts = interrupt;
	spin_unlock(&m->lock);
	mod_delayed_work(wj_wq, &m->work, 0);
}

#if WJ_NEW_OPS

static void wj_send_req(struct fuse_iqueue *fiq, struct fuse_req *req)
{
	struct wj_mount *m = fiq->priv;

	if (req->in.h.opcode != FUSE_NOTIFY_REPLY)
		req->in.h.unique = fuse_get_unique(fiq);
	clear_bit(FR_PENDING, &req->flags);
	wj_send(m, req);
}

static void wj_send_forget(struct fuse_iqueue *fiq, struct fuse_forget_link *link)
{
	if (READ_ONCE(fiq->connected))
		wj_queue_forget(fiq->priv, link);
	else
		kfree(link);
}

static void wj_send_interrupt(struct fuse_iqueue *fiq, struct fuse_req *req)
{
	wj_queue_interrupt(fiq->priv, req);
}

#else

static void wj_wake_pending(struct fuse_iqueue *fiq) __releases(fiq->lock)
{
	struct fuse_req *req = list_last_entry(&fiq->pending, struct fuse_req, list);

	clear_bit(FR_PENDING, &req->flags);
	list_del_init(&req->list);
	spin_unlock(&fiq->lock);
	wj_send(fiq->priv, req);
}

static void wj_wake_forget(struct fuse_iqueue *fiq) __releases(fiq->lock)
{
	struct fuse_forget_link *link = fuse_dequeue_forget(fiq, 1, NULL);

	spin_unlock(&fiq->lock);
	if (link)
		wj_queue_forget(fiq->priv, link);
}

static void wj_wake_interrupt(struct fuse_iqueue *fiq) __releases(fiq->lock)
{
	struct fuse_req *req, *next;

	list_for_each_entry_safe(req, next, &fiq->interrupts, intr_entry) {
		list_del_init(&req->intr_entry);
		wj_queue_interrupt(fiq->priv, req);
	}
	spin_unlock(&fiq->lock);
}

#endif

static void wj_fiq_release(struct fuse_iqueue *fiq)
{
	struct wj_mount *m = fiq->priv;

	while (m->seat_count) {
		struct wj_seat *seat = m->seats[--m->seat_count];

		wj_vm_put(seat->vm);
		kfree(seat);
	}
	kfree(m);
}

const struct fuse_iqueue_ops wj_fiq_ops = {
#if WJ_NEW_OPS
	.send_req = wj_send_req,
	.send_forget = wj_send_forget,
	.send_interrupt = wj_send_interrupt,
#else
	.wake_pending_and_unlock = wj_wake_pending,
	.wake_forget_and_unlock = wj_wake_forget,
	.wake_interrupt_and_unlock = wj_wake_interrupt,
#endif
	.release = wj_fiq_release,
};

static int wj_message(const struct wj_memory_desc *memory, u32 iov, u32 count, struct wj_message *message)
{
	u32 i;

	if (count > WJ_MAX_PIECES)
		return -WJ_WASI_EINVAL;
	message->next = message->offset = 0;
	message->bytes = 0;
	message->count = count;
	for (i = 0; i < count; i++) {
		const u32 *from = wj_range_of(memory, iov, 8 * (u64)count);

		if (!from)
			return -WJ_WASI_EFAULT;
		message->pieces[i].len = READ_ONCE(from[2 * i + 1]);
		message->pieces[i].at = wj_range_of(memory, READ_ONCE(from[2 * i]), message->pieces[i].len);
		if (!message->pieces[i].at)
			return -WJ_WASI_EFAULT;
		message->bytes += message->pieces[i].len;
	}
	return 0;
}

/* The message has as many bytes. */
static void wj_read(struct wj_message *message, void *to, size_t bytes)
{
	while (bytes && message->next < message->count) {
		u32 left = message->pieces[message->next].len - message->offset;
		u32 len = min_t(size_t, left, bytes);

		wj_copy_data(to, message->pieces[message->next].at + message->offset, len);
		to += len;
		bytes -= len;
		message->offset += len;
		if (len == left) {
			message->next++;
			message->offset = 0;
		}
	}
}

/* What the guest wishes, within what fuse.ko offers and the buffer holds. */
static void wj_merge_init(struct wj_mount *m, struct fuse_init_out *out)
{
	u64 flags = (out->flags | (u64)out->flags2 << 32) & m->offered & WJ_FUSE_INIT_FLAGS;
	u32 room = round_down(m->buffer_bytes - WJ_HEAD_ROOM, PAGE_SIZE);

	flags |= m->offered & (FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_INIT_EXT);
	out->flags = flags;
	out->flags2 = flags >> 32;
	out->max_write = out->max_write ? clamp_t(u32, out->max_write, PAGE_SIZE, room) : room;
	out->max_pages = max_t(u32, out->max_write / PAGE_SIZE, 1);
	out->time_gran = clamp_t(u32, out->time_gran, 1, NSEC_PER_SEC);
	memset((u8 *)out + offsetof(struct fuse_init_out, map_alignment), 0, 2);
}

/* Fills a request's outputs from the checked copy, then from the message. */
static int wj_fill(struct fuse_req *req, const u8 *copy, size_t copied, struct wj_message *message, size_t body)
{
	struct fuse_args *args = req->args;
	struct fuse_args_pages *ap = container_of(args, struct fuse_args_pages, args);
	size_t room = fuse_len_args(args->out_numargs, args->out_args);
	unsigned int i, n, len, left;

	if (body > room || (body < room && !args->out_argvar))
		return -EINVAL;
	if (body < room) {
		if (room - body > args->out_args[args->out_numargs - 1].size)
			return -EINVAL;
		args->out_args[args->out_numargs - 1].size -= room - body;
	}
	for (i = 0; i < args->out_numargs; i++) {
		bool pages = args->out_pages && i + 1 == args->out_numargs;

		left = args->out_args[i].size;
		for (n = 0; pages ? n < wj_pieces(ap) : n < 1; n++) {
			u8 *to = pages ? wj_map(ap, n, &len) : args->out_args[i].value;
			u32 now = pages ? min(len, left) : left;
			u32 first = min_t(size_t, now, copied);

			memcpy(to, copy, first);
			copy += first;
			copied -= first;
			wj_read(message, to + first, now - first);
			if (pages && args->page_zeroing && now < len)
				memset(to + now, 0, len - now);
			if (pages)
				kunmap_local(to);
			left -= now;
			if (pages && !left && !args->page_zeroing)
				break;
		}
	}
	return 0;
}

/*
 * A directory's entries: most often they fit into the request's first page, where they are out of the guest's reach, so that they are
 * checked there. Or an error; 1: they do not fit.
 */
static int wj_answer_in_place(struct fuse_req *req, const struct wj_facts *facts, struct wj_message *message, size_t body)
{
	struct fuse_args *args = req->args;
	struct fuse_args_pages *ap = container_of(args, struct fuse_args_pages, args);
	unsigned int len;
	int err = 1;
	u8 *to;

	if (!args->out_pages || args->page_zeroing || !args->out_argvar || args->out_numargs != 1 || !wj_pieces(ap) ||
	    body > args->out_args[0].size)
		return 1;
	to = wj_map(ap, 0, &len);
	if (body <= len) {
		wj_read(message, to, body);
		err = wj_check_reply(facts, to, body);
		args->out_args[0].size = body;
	}
	kunmap_local(to);
	return err;
}

/* Checks a reply and fills the request with it. */
static int wj_answer(struct wj_mount *m, struct fuse_req *req, struct wj_message *message, int error)
{
	struct fuse_args *args = req->args;
	size_t body = message->bytes - sizeof(struct fuse_out_header);
	struct wj_facts facts = wj_facts(req->in.h.opcode, args->in_numargs ? args->in_args[0].value : NULL,
					 args->in_numargs ? args->in_args[0].size : 0);
	u64 small[32];
	void *copy = small;
	int copied, err;

	copied = wj_reply_shape(&facts, error, body);
	if (copied < 0 || error)
		return copied < 0 ? copied : 0;
	if (facts.rule == WJ_RULE_Dirents || facts.rule == WJ_RULE_DirentsPlus) {
		err = wj_answer_in_place(req, &facts, message, body);
		if (err <= 0)
			return err;
	}
	if (copied > sizeof(small)) {
		copy = kvmalloc(copied, GFP_NOFS);
		if (!copy)
			return -ENOMEM;
	}
	if (facts.rule == WJ_RULE_Init)
		memset(copy, 0, sizeof(struct fuse_init_out));
	wj_read(message, copy, copied);
	err = wj_check_reply(&facts, copy, copied);
	if (!err && facts.rule == WJ_RULE_Init) {
		wj_merge_init(m, copy);
		body = copied = sizeof(struct fuse_init_out);
	}
	if (!err)
		err = wj_fill(req, copy, copied, message, body);
	if (copy != small)
		kvfree(copy);
	return err;
}

/* A reply to one of the requests that the guest has. */
static s32 wj_reply(struct wj_mount *m, struct wj_message *message)
{
	struct fuse_out_header header;
	struct fuse_pqueue *fpq;
	struct fuse_req *req;
	int err, status = -WJ_WASI_ENOENT;

	if (message->bytes < sizeof(header))
		return -WJ_WASI_EINVAL;
	wj_read(message, &header, sizeof(header));
	if (header.len != message->bytes)
		return -WJ_WASI_EINVAL;
	/* Its owner writes a notification to the connection, where no request of the guest is in the way. */
	if (!header.unique)
		return WJ_FUSE_ASK_OWNER;
	/* An answer to an interrupt, which would only ask for another. */
	if (header.unique & WJ_INTERRUPT_BIT)
		return 0;
	fpq = &m->fud->pq;
	spin_lock(&fpq->lock);
	list_for_each_entry(req, &fpq->processing[wj_bucket(header.unique)], list) {
		if (req->in.h.unique == header.unique) {
			status = 0;
			break;
		}
	}
	if (status || !wj_hold(fpq, req)) {
		spin_unlock(&fpq->lock);
		return -WJ_WASI_ENOENT;
	}
	clear_bit(FR_SENT, &req->flags);
	list_move(&req->list, &fpq->io);
	spin_unlock(&fpq->lock);
	err = wj_answer(m, req, message, header.error);
	req->out.h.error = header.error;
	if (err) {
		pr_warn_ratelimited("wasmjit: a reply to operation %u is wrong (%d bytes, error %d)\n", req->in.h.opcode,
				    header.len, header.error);
		req->out.h.error = -EIO;
		status = -WJ_WASI_EINVAL;
	}
	spin_lock(&fpq->lock);
	clear_bit(FR_LOCKED, &req->flags);
	if (!fpq->connected)
		req->out.h.error = -ECONNABORTED;
	if (!test_bit(FR_PRIVATE, &req->flags))
		list_del_init(&req->list);
	spin_unlock(&fpq->lock);
	fuse_request_end(req);
	return status;
}

/* The import send, called in the guest's turn. */
s32 wj_fuse_send(struct wj_vm *vm, u32 iov, u32 count)
{
	struct wj_seat *seat = vm->seat;
	int err;

	if (!seat)
		return -WJ_WASI_ENODEV;
	err = wj_message(&vm->memory, iov, count, &seat->message);
	return err ?: wj_reply(seat->mount, &seat->message);
}

/* The same from a thread of the guest that its owner runs. */
int wj_fuse_send_from_outside(struct wj_vm *vm, struct wj_send __user *user)
{
	struct wj_message *message;
	struct wj_memory_desc memory;
	struct wj_view *view;
	struct wj_send arg;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (!vm->shared)
		return -EINVAL;
	message = kmalloc(sizeof(*message), GFP_KERNEL_ACCOUNT);
	view = wj_hold_view(vm->mem);
	down_read(&wj_seats_lock);
	arg.status = -WJ_WASI_ENODEV;
	if (message && view && vm->joined) {
		memory.base = view->base;
		memory.bytes = view->bytes;
		arg.status = wj_message(&memory, arg.iov, arg.count, message);
		if (!arg.status)
			arg.status = wj_reply(vm->joined, message);
	}
	up_read(&wj_seats_lock);
	wj_drop_view(vm->mem, view);
	kfree(message);
	return copy_to_user(user, &arg, sizeof(arg)) ? -EFAULT : 0;
}
