/*
 * Command-line options that the session takes for itself: those of mount(2) and
 * fusermount, which become wishes to the host, and those of the connection.
 */
#include "lowlevel.h"

enum { KEY_WISH, KEY_READ_ONLY };

#define WISH(name) FUSE_OPT_KEY(name, KEY_WISH)

static const struct fuse_opt mount_opts[] = {
	WISH("max_read="),
	WISH("allow_other"),
	WISH("allow_root"),
	WISH("blkdev"),
	WISH("auto_unmount"),
	WISH("default_permissions"),
	WISH("fsname="),
	WISH("subtype="),
	WISH("blksize="),
	WISH("rootmode="),
	WISH("user_id="),
	WISH("group_id="),
	WISH("context="),
	WISH("fscontext="),
	WISH("defcontext="),
	WISH("rootcontext="),
	WISH("user="),
	WISH("ro"),
	WISH("rw"),
	WISH("suid"),
	WISH("nosuid"),
	WISH("dev"),
	WISH("nodev"),
	WISH("exec"),
	WISH("noexec"),
	WISH("async"),
	WISH("sync"),
	WISH("dirsync"),
	WISH("atime"),
	WISH("noatime"),
	WISH("diratime"),
	WISH("nodiratime"),
	WISH("relatime"),
	WISH("norelatime"),
	WISH("strictatime"),
	WISH("nostrictatime"),
	FUSE_OPT_KEY("-r", KEY_READ_ONLY),
	FUSE_OPT_KEY("-n", FUSE_OPT_KEY_DISCARD),
	FUSE_OPT_KEY("nonempty", FUSE_OPT_KEY_DISCARD),
	FUSE_OPT_KEY("large_read", FUSE_OPT_KEY_DISCARD),
	FUSE_OPT_END
};

static int mount_opt(void *data, const char *arg, int key, struct fuse_args *outargs)
{
	(void)outargs;
	char **opts = data;
	switch (key) {
	case KEY_READ_ONLY: return fuse_opt_add_opt(opts, "ro");
	case KEY_WISH: return fuse_opt_add_opt_escaped(opts, arg);
	default: return 1;
	}
}

int wj_parse_mount_args(struct fuse_args *args, char **opts)
{
	return fuse_opt_parse(args, opts, mount_opts, mount_opt);
}

struct conn_args {
	int debug;
	unsigned max_read;
	unsigned max_write;
	unsigned max_readahead;
	unsigned max_background;
	unsigned congestion_threshold;
	int async_read;
	int atomic_o_trunc;
	int no_posix_lock;
	int no_flock;
};

#define FIELD(templ, field, value) { templ, offsetof(struct conn_args, field), value }

static const struct fuse_opt conn_opts[] = {
	FIELD("debug", debug, 1),
	FIELD("-d", debug, 1),
	FIELD("--debug", debug, 1),
#if WJ_API == 3
	FIELD("max_read=%u", max_read, 0),
	FUSE_OPT_KEY("max_read=", FUSE_OPT_KEY_KEEP),
#else
	FIELD("max_write=%u", max_write, 0),
	FIELD("max_readahead=%u", max_readahead, 0),
	FIELD("max_background=%u", max_background, 0),
	FIELD("congestion_threshold=%u", congestion_threshold, 0),
	FIELD("async_read", async_read, 1),
	FIELD("sync_read", async_read, 0),
	FIELD("atomic_o_trunc", atomic_o_trunc, 1),
	FIELD("no_remote_lock", no_posix_lock, 1),
	FIELD("no_remote_lock", no_flock, 1),
	FIELD("no_remote_posix_lock", no_posix_lock, 1),
	FIELD("no_remote_flock", no_flock, 1),
	FUSE_OPT_KEY("big_writes", FUSE_OPT_KEY_DISCARD),
	FUSE_OPT_KEY("splice_write", FUSE_OPT_KEY_DISCARD),
	FUSE_OPT_KEY("no_splice_write", FUSE_OPT_KEY_DISCARD),
	FUSE_OPT_KEY("splice_move", FUSE_OPT_KEY_DISCARD),
	FUSE_OPT_KEY("no_splice_move", FUSE_OPT_KEY_DISCARD),
	FUSE_OPT_KEY("splice_read", FUSE_OPT_KEY_DISCARD),
	FUSE_OPT_KEY("no_splice_read", FUSE_OPT_KEY_DISCARD),
#endif
	FUSE_OPT_END
};

int wj_is_conn_opt(const char *opt)
{
	return fuse_opt_match(conn_opts, opt);
}

int wj_parse_conn_args(struct fuse_session *se, struct fuse_args *args)
{
	struct conn_args a = { .async_read = 1 };
	if (fuse_opt_parse(args, &a, conn_opts, NULL) == -1)
		return -1;
	se->debug |= a.debug;
#if WJ_API == 3
	se->conn.max_read = a.max_read;
#else
	if (a.max_write)
		se->conn.max_write = a.max_write;
	if (a.max_readahead)
		se->conn.max_readahead = a.max_readahead;
	se->conn.max_background = a.max_background;
	se->conn.congestion_threshold = a.congestion_threshold;
	if (a.atomic_o_trunc)
		se->conn.want |= FUSE_CAP_ATOMIC_O_TRUNC;
	se->sync_read = !a.async_read;
	if (a.no_posix_lock)
		se->op.getlk = NULL, se->op.setlk = NULL;
	if (a.no_flock)
		se->op.flock = NULL;
#endif
	return 0;
}

int wj_refuse_rest(const struct fuse_args *args)
{
	if (args->argc == 1 && args->argv[0][0] == '-') {
		fuse_log(FUSE_LOG_ERR, "fuse: warning: the program's name (argv[0]) looks like an "
				       "option and is ignored\n");
		return 0;
	}
	if (args->argc <= 1)
		return 0;
	fuse_log(FUSE_LOG_ERR, "fuse: unknown option(s): `");
	for (int i = 1; i < args->argc; i++)
		fuse_log(FUSE_LOG_ERR, "%s%s", args->argv[i], i + 1 < args->argc ? " " : "'\n");
	return -1;
}
