/* Operations on names. */
#include "inode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
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

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	forget(inode_of(ino), nlookup);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
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

int make_named(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
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

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct inode *i;
	int err = make_named(req, parent, name, mode, &i);
	if (err) {
		fuse_reply_err(req, err);
		return;
	}
	if (S_ISCHR(mode) || S_ISBLK(mode))
		i->rdev = rdev;
	reply_entry(req, i);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct inode *i;
	int err = make_named(req, parent, name, (mode & 07777) | S_IFDIR, &i);
	if (err)
		fuse_reply_err(req, err);
	else
		reply_entry(req, i);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	size_t len = strlen(target);
	char *copy = obj_alloc(len + 1);
	if (!copy) {
		fuse_reply_err(req, ENOSPC);
		return;
	}
	memcpy(copy, target, len + 1);
	struct inode *i;
	int err = make_named(req, parent, name, S_IFLNK | 0777, &i);
	if (err) {
		obj_free(copy, len + 1);
		fuse_reply_err(req, err);
		return;
	}
	i->target = copy;
	i->size = len;
	reply_entry(req, i);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct inode *i = inode_of(ino);
	if (!S_ISLNK(i->mode)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	accessed(i);
	fuse_reply_readlink(req, i->target);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
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

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
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

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
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

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
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
