/*
 * Replies. Every function builds its struct on the stack, sends header and
 * body in one call, and ends the request.
 */
#include "lowlevel.h"
#include "wide_time.h"

/* Timeouts above this many seconds say "for ever"; below, the bits of that number and of infinity. */
#define WJ_TIMEOUT_MAX 1000000000000000
#define WJ_TIMEOUT_MAX_BITS 0x430c6bf526340000
#define WJ_INFINITY_BITS 0x7ff0000000000000
#define WJ_IOV_MAX 16 /* memory pieces that are sent without being gathered first */

static int send_iov(uint64_t unique, int linux_error, struct iovec *iov, int count)
{
	struct wj_out_header out = { .error = linux_error, .unique = unique };
	size_t len = sizeof(out);
	iov[0].iov_base = &out;
	iov[0].iov_len = sizeof(out);
	for (int i = 1; i < count; i++)
		len += iov[i].iov_len;
	out.len = (uint32_t)len;
	return wj_host_send(iov, count);
}

int wj_send(uint64_t unique, int linux_error, const void *body, size_t len)
{
	struct iovec iov[2];
	iov[1].iov_base = (void *)(uintptr_t)body;
	iov[1].iov_len = len;
	return send_iov(unique, linux_error, iov, len ? 2 : 1);
}

/* iov[0] is the header's place. */
static int reply_iov(fuse_req_t req, struct iovec *iov, int count)
{
	uint64_t unique = req->unique;
	wj_req_free(req);
	return send_iov(unique, 0, iov, count);
}

static int reply_ok(fuse_req_t req, const void *body, size_t len)
{
	uint64_t unique = req->unique;
	wj_req_free(req);
	return wj_send(unique, 0, body, len);
}

int fuse_reply_err(fuse_req_t req, int err)
{
	uint64_t unique = req->unique;
	wj_req_free(req);
	return wj_send(unique, -wj_errno_to_linux(err), NULL, 0);
}

void fuse_reply_none(fuse_req_t req)
{
	wj_req_free(req);
}

int fuse_reply_buf(fuse_req_t req, const char *buf, size_t size)
{
	return reply_ok(req, buf, size);
}

int fuse_reply_iov(fuse_req_t req, const struct iovec *iov, int count)
{
	if (count < WJ_IOV_MAX) {
		struct iovec all[WJ_IOV_MAX];
		memcpy(all + 1, iov, (size_t)count * sizeof(*iov));
		return reply_iov(req, all, count + 1);
	}
	struct iovec *all = malloc((size_t)(count + 1) * sizeof(*all));
	if (!all)
		return fuse_reply_err(req, ENOMEM);
	memcpy(all + 1, iov, (size_t)count * sizeof(*iov));
	int res = reply_iov(req, all, count + 1);
	free(all);
	return res;
}

/* By its bits: a reply that touches no float register is cheaper where the guest runs in the kernel. */
static void timeout_to_wire(double t, uint64_t *sec, uint32_t *nsec)
{
	uint64_t bits, fraction;
	memcpy(&bits, &t, sizeof(bits));
	*sec = 0;
	*nsec = 0;
	/* not positive, or no number */
	if ((int64_t)bits <= 0 || bits > WJ_INFINITY_BITS)
		return;
	if (bits >= WJ_TIMEOUT_MAX_BITS) {
		*sec = WJ_TIMEOUT_MAX;
		return;
	}
	/* t = mantissa / 2^places */
	uint64_t mantissa = (bits & ((1ULL << 52) - 1)) | 1ULL << 52;
	unsigned places = 1023 + 52 - (unsigned)(bits >> 52);
	if (places < 64)
		*sec = mantissa >> places;
	/* what is left, in 2^-32 seconds */
	if (places <= 32)
		fraction = mantissa << (32 - places);
	else if (places - 32 < 64)
		fraction = mantissa >> (places - 32);
	else
		return;
	fraction = ((fraction & UINT32_MAX) * 1000000000 + (1ULL << 31)) >> 32;
	*nsec = fraction < 1000000000 ? (uint32_t)fraction : 999999999u;
}

void wj_stat_to_attr(const struct stat *st, struct wj_attr *attr)
{
	attr->ino = st->st_ino;
	attr->size = (uint64_t)st->st_size;
	attr->blocks = (uint64_t)st->st_blocks;
	attr->atime = (uint64_t)wj_seconds(&st->st_atim);
	attr->mtime = (uint64_t)wj_seconds(&st->st_mtim);
	attr->ctime = (uint64_t)wj_seconds(&st->st_ctim);
	attr->atimensec = wj_nanoseconds(&st->st_atim);
	attr->mtimensec = wj_nanoseconds(&st->st_mtim);
	attr->ctimensec = wj_nanoseconds(&st->st_ctim);
	attr->mode = st->st_mode;
	attr->nlink = (uint32_t)st->st_nlink;
	attr->uid = st->st_uid;
	attr->gid = st->st_gid;
	attr->rdev = (uint32_t)st->st_rdev;
	attr->blksize = (uint32_t)st->st_blksize;
	attr->flags = 0;
}

static void entry_to_wire(const struct fuse_entry_param *e, struct wj_entry_out *out)
{
	out->nodeid = e->ino;
	out->generation = e->generation;
	timeout_to_wire(e->entry_timeout, &out->entry_valid, &out->entry_valid_nsec);
	timeout_to_wire(e->attr_timeout, &out->attr_valid, &out->attr_valid_nsec);
	wj_stat_to_attr(&e->attr, &out->attr);
}

static void open_to_wire(const struct fuse_file_info *fi, struct wj_open_out *out)
{
	out->fh = fi->fh;
	out->open_flags = (fi->direct_io ? WJ_FOPEN_DIRECT_IO : 0) |
			  (fi->keep_cache ? WJ_FOPEN_KEEP_CACHE : 0) |
			  (fi->nonseekable ? WJ_FOPEN_NONSEEKABLE : 0);
#if WJ_API == 3
	out->open_flags |= (fi->cache_readdir ? WJ_FOPEN_CACHE_DIR : 0) |
			   (fi->noflush ? WJ_FOPEN_NOFLUSH : 0);
#endif
	out->padding = 0;
}

int fuse_reply_entry(fuse_req_t req, const struct fuse_entry_param *e)
{
	struct wj_entry_out out;
	entry_to_wire(e, &out);
	return reply_ok(req, &out, sizeof(out));
}

int fuse_reply_create(fuse_req_t req, const struct fuse_entry_param *e,
		      const struct fuse_file_info *fi)
{
	struct wj_create_out out;
	entry_to_wire(e, &out.entry);
	open_to_wire(fi, &out.open);
	return reply_ok(req, &out, sizeof(out));
}

int fuse_reply_attr(fuse_req_t req, const struct stat *attr, double attr_timeout)
{
	struct wj_attr_out out;
	timeout_to_wire(attr_timeout, &out.attr_valid, &out.attr_valid_nsec);
	out.dummy = 0;
	wj_stat_to_attr(attr, &out.attr);
	return reply_ok(req, &out, sizeof(out));
}

int fuse_reply_readlink(fuse_req_t req, const char *link)
{
	return reply_ok(req, link, strlen(link));
}

int fuse_reply_open(fuse_req_t req, const struct fuse_file_info *fi)
{
	struct wj_open_out out;
	open_to_wire(fi, &out);
	return reply_ok(req, &out, sizeof(out));
}

int fuse_reply_write(fuse_req_t req, size_t count)
{
	struct wj_write_out out = { .size = (uint32_t)count };
	return reply_ok(req, &out, sizeof(out));
}

int fuse_reply_statfs(fuse_req_t req, const struct statvfs *st)
{
	struct wj_statfs_out out;
	memset(&out, 0, sizeof(out));
	out.blocks = st->f_blocks;
	out.bfree = st->f_bfree;
	out.bavail = st->f_bavail;
	out.files = st->f_files;
	out.ffree = st->f_ffree;
	out.bsize = (uint32_t)st->f_bsize;
	out.namelen = (uint32_t)st->f_namemax;
	out.frsize = (uint32_t)st->f_frsize;
	return reply_ok(req, &out, sizeof(out));
}

int fuse_reply_xattr(fuse_req_t req, size_t count)
{
	struct wj_getxattr_out out = { .size = (uint32_t)count };
	return reply_ok(req, &out, sizeof(out));
}

int fuse_reply_lock(fuse_req_t req, const struct flock *lock)
{
	struct wj_lk_out out;
	memset(&out, 0, sizeof(out));
	out.lk.type = (uint32_t)lock->l_type;
	if (lock->l_type != F_UNLCK) {
		out.lk.start = (uint64_t)lock->l_start;
		out.lk.end = lock->l_len == 0 ? (uint64_t)INT64_MAX
					      : (uint64_t)(lock->l_start + lock->l_len - 1);
	}
	out.lk.pid = (uint32_t)lock->l_pid;
	return reply_ok(req, &out, sizeof(out));
}

int fuse_reply_bmap(fuse_req_t req, uint64_t idx)
{
	struct wj_bmap_out out = { .block = idx };
	return reply_ok(req, &out, sizeof(out));
}

int fuse_reply_poll(fuse_req_t req, unsigned revents)
{
	struct wj_poll_out out = { .revents = revents };
	return reply_ok(req, &out, sizeof(out));
}

#if WJ_API == 3
int fuse_reply_lseek(fuse_req_t req, off_t off)
{
	struct wj_lseek_out out = { .offset = (uint64_t)off };
	return reply_ok(req, &out, sizeof(out));
}
#endif

/* ---- data that may lie in files ---- */

static bool all_memory(const struct fuse_bufvec *bufv)
{
	for (size_t i = bufv->idx; i < bufv->count; i++)
		if (bufv->buf[i].flags & FUSE_BUF_IS_FD)
			return false;
	return true;
}

/* Where file data is gathered; kept between replies. */
static WJ_PER_THREAD char *bounce;
static WJ_PER_THREAD size_t bounce_size;

static int reply_gathered(fuse_req_t req, struct fuse_bufvec *bufv, size_t size)
{
	if (size > bounce_size) {
		char *bigger = realloc(bounce, size);
		if (!bigger)
			return fuse_reply_err(req, ENOMEM);
		bounce = bigger;
		bounce_size = size;
	}
	struct fuse_bufvec mem = FUSE_BUFVEC_INIT(size);
	mem.buf[0].mem = bounce;
	ssize_t got = fuse_buf_copy(&mem, bufv, 0);
	if (got < 0)
		return fuse_reply_err(req, (int)-got);
	return fuse_reply_buf(req, bounce, (size_t)got);
}

int fuse_reply_data(fuse_req_t req, struct fuse_bufvec *bufv, enum fuse_buf_copy_flags flags)
{
	(void)flags;
	size_t count = bufv->count - bufv->idx;
	if (bufv->idx >= bufv->count || count >= WJ_IOV_MAX || !all_memory(bufv))
		return reply_gathered(req, bufv, fuse_buf_size(bufv));
	struct iovec iov[WJ_IOV_MAX];
	size_t skip = bufv->off;
	for (size_t i = 0; i < count; i++) {
		const struct fuse_buf *b = &bufv->buf[bufv->idx + i];
		iov[i + 1].iov_base = (char *)b->mem + skip;
		iov[i + 1].iov_len = b->size - skip;
		skip = 0;
	}
	return reply_iov(req, iov, (int)count + 1);
}

/* ---- directory entries ---- */

static size_t put_dirent(char *at, const char *name, size_t namelen, ino_t ino, mode_t mode,
			 off_t off)
{
	struct wj_dirent *d = (struct wj_dirent *)at;
	size_t used = sizeof(*d) + namelen;
	d->ino = ino;
	d->off = (uint64_t)off;
	d->namelen = (uint32_t)namelen;
	d->type = (mode & S_IFMT) >> 12;
	/* the padding, and bytes of the name's end, which follow */
	memset(at + WJ_ALIGN8(used) - 8, 0, 8);
	memcpy(at + sizeof(*d), name, namelen);
	return WJ_ALIGN8(used);
}

size_t fuse_add_direntry(fuse_req_t req, char *buf, size_t bufsize, const char *name,
			 const struct stat *st, off_t off)
{
	(void)req;
	size_t namelen = strlen(name);
	size_t need = WJ_ALIGN8(sizeof(struct wj_dirent) + namelen);
	if (!buf || need > bufsize)
		return need;
	return put_dirent(buf, name, namelen, st->st_ino, st->st_mode, off);
}

#if WJ_API == 3
size_t fuse_add_direntry_plus(fuse_req_t req, char *buf, size_t bufsize, const char *name,
			      const struct fuse_entry_param *e, off_t off)
{
	(void)req;
	size_t namelen = strlen(name);
	size_t need = WJ_ALIGN8(sizeof(struct wj_direntplus) + namelen);
	if (!buf || need > bufsize)
		return need;
	entry_to_wire(e, (struct wj_entry_out *)buf);
	put_dirent(buf + sizeof(struct wj_entry_out), name, namelen, e->attr.st_ino,
		   e->attr.st_mode, off);
	return need;
}
#endif

/* ---- ioctl ---- */

int fuse_reply_ioctl_iov(fuse_req_t req, int result, const struct iovec *iov, int count)
{
	struct wj_ioctl_out out = { .result = result };
	struct iovec *all = malloc(((size_t)count + 2) * sizeof(*all));
	if (!all)
		return fuse_reply_err(req, ENOMEM);
	all[1].iov_base = &out;
	all[1].iov_len = sizeof(out);
	if (count)
		memcpy(all + 2, iov, (size_t)count * sizeof(*iov));
	int res = reply_iov(req, all, count + 2);
	free(all);
	return res;
}

int fuse_reply_ioctl(fuse_req_t req, int result, const void *buf, size_t size)
{
	struct wj_ioctl_out out = { .result = result };
	struct iovec iov[3];
	iov[1].iov_base = &out;
	iov[1].iov_len = sizeof(out);
	iov[2].iov_base = (void *)(uintptr_t)buf;
	iov[2].iov_len = size;
	return reply_iov(req, iov, size ? 3 : 2);
}

int fuse_reply_ioctl_retry(fuse_req_t req, const struct iovec *in_iov, size_t in_count,
			   const struct iovec *out_iov, size_t out_count)
{
	if (in_count + out_count > FUSE_IOCTL_MAX_IOV)
		return fuse_reply_err(req, E2BIG);
	struct wj_ioctl_out out = { .flags = FUSE_IOCTL_RETRY,
				    .in_iovs = (uint32_t)in_count,
				    .out_iovs = (uint32_t)out_count };
	struct wj_ioctl_iovec list[FUSE_IOCTL_MAX_IOV];
	size_t n = 0;
	for (size_t i = 0; i < in_count; i++, n++)
		list[n] = (struct wj_ioctl_iovec){ (uintptr_t)in_iov[i].iov_base, in_iov[i].iov_len };
	for (size_t i = 0; i < out_count; i++, n++)
		list[n] = (struct wj_ioctl_iovec){ (uintptr_t)out_iov[i].iov_base, out_iov[i].iov_len };
	struct iovec iov[3];
	iov[1].iov_base = &out;
	iov[1].iov_len = sizeof(out);
	iov[2].iov_base = list;
	iov[2].iov_len = n * sizeof(list[0]);
	return reply_iov(req, iov, n ? 3 : 2);
}
