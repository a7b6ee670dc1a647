/*
 * The path layer's own types: nodes, which stand for what the kernel knows, and
 * the filesystem's callbacks behind one interface for both public ones. It is a
 * program over the message layer, like any low-level filesystem.
 *
 *   path_table.c   nodes by number and by (parent, name); paths from nodes
 *   path_fs*.c     calls into the filesystem, the only place that does
 *   path_name.c    operations on names and attributes
 *   path_file.c    operations on open files
 *   path_lock.c    POSIX locks
 *   path_dir.c     directories
 *   path_main*.c   life cycle, options, context
 */
#ifndef WJ_PATH_H
#define WJ_PATH_H

#include "api.h"
#include "threads.h"

#include <fcntl.h>
#include <limits.h>
#include <time.h>

#define WJ_PATH_INLINE 1024 /* longer paths are allocated */
#define WJ_IO_MIN 4096
#define WJ_UNKNOWN_INO 0xffffffffu
#define WJ_HIDDEN_PREFIX ".fuse_hidden"
#define WJ_HIDE_ATTEMPTS 10

struct wj_lock {
	int type;
	off_t start;
	off_t end; /* inclusive */
	pid_t pid;
	uint64_t owner;
	struct wj_lock *next;
};

struct wj_node {
	struct wj_node *next; /* of the same bucket */
	struct wj_node *parent;
	char *name; /* null: unlinked (or the root) */
	uint32_t name_len;
	uint32_t name_hash;
	uint64_t nodeid;
	uint64_t generation;
	uint64_t nlookup;
	uint32_t children; /* named below this one */
	uint32_t open_count;
	bool hidden; /* removed while open: unlinked at the last release */
	bool cache_valid;
	struct timespec stat_updated;
	struct timespec mtime;
	off_t size;
	struct wj_lock *locks;
	struct wj_node *lru_prev, *lru_next; /* forgotten, but remembered */
	struct timespec forgotten_at;
	char inline_name[32];
};

/* fuse_config, as both interfaces know it. */
struct wj_config {
	int set_gid, set_uid, set_mode;
	unsigned gid, uid, umask;
	double entry_timeout, negative_timeout, attr_timeout;
	int intr, intr_signal, remember;
	int hard_remove, use_ino, readdir_ino, direct_io, kernel_cache, auto_cache, no_rofd_flush;
	int ac_attr_timeout_set;
	double ac_attr_timeout;
	int nullpath_ok;
	int show_help;
	char *modules;
	int debug;
	int nopath;         /* libfuse 2: paths are not wanted at all for open files */
	int utime_omit_ok;  /* libfuse 2: utimens knows UTIME_NOW and UTIME_OMIT */
};

struct fuse_fs {
	struct fuse_operations op;
	void *user_data;
};

struct fuse {
	struct fuse_session *se;
	struct fuse_fs *fs;
	struct wj_config conf;
	struct wj_node **nodes; /* by nodeid */
	uint64_t *free_ids;
	size_t node_cap, next_id, free_count, free_cap;
	struct wj_node **buckets;
	size_t bucket_count, named;
	uint64_t generation;
	unsigned hide_counter;
	struct wj_node *lru_first, *lru_last;
#if WJ_API == 2
	struct fuse_chan *chan;
#endif
};

/* ---- path_table.c ---- */

bool wj_table_init(struct fuse *f);
void wj_table_free(struct fuse *f);
struct wj_node *wj_node(struct fuse *f, uint64_t nodeid);
struct wj_node *wj_lookup_node(struct fuse *f, uint64_t parent, const char *name);
/* Look up or create, and count one lookup. Null: out of memory. */
struct wj_node *wj_find_node(struct fuse *f, uint64_t parent, const char *name);
void wj_forget(struct fuse *f, uint64_t nodeid, uint64_t count);
/* The name is gone from the filesystem. */
void wj_remove_name(struct fuse *f, uint64_t dir, const char *name);
int wj_rename_node(struct fuse *f, uint64_t olddir, const char *oldname, uint64_t newdir,
		   const char *newname);
int wj_exchange_nodes(struct fuse *f, uint64_t olddir, const char *oldname, uint64_t newdir,
		      const char *newname);
/* Drop what has been forgotten for longer than `remember`; seconds until there is more to do. */
int wj_clean_cache(struct fuse *f);

struct wj_path {
	char *str;
	char *heap;
	char buf[WJ_PATH_INLINE];
};
/* The path of a node, with `name` (may be null) behind it. 0 or a negative errno; then str is null. */
int wj_path(struct fuse *f, uint64_t nodeid, const char *name, struct wj_path *path);
/* For operations on open files, which may do without: str is null then, and it is no error. */
int wj_path_open(struct fuse *f, uint64_t nodeid, struct wj_path *path);
void wj_path_free(struct wj_path *path);

/* ---- path_fs*.c: negative errno, or a result; `fi` may be null where the kernel named no file ---- */

bool wj_has_read_buf(const struct fuse_fs *fs);
bool wj_has_write_buf(const struct fuse_fs *fs);
bool wj_has_lock(const struct fuse_fs *fs);
int wj_fs_getattr(struct fuse_fs *fs, const char *path, struct stat *st, struct fuse_file_info *fi);
int wj_fs_readlink(struct fuse_fs *fs, const char *path, char *buf, size_t size);
int wj_fs_mknod(struct fuse_fs *fs, const char *path, mode_t mode, dev_t rdev);
int wj_fs_mkdir(struct fuse_fs *fs, const char *path, mode_t mode);
int wj_fs_unlink(struct fuse_fs *fs, const char *path);
int wj_fs_rmdir(struct fuse_fs *fs, const char *path);
int wj_fs_symlink(struct fuse_fs *fs, const char *target, const char *path);
int wj_fs_rename(struct fuse_fs *fs, const char *from, const char *to, unsigned flags);
int wj_fs_link(struct fuse_fs *fs, const char *from, const char *to);
int wj_fs_chmod(struct fuse_fs *fs, const char *path, mode_t mode, struct fuse_file_info *fi);
int wj_fs_chown(struct fuse_fs *fs, const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi);
int wj_fs_truncate(struct fuse_fs *fs, const char *path, off_t size, struct fuse_file_info *fi);
int wj_fs_utimens(struct fuse_fs *fs, const char *path, const struct timespec tv[2],
		  struct fuse_file_info *fi);
int wj_fs_open(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int wj_fs_create(struct fuse_fs *fs, const char *path, mode_t mode, struct fuse_file_info *fi);
int wj_fs_read(struct fuse_fs *fs, const char *path, char *buf, size_t size, off_t off,
	       struct fuse_file_info *fi);
int wj_fs_read_buf(struct fuse_fs *fs, const char *path, struct fuse_bufvec **bufp, size_t size,
		   off_t off, struct fuse_file_info *fi);
int wj_fs_write(struct fuse_fs *fs, const char *path, const char *buf, size_t size, off_t off,
		struct fuse_file_info *fi);
int wj_fs_write_buf(struct fuse_fs *fs, const char *path, struct fuse_bufvec *buf, off_t off,
		    struct fuse_file_info *fi);
int wj_fs_statfs(struct fuse_fs *fs, const char *path, struct statvfs *st);
int wj_fs_flush(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int wj_fs_release(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int wj_fs_fsync(struct fuse_fs *fs, const char *path, int datasync, struct fuse_file_info *fi);
int wj_fs_setxattr(struct fuse_fs *fs, const char *path, const char *name, const char *value,
		   size_t size, int flags);
int wj_fs_getxattr(struct fuse_fs *fs, const char *path, const char *name, char *value, size_t size);
int wj_fs_listxattr(struct fuse_fs *fs, const char *path, char *list, size_t size);
int wj_fs_removexattr(struct fuse_fs *fs, const char *path, const char *name);
int wj_fs_opendir(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int wj_fs_readdir(struct fuse_fs *fs, const char *path, void *buf, off_t off,
		  struct fuse_file_info *fi, bool plus);
int wj_fs_releasedir(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int wj_fs_fsyncdir(struct fuse_fs *fs, const char *path, int datasync, struct fuse_file_info *fi);
void wj_fs_init(struct fuse *f, struct fuse_conn_info *conn);
void wj_fs_destroy(struct fuse_fs *fs);
int wj_fs_access(struct fuse_fs *fs, const char *path, int mask);
int wj_fs_lock(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi, int cmd,
	       struct flock *lock);
int wj_fs_flock(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi, int op);
int wj_fs_bmap(struct fuse_fs *fs, const char *path, size_t blocksize, uint64_t *idx);
int wj_fs_ioctl(struct fuse_fs *fs, const char *path, unsigned cmd, void *arg,
		struct fuse_file_info *fi, unsigned flags, void *data);
int wj_fs_poll(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi,
	       struct fuse_pollhandle *ph, unsigned *revents);
int wj_fs_fallocate(struct fuse_fs *fs, const char *path, int mode, off_t off, off_t len,
		    struct fuse_file_info *fi);
ssize_t wj_fs_copy_file_range(struct fuse_fs *fs, const char *path_in, struct fuse_file_info *fi_in,
			      off_t off_in, const char *path_out, struct fuse_file_info *fi_out,
			      off_t off_out, size_t size, int flags);
off_t wj_fs_lseek(struct fuse_fs *fs, const char *path, off_t off, int whence,
		  struct fuse_file_info *fi);

/* ---- path_name.c ---- */

/* Fill an entry for an existing name, and count the lookup. `fi` may be null. */
int wj_lookup_path(struct fuse *f, uint64_t parent, const char *name, const char *path,
		   struct fuse_entry_param *e, struct fuse_file_info *fi);
/* The same from attributes that are there already. */
int wj_entry(struct fuse *f, uint64_t parent, const char *name, struct fuse_entry_param *e);
void wj_update_stat(struct wj_node *node, const struct stat *st);
double wj_seconds_since(const struct timespec *then);

/* ---- path_lock.c ---- */

void wj_locks_free(struct wj_node *node);
int wj_unlock_at_flush(struct fuse *f, uint64_t nodeid, const char *path, struct fuse_file_info *fi);

/* ---- path_main.c ---- */

/* The request becomes the current one; its filesystem. */
struct fuse *wj_begin(fuse_req_t req);
struct fuse_context *wj_context(void);
/* A buffer of at least this size, valid until the next request; null: out of memory. */
char *wj_io_buffer(struct fuse *f, size_t size);
void wj_reply(fuse_req_t req, int negative_errno);
struct fuse *wj_fuse_create(struct fuse_args *args, const struct fuse_operations *op,
			    size_t op_size, void *user_data);
void wj_fuse_free(struct fuse *f);
int wj_fuse_loop(struct fuse *f);
/* In `threads` threads at the most, where there are threads. */
int wj_fuse_loop_mt(struct fuse *f, unsigned threads);
void wj_lib_help(void);
int wj_is_config_opt(const char *opt);
void wj_config_defaults(struct wj_config *c);

/* All operations, for the session. */
extern const struct fuse_lowlevel_ops wj_path_ops;

#define WJ_OPS_NAME(X) \
	X(lookup) X(forget) X(forget_multi) X(getattr) X(setattr) X(readlink) X(mknod) X(mkdir) \
	X(unlink) X(rmdir) X(symlink) X(rename) X(link) X(access) X(statfs) X(setxattr) \
	X(getxattr) X(listxattr) X(removexattr) X(bmap)
#define WJ_OPS_FILE(X) \
	X(create) X(open) X(read) X(write) X(flush) X(release) X(fsync) X(ioctl) X(poll) \
	X(fallocate)
#define WJ_OPS_LOCK(X) X(getlk) X(setlk) X(flock)
#define WJ_OPS_DIR(X) X(opendir) X(readdir) X(releasedir) X(fsyncdir)
#if WJ_API == 3
#define WJ_OPS_NEW(X) X(copy_file_range) X(lseek) X(readdirplus)
#else
#define WJ_OPS_NEW(X)
#endif
#define WJ_OPS(X) WJ_OPS_NAME(X) WJ_OPS_FILE(X) WJ_OPS_LOCK(X) WJ_OPS_DIR(X) WJ_OPS_NEW(X)

#define X(name) extern __typeof__(*((struct fuse_lowlevel_ops *)0)->name) wj_op_##name;
WJ_OPS(X)
#undef X

#endif
