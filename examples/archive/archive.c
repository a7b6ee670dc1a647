/*
 * The FUSE operations of the archive filesystem, and main().
 *
 *   native: cc -O2 *.c $(pkg-config --cflags --libs fuse3) -o archive
 *   wasm:   wasmjit-cc -O2 *.c -o archive.wasm
 *   use:    archive FILE.tar MOUNTPOINT   (or -o source=FILE.tar)
 *
 * Inode i has nodeid i + 1. Nothing ever changes, so the kernel may cache it all for ever and
 * forget() is none of our business.
 */
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define FOR_EVER 86400.0
#define DIR_BUFFER (64u << 10)
#define POS_ENTRIES 2 /* positions 1 and 2 lie behind "." and ".." */

static struct tar tar;
static struct tree tree;

static struct options {
	char *source;
	char *first_argument;
	int quiet;
} options;

static uint32_t index_of(fuse_ino_t ino)
{
	return (uint32_t)(ino - FUSE_ROOT_ID);
}

static const struct inode *inode_of(fuse_ino_t ino)
{
	return &tree.inodes[index_of(ino)];
}

static void fill_stat(uint32_t index, struct stat *st)
{
	const struct inode *i = &tree.inodes[index];
	memset(st, 0, sizeof(*st));
	st->st_ino = index + FUSE_ROOT_ID;
	st->st_mode = i->mode;
	st->st_nlink = i->nlink;
	st->st_uid = i->uid;
	st->st_gid = i->gid;
	st->st_rdev = i->rdev;
	st->st_size = (off_t)i->size;
	st->st_blksize = 4096;
	st->st_blocks = (blkcnt_t)((i->size + 511) / 512);
	st->st_atim = st->st_mtim = st->st_ctim = i->mtime;
}

static void fill_entry(uint32_t index, struct fuse_entry_param *e)
{
	memset(e, 0, sizeof(*e));
	e->ino = index + FUSE_ROOT_ID;
	e->generation = 1;
	e->attr_timeout = e->entry_timeout = FOR_EVER;
	fill_stat(index, &e->attr);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e;
	uint32_t found = tree_lookup(&tree, index_of(parent), name, strlen(name));
	if (found == NONE) {
		memset(&e, 0, sizeof(e));
		e.entry_timeout = FOR_EVER;
	} else {
		fill_entry(found, &e);
	}
	fuse_reply_entry(req, &e);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	struct stat st;
	fill_stat(index_of(ino), &st);
	fuse_reply_attr(req, &st, FOR_EVER);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	const struct inode *i = inode_of(ino);
	if (i->target)
		fuse_reply_readlink(req, i->target);
	else
		fuse_reply_err(req, EINVAL);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	if ((fi->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EROFS);
		return;
	}
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	(void)fi;
	const struct inode *i = inode_of(ino);
	uint64_t at = (uint64_t)off;
	if (at >= i->size)
		size = 0;
	else if (size > i->size - at)
		size = (size_t)(i->size - at);
	struct fuse_bufvec v = FUSE_BUFVEC_INIT(size);
	v.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK | FUSE_BUF_FD_RETRY;
	v.buf[0].fd = tar.fd;
	v.buf[0].pos = (off_t)(i->data + at);
	fuse_reply_data(req, &v, FUSE_BUF_SPLICE_MOVE);
}

static size_t add_entry(fuse_req_t req, bool plus, char *buf, size_t room, const char *name,
			uint32_t inode, off_t next)
{
	struct fuse_entry_param e;
	fill_entry(inode, &e);
	if (!plus)
		return fuse_add_direntry(req, buf, room, name, &e.attr, next);
	if (next <= POS_ENTRIES)
		e.ino = 0; /* "." and ".." are not looked up */
	return fuse_add_direntry_plus(req, buf, room, name, &e, next);
}

static void read_dir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	static char buf[DIR_BUFFER];
	const struct inode *dir = inode_of(ino);
	size_t room = size < sizeof(buf) ? size : sizeof(buf), used = 0;
	for (; (uint64_t)off < (uint64_t)dir->count + POS_ENTRIES; off++) {
		const char *name = off ? ".." : ".";
		uint32_t inode = off ? dir->parent : index_of(ino);
		if (off >= POS_ENTRIES) {
			const struct name *n =
				&tree.names[tree.children[dir->first + (uint32_t)off - POS_ENTRIES]];
			name = n->text;
			inode = n->inode;
		}
		size_t n = add_entry(req, plus, buf + used, room - used, name, inode, off + 1);
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

/* The kernel may keep directories, too. */
static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->keep_cache = 1;
	fi->cache_readdir = 1;
	fuse_reply_open(req, fi);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	(void)ino;
	struct statvfs st;
	memset(&st, 0, sizeof(st));
	st.f_bsize = st.f_frsize = 512;
	st.f_blocks = (fsblkcnt_t)(tree.bytes / 512);
	st.f_files = tree.inode_count;
	st.f_namemax = NAME_LIMIT;
	fuse_reply_statfs(req, &st);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = op_lookup,
	.getattr = op_getattr,
	.readlink = op_readlink,
	.open = op_open,
	.read = op_read,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.statfs = op_statfs,
};

/* ---- the program ---- */

static const struct fuse_opt option_table[] = {
	{ "source=%s", offsetof(struct options, source), 0 },
	{ "quiet", offsetof(struct options, quiet), 1 },
	FUSE_OPT_END
};

/* The first argument is the archive, unless there is only one. */
static int option(void *data, const char *arg, int key, struct fuse_args *outargs)
{
	(void)data, (void)outargs;
	if (key != FUSE_OPT_KEY_NONOPT || options.first_argument)
		return 1;
	options.first_argument = strdup(arg);
	return options.first_argument ? 0 : -1;
}

static int parse(struct fuse_args *args, struct fuse_cmdline_opts *opts)
{
	if (fuse_opt_parse(args, &options, option_table, option) == -1 ||
	    fuse_opt_add_arg(args, "-oro,default_permissions") == -1 ||
	    fuse_parse_cmdline(args, opts) != 0)
		return -1;
	if (!options.source && opts->mountpoint)
		options.source = options.first_argument;
	else if (!opts->mountpoint)
		opts->mountpoint = options.first_argument;
	return 0;
}

static bool load(const char *file)
{
	if (!tar_open(&tar, file)) {
		fprintf(stderr, "archive: %s: %s\n", file, strerror(errno));
		return false;
	}
	bool ok = tree_init(&tree);
	const struct member *m;
	while (ok && (m = tar_next(&tar))) {
		const char *why = tree_add(&tree, m);
		if (why && !options.quiet)
			fprintf(stderr, "archive: %s is left out: %s\n", m->path, why);
	}
	ok = ok && tree_finish(&tree);
	if (!ok)
		fprintf(stderr, "archive: out of memory\n");
	else if (tar.error) /* what came before is good */
		fprintf(stderr, "archive: %s, at offset %llu: %s\n", file,
			(unsigned long long)tar.next, tar.error);
	ok = ok && (!tar.error || tree.name_count);
	tar_free(&tar);
	return ok;
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
	if (parse(&args, &opts) == -1)
		return 2;
	if (opts.show_help) {
		printf("usage: %s [options] archive.tar mountpoint\n\n", argv[0]);
		fuse_cmdline_help();
		fuse_lowlevel_help();
		printf("    -o source=FILE         the archive\n"
		       "    -o quiet               say nothing of members that are left out\n");
		return 0;
	}
	if (opts.show_version) {
		printf("FUSE library version %s\n", fuse_pkgversion());
		return 0;
	}
	if (!options.source || !opts.mountpoint) {
		fprintf(stderr, "usage: %s [options] archive.tar mountpoint\n", argv[0]);
		return 2;
	}
	int status = load(options.source) ? serve(&args, &opts) : 1;
	tree_free(&tree);
	fuse_opt_free_args(&args);
	return status;
}
