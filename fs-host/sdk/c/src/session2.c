/* The session interface as libfuse 2 spells it: a channel from mounting, then a session over it. */
#include "lowlevel.h"

struct fuse_chan *fuse_mount(const char *mountpoint, struct fuse_args *args)
{
	(void)mountpoint;
	char *opts = NULL;
	struct fuse_chan *ch = calloc(1, sizeof(*ch));
	bool ok = ch && wj_parse_mount_args(args, &opts) != -1 && wj_mount(opts) != -1;
	free(opts);
	if (ok)
		return ch;
	free(ch);
	return NULL;
}

void fuse_unmount(const char *mountpoint, struct fuse_chan *ch)
{
	(void)mountpoint;
	if (!ch)
		return;
	if (ch->se)
		ch->se->mounted = false;
	wj_host_unmount();
	fuse_chan_destroy(ch);
}

struct fuse_session *fuse_lowlevel_new(struct fuse_args *args, const struct fuse_lowlevel_ops *op,
				       size_t op_size, void *userdata)
{
	return wj_session_create(args, op, op_size, userdata);
}

int fuse_lowlevel_is_lib_option(const char *opt)
{
	return wj_is_conn_opt(opt);
}

void fuse_session_add_chan(struct fuse_session *se, struct fuse_chan *ch)
{
	se->chan = ch;
	se->mounted = true;
	ch->se = se;
}

void fuse_session_remove_chan(struct fuse_chan *ch)
{
	if (!ch || !ch->se)
		return;
	ch->se->chan = NULL;
	ch->se->mounted = false;
	ch->se = NULL;
}

struct fuse_chan *fuse_session_next_chan(struct fuse_session *se, struct fuse_chan *ch)
{
	return ch ? NULL : se->chan;
}

void *fuse_session_data(struct fuse_session *se)
{
	return se->userdata;
}

int fuse_session_loop_mt(struct fuse_session *se)
{
	return wj_session_loop_mt(se, WJ_USUAL_THREADS);
}

void fuse_session_process(struct fuse_session *se, const char *buf, size_t len, struct fuse_chan *ch)
{
	(void)se, (void)ch;
	if (len)
		wasmjit_fuse_dispatch(buf, (uint32_t)len);
}

void fuse_session_process_buf(struct fuse_session *se, const struct fuse_buf *buf,
			      struct fuse_chan *ch)
{
	if (!(buf->flags & FUSE_BUF_IS_FD))
		fuse_session_process(se, buf->mem, buf->size, ch);
}

int fuse_session_receive_buf(struct fuse_session *se, struct fuse_buf *buf, struct fuse_chan **chp)
{
	(void)chp;
	buf->size = 0;
	return fuse_session_loop(se);
}

int fuse_chan_fd(struct fuse_chan *ch)
{
	(void)ch;
	return -1;
}

size_t fuse_chan_bufsize(struct fuse_chan *ch)
{
	(void)ch;
	return WJ_MAX_WRITE + 4096;
}

void *fuse_chan_data(struct fuse_chan *ch)
{
	(void)ch;
	return NULL;
}

struct fuse_session *fuse_chan_session(struct fuse_chan *ch)
{
	return ch->se;
}

int fuse_chan_recv(struct fuse_chan **ch, char *buf, size_t size)
{
	(void)buf, (void)size;
	return (*ch)->se ? fuse_session_loop((*ch)->se) : -ENODEV;
}

void fuse_chan_destroy(struct fuse_chan *ch)
{
	fuse_session_remove_chan(ch);
	free(ch);
}
