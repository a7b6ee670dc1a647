/* fuse_fs_* that differ between the interfaces of libfuse 2 and 3: here those of libfuse 3. */
#include "path.h"

int fuse_fs_getattr(struct fuse_fs *fs, const char *path, struct stat *buf,
		    struct fuse_file_info *fi)
{
	return wj_fs_getattr(fs, path, buf, fi);
}

int fuse_fs_rename(struct fuse_fs *fs, const char *oldpath, const char *newpath,
		   unsigned int flags)
{
	return wj_fs_rename(fs, oldpath, newpath, flags);
}

int fuse_fs_chmod(struct fuse_fs *fs, const char *path, mode_t mode, struct fuse_file_info *fi)
{
	return wj_fs_chmod(fs, path, mode, fi);
}

int fuse_fs_chown(struct fuse_fs *fs, const char *path, uid_t uid, gid_t gid,
		  struct fuse_file_info *fi)
{
	return wj_fs_chown(fs, path, uid, gid, fi);
}

int fuse_fs_truncate(struct fuse_fs *fs, const char *path, off_t size, struct fuse_file_info *fi)
{
	return wj_fs_truncate(fs, path, size, fi);
}

int fuse_fs_utimens(struct fuse_fs *fs, const char *path, const struct timespec tv[2],
		    struct fuse_file_info *fi)
{
	return wj_fs_utimens(fs, path, tv, fi);
}

int fuse_fs_ioctl(struct fuse_fs *fs, const char *path, unsigned int cmd, void *arg,
		  struct fuse_file_info *fi, unsigned int flags, void *data)
{
	return wj_fs_ioctl(fs, path, cmd, arg, fi, flags, data);
}

ssize_t fuse_fs_copy_file_range(struct fuse_fs *fs, const char *path_in,
				struct fuse_file_info *fi_in, off_t off_in, const char *path_out, struct fuse_file_info *fi_out, off_t off_out, size_t len, int flags)
{
	return wj_fs_copy_file_range(fs, path_in, fi_in, off_in, path_out, fi_out, off_out, len, flags);
}

off_t fuse_fs_lseek(struct fuse_fs *fs, const char *path, off_t off, int whence,
		    struct fuse_file_info *fi)
{
	return wj_fs_lseek(fs, path, off, whence, fi);
}

/* Here the caller brings the filler. */
int fuse_fs_readdir(struct fuse_fs *fs, const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		    struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	wj_context()->private_data = fs->user_data;
	return fs->op.readdir ? fs->op.readdir(path, buf, filler, off, fi, flags) : -ENOSYS;
}
