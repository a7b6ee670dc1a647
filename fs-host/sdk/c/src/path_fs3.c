/*
 * Calls into a filesystem that differ between the interfaces of libfuse 2 and 3: here those of
 * libfuse 3, with exactly the types that <fuse.h> declares.
 */
#include "path_call.h"

int wj_fs_getattr(struct fuse_fs *fs, const char *path, struct stat *st, struct fuse_file_info *fi)
{
	CALL(fs, getattr, path, st, fi);
}

int wj_fs_rename(struct fuse_fs *fs, const char *from, const char *to, unsigned flags)
{
	CALL(fs, rename, from, to, flags);
}

int wj_fs_chmod(struct fuse_fs *fs, const char *path, mode_t mode, struct fuse_file_info *fi)
{
	CALL(fs, chmod, path, mode, fi);
}

int wj_fs_chown(struct fuse_fs *fs, const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	CALL(fs, chown, path, uid, gid, fi);
}

int wj_fs_truncate(struct fuse_fs *fs, const char *path, off_t size, struct fuse_file_info *fi)
{
	CALL(fs, truncate, path, size, fi);
}

int wj_fs_utimens(struct fuse_fs *fs, const char *path, const struct timespec tv[2],
		  struct fuse_file_info *fi)
{
	CALL(fs, utimens, path, tv, fi);
}

int wj_fill_dir(void *buf, const char *name, const struct stat *st, off_t off,
		enum fuse_fill_dir_flags flags);

int wj_fs_readdir(struct fuse_fs *fs, const char *path, void *buf, off_t off,
		  struct fuse_file_info *fi, bool plus)
{
	CALL(fs, readdir, path, buf, wj_fill_dir, off, fi, plus ? FUSE_READDIR_PLUS : 0);
}

int wj_fs_ioctl(struct fuse_fs *fs, const char *path, unsigned cmd, void *arg,
		struct fuse_file_info *fi, unsigned flags, void *data)
{
	CALL(fs, ioctl, path, cmd, arg, fi, flags, data);
}

ssize_t wj_fs_copy_file_range(struct fuse_fs *fs, const char *path_in, struct fuse_file_info *fi_in,
			      off_t off_in, const char *path_out, struct fuse_file_info *fi_out,
			      off_t off_out, size_t size, int flags)
{
	CALL(fs, copy_file_range, path_in, fi_in, off_in, path_out, fi_out, off_out, size, flags);
}

off_t wj_fs_lseek(struct fuse_fs *fs, const char *path, off_t off, int whence,
		  struct fuse_file_info *fi)
{
	CALL(fs, lseek, path, off, whence, fi);
}

/* ---- init: the public config and ours ---- */

#define CONFIG_FIELDS(X) \
	X(set_gid) X(gid) X(set_uid) X(uid) X(set_mode) X(umask) X(entry_timeout) \
	X(negative_timeout) X(attr_timeout) X(intr) X(intr_signal) X(remember) X(hard_remove) \
	X(use_ino) X(readdir_ino) X(direct_io) X(kernel_cache) X(auto_cache) X(no_rofd_flush) \
	X(ac_attr_timeout_set) X(ac_attr_timeout) X(nullpath_ok) X(show_help) X(modules) X(debug)

void fuse_fs_init(struct fuse_fs *fs, struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	const struct fuse_operations *op = enter(fs);
	if (!op->lock)
		conn->want &= ~(unsigned)FUSE_CAP_POSIX_LOCKS;
	if (!op->flock)
		conn->want &= ~(unsigned)FUSE_CAP_FLOCK_LOCKS;
	if (op->init)
		fs->user_data = op->init(conn, cfg);
}

void wj_fs_init(struct fuse *f, struct fuse_conn_info *conn)
{
	struct fuse_config cfg;
	memset(&cfg, 0, sizeof(cfg));
#define X(field) cfg.field = f->conf.field;
	CONFIG_FIELDS(X)
#undef X
	fuse_fs_init(f->fs, conn, &cfg);
#define X(field) f->conf.field = cfg.field;
	CONFIG_FIELDS(X)
#undef X
}
