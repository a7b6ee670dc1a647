/*
 * Calls into a filesystem that differ between the interfaces of libfuse 2 and 3: here those of
 * libfuse 2, with exactly the types that <fuse.h> declares.
 */
#include "path_call.h"

int wj_fs_getattr(struct fuse_fs *fs, const char *path, struct stat *st, struct fuse_file_info *fi)
{
	const struct fuse_operations *op = enter(fs);
	if (fi && op->fgetattr)
		CALL(fs, fgetattr, path, st, fi);
	if (!op->getattr)
		return -ENOSYS;
	if (!path)
		return -ENOENT;
	CALL(fs, getattr, path, st);
}

int wj_fs_rename(struct fuse_fs *fs, const char *from, const char *to, unsigned flags)
{
	if (flags)
		return -EINVAL;
	CALL(fs, rename, from, to);
}

int wj_fs_chmod(struct fuse_fs *fs, const char *path, mode_t mode, struct fuse_file_info *fi)
{
	(void)fi;
	CALL(fs, chmod, path, mode);
}

int wj_fs_chown(struct fuse_fs *fs, const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	(void)fi;
	CALL(fs, chown, path, uid, gid);
}

int wj_fs_truncate(struct fuse_fs *fs, const char *path, off_t size, struct fuse_file_info *fi)
{
	const struct fuse_operations *op = enter(fs);
	if (fi && op->ftruncate)
		CALL(fs, ftruncate, path, size, fi);
	if (!op->truncate)
		return -ENOSYS;
	if (!path)
		return -ENOENT;
	CALL(fs, truncate, path, size);
}

int wj_fs_utimens(struct fuse_fs *fs, const char *path, const struct timespec tv[2],
		  struct fuse_file_info *fi)
{
	(void)fi;
	const struct fuse_operations *op = enter(fs);
	if (op->utimens)
		CALL(fs, utimens, path, tv);
	if (!op->utime)
		return -ENOSYS;
	struct utimbuf times = { .actime = tv[0].tv_sec, .modtime = tv[1].tv_sec };
	CALL(fs, utime, path, &times);
}

int wj_fill_dir(void *buf, const char *name, const struct stat *st, off_t off);
int wj_fill_getdir(void *buf, const char *name, int type, ino_t ino);

/* getdir()'s handle: the filler needs to know where to. */
struct fuse_dirhandle {
	void *buf;
};

static int fill_handle(fuse_dirh_t h, const char *name, int type, ino_t ino)
{
	return wj_fill_getdir(h->buf, name, type, ino);
}

int wj_fs_readdir(struct fuse_fs *fs, const char *path, void *buf, off_t off,
		  struct fuse_file_info *fi, bool plus)
{
	(void)plus;
	const struct fuse_operations *op = enter(fs);
	if (op->readdir)
		CALL(fs, readdir, path, buf, wj_fill_dir, off, fi);
	if (!op->getdir)
		return -ENOSYS;
	struct fuse_dirhandle h = { buf };
	CALL(fs, getdir, path, &h, fill_handle);
}

int wj_fs_ioctl(struct fuse_fs *fs, const char *path, unsigned cmd, void *arg,
		struct fuse_file_info *fi, unsigned flags, void *data)
{
	CALL(fs, ioctl, path, (int)cmd, arg, fi, flags, data);
}

/* ---- init ---- */

void fuse_fs_init(struct fuse_fs *fs, struct fuse_conn_info *conn)
{
	const struct fuse_operations *op = enter(fs);
	if (!op->lock)
		conn->want &= ~(unsigned)FUSE_CAP_POSIX_LOCKS;
	if (!op->flock)
		conn->want &= ~(unsigned)FUSE_CAP_FLOCK_LOCKS;
	if (op->init)
		fs->user_data = op->init(conn);
}

void wj_fs_init(struct fuse *f, struct fuse_conn_info *conn)
{
	fuse_fs_init(f->fs, conn);
}
