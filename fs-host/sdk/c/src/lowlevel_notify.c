/*
 * Notifications: messages that no request asked for (unique 0, the code in the
 * error field), and the answers to those that fetch cached data.
 */
#include "lowlevel.h"

struct fuse_pollhandle {
	uint64_t kh;
};

struct fuse_pollhandle *wj_pollhandle_new(uint64_t kh)
{
	struct fuse_pollhandle *ph = malloc(sizeof(*ph));
	if (ph)
		ph->kh = kh;
	return ph;
}

void fuse_pollhandle_destroy(struct fuse_pollhandle *ph)
{
	free(ph);
}

/* iov[0] is the header's place. */
static int notify(enum wj_notify_code code, struct iovec *iov, int count)
{
	struct wj_out_header out = { .error = (int32_t)code };
	size_t len = sizeof(out);
	iov[0].iov_base = &out;
	iov[0].iov_len = sizeof(out);
	for (int i = 1; i < count; i++)
		len += iov[i].iov_len;
	out.len = (uint32_t)len;
	return wj_host_send(iov, count);
}

int fuse_lowlevel_notify_poll(struct fuse_pollhandle *ph)
{
	if (!ph)
		return 0;
	struct wj_notify_poll_out out = { ph->kh };
	struct iovec iov[2] = { [1] = { &out, sizeof(out) } };
	return notify(WJ_NOTIFY_POLL, iov, 2);
}

static int inval_inode(fuse_ino_t ino, off_t off, off_t len)
{
	struct wj_notify_inval_inode_out out = { ino, off, len };
	struct iovec iov[2] = { [1] = { &out, sizeof(out) } };
	return notify(WJ_NOTIFY_INVAL_INODE, iov, 2);
}

/* The name travels with a zero behind it. */
static int notify_name(enum wj_notify_code code, const void *body, size_t size, const char *name,
		       size_t namelen)
{
	struct iovec iov[4] = { [1] = { (void *)(uintptr_t)body, size },
				[2] = { (void *)(uintptr_t)name, namelen },
				[3] = { (void *)(uintptr_t) "", 1 } };
	return notify(code, iov, 4);
}

static int inval_entry(fuse_ino_t parent, const char *name, size_t namelen, uint32_t flags)
{
	struct wj_notify_inval_entry_out out = { parent, (uint32_t)namelen, flags };
	return notify_name(WJ_NOTIFY_INVAL_ENTRY, &out, sizeof(out), name, namelen);
}

static int notify_delete(fuse_ino_t parent, fuse_ino_t child, const char *name, size_t namelen)
{
	struct wj_notify_delete_out out = { parent, child, (uint32_t)namelen, 0 };
	return notify_name(WJ_NOTIFY_DELETE, &out, sizeof(out), name, namelen);
}

static int notify_store(fuse_ino_t ino, off_t offset, struct fuse_bufvec *bufv)
{
	size_t size = fuse_buf_size(bufv);
	char *data = malloc(size ? size : 1);
	if (!data)
		return -ENOMEM;
	struct fuse_bufvec mem = FUSE_BUFVEC_INIT(size);
	mem.buf[0].mem = data;
	ssize_t got = fuse_buf_copy(&mem, bufv, 0);
	int res = (int)got;
	if (got >= 0) {
		struct wj_notify_store_out out = { ino, (uint64_t)offset, (uint32_t)got, 0 };
		struct iovec iov[3] = { [1] = { &out, sizeof(out) }, [2] = { data, (size_t)got } };
		res = notify(WJ_NOTIFY_STORE, iov, 3);
	}
	free(data);
	return res;
}

static int notify_retrieve(struct fuse_session *se, fuse_ino_t ino, size_t size, off_t offset,
			   void *cookie)
{
	struct wj_retrieve *r = malloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->cookie = cookie;
	wj_lock();
	uint64_t unique = r->unique = ++se->retrieve_unique;
	r->next = se->retrieves;
	se->retrieves = r;
	wj_unlock();
	struct wj_notify_retrieve_out out = { unique, ino, (uint64_t)offset, (uint32_t)size, 0 };
	struct iovec iov[2] = { [1] = { &out, sizeof(out) } };
	int err = notify(WJ_NOTIFY_RETRIEVE, iov, 2);
	if (err) {
		/* a reply may have come meanwhile: look for it again */
		wj_lock();
		struct wj_retrieve **at = &se->retrieves;
		while (*at && (*at)->unique != unique)
			at = &(*at)->next;
		if (*at) {
			r = *at;
			*at = r->next;
			free(r);
		}
		wj_unlock();
	}
	return err;
}

void wj_notify_reply(fuse_req_t req, uint64_t unique, uint64_t nodeid,
		     const struct wj_notify_retrieve_in *in, size_t len)
{
	struct fuse_session *se = req->se;
	wj_lock();
	struct wj_retrieve **at = &se->retrieves;
	while (*at && (*at)->unique != unique)
		at = &(*at)->next;
	struct wj_retrieve *r = *at;
	if (!r || in->size > len - sizeof(*in) || !se->op.retrieve_reply) {
		wj_unlock();
		fuse_reply_none(req);
		return;
	}
	*at = r->next;
	wj_unlock();
	void *cookie = r->cookie;
	free(r);
	struct fuse_bufvec bufv = FUSE_BUFVEC_INIT(in->size);
	bufv.buf[0].mem = (void *)(uintptr_t)(in + 1);
	se->op.retrieve_reply(req, cookie, nodeid, (off_t)in->offset, &bufv);
}

#if WJ_API == 3
#define WJ_NOTIFY_TARGET struct fuse_session *se
#define WJ_NOTIFY_SESSION se
#else
#define WJ_NOTIFY_TARGET struct fuse_chan *ch
#define WJ_NOTIFY_SESSION (ch ? ch->se : NULL)
#endif

int fuse_lowlevel_notify_inval_inode(WJ_NOTIFY_TARGET, fuse_ino_t ino, off_t off, off_t len)
{
	return WJ_NOTIFY_SESSION ? inval_inode(ino, off, len) : -EINVAL;
}

int fuse_lowlevel_notify_inval_entry(WJ_NOTIFY_TARGET, fuse_ino_t parent, const char *name,
				     size_t namelen)
{
	return WJ_NOTIFY_SESSION ? inval_entry(parent, name, namelen, 0) : -EINVAL;
}

int fuse_lowlevel_notify_delete(WJ_NOTIFY_TARGET, fuse_ino_t parent, fuse_ino_t child,
				const char *name, size_t namelen)
{
	return WJ_NOTIFY_SESSION ? notify_delete(parent, child, name, namelen) : -EINVAL;
}

int fuse_lowlevel_notify_store(WJ_NOTIFY_TARGET, fuse_ino_t ino, off_t offset,
			       struct fuse_bufvec *bufv, enum fuse_buf_copy_flags flags)
{
	(void)flags;
	return WJ_NOTIFY_SESSION ? notify_store(ino, offset, bufv) : -EINVAL;
}

int fuse_lowlevel_notify_retrieve(WJ_NOTIFY_TARGET, fuse_ino_t ino, size_t size, off_t offset,
				  void *cookie)
{
	struct fuse_session *session = WJ_NOTIFY_SESSION;
	return session ? notify_retrieve(session, ino, size, offset, cookie) : -EINVAL;
}

#if WJ_API == 3
int fuse_lowlevel_notify_expire_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
				      size_t namelen, enum fuse_expire_flags flags)
{
	if (!se)
		return -EINVAL;
	if ((flags & FUSE_LL_EXPIRE_ONLY) && !(se->conn.capable & FUSE_CAP_EXPIRE_ONLY))
		return -ENOSYS;
	return inval_entry(parent, name, namelen,
			   (flags & FUSE_LL_EXPIRE_ONLY) ? WJ_EXPIRE_ONLY : 0);
}
#endif
