/* Operations on open files. */
#include "path.h"

#include <sys/stat.h>

/* At open, with auto_cache: keep cached data if the file is as it was. */
static void check_cache(struct fuse *f, struct wj_node *node, const char *path,
			struct fuse_file_info *fi)
{
	if (node->cache_valid && wj_seconds_since(&node->stat_updated) > f->conf.ac_attr_timeout) {
		struct stat st;
		if (wj_fs_getattr(f->fs, path, &st, fi) == 0)
			wj_update_stat(node, &st);
		else
			node->cache_valid = false;
	}
	if (node->cache_valid)
		fi->keep_cache = 1;
	node->cache_valid = true;
}

static void apply_config(struct fuse *f, struct fuse_file_info *fi)
{
	if (f->conf.direct_io)
		fi->direct_io = 1;
	if (f->conf.kernel_cache)
		fi->keep_cache = 1;
#if WJ_API == 3
	if (f->conf.no_rofd_flush && (fi->flags & O_ACCMODE) == O_RDONLY)
		fi->noflush = 1;
#endif
}

/* One open less; a file that was removed meanwhile goes with the last one. */
static void release(struct fuse *f, uint64_t nodeid, const char *path, struct fuse_file_info *fi)
{
	wj_fs_release(f->fs, path, fi);
	struct wj_node *node = wj_node(f, nodeid);
	if (!node || !node->open_count || --node->open_count || !node->hidden)
		return;
	node->hidden = false;
	struct wj_path hidden;
	if (wj_path(f, nodeid, NULL, &hidden) == 0 && wj_fs_unlink(f->fs, hidden.str) == 0) {
		/* it is forgotten by the kernel later, under no name */
		const char *slash = strrchr(hidden.str, '/');
		if (node->parent)
			wj_remove_name(f, node->parent->nodeid, slash + 1);
	}
	wj_path_free(&hidden);
}

void wj_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path(f, ino, NULL, &path);
	if (!err)
		err = wj_fs_open(f->fs, path.str, fi);
	if (err) {
		wj_path_free(&path);
		wj_reply(req, err);
		return;
	}
	struct wj_node *node = wj_node(f, ino);
	apply_config(f, fi);
	if (f->conf.auto_cache)
		check_cache(f, node, path.str, fi);
	node->open_count++;
	if (fuse_reply_open(req, fi) == -ENOENT)
		release(f, ino, path.str, fi); /* the open was interrupted */
	wj_path_free(&path);
}

void wj_op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		  struct fuse_file_info *fi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	struct fuse_entry_param e;
	int err = wj_path(f, parent, name, &path);
	if (!err) {
		err = wj_fs_create(f->fs, path.str, mode, fi);
		if (!err) {
			err = wj_lookup_path(f, parent, name, path.str, &e, fi);
			if (!err && !S_ISREG(e.attr.st_mode)) {
				wj_forget(f, e.ino, 1);
				err = -EIO;
			}
			if (err)
				wj_fs_release(f->fs, path.str, fi);
		}
	}
	if (err) {
		wj_path_free(&path);
		wj_reply(req, err);
		return;
	}
	apply_config(f, fi);
	struct wj_node *node = wj_node(f, e.ino);
	if (f->conf.auto_cache)
		check_cache(f, node, path.str, fi);
	node->open_count++;
	if (fuse_reply_create(req, &e, fi) == -ENOENT) {
		release(f, e.ino, path.str, fi);
		wj_forget(f, e.ino, 1);
	}
	wj_path_free(&path);
}

static void free_bufvec(struct fuse_bufvec *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->count; i++)
		if (!(v->buf[i].flags & FUSE_BUF_IS_FD))
			free(v->buf[i].mem);
	free(v);
}

static void read_by_vector(fuse_req_t req, struct fuse *f, const char *path, size_t size, off_t off,
			   struct fuse_file_info *fi)
{
	struct fuse_bufvec *v = NULL;
	int err = wj_fs_read_buf(f->fs, path, &v, size, off, fi);
	if (err < 0)
		wj_reply(req, err);
	else if (v)
		fuse_reply_data(req, v, FUSE_BUF_SPLICE_MOVE);
	else
		fuse_reply_buf(req, NULL, 0);
	free_bufvec(v);
}

void wj_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int res = wj_path_open(f, ino, &path);
	if (res) {
		wj_reply(req, res);
	} else if (wj_has_read_buf(f->fs)) {
		read_by_vector(req, f, path.str, size, off, fi);
	} else {
		char *buf = wj_io_buffer(f, size);
		res = buf ? wj_fs_read(f->fs, path.str, buf, size, off, fi) : -ENOMEM;
		if (res < 0) {
			wj_reply(req, res);
		} else {
			if ((size_t)res > size) {
				fuse_log(FUSE_LOG_ERR, "fuse: read too many bytes\n");
				res = (int)size;
			}
			fuse_reply_buf(req, buf, (size_t)res);
		}
	}
	wj_path_free(&path);
}

void wj_op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		 struct fuse_file_info *fi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int res = wj_path_open(f, ino, &path);
	if (!res && wj_has_write_buf(f->fs)) {
		struct fuse_bufvec v = FUSE_BUFVEC_INIT(size);
		v.buf[0].mem = (void *)(uintptr_t)buf;
		res = wj_fs_write_buf(f->fs, path.str, &v, off, fi);
	} else if (!res) {
		res = wj_fs_write(f->fs, path.str, buf, size, off, fi);
	}
	wj_path_free(&path);
	if (res < 0) {
		wj_reply(req, res);
		return;
	}
	if ((size_t)res > size)
		fuse_log(FUSE_LOG_ERR, "fuse: wrote too many bytes\n");
	fuse_reply_write(req, (size_t)res);
}

/* flush(), then what POSIX says of locks at close. */
static int flush(struct fuse *f, uint64_t nodeid, const char *path, struct fuse_file_info *fi)
{
	int err = wj_fs_flush(f->fs, path, fi);
	if (wj_has_lock(f->fs) && wj_unlock_at_flush(f, nodeid, path, fi) != -ENOSYS && err == -ENOSYS)
		err = 0;
	return err;
}

void wj_op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path_open(f, ino, &path);
	if (!err)
		err = flush(f, ino, path.str, fi);
	wj_path_free(&path);
	wj_reply(req, err);
}

void wj_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = 0;
	wj_path_open(f, ino, &path); /* null is as good as any path now */
	if (fi->flush) {
		err = flush(f, ino, path.str, fi);
		if (err == -ENOSYS)
			err = 0;
	}
	release(f, ino, path.str, fi);
	wj_path_free(&path);
	wj_reply(req, err);
}

void wj_op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path_open(f, ino, &path);
	if (!err)
		err = wj_fs_fsync(f->fs, path.str, datasync, fi);
	wj_path_free(&path);
	wj_reply(req, err);
}

void wj_dir_file_info(struct fuse_file_info *llfi, struct fuse_file_info *fi);

#if WJ_API == 3
void wj_op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
		 struct fuse_file_info *llfi, unsigned flags, const void *in_buf, size_t in_size,
		 size_t out_size)
#else
void wj_op_ioctl(fuse_req_t req, fuse_ino_t ino, int cmd, void *arg, struct fuse_file_info *llfi,
		 unsigned flags, const void *in_buf, size_t in_size, size_t out_size)
#endif
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	struct fuse_file_info fi = *llfi;
	if (flags & FUSE_IOCTL_UNRESTRICTED) {
		fuse_reply_err(req, EPERM);
		return;
	}
	if (flags & FUSE_IOCTL_DIR)
		wj_dir_file_info(llfi, &fi);
	/* one area, in and out */
	size_t size = in_size > out_size ? in_size : out_size;
	char *data = size ? wj_io_buffer(f, size) : NULL;
	int res = size && !data ? -ENOMEM : wj_path_open(f, ino, &path);
	if (res) {
		wj_reply(req, res);
		return;
	}
	if (size)
		memset(data, 0, size);
	if (in_size)
		memcpy(data, in_buf, in_size);
	res = wj_fs_ioctl(f->fs, path.str, (unsigned)cmd, arg, &fi, flags, data);
	wj_path_free(&path);
	if (res < 0)
		wj_reply(req, res);
	else
		fuse_reply_ioctl(req, res, data, out_size);
}

void wj_op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		struct fuse_pollhandle *ph)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	unsigned revents = 0;
	int err = wj_path_open(f, ino, &path);
	if (!err)
		err = wj_fs_poll(f->fs, path.str, fi, ph, &revents);
	wj_path_free(&path);
	if (err)
		wj_reply(req, err);
	else
		fuse_reply_poll(req, revents);
}

void wj_op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		     struct fuse_file_info *fi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path_open(f, ino, &path);
	if (!err)
		err = wj_fs_fallocate(f->fs, path.str, mode, off, len, fi);
	wj_path_free(&path);
	wj_reply(req, err);
}

#if WJ_API == 3

void wj_op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			   struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			   struct fuse_file_info *fi_out, size_t len, int flags)
{
	struct fuse *f = wj_begin(req);
	struct wj_path in, out;
	ssize_t res = wj_path_open(f, ino_in, &in);
	int out_err = wj_path_open(f, ino_out, &out);
	if (!res)
		res = out_err ? out_err
			      : wj_fs_copy_file_range(f->fs, in.str, fi_in, off_in, out.str, fi_out,
						      off_out, len, flags);
	wj_path_free(&in);
	wj_path_free(&out);
	if (res < 0)
		wj_reply(req, (int)res);
	else
		fuse_reply_write(req, (size_t)res);
}

void wj_op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	off_t res = wj_path_open(f, ino, &path);
	if (!res)
		res = wj_fs_lseek(f->fs, path.str, off, whence, fi);
	wj_path_free(&path);
	if (res < 0)
		wj_reply(req, (int)res);
	else
		fuse_reply_lseek(req, res);
}

#endif
