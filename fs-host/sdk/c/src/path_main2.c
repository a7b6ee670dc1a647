/* The path layer's public functions as libfuse 2 spells them. */
#include "path.h"

struct fuse *fuse_new(struct fuse_chan *ch, struct fuse_args *args,
		      const struct fuse_operations *op, size_t op_size, void *user_data)
{
	struct fuse *f = wj_fuse_create(args, op, op_size, user_data);
	if (!f)
		return NULL;
	f->conf.nullpath_ok = f->fs->op.flag_nullpath_ok;
	f->conf.nopath |= f->fs->op.flag_nopath && f->conf.nullpath_ok;
	f->conf.utime_omit_ok = f->fs->op.flag_utime_omit_ok;
	f->se = fuse_lowlevel_new(args, &wj_path_ops, sizeof(wj_path_ops), f);
	if (!f->se) {
		wj_fuse_free(f);
		return NULL;
	}
	wj_session_by_path(f->se);
	f->chan = ch;
	if (ch)
		fuse_session_add_chan(f->se, ch);
	wj_context()->fuse = f;
	return f;
}

int fuse_loop_mt(struct fuse *f)
{
	return wj_fuse_loop_mt(f, WJ_USUAL_THREADS);
}

int fuse_invalidate(struct fuse *f, const char *path)
{
	(void)f, (void)path;
	return -EINVAL;
}

int fuse_is_lib_option(const char *opt)
{
	return wj_is_config_opt(opt) || fuse_lowlevel_is_lib_option(opt);
}

int fuse_exited(struct fuse *f)
{
	return fuse_session_exited(f->se);
}

struct fuse_cmd *fuse_read_cmd(struct fuse *f)
{
	wj_fuse_loop(f);
	return NULL;
}

void fuse_process_cmd(struct fuse *f, struct fuse_cmd *cmd)
{
	(void)f, (void)cmd;
}

int fuse_loop_mt_proc(struct fuse *f, fuse_processor_t proc, void *data)
{
	(void)proc, (void)data;
	return wj_fuse_loop_mt(f, WJ_USUAL_THREADS);
}

/* Mount, then make the filesystem over it. */
static struct fuse *set_up(struct fuse_args *args, const char *mountpoint, int foreground,
			   const struct fuse_operations *op, size_t op_size, void *user_data)
{
	struct fuse_chan *ch = fuse_mount(mountpoint, args);
	if (!ch)
		return NULL;
	struct fuse *f = fuse_new(ch, args, op, op_size, user_data);
	if (!f) {
		fuse_unmount(mountpoint, ch);
		return NULL;
	}
	if (fuse_daemonize(foreground) == -1 || fuse_set_signal_handlers(f->se) == -1) {
		fuse_unmount(mountpoint, ch);
		fuse_destroy(f);
		return NULL;
	}
	return f;
}

/* The parser prints its own help; this layer's comes behind it. */
static void add_help(int argc, char *argv[])
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
			wj_lib_help();
}

struct fuse *fuse_setup(int argc, char *argv[], const struct fuse_operations *op, size_t op_size,
			char **mountpoint, int *multithreaded, void *user_data)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	int foreground;
	*mountpoint = NULL;
	if (fuse_parse_cmdline(&args, mountpoint, multithreaded, &foreground) == -1) {
		add_help(argc, argv);
		return NULL;
	}
	struct fuse *f = NULL;
	if (*mountpoint)
		f = set_up(&args, *mountpoint, foreground, op, op_size, user_data);
	else
		fuse_log(FUSE_LOG_ERR, "fuse: no mountpoint specified\n");
	fuse_opt_free_args(&args);
	if (!f) {
		free(*mountpoint);
		*mountpoint = NULL;
	}
	return f;
}

void fuse_teardown(struct fuse *f, char *mountpoint)
{
	fuse_remove_signal_handlers(f->se);
	fuse_unmount(mountpoint, f->chan);
	fuse_destroy(f);
	free(mountpoint);
}

int fuse_main_real(int argc, char *argv[], const struct fuse_operations *op, size_t op_size,
		   void *user_data)
{
	char *mountpoint;
	int multithreaded;
	struct fuse *f = fuse_setup(argc, argv, op, op_size, &mountpoint, &multithreaded, user_data);
	if (!f)
		return 1;
	int err = multithreaded ? fuse_loop_mt(f) : wj_fuse_loop(f);
	fuse_teardown(f, mountpoint);
	return err ? 1 : 0;
}
