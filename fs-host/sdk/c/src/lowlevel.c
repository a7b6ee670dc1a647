/*
 * The session: request buffers, dispatch, requests in flight, interrupts.
 * Nothing is allocated per request once the pool of request objects is warm.
 */
#include "lowlevel.h"

#include <unistd.h>

/* The one session of this program, once created. */
static struct fuse_session *the_session;

static struct fuse_req *free_reqs;
static unsigned free_req_count;

struct worker_buffer {
	void *mem;
	uint32_t size;
};
static struct worker_buffer buffers[WJ_WORKERS];

void *wasmjit_fuse_buffer(int worker, uint32_t size)
{
	if (worker < 0 || worker >= WJ_WORKERS)
		return NULL;
	struct worker_buffer *b = &buffers[worker];
	if (b->size < size) {
		free(b->mem);
		b->mem = malloc(size);
		b->size = b->mem ? size : 0;
	}
	return b->mem;
}

/* ---- requests ---- */

static struct fuse_req **bucket_of(struct fuse_session *se, uint64_t unique)
{
	/* uniques are even, and interleaved per CPU: mix before masking */
	uint64_t h = unique * 0x9E3779B97F4A7C15ull;
	return &se->buckets[h >> 58];
}

/* An interrupt may have come before its request when the host has several workers. */
static bool take_early_interrupt(struct fuse_session *se, uint64_t unique)
{
	bool found = false;
	unsigned kept = 0;
	for (unsigned i = 0; i < se->early_count; i++) {
		struct wj_early_interrupt e = se->early[i];
		if (e.unique == unique)
			found = true;
		else if (++e.age < WJ_EARLY_INTERRUPT_AGE)
			se->early[kept++] = e;
	}
	se->early_count = kept;
	return found;
}

static struct fuse_req *req_new(struct fuse_session *se, const struct wj_in_header *in)
{
	wj_lock();
	struct fuse_req *req = free_reqs;
	if (req) {
		free_reqs = req->next;
		free_req_count--;
	} else {
		req = malloc(sizeof(*req));
		if (!req) {
			wj_unlock();
			return NULL;
		}
	}
	req->se = se;
	req->unique = in->unique;
	req->ctx.uid = in->uid;
	req->ctx.gid = in->gid;
	req->ctx.pid = (pid_t)in->pid;
	req->ctx.umask = 0;
	req->interrupted = false;
	req->ioctl_32bit = false;
	req->interrupt_func = NULL;
	struct fuse_req **bucket = bucket_of(se, in->unique);
	req->next = *bucket;
	*bucket = req;
	if (se->early_count && take_early_interrupt(se, in->unique))
		req->interrupted = true;
	wj_unlock();
	return req;
}

void wj_req_free(fuse_req_t req)
{
	wj_lock();
	struct fuse_req **at = bucket_of(req->se, req->unique);
	while (*at && *at != req)
		at = &(*at)->next;
	if (!*at) {
		wj_unlock();
		fuse_log(FUSE_LOG_ERR, "fuse: request answered twice\n");
		return;
	}
	*at = req->next;
	if (free_req_count >= WJ_REQ_POOL_MAX) {
		free(req);
	} else {
		free_req_count++;
		req->next = free_reqs;
		free_reqs = req;
	}
	wj_unlock();
}

void wj_do_interrupt(struct fuse_session *se, uint64_t target)
{
	wj_lock();
	for (struct fuse_req *req = *bucket_of(se, target); req; req = req->next) {
		if (req->unique != target)
			continue;
		fuse_interrupt_func_t func = req->interrupted ? NULL : req->interrupt_func;
		void *data = req->interrupt_data;
		req->interrupted = true;
		wj_unlock();
		/* it may answer the request */
		if (func)
			func(req, data);
		return;
	}
	if (se->early_count == WJ_EARLY_INTERRUPTS) {
		memmove(se->early, se->early + 1, sizeof(se->early) - sizeof(se->early[0]));
		se->early_count--;
	}
	se->early[se->early_count++] = (struct wj_early_interrupt){ target, 0 };
	wj_unlock();
}

void *fuse_req_userdata(fuse_req_t req)
{
	return req->se->userdata;
}

const struct fuse_ctx *fuse_req_ctx(fuse_req_t req)
{
	return &req->ctx;
}

int fuse_req_getgroups(fuse_req_t req, int size, gid_t list[])
{
	(void)req, (void)size, (void)list;
	return -ENOSYS;
}

void fuse_req_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
	wj_lock();
	req->interrupt_func = func;
	req->interrupt_data = data;
	bool interrupted = req->interrupted;
	wj_unlock();
	if (interrupted && func)
		func(req, data);
}

int fuse_req_interrupted(fuse_req_t req)
{
	return req->interrupted;
}

/* ---- dispatch ---- */

static void destroy_filesystem(struct fuse_session *se)
{
	wj_lock();
	bool done = se->got_destroy;
	se->got_destroy = true;
	wj_unlock();
	if (done)
		return;
	if (se->op.destroy)
		se->op.destroy(se->userdata);
}

/* Requests that are no callback's business. */
static bool dispatch_special(struct fuse_session *se, const struct wj_in_header *in,
			     const void *body, size_t len)
{
	switch (in->opcode) {
	case WJ_OP_INIT:
		wj_do_init(se, in->unique, body, len);
		return true;
	case WJ_OP_INTERRUPT:
		wj_do_interrupt(se, ((const struct wj_interrupt_in *)body)->unique);
		return true;
	case WJ_OP_DESTROY:
		destroy_filesystem(se);
		wj_send(in->unique, 0, NULL, 0);
		return true;
	default:
		return false;
	}
}

void wasmjit_fuse_dispatch(const void *request, uint32_t len)
{
	struct fuse_session *se = the_session;
	const struct wj_in_header *in = request;
	if (!se || len < sizeof(*in) || in->len > len)
		return;
	size_t body_len = in->len - sizeof(*in);
	const void *body = in + 1;

	if (se->debug)
		fuse_log(FUSE_LOG_DEBUG,
			 "unique: %llu, opcode: %s (%u), nodeid: %llu, insize: %u, pid: %u\n",
			 (unsigned long long)in->unique,
			 in->opcode < WJ_OP_LIMIT && wj_op_table[in->opcode].name ?
				 wj_op_table[in->opcode].name : "?",
			 in->opcode, (unsigned long long)in->nodeid, in->len, in->pid);

	const struct wj_op_row *row = in->opcode < WJ_OP_LIMIT ? &wj_op_table[in->opcode] : NULL;
	if (!row || !row->name) {
		wj_send(in->unique, -wj_errno_to_linux(ENOSYS), NULL, 0);
		return;
	}
	if (body_len < row->min_body) {
		wj_send(in->unique, -wj_errno_to_linux(EIO), NULL, 0);
		return;
	}
	if (!row->handler) {
		dispatch_special(se, in, body, body_len);
		return;
	}
	struct fuse_req *req = req_new(se, in);
	if (!req) {
		wj_send(in->unique, -wj_errno_to_linux(ENOMEM), NULL, 0);
		return;
	}
	if (!se->got_init) {
		fuse_reply_err(req, EIO);
		return;
	}
	if (se->by_path)
		wj_tree_enter(in->opcode);
	row->handler(req, in->nodeid, body, body_len);
	if (se->by_path)
		wj_tree_leave();
}

/* ---- session ---- */

struct fuse_session *wj_session_create(struct fuse_args *args, const struct fuse_lowlevel_ops *op,
				       size_t op_size, void *userdata)
{
	if (op_size > sizeof(struct fuse_lowlevel_ops)) {
		fuse_log(FUSE_LOG_ERR, "fuse: the program was built for a newer library; "
				       "operations that this one does not know are ignored\n");
		op_size = sizeof(struct fuse_lowlevel_ops);
	}
	if (the_session) {
		fuse_log(FUSE_LOG_ERR, "fuse: one program can serve one filesystem\n");
		return NULL;
	}
	struct fuse_session *se = calloc(1, sizeof(*se));
	if (!se) {
		fuse_log(FUSE_LOG_ERR, "fuse: out of memory\n");
		return NULL;
	}
	memcpy(&se->op, op, op_size);
	se->userdata = userdata;
	se->conn.max_write = UINT32_MAX;
	se->conn.max_readahead = UINT32_MAX;
	bool ok = wj_parse_conn_args(se, args) != -1;
#if WJ_API == 3
	ok = ok && wj_parse_mount_args(args, &se->mount_opts) != -1;
#endif
	if (!ok || wj_refuse_rest(args) == -1) {
		free(se->mount_opts);
		free(se);
		return NULL;
	}
	the_session = se;
	return se;
}

void wj_session_by_path(struct fuse_session *se)
{
	se->by_path = true;
}

int wj_mount(const char *opts)
{
	int err = wj_host_mount(opts ? opts : "", opts ? (uint32_t)strlen(opts) : 0);
	if (err >= 0)
		return 0;
	errno = -err;
	fuse_log(FUSE_LOG_ERR, "fuse: mount failed: %s\n", strerror(-err));
	return -1;
}

int fuse_session_loop(struct fuse_session *se)
{
	if (se->exited)
		return se->error;
	int err = wj_host_serve();
	se->exited = true;
	se->served = true;
	if (err < 0 && !se->error)
		se->error = err;
	return se->error;
}

void fuse_session_exit(struct fuse_session *se)
{
	if (se->exited)
		return;
	se->exited = true;
	if (se->mounted)
		wj_host_exit();
}

void fuse_session_reset(struct fuse_session *se)
{
	se->exited = se->served;
	se->error = 0;
}

int fuse_session_exited(struct fuse_session *se)
{
	return se->exited;
}

void fuse_session_destroy(struct fuse_session *se)
{
	if (!se)
		return;
	if (se->got_init)
		destroy_filesystem(se);
	if (the_session == se)
		the_session = NULL;
	while (se->retrieves) {
		struct wj_retrieve *r = se->retrieves;
		se->retrieves = r->next;
		free(r);
	}
	for (unsigned i = 0; i < WJ_REQ_BUCKETS; i++) {
		while (se->buckets[i]) {
			struct fuse_req *req = se->buckets[i];
			se->buckets[i] = req->next;
			free(req);
		}
	}
	free(se->mount_opts);
	free(se);
}

int fuse_set_signal_handlers(struct fuse_session *se)
{
	(void)se;
	return 0;
}

void fuse_remove_signal_handlers(struct fuse_session *se)
{
	(void)se;
}

int fuse_daemonize(int foreground)
{
	/* A daemon works in the root directory; a guest may have been granted none. */
	if (!foreground && chdir("/") == -1)
		errno = 0;
	return 0;
}
