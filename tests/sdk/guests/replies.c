/* A low-level filesystem of one file, whose reads are answered by a thread of their own each. */
#define FUSE_USE_VERSION 34
#include <fuse_lowlevel.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char text[] = "from a thread\n";

static void attributes(fuse_ino_t ino, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	st->st_mode = ino == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0444;
	st->st_nlink = 1;
	st->st_size = ino == FUSE_ROOT_ID ? 0 : sizeof(text) - 1;
}

static void do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e;

	memset(&e, 0, sizeof(e));
	if (parent != FUSE_ROOT_ID || strcmp(name, "file") != 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	e.ino = 2;
	attributes(2, &e.attr);
	fuse_reply_entry(req, &e);
}

static void do_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	attributes(ino, &st);
	fuse_reply_attr(req, &st, 0);
}

static void do_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

struct job {
	fuse_req_t req;
	off_t off;
	size_t size;
};

static void *answer(void *arg)
{
	struct job *job = arg;
	size_t len = sizeof(text) - 1;

	usleep(100 * 1000);
	if (job->off >= (off_t)len)
		fuse_reply_buf(job->req, NULL, 0);
	else
		fuse_reply_buf(job->req, text + job->off, len - (size_t)job->off < job->size ? len - (size_t)job->off : job->size);
	free(job);
	return NULL;
}

static void do_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct job *job = malloc(sizeof(*job));
	pthread_t thread;

	(void)ino, (void)fi;
	*job = (struct job){ req, off, size };
	if (pthread_create(&thread, NULL, answer, job) != 0)
		fuse_reply_err(req, EAGAIN);
	else
		pthread_detach(thread);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = do_lookup, .getattr = do_getattr, .open = do_open, .read = do_read,
};

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts;

	if (fuse_parse_cmdline(&args, &opts) != 0)
		return 1;
	struct fuse_session *se = fuse_session_new(&args, &operations, sizeof(operations), NULL);
	if (!se || fuse_session_mount(se, opts.mountpoint) != 0)
		return 1;
	int status = fuse_session_loop(se);
	fuse_session_unmount(se);
	fuse_session_destroy(se);
	return status != 0;
}
