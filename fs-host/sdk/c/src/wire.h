/*
 * The FUSE wire format: what the host hands to wasmjit_fuse_dispatch() and what
 * goes back through wasmjit_fuse.send. Layouts and numbers are those of Linux's
 * uapi (protocol 7.31 to 7.40), little endian, every struct a multiple of 8 bytes.
 */
#ifndef WJ_WIRE_H
#define WJ_WIRE_H

#include <stdint.h>

#define WJ_PROTO_MAJOR 7
#define WJ_PROTO_MINOR_MIN 31 /* the host speaks at least this */
#define WJ_PROTO_MINOR_MAX 40 /* the newest that this SDK answers with */
#define WJ_ROOT_ID 1

/* Requests start with this. */
struct wj_in_header {
	uint32_t len;
	uint32_t opcode;
	uint64_t unique;
	uint64_t nodeid;
	uint32_t uid;
	uint32_t gid;
	uint32_t pid;
	uint16_t total_extlen;
	uint16_t padding;
};

/* Replies and notifications start with this; error is 0 or a negative Linux errno. */
struct wj_out_header {
	uint32_t len;
	int32_t error;
	uint64_t unique;
};

/* Opcodes; the message lengths stand beside the handlers in lowlevel_ops.c. */
enum wj_opcode {
	WJ_OP_LOOKUP = 1,
	WJ_OP_FORGET = 2,
	WJ_OP_GETATTR = 3,
	WJ_OP_SETATTR = 4,
	WJ_OP_READLINK = 5,
	WJ_OP_SYMLINK = 6,
	WJ_OP_MKNOD = 8,
	WJ_OP_MKDIR = 9,
	WJ_OP_UNLINK = 10,
	WJ_OP_RMDIR = 11,
	WJ_OP_RENAME = 12,
	WJ_OP_LINK = 13,
	WJ_OP_OPEN = 14,
	WJ_OP_READ = 15,
	WJ_OP_WRITE = 16,
	WJ_OP_STATFS = 17,
	WJ_OP_RELEASE = 18,
	WJ_OP_FSYNC = 20,
	WJ_OP_SETXATTR = 21,
	WJ_OP_GETXATTR = 22,
	WJ_OP_LISTXATTR = 23,
	WJ_OP_REMOVEXATTR = 24,
	WJ_OP_FLUSH = 25,
	WJ_OP_INIT = 26,
	WJ_OP_OPENDIR = 27,
	WJ_OP_READDIR = 28,
	WJ_OP_RELEASEDIR = 29,
	WJ_OP_FSYNCDIR = 30,
	WJ_OP_GETLK = 31,
	WJ_OP_SETLK = 32,
	WJ_OP_SETLKW = 33,
	WJ_OP_ACCESS = 34,
	WJ_OP_CREATE = 35,
	WJ_OP_INTERRUPT = 36,
	WJ_OP_BMAP = 37,
	WJ_OP_DESTROY = 38,
	WJ_OP_IOCTL = 39,
	WJ_OP_POLL = 40,
	WJ_OP_NOTIFY_REPLY = 41,
	WJ_OP_BATCH_FORGET = 42,
	WJ_OP_FALLOCATE = 43,
	WJ_OP_READDIRPLUS = 44,
	WJ_OP_RENAME2 = 45,
	WJ_OP_LSEEK = 46,
	WJ_OP_COPY_FILE_RANGE = 47,
	WJ_OP_LIMIT = 48,
};

enum wj_notify_code {
	WJ_NOTIFY_POLL = 1,
	WJ_NOTIFY_INVAL_INODE = 2,
	WJ_NOTIFY_INVAL_ENTRY = 3,
	WJ_NOTIFY_STORE = 4,
	WJ_NOTIFY_RETRIEVE = 5,
	WJ_NOTIFY_DELETE = 6,
};

/* INIT flags, first word */
#define WJ_INIT_ASYNC_READ (1u << 0)
#define WJ_INIT_POSIX_LOCKS (1u << 1)
#define WJ_INIT_ATOMIC_O_TRUNC (1u << 3)
#define WJ_INIT_EXPORT_SUPPORT (1u << 4)
#define WJ_INIT_BIG_WRITES (1u << 5)
#define WJ_INIT_DONT_MASK (1u << 6)
#define WJ_INIT_SPLICE_WRITE (1u << 7)
#define WJ_INIT_SPLICE_MOVE (1u << 8)
#define WJ_INIT_SPLICE_READ (1u << 9)
#define WJ_INIT_FLOCK_LOCKS (1u << 10)
#define WJ_INIT_HAS_IOCTL_DIR (1u << 11)
#define WJ_INIT_AUTO_INVAL_DATA (1u << 12)
#define WJ_INIT_DO_READDIRPLUS (1u << 13)
#define WJ_INIT_READDIRPLUS_AUTO (1u << 14)
#define WJ_INIT_ASYNC_DIO (1u << 15)
#define WJ_INIT_WRITEBACK_CACHE (1u << 16)
#define WJ_INIT_NO_OPEN_SUPPORT (1u << 17)
#define WJ_INIT_PARALLEL_DIROPS (1u << 18)
#define WJ_INIT_HANDLE_KILLPRIV (1u << 19)
#define WJ_INIT_POSIX_ACL (1u << 20)
#define WJ_INIT_MAX_PAGES (1u << 22)
#define WJ_INIT_CACHE_SYMLINKS (1u << 23)
#define WJ_INIT_NO_OPENDIR_SUPPORT (1u << 24)
#define WJ_INIT_EXPLICIT_INVAL_DATA (1u << 25)
#define WJ_INIT_EXT (1u << 30)
/* INIT flags, second word (bit 32 and up of the whole) */
#define WJ_INIT2_HAS_EXPIRE_ONLY (1u << 3)

#define WJ_FATTR_FH (1u << 6)
#define WJ_FATTR_LOCKOWNER (1u << 9)
#define WJ_FOPEN_DIRECT_IO (1u << 0)
#define WJ_FOPEN_KEEP_CACHE (1u << 1)
#define WJ_FOPEN_NONSEEKABLE (1u << 2)
#define WJ_FOPEN_CACHE_DIR (1u << 3)
#define WJ_FOPEN_NOFLUSH (1u << 5)
#define WJ_RELEASE_FLUSH (1u << 0)
#define WJ_RELEASE_FLOCK_UNLOCK (1u << 1)
#define WJ_GETATTR_FH (1u << 0)
#define WJ_LK_FLOCK (1u << 0)
#define WJ_WRITE_CACHE (1u << 0)
#define WJ_WRITE_LOCKOWNER (1u << 1)
#define WJ_READ_LOCKOWNER (1u << 1)
#define WJ_FSYNC_FDATASYNC (1u << 0)
#define WJ_IOCTL_32BIT (1u << 3)
#define WJ_POLL_SCHEDULE_NOTIFY (1u << 0)
#define WJ_EXPIRE_ONLY (1u << 0)

struct wj_attr {
	uint64_t ino;
	uint64_t size;
	uint64_t blocks;
	uint64_t atime;
	uint64_t mtime;
	uint64_t ctime;
	uint32_t atimensec;
	uint32_t mtimensec;
	uint32_t ctimensec;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev;
	uint32_t blksize;
	uint32_t flags;
};

struct wj_entry_out {
	uint64_t nodeid;
	uint64_t generation;
	uint64_t entry_valid;
	uint64_t attr_valid;
	uint32_t entry_valid_nsec;
	uint32_t attr_valid_nsec;
	struct wj_attr attr;
};

struct wj_attr_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec;
	uint32_t dummy;
	struct wj_attr attr;
};

struct wj_open_out {
	uint64_t fh;
	uint32_t open_flags;
	uint32_t padding;
};

/* CREATE answers with both in one piece. */
struct wj_create_out {
	struct wj_entry_out entry;
	struct wj_open_out open;
};

struct wj_statfs_out {
	uint64_t blocks;
	uint64_t bfree;
	uint64_t bavail;
	uint64_t files;
	uint64_t ffree;
	uint32_t bsize;
	uint32_t namelen;
	uint32_t frsize;
	uint32_t padding;
	uint32_t spare[6];
};

struct wj_file_lock {
	uint64_t start;
	uint64_t end;
	uint32_t type;
	uint32_t pid;
};

struct wj_forget_in {
	uint64_t nlookup;
};

struct wj_forget_one {
	uint64_t nodeid;
	uint64_t nlookup;
};

struct wj_batch_forget_in {
	uint32_t count;
	uint32_t dummy;
};

struct wj_getattr_in {
	uint32_t flags;
	uint32_t dummy;
	uint64_t fh;
};

struct wj_mknod_in {
	uint32_t mode;
	uint32_t rdev;
	uint32_t umask;
	uint32_t padding;
};

struct wj_mkdir_in {
	uint32_t mode;
	uint32_t umask;
};

struct wj_rename_in {
	uint64_t newdir;
};

struct wj_rename2_in {
	uint64_t newdir;
	uint32_t flags;
	uint32_t padding;
};

struct wj_link_in {
	uint64_t oldnodeid;
};

struct wj_setattr_in {
	uint32_t valid;
	uint32_t padding;
	uint64_t fh;
	uint64_t size;
	uint64_t lock_owner;
	uint64_t atime;
	uint64_t mtime;
	uint64_t ctime;
	uint32_t atimensec;
	uint32_t mtimensec;
	uint32_t ctimensec;
	uint32_t mode;
	uint32_t unused4;
	uint32_t uid;
	uint32_t gid;
	uint32_t unused5;
};

struct wj_open_in {
	uint32_t flags;
	uint32_t open_flags;
};

struct wj_create_in {
	uint32_t flags;
	uint32_t mode;
	uint32_t umask;
	uint32_t open_flags;
};

struct wj_release_in {
	uint64_t fh;
	uint32_t flags;
	uint32_t release_flags;
	uint64_t lock_owner;
};

struct wj_flush_in {
	uint64_t fh;
	uint32_t unused;
	uint32_t padding;
	uint64_t lock_owner;
};

struct wj_read_in {
	uint64_t fh;
	uint64_t offset;
	uint32_t size;
	uint32_t read_flags;
	uint64_t lock_owner;
	uint32_t flags;
	uint32_t padding;
};

struct wj_write_in {
	uint64_t fh;
	uint64_t offset;
	uint32_t size;
	uint32_t write_flags;
	uint64_t lock_owner;
	uint32_t flags;
	uint32_t padding;
};

struct wj_write_out {
	uint32_t size;
	uint32_t padding;
};

struct wj_fsync_in {
	uint64_t fh;
	uint32_t fsync_flags;
	uint32_t padding;
};

/* Without SETXATTR_EXT, which the SDK does not ask for, only the first two fields travel. */
#define WJ_SETXATTR_IN_SHORT 8
struct wj_setxattr_in {
	uint32_t size;
	uint32_t flags;
};

struct wj_getxattr_in {
	uint32_t size;
	uint32_t padding;
};

struct wj_getxattr_out {
	uint32_t size;
	uint32_t padding;
};

struct wj_lk_in {
	uint64_t fh;
	uint64_t owner;
	struct wj_file_lock lk;
	uint32_t lk_flags;
	uint32_t padding;
};

struct wj_lk_out {
	struct wj_file_lock lk;
};

struct wj_access_in {
	uint32_t mask;
	uint32_t padding;
};

#define WJ_INIT_IN_SHORT 16
struct wj_init_in {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint32_t flags2;
	uint32_t unused[11];
};

struct wj_init_out {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint16_t max_background;
	uint16_t congestion_threshold;
	uint32_t max_write;
	uint32_t time_gran;
	uint16_t max_pages;
	uint16_t map_alignment;
	uint32_t flags2;
	uint32_t unused[7];
};

struct wj_interrupt_in {
	uint64_t unique;
};

struct wj_bmap_in {
	uint64_t block;
	uint32_t blocksize;
	uint32_t padding;
};

struct wj_bmap_out {
	uint64_t block;
};

struct wj_ioctl_in {
	uint64_t fh;
	uint32_t flags;
	uint32_t cmd;
	uint64_t arg;
	uint32_t in_size;
	uint32_t out_size;
};

struct wj_ioctl_iovec {
	uint64_t base;
	uint64_t len;
};

struct wj_ioctl_out {
	int32_t result;
	uint32_t flags;
	uint32_t in_iovs;
	uint32_t out_iovs;
};

struct wj_poll_in {
	uint64_t fh;
	uint64_t kh;
	uint32_t flags;
	uint32_t events;
};

struct wj_poll_out {
	uint32_t revents;
	uint32_t padding;
};

struct wj_fallocate_in {
	uint64_t fh;
	uint64_t offset;
	uint64_t length;
	uint32_t mode;
	uint32_t padding;
};

struct wj_lseek_in {
	uint64_t fh;
	uint64_t offset;
	uint32_t whence;
	uint32_t padding;
};

struct wj_lseek_out {
	uint64_t offset;
};

struct wj_copy_file_range_in {
	uint64_t fh_in;
	uint64_t off_in;
	uint64_t nodeid_out;
	uint64_t fh_out;
	uint64_t off_out;
	uint64_t len;
	uint64_t flags;
};

struct wj_dirent {
	uint64_t ino;
	uint64_t off;
	uint32_t namelen;
	uint32_t type;
	/* name, padded with zeroes to a multiple of 8 */
};

struct wj_direntplus {
	struct wj_entry_out entry;
	struct wj_dirent dirent;
};

#define WJ_ALIGN8(n) (((n) + 7u) & ~(size_t)7u)

struct wj_notify_poll_out {
	uint64_t kh;
};

struct wj_notify_inval_inode_out {
	uint64_t ino;
	int64_t off;
	int64_t len;
};

struct wj_notify_inval_entry_out {
	uint64_t parent;
	uint32_t namelen;
	uint32_t flags;
};

struct wj_notify_delete_out {
	uint64_t parent;
	uint64_t child;
	uint32_t namelen;
	uint32_t padding;
};

struct wj_notify_store_out {
	uint64_t nodeid;
	uint64_t offset;
	uint32_t size;
	uint32_t padding;
};

struct wj_notify_retrieve_out {
	uint64_t notify_unique;
	uint64_t nodeid;
	uint64_t offset;
	uint32_t size;
	uint32_t padding;
};

struct wj_notify_retrieve_in {
	uint64_t dummy1;
	uint64_t offset;
	uint32_t size;
	uint32_t dummy2;
	uint64_t dummy3;
	uint64_t dummy4;
};

#endif
