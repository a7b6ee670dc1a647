/* From message to callback: operations on open files and directories. */
#include "lowlevel_ops.h"

#include <sys/file.h>

void wj_do_open(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_open_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.flags = (int)in->flags;
	if (req->se->op.open)
		req->se->op.open(req, nodeid, &fi);
#if WJ_API == 3
	else if (req->se->conn.want & FUSE_CAP_NO_OPEN_SUPPORT)
		NOT_IMPLEMENTED(req);
#endif
	else
		fuse_reply_open(req, &fi);
}

void wj_do_create(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_create_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.flags = (int)in->flags;
	req->ctx.umask = in->umask;
	if (req->se->op.create)
		req->se->op.create(req, nodeid, (const char *)(in + 1), in->mode, &fi);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_read(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_read_in *in = body;
	if (!req->se->op.read) {
		NOT_IMPLEMENTED(req);
		return;
	}
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	fi.flags = (int)in->flags;
	fi.lock_owner = (in->read_flags & WJ_READ_LOCKOWNER) ? in->lock_owner : 0;
	req->se->op.read(req, nodeid, in->size, (off_t)in->offset, &fi);
}

void wj_do_write(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	const struct wj_write_in *in = body;
	char *data = (char *)(uintptr_t)(in + 1);
	if (in->size > len - sizeof(*in)) {
		fuse_reply_err(req, EIO);
		return;
	}
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	fi.flags = (int)in->flags;
	fi.writepage = (in->write_flags & WJ_WRITE_CACHE) != 0;
	fi.lock_owner = (in->write_flags & WJ_WRITE_LOCKOWNER) ? in->lock_owner : 0;
	if (req->se->op.write_buf) {
		struct fuse_bufvec bufv = FUSE_BUFVEC_INIT(in->size);
		bufv.buf[0].mem = data;
		req->se->op.write_buf(req, nodeid, &bufv, (off_t)in->offset, &fi);
	} else if (req->se->op.write) {
		req->se->op.write(req, nodeid, data, in->size, (off_t)in->offset, &fi);
	} else {
		NOT_IMPLEMENTED(req);
	}
}

void wj_do_release(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_release_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	fi.flags = (int)in->flags;
	fi.flush = (in->release_flags & WJ_RELEASE_FLUSH) != 0;
	fi.flock_release = (in->release_flags & WJ_RELEASE_FLOCK_UNLOCK) != 0;
	fi.lock_owner = in->lock_owner;
	if (req->se->op.release)
		req->se->op.release(req, nodeid, &fi);
	else
		fuse_reply_err(req, 0);
}

void wj_do_fsync(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_fsync_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	if (req->se->op.fsync)
		req->se->op.fsync(req, nodeid, (int)(in->fsync_flags & WJ_FSYNC_FDATASYNC), &fi);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_flush(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_flush_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	fi.flush = 1;
	fi.lock_owner = in->lock_owner;
	if (req->se->op.flush)
		req->se->op.flush(req, nodeid, &fi);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_opendir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_open_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.flags = (int)in->flags;
	if (req->se->op.opendir)
		req->se->op.opendir(req, nodeid, &fi);
#if WJ_API == 3
	else if (req->se->conn.want & FUSE_CAP_NO_OPENDIR_SUPPORT)
		NOT_IMPLEMENTED(req);
#endif
	else
		fuse_reply_open(req, &fi);
}

void wj_do_readdir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_read_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	if (req->se->op.readdir)
		req->se->op.readdir(req, nodeid, in->size, (off_t)in->offset, &fi);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_releasedir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_release_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	fi.flags = (int)in->flags;
	if (req->se->op.releasedir)
		req->se->op.releasedir(req, nodeid, &fi);
	else
		fuse_reply_err(req, 0);
}

void wj_do_fsyncdir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_fsync_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	if (req->se->op.fsyncdir)
		req->se->op.fsyncdir(req, nodeid, (int)(in->fsync_flags & WJ_FSYNC_FDATASYNC), &fi);
	else
		NOT_IMPLEMENTED(req);
}

#define WIRE_OFFSET_MAX INT64_MAX

static void lock_from_wire(const struct wj_file_lock *lk, struct flock *lock)
{
	memset(lock, 0, sizeof(*lock));
	lock->l_type = (short)lk->type;
	lock->l_whence = SEEK_SET;
	lock->l_start = (off_t)lk->start;
	lock->l_len = lk->end == WIRE_OFFSET_MAX ? 0 : (off_t)(lk->end - lk->start + 1);
	lock->l_pid = (pid_t)lk->pid;
}

void wj_do_getlk(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_lk_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	fi.lock_owner = in->owner;
	if (!req->se->op.getlk) {
		NOT_IMPLEMENTED(req);
		return;
	}
	struct flock lock;
	lock_from_wire(&in->lk, &lock);
	req->se->op.getlk(req, nodeid, &fi, &lock);
}

static int flock_op(uint32_t type)
{
	switch (type) {
	case F_RDLCK: return LOCK_SH;
	case F_WRLCK: return LOCK_EX;
	default: return LOCK_UN;
	}
}

static void setlk(fuse_req_t req, uint64_t nodeid, const struct wj_lk_in *in, int sleep)
{
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	fi.lock_owner = in->owner;
	if (in->lk_flags & WJ_LK_FLOCK) {
		int op = flock_op(in->lk.type) | (sleep ? 0 : LOCK_NB);
		if (req->se->op.flock)
			req->se->op.flock(req, nodeid, &fi, op);
		else
			NOT_IMPLEMENTED(req);
		return;
	}
	if (!req->se->op.setlk) {
		NOT_IMPLEMENTED(req);
		return;
	}
	struct flock lock;
	lock_from_wire(&in->lk, &lock);
	req->se->op.setlk(req, nodeid, &fi, &lock, sleep);
}

void wj_do_setlk(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	setlk(req, nodeid, body, 0);
}

void wj_do_setlkw(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	setlk(req, nodeid, body, 1);
}

void wj_do_ioctl(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	const struct wj_ioctl_in *in = body;
	unsigned flags = in->flags;
	if ((flags & FUSE_IOCTL_DIR) && !(req->se->conn.want & FUSE_CAP_IOCTL_DIR)) {
		fuse_reply_err(req, ENOTTY);
		return;
	}
	if (in->in_size > len - sizeof(*in)) {
		fuse_reply_err(req, EIO);
		return;
	}
	if (!req->se->op.ioctl) {
		NOT_IMPLEMENTED(req);
		return;
	}
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	req->se->op.ioctl(req, nodeid, in->cmd, (void *)(uintptr_t)in->arg, &fi, flags,
			  in->in_size ? (const void *)(in + 1) : NULL, in->in_size, in->out_size);
}

void wj_do_poll(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_poll_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	SET_POLL_EVENTS(&fi, in->events);
	if (!req->se->op.poll) {
		NOT_IMPLEMENTED(req);
		return;
	}
	struct fuse_pollhandle *ph = NULL;
	if (in->flags & WJ_POLL_SCHEDULE_NOTIFY) {
		ph = wj_pollhandle_new(in->kh);
		if (!ph) {
			fuse_reply_err(req, ENOMEM);
			return;
		}
	}
	req->se->op.poll(req, nodeid, &fi, ph);
}

void wj_do_notify_reply(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	wj_notify_reply(req, req->unique, nodeid, body, len);
}

void wj_do_fallocate(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_fallocate_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	if (req->se->op.fallocate)
		req->se->op.fallocate(req, nodeid, (int)in->mode, (off_t)in->offset,
				      (off_t)in->length, &fi);
	else
		NOT_IMPLEMENTED(req);
}

#if WJ_API == 3

void wj_do_readdirplus(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_read_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	if (req->se->op.readdirplus)
		req->se->op.readdirplus(req, nodeid, in->size, (off_t)in->offset, &fi);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_lseek(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_lseek_in *in = body;
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	if (req->se->op.lseek)
		req->se->op.lseek(req, nodeid, (off_t)in->offset, (int)in->whence, &fi);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_copy_file_range(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_copy_file_range_in *in = body;
	struct fuse_file_info fi_in = FI_INIT, fi_out = FI_INIT;
	fi_in.fh = in->fh_in;
	fi_out.fh = in->fh_out;
	/* the answer counts in 32 bits, and so does size_t here */
	size_t size = in->len > WJ_MAX_COPY ? WJ_MAX_COPY : (size_t)in->len;
	if (req->se->op.copy_file_range)
		req->se->op.copy_file_range(req, nodeid, (off_t)in->off_in, &fi_in, in->nodeid_out,
					    (off_t)in->off_out, &fi_out, size, (int)in->flags);
	else
		NOT_IMPLEMENTED(req);
}

#else

void wj_do_readdirplus(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)nodeid, (void)body, (void)len;
	NOT_IMPLEMENTED(req);
}

void wj_do_lseek(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)nodeid, (void)body, (void)len;
	NOT_IMPLEMENTED(req);
}

void wj_do_copy_file_range(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)nodeid, (void)body, (void)len;
	NOT_IMPLEMENTED(req);
}

#endif
