/*
 * Calls into a filesystem that are the same in the interfaces of libfuse 2 and 3; the others are in
 * path_fs2.c and path_fs3.c.
 */
#include "path_call.h"

bool wj_has_read_buf(const struct fuse_fs *fs) { return fs->op.read_buf != NULL; }
bool wj_has_write_buf(const struct fuse_fs *fs) { return fs->op.write_buf != NULL; }
bool wj_has_lock(const struct fuse_fs *fs) { return fs->op.lock != NULL; }

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

int wj_fs_link(struct fuse_fs *fs, const char *from, const char *to)
{
	CALL(fs, link, from, to);
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
		CALL(fs, statfs, path, st);
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

void wj_fs_destroy(struct fuse_fs *fs)
{
	const struct fuse_operations *op = enter(fs);
	if (op->destroy)
		op->destroy(fs->user_data);
}
