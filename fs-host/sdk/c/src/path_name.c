/* Operations on names and attributes. */
#include "path.h"

#include "wide_time.h"

#include <sys/stat.h>

static void override_stat(const struct fuse *f, uint64_t nodeid, struct stat *st)
{
	const struct wj_config *c = &f->conf;
	if (!c->use_ino)
		st->st_ino = nodeid;
	if (c->set_mode)
		st->st_mode = (st->st_mode & S_IFMT) | (0777 & ~c->umask);
	if (c->set_uid)
		st->st_uid = c->uid;
	if (c->set_gid)
		st->st_gid = c->gid;
}

void wj_update_stat(struct wj_node *node, const struct stat *st)
{
	if (node->cache_valid &&
	    (node->mtime.tv_sec != st->st_mtim.tv_sec ||
	     node->mtime.tv_nsec != st->st_mtim.tv_nsec || node->size != st->st_size))
		node->cache_valid = false;
	node->mtime = st->st_mtim;
	node->size = st->st_size;
	clock_gettime(CLOCK_MONOTONIC, &node->stat_updated);
}

int wj_entry(struct fuse *f, uint64_t parent, const char *name, struct fuse_entry_param *e)
{
	struct wj_node *node = wj_find_node(f, parent, name);
	if (!node)
		return -ENOMEM;
	e->ino = (fuse_ino_t)node->nodeid;
	e->generation = node->generation;
	e->entry_timeout = f->conf.entry_timeout;
	e->attr_timeout = f->conf.attr_timeout;
	if (f->conf.auto_cache)
		wj_update_stat(node, &e->attr);
	override_stat(f, node->nodeid, &e->attr);
	return 0;
}

int wj_lookup_path(struct fuse *f, uint64_t parent, const char *name, const char *path,
		   struct fuse_entry_param *e, struct fuse_file_info *fi)
{
	memset(e, 0, sizeof(*e));
	int err = wj_fs_getattr(f->fs, path, &e->attr, fi);
	return err ? err : wj_entry(f, parent, name, e);
}

static void reply_entry(fuse_req_t req, struct fuse *f, const struct fuse_entry_param *e, int err)
{
	if (err)
		wj_reply(req, err);
	else if (fuse_reply_entry(req, e) == -ENOENT && e->ino)
		wj_forget(f, e->ino, 1); /* interrupted: the kernel never saw it */
}

/* "." and ".." come only from exported filesystems, whose nodes may be nameless. */
static int lookup_dots(struct fuse *f, uint64_t *parent, const char **name)
{
	struct wj_node *dir = wj_node(f, *parent);
	if (!dir)
		return -ESTALE;
	if ((*name)[1] == '.') {
		if (*parent != FUSE_ROOT_ID) {
			if (!dir->parent)
				return -ESTALE;
			*parent = dir->parent->nodeid;
		}
	}
	*name = NULL;
	return 0;
}

void wj_op_lookup(fuse_req_t req, fuse_ino_t parent_ino, const char *name)
{
	struct fuse *f = wj_begin(req);
	uint64_t parent = parent_ino;
	struct fuse_entry_param e;
	struct wj_path path = { .heap = NULL };
	int err = 0;
	if (f->conf.remember > 0)
		wj_clean_cache(f);
	if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])))
		err = lookup_dots(f, &parent, &name);
	if (!err)
		err = wj_path(f, parent, name, &path);
	if (!err)
		err = wj_lookup_path(f, parent, name, path.str, &e, NULL);
	if (err == -ENOENT && f->conf.negative_timeout != 0.0) {
		memset(&e, 0, sizeof(e));
		e.entry_timeout = f->conf.negative_timeout;
		err = 0;
	}
	wj_path_free(&path);
	reply_entry(req, f, &e, err);
}

#if WJ_API == 3
void wj_op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
#else
void wj_op_forget(fuse_req_t req, fuse_ino_t ino, unsigned long nlookup)
#endif
{
	wj_forget(wj_begin(req), ino, nlookup);
	fuse_reply_none(req);
}

void wj_op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct fuse *f = wj_begin(req);
	for (size_t i = 0; i < count; i++)
		wj_forget(f, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void reply_attr(fuse_req_t req, struct fuse *f, uint64_t nodeid, struct stat *st, int err)
{
	if (err) {
		wj_reply(req, err);
		return;
	}
	struct wj_node *node = wj_node(f, nodeid);
	if (node && node->hidden && st->st_nlink > 0)
		st->st_nlink--; /* the hidden name is not one that was asked for */
	if (f->conf.auto_cache && node)
		wj_update_stat(node, st);
	override_stat(f, nodeid, st);
	fuse_reply_attr(req, st, f->conf.attr_timeout);
}

void wj_op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	struct stat st;
	memset(&st, 0, sizeof(st));
	int err = fi ? wj_path_open(f, ino, &path) : wj_path(f, ino, NULL, &path);
	if (!err)
		err = wj_fs_getattr(f->fs, path.str, &st, fi);
	wj_path_free(&path);
	reply_attr(req, f, ino, &st, err);
}

/* utimens() may hand its times on to calls that know nothing of wide ones: clamp them. */
static struct timespec plain_time(const struct timespec *t)
{
	int64_t seconds = wj_seconds(t);
	if (sizeof(t->tv_sec) >= sizeof(seconds) || seconds == (int64_t)t->tv_sec)
		return *t;
	return (struct timespec){ INT32_MAX, (long)wj_nanoseconds(t) };
}

/* Which of the two times to set, to what, in utimensat's words. */
static int set_times(struct fuse *f, const char *path, const struct stat *attr, int valid,
		     struct fuse_file_info *fi)
{
	struct timespec tv[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };
	const struct timespec atime = plain_time(&attr->st_atim), mtime = plain_time(&attr->st_mtim);
	if (WJ_API == 2 && !f->conf.utime_omit_ok) {
		int both = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME;
		if ((valid & both) != both)
			return 0;
		tv[0] = atime;
		tv[1] = mtime;
		return wj_fs_utimens(f->fs, path, tv, fi);
	}
	if (valid & FUSE_SET_ATTR_ATIME_NOW)
		tv[0].tv_nsec = UTIME_NOW;
	else if (valid & FUSE_SET_ATTR_ATIME)
		tv[0] = atime;
	if (valid & FUSE_SET_ATTR_MTIME_NOW)
		tv[1].tv_nsec = UTIME_NOW;
	else if (valid & FUSE_SET_ATTR_MTIME)
		tv[1] = mtime;
	return wj_fs_utimens(f->fs, path, tv, fi);
}

static int set_attributes(struct fuse *f, const char *path, const struct stat *attr, int valid,
			  struct fuse_file_info *fi)
{
	int err = 0;
	if (valid & FUSE_SET_ATTR_MODE)
		err = wj_fs_chmod(f->fs, path, attr->st_mode, fi);
	if (!err && (valid & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
		err = wj_fs_chown(f->fs, path,
				  (valid & FUSE_SET_ATTR_UID) ? attr->st_uid : (uid_t)-1,
				  (valid & FUSE_SET_ATTR_GID) ? attr->st_gid : (gid_t)-1, fi);
	if (!err && (valid & FUSE_SET_ATTR_SIZE))
		err = wj_fs_truncate(f->fs, path, attr->st_size, fi);
	if (!err && (valid & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)))
		err = set_times(f, path, attr, valid, fi);
	return err;
}

void wj_op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int valid,
		   struct fuse_file_info *fi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	struct stat st;
	memset(&st, 0, sizeof(st));
	int err = fi ? wj_path_open(f, ino, &path) : wj_path(f, ino, NULL, &path);
	if (!err)
		err = set_attributes(f, path.str, attr, valid, fi);
	if (!err)
		err = wj_fs_getattr(f->fs, path.str, &st, fi);
	wj_path_free(&path);
	reply_attr(req, f, ino, &st, err);
}

void wj_op_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path(f, ino, NULL, &path);
	if (!err)
		err = wj_fs_access(f->fs, path.str, mask);
	wj_path_free(&path);
	wj_reply(req, err);
}

void wj_op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	char target[PATH_MAX + 1];
	int err = wj_path(f, ino, NULL, &path);
	if (!err)
		err = wj_fs_readlink(f->fs, path.str, target, sizeof(target));
	wj_path_free(&path);
	if (err) {
		wj_reply(req, err);
		return;
	}
	target[PATH_MAX] = '\0';
	fuse_reply_readlink(req, target);
}

/* After something was created: what it is now. */
static void reply_created(fuse_req_t req, struct fuse *f, uint64_t parent, const char *name,
			  struct wj_path *path, int err)
{
	struct fuse_entry_param e;
	if (!err)
		err = wj_lookup_path(f, parent, name, path->str, &e, NULL);
	wj_path_free(path);
	reply_entry(req, f, &e, err);
}

/* Regular files are created open, if the filesystem can. */
static int create_file(struct fuse *f, const char *path, mode_t mode)
{
	struct fuse_file_info fi;
	memset(&fi, 0, sizeof(fi));
	fi.flags = O_CREAT | O_EXCL | O_WRONLY;
	int err = wj_fs_create(f->fs, path, mode, &fi);
	if (!err)
		wj_fs_release(f->fs, path, &fi);
	return err;
}

void wj_op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path(f, parent, name, &path);
	if (!err) {
		err = S_ISREG(mode) ? create_file(f, path.str, mode) : -ENOSYS;
		if (err == -ENOSYS)
			err = wj_fs_mknod(f->fs, path.str, mode, rdev);
	}
	reply_created(req, f, parent, name, &path, err);
}

void wj_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path(f, parent, name, &path);
	if (!err)
		err = wj_fs_mkdir(f->fs, path.str, mode);
	reply_created(req, f, parent, name, &path, err);
}

void wj_op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path(f, parent, name, &path);
	if (!err)
		err = wj_fs_symlink(f->fs, target, path.str);
	reply_created(req, f, parent, name, &path, err);
}

void wj_op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	struct fuse *f = wj_begin(req);
	struct wj_path old, new;
	int err = wj_path(f, newparent, newname, &new);
	int old_err = wj_path(f, ino, NULL, &old);
	if (!err)
		err = old_err ? old_err : wj_fs_link(f->fs, old.str, new.str);
	wj_path_free(&old);
	reply_created(req, f, newparent, newname, &new, err);
}

static bool is_open(struct fuse *f, uint64_t dir, const char *name)
{
	struct wj_node *node = wj_lookup_node(f, dir, name);
	return node && node->open_count > 0;
}

/* A name in `dir` that neither we nor the filesystem know. */
static int hidden_name(struct fuse *f, uint64_t dir, const struct wj_node *node, char *name,
		       size_t size, struct wj_path *path)
{
	for (int attempt = 0; attempt < WJ_HIDE_ATTEMPTS; attempt++) {
		struct stat st;
		snprintf(name, size, WJ_HIDDEN_PREFIX "%08x%08x", (unsigned)node->nodeid,
			 ++f->hide_counter);
		if (wj_lookup_node(f, dir, name))
			continue;
		int err = wj_path(f, dir, name, path);
		if (err)
			return err;
		if (wj_fs_getattr(f->fs, path->str, &st, NULL) == -ENOENT)
			return 0;
		wj_path_free(path);
	}
	return -EBUSY;
}

/* A file that is open keeps its data under another name until it is closed. */
static int hide(struct fuse *f, const char *old_path, uint64_t dir, const char *name)
{
	struct wj_node *node = wj_lookup_node(f, dir, name);
	struct wj_path path;
	char hidden[64];
	int err = hidden_name(f, dir, node, hidden, sizeof(hidden), &path);
	if (err)
		return err;
	err = wj_fs_rename(f->fs, old_path, path.str, 0);
	if (!err)
		err = wj_rename_node(f, dir, name, dir, hidden);
	if (!err)
		node->hidden = true;
	wj_path_free(&path);
	return err;
}

void wj_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path(f, parent, name, &path);
	if (!err) {
		if (!f->conf.hard_remove && is_open(f, parent, name)) {
			err = hide(f, path.str, parent, name);
		} else {
			err = wj_fs_unlink(f->fs, path.str);
			if (!err)
				wj_remove_name(f, parent, name);
		}
	}
	wj_path_free(&path);
	wj_reply(req, err);
}

void wj_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path(f, parent, name, &path);
	if (!err)
		err = wj_fs_rmdir(f->fs, path.str);
	if (!err)
		wj_remove_name(f, parent, name);
	wj_path_free(&path);
	wj_reply(req, err);
}

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

#if WJ_API == 3
void wj_op_rename(fuse_req_t req, fuse_ino_t olddir, const char *oldname, fuse_ino_t newdir,
		  const char *newname, unsigned int flags)
{
#else
void wj_op_rename(fuse_req_t req, fuse_ino_t olddir, const char *oldname, fuse_ino_t newdir,
		  const char *newname)
{
	const unsigned flags = 0;
#endif
	struct fuse *f = wj_begin(req);
	struct wj_path old, new;
	bool exchange = flags & RENAME_EXCHANGE;
	int err = wj_path(f, olddir, oldname, &old);
	int new_err = wj_path(f, newdir, newname, &new);
	if (!err)
		err = new_err;
	if (!err && !f->conf.hard_remove && !exchange && is_open(f, newdir, newname))
		err = hide(f, new.str, newdir, newname);
	if (!err)
		err = wj_fs_rename(f->fs, old.str, new.str, flags);
	if (!err)
		err = exchange ? wj_exchange_nodes(f, olddir, oldname, newdir, newname)
			       : wj_rename_node(f, olddir, oldname, newdir, newname);
	wj_path_free(&old);
	wj_path_free(&new);
	wj_reply(req, err);
}

void wj_op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path = { .heap = NULL };
	struct statvfs st;
	memset(&st, 0, sizeof(st));
	int err = ino ? wj_path(f, ino, NULL, &path) : 0;
	if (!err)
		err = wj_fs_statfs(f->fs, ino ? path.str : "/", &st);
	wj_path_free(&path);
	if (err)
		wj_reply(req, err);
	else
		fuse_reply_statfs(req, &st);
}

/* ---- extended attributes ---- */

void wj_op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		    size_t size, int flags)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path(f, ino, NULL, &path);
	if (!err)
		err = wj_fs_setxattr(f->fs, path.str, name, value, size, flags);
	wj_path_free(&path);
	wj_reply(req, err);
}

/* A value, or with size 0 how long it is; `name` null: the list of names. */
static void reply_xattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path = { .heap = NULL };
	char *buf = size ? wj_io_buffer(f, size) : NULL;
	int res = size && !buf ? -ENOMEM : wj_path(f, ino, NULL, &path);
	if (!res)
		res = name ? wj_fs_getxattr(f->fs, path.str, name, buf, size)
			   : wj_fs_listxattr(f->fs, path.str, buf, size);
	wj_path_free(&path);
	if (res < 0)
		wj_reply(req, res);
	else if (size)
		fuse_reply_buf(req, buf, (size_t)res);
	else
		fuse_reply_xattr(req, (size_t)res);
}

void wj_op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	reply_xattr(req, ino, name, size);
}

void wj_op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	reply_xattr(req, ino, NULL, size);
}

void wj_op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path(f, ino, NULL, &path);
	if (!err)
		err = wj_fs_removexattr(f->fs, path.str, name);
	wj_path_free(&path);
	wj_reply(req, err);
}

void wj_op_bmap(fuse_req_t req, fuse_ino_t ino, size_t blocksize, uint64_t idx)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path(f, ino, NULL, &path);
	if (!err)
		err = wj_fs_bmap(f->fs, path.str, blocksize, &idx);
	wj_path_free(&path);
	if (err)
		wj_reply(req, err);
	else
		fuse_reply_bmap(req, idx);
}
