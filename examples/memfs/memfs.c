/*
 * Inodes, the FUSE operations and main(). A nodeid is an inode's address, which
 * the kernel hands back until it has forgotten it as often as it was told; the
 * inode lives until it has neither names nor lookups. Nobody else changes the
 * files, so the kernel may cache all it likes: its size is the size (O_APPEND
 * writes come with the right offset), and locks are its own.
 */
#include "memfs.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>


#define DEFAULT_SIZE ((uint64_t)512 << 20)
#define SIZE_LIMIT_32BIT ((uint64_t)1792 << 20) /* an address space of 4 GiB holds more than data */
#define DEFAULT_TIMEOUT 60.0                    /* seconds that the kernel may cache */
#define MAX_READ (1u << 20)
#define READ_PIECES (MAX_READ / PAGE_SIZE + 2)
#define DIR_BUFFER (64u << 10)
#define LINK_LIMIT 65000u
#define DAY 86400

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

static struct inode root;
static uint64_t next_ino = FUSE_ROOT_ID;
static uint64_t inode_count;

static struct options {
	char *size;
	unsigned mode;
	double entry_timeout, attr_timeout, negative_timeout;
} options = { NULL, 0755, DEFAULT_TIMEOUT, DEFAULT_TIMEOUT, DEFAULT_TIMEOUT };

/* ---- inodes ---- */

static struct inode *inode_of(fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? &root : (struct inode *)(uintptr_t)ino;
}

static fuse_ino_t nodeid_of(const struct inode *i)
{
	return i == &root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)i;
}

static struct timespec now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t;
}

static void inode_init(struct inode *i, mode_t mode, uid_t uid, gid_t gid)
{
	memset(i, 0, sizeof(*i));
	i->ino = next_ino++;
	i->mode = mode;
	i->uid = uid;
	i->gid = gid;
	i->atime = i->mtime = i->ctime = now();
	i->nlink = 1;
	if (S_ISDIR(mode)) {
		dir_init(&i->dir);
		i->nlink = 2;
	}
	inode_count++;
}

/* A new inode below `parent`, owned by whoever asks. */
static struct inode *inode_new(fuse_req_t req, const struct inode *parent, mode_t mode)
{
	struct inode *i = obj_alloc(sizeof(*i));
	if (!i)
		return NULL;
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	gid_t gid = ctx->gid;
	if (parent->mode & S_ISGID) {
		gid = parent->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
	}
	inode_init(i, mode, ctx->uid, gid);
	return i;
}

static void inode_drop(struct inode *i)
{
	if (i->nlink || i->nlookup || i == &root)
		return;
	if (S_ISREG(i->mode))
		file_truncate(&i->file, 0);
	else if (S_ISDIR(i->mode))
		dir_free(&i->dir);
	else if (S_ISLNK(i->mode))
		obj_free(i->target, (size_t)i->size + 1);
	xattr_free(&i->xattrs);
	inode_count--;
	obj_free(i, sizeof(*i));
}

static void forget(struct inode *i, uint64_t count)
{
	i->nlookup = count < i->nlookup ? i->nlookup - count : 0;
	inode_drop(i);
}

static void fill_stat(const struct inode *i, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = i->ino;
	st->st_mode = i->mode;
	st->st_nlink = i->nlink;
	st->st_uid = i->uid;
	st->st_gid = i->gid;
	st->st_rdev = i->rdev;
	st->st_size = (off_t)i->size;
	st->st_blksize = PAGE_SIZE;
	if (S_ISREG(i->mode))
		st->st_blocks = (blkcnt_t)(i->file.pages * (PAGE_SIZE / 512));
	st->st_atim = i->atime;
	st->st_mtim = i->mtime;
	st->st_ctim = i->ctime;
}

static void fill_entry(const struct inode *i, struct fuse_entry_param *e)
{
	e->ino = nodeid_of(i);
	e->generation = i->ino;
	e->attr_timeout = options.attr_timeout;
	e->entry_timeout = options.entry_timeout;
	fill_stat(i, &e->attr);
}

static void reply_entry(fuse_req_t req, struct inode *i)
{
	struct fuse_entry_param e;
	fill_entry(i, &e);
	i->nlookup++;
	if (fuse_reply_entry(req, &e) != 0)
		forget(i, 1);
}

static void touch(struct inode *i)
{
	i->mtime = i->ctime = now();
}

static bool before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Access times as with relatime: once after each change, and once a day (seen at open). */
static void accessed(struct inode *i)
{
	if (!before(&i->mtime, &i->atime) || !before(&i->ctime, &i->atime))
		i->atime = now();
}

/* Writing, truncating and changing the owner take set-id bits away. */
static void drop_setid(struct inode *i)
{
	i->mode &= ~(mode_t)S_ISUID;
	if (i->mode & S_IXGRP)
		i->mode &= ~(mode_t)S_ISGID;
}

static void drop_setid_unless_root(fuse_req_t req, struct inode *i)
{
	if ((i->mode & (S_ISUID | S_ISGID)) && fuse_req_ctx(req)->uid != 0)
		drop_setid(i);
}

/* ---- names ---- */

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct inode *dir = inode_of(parent);
	if (strlen(name) > NAME_LIMIT) {
		fuse_reply_err(req, ENAMETOOLONG);
		return;
	}
	struct dent *e = dir_find(&dir->dir, name);
	if (e) {
		reply_entry(req, e->inode);
	} else if (options.negative_timeout > 0) {
		struct fuse_entry_param none;
		memset(&none, 0, sizeof(none));
		none.entry_timeout = options.negative_timeout;
		fuse_reply_entry(req, &none);
	} else {
		fuse_reply_err(req, ENOENT);
	}
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	forget(inode_of(ino), nlookup);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t n = 0; n < count; n++)
		forget(inode_of(forgets[n].ino), forgets[n].nlookup);
	fuse_reply_none(req);
}

/* Why a name cannot be added; 0: it can. */
static int check_new_name(const struct inode *dir, const char *name)
{
	if (strlen(name) > NAME_LIMIT)
		return ENAMETOOLONG;
	if (dir->nlink == 0)
		return ENOENT;
	return dir_find(&dir->dir, name) ? EEXIST : 0;
}

/* Create an inode with a name. 0, or an errno. */
static int make(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		struct inode **made)
{
	struct inode *dir = inode_of(parent);
	int err = check_new_name(dir, name);
	if (err)
		return err;
	if (S_ISDIR(mode) && dir->nlink >= LINK_LIMIT)
		return EMLINK;
	struct inode *i = inode_new(req, dir, mode);
	if (!i)
		return ENOSPC;
	if (!dir_add(&dir->dir, name, i)) {
		i->nlink = 0;
		inode_drop(i);
		return ENOSPC;
	}
	if (S_ISDIR(mode)) {
		i->parent = dir;
		dir->nlink++;
	}
	dir->mtime = dir->ctime = i->ctime;
	*made = i;
	return 0;
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct inode *i;
	int err = make(req, parent, name, mode, &i);
	if (err) {
		fuse_reply_err(req, err);
		return;
	}
	if (S_ISCHR(mode) || S_ISBLK(mode))
		i->rdev = rdev;
	reply_entry(req, i);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct inode *i;
	int err = make(req, parent, name, (mode & 07777) | S_IFDIR, &i);
	if (err)
		fuse_reply_err(req, err);
	else
		reply_entry(req, i);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	size_t len = strlen(target);
	char *copy = obj_alloc(len + 1);
	if (!copy) {
		fuse_reply_err(req, ENOSPC);
		return;
	}
	memcpy(copy, target, len + 1);
	struct inode *i;
	int err = make(req, parent, name, S_IFLNK | 0777, &i);
	if (err) {
		obj_free(copy, len + 1);
		fuse_reply_err(req, err);
		return;
	}
	i->target = copy;
	i->size = len;
	reply_entry(req, i);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct inode *i = inode_of(ino);
	if (!S_ISLNK(i->mode)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	accessed(i);
	fuse_reply_readlink(req, i->target);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	struct inode *i = inode_of(ino), *dir = inode_of(newparent);
	int err = check_new_name(dir, newname);
	if (!err && S_ISDIR(i->mode))
		err = EPERM;
	if (!err && i->nlink >= LINK_LIMIT)
		err = EMLINK;
	if (!err && !dir_add(&dir->dir, newname, i))
		err = ENOSPC;
	if (err) {
		fuse_reply_err(req, err);
		return;
	}
	i->nlink++;
	i->ctime = now();
	dir->mtime = dir->ctime = i->ctime;
	reply_entry(req, i);
}

/* Take a name away from an inode; an empty directory goes as a whole. */
static void remove_name(struct inode *dir, struct dent *e)
{
	struct inode *i = e->inode;
	dir_remove(&dir->dir, e);
	touch(dir);
	i->ctime = dir->ctime;
	if (S_ISDIR(i->mode)) {
		i->nlink = 0;
		i->parent = NULL;
		dir->nlink--;
	} else {
		i->nlink--;
	}
	inode_drop(i);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct inode *dir = inode_of(parent);
	struct dent *e = dir_find(&dir->dir, name);
	if (!e || S_ISDIR(e->inode->mode)) {
		fuse_reply_err(req, e ? EISDIR : ENOENT);
		return;
	}
	remove_name(dir, e);
	fuse_reply_err(req, 0);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct inode *dir = inode_of(parent);
	struct dent *e = dir_find(&dir->dir, name);
	int err = 0;
	if (!e)
		err = ENOENT;
	else if (!S_ISDIR(e->inode->mode))
		err = ENOTDIR;
	else if (e->inode->dir.count)
		err = ENOTEMPTY;
	else
		remove_name(dir, e);
	fuse_reply_err(req, err);
}

/* A directory that moved counts as a link of its new parent. */
static void moved(struct inode *i, struct inode *from, struct inode *to)
{
	i->ctime = to->ctime;
	if (!S_ISDIR(i->mode))
		return;
	from->nlink--;
	to->nlink++;
	i->parent = to;
}

static void exchange(struct inode *dir, struct dent *e, struct inode *newdir, struct dent *target)
{
	struct inode *a = e->inode, *b = target->inode;
	e->inode = b;
	target->inode = a;
	touch(dir);
	touch(newdir);
	moved(a, dir, newdir);
	moved(b, newdir, dir);
}

/* Why the target cannot be replaced by the source; 0: it can. */
static int check_replace(const struct inode *source, const struct inode *target)
{
	if (S_ISDIR(target->mode)) {
		if (!S_ISDIR(source->mode))
			return EISDIR;
		return target->dir.count ? ENOTEMPTY : 0;
	}
	return S_ISDIR(source->mode) ? ENOTDIR : 0;
}

static bool is_below(const struct inode *i, const struct inode *ancestor)
{
	for (; i; i = i->parent)
		if (i == ancestor)
			return true;
	return false;
}

static int rename_to(struct inode *dir, struct dent *e, struct inode *newdir, const char *newname)
{
	struct inode *i = e->inode;
	struct dent *target = dir_find(&newdir->dir, newname);
	if (target && target->inode == i)
		return 0;
	if (target) {
		int err = check_replace(i, target->inode);
		if (err)
			return err;
		/* the name stays where readdir saw it, and leads to the other inode */
		struct inode *old = target->inode;
		target->inode = i;
		touch(newdir);
		old->ctime = newdir->ctime;
		if (S_ISDIR(old->mode)) {
			old->nlink = 0;
			old->parent = NULL;
			newdir->nlink--;
		} else {
			old->nlink--;
		}
		inode_drop(old);
	} else {
		if (!dir_add(&newdir->dir, newname, i))
			return ENOSPC;
		touch(newdir);
	}
	dir_remove(&dir->dir, e);
	touch(dir);
	moved(i, dir, newdir);
	return 0;
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		      const char *newname, unsigned int flags)
{
	struct inode *dir = inode_of(parent), *newdir = inode_of(newparent);
	struct dent *e = dir_find(&dir->dir, name);
	struct dent *target = dir_find(&newdir->dir, newname);
	int err = 0;
	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		err = EINVAL;
	else if (strlen(newname) > NAME_LIMIT)
		err = ENAMETOOLONG;
	else if (!e || newdir->nlink == 0 || ((flags & RENAME_EXCHANGE) && !target))
		err = ENOENT;
	else if ((flags & RENAME_NOREPLACE) && target)
		err = EEXIST;
	else if (S_ISDIR(e->inode->mode) && is_below(newdir, e->inode))
		err = EINVAL;
	else if (S_ISDIR(e->inode->mode) && dir != newdir && !target && newdir->nlink >= LINK_LIMIT)
		err = EMLINK;
	else if (flags & RENAME_EXCHANGE)
		exchange(dir, e, newdir, target);
	else
		err = rename_to(dir, e, newdir, newname);
	fuse_reply_err(req, err);
}

/* ---- attributes ---- */

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	struct stat st;
	fill_stat(inode_of(ino), &st);
	fuse_reply_attr(req, &st, options.attr_timeout);
}

static void set_size(fuse_req_t req, struct inode *i, uint64_t size)
{
	if (size < i->size)
		file_truncate(&i->file, size);
	i->size = size;
	touch(i);
	drop_setid_unless_root(req, i);
}

static void set_times(struct inode *i, const struct stat *attr, int to_set)
{
	if (to_set & FUSE_SET_ATTR_ATIME)
		i->atime = (to_set & FUSE_SET_ATTR_ATIME_NOW) ? now() : attr->st_atim;
	if (to_set & FUSE_SET_ATTR_MTIME)
		i->mtime = (to_set & FUSE_SET_ATTR_MTIME_NOW) ? now() : attr->st_mtim;
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	struct inode *i = inode_of(ino);
	if ((to_set & FUSE_SET_ATTR_SIZE) && !S_ISREG(i->mode)) {
		fuse_reply_err(req, S_ISDIR(i->mode) ? EISDIR : EINVAL);
		return;
	}
	if (to_set & FUSE_SET_ATTR_SIZE)
		set_size(req, i, (uint64_t)attr->st_size);
	if ((to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) && !S_ISDIR(i->mode))
		drop_setid(i);
	if (to_set & FUSE_SET_ATTR_UID)
		i->uid = attr->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		i->gid = attr->st_gid;
	if (to_set & FUSE_SET_ATTR_MODE)
		i->mode = (i->mode & S_IFMT) | (attr->st_mode & 07777);
	set_times(i, attr, to_set);
	i->ctime = now();
	op_getattr(req, ino, fi);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	(void)ino;
	struct statvfs st;
	memset(&st, 0, sizeof(st));
	st.f_bsize = st.f_frsize = PAGE_SIZE;
	st.f_blocks = (fsblkcnt_t)store_pages_total();
	st.f_bfree = st.f_bavail = (fsblkcnt_t)store_pages_free();
	/* an inode and its name take about a sixteenth of a page */
	st.f_ffree = st.f_favail = (fsfilcnt_t)(store_pages_free() * 16);
	st.f_files = (fsfilcnt_t)inode_count + st.f_ffree;
	st.f_namemax = NAME_LIMIT;
	fuse_reply_statfs(req, &st);
}

/* ---- extended attributes ---- */

/* ACLs would need a say in permissions, which are the kernel's here. */
static bool unsupported_xattr(const char *name)
{
	return strncmp(name, "system.", 7) == 0;
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			size_t size, int flags)
{
	struct inode *i = inode_of(ino);
	int err = unsupported_xattr(name) ? -EOPNOTSUPP
					  : xattr_set(&i->xattrs, name, value, size, flags);
	if (!err)
		i->ctime = now();
	fuse_reply_err(req, -err);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	size_t have = 0;
	const char *value = xattr_get(inode_of(ino)->xattrs, name, &have);
	if (!value)
		fuse_reply_err(req, unsupported_xattr(name) ? EOPNOTSUPP : ENODATA);
	else if (size == 0)
		fuse_reply_xattr(req, have);
	else if (size < have)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, value, have);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	const struct xattr *list = inode_of(ino)->xattrs;
	size_t have = xattr_list_size(list);
	if (size == 0) {
		fuse_reply_xattr(req, have);
		return;
	}
	if (size < have) {
		fuse_reply_err(req, ERANGE);
		return;
	}
	char *out = malloc(have ? have : 1);
	if (!out) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	xattr_list(list, out);
	fuse_reply_buf(req, out, have);
	free(out);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct inode *i = inode_of(ino);
	int err = unsupported_xattr(name) ? -EOPNOTSUPP : xattr_remove(&i->xattrs, name);
	if (!err)
		i->ctime = now();
	fuse_reply_err(req, -err);
}

/* ---- open files ---- */

static void opened(fuse_req_t req, struct inode *i, struct fuse_file_info *fi)
{
	fi->keep_cache = 1;
	if (fi->flags & O_TRUNC)
		set_size(req, i, 0);
	else if (now().tv_sec - i->atime.tv_sec >= DAY)
		i->atime = now();
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	opened(req, inode_of(ino), fi);
	fuse_reply_open(req, fi);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	struct inode *i;
	int err = make(req, parent, name, (mode & 07777) | S_IFREG, &i);
	if (err == EEXIST && !(fi->flags & O_EXCL)) {
		i = dir_find(&inode_of(parent)->dir, name)->inode;
		err = S_ISREG(i->mode) ? 0 : EEXIST;
		if (!err)
			opened(req, i, fi);
	}
	if (err) {
		fuse_reply_err(req, err);
		return;
	}
	fi->keep_cache = 1;
	struct fuse_entry_param e;
	fill_entry(i, &e);
	i->nlookup++;
	if (fuse_reply_create(req, &e, fi) != 0)
		forget(i, 1);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	(void)fi;
	static struct iovec pieces[READ_PIECES];
	struct inode *i = inode_of(ino);
	uint64_t at = (uint64_t)off;
	if (at >= i->size)
		size = 0;
	else if (size > i->size - at)
		size = (size_t)(i->size - at);
	accessed(i);
	int count = file_map(&i->file, at, size, pieces, READ_PIECES);
	if (count == 1)
		fuse_reply_buf(req, pieces[0].iov_base, pieces[0].iov_len);
	else
		fuse_reply_iov(req, pieces, count);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	(void)fi;
	struct inode *i = inode_of(ino);
	size_t done = file_write(&i->file, buf, size, (uint64_t)off);
	if (done == 0 && size != 0) {
		fuse_reply_err(req, ENOSPC);
		return;
	}
	if ((uint64_t)off + done > i->size)
		i->size = (uint64_t)off + done;
	drop_setid_unless_root(req, i);
	touch(i);
	fuse_reply_write(req, done);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
			 struct fuse_file_info *fi)
{
	(void)fi;
	struct inode *i = inode_of(ino);
	uint64_t off = (uint64_t)offset, len = (uint64_t)length, end = off + len;
	int how = mode & ~FALLOC_FL_KEEP_SIZE;
	int err = 0;
	if (!S_ISREG(i->mode))
		err = S_ISDIR(i->mode) ? EISDIR : ENODEV;
	else if (how == FALLOC_FL_PUNCH_HOLE && (mode & FALLOC_FL_KEEP_SIZE))
		file_punch(&i->file, off, len);
	else if (how == 0 || how == FALLOC_FL_ZERO_RANGE)
		err = file_reserve(&i->file, off, len, how != 0) ? 0 : ENOSPC;
	else
		err = EOPNOTSUPP;
	if (!err) {
		if (!(mode & FALLOC_FL_KEEP_SIZE) && end > i->size)
			i->size = end;
		drop_setid_unless_root(req, i);
		touch(i);
	}
	fuse_reply_err(req, err);
}

static void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			       struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			       struct fuse_file_info *fi_out, size_t len, int flags)
{
	(void)fi_in, (void)fi_out;
	struct inode *in = inode_of(ino_in), *out = inode_of(ino_out);
	uint64_t from = (uint64_t)off_in, to = (uint64_t)off_out;
	if (flags != 0) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (from >= in->size)
		len = 0;
	else if (len > in->size - from)
		len = (size_t)(in->size - from);
	size_t done = file_copy(&out->file, to, &in->file, from, len);
	if (done == 0 && len != 0) {
		fuse_reply_err(req, ENOSPC);
		return;
	}
	if (done) {
		if (to + done > out->size)
			out->size = to + done;
		drop_setid_unless_root(req, out);
		touch(out);
		accessed(in);
	}
	fuse_reply_write(req, done);
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		     struct fuse_file_info *fi)
{
	(void)fi;
	const struct inode *i = inode_of(ino);
	if (whence != SEEK_DATA && whence != SEEK_HOLE) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (off < 0 || (uint64_t)off >= i->size) {
		fuse_reply_err(req, ENXIO);
		return;
	}
	uint64_t found = file_seek(&i->file, (uint64_t)off, i->size, whence == SEEK_HOLE);
	if (whence == SEEK_DATA && found == i->size)
		fuse_reply_err(req, ENXIO);
	else
		fuse_reply_lseek(req, (off_t)found);
}

/* ---- directories ---- */

/* Positions: 1 and 2 lie behind "." and "..", n + 3 behind slot n. */
#define POS_ENTRIES 2

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct inode *i = inode_of(ino);
	accessed(i);
	fuse_reply_open(req, fi);
}

static size_t add_entry(fuse_req_t req, bool plus, char *buf, size_t room, const char *name,
			struct inode *i, off_t next)
{
	struct fuse_entry_param e;
	if (!plus) {
		memset(&e.attr, 0, sizeof(e.attr));
		e.attr.st_ino = i->ino;
		e.attr.st_mode = i->mode;
		return fuse_add_direntry(req, buf, room, name, &e.attr, next);
	}
	bool dots = next <= POS_ENTRIES;
	fill_entry(i, &e);
	if (dots)
		e.ino = 0; /* not looked up */
	size_t used = fuse_add_direntry_plus(req, buf, room, name, &e, next);
	if (used <= room && !dots)
		i->nlookup++;
	return used;
}

static void read_dir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	static char buf[DIR_BUFFER];
	struct inode *dir = inode_of(ino);
	size_t room = size < sizeof(buf) ? size : sizeof(buf), used = 0, n;
	for (; off < POS_ENTRIES; off++) {
		struct inode *parent = dir->parent ? dir->parent : dir;
		n = add_entry(req, plus, buf + used, room - used, off ? ".." : ".",
			      off ? parent : dir, off + 1);
		if (n > room - used)
			break;
		used += n;
	}
	uint32_t slot = (uint32_t)(off - POS_ENTRIES);
	struct dent *e;
	while (off >= POS_ENTRIES && (e = dir_next(&dir->dir, &slot))) {
		slot++;
		n = add_entry(req, plus, buf + used, room - used, e->name, e->inode,
			      (off_t)slot + POS_ENTRIES);
		if (n > room - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, buf, used);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	(void)fi;
	read_dir(req, ino, size, off, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			   struct fuse_file_info *fi)
{
	(void)fi;
	read_dir(req, ino, size, off, true);
}

/* ---- the program ---- */

static const struct fuse_lowlevel_ops operations = {
	.lookup = op_lookup,
	.forget = op_forget,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.create = op_create,
	.forget_multi = op_forget_multi,
	.fallocate = op_fallocate,
	.readdirplus = op_readdirplus,
	.copy_file_range = op_copy_file_range,
	.lseek = op_lseek,
};

static const struct fuse_opt option_table[] = {
	{ "size=%s", offsetof(struct options, size), 0 },
	{ "mode=%o", offsetof(struct options, mode), 0 },
	{ "entry_timeout=%lf", offsetof(struct options, entry_timeout), 0 },
	{ "attr_timeout=%lf", offsetof(struct options, attr_timeout), 0 },
	{ "negative_timeout=%lf", offsetof(struct options, negative_timeout), 0 },
	FUSE_OPT_END
};

/* Bytes, or with k, m, g. 0: nonsense. */
static uint64_t parse_size(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);
	unsigned shift = 0;
	switch (*end | 0x20) {
	case 'k': shift = 10; break;
	case 'm': shift = 20; break;
	case 'g': shift = 30; break;
	default: return *end ? 0 : n;
	}
	return end[1] || n > UINT64_MAX >> shift ? 0 : n << shift;
}

static bool set_cap(void)
{
	uint64_t size = options.size ? parse_size(options.size) : DEFAULT_SIZE;
	if (size < 16 * PAGE_SIZE) {
		fprintf(stderr, "memfs: size=%s: not a size of 64k or more\n", options.size);
		return false;
	}
	if (sizeof(void *) == 4 && size > SIZE_LIMIT_32BIT) {
		fprintf(stderr, "memfs: size=%s: more than 1792m do not fit into 32-bit memory\n",
			options.size);
		return false;
	}
	store_set_cap(size);
	return true;
}

static void help(const char *program)
{
	printf("usage: %s [options] mountpoint\n\n", program);
	fuse_cmdline_help();
	fuse_lowlevel_help();
	printf("    -o size=N              cap over data and metadata: bytes, or 64k, 64m, 1g (512m)\n"
	       "    -o mode=M              permissions of the root directory, octal (755)\n"
	       "    -o entry_timeout=T     seconds that the kernel may cache names (60)\n"
	       "    -o negative_timeout=T  ... that there is no such name (60)\n"
	       "    -o attr_timeout=T      ... attributes (60)\n");
}

static int serve(struct fuse_args *args, const struct fuse_cmdline_opts *opts)
{
	int status = 1;
	struct fuse_session *se = fuse_session_new(args, &operations, sizeof(operations), NULL);
	if (!se)
		return 1;
	if (fuse_set_signal_handlers(se) == 0) {
		if (fuse_session_mount(se, opts->mountpoint) == 0) {
			fuse_daemonize(opts->foreground);
			status = fuse_session_loop(se) ? 1 : 0;
			fuse_session_unmount(se);
		}
		fuse_remove_signal_handlers(se);
	}
	fuse_session_destroy(se);
	return status;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts;
	if (fuse_opt_parse(&args, &options, option_table, NULL) == -1 ||
	    fuse_parse_cmdline(&args, &opts) != 0)
		return 2;
	if (opts.show_help) {
		help(argv[0]);
		return 0;
	}
	if (opts.show_version) {
		printf("FUSE library version %s\n", fuse_pkgversion());
		fuse_lowlevel_version();
		return 0;
	}
	if (!opts.mountpoint) {
		fprintf(stderr, "usage: %s [options] mountpoint\n", argv[0]);
		return 2;
	}
	if (!set_cap() || fuse_opt_add_arg(&args, "-odefault_permissions") == -1)
		return 1;
	inode_init(&root, S_IFDIR | (options.mode & 07777), getuid(), getgid());
	int status = serve(&args, &opts);
	free(opts.mountpoint);
	free(options.size);
	fuse_opt_free_args(&args);
	return status;
}
