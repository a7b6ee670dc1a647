/*
 * From message to callback: operations on names and attributes. A handler decodes
 * its body, whose shortest length the dispatcher has checked, and calls the
 * filesystem, or answers as libfuse does where there is no callback.
 */
#include "lowlevel_ops.h"

void wj_do_lookup(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	if (req->se->op.lookup)
		req->se->op.lookup(req, nodeid, body);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_forget(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

void wj_do_batch_forget(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

void wj_do_getattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

void wj_do_setattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

void wj_do_readlink(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

void wj_do_symlink(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

void wj_do_mknod(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_mknod_in *in = body;
	req->ctx.umask = in->umask;
	if (req->se->op.mknod)
		req->se->op.mknod(req, nodeid, (const char *)(in + 1), in->mode, in->rdev);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_mkdir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_mkdir_in *in = body;
	req->ctx.umask = in->umask;
	if (req->se->op.mkdir)
		req->se->op.mkdir(req, nodeid, (const char *)(in + 1), in->mode);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_unlink(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	if (req->se->op.unlink)
		req->se->op.unlink(req, nodeid, body);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_rmdir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

void wj_do_rename(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	const struct wj_rename_in *in = body;
	call_rename(req, nodeid, in->newdir, 0, (const char *)(in + 1), body, len);
}

void wj_do_rename2(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	const struct wj_rename2_in *in = body;
	call_rename(req, nodeid, in->newdir, in->flags, (const char *)(in + 1), body, len);
}

void wj_do_link(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_link_in *in = body;
	if (req->se->op.link)
		req->se->op.link(req, in->oldnodeid, nodeid, (const char *)(in + 1));
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_statfs(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

void wj_do_setxattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
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

void wj_do_getxattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_getxattr_in *in = body;
	if (req->se->op.getxattr)
		req->se->op.getxattr(req, nodeid, (const char *)(in + 1), in->size);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_listxattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_getxattr_in *in = body;
	if (req->se->op.listxattr)
		req->se->op.listxattr(req, nodeid, in->size);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_removexattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	if (req->se->op.removexattr)
		req->se->op.removexattr(req, nodeid, body);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_access(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_access_in *in = body;
	if (req->se->op.access)
		req->se->op.access(req, nodeid, (int)in->mask);
	else
		NOT_IMPLEMENTED(req);
}

void wj_do_bmap(fuse_req_t req, uint64_t nodeid, const void *body, size_t len)
{
	(void)len;
	const struct wj_bmap_in *in = body;
	if (req->se->op.bmap)
		req->se->op.bmap(req, nodeid, in->blocksize, in->block);
	else
		NOT_IMPLEMENTED(req);
}
