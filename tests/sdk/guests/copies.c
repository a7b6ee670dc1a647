/*
 * A read-only filesystem that takes its time: reading one of the files "0" to "7" takes half a second, and gives the
 * file's name as often as fits into a kilobyte. "trap" cannot be read.
 */
#define FUSE_USE_VERSION 34

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <unistd.h>

enum { FIRST = 2, FILES = 8, TRAP = FIRST + FILES, SIZE = 1024 };

static void fill(fuse_ino_t ino, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	st->st_mode = ino == FUSE_ROOT_ID ? S_IFDIR | 0555 : S_IFREG | 0444;
	st->st_nlink = 1;
	st->st_size = ino == FUSE_ROOT_ID ? 0 : SIZE;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e;
	(void)parent;
	memset(&e, 0, sizeof(e));
	if (strcmp(name, "trap") == 0)
		e.ino = TRAP;
	else if (name[0] >= '0' && name[0] < '0' + FILES && !name[1])
		e.ino = FIRST + name[0] - '0';
	if (!e.ino) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	fill(e.ino, &e.attr);
	fuse_reply_entry(req, &e);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	(void)fi;
	fill(ino, &st);
	fuse_reply_attr(req, &st, 60);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	static char buf[SIZE];
	(void)fi;
	if (ino == TRAP)
		__builtin_trap();
	/* Were the memory shared, another read would change the buffer meanwhile. */
	memset(buf, '0' + (int)(ino - FIRST), sizeof(buf));
	usleep(500000);
	if (off >= SIZE)
		off = SIZE;
	if (size > (size_t)(SIZE - off))
		size = (size_t)(SIZE - off);
	fuse_reply_buf(req, buf + off, size);
}

int main(int argc, char *argv[])
{
	static const struct fuse_lowlevel_ops ops = {
		.lookup = op_lookup, .getattr = op_getattr, .open = op_open, .read = op_read
	};
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts;
	struct fuse_session *se;
	if (fuse_parse_cmdline(&args, &opts) != 0)
		return 2;
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (!se || fuse_session_mount(se, opts.mountpoint) != 0)
		return 1;
	int res = fuse_session_loop(se);
	fuse_session_unmount(se);
	fuse_session_destroy(se);
	return res ? 1 : 0;
}
