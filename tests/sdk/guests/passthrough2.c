/*
 * A libfuse 2 program (FUSE_USE_VERSION 26) over a directory: every callback of
 * the old interface that a filesystem of its time has, so that the workload can
 * run over it.
 *
 *   native: cc -O2 passthrough2.c $(pkg-config --cflags --libs fuse) -o passthrough2
 *   use:    SOURCE=DIR passthrough2 MOUNTPOINT
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 26

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *source;

#define FULL(path) \
	char full[PATH_MAX]; \
	if (snprintf(full, sizeof(full), "%s%s", source, path) >= (int)sizeof(full)) \
		return -ENAMETOOLONG

static int result(ssize_t res)
{
	return res == -1 ? -errno : (int)res;
}

static int op_getattr(const char *path, struct stat *st)
{
	FULL(path);
	return result(lstat(full, st));
}

static int op_fgetattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)path;
	return result(fstat((int)fi->fh, st));
}

static int op_readlink(const char *path, char *buf, size_t size)
{
	FULL(path);
	ssize_t n = readlink(full, buf, size - 1);
	if (n == -1)
		return -errno;
	buf[n] = '\0';
	return 0;
}

static int op_mknod(const char *path, mode_t mode, dev_t rdev)
{
	FULL(path);
	return result(mknod(full, mode, rdev));
}

static int op_mkdir(const char *path, mode_t mode)
{
	FULL(path);
	return result(mkdir(full, mode));
}

static int op_unlink(const char *path)
{
	FULL(path);
	return result(unlink(full));
}

static int op_rmdir(const char *path)
{
	FULL(path);
	return result(rmdir(full));
}

static int op_symlink(const char *target, const char *path)
{
	FULL(path);
	return result(symlink(target, full));
}

static int op_rename(const char *from, const char *to)
{
	char full_to[PATH_MAX];
	FULL(from);
	snprintf(full_to, sizeof(full_to), "%s%s", source, to);
	return result(rename(full, full_to));
}

static int op_link(const char *from, const char *to)
{
	char full_to[PATH_MAX];
	FULL(from);
	snprintf(full_to, sizeof(full_to), "%s%s", source, to);
	return result(link(full, full_to));
}

static int op_chmod(const char *path, mode_t mode)
{
	FULL(path);
	return result(chmod(full, mode));
}

static int op_chown(const char *path, uid_t uid, gid_t gid)
{
	FULL(path);
	return result(lchown(full, uid, gid));
}

static int op_truncate(const char *path, off_t size)
{
	FULL(path);
	return result(truncate(full, size));
}

static int op_ftruncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	(void)path;
	return result(ftruncate((int)fi->fh, size));
}

static int op_utimens(const char *path, const struct timespec tv[2])
{
	FULL(path);
	return result(utimensat(AT_FDCWD, full, tv, AT_SYMLINK_NOFOLLOW));
}

static int op_open(const char *path, struct fuse_file_info *fi)
{
	FULL(path);
	int fd = open(full, fi->flags & ~O_APPEND);
	fi->fh = (uint64_t)fd;
	return fd == -1 ? -errno : 0;
}

static int op_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	FULL(path);
	int fd = open(full, (fi->flags & ~O_APPEND) | O_CREAT, mode);
	fi->fh = (uint64_t)fd;
	return fd == -1 ? -errno : 0;
}

static int op_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)path;
	return result(pread((int)fi->fh, buf, size, off));
}

/* The vector forms, to have them called, too. */
static int op_write_buf(const char *path, struct fuse_bufvec *buf, off_t off,
			struct fuse_file_info *fi)
{
	(void)path;
	struct fuse_bufvec dst = FUSE_BUFVEC_INIT(fuse_buf_size(buf));
	dst.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	dst.buf[0].fd = (int)fi->fh;
	dst.buf[0].pos = off;
	return (int)fuse_buf_copy(&dst, buf, 0);
}

static int op_read_buf(const char *path, struct fuse_bufvec **bufp, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	(void)path;
	struct fuse_bufvec *v = malloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	*v = FUSE_BUFVEC_INIT(size);
	v->buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	v->buf[0].fd = (int)fi->fh;
	v->buf[0].pos = off;
	*bufp = v;
	return 0;
}

static int op_statfs(const char *path, struct statvfs *st)
{
	FULL(path);
	return result(statvfs(full, st));
}

static int op_release(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	close((int)fi->fh);
	return 0;
}

static int op_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		      struct fuse_file_info *fi)
{
	(void)off, (void)fi;
	FULL(path);
	DIR *d = opendir(full);
	if (!d)
		return -errno;
	struct dirent *e;
	while ((e = readdir(d))) {
		struct stat st;
		memset(&st, 0, sizeof(st));
		st.st_ino = e->d_ino;
		st.st_mode = (mode_t)e->d_type << 12;
		if (filler(buf, e->d_name, &st, 0))
			break;
	}
	closedir(d);
	return 0;
}

static int op_getxattr(const char *path, const char *name, char *value, size_t size)
{
	FULL(path);
	return result(lgetxattr(full, name, value, size));
}

static int op_setxattr(const char *path, const char *name, const char *value, size_t size, int flags)
{
	FULL(path);
	return result(lsetxattr(full, name, value, size, flags));
}

static struct fuse_operations operations = {
	.getattr = op_getattr,
	.fgetattr = op_fgetattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.chmod = op_chmod,
	.chown = op_chown,
	.truncate = op_truncate,
	.ftruncate = op_ftruncate,
	.utimens = op_utimens,
	.open = op_open,
	.create = op_create,
	.read = op_read,
	.read_buf = op_read_buf,
	.write_buf = op_write_buf,
	.statfs = op_statfs,
	.release = op_release,
	.readdir = op_readdir,
	.getxattr = op_getxattr,
	.setxattr = op_setxattr,
	.flag_utime_omit_ok = 1,
};

int main(int argc, char *argv[])
{
	source = getenv("SOURCE");
	if (!source)
		return 2;
	umask(0);
	return fuse_main(argc, argv, &operations, NULL);
}
