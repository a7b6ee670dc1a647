/*
 * INIT: the host says what kernel and host can do, the filesystem's init()
 * chooses, and the answer carries its wishes back.
 */
#include "lowlevel.h"

#define KERNEL_PAGE 4096u
#define OLD_MAX_PAGES 32u /* without MAX_PAGES */

/* Public capability bits and their wire bits; most are equal, and some are not. */
struct cap_row {
	uint32_t cap;
	uint32_t wire;
	uint32_t wire2;
};

static const struct cap_row cap_rows[] = {
	{ FUSE_CAP_ASYNC_READ, WJ_INIT_ASYNC_READ, 0 },
	{ FUSE_CAP_POSIX_LOCKS, WJ_INIT_POSIX_LOCKS, 0 },
	{ FUSE_CAP_ATOMIC_O_TRUNC, WJ_INIT_ATOMIC_O_TRUNC, 0 },
	{ FUSE_CAP_EXPORT_SUPPORT, WJ_INIT_EXPORT_SUPPORT, 0 },
	{ FUSE_CAP_DONT_MASK, WJ_INIT_DONT_MASK, 0 },
	{ FUSE_CAP_FLOCK_LOCKS, WJ_INIT_FLOCK_LOCKS, 0 },
	{ FUSE_CAP_IOCTL_DIR, WJ_INIT_HAS_IOCTL_DIR, 0 },
#if WJ_API == 3
	{ FUSE_CAP_AUTO_INVAL_DATA, WJ_INIT_AUTO_INVAL_DATA, 0 },
	{ FUSE_CAP_READDIRPLUS, WJ_INIT_DO_READDIRPLUS, 0 },
	{ FUSE_CAP_READDIRPLUS_AUTO, WJ_INIT_READDIRPLUS_AUTO, 0 },
	{ FUSE_CAP_ASYNC_DIO, WJ_INIT_ASYNC_DIO, 0 },
	{ FUSE_CAP_WRITEBACK_CACHE, WJ_INIT_WRITEBACK_CACHE, 0 },
	{ FUSE_CAP_NO_OPEN_SUPPORT, WJ_INIT_NO_OPEN_SUPPORT, 0 },
	{ FUSE_CAP_PARALLEL_DIROPS, WJ_INIT_PARALLEL_DIROPS, 0 },
	{ FUSE_CAP_HANDLE_KILLPRIV, WJ_INIT_HANDLE_KILLPRIV, 0 },
	{ FUSE_CAP_POSIX_ACL, WJ_INIT_POSIX_ACL, 0 },
	{ FUSE_CAP_CACHE_SYMLINKS, WJ_INIT_CACHE_SYMLINKS, 0 },
	{ FUSE_CAP_NO_OPENDIR_SUPPORT, WJ_INIT_NO_OPENDIR_SUPPORT, 0 },
	{ FUSE_CAP_EXPLICIT_INVAL_DATA, WJ_INIT_EXPLICIT_INVAL_DATA, 0 },
	{ FUSE_CAP_EXPIRE_ONLY, 0, WJ_INIT2_HAS_EXPIRE_ONLY },
#else
	{ FUSE_CAP_BIG_WRITES, WJ_INIT_BIG_WRITES, 0 },
#endif
};

#define CAP_ROWS (sizeof(cap_rows) / sizeof(cap_rows[0]))
#define SPLICE_CAPS (FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE)

static uint32_t caps_from_wire(uint32_t flags, uint32_t flags2)
{
	uint32_t caps = 0;
	for (size_t i = 0; i < CAP_ROWS; i++)
		if ((flags & cap_rows[i].wire) || (flags2 & cap_rows[i].wire2))
			caps |= cap_rows[i].cap;
	return caps;
}

/* What is on unless init() turns it off. */
static uint32_t default_caps(const struct fuse_session *se)
{
	const struct fuse_lowlevel_ops *op = &se->op;
	uint32_t caps = FUSE_CAP_ASYNC_READ | FUSE_CAP_IOCTL_DIR;
#if WJ_API == 3
	caps |= FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ASYNC_DIO | FUSE_CAP_ATOMIC_O_TRUNC |
		FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_HANDLE_KILLPRIV;
	if (op->readdirplus)
		caps |= FUSE_CAP_READDIRPLUS;
	if (op->readdirplus && op->readdir)
		caps |= FUSE_CAP_READDIRPLUS_AUTO;
#else
	caps |= FUSE_CAP_BIG_WRITES;
#endif
	if (op->getlk && op->setlk)
		caps |= FUSE_CAP_POSIX_LOCKS;
	if (op->flock)
		caps |= FUSE_CAP_FLOCK_LOCKS;
	return caps;
}

static void refuse(struct fuse_session *se, uint64_t unique)
{
	se->error = -EPROTO;
	wj_send(unique, -wj_errno_to_linux(EPROTO), NULL, 0);
	fuse_session_exit(se);
}

/* Let the filesystem choose. False: it wants the impossible. */
static bool call_init(struct fuse_session *se)
{
	struct fuse_conn_info *conn = &se->conn;
	conn->want |= default_caps(se) & conn->capable;
#if WJ_API == 3
	unsigned max_read = conn->max_read;
#endif
	if (se->op.init)
		se->op.init(se->userdata, conn);
	conn->want &= ~(unsigned)SPLICE_CAPS;
#if WJ_API == 3
	if (conn->want & ~conn->capable) {
		fuse_log(FUSE_LOG_ERR,
			 "fuse: the filesystem wants capabilities 0x%x that are not there\n",
			 conn->want & ~conn->capable);
		return false;
	}
	if (conn->max_read != max_read) {
		fuse_log(FUSE_LOG_ERR,
			 "fuse: init() asks for max_read %u, the mount option said %u\n",
			 conn->max_read, max_read);
		return false;
	}
#else
	conn->want &= conn->capable;
	if (se->sync_read || !conn->async_read)
		conn->want &= ~(unsigned)FUSE_CAP_ASYNC_READ;
#endif
	return true;
}

static void reply_init(struct fuse_session *se, uint64_t unique, const struct wj_init_in *in)
{
	struct fuse_conn_info *conn = &se->conn;
	struct wj_init_out out;
	memset(&out, 0, sizeof(out));
	out.major = WJ_PROTO_MAJOR;
	out.minor = in->minor < WJ_PROTO_MINOR_MAX ? in->minor : WJ_PROTO_MINOR_MAX;
	out.max_readahead = conn->max_readahead;
	out.flags = WJ_INIT_BIG_WRITES & in->flags;
	for (size_t i = 0; i < CAP_ROWS; i++) {
		if (!(conn->want & cap_rows[i].cap))
			continue;
		out.flags |= cap_rows[i].wire;
		out.flags2 |= cap_rows[i].wire2;
	}
	if (out.flags2)
		out.flags |= WJ_INIT_EXT;
	out.max_background = (uint16_t)(conn->max_background < 0xffff ? conn->max_background : 0xffff);
	unsigned threshold = conn->congestion_threshold;
	if (!threshold || threshold > out.max_background)
		threshold = out.max_background * 3u / 4u;
	out.congestion_threshold = (uint16_t)threshold;
	out.max_write = conn->max_write;
#if WJ_API == 3
	out.time_gran = conn->time_gran;
#else
	out.time_gran = 1;
#endif
	if (in->flags & WJ_INIT_MAX_PAGES) {
		out.flags |= WJ_INIT_MAX_PAGES;
		out.max_pages = (uint16_t)((out.max_write - 1) / KERNEL_PAGE + 1);
	}
	wj_send(unique, 0, &out, sizeof(out));
}

void wj_do_init(struct fuse_session *se, uint64_t unique, const struct wj_init_in *in, size_t len)
{
	struct fuse_conn_info *conn = &se->conn;
	if (in->major != WJ_PROTO_MAJOR || in->minor < WJ_PROTO_MINOR_MIN) {
		fuse_log(FUSE_LOG_ERR, "fuse: cannot speak protocol %u.%u\n", in->major, in->minor);
		refuse(se, unique);
		return;
	}
	bool extended = len >= sizeof(*in) && (in->flags & WJ_INIT_EXT);
	se->flags2 = extended ? in->flags2 : 0;
	conn->proto_major = in->major;
	conn->proto_minor = in->minor;
	conn->capable = caps_from_wire(in->flags, se->flags2);
	if (in->max_readahead < conn->max_readahead)
		conn->max_readahead = in->max_readahead;
	unsigned limit = (in->flags & WJ_INIT_MAX_PAGES) ? WJ_MAX_WRITE : OLD_MAX_PAGES * KERNEL_PAGE;
	if (conn->max_write > limit)
		conn->max_write = limit;
#if WJ_API == 3
	conn->time_gran = 1;
#else
	conn->async_read = (conn->capable & FUSE_CAP_ASYNC_READ) != 0;
#endif
	se->got_init = true;
	if (!call_init(se)) {
		refuse(se, unique);
		return;
	}
	if (conn->max_write > limit)
		conn->max_write = limit;
	if (conn->max_write < KERNEL_PAGE)
		conn->max_write = KERNEL_PAGE;
	reply_init(se, unique, in);
}
