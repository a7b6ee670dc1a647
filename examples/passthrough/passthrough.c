/*
 * passthrough: shows one directory (-o source=DIR) at the mountpoint, with every
 * operation handed on. Open files are descriptors, so that they stay usable when
 * their names change; everything else goes by path below the source directory.
 *
 *   native: cc -O2 passthrough.c $(pkg-config --cflags --libs fuse3) -o passthrough
 *   wasm:   wasmjit-cc -O2 passthrough.c -o passthrough.wasm
 *   use:    passthrough [-o source=DIR] [DIR] MOUNTPOINT
 *
 * The kernel checks permissions (default_permissions) and keeps file locks, which a server with
 * one thread could not wait for. Run by root, it gives new files to whoever made them.
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 35

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <limits.h>
#include <linux/falloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static struct options {
	char *source;
	double timeout;
	char *first_argument;
} options;

static int root_fd = -1;
static int am_root;

/* Relative to the source directory. */
static const char *rel(const char *path)
{
	return path[1] ? path + 1 : ".";
}

static int result(int res)
{
	return res == -1 ? -errno : 0;
}

static int fd_of(const struct fuse_file_info *fi)
{
	return (int)fi->fh;
}

/* There are no ...at() calls for extended attributes. */
static int full_path(const char *path, char *out, size_t size)
{
	return snprintf(out, size, "%s%s", options.source, path) < (int)size ? 0 : -ENAMETOOLONG;
}

/* Something new belongs to whoever asked for it; the group comes from a set-group-id directory. */
static void give_away(const char *path)
{
	const struct fuse_context *ctx = fuse_get_context();
	char parent[PATH_MAX];
	struct stat st;
	if (!am_root || (ctx->uid == 0 && ctx->gid == 0))
		return;
	snprintf(parent, sizeof(parent), "%s", rel(path));
	char *slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	int inherit = fstatat(root_fd, slash ? parent : ".", &st, 0) == 0 && (st.st_mode & S_ISGID);
	mode_t setid = 0;
	if (fstatat(root_fd, rel(path), &st, AT_SYMLINK_NOFOLLOW) == 0)
		setid = S_ISLNK(st.st_mode) ? 0 : st.st_mode & (S_ISUID | S_ISGID);
	if (fchownat(root_fd, rel(path), ctx->uid, inherit ? (gid_t)-1 : ctx->gid,
		     AT_SYMLINK_NOFOLLOW) == 0 && setid)
		fchmodat(root_fd, rel(path), st.st_mode & 07777, 0);
}

static int created(const char *path, int res)
{
	if (res == -1)
		return -errno;
	give_away(path);
	return 0;
}

static void *op_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	/* Set-id bits must go when others than root write: the kernel sees to it. */
	conn->want &= ~(unsigned)FUSE_CAP_HANDLE_KILLPRIV;
	cfg->use_ino = 1;
	cfg->nullpath_ok = 1;
	/* The source may change by itself, and hard links share attributes. */
	cfg->entry_timeout = cfg->attr_timeout = cfg->negative_timeout = options.timeout;
	return NULL;
}

static int op_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	if (fi)
		return result(fstat(fd_of(fi), st));
	return result(fstatat(root_fd, rel(path), st, AT_SYMLINK_NOFOLLOW));
}

static int op_readlink(const char *path, char *buf, size_t size)
{
	ssize_t n = readlinkat(root_fd, rel(path), buf, size - 1);
	if (n == -1)
		return -errno;
	buf[n] = '\0';
	return 0;
}

static int op_mknod(const char *path, mode_t mode, dev_t rdev)
{
	return created(path, S_ISFIFO(mode) ? mkfifoat(root_fd, rel(path), mode & 07777)
					    : mknodat(root_fd, rel(path), mode, rdev));
}

static int op_mkdir(const char *path, mode_t mode)
{
	return created(path, mkdirat(root_fd, rel(path), mode));
}

static int op_unlink(const char *path)
{
	return result(unlinkat(root_fd, rel(path), 0));
}

static int op_rmdir(const char *path)
{
	return result(unlinkat(root_fd, rel(path), AT_REMOVEDIR));
}

static int op_symlink(const char *target, const char *path)
{
	return created(path, symlinkat(target, root_fd, rel(path)));
}

static int op_rename(const char *from, const char *to, unsigned int flags)
{
	if (flags)
		return result(renameat2(root_fd, rel(from), root_fd, rel(to), flags));
	return result(renameat(root_fd, rel(from), root_fd, rel(to)));
}

static int op_link(const char *from, const char *to)
{
	return result(linkat(root_fd, rel(from), root_fd, rel(to), 0));
}

static int op_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	return result(fi ? fchmod(fd_of(fi), mode) : fchmodat(root_fd, rel(path), mode, 0));
}

static int op_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	return result(fi ? fchown(fd_of(fi), uid, gid)
			 : fchownat(root_fd, rel(path), uid, gid, AT_SYMLINK_NOFOLLOW));
}

static int op_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	if (fi)
		return result(ftruncate(fd_of(fi), size));
	int fd = openat(root_fd, rel(path), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return -errno;
	int res = result(ftruncate(fd, size));
	close(fd);
	return res;
}

static int op_utimens(const char *path, const struct timespec tv[2], struct fuse_file_info *fi)
{
	return result(fi ? futimens(fd_of(fi), tv)
			 : utimensat(root_fd, rel(path), tv, AT_SYMLINK_NOFOLLOW));
}

/*
 * O_APPEND is left out: the kernel sends the offset that it means. O_EXCL and O_CREAT come with
 * create() only. With a write-only descriptor nothing could be read for a partial page.
 */
static int open_flags(const struct fuse_file_info *fi)
{
	return (fi->flags & ~(O_APPEND | O_DIRECT | O_NOCTTY)) | O_NOFOLLOW | O_CLOEXEC;
}

static int op_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	int fd = openat(root_fd, rel(path), open_flags(fi) | O_CREAT, mode);
	if (fd == -1)
		return -errno;
	give_away(path);
	fi->fh = (uint64_t)fd;
	return 0;
}

static int op_open(const char *path, struct fuse_file_info *fi)
{
	int fd = openat(root_fd, rel(path), open_flags(fi));
	if (fd == -1)
		return -errno;
	fi->fh = (uint64_t)fd;
	return 0;
}

static int op_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)path;
	ssize_t n = pread(fd_of(fi), buf, size, off);
	return n == -1 ? -errno : (int)n;
}

static int op_write(const char *path, const char *buf, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	(void)path;
	ssize_t n = pwrite(fd_of(fi), buf, size, off);
	return n == -1 ? -errno : (int)n;
}

static int op_statfs(const char *path, struct statvfs *st)
{
	(void)path;
	return result(fstatvfs(root_fd, st));
}

/* Closing a copy makes the source see each close(), which may report an error. */
static int op_flush(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	int copy = dup(fd_of(fi));
	return copy == -1 ? -errno : result(close(copy));
}

static int op_release(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	close(fd_of(fi));
	return 0;
}

static int op_fsync(const char *path, int datasync, struct fuse_file_info *fi)
{
	(void)path;
	return result(datasync ? fdatasync(fd_of(fi)) : fsync(fd_of(fi)));
}

static int op_fallocate(const char *path, int mode, off_t off, off_t len, struct fuse_file_info *fi)
{
	(void)path;
	return result(fallocate(fd_of(fi), mode, off, len));
}

static ssize_t op_copy_file_range(const char *path_in, struct fuse_file_info *fi_in, off_t off_in,
				  const char *path_out, struct fuse_file_info *fi_out,
				  off_t off_out, size_t len, int flags)
{
	(void)path_in, (void)path_out;
	ssize_t n = copy_file_range(fd_of(fi_in), &off_in, fd_of(fi_out), &off_out, len,
				    (unsigned)flags);
	return n == -1 ? -errno : n;
}

static off_t op_lseek(const char *path, off_t off, int whence, struct fuse_file_info *fi)
{
	(void)path;
	off_t res = lseek(fd_of(fi), off, whence);
	return res == -1 ? -errno : res;
}

/* ---- extended attributes ---- */

static int op_setxattr(const char *path, const char *name, const char *value, size_t size, int flags)
{
	char full[PATH_MAX];
	int err = full_path(path, full, sizeof(full));
	return err ? err : result(lsetxattr(full, name, value, size, flags));
}

static int op_getxattr(const char *path, const char *name, char *value, size_t size)
{
	char full[PATH_MAX];
	int err = full_path(path, full, sizeof(full));
	ssize_t n = err ? 0 : lgetxattr(full, name, value, size);
	return err ? err : n == -1 ? -errno : (int)n;
}

static int op_listxattr(const char *path, char *list, size_t size)
{
	char full[PATH_MAX];
	int err = full_path(path, full, sizeof(full));
	ssize_t n = err ? 0 : llistxattr(full, list, size);
	return err ? err : n == -1 ? -errno : (int)n;
}

static int op_removexattr(const char *path, const char *name)
{
	char full[PATH_MAX];
	int err = full_path(path, full, sizeof(full));
	return err ? err : result(lremovexattr(full, name));
}

/* ---- directories ---- */

static DIR *dir_of(const struct fuse_file_info *fi)
{
	return (DIR *)(uintptr_t)fi->fh;
}

static int op_opendir(const char *path, struct fuse_file_info *fi)
{
	int fd = openat(root_fd, rel(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	if (!d) {
		int err = -errno;
		if (fd != -1)
			close(fd);
		return err;
	}
	fi->fh = (uintptr_t)d;
	return 0;
}

/* The whole directory at once: positions of the source need not fit into this program's long. */
static int op_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	(void)path, (void)off;
	DIR *d = dir_of(fi);
	rewinddir(d);
	for (;;) {
		enum fuse_fill_dir_flags fill = 0;
		struct stat st;
		errno = 0;
		const struct dirent *e = readdir(d);
		if (!e)
			return -errno;
		if ((flags & FUSE_READDIR_PLUS) &&
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			fill = FUSE_FILL_DIR_PLUS;
		} else {
			memset(&st, 0, sizeof(st));
			st.st_ino = e->d_ino;
			st.st_mode = (mode_t)e->d_type << 12;
		}
		if (filler(buf, e->d_name, &st, 0, fill))
			return -ENOMEM;
	}
}

static int op_releasedir(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	closedir(dir_of(fi));
	return 0;
}

static int op_fsyncdir(const char *path, int datasync, struct fuse_file_info *fi)
{
	(void)path;
	int fd = dirfd(dir_of(fi));
	return result(datasync ? fdatasync(fd) : fsync(fd));
}

static const struct fuse_operations operations = {
	.init = op_init,
	.getattr = op_getattr,
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
	.utimens = op_utimens,
	.create = op_create,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.statfs = op_statfs,
	.flush = op_flush,
	.release = op_release,
	.fsync = op_fsync,
	.fallocate = op_fallocate,
	.copy_file_range = op_copy_file_range,
	.lseek = op_lseek,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.releasedir = op_releasedir,
	.fsyncdir = op_fsyncdir,
};

/* ---- the program ---- */

enum { KEY_HELP };

static const struct fuse_opt option_table[] = {
	{ "source=%s", offsetof(struct options, source), 0 },
	{ "timeout=%lf", offsetof(struct options, timeout), 0 },
	FUSE_OPT_KEY("-h", KEY_HELP),
	FUSE_OPT_KEY("--help", KEY_HELP),
	FUSE_OPT_END
};

/* With two arguments the first one is the source. */
static int option(void *data, const char *arg, int key, struct fuse_args *outargs)
{
	(void)data, (void)outargs;
	switch (key) {
	case KEY_HELP:
		printf("    -o source=DIR          the directory to show (/)\n"
		       "    -o timeout=T           seconds that names and attributes are cached (0)\n");
		return 1;
	case FUSE_OPT_KEY_NONOPT:
		if (options.first_argument)
			return 1;
		options.first_argument = strdup(arg);
		return options.first_argument ? 0 : -1;
	default:
		return 1;
	}
}

/* The argument that was held back is the source if there is another one, else the mountpoint. */
static int place_first_argument(struct fuse_args *args)
{
	int others = 0;
	for (int i = 1; i < args->argc; i++) {
		if (strcmp(args->argv[i], "-o") == 0)
			i++;
		else if (args->argv[i][0] != '-')
			others++;
	}
	if (!options.first_argument)
		return 0;
	if (others == 0)
		return fuse_opt_add_arg(args, options.first_argument);
	if (!options.source)
		options.source = strdup(options.first_argument);
	return 0;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	if (fuse_opt_parse(&args, &options, option_table, option) == -1 ||
	    place_first_argument(&args) == -1)
		return 2;
	if (!options.source)
		options.source = strdup("/");
	char *absolute = options.source ? realpath(options.source, NULL) : NULL;
	root_fd = absolute ? open(absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (root_fd == -1) {
		fprintf(stderr, "passthrough: %s: %s\n", options.source, strerror(errno));
		return 1;
	}
	free(options.source);
	options.source = absolute;
	am_root = geteuid() == 0;
	umask(0); /* the kernel has applied the caller's */
	if (fuse_opt_add_arg(&args, "-odefault_permissions") == -1)
		return 1;
	int status = fuse_main(args.argc, args.argv, &operations, NULL);
	fuse_opt_free_args(&args);
	free(options.first_argument);
	free(options.source);
	return status;
}
