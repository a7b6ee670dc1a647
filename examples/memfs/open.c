/* Operations on open files and directories. */
#include "inode.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <unistd.h>

#define MAX_READ (1u << 20)
#define READ_PIECES (MAX_READ / PAGE_SIZE + 2)
#define DIR_BUFFER (64u << 10)
#define DAY 86400

/*
 * Were O_TRUNC part of the open request, the kernel would ask only after it whether the file is a
 * running program: open(2) would fail with ETXTBSY, and the program be gone. Without, it asks first
 * and truncates by setattr.
 */
void op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want &= ~FUSE_CAP_ATOMIC_O_TRUNC;
}

static void opened(fuse_req_t req, struct inode *i, struct fuse_file_info *fi)
{
	fi->keep_cache = 1;
	if (fi->flags & O_TRUNC)
		set_size(req, i, 0);
	else if (now().tv_sec - i->atime.tv_sec >= DAY)
		i->atime = now();
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	opened(req, inode_of(ino), fi);
	fuse_reply_open(req, fi);
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	struct inode *i;
	int err = make_named(req, parent, name, (mode & 07777) | S_IFREG, &i);
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

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
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

void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
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

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
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

void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
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

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
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

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
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

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	(void)fi;
	read_dir(req, ino, size, off, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			   struct fuse_file_info *fi)
{
	(void)fi;
	read_dir(req, ino, size, off, true);
}
