/*
 * Inodes. A nodeid is an inode's address, which the kernel hands back until it has
 * forgotten it as often as it was told; the inode lives until it has neither names
 * nor lookups.
 */
#include "inode.h"

#include <string.h>

struct inode root;
uint64_t inode_count;
static uint64_t next_ino = FUSE_ROOT_ID;

void inode_init(struct inode *i, mode_t mode, uid_t uid, gid_t gid)
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

struct inode *inode_new(fuse_req_t req, const struct inode *parent, mode_t mode)
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

void inode_drop(struct inode *i)
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

void forget(struct inode *i, uint64_t count)
{
	i->nlookup = count < i->nlookup ? i->nlookup - count : 0;
	inode_drop(i);
}

void fill_stat(const struct inode *i, struct stat *st)
{
	*st = (struct stat){
		.st_ino = i->ino,
		.st_mode = i->mode,
		.st_nlink = i->nlink,
		.st_uid = i->uid,
		.st_gid = i->gid,
		.st_rdev = i->rdev,
		.st_size = (off_t)i->size,
		.st_blksize = PAGE_SIZE,
		.st_blocks = S_ISREG(i->mode) ? (blkcnt_t)(i->file.pages * (PAGE_SIZE / 512)) : 0,
		.st_atim = i->atime,
		.st_mtim = i->mtime,
		.st_ctim = i->ctime,
	};
}

void fill_entry(const struct inode *i, struct fuse_entry_param *e)
{
	e->ino = nodeid_of(i);
	e->generation = i->ino;
	e->attr_timeout = options.attr_timeout;
	e->entry_timeout = options.entry_timeout;
	fill_stat(i, &e->attr);
}

void reply_entry(fuse_req_t req, struct inode *i)
{
	struct fuse_entry_param e;
	fill_entry(i, &e);
	i->nlookup++;
	if (fuse_reply_entry(req, &e) != 0)
		forget(i, 1);
}

void touch(struct inode *i)
{
	i->mtime = i->ctime = now();
}

static bool before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

void accessed(struct inode *i)
{
	if (!before(&i->mtime, &i->atime) || !before(&i->ctime, &i->atime))
		i->atime = now();
}

void drop_setid(struct inode *i)
{
	i->mode &= ~(mode_t)S_ISUID;
	if (i->mode & S_IXGRP)
		i->mode &= ~(mode_t)S_ISGID;
}

void drop_setid_unless_root(fuse_req_t req, struct inode *i)
{
	if ((i->mode & (S_ISUID | S_ISGID)) && fuse_req_ctx(req)->uid != 0)
		drop_setid(i);
}
