/*
 * Directories. A readdir() that passes offset 0 to the filler is read at once
 * into a list, which is then served from any position in constant time; one that
 * passes offsets of its own fills each reply directly.
 */
#include "path.h"

#include <sys/stat.h>

/* An entry of the list; the name, and attributes if they are complete, follow in the arena. */
struct entry {
	size_t name; /* offset in the arena */
	size_t stat; /* offset in the arena, NO_STAT: only inode number and type are known */
	uint64_t ino;
	mode_t mode;
};

#define NO_STAT SIZE_MAX

struct wj_dh {
	struct fuse *f;
	fuse_req_t req;
	uint64_t nodeid;
	uint64_t fh; /* the filesystem's */
	bool filled; /* there is a list */
	bool plus;
	int error;
	struct entry *entries;
	size_t count, cap;
	char *arena;
	size_t arena_used, arena_cap;
	char *out; /* direct mode */
	size_t out_used, out_size;
};

static struct wj_dh *handle_of(const struct fuse_file_info *llfi)
{
	return (struct wj_dh *)(uintptr_t)llfi->fh;
}

void wj_dir_file_info(struct fuse_file_info *llfi, struct fuse_file_info *fi)
{
	memset(fi, 0, sizeof(*fi));
	fi->fh = handle_of(llfi)->fh;
	fi->flags = llfi->flags;
}

static void free_handle(struct wj_dh *dh)
{
	free(dh->entries);
	free(dh->arena);
	free(dh);
}

/* ---- one entry into a reply ---- */

#if WJ_API == 3
static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}
#endif

/* `st` is complete or has only inode number and type. False: it does not fit (or an error). */
static bool put(struct wj_dh *dh, char *out, size_t size, size_t *used, const char *name,
		const struct stat *st, bool complete, off_t off)
{
	size_t room = size - *used;
	size_t need;
#if WJ_API == 3
	if (dh->plus) {
		struct fuse_entry_param e = { .attr = *st };
		need = fuse_add_direntry_plus(dh->req, NULL, 0, name, NULL, 0);
		if (need > room)
			return false;
		if (complete && !is_dots(name)) {
			int err = wj_entry(dh->f, dh->nodeid, name, &e);
			if (err) {
				dh->error = err;
				return false;
			}
		}
		fuse_add_direntry_plus(dh->req, out + *used, room, name, &e, off);
		*used += need;
		return true;
	}
#endif
	(void)complete;
	need = fuse_add_direntry(dh->req, out + *used, room, name, st, off);
	if (need > room)
		return false;
	*used += need;
	return true;
}

/* ---- the list ---- */

static bool reserve(void **mem, size_t *cap, size_t want, size_t unit)
{
	if (want <= *cap)
		return true;
	size_t bigger = *cap ? *cap * 2 : 64;
	while (bigger < want)
		bigger *= 2;
	void *m = realloc(*mem, bigger * unit);
	if (!m)
		return false;
	*mem = m;
	*cap = bigger;
	return true;
}

static bool append(struct wj_dh *dh, const char *name, const struct stat *st, bool complete)
{
	size_t len = strlen(name) + 1;
	size_t stat_at = (dh->arena_used + 7) & ~(size_t)7;
	size_t name_at = complete ? stat_at + sizeof(*st) : dh->arena_used;
	if (!reserve((void **)&dh->arena, &dh->arena_cap, name_at + len, 1) ||
	    !reserve((void **)&dh->entries, &dh->cap, dh->count + 1, sizeof(struct entry)))
		return false;
	struct entry *e = &dh->entries[dh->count++];
	e->name = name_at;
	e->stat = complete ? stat_at : NO_STAT;
	e->ino = st->st_ino;
	e->mode = st->st_mode;
	if (complete)
		memcpy(dh->arena + stat_at, st, sizeof(*st));
	memcpy(dh->arena + name_at, name, len);
	dh->arena_used = name_at + len;
	return true;
}

static size_t serve_list(struct wj_dh *dh, char *out, size_t size, off_t off)
{
	size_t used = 0;
	for (size_t i = (size_t)off; i < dh->count; i++) {
		const struct entry *e = &dh->entries[i];
		struct stat known;
		const struct stat *st = &known;
		if (e->stat != NO_STAT) {
			st = (const struct stat *)(void *)(dh->arena + e->stat);
		} else {
			memset(&known, 0, sizeof(known));
			known.st_ino = e->ino;
			known.st_mode = e->mode;
		}
		if (!put(dh, out, size, &used, dh->arena + e->name, st, e->stat != NO_STAT,
			 (off_t)i + 1))
			break;
	}
	return used;
}

/* ---- the filler ---- */

static int fill_held(struct wj_dh *dh, const char *name, const struct stat *given, off_t off,
		     bool complete)
{
	struct stat known;
	const struct stat *st = &known;
	complete = complete && given && dh->plus;
	if (complete && dh->f->conf.use_ino) {
		st = given;
	} else if (complete) {
		known = *given;
	} else {
		memset(&known, 0, sizeof(known));
		known.st_ino = given ? given->st_ino : WJ_UNKNOWN_INO;
		known.st_mode = given ? given->st_mode : 0;
	}
	if (!dh->f->conf.use_ino) {
		known.st_ino = WJ_UNKNOWN_INO;
		if (dh->f->conf.readdir_ino) {
			const struct wj_node *node = wj_lookup_node(dh->f, dh->nodeid, name);
			if (node)
				known.st_ino = node->nodeid;
		}
	}
	if (off == 0) {
		dh->filled = true;
		if (!append(dh, name, st, complete))
			dh->error = -ENOMEM;
		return dh->error != 0;
	}
	if (dh->filled) { /* both modes in one listing */
		dh->error = -EIO;
		return 1;
	}
	return !put(dh, dh->out, dh->out_size, &dh->out_used, name, st, complete, off);
}

static int fill(struct wj_dh *dh, const char *name, const struct stat *given, off_t off,
		bool complete)
{
	bool taken = wj_tree_take();
	int full = fill_held(dh, name, given, off, complete);
	wj_tree_give(taken);
	return full;
}

#if WJ_API == 3
int wj_fill_dir(void *buf, const char *name, const struct stat *st, off_t off,
		enum fuse_fill_dir_flags flags)
{
	return fill(buf, name, st, off, (flags & FUSE_FILL_DIR_PLUS) != 0);
}
#else
int wj_fill_dir(void *buf, const char *name, const struct stat *st, off_t off)
{
	return fill(buf, name, st, off, false);
}

/* The filler of getdir(), which readdir() replaced. */
int wj_fill_getdir(void *buf, const char *name, int type, ino_t ino)
{
	struct stat st;
	memset(&st, 0, sizeof(st));
	st.st_mode = (mode_t)type << 12;
	st.st_ino = ino;
	fill(buf, name, &st, 0, false);
	return ((struct wj_dh *)buf)->error;
}
#endif

/* ---- operations ---- */

void wj_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *llfi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	struct fuse_file_info fi;
	struct wj_dh *dh = calloc(1, sizeof(*dh));
	if (!dh) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	dh->f = f;
	dh->nodeid = ino;
	memset(&fi, 0, sizeof(fi));
	fi.flags = llfi->flags;
	int err = wj_path(f, ino, NULL, &path);
	if (!err)
		err = wj_fs_opendir(f->fs, path.str, &fi);
	if (err) {
		wj_path_free(&path);
		free_handle(dh);
		wj_reply(req, err);
		return;
	}
	dh->fh = fi.fh;
	llfi->fh = (uintptr_t)dh;
	llfi->keep_cache = fi.keep_cache;
#if WJ_API == 3
	llfi->cache_readdir = fi.cache_readdir;
#endif
	if (fuse_reply_open(req, llfi) == -ENOENT) {
		wj_fs_releasedir(f->fs, path.str, &fi);
		free_handle(dh);
	}
	wj_path_free(&path);
}

static int read_directory(struct wj_dh *dh, uint64_t nodeid, off_t off, struct fuse_file_info *llfi)
{
	struct wj_path path;
	struct fuse_file_info fi;
	wj_dir_file_info(llfi, &fi);
	int err = wj_path_open(dh->f, nodeid, &path);
	dh->error = 0;
	if (!err)
		err = wj_fs_readdir(dh->f->fs, path.str, dh, off, &fi, dh->plus);
	wj_path_free(&path);
	return err < 0 ? err : dh->error;
}

static void readdir_common(fuse_req_t req, uint64_t nodeid, size_t size, off_t off,
			   struct fuse_file_info *llfi, bool plus)
{
	struct fuse *f = wj_begin(req);
	struct wj_dh *dh = handle_of(llfi);
	dh->req = req;
	dh->plus = plus;
	dh->out = wj_io_buffer(f, size);
	dh->out_size = size;
	dh->out_used = 0;
	if (!dh->out) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (off == 0) { /* from the start: as it is now */
		dh->filled = false;
		dh->count = 0;
		dh->arena_used = 0;
	}
	if (!dh->filled) {
		int err = read_directory(dh, nodeid, off, llfi);
		if (err) {
			wj_reply(req, err);
			return;
		}
	}
	if (dh->filled)
		dh->out_used = serve_list(dh, dh->out, size, off);
	fuse_reply_buf(req, dh->out, dh->out_used);
}

void wj_op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi)
{
	readdir_common(req, ino, size, off, fi, false);
}

#if WJ_API == 3
void wj_op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	readdir_common(req, ino, size, off, fi, true);
}
#endif

void wj_op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *llfi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	struct fuse_file_info fi;
	wj_dir_file_info(llfi, &fi);
	wj_path_open(f, ino, &path); /* null if it has been removed */
	wj_fs_releasedir(f->fs, path.str, &fi);
	wj_path_free(&path);
	free_handle(handle_of(llfi));
	fuse_reply_err(req, 0);
}

void wj_op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *llfi)
{
	struct fuse *f = wj_begin(req);
	struct wj_path path;
	struct fuse_file_info fi;
	wj_dir_file_info(llfi, &fi);
	int err = wj_path_open(f, ino, &path);
	if (!err)
		err = wj_fs_fsyncdir(f->fs, path.str, datasync, &fi);
	wj_path_free(&path);
	wj_reply(req, err);
}
