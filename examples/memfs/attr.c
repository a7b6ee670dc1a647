/* Operations on attributes, ordinary and extended. */
#include "inode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	struct stat st;
	fill_stat(inode_of(ino), &st);
	fuse_reply_attr(req, &st, options.attr_timeout);
}

void set_size(fuse_req_t req, struct inode *i, uint64_t size)
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

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
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

void op_statfs(fuse_req_t req, fuse_ino_t ino)
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

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			size_t size, int flags)
{
	struct inode *i = inode_of(ino);
	int err = unsupported_xattr(name) ? -EOPNOTSUPP
					  : xattr_set(&i->xattrs, name, value, size, flags);
	if (!err)
		i->ctime = now();
	fuse_reply_err(req, -err);
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
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

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
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

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct inode *i = inode_of(ino);
	int err = unsupported_xattr(name) ? -EOPNOTSUPP : xattr_remove(&i->xattrs, name);
	if (!err)
		i->ctime = now();
	fuse_reply_err(req, -err);
}
