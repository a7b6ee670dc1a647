/*
 * Declarations shared by <fuse.h> and <fuse_lowlevel.h>, libfuse 3 flavour.
 *
 * What differs from a native libfuse, because the filesystem is a WebAssembly guest:
 *  - The host has the mount, the request channel, the daemon and the signals. Loops
 *    (fuse_loop, fuse_session_loop and their _mt forms) hand control to it and return at
 *    unmount. Built with -pthread, the _mt forms serve in threads, as many as the host
 *    allows; otherwise there is one request at a time.
 *  - Splicing does not exist: FUSE_CAP_SPLICE_* is never in `capable`, data is copied.
 *  - size_t and long have 32 bits, off_t and ino_t 64. With Emscripten 3.1.6 time_t has 32 bits
 *    too: of times beyond January 2038, tv_sec holds the low half and the upper two bits of
 *    tv_nsec the rest, so that a filesystem which stores struct timespec as it is keeps them.
 */
#if !defined(FUSE_H_) && !defined(FUSE_LOWLEVEL_H_)
#error "Include <fuse.h> or <fuse_lowlevel.h>, which include <fuse_common.h>."
#endif

#ifndef FUSE_COMMON_H_
#define FUSE_COMMON_H_

#ifndef FUSE_USE_VERSION
#error "Define FUSE_USE_VERSION (30, 31, 35, 312 or 314) before including a FUSE header."
#elif FUSE_USE_VERSION < 30
#error "This is the libfuse 3 interface. For FUSE_USE_VERSION 26 to 29 use `pkg-config fuse`."
#endif

#include "libfuse_config.h"

#include "fuse_log.h"
#include "fuse_opt.h"
#include <stdint.h>
#include <sys/types.h>

#define FUSE_MAJOR_VERSION 3
#define FUSE_MINOR_VERSION 14

#define FUSE_MAKE_VERSION(maj, min) ((maj) * 100 + (min))
#define FUSE_VERSION FUSE_MAKE_VERSION(FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION)

#ifdef __cplusplus
extern "C" {
#endif

/* An open file or directory: what the kernel says about it and what the filesystem answers. */
struct fuse_file_info {
	int flags;                      /* open(2) flags */
	unsigned int writepage : 1;     /* write: comes from the page cache, writer unknown */
	unsigned int direct_io : 1;     /* open: bypass the page cache */
	unsigned int keep_cache : 1;    /* open: cached data of the file is still good */
	unsigned int flush : 1;         /* release: flush, too */
	unsigned int nonseekable : 1;   /* open: the file cannot seek */
	unsigned int flock_release : 1; /* release: give up flock locks of lock_owner */
	unsigned int cache_readdir : 1; /* opendir: the kernel may cache the entries */
	unsigned int noflush : 1;       /* open: no FLUSH at close */
	unsigned int padding : 24;
	unsigned int padding2 : 32;
	uint64_t fh;                    /* file handle, chosen by the filesystem */
	uint64_t lock_owner;
	uint32_t poll_events;
};

#if FUSE_USE_VERSION < FUSE_MAKE_VERSION(3, 12)
struct fuse_loop_config {
#else
struct fuse_loop_config_v1 {
#endif
	int clone_fd;
	unsigned int max_idle_threads;
};

/* Capabilities, for fuse_conn_info.capable and .want */
#define FUSE_CAP_ASYNC_READ (1 << 0)
#define FUSE_CAP_POSIX_LOCKS (1 << 1)
#define FUSE_CAP_ATOMIC_O_TRUNC (1 << 3)
#define FUSE_CAP_EXPORT_SUPPORT (1 << 4)
#define FUSE_CAP_DONT_MASK (1 << 6)
#define FUSE_CAP_SPLICE_WRITE (1 << 7)
#define FUSE_CAP_SPLICE_MOVE (1 << 8)
#define FUSE_CAP_SPLICE_READ (1 << 9)
#define FUSE_CAP_FLOCK_LOCKS (1 << 10)
#define FUSE_CAP_IOCTL_DIR (1 << 11)
#define FUSE_CAP_AUTO_INVAL_DATA (1 << 12)
#define FUSE_CAP_READDIRPLUS (1 << 13)
#define FUSE_CAP_READDIRPLUS_AUTO (1 << 14)
#define FUSE_CAP_ASYNC_DIO (1 << 15)
#define FUSE_CAP_WRITEBACK_CACHE (1 << 16)
#define FUSE_CAP_NO_OPEN_SUPPORT (1 << 17)
#define FUSE_CAP_PARALLEL_DIROPS (1 << 18)
#define FUSE_CAP_POSIX_ACL (1 << 19)
#define FUSE_CAP_HANDLE_KILLPRIV (1 << 20)
#define FUSE_CAP_CACHE_SYMLINKS (1 << 23)
#define FUSE_CAP_NO_OPENDIR_SUPPORT (1 << 24)
#define FUSE_CAP_EXPLICIT_INVAL_DATA (1 << 25)
#define FUSE_CAP_EXPIRE_ONLY (1 << 26)

#define FUSE_IOCTL_COMPAT (1 << 0)
#define FUSE_IOCTL_UNRESTRICTED (1 << 1)
#define FUSE_IOCTL_RETRY (1 << 2)
#define FUSE_IOCTL_DIR (1 << 4)

#define FUSE_IOCTL_MAX_IOV 256

/* The connection, for init(): first what the kernel offers, on return what is wanted. */
struct fuse_conn_info {
	unsigned proto_major;
	unsigned proto_minor;
	unsigned max_write;            /* bytes; at most 1 MiB */
	unsigned max_read;             /* 0: no limit; must equal the max_read mount option */
	unsigned max_readahead;
	unsigned capable;
	unsigned want;
	unsigned max_background;       /* 0: the kernel's default */
	unsigned congestion_threshold; /* 0: three quarters of max_background */
	unsigned time_gran;            /* of timestamps, in ns: a power of ten, 1 by default */
	unsigned reserved[22];
};

struct fuse_session;
struct fuse_pollhandle;
struct fuse_conn_info_opts;

/* Take connection options (max_write=, async_read, writeback_cache ...) out of `args`. */
struct fuse_conn_info_opts *fuse_parse_conn_info_opts(struct fuse_args *args);
void fuse_apply_conn_info_opts(struct fuse_conn_info_opts *opts,
			       struct fuse_conn_info *conn);

/* The host has gone to the background already if it was to: only changes to the root directory. */
int fuse_daemonize(int foreground);
int fuse_version(void);
const char *fuse_pkgversion(void);
void fuse_pollhandle_destroy(struct fuse_pollhandle *ph);

enum fuse_buf_flags {
	FUSE_BUF_IS_FD = (1 << 1),
	FUSE_BUF_FD_SEEK = (1 << 2),
	FUSE_BUF_FD_RETRY = (1 << 3)
};

/* Accepted and without effect: nothing is spliced. */
enum fuse_buf_copy_flags {
	FUSE_BUF_NO_SPLICE = (1 << 1),
	FUSE_BUF_FORCE_SPLICE = (1 << 2),
	FUSE_BUF_SPLICE_MOVE = (1 << 3),
	FUSE_BUF_SPLICE_NONBLOCK = (1 << 4)
};

/* Memory, or (FUSE_BUF_IS_FD) a stretch of a file. */
struct fuse_buf {
	size_t size;
	enum fuse_buf_flags flags;
	void *mem;
	int fd;
	off_t pos;
};

/* Several of them; `idx` and `off` say how far it has been consumed. */
struct fuse_bufvec {
	size_t count;
	size_t idx;
	size_t off;
	struct fuse_buf buf[1];
};

#define FUSE_BUFVEC_INIT(size__)                                                      \
	((struct fuse_bufvec) {                                                       \
		1, 0, 0, { { (size__), (enum fuse_buf_flags) 0, NULL, -1, 0 } } })

size_t fuse_buf_size(const struct fuse_bufvec *bufv);
/* Bytes copied, or a negative errno if nothing was. */
ssize_t fuse_buf_copy(struct fuse_bufvec *dst, struct fuse_bufvec *src,
		      enum fuse_buf_copy_flags flags);

/* Signals are the host's, which unmounts on SIGINT, SIGTERM and SIGHUP: both succeed and do nothing. */
int fuse_set_signal_handlers(struct fuse_session *se);
void fuse_remove_signal_handlers(struct fuse_session *se);

#if FUSE_USE_VERSION >= FUSE_MAKE_VERSION(3, 12)
struct fuse_loop_config;
#endif
struct fuse_loop_config *fuse_loop_cfg_create(void);
void fuse_loop_cfg_destroy(struct fuse_loop_config *config);
void fuse_loop_cfg_set_idle_threads(struct fuse_loop_config *config, unsigned int value);
void fuse_loop_cfg_set_max_threads(struct fuse_loop_config *config, unsigned int value);
void fuse_loop_cfg_set_clone_fd(struct fuse_loop_config *config, unsigned int value);

#ifdef __cplusplus
}
#endif

#if !defined(__cplusplus)
_Static_assert(sizeof(off_t) == 8, "fuse: off_t must have 64 bits");
#endif

#endif
