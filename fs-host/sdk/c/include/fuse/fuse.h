/*
 * The high-level (path based) interface of libfuse 2.9 (FUSE_USE_VERSION 26 to
 * 29): callbacks receive paths and return 0, a count, or a negative errno. What a
 * WebAssembly guest cannot do is said here and in <fuse_common.h>:
 *  - stacking modules (-omodules=subdir,iconv) are refused when the program starts;
 *  - the intr and intr_signal options: there are no signals, ask fuse_interrupted();
 *  - fuse_getgroups() answers -ENOSYS;
 *  - there is no fuse_set_getcontext_func().
 */
#ifndef _FUSE_H_
#define _FUSE_H_

#include "fuse_common.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <utime.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fuse;
struct fuse_cmd;

/* readdir's filler; 1 when the buffer is full (or on an error), else 0. */
typedef int (*fuse_fill_dir_t)(void *buf, const char *name, const struct stat *stbuf,
			       off_t off);

/* getdir's, which readdir replaced. */
typedef struct fuse_dirhandle *fuse_dirh_t;
typedef int (*fuse_dirfil_t)(fuse_dirh_t h, const char *name, int type, ino_t ino);

/* The filesystem. A null callback answers ENOSYS where the kernel has no better default. */
struct fuse_operations {
	int (*getattr)(const char *, struct stat *);
	int (*readlink)(const char *, char *, size_t);
	int (*getdir)(const char *, fuse_dirh_t, fuse_dirfil_t);
	int (*mknod)(const char *, mode_t, dev_t);
	int (*mkdir)(const char *, mode_t);
	int (*unlink)(const char *);
	int (*rmdir)(const char *);
	int (*symlink)(const char *, const char *);
	int (*rename)(const char *, const char *);
	int (*link)(const char *, const char *);
	int (*chmod)(const char *, mode_t);
	int (*chown)(const char *, uid_t, gid_t);
	int (*truncate)(const char *, off_t);
	int (*utime)(const char *, struct utimbuf *);
	int (*open)(const char *, struct fuse_file_info *);
	int (*read)(const char *, char *, size_t, off_t, struct fuse_file_info *);
	int (*write)(const char *, const char *, size_t, off_t, struct fuse_file_info *);
	int (*statfs)(const char *, struct statvfs *);
	int (*flush)(const char *, struct fuse_file_info *);
	int (*release)(const char *, struct fuse_file_info *);
	int (*fsync)(const char *, int, struct fuse_file_info *);
	int (*setxattr)(const char *, const char *, const char *, size_t, int);
	int (*getxattr)(const char *, const char *, char *, size_t);
	int (*listxattr)(const char *, char *, size_t);
	int (*removexattr)(const char *, const char *);
	int (*opendir)(const char *, struct fuse_file_info *);
	int (*readdir)(const char *, void *, fuse_fill_dir_t, off_t, struct fuse_file_info *);
	int (*releasedir)(const char *, struct fuse_file_info *);
	int (*fsyncdir)(const char *, int, struct fuse_file_info *);
	void *(*init)(struct fuse_conn_info *conn);
	void (*destroy)(void *);
	int (*access)(const char *, int);
	int (*create)(const char *, mode_t, struct fuse_file_info *);
	int (*ftruncate)(const char *, off_t, struct fuse_file_info *);
	int (*fgetattr)(const char *, struct stat *, struct fuse_file_info *);
	int (*lock)(const char *, struct fuse_file_info *, int cmd, struct flock *);
	int (*utimens)(const char *, const struct timespec tv[2]);
	int (*bmap)(const char *, size_t blocksize, uint64_t *idx);
	unsigned int flag_nullpath_ok : 1;   /* the path of a removed open file may be null */
	unsigned int flag_nopath : 1;        /* operations on open files need no path */
	unsigned int flag_utime_omit_ok : 1; /* utimens knows UTIME_NOW and UTIME_OMIT */
	unsigned int flag_reserved : 29;
	int (*ioctl)(const char *, int cmd, void *arg, struct fuse_file_info *,
		     unsigned int flags, void *data);
	int (*poll)(const char *, struct fuse_file_info *, struct fuse_pollhandle *ph,
		    unsigned *reventsp);
	int (*write_buf)(const char *, struct fuse_bufvec *buf, off_t off,
			 struct fuse_file_info *);
	int (*read_buf)(const char *, struct fuse_bufvec **bufp, size_t size, off_t off,
			struct fuse_file_info *);
	int (*flock)(const char *, struct fuse_file_info *, int op);
	int (*fallocate)(const char *, int, off_t, off_t, struct fuse_file_info *);
};

/* Who asks; valid during a callback. */
struct fuse_context {
	struct fuse *fuse;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	void *private_data; /* what init() returned */
	mode_t umask;
};

/* Parse the command line, mount, serve, unmount: all of main(). Returns its exit status. */
#define fuse_main(argc, argv, op, user_data) \
	fuse_main_real(argc, argv, op, sizeof(*(op)), user_data)
int fuse_main_real(int argc, char *argv[], const struct fuse_operations *op,
		   size_t op_size, void *user_data);

struct fuse *fuse_new(struct fuse_chan *ch, struct fuse_args *args,
		      const struct fuse_operations *op, size_t op_size, void *user_data);
void fuse_destroy(struct fuse *f);
int fuse_loop(struct fuse *f);
int fuse_loop_mt(struct fuse *f);
void fuse_exit(struct fuse *f);
struct fuse_context *fuse_get_context(void);
int fuse_getgroups(int size, gid_t list[]);
int fuse_interrupted(void);
/* As in libfuse 2.9: -EINVAL. */
int fuse_invalidate(struct fuse *f, const char *path);
int fuse_is_lib_option(const char *opt);
int fuse_start_cleanup_thread(struct fuse *fuse);
void fuse_stop_cleanup_thread(struct fuse *fuse);
int fuse_clean_cache(struct fuse *fuse);
int fuse_notify_poll(struct fuse_pollhandle *ph);
struct fuse_session *fuse_get_session(struct fuse *f);

/* The steps of fuse_main. */
struct fuse *fuse_setup(int argc, char *argv[], const struct fuse_operations *op,
			size_t op_size, char **mountpoint, int *multithreaded,
			void *user_data);
void fuse_teardown(struct fuse *fuse, char *mountpoint);
/* Serves the whole session, then answers null, so that hand-written loops work. */
struct fuse_cmd *fuse_read_cmd(struct fuse *f);
void fuse_process_cmd(struct fuse *f, struct fuse_cmd *cmd);
typedef void (*fuse_processor_t)(struct fuse *, struct fuse_cmd *, void *);
int fuse_loop_mt_proc(struct fuse *f, fuse_processor_t proc, void *data);
int fuse_exited(struct fuse *f);

/* Calls into a set of operations, for filesystems that are built over another one. */
struct fuse_fs;
struct fuse_fs *fuse_fs_new(const struct fuse_operations *op, size_t op_size,
			    void *user_data);
int fuse_fs_getattr(struct fuse_fs *fs, const char *path, struct stat *buf);
int fuse_fs_fgetattr(struct fuse_fs *fs, const char *path, struct stat *buf,
		     struct fuse_file_info *fi);
int fuse_fs_rename(struct fuse_fs *fs, const char *oldpath, const char *newpath);
int fuse_fs_unlink(struct fuse_fs *fs, const char *path);
int fuse_fs_rmdir(struct fuse_fs *fs, const char *path);
int fuse_fs_symlink(struct fuse_fs *fs, const char *linkname, const char *path);
int fuse_fs_link(struct fuse_fs *fs, const char *oldpath, const char *newpath);
int fuse_fs_release(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int fuse_fs_open(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int fuse_fs_read(struct fuse_fs *fs, const char *path, char *buf, size_t size, off_t off,
		 struct fuse_file_info *fi);
int fuse_fs_read_buf(struct fuse_fs *fs, const char *path, struct fuse_bufvec **bufp,
		     size_t size, off_t off, struct fuse_file_info *fi);
int fuse_fs_write(struct fuse_fs *fs, const char *path, const char *buf, size_t size,
		  off_t off, struct fuse_file_info *fi);
int fuse_fs_write_buf(struct fuse_fs *fs, const char *path, struct fuse_bufvec *buf,
		      off_t off, struct fuse_file_info *fi);
int fuse_fs_fsync(struct fuse_fs *fs, const char *path, int datasync,
		  struct fuse_file_info *fi);
int fuse_fs_flush(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int fuse_fs_statfs(struct fuse_fs *fs, const char *path, struct statvfs *buf);
int fuse_fs_opendir(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int fuse_fs_readdir(struct fuse_fs *fs, const char *path, void *buf,
		    fuse_fill_dir_t filler, off_t off, struct fuse_file_info *fi);
int fuse_fs_fsyncdir(struct fuse_fs *fs, const char *path, int datasync,
		     struct fuse_file_info *fi);
int fuse_fs_releasedir(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int fuse_fs_create(struct fuse_fs *fs, const char *path, mode_t mode,
		   struct fuse_file_info *fi);
int fuse_fs_lock(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi, int cmd,
		 struct flock *lock);
int fuse_fs_flock(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi, int op);
int fuse_fs_chmod(struct fuse_fs *fs, const char *path, mode_t mode);
int fuse_fs_chown(struct fuse_fs *fs, const char *path, uid_t uid, gid_t gid);
int fuse_fs_truncate(struct fuse_fs *fs, const char *path, off_t size);
int fuse_fs_ftruncate(struct fuse_fs *fs, const char *path, off_t size,
		      struct fuse_file_info *fi);
int fuse_fs_utimens(struct fuse_fs *fs, const char *path, const struct timespec tv[2]);
int fuse_fs_access(struct fuse_fs *fs, const char *path, int mask);
int fuse_fs_readlink(struct fuse_fs *fs, const char *path, char *buf, size_t len);
int fuse_fs_mknod(struct fuse_fs *fs, const char *path, mode_t mode, dev_t rdev);
int fuse_fs_mkdir(struct fuse_fs *fs, const char *path, mode_t mode);
int fuse_fs_setxattr(struct fuse_fs *fs, const char *path, const char *name,
		     const char *value, size_t size, int flags);
int fuse_fs_getxattr(struct fuse_fs *fs, const char *path, const char *name, char *value,
		     size_t size);
int fuse_fs_listxattr(struct fuse_fs *fs, const char *path, char *list, size_t size);
int fuse_fs_removexattr(struct fuse_fs *fs, const char *path, const char *name);
int fuse_fs_bmap(struct fuse_fs *fs, const char *path, size_t blocksize, uint64_t *idx);
int fuse_fs_ioctl(struct fuse_fs *fs, const char *path, int cmd, void *arg,
		  struct fuse_file_info *fi, unsigned int flags, void *data);
int fuse_fs_poll(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi,
		 struct fuse_pollhandle *ph, unsigned *reventsp);
int fuse_fs_fallocate(struct fuse_fs *fs, const char *path, int mode, off_t offset,
		      off_t length, struct fuse_file_info *fi);
void fuse_fs_init(struct fuse_fs *fs, struct fuse_conn_info *conn);
void fuse_fs_destroy(struct fuse_fs *fs);

/* Accepted so that modules compile; nothing loads them. */
struct fuse_module {
	const char *name;
	struct fuse_fs *(*factory)(struct fuse_args *args, struct fuse_fs *fs[]);
	struct fuse_module *next;
	struct fusemod_so *so;
	int ctr;
};
#define FUSE_REGISTER_MODULE(name_, factory_) \
	struct fuse_module fuse_fusemod_##name_##_module = { #name_, factory_, NULL, NULL, 0 };

#ifdef __cplusplus
}
#endif

#endif
