/* fuse_fs_* that differ between the interfaces of libfuse 2 and 3: here those of libfuse 2. */
#include "path.h"

int fuse_fs_getattr(struct fuse_fs *fs, const char *path, struct stat *buf)
{
	return wj_fs_getattr(fs, path, buf, NULL);
}

int fuse_fs_fgetattr(struct fuse_fs *fs, const char *path, struct stat *buf,
		     struct fuse_file_info *fi)
{
	return wj_fs_getattr(fs, path, buf, fi);
}

int fuse_fs_rename(struct fuse_fs *fs, const char *oldpath, const char *newpath)
{
	return wj_fs_rename(fs, oldpath, newpath, 0);
}

int fuse_fs_chmod(struct fuse_fs *fs, const char *path, mode_t mode)
{
	return wj_fs_chmod(fs, path, mode, NULL);
}

int fuse_fs_chown(struct fuse_fs *fs, const char *path, uid_t uid, gid_t gid)
{
	return wj_fs_chown(fs, path, uid, gid, NULL);
}

int fuse_fs_truncate(struct fuse_fs *fs, const char *path, off_t size)
{
	return wj_fs_truncate(fs, path, size, NULL);
}

int fuse_fs_ftruncate(struct fuse_fs *fs, const char *path, off_t size, struct fuse_file_info *fi)
{
	return wj_fs_truncate(fs, path, size, fi);
}

int fuse_fs_utimens(struct fuse_fs *fs, const char *path, const struct timespec tv[2])
{
	return wj_fs_utimens(fs, path, tv, NULL);
}

int fuse_fs_ioctl(struct fuse_fs *fs, const char *path, int cmd, void *arg,
		  struct fuse_file_info *fi, unsigned int flags, void *data)
{
	return wj_fs_ioctl(fs, path, (unsigned)cmd, arg, fi, flags, data);
}

/* Here the caller brings the filler. */
int fuse_fs_readdir(struct fuse_fs *fs, const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		    struct fuse_file_info *fi)
{
	wj_context()->private_data = fs->user_data;
	return fs->op.readdir ? fs->op.readdir(path, buf, filler, off, fi) : -ENOSYS;
}
