/*
 * POSIX locks. The filesystem decides; what it granted is noted per node, so
 * that F_GETLK can name the holder without asking.
 */
#include "path.h"

#define LOCK_END INT64_MAX

void wj_locks_free(struct wj_node *node)
{
	while (node->locks) {
		struct wj_lock *l = node->locks;
		node->locks = l->next;
		free(l);
	}
}

static void from_flock(const struct flock *flock, uint64_t owner, struct wj_lock *l)
{
	memset(l, 0, sizeof(*l));
	l->type = flock->l_type;
	l->start = flock->l_start;
	l->end = flock->l_len ? flock->l_start + flock->l_len - 1 : (off_t)LOCK_END;
	l->pid = flock->l_pid;
	l->owner = owner;
}

static void to_flock(const struct wj_lock *l, struct flock *flock)
{
	flock->l_type = (short)l->type;
	flock->l_whence = SEEK_SET;
	flock->l_start = l->start;
	flock->l_len = l->end == (off_t)LOCK_END ? 0 : l->end - l->start + 1;
	flock->l_pid = l->pid;
}

static const struct wj_lock *conflict(const struct wj_node *node, const struct wj_lock *want)
{
	for (const struct wj_lock *l = node->locks; l; l = l->next)
		if (l->owner != want->owner && want->start <= l->end && l->start <= want->end &&
		    (l->type == F_WRLCK || want->type == F_WRLCK))
			return l;
	return NULL;
}

static struct wj_lock *insert(struct wj_node *node, const struct wj_lock *what)
{
	struct wj_lock *l = malloc(sizeof(*l));
	if (!l)
		return NULL;
	*l = *what;
	l->next = node->locks;
	node->locks = l;
	return l;
}

/* The owner's locks in the range give way to the new one, which may be "none". */
static void note(struct wj_node *node, const struct wj_lock *set)
{
	struct wj_lock **at = &node->locks;
	while (*at) {
		struct wj_lock *l = *at;
		if (l->owner != set->owner || l->end < set->start || set->end < l->start) {
			at = &l->next;
			continue;
		}
		struct wj_lock rest = *l;
		bool before = l->start < set->start, after = l->end > set->end;
		if (before && after) {
			rest.start = set->end + 1;
			l->end = set->start - 1;
			insert(node, &rest);
			at = &l->next;
		} else if (before) {
			l->end = set->start - 1;
			at = &l->next;
		} else if (after) {
			l->start = set->end + 1;
			at = &l->next;
		} else {
			*at = l->next;
			free(l);
		}
	}
	if (set->type != F_UNLCK)
		insert(node, set);
}

static int lock(struct fuse *f, uint64_t nodeid, struct fuse_file_info *fi, struct flock *flock,
		int cmd)
{
	struct wj_path path;
	int err = wj_path_open(f, nodeid, &path);
	if (!err)
		err = wj_fs_lock(f->fs, path.str, fi, cmd, flock);
	wj_path_free(&path);
	return err;
}

void wj_op_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *flock)
{
	struct fuse *f = wj_begin(req);
	struct wj_node *node = wj_node(f, ino);
	struct wj_lock want;
	from_flock(flock, fi->lock_owner, &want);
	const struct wj_lock *held = node ? conflict(node, &want) : NULL;
	int err = 0;
	if (held)
		to_flock(held, flock);
	else
		err = lock(f, ino, fi, flock, F_GETLK);
	if (err)
		wj_reply(req, err);
	else
		fuse_reply_lock(req, flock);
}

void wj_op_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *flock,
		 int sleep)
{
	struct fuse *f = wj_begin(req);
	int err = lock(f, ino, fi, flock, sleep ? F_SETLKW : F_SETLK);
	struct wj_node *node = wj_node(f, ino);
	if (!err && node) {
		struct wj_lock set;
		from_flock(flock, fi->lock_owner, &set);
		note(node, &set);
	}
	wj_reply(req, err);
}

int wj_unlock_at_flush(struct fuse *f, uint64_t nodeid, const char *path, struct fuse_file_info *fi)
{
	struct flock flock;
	memset(&flock, 0, sizeof(flock));
	flock.l_type = F_UNLCK;
	flock.l_whence = SEEK_SET;
	int err = wj_fs_lock(f->fs, path, fi, F_SETLK, &flock);
	struct wj_node *node = wj_node(f, nodeid);
	if (err != -ENOSYS && node) {
		struct wj_lock none;
		from_flock(&flock, fi->lock_owner, &none);
		note(node, &none);
	}
	return err;
}

void wj_op_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	int err = wj_path_open(f, ino, &path);
	if (!err)
		err = wj_fs_flock(f->fs, path.str, fi, op);
	wj_path_free(&path);
	wj_reply(req, err);
}
