/* SPDX-License-Identifier: GPL-2.0 */
/* A mounted filesystem, as the transport of its requests and mount(2) know it. */
#ifndef WJ_FUSE_MOUNT_H
#define WJ_FUSE_MOUNT_H

#include <linux/rwsem.h>
#include <linux/workqueue.h>
#include "fuse_i.h"
#include "wj.h"

/* Most pieces of a message. */
#define WJ_MAX_PIECES 64
/* What stands before a write's data in a request, and to spare. */
#define WJ_HEAD_ROOM 4096

/* A message of the guest: pieces of its memory, read once from front to back. */
struct wj_message {
	struct { u8 *at; u32 len; } pieces[WJ_MAX_PIECES];
	u32 count, next, offset;
	u64 bytes;
};

/* A request whose caller got a signal, to be told to the guest. */
struct wj_interrupt {
	struct wj_interrupt *next;
	u64 unique;
};

/* An instance that answers requests. Of a guest with threads there are several. */
struct wj_seat {
	struct wj_mount *mount;
	struct wj_vm *vm;
	u32 dispatch, buffer;
	struct wj_message message;	/* under vm->lock */
};

#define WJ_MAX_SEATS 64

struct wj_mount {
	struct fuse_dev *fud;
	struct fuse_iqueue *fiq;
	u32 buffer_bytes;
	unsigned long timeout;		/* jiffies, 0: none */
	struct wj_seat *seats[WJ_MAX_SEATS];
	unsigned int seat_count;	/* under wj_seats_lock; only grows */
	wait_queue_head_t free;		/* for a seat, where there are several */
	u64 offered;			/* INIT flags that fuse.ko offered */
	spinlock_t lock;		/* the lists below */
	struct list_head queue;		/* background requests */
	struct fuse_forget_link *forgets;
	struct wj_interrupt *interrupts;
	struct delayed_work work;
	struct delayed_work deadline;
	u64 newest;			/* number of the last request that the guest got; under fpq->lock */
	u64 overdue;			/* requests up to this one are to be answered before the deadline's next turn */
};

extern const struct fuse_iqueue_ops wj_fiq_ops;
/* Where requests go that nobody waits for; lives as long as the filesystem's type. */
extern struct workqueue_struct *wj_wq;
/* Instances that come to a mounted filesystem, and replies that do not come from the guest's turn, against its end. */
extern struct rw_semaphore wj_seats_lock;

void wj_work(struct work_struct *work);
void wj_deadline(struct work_struct *work);

/* How many seats there are; more may come any time. */
static inline unsigned int wj_count_seats(const struct wj_mount *m)
{
	return smp_load_acquire(&m->seat_count);	/* the seats are there; pairs with wj_add_seat() */
}

#endif
