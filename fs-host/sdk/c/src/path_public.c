/* fuse_fs_*: the calls of path_fs*.c under their public names, for filesystems over filesystems. */
#include "path.h"

int fuse_fs_unlink(struct fuse_fs *fs, const char *path)
{
	return wj_fs_unlink(fs, path);
}

int fuse_fs_rmdir(struct fuse_fs *fs, const char *path)
{
	return wj_fs_rmdir(fs, path);
}

int fuse_fs_symlink(struct fuse_fs *fs, const char *linkname, const char *path)
{
	return wj_fs_symlink(fs, linkname, path);
}

int fuse_fs_link(struct fuse_fs *fs, const char *oldpath, const char *newpath)
{
	return wj_fs_link(fs, oldpath, newpath);
}

int fuse_fs_release(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi)
{
	return wj_fs_release(fs, path, fi);
}

int fuse_fs_open(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi)
{
	return wj_fs_open(fs, path, fi);
}

int fuse_fs_read(struct fuse_fs *fs, const char *path, char *buf, size_t size, off_t off,
		 struct fuse_file_info *fi)
{
	return wj_fs_read(fs, path, buf, size, off, fi);
}

int fuse_fs_read_buf(struct fuse_fs *fs, const char *path, struct fuse_bufvec **bufp, size_t size,
		     off_t off, struct fuse_file_info *fi)
{
	return wj_fs_read_buf(fs, path, bufp, size, off, fi);
}

int fuse_fs_write(struct fuse_fs *fs, const char *path, const char *buf, size_t size, off_t off,
		  struct fuse_file_info *fi)
{
	return wj_fs_write(fs, path, buf, size, off, fi);
}

int fuse_fs_write_buf(struct fuse_fs *fs, const char *path, struct fuse_bufvec *buf, off_t off,
		      struct fuse_file_info *fi)
{
	return wj_fs_write_buf(fs, path, buf, off, fi);
}

int fuse_fs_fsync(struct fuse_fs *fs, const char *path, int datasync, struct fuse_file_info *fi)
{
	return wj_fs_fsync(fs, path, datasync, fi);
}

int fuse_fs_flush(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi)
{
	return wj_fs_flush(fs, path, fi);
}

int fuse_fs_statfs(struct fuse_fs *fs, const char *path, struct statvfs *buf)
{
	return wj_fs_statfs(fs, path, buf);
}

int fuse_fs_opendir(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi)
{
	return wj_fs_opendir(fs, path, fi);
}

int fuse_fs_fsyncdir(struct fuse_fs *fs, const char *path, int datasync,
		     struct fuse_file_info *fi)
{
	return wj_fs_fsyncdir(fs, path, datasync, fi);
}

int fuse_fs_releasedir(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi)
{
	return wj_fs_releasedir(fs, path, fi);
}

int fuse_fs_create(struct fuse_fs *fs, const char *path, mode_t mode, struct fuse_file_info *fi)
{
	return wj_fs_create(fs, path, mode, fi);
}

int fuse_fs_lock(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi, int cmd,
		 struct flock *lock)
{
	return wj_fs_lock(fs, path, fi, cmd, lock);
}

int fuse_fs_flock(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi, int op)
{
	return wj_fs_flock(fs, path, fi, op);
}

int fuse_fs_access(struct fuse_fs *fs, const char *path, int mask)
{
	return wj_fs_access(fs, path, mask);
}

int fuse_fs_readlink(struct fuse_fs *fs, const char *path, char *buf, size_t len)
{
	return wj_fs_readlink(fs, path, buf, len);
}

int fuse_fs_mknod(struct fuse_fs *fs, const char *path, mode_t mode, dev_t rdev)
{
	return wj_fs_mknod(fs, path, mode, rdev);
}

int fuse_fs_mkdir(struct fuse_fs *fs, const char *path, mode_t mode)
{
	return wj_fs_mkdir(fs, path, mode);
}

int fuse_fs_setxattr(struct fuse_fs *fs, const char *path, const char *name, const char *value,
		     size_t size, int flags)
{
	return wj_fs_setxattr(fs, path, name, value, size, flags);
}

int fuse_fs_getxattr(struct fuse_fs *fs, const char *path, const char *name, char *value,
		     size_t size)
{
	return wj_fs_getxattr(fs, path, name, value, size);
}

int fuse_fs_listxattr(struct fuse_fs *fs, const char *path, char *list, size_t size)
{
	return wj_fs_listxattr(fs, path, list, size);
}

int fuse_fs_removexattr(struct fuse_fs *fs, const char *path, const char *name)
{
	return wj_fs_removexattr(fs, path, name);
}

int fuse_fs_bmap(struct fuse_fs *fs, const char *path, size_t blocksize, uint64_t *idx)
{
	return wj_fs_bmap(fs, path, blocksize, idx);
}

int fuse_fs_poll(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi,
		 struct fuse_pollhandle *ph, unsigned *reventsp)
{
	return wj_fs_poll(fs, path, fi, ph, reventsp);
}

int fuse_fs_fallocate(struct fuse_fs *fs, const char *path, int mode, off_t offset, off_t length,
		      struct fuse_file_info *fi)
{
	return wj_fs_fallocate(fs, path, mode, offset, length, fi);
}

void fuse_fs_destroy(struct fuse_fs *fs)
{
	wj_fs_destroy(fs);
	free(fs);
}
