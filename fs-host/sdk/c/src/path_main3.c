/* The path layer's public functions as libfuse 3 spells them. */
#include "path.h"

static uint64_t resolve(struct fuse *f, const char *path)
{
	uint64_t nodeid = FUSE_ROOT_ID;
	char name[NAME_MAX + 1];
	while (*path) {
		size_t len = strcspn(path, "/");
		if (len > NAME_MAX)
			return 0;
		memcpy(name, path, len);
		name[len] = '\0';
		path += len;
		path += strspn(path, "/");
		if (!len)
			continue;
		const struct wj_node *node = wj_lookup_node(f, nodeid, name);
		if (!node)
			return 0;
		nodeid = node->nodeid;
	}
	return nodeid;
}

int fuse_invalidate_path(struct fuse *f, const char *path)
{
	bool taken = wj_tree_take();
	uint64_t nodeid = resolve(f, path);
	wj_tree_give(taken);
	return nodeid ? fuse_lowlevel_notify_inval_inode(f->se, nodeid, 0, 0) : -ENOENT;
}

void fuse_lib_help(struct fuse_args *args)
{
	(void)args;
	wj_lib_help();
	fuse_lowlevel_help();
}

static struct fuse *new_fuse(struct fuse_args *args, const struct fuse_operations *op,
			     size_t op_size, void *user_data)
{
	struct fuse *f = wj_fuse_create(args, op, op_size, user_data);
	if (!f)
		return NULL;
	f->se = fuse_session_new(args, &wj_path_ops, sizeof(wj_path_ops), f);
	if (!f->se) {
		wj_fuse_free(f);
		return NULL;
	}
	wj_session_by_path(f->se);
	wj_context()->fuse = f;
	return f;
}

#undef fuse_new
struct fuse *fuse_new_31(struct fuse_args *args, const struct fuse_operations *op, size_t op_size,
			 void *user_data)
{
	return new_fuse(args, op, op_size, user_data);
}

struct fuse *fuse_new(struct fuse_args *args, const struct fuse_operations *op, size_t op_size,
		      void *user_data);
struct fuse *fuse_new(struct fuse_args *args, const struct fuse_operations *op, size_t op_size,
		      void *user_data)
{
	return new_fuse(args, op, op_size, user_data);
}

/* The first interface of libfuse 3 answered -h itself. */
struct fuse *fuse_new_30(struct fuse_args *args, const struct fuse_operations *op, size_t op_size,
			 void *user_data)
{
	static const struct fuse_opt help_opts[] = {
		{ "-h", offsetof(struct wj_config, show_help), 1 },
		{ "--help", offsetof(struct wj_config, show_help), 1 },
		FUSE_OPT_END
	};
	struct wj_config c;
	wj_config_defaults(&c);
	if (fuse_opt_parse(args, &c, help_opts, NULL) == -1)
		return NULL;
	if (c.show_help) {
		fuse_lib_help(args);
		return NULL;
	}
	return new_fuse(args, op, op_size, user_data);
}

int fuse_mount(struct fuse *f, const char *mountpoint)
{
	return fuse_session_mount(f->se, mountpoint);
}

void fuse_unmount(struct fuse *f)
{
	fuse_session_unmount(f->se);
}

int fuse_open_channel(const char *mountpoint, const char *options)
{
	(void)mountpoint, (void)options;
	fuse_log(FUSE_LOG_ERR, "fuse: a guest has no channel of its own\n");
	return -1;
}

#undef fuse_loop_mt
int fuse_loop_mt(struct fuse *f, struct fuse_loop_config *config);

int fuse_loop_mt(struct fuse *f, struct fuse_loop_config *config)
{
	(void)config;
	return wj_fuse_loop_mt(f, WJ_USUAL_THREADS);
}

int fuse_loop_mt_31(struct fuse *f, int clone_fd)
{
	(void)clone_fd;
	return wj_fuse_loop_mt(f, WJ_USUAL_THREADS);
}

int fuse_loop_mt_32(struct fuse *f, struct fuse_loop_config *config)
{
	return fuse_loop_mt(f, config);
}

int fuse_loop_mt_312(struct fuse *f, struct fuse_loop_config *config)
{
	return wj_fuse_loop_mt(f, wj_threads_of(config));
}

/* fuse_main's exit statuses, one per step that can fail. */
enum { FAILED_ARGS = 1, FAILED_MOUNTPOINT, FAILED_NEW, FAILED_MOUNT, FAILED_DAEMON, FAILED_SIGNALS,
       FAILED_LOOP = 8 };

static int run(struct fuse *f, const struct fuse_cmdline_opts *opts)
{
	int status = 0;
	if (fuse_mount(f, opts->mountpoint) != 0)
		return FAILED_MOUNT;
	struct fuse_session *se = fuse_get_session(f);
	if (fuse_daemonize(opts->foreground) != 0)
		status = FAILED_DAEMON;
	else if (fuse_set_signal_handlers(se) != 0)
		status = FAILED_SIGNALS;
	else if ((opts->singlethread ? wj_fuse_loop(f) : wj_fuse_loop_mt(f, opts->max_threads)) != 0)
		status = FAILED_LOOP;
	fuse_remove_signal_handlers(se);
	fuse_unmount(f);
	return status;
}

static int main_with(struct fuse_args *args, struct fuse_cmdline_opts *opts,
		     const struct fuse_operations *op, size_t op_size, void *user_data)
{
	if (opts->show_version) {
		printf("FUSE library version %s\n", fuse_pkgversion());
		fuse_lowlevel_version();
		return 0;
	}
	if (opts->show_help) {
		if (args->argv[0][0])
			printf("usage: %s [options] <mountpoint>\n\n", args->argv[0]);
		printf("FUSE options:\n");
		fuse_cmdline_help();
		fuse_lib_help(args);
		return 0;
	}
	if (!opts->mountpoint) {
		fuse_log(FUSE_LOG_ERR, "error: no mountpoint specified\n");
		return FAILED_MOUNTPOINT;
	}
	struct fuse *f = new_fuse(args, op, op_size, user_data);
	if (!f)
		return FAILED_NEW;
	int status = run(f, opts);
	fuse_destroy(f);
	return status;
}

int fuse_main_real(int argc, char *argv[], const struct fuse_operations *op, size_t op_size,
		   void *user_data)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts;
	if (fuse_parse_cmdline(&args, &opts) != 0)
		return FAILED_ARGS;
	int status = main_with(&args, &opts, op, op_size, user_data);
	free(opts.mountpoint);
	fuse_opt_free_args(&args);
	return status;
}

/* Configure scripts look for a function of this name; programs use the macro. */
#undef fuse_main
int fuse_main(void);
int fuse_main(void)
{
	fuse_log(FUSE_LOG_ERR, "fuse: fuse_main is a macro; include <fuse.h>\n");
	return -1;
}
