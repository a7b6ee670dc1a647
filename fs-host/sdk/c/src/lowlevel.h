/*
 * The message layer's own types: session and request. A session is the one
 * mount of this program; a request lives from dispatch to its reply, which may
 * be long after dispatch returned.
 */
#ifndef WJ_LOWLEVEL_H
#define WJ_LOWLEVEL_H

#include "api.h"
#include "host.h"
#include "threads.h"
#include "wire.h"

#if WJ_API == 2
#define WJ_MAX_WRITE (128u << 10)  /* as long as filesystems of that time expect it to be */
#else
#define WJ_MAX_WRITE (1u << 20)    /* the kernel sends no longer payload */
#endif
#define WJ_MAX_COPY (1u << 30)     /* bytes asked of one copy_file_range */
#define WJ_WORKERS 64              /* request buffers, one per worker of the host */
#define WJ_REQ_BUCKETS 64          /* in-flight requests by unique */
#define WJ_EARLY_INTERRUPTS 16     /* interrupts that overtook their request */
#define WJ_EARLY_INTERRUPT_AGE 256 /* requests after which such an interrupt is stale */
#define WJ_REQ_POOL_MAX 256        /* idle request objects kept */

struct fuse_req {
	struct fuse_session *se;
	uint64_t unique;
	struct fuse_ctx ctx;
	struct fuse_req *next; /* bucket chain, or free list */
	bool interrupted;
	bool ioctl_32bit;
	fuse_interrupt_func_t interrupt_func;
	void *interrupt_data;
};

struct wj_early_interrupt {
	uint64_t unique;
	uint32_t age;
};

struct wj_retrieve {
	uint64_t unique;
	void *cookie;
	struct wj_retrieve *next;
};

struct fuse_session {
	struct fuse_lowlevel_ops op;
	void *userdata;
	struct fuse_conn_info conn;
	char *mount_opts;
	int debug;
	int error;
	bool mounted;
	bool served;
	bool got_init;
	bool got_destroy;
	bool exited;
	bool sync_read;
	bool by_path; /* see wj_session_by_path */
	uint32_t flags2; /* second word of the INIT flags that the host offered */
	uint64_t retrieve_unique;
	struct wj_retrieve *retrieves;
	struct fuse_req *buckets[WJ_REQ_BUCKETS];
	unsigned early_count;
	struct wj_early_interrupt early[WJ_EARLY_INTERRUPTS];
#if WJ_API == 2
	struct fuse_chan *chan;
#endif
};

#if WJ_API == 2
/* In this interface the mount comes before the session. */
struct fuse_chan {
	struct fuse_session *se;
};
#endif

/* One handler per opcode; `body` follows the header and has at least the opcode's shortest length. */
typedef void (*wj_handler)(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
struct wj_op_row {
	wj_handler handler;
	uint32_t min_body;
	const char *name;
};
extern const struct wj_op_row wj_op_table[WJ_OP_LIMIT];

void wj_do_init(struct fuse_session *se, uint64_t unique, const struct wj_init_in *in, size_t len);
void wj_do_interrupt(struct fuse_session *se, uint64_t target);
void wj_notify_reply(fuse_req_t req, uint64_t unique, uint64_t nodeid,
		     const struct wj_notify_retrieve_in *in, size_t len);

/* Send header and body; does not touch the request object. 0 or a negative errno. */
int wj_send(uint64_t unique, int linux_error, const void *body, size_t len);
void wj_req_free(fuse_req_t req);
void wj_stat_to_attr(const struct stat *st, struct wj_attr *attr);

struct fuse_session *wj_session_create(struct fuse_args *args, const struct fuse_lowlevel_ops *op,
				       size_t op_size, void *userdata);
/* 0, or -1 with errno set, after a message. */
int wj_mount(const char *opts);

/* This libc's errno as Linux's (both positive); unknown numbers become EIO. */
int wj_errno_to_linux(int err);

struct fuse_pollhandle *wj_pollhandle_new(uint64_t kh);

/* Take options out of `args`: 0, or -1 after a message. The mount's are appended to `opts`. */
int wj_parse_mount_args(struct fuse_args *args, char **opts);
int wj_parse_conn_args(struct fuse_session *se, struct fuse_args *args);
int wj_is_conn_opt(const char *opt);
/* Options that nobody took are an error. */
int wj_refuse_rest(const struct fuse_args *args);

#endif
