/*
 * A path filesystem for the corners of that interface. In the root:
 *   plain/      10000 entries by a readdir that passes no offsets
 *   offsets/    10000 entries by one that does
 *   plus/       100 entries with attributes (FUSE_READDIR_PLUS)
 *   ioctl       ioctl(TEST_GET) copies a number out, TEST_SET in, TEST_SWAP both; others: ENOTTY
 *   poll        becomes readable by a write
 *   lock        takes POSIX and BSD locks, counted in "counts"
 *   counts      how often things were called
 *   who         uid, gid, pid of the caller and the umask
 *   long/...    a path of many components
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 35

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>

#define MANY 10000
#define TEST_GET _IOR('t', 1, int)
#define TEST_SET _IOW('t', 2, int)
#define TEST_SWAP _IOWR('t', 3, int)

static int number = 5, readable, getattrs, readdirs, locks, flocks, flushes, releases;
static struct fuse_pollhandle *handle;

static int is(const char *path, const char *what)
{
	return path && strcmp(path, what) == 0;
}

static int is_dir(const char *path)
{
	return is(path, "/") || is(path, "/plain") || is(path, "/offsets") || is(path, "/plus") ||
	       strncmp(path, "/long", 5) == 0;
}

static int text_of(const char *path, char *buf, size_t size)
{
	const struct fuse_context *ctx = fuse_get_context();
	if (is(path, "/counts"))
		return snprintf(buf, size, "readdirs %d locks %d flocks %d flushes %d releases %d\n",
				readdirs, locks, flocks, flushes, releases);
	if (is(path, "/who"))
		return snprintf(buf, size, "%d %d %d\n", (int)ctx->uid, (int)ctx->gid, ctx->pid > 0);
	return snprintf(buf, size, "%s\n", path);
}

static int op_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	getattrs++;
	memset(st, 0, sizeof(*st));
	if (is_dir(path)) {
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
		st->st_ino = 1000;
		return 0;
	}
	if (strstr(path, "none"))
		return -ENOENT;
	st->st_mode = S_IFREG | 0644;
	st->st_nlink = 1;
	st->st_size = 4096;
	st->st_ino = 77;
	return 0;
}

static int op_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	(void)fi;
	char name[32];
	readdirs++;
	if (is(path, "/offsets")) {
		for (int i = (int)off; i < MANY; i++) {
			snprintf(name, sizeof(name), "entry%05d", i);
			if (filler(buf, name, NULL, i + 1, 0))
				break;
		}
		return 0;
	}
	int count = is(path, "/plain") ? MANY : is(path, "/plus") ? 100 : 0;
	for (int i = 0; i < count; i++) {
		struct stat st;
		memset(&st, 0, sizeof(st));
		st.st_mode = S_IFREG | 0600;
		st.st_size = i;
		st.st_nlink = 1;
		st.st_ino = (ino_t)(i + 100);
		snprintf(name, sizeof(name), "entry%05d", i);
		int plus = is(path, "/plus") && (flags & FUSE_READDIR_PLUS);
		if (filler(buf, name, plus ? &st : NULL, 0, plus ? FUSE_FILL_DIR_PLUS : 0))
			return -ENOMEM;
	}
	return 0;
}

static int op_open(const char *path, struct fuse_file_info *fi)
{
	fi->direct_io = 1;
	fi->fh = strlen(path);
	return 0;
}

static int op_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)fi;
	char text[256];
	int n = text_of(path, text, sizeof(text));
	if (off >= n)
		return 0;
	if (size > (size_t)(n - off))
		size = (size_t)(n - off);
	memcpy(buf, text + off, size);
	return (int)size;
}

static int op_write(const char *path, const char *buf, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	(void)buf, (void)off, (void)fi;
	if (is(path, "/poll")) {
		readable = 1;
		if (handle) {
			fuse_notify_poll(handle);
			fuse_pollhandle_destroy(handle);
			handle = NULL;
		}
	}
	return (int)size;
}

static int op_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	(void)path, (void)size, (void)fi;
	return 0;
}

static int op_ioctl(const char *path, unsigned int cmd, void *arg, struct fuse_file_info *fi,
		    unsigned int flags, void *data)
{
	(void)arg, (void)fi, (void)flags;
	int old = number;
	if (!is(path, "/ioctl"))
		return -ENOTTY;
	switch (cmd) {
	case TEST_GET: memcpy(data, &number, sizeof(number)); return 0;
	case TEST_SET: memcpy(&number, data, sizeof(number)); return 0;
	case TEST_SWAP:
		memcpy(&number, data, sizeof(number));
		memcpy(data, &old, sizeof(old));
		return 3;
	default: return -ENOTTY;
	}
}

static int op_poll(const char *path, struct fuse_file_info *fi, struct fuse_pollhandle *ph,
		   unsigned *revents)
{
	(void)path, (void)fi;
	if (ph) {
		if (handle)
			fuse_pollhandle_destroy(handle);
		handle = ph;
	}
	*revents = readable ? POLLIN : 0;
	return 0;
}

static int op_lock(const char *path, struct fuse_file_info *fi, int cmd, struct flock *lock)
{
	(void)path, (void)fi;
	locks++;
	if (cmd == F_GETLK)
		lock->l_type = F_UNLCK;
	return 0;
}

static int op_flock(const char *path, struct fuse_file_info *fi, int op)
{
	(void)path, (void)fi;
	flocks++;
	return (op & ~LOCK_NB) == LOCK_EX && readable == 2 ? -EWOULDBLOCK : 0;
}

static int op_flush(const char *path, struct fuse_file_info *fi)
{
	(void)path, (void)fi;
	flushes++;
	return 0;
}

static int op_release(const char *path, struct fuse_file_info *fi)
{
	(void)fi;
	if (!path || strlen(path))
		releases++;
	return 0;
}

static void *op_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	(void)conn;
	cfg->use_ino = 1;
	cfg->negative_timeout = 5;
	return &number;
}

static int op_access(const char *path, int mask)
{
	(void)path, (void)mask;
	return fuse_get_context()->private_data == &number ? 0 : -EIO;
}

static const struct fuse_operations operations = {
	.init = op_init,
	.getattr = op_getattr,
	.access = op_access,
	.readdir = op_readdir,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.truncate = op_truncate,
	.ioctl = op_ioctl,
	.poll = op_poll,
	.lock = op_lock,
	.flock = op_flock,
	.flush = op_flush,
	.release = op_release,
};

int main(int argc, char *argv[])
{
	return fuse_main(argc, argv, &operations, NULL);
}
