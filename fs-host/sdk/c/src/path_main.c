/* The path layer's life cycle, options and current context. */
#include "path.h"

static WJ_PER_THREAD struct fuse_context context;
static WJ_PER_THREAD fuse_req_t current_req;

/* For replies with data; one request at a time. */
static WJ_PER_THREAD char *io;
static WJ_PER_THREAD size_t io_size;

struct fuse_context *wj_context(void)
{
	return &context;
}

struct fuse_context *fuse_get_context(void)
{
	return &context;
}

int fuse_getgroups(int size, gid_t list[])
{
	return current_req ? fuse_req_getgroups(current_req, size, list) : -ENOSYS;
}

int fuse_interrupted(void)
{
	return current_req ? fuse_req_interrupted(current_req) : 0;
}

struct fuse *wj_begin(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	context.uid = ctx->uid;
	context.gid = ctx->gid;
	context.pid = ctx->pid;
	context.umask = ctx->umask;
	current_req = req;
	struct fuse *f = fuse_req_userdata(req);
	context.fuse = f;
	return f;
}

char *wj_io_buffer(struct fuse *f, size_t size)
{
	(void)f;
	if (!io || size > io_size) {
		/* the old contents are of no use: do not copy them */
		size_t room = size > WJ_IO_MIN ? size : WJ_IO_MIN;
		free(io);
		io = malloc(room);
		io_size = io ? room : 0;
	}
	return io;
}

void wj_reply(fuse_req_t req, int negative_errno)
{
	fuse_reply_err(req, -negative_errno);
}

/* ---- the session's operations ---- */

static void op_init(void *data, struct fuse_conn_info *conn)
{
	struct fuse *f = data;
	context.fuse = f;
	if (conn->capable & FUSE_CAP_EXPORT_SUPPORT)
		conn->want |= FUSE_CAP_EXPORT_SUPPORT;
	wj_fs_init(f, conn);
}

static void op_destroy(void *data)
{
	struct fuse *f = data;
	context.fuse = f;
	wj_fs_destroy(f->fs);
}

const struct fuse_lowlevel_ops wj_path_ops = {
	.init = op_init,
	.destroy = op_destroy,
#define X(name) .name = wj_op_##name,
	WJ_OPS(X)
#undef X
};

/* ---- options ---- */

#define FIELD(templ, field, value) { templ, offsetof(struct wj_config, field), value }

static const struct fuse_opt config_opts[] = {
	FIELD("debug", debug, 1),
	FUSE_OPT_KEY("debug", FUSE_OPT_KEY_KEEP),
	FIELD("-d", debug, 1),
	FUSE_OPT_KEY("-d", FUSE_OPT_KEY_KEEP),
	FIELD("kernel_cache", kernel_cache, 1),
	FIELD("auto_cache", auto_cache, 1),
	FIELD("noauto_cache", auto_cache, 0),
	FIELD("no_rofd_flush", no_rofd_flush, 1),
	FIELD("umask=%o", umask, 0),
	FIELD("umask=", set_mode, 1),
	FIELD("uid=%u", uid, 0),
	FIELD("uid=", set_uid, 1),
	FIELD("gid=%u", gid, 0),
	FIELD("gid=", set_gid, 1),
	FIELD("entry_timeout=%lf", entry_timeout, 0),
	FIELD("attr_timeout=%lf", attr_timeout, 0),
	FIELD("ac_attr_timeout=%lf", ac_attr_timeout, 0),
	FIELD("ac_attr_timeout=", ac_attr_timeout_set, 1),
	FIELD("negative_timeout=%lf", negative_timeout, 0),
	FIELD("noforget", remember, -1),
	FIELD("remember=%d", remember, 0),
	FIELD("modules=%s", modules, 0),
#if WJ_API == 2
	FIELD("hard_remove", hard_remove, 1),
	FIELD("use_ino", use_ino, 1),
	FIELD("readdir_ino", readdir_ino, 1),
	FIELD("direct_io", direct_io, 1),
	FIELD("nopath", nopath, 1),
	FIELD("intr", intr, 1),
	FIELD("intr_signal=%d", intr_signal, 0),
#endif
	FUSE_OPT_END
};

int wj_is_config_opt(const char *opt)
{
	return fuse_opt_match(config_opts, opt);
}

void wj_lib_help(void)
{
	printf("    -o kernel_cache        never drop cached data when a file is opened\n"
	       "    -o [no]auto_cache      drop it if modification time or size changed\n"
	       "    -o no_rofd_flush       no flush at close of files opened read-only\n"
	       "    -o umask=M             permissions of all files, octal mask\n"
	       "    -o uid=N, gid=N        owner and group of all files\n"
	       "    -o entry_timeout=T     seconds that names are cached (1.0)\n"
	       "    -o negative_timeout=T  seconds that their absence is cached (0.0)\n"
	       "    -o attr_timeout=T      seconds that attributes are cached (1.0)\n"
	       "    -o ac_attr_timeout=T   the same for auto_cache (attr_timeout)\n"
	       "    -o noforget            remember all nodes for ever\n"
	       "    -o remember=T          ... for T seconds (0)\n");
#if WJ_API == 2
	printf("    -o hard_remove         remove open files at once, do not hide them\n"
	       "    -o use_ino             the filesystem numbers its inodes itself\n"
	       "    -o readdir_ino         fill inode numbers in readdir where known\n"
	       "    -o direct_io           no page cache\n");
#endif
}

void wj_config_defaults(struct wj_config *c)
{
	memset(c, 0, sizeof(*c));
	c->entry_timeout = 1.0;
	c->attr_timeout = 1.0;
}

/* ---- life cycle ---- */

void wj_fuse_free(struct fuse *f)
{
	wj_table_free(f);
	free(f->conf.modules);
	free(io);
	io = NULL;
	free(f->fs);
	free(f);
}

struct fuse_fs *fuse_fs_new(const struct fuse_operations *op, size_t op_size, void *user_data)
{
	if (op_size > sizeof(*op)) {
		fuse_log(FUSE_LOG_ERR, "fuse: the program was built for a newer library; "
				       "operations that this one does not know are ignored\n");
		op_size = sizeof(*op);
	}
	struct fuse_fs *fs = calloc(1, sizeof(*fs));
	if (!fs) {
		fuse_log(FUSE_LOG_ERR, "fuse: memory allocation failed\n");
		return NULL;
	}
	fs->user_data = user_data;
	memcpy(&fs->op, op, op_size);
	return fs;
}

struct fuse *wj_fuse_create(struct fuse_args *args, const struct fuse_operations *op,
			    size_t op_size, void *user_data)
{
	struct fuse *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	wj_config_defaults(&f->conf);
	f->fs = fuse_fs_new(op, op_size, user_data);
	bool ok = f->fs && fuse_opt_parse(args, &f->conf, config_opts, NULL) != -1;
	if (ok && f->conf.modules) {
		fuse_log(FUSE_LOG_ERR, "fuse: -omodules=%s: stacking modules are not supported\n",
			 f->conf.modules);
		ok = false;
	}
	if (!f->conf.ac_attr_timeout_set)
		f->conf.ac_attr_timeout = f->conf.attr_timeout;
	if (!ok || !wj_table_init(f)) {
		wj_fuse_free(f);
		return NULL;
	}
	return f;
}

int wj_fuse_loop(struct fuse *f)
{
	return fuse_session_loop(f->se);
}

int wj_fuse_loop_mt(struct fuse *f, unsigned threads)
{
	return wj_session_loop_mt(f->se, threads);
}

/* What is still hidden when the filesystem goes is removed now. */
static void remove_hidden(struct fuse *f)
{
	for (size_t i = 0; i < f->node_cap; i++) {
		struct wj_path path;
		struct wj_node *node = f->nodes[i];
		if (!node || !node->hidden)
			continue;
		if (wj_path(f, node->nodeid, NULL, &path) == 0)
			wj_fs_unlink(f->fs, path.str);
		wj_path_free(&path);
	}
}

void fuse_destroy(struct fuse *f)
{
	context.fuse = f;
	remove_hidden(f);
	fuse_session_destroy(f->se);
	context.fuse = NULL;
	current_req = NULL;
	wj_fuse_free(f);
}

int fuse_loop(struct fuse *f)
{
	return wj_fuse_loop(f);
}

void fuse_exit(struct fuse *f)
{
	fuse_session_exit(f->se);
}

struct fuse_session *fuse_get_session(struct fuse *f)
{
	return f->se;
}

int fuse_notify_poll(struct fuse_pollhandle *ph)
{
	return fuse_lowlevel_notify_poll(ph);
}

/* Remembered nodes are dropped between requests; there is no thread to start. */
int fuse_start_cleanup_thread(struct fuse *f)
{
	(void)f;
	return 0;
}

void fuse_stop_cleanup_thread(struct fuse *f)
{
	(void)f;
}

int fuse_clean_cache(struct fuse *f)
{
	bool taken = wj_tree_take();
	int rest = wj_clean_cache(f);
	wj_tree_give(taken);
	return rest;
}
