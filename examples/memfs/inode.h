/* What the operations share: inodes, options, and which operations there are. */
#ifndef MEMFS_INODE_H
#define MEMFS_INODE_H

#include "memfs.h"

#include <fuse_lowlevel.h>

#define LINK_LIMIT 65000u

struct inode {
	uint64_t ino;
	uint64_t nlookup;
	uint64_t size;
	struct timespec atime, mtime, ctime;
	struct xattr *xattrs;
	mode_t mode;
	uint32_t nlink;
	uid_t uid;
	gid_t gid;
	dev_t rdev;
	union {
		struct file file;
		struct {
			struct dir dir;
			struct inode *parent;
		};
		char *target;
	};
};

extern struct inode root;
extern uint64_t inode_count;

extern struct options {
	char *size;
	unsigned mode;
	double entry_timeout, attr_timeout, negative_timeout; /* seconds that the kernel may cache */
} options;

static inline struct inode *inode_of(fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? &root : (struct inode *)(uintptr_t)ino;
}

static inline fuse_ino_t nodeid_of(const struct inode *i)
{
	return i == &root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)i;
}

static inline struct timespec now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t;
}

void inode_init(struct inode *i, mode_t mode, uid_t uid, gid_t gid);
/* A new inode below `parent`, owned by whoever asks. Null: out of space. */
struct inode *inode_new(fuse_req_t req, const struct inode *parent, mode_t mode);
/* Free it if it has neither names nor lookups. */
void inode_drop(struct inode *i);
/* The kernel's lookups go down by `count`. */
void forget(struct inode *i, uint64_t count);
void fill_stat(const struct inode *i, struct stat *st);
void fill_entry(const struct inode *i, struct fuse_entry_param *e);
/* Answer with the inode, and count the lookup. */
void reply_entry(fuse_req_t req, struct inode *i);
/* Contents have changed now. */
void touch(struct inode *i);
/* Contents have been read: access times as with relatime, once after each change. */
void accessed(struct inode *i);
/* Writing, truncating and changing the owner take set-id bits away. */
void drop_setid(struct inode *i);
void drop_setid_unless_root(fuse_req_t req, struct inode *i);
/* Create an inode with a name. 0, or an errno. */
int make_named(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct inode **made);
void set_size(fuse_req_t req, struct inode *i, uint64_t size);

/* The operations, each in the file that its group names. */
#define OPS_NAMES(X) \
	X(lookup) X(forget) X(forget_multi) X(mknod) X(mkdir) X(symlink) X(readlink) X(link) \
	X(unlink) X(rmdir) X(rename)
#define OPS_ATTR(X) \
	X(getattr) X(setattr) X(statfs) X(setxattr) X(getxattr) X(listxattr) X(removexattr)
#define OPS_OPEN(X) \
	X(init) X(open) X(create) X(read) X(write) X(fallocate) X(copy_file_range) X(lseek) X(opendir) \
	X(readdir) X(readdirplus)
#define OPS(X) OPS_NAMES(X) OPS_ATTR(X) OPS_OPEN(X)

#define X(name) extern __typeof__(*((struct fuse_lowlevel_ops *)0)->name) op_##name;
OPS(X)
#undef X

#endif
