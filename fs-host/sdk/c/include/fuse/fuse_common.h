/*
 * Declarations shared by <fuse.h> and <fuse_lowlevel.h>, libfuse 2.9 flavour
 * (FUSE_USE_VERSION 26 to 29).
 *
 * What differs from a native libfuse, because the filesystem is a WebAssembly guest:
 *  - The host has the mount, the request channel, the daemon and the signals. Loops hand control
 *    to it and return at unmount; one instance serves one request at a time.
 *  - Splicing does not exist: FUSE_CAP_SPLICE_* is never in `capable`, data is copied.
 *  - Channels cannot be made by hand, only mounted: no fuse_chan_new(), fuse_chan_send(), and no
 *    fuse_session_new() over them.
 *  - size_t and long have 32 bits, off_t and ino_t 64. With Emscripten 3.1.6 time_t has 32 bits
 *    too: times beyond January 2038 are clamped there.
 */
#if !defined(_FUSE_H_) && !defined(_FUSE_LOWLEVEL_H_)
#error "Include <fuse.h> or <fuse_lowlevel.h>, which include <fuse_common.h>."
#endif

#ifndef _FUSE_COMMON_H_
#define _FUSE_COMMON_H_

#ifndef FUSE_USE_VERSION
#error "Define FUSE_USE_VERSION (26 or 29) before including a FUSE header."
#elif FUSE_USE_VERSION < 26
#error "FUSE_USE_VERSION below 26 is not supported: 26 is source compatible but for fuse_main's user_data and init's connection."
#elif FUSE_USE_VERSION >= 30
#error "This is the libfuse 2 interface. For FUSE_USE_VERSION 30 and up use `pkg-config fuse3`."
#endif

/* Both interfaces can be in one library path: this one's functions have names of their own there. */
#include "fuse_names.h"

#include "fuse_opt.h"
#include <stdint.h>
#include <sys/types.h>

#define FUSE_MAJOR_VERSION 2
#define FUSE_MINOR_VERSION 9

#define FUSE_MAKE_VERSION(maj, min) ((maj) * 10 + (min))
#define FUSE_VERSION FUSE_MAKE_VERSION(FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION)

/* Set only here: the libfuse that runs inside a WebAssembly guest of wasmjit. */
#define FUSE_WASMJIT 1

#ifdef __cplusplus
extern "C" {
#endif

/* An open file or directory: what the kernel says about it and what the filesystem answers. */
struct fuse_file_info {
	int flags;            /* open(2) flags */
	unsigned long fh_old; /* unused */
	int writepage;        /* write: comes from the page cache, writer unknown */
	unsigned int direct_io : 1;     /* open: bypass the page cache */
	unsigned int keep_cache : 1;    /* open: cached data of the file is still good */
	unsigned int flush : 1;         /* release: flush, too */
	unsigned int nonseekable : 1;   /* open: the file cannot seek */
	unsigned int flock_release : 1; /* release: give up flock locks of lock_owner */
	unsigned int padding : 27;
	uint64_t fh; /* file handle, chosen by the filesystem */
	uint64_t lock_owner;
};

/* Capabilities, for fuse_conn_info.capable and .want */
#define FUSE_CAP_ASYNC_READ (1 << 0)
#define FUSE_CAP_POSIX_LOCKS (1 << 1)
#define FUSE_CAP_ATOMIC_O_TRUNC (1 << 3)
#define FUSE_CAP_EXPORT_SUPPORT (1 << 4)
#define FUSE_CAP_BIG_WRITES (1 << 5)
#define FUSE_CAP_DONT_MASK (1 << 6)
#define FUSE_CAP_SPLICE_WRITE (1 << 7)
#define FUSE_CAP_SPLICE_MOVE (1 << 8)
#define FUSE_CAP_SPLICE_READ (1 << 9)
#define FUSE_CAP_FLOCK_LOCKS (1 << 10)
#define FUSE_CAP_IOCTL_DIR (1 << 11)

#define FUSE_IOCTL_COMPAT (1 << 0)
#define FUSE_IOCTL_UNRESTRICTED (1 << 1)
#define FUSE_IOCTL_RETRY (1 << 2)
#define FUSE_IOCTL_DIR (1 << 4)

#define FUSE_IOCTL_MAX_IOV 256

/* The connection, for init(): first what the kernel offers, on return what is wanted. */
struct fuse_conn_info {
	unsigned proto_major;
	unsigned proto_minor;
	unsigned async_read;
	unsigned max_write; /* bytes; at most 128 KiB */
	unsigned max_readahead;
	unsigned capable;
	unsigned want;
	unsigned max_background;
	unsigned congestion_threshold;
	unsigned reserved[23];
};

struct fuse_session;
struct fuse_chan;
struct fuse_pollhandle;

/* Mounts at the host's mountpoint; `mountpoint` is only a name. Takes its options out of `args`. */
struct fuse_chan *fuse_mount(const char *mountpoint, struct fuse_args *args);
void fuse_unmount(const char *mountpoint, struct fuse_chan *ch);
int fuse_parse_cmdline(struct fuse_args *args, char **mountpoint, int *multithreaded,
		       int *foreground);
/* The host has gone to the background already if it was to: only changes to the root directory. */
int fuse_daemonize(int foreground);
int fuse_version(void);
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

#ifdef __cplusplus
}
#endif

#endif
