/*
 * Buffer vectors: memory and file stretches, copied piece by piece. A vector
 * carries its own position, so that a copy may stop anywhere and go on later.
 */
#include "api.h"

#include <limits.h>
#include <unistd.h>

#define COPY_CHUNK 65536 /* bytes moved at once between two files */

size_t fuse_buf_size(const struct fuse_bufvec *bufv)
{
	size_t size = 0;
	for (size_t i = 0; i < bufv->count; i++) {
		if (bufv->buf[i].size >= SIZE_MAX - size)
			return SIZE_MAX;
		size += bufv->buf[i].size;
	}
	return size;
}

static ssize_t transfer(const struct fuse_buf *b, size_t off, char *mem, size_t len, bool out)
{
	off_t pos = b->pos + (off_t)off;
	ssize_t res;
	if (b->flags & FUSE_BUF_FD_SEEK)
		res = out ? pwrite(b->fd, mem, len, pos) : pread(b->fd, mem, len, pos);
	else
		res = out ? write(b->fd, mem, len) : read(b->fd, mem, len);
	return res == -1 ? -errno : res;
}

/* Between a file and memory. Stops short at end of file, or without FUSE_BUF_FD_RETRY. */
static ssize_t copy_fd(const struct fuse_buf *b, size_t off, char *mem, size_t len, bool out)
{
	size_t done = 0;
	while (done < len) {
		ssize_t res = transfer(b, off + done, mem + done, len - done, out);
		if (res < 0)
			return done ? (ssize_t)done : res;
		done += (size_t)res;
		if (res == 0 || !(b->flags & FUSE_BUF_FD_RETRY))
			break;
	}
	return (ssize_t)done;
}

static ssize_t copy_files(const struct fuse_buf *dst, size_t dst_off, const struct fuse_buf *src,
			  size_t src_off, size_t len)
{
	size_t chunk = len < COPY_CHUNK ? len : COPY_CHUNK;
	char *mem = malloc(chunk ? chunk : 1);
	if (!mem)
		return -ENOMEM;
	ssize_t copied = 0;
	while (len) {
		size_t n = len < chunk ? len : chunk;
		ssize_t got = copy_fd(src, src_off, mem, n, false);
		ssize_t put = got > 0 ? copy_fd(dst, dst_off, mem, (size_t)got, true) : got;
		if (put < 0 && copied == 0)
			copied = put;
		if (put <= 0)
			break;
		copied += put;
		src_off += (size_t)put;
		dst_off += (size_t)put;
		len -= (size_t)put;
		if ((size_t)put < n)
			break;
	}
	free(mem);
	return copied;
}

static ssize_t copy_one(const struct fuse_buf *dst, size_t dst_off, const struct fuse_buf *src,
			size_t src_off, size_t len)
{
	bool dst_fd = dst->flags & FUSE_BUF_IS_FD;
	bool src_fd = src->flags & FUSE_BUF_IS_FD;
	if (dst_fd && src_fd)
		return copy_files(dst, dst_off, src, src_off, len);
	if (dst_fd)
		return copy_fd(dst, dst_off, (char *)src->mem + src_off, len, true);
	if (src_fd)
		return copy_fd(src, src_off, (char *)dst->mem + dst_off, len, false);
	if ((char *)dst->mem + dst_off != (char *)src->mem + src_off)
		memmove((char *)dst->mem + dst_off, (char *)src->mem + src_off, len);
	return (ssize_t)len;
}

/* The piece at the vector's position, empty ones skipped. */
static const struct fuse_buf *current(struct fuse_bufvec *v)
{
	while (v->idx < v->count && v->off >= v->buf[v->idx].size) {
		v->idx++;
		v->off = 0;
	}
	return v->idx < v->count ? &v->buf[v->idx] : NULL;
}

ssize_t fuse_buf_copy(struct fuse_bufvec *dst, struct fuse_bufvec *src,
		      enum fuse_buf_copy_flags flags)
{
	(void)flags;
	if (dst == src)
		return (ssize_t)fuse_buf_size(dst);
	size_t copied = 0;
	for (;;) {
		const struct fuse_buf *s = current(src);
		const struct fuse_buf *d = current(dst);
		if (!s || !d)
			break;
		size_t s_left = s->size - src->off, d_left = d->size - dst->off;
		size_t len = s_left < d_left ? s_left : d_left;
		ssize_t res = copy_one(d, dst->off, s, src->off, len);
		if (res < 0)
			return copied ? (ssize_t)copied : res;
		copied += (size_t)res;
		src->off += (size_t)res;
		dst->off += (size_t)res;
		if ((size_t)res < len)
			break;
	}
	return (ssize_t)copied;
}
