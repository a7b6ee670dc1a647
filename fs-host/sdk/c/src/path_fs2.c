/*
 * Calls into a filesystem of the libfuse 2 interface. Each callback is called
 * here and nowhere else, with exactly the type that <fuse.h> declares.
 */
#include "path.h"

/* What a callback may find in fuse_get_context()->private_data. */
static const struct fuse_operations *enter(struct fuse_fs *fs)
{
	wj_context()->private_data = fs->user_data;
	return &fs->op;
}

#define CALL(fs, name, ...) \
	do { \
		const struct fuse_operations *op = enter(fs); \
		if (!op->name) \
			return -ENOSYS; \
		return op->name(__VA_ARGS__); \
	} while (0)

/* As CALL, for what counts as done without a callback. */
#define CALL_OR_OK(fs, name, ...) \
	do { \
		const struct fuse_operations *op = enter(fs); \
		if (!op->name) \
			return 0; \
		return op->name(__VA_ARGS__); \
	} while (0)

bool wj_has_read_buf(const struct fuse_fs *fs) { return fs->op.read_buf != NULL; }
bool wj_has_write_buf(const struct fuse_fs *fs) { return fs->op.write_buf != NULL; }
bool wj_has_lock(const struct fuse_fs *fs) { return fs->op.lock != NULL; }

int wj_fs_getattr(struct fuse_fs *fs, const char *path, struct stat *st, struct fuse_file_info *fi)
{
	const struct fuse_operations *op = enter(fs);
	if (fi && op->fgetattr)
		return op->fgetattr(path, st, fi);
	if (!op->getattr)
		return -ENOSYS;
	return path ? op->getattr(path, st) : -ENOENT;
}

int wj_fs_readlink(struct fuse_fs *fs, const char *path, char *buf, size_t size)
{
	CALL(fs, readlink, path, buf, size);
}

int wj_fs_mknod(struct fuse_fs *fs, const char *path, mode_t mode, dev_t rdev)
{
	CALL(fs, mknod, path, mode, rdev);
}

int wj_fs_mkdir(struct fuse_fs *fs, const char *path, mode_t mode)
{
	CALL(fs, mkdir, path, mode);
}

int wj_fs_unlink(struct fuse_fs *fs, const char *path)
{
	CALL(fs, unlink, path);
}

int wj_fs_rmdir(struct fuse_fs *fs, const char *path)
{
	CALL(fs, rmdir, path);
}

int wj_fs_symlink(struct fuse_fs *fs, const char *target, const char *path)
{
	CALL(fs, symlink, target, path);
}

int wj_fs_rename(struct fuse_fs *fs, const char *from, const char *to, unsigned flags)
{
	if (flags)
		return -EINVAL;
	CALL(fs, rename, from, to);
}

int wj_fs_link(struct fuse_fs *fs, const char *from, const char *to)
{
	CALL(fs, link, from, to);
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
		return op->ftruncate(path, size, fi);
	if (!op->truncate)
		return -ENOSYS;
	return path ? op->truncate(path, size) : -ENOENT;
}

int wj_fs_utimens(struct fuse_fs *fs, const char *path, const struct timespec tv[2],
		  struct fuse_file_info *fi)
{
	(void)fi;
	const struct fuse_operations *op = enter(fs);
	if (op->utimens)
		return op->utimens(path, tv);
	if (!op->utime)
		return -ENOSYS;
	struct utimbuf times = { .actime = tv[0].tv_sec, .modtime = tv[1].tv_sec };
	return op->utime(path, &times);
}

int wj_fs_open(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi)
{
	CALL_OR_OK(fs, open, path, fi);
}

int wj_fs_create(struct fuse_fs *fs, const char *path, mode_t mode, struct fuse_file_info *fi)
{
	CALL(fs, create, path, mode, fi);
}

int wj_fs_read(struct fuse_fs *fs, const char *path, char *buf, size_t size, off_t off,
	       struct fuse_file_info *fi)
{
	CALL(fs, read, path, buf, size, off, fi);
}

int wj_fs_read_buf(struct fuse_fs *fs, const char *path, struct fuse_bufvec **bufp, size_t size,
		   off_t off, struct fuse_file_info *fi)
{
	CALL(fs, read_buf, path, bufp, size, off, fi);
}

int wj_fs_write(struct fuse_fs *fs, const char *path, const char *buf, size_t size, off_t off,
		struct fuse_file_info *fi)
{
	CALL(fs, write, path, buf, size, off, fi);
}

int wj_fs_write_buf(struct fuse_fs *fs, const char *path, struct fuse_bufvec *buf, off_t off,
		    struct fuse_file_info *fi)
{
	CALL(fs, write_buf, path, buf, off, fi);
}

int wj_fs_statfs(struct fuse_fs *fs, const char *path, struct statvfs *st)
{
	const struct fuse_operations *op = enter(fs);
	if (op->statfs)
		return op->statfs(path, st);
	st->f_namemax = 255;
	st->f_bsize = 512;
	return 0;
}

int wj_fs_flush(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi)
{
	CALL(fs, flush, path, fi);
}

int wj_fs_release(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi)
{
	CALL_OR_OK(fs, release, path, fi);
}

int wj_fs_fsync(struct fuse_fs *fs, const char *path, int datasync, struct fuse_file_info *fi)
{
	CALL(fs, fsync, path, datasync, fi);
}

int wj_fs_setxattr(struct fuse_fs *fs, const char *path, const char *name, const char *value,
		   size_t size, int flags)
{
	CALL(fs, setxattr, path, name, value, size, flags);
}

int wj_fs_getxattr(struct fuse_fs *fs, const char *path, const char *name, char *value, size_t size)
{
	CALL(fs, getxattr, path, name, value, size);
}

int wj_fs_listxattr(struct fuse_fs *fs, const char *path, char *list, size_t size)
{
	CALL(fs, listxattr, path, list, size);
}

int wj_fs_removexattr(struct fuse_fs *fs, const char *path, const char *name)
{
	CALL(fs, removexattr, path, name);
}

int wj_fs_opendir(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi)
{
	CALL_OR_OK(fs, opendir, path, fi);
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
		return op->readdir(path, buf, wj_fill_dir, off, fi);
	if (!op->getdir)
		return -ENOSYS;
	struct fuse_dirhandle h = { buf };
	return op->getdir(path, &h, fill_handle);
}

int wj_fs_releasedir(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi)
{
	CALL_OR_OK(fs, releasedir, path, fi);
}

int wj_fs_fsyncdir(struct fuse_fs *fs, const char *path, int datasync, struct fuse_file_info *fi)
{
	CALL(fs, fsyncdir, path, datasync, fi);
}

int wj_fs_access(struct fuse_fs *fs, const char *path, int mask)
{
	CALL(fs, access, path, mask);
}

int wj_fs_lock(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi, int cmd,
	       struct flock *lock)
{
	CALL(fs, lock, path, fi, cmd, lock);
}

int wj_fs_flock(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi, int op_)
{
	CALL(fs, flock, path, fi, op_);
}

int wj_fs_bmap(struct fuse_fs *fs, const char *path, size_t blocksize, uint64_t *idx)
{
	CALL(fs, bmap, path, blocksize, idx);
}

int wj_fs_ioctl(struct fuse_fs *fs, const char *path, unsigned cmd, void *arg,
		struct fuse_file_info *fi, unsigned flags, void *data)
{
	CALL(fs, ioctl, path, (int)cmd, arg, fi, flags, data);
}

int wj_fs_poll(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi,
	       struct fuse_pollhandle *ph, unsigned *revents)
{
	CALL(fs, poll, path, fi, ph, revents);
}

int wj_fs_fallocate(struct fuse_fs *fs, const char *path, int mode, off_t off, off_t len,
		    struct fuse_file_info *fi)
{
	CALL(fs, fallocate, path, mode, off, len, fi);
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

void wj_fs_destroy(struct fuse_fs *fs)
{
	const struct fuse_operations *op = enter(fs);
	if (op->destroy)
		op->destroy(fs->user_data);
}
