/*
 * A filesystem whose every instance counts from one: "count" is a file as long as the number of lookups of it so far;
 * looking up "trap" fails with a trap, "loop" does not return.
 */
#define FUSE_USE_VERSION 34

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

static int lookups;

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e;
	(void)parent;
	if (strcmp(name, "trap") == 0) {
		/* So much stack that few traps would use it up if they left it so. */
		volatile char frame[100 << 10];
		frame[lookups] = name[0];
		if (frame[lookups])
			__builtin_trap();
	}
	while (strcmp(name, "loop") == 0)
		;
	if (strcmp(name, "count") != 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	memset(&e, 0, sizeof(e));
	e.ino = 2;
	e.attr.st_ino = 2;
	e.attr.st_mode = S_IFREG | 0444;
	e.attr.st_nlink = 1;
	e.attr.st_size = ++lookups;
	fuse_reply_entry(req, &e);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	(void)fi;
	memset(&st, 0, sizeof(st));
	st.st_ino = ino;
	st.st_mode = ino == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0444;
	st.st_nlink = 1;
	st.st_size = lookups;
	fuse_reply_attr(req, &st, 0);
}

int main(int argc, char *argv[])
{
	static const struct fuse_lowlevel_ops ops = { .lookup = op_lookup, .getattr = op_getattr };
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
