/* The session interface as libfuse 3 spells it. */
#include "lowlevel.h"

struct fuse_session *fuse_session_new(struct fuse_args *args, const struct fuse_lowlevel_ops *op,
				      size_t op_size, void *userdata)
{
	return wj_session_create(args, op, op_size, userdata);
}

int fuse_session_custom_io(struct fuse_session *se, const struct fuse_custom_io *io, int fd)
{
	(void)se, (void)io, (void)fd;
	fuse_log(FUSE_LOG_ERR, "fuse: a guest has no channel of its own: no custom I/O\n");
	return -ENOTSUP;
}

int fuse_session_mount(struct fuse_session *se, const char *mountpoint)
{
	(void)mountpoint;
	if (se->mounted)
		return 0;
	if (wj_mount(se->mount_opts) == -1)
		return -1;
	se->mounted = true;
	return 0;
}

void fuse_session_unmount(struct fuse_session *se)
{
	if (!se->mounted)
		return;
	se->mounted = false;
	wj_host_unmount();
}

int fuse_session_fd(struct fuse_session *se)
{
	(void)se;
	return -1;
}

void fuse_session_process_buf(struct fuse_session *se, const struct fuse_buf *buf)
{
	(void)se;
	if (!(buf->flags & FUSE_BUF_IS_FD) && buf->size)
		wasmjit_fuse_dispatch(buf->mem, (uint32_t)buf->size);
}

int fuse_session_receive_buf(struct fuse_session *se, struct fuse_buf *buf)
{
	buf->size = 0;
	int err = fuse_session_loop(se);
	return err > 0 ? -err : err;
}

struct fuse_loop_config {
	int clone_fd;
	unsigned int max_idle_threads;
	unsigned int max_threads;
};

/* Threads that a configuration of 3.12 and later asks for. */
unsigned wj_threads_of(const struct fuse_loop_config *config)
{
	return config && config->max_threads ? config->max_threads : WJ_USUAL_THREADS;
}

#undef fuse_session_loop_mt
int fuse_session_loop_mt(struct fuse_session *se, struct fuse_loop_config *config);

int fuse_session_loop_mt_31(struct fuse_session *se, int clone_fd)
{
	(void)clone_fd;
	return wj_session_loop_mt(se, WJ_USUAL_THREADS);
}

/* Its structure has no number of threads. */
int fuse_session_loop_mt_32(struct fuse_session *se, struct fuse_loop_config *config)
{
	(void)config;
	return wj_session_loop_mt(se, WJ_USUAL_THREADS);
}

int fuse_session_loop_mt_312(struct fuse_session *se, struct fuse_loop_config *config)
{
	return wj_session_loop_mt(se, wj_threads_of(config));
}

int fuse_session_loop_mt(struct fuse_session *se, struct fuse_loop_config *config)
{
	return fuse_session_loop_mt_32(se, config);
}

struct fuse_loop_config *fuse_loop_cfg_create(void)
{
	struct fuse_loop_config *config = calloc(1, sizeof(*config));
	if (config) {
		config->max_idle_threads = (unsigned)-1;
		config->max_threads = 10;
	}
	return config;
}

void fuse_loop_cfg_destroy(struct fuse_loop_config *config)
{
	free(config);
}

void fuse_loop_cfg_set_idle_threads(struct fuse_loop_config *config, unsigned int value)
{
	config->max_idle_threads = value;
}

void fuse_loop_cfg_set_max_threads(struct fuse_loop_config *config, unsigned int value)
{
	config->max_threads = value;
}

void fuse_loop_cfg_set_clone_fd(struct fuse_loop_config *config, unsigned int value)
{
	config->clone_fd = value != 0;
}
