/*
 * From message to callback: one handler per opcode, and the table of them. A
 * handler decodes its body, whose shortest length the dispatcher has checked,
 * and calls the filesystem, or answers as libfuse does where there is no callback.
 */
#include "lowlevel.h"
#include "wide_time.h"

#include <sys/file.h>

#define NOT_IMPLEMENTED(req) fuse_reply_err(req, ENOSYS)

#define FI_INIT ((struct fuse_file_info){ 0 })

#if WJ_API == 3
#define SET_POLL_EVENTS(fi, mask) ((fi)->poll_events = (mask))
#else
#define SET_POLL_EVENTS(fi, mask) ((void)(mask))
#endif

static void do_lookup(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	if (req->se->op.lookup)
		req->se->op.lookup(req, nodeid, body);
	else
		NOT_IMPLEMENTED(req);
}

static void do_forget(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_forget_in *in = body;
	if (req->se->op.forget)
		req->se->op.forget(req, nodeid, in->nlookup);
	else
		fuse_reply_none(req);
}

/* Each forget() ends a request of its own; the batch lends its identity to them. */
static void forget_one(fuse_req_t req, const struct wj_forget_one *one)
{
	struct wj_in_header header = { .len = sizeof(header) + sizeof(struct wj_forget_in),
				       .opcode = WJ_OP_FORGET,
				       .nodeid = one->nodeid,
				       .uid = req->ctx.uid,
				       .gid = req->ctx.gid,
				       .pid = (uint32_t)req->ctx.pid };
	struct {
		struct wj_in_header header;
		struct wj_forget_in body;
	} message = { header, { one->nlookup } };
	wasmjit_fuse_dispatch(&message, sizeof(message));
}

static void do_batch_forget(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)nodeid;
	const struct wj_batch_forget_in *in = body;
	const struct wj_forget_one *one = (const void *)(in + 1);
	size_t count = (len - sizeof(*in)) / sizeof(*one);
	if (in->count < count)
		count = in->count;
	if (req->se->op.forget_multi) {
		req->se->op.forget_multi(req, count, (struct fuse_forget_data *)one);
		return;
	}
	if (req->se->op.forget) {
		for (size_t i = 0; i < count; i++)
			forget_one(req, &one[i]);
	}
	fuse_reply_none(req);
}

static void do_getattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_getattr_in *in = body;
	if (!req->se->op.getattr) {
		NOT_IMPLEMENTED(req);
		return;
	}
	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	req->se->op.getattr(req, nodeid, (in->flags & WJ_GETATTR_FH) ? &fi : NULL);
}

static void do_setattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_setattr_in *in = body;
	if (!req->se->op.setattr) {
		NOT_IMPLEMENTED(req);
		return;
	}
	struct stat st;
	memset(&st, 0, sizeof(st));
	st.st_mode = in->mode;
	st.st_uid = in->uid;
	st.st_gid = in->gid;
	st.st_size = (off_t)in->size;
	st.st_atim = wj_timespec(in->atime, in->atimensec);
	st.st_mtim = wj_timespec(in->mtime, in->mtimensec);
	st.st_ctim = wj_timespec(in->ctime, in->ctimensec);

	struct fuse_file_info fi = FI_INIT;
	fi.fh = in->fh;
	bool has_fh = in->valid & WJ_FATTR_FH;
	int to_set = FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID |
		     FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME |
		     FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;
#if WJ_API == 3
	to_set |= FUSE_SET_ATTR_CTIME | FUSE_SET_ATTR_KILL_SUID;
#endif
	to_set &= (int)in->valid;
	req->se->op.setattr(req, nodeid, &st, to_set, has_fh ? &fi : NULL);
}

static void do_readlink(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)body, (void)len;
	if (req->se->op.readlink)
		req->se->op.readlink(req, nodeid);
	else
		NOT_IMPLEMENTED(req);
}

/* The string behind another one, or null if the message ends before. */
static const char *next_string(const char *first, const void *body, size_t len)
{
	const char *end = (const char *)body + len;
	const char *zero = memchr(first, 0, (size_t)(end - first));
	return zero && zero + 1 < end ? zero + 1 : NULL;
}

static void do_symlink(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	const char *name = body;
	const char *target = next_string(name, body, len);
	if (!target)
		fuse_reply_err(req, EIO);
	else if (req->se->op.symlink)
		req->se->op.symlink(req, target, nodeid, name);
	else
		NOT_IMPLEMENTED(req);
}

static void do_mknod(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_mknod_in *in = body;
	req->ctx.umask = in->umask;
	if (req->se->op.mknod)
		req->se->op.mknod(req, nodeid, (const char *)(in + 1), in->mode, in->rdev);
	else
		NOT_IMPLEMENTED(req);
}

static void do_mkdir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_mkdir_in *in = body;
	req->ctx.umask = in->umask;
	if (req->se->op.mkdir)
		req->se->op.mkdir(req, nodeid, (const char *)(in + 1), in->mode);
	else
		NOT_IMPLEMENTED(req);
}

static void do_unlink(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	if (req->se->op.unlink)
		req->se->op.unlink(req, nodeid, body);
	else
		NOT_IMPLEMENTED(req);
}

static void do_rmdir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	if (req->se->op.rmdir)
		req->se->op.rmdir(req, nodeid, body);
	else
		NOT_IMPLEMENTED(req);
}

static void call_rename(fuse_req_t req, uint64_t nodeid, uint64_t newdir, uint32_t flags,
			const char *names, const void *body, size_t len)
{
	const char *newname = next_string(names, body, len);
	if (!newname) {
		fuse_reply_err(req, EIO);
		return;
	}
	if (!req->se->op.rename) {
		NOT_IMPLEMENTED(req);
		return;
	}
#if WJ_API == 3
	req->se->op.rename(req, nodeid, names, newdir, newname, flags);
#else
	if (flags)
		fuse_reply_err(req, EINVAL);
	else
		req->se->op.rename(req, nodeid, names, newdir, newname);
#endif
}

static void do_rename(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	const struct wj_rename_in *in = body;
	call_rename(req, nodeid, in->newdir, 0, (const char *)(in + 1), body, len);
}

static void do_rename2(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	const struct wj_rename2_in *in = body;
	call_rename(req, nodeid, in->newdir, in->flags, (const char *)(in + 1), body, len);
}

static void do_link(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_link_in *in = body;
	if (req->se->op.link)
		req->se->op.link(req, in->oldnodeid, nodeid, (const char *)(in + 1));
	else
		NOT_IMPLEMENTED(req);
}

static void do_open(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_create(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_read(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_write(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_statfs(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)body, (void)len;
	if (req->se->op.statfs) {
		req->se->op.statfs(req, nodeid);
		return;
	}
	struct statvfs st;
	memset(&st, 0, sizeof(st));
	st.f_namemax = 255;
	st.f_bsize = 512;
	fuse_reply_statfs(req, &st);
}

static void do_release(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_fsync(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_setxattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	const struct wj_setxattr_in *in = body;
	const char *name = (const char *)body + WJ_SETXATTR_IN_SHORT;
	const char *value = next_string(name, body, len);
	const char *end = (const char *)body + len;
	/* an empty value ends right behind the name */
	if (!value && in->size == 0)
		value = end;
	if (!value || in->size > (size_t)(end - value))
		fuse_reply_err(req, EIO);
	else if (req->se->op.setxattr)
		req->se->op.setxattr(req, nodeid, name, value, in->size, (int)in->flags);
	else
		NOT_IMPLEMENTED(req);
}

static void do_getxattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_getxattr_in *in = body;
	if (req->se->op.getxattr)
		req->se->op.getxattr(req, nodeid, (const char *)(in + 1), in->size);
	else
		NOT_IMPLEMENTED(req);
}

static void do_listxattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_getxattr_in *in = body;
	if (req->se->op.listxattr)
		req->se->op.listxattr(req, nodeid, in->size);
	else
		NOT_IMPLEMENTED(req);
}

static void do_removexattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	if (req->se->op.removexattr)
		req->se->op.removexattr(req, nodeid, body);
	else
		NOT_IMPLEMENTED(req);
}

static void do_flush(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_opendir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_readdir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_releasedir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_fsyncdir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_getlk(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_setlk(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	setlk(req, nodeid, body, 0);
}

static void do_setlkw(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	setlk(req, nodeid, body, 1);
}

static void do_access(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_access_in *in = body;
	if (req->se->op.access)
		req->se->op.access(req, nodeid, (int)in->mask);
	else
		NOT_IMPLEMENTED(req);
}

static void do_bmap(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_bmap_in *in = body;
	if (req->se->op.bmap)
		req->se->op.bmap(req, nodeid, in->blocksize, in->block);
	else
		NOT_IMPLEMENTED(req);
}

static void do_ioctl(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_poll(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_notify_reply(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	wj_notify_reply(req, req->unique, nodeid, body, len);
}

static void do_fallocate(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_readdirplus(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_lseek(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_copy_file_range(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

static void do_readdirplus(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)nodeid, (void)body, (void)len;
	NOT_IMPLEMENTED(req);
}
#define do_lseek do_readdirplus
#define do_copy_file_range do_readdirplus

#endif

/* The session's own: no request object, see the dispatcher. */
#define do_init NULL
#define do_interrupt NULL
#define do_destroy NULL

const struct wj_op_row wj_op_table[WJ_OP_LIMIT] = {
#define ROW(NAME, handler_, size) [WJ_OP_##NAME] = { handler_, size, #NAME }
	ROW(LOOKUP, do_lookup, 1),
	ROW(FORGET, do_forget, sizeof(struct wj_forget_in)),
	ROW(GETATTR, do_getattr, sizeof(struct wj_getattr_in)),
	ROW(SETATTR, do_setattr, sizeof(struct wj_setattr_in)),
	ROW(READLINK, do_readlink, 0),
	ROW(SYMLINK, do_symlink, 2),
	ROW(MKNOD, do_mknod, sizeof(struct wj_mknod_in) + 1),
	ROW(MKDIR, do_mkdir, sizeof(struct wj_mkdir_in) + 1),
	ROW(UNLINK, do_unlink, 1),
	ROW(RMDIR, do_rmdir, 1),
	ROW(RENAME, do_rename, sizeof(struct wj_rename_in) + 2),
	ROW(LINK, do_link, sizeof(struct wj_link_in) + 1),
	ROW(OPEN, do_open, sizeof(struct wj_open_in)),
	ROW(READ, do_read, sizeof(struct wj_read_in)),
	ROW(WRITE, do_write, sizeof(struct wj_write_in)),
	ROW(STATFS, do_statfs, 0),
	ROW(RELEASE, do_release, sizeof(struct wj_release_in)),
	ROW(FSYNC, do_fsync, sizeof(struct wj_fsync_in)),
	ROW(SETXATTR, do_setxattr, WJ_SETXATTR_IN_SHORT + 1),
	ROW(GETXATTR, do_getxattr, sizeof(struct wj_getxattr_in) + 1),
	ROW(LISTXATTR, do_listxattr, sizeof(struct wj_getxattr_in)),
	ROW(REMOVEXATTR, do_removexattr, 1),
	ROW(FLUSH, do_flush, sizeof(struct wj_flush_in)),
	ROW(INIT, do_init, WJ_INIT_IN_SHORT),
	ROW(OPENDIR, do_opendir, sizeof(struct wj_open_in)),
	ROW(READDIR, do_readdir, sizeof(struct wj_read_in)),
	ROW(RELEASEDIR, do_releasedir, sizeof(struct wj_release_in)),
	ROW(FSYNCDIR, do_fsyncdir, sizeof(struct wj_fsync_in)),
	ROW(GETLK, do_getlk, sizeof(struct wj_lk_in)),
	ROW(SETLK, do_setlk, sizeof(struct wj_lk_in)),
	ROW(SETLKW, do_setlkw, sizeof(struct wj_lk_in)),
	ROW(ACCESS, do_access, sizeof(struct wj_access_in)),
	ROW(CREATE, do_create, sizeof(struct wj_create_in) + 1),
	ROW(INTERRUPT, do_interrupt, sizeof(struct wj_interrupt_in)),
	ROW(BMAP, do_bmap, sizeof(struct wj_bmap_in)),
	ROW(DESTROY, do_destroy, 0),
	ROW(IOCTL, do_ioctl, sizeof(struct wj_ioctl_in)),
	ROW(POLL, do_poll, sizeof(struct wj_poll_in)),
	ROW(NOTIFY_REPLY, do_notify_reply, sizeof(struct wj_notify_retrieve_in)),
	ROW(BATCH_FORGET, do_batch_forget, sizeof(struct wj_batch_forget_in)),
	ROW(FALLOCATE, do_fallocate, sizeof(struct wj_fallocate_in)),
	ROW(READDIRPLUS, do_readdirplus, sizeof(struct wj_read_in)),
	ROW(RENAME2, do_rename2, sizeof(struct wj_rename2_in) + 2),
	ROW(LSEEK, do_lseek, sizeof(struct wj_lseek_in)),
	ROW(COPY_FILE_RANGE, do_copy_file_range, sizeof(struct wj_copy_file_range_in)),
#undef ROW
};
