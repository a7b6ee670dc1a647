/*
 * A low-level filesystem for what ordinary ones do not do: replies after the callback returned,
 * interrupts, notifications. Files in the root:
 *   slow    a read is answered when "kick" is written, or EINTR when it is interrupted
 *   kick    a write answers all reads of "slow" with what was written
 *   note    contents change without the kernel's knowledge; kept in its cache until told
 *   ctl     commands: "inval", "store TEXT", "retrieve", "entry", "delete"; reading tells the last result
 *   victim  disappears by "delete"
 *   stuck   a read waits, inside of the callback, for what never comes
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 34

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOT = 1, SLOW, KICK, NOTE, CTL, VICTIM, STUCK, LAST };
static const char *const names[LAST] = { "", "", "slow", "kick", "note", "ctl", "victim", "stuck" };

struct waiting {
	fuse_req_t req;
	struct waiting *next;
};

static struct fuse_session *session;
static struct waiting *waiting;
static int note_generation;
static int victim_gone;
static char last_result[512] = "none";

static void note_text(char *buf, size_t size)
{
	snprintf(buf, size, "generation %06d", note_generation);
}

static void fill(fuse_ino_t ino, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	st->st_mode = ino == ROOT ? S_IFDIR | 0755 : S_IFREG | 0666;
	st->st_nlink = 1;
	st->st_size = ino == NOTE ? 17 : ino == ROOT ? 0 : 100;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent;
	for (fuse_ino_t i = SLOW; i < LAST; i++) {
		if (strcmp(name, names[i]) != 0 || (i == VICTIM && victim_gone))
			continue;
		struct fuse_entry_param e;
		memset(&e, 0, sizeof(e));
		e.ino = i;
		e.attr_timeout = e.entry_timeout = 1000;
		fill(i, &e.attr);
		fuse_reply_entry(req, &e);
		return;
	}
	fuse_reply_err(req, ENOENT);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	struct stat st;
	fill(ino, &st);
	fuse_reply_attr(req, &st, 1000);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	(void)attr, (void)to_set;
	op_getattr(req, ino, fi);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (ino == NOTE)
		fi->keep_cache = 1;
	else
		fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void interrupted(fuse_req_t req, void *data)
{
	(void)data;
	for (struct waiting **at = &waiting; *at; at = &(*at)->next) {
		struct waiting *w = *at;
		if (w->req == req) {
			*at = w->next;
			free(w);
			fuse_reply_err(req, EINTR);
			return;
		}
	}
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)fi;
	char buf[sizeof(last_result)];
	if (ino == SLOW) {
		struct waiting *w = malloc(sizeof(*w));
		w->req = req;
		w->next = waiting;
		waiting = w;
		fuse_req_interrupt_func(req, interrupted, NULL);
		return;
	}
	if (ino == STUCK) {
		int ends[2];
		ssize_t got = pipe(ends) == 0 ? read(ends[0], buf, 1) : -1;
		int error = got < 0 ? errno : EIO;
		close(ends[0]), close(ends[1]);
		fuse_reply_err(req, error);
		return;
	}
	if (ino == NOTE)
		note_text(buf, sizeof(buf));
	else
		snprintf(buf, sizeof(buf), "%s", last_result);
	size_t len = strlen(buf);
	if ((size_t)off >= len)
		len = 0, off = 0;
	if (len - (size_t)off < size)
		size = len - (size_t)off;
	fuse_reply_buf(req, buf + off, size);
}

static void kick(const char *text, size_t size)
{
	while (waiting) {
		struct waiting *w = waiting;
		waiting = w->next;
		fuse_reply_buf(w->req, text, size);
		free(w);
	}
}

static void command(char *text)
{
	int res = -EINVAL;
	if (strcmp(text, "inval") == 0) {
		res = fuse_lowlevel_notify_inval_inode(session, NOTE, 0, 0);
	} else if (strncmp(text, "store ", 6) == 0) {
		struct fuse_bufvec v = FUSE_BUFVEC_INIT(strlen(text + 6));
		v.buf[0].mem = text + 6;
		res = fuse_lowlevel_notify_store(session, NOTE, 0, &v, 0);
	} else if (strcmp(text, "retrieve") == 0) {
		res = fuse_lowlevel_notify_retrieve(session, NOTE, 17, 0, &note_generation);
	} else if (strcmp(text, "entry") == 0) {
		res = fuse_lowlevel_notify_inval_entry(session, ROOT, "victim", 6);
	} else if (strcmp(text, "delete") == 0) {
		victim_gone = 1;
		res = fuse_lowlevel_notify_delete(session, ROOT, VICTIM, "victim", 6);
	}
	if (strcmp(text, "retrieve") != 0 || res != 0)
		snprintf(last_result, sizeof(last_result), "%s: %s", text, strerror(-res));
}

/* A notification may need the lock that this write holds: it goes out after the reply. */
static void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	(void)off, (void)fi;
	char text[256];
	snprintf(text, sizeof(text), "%.*s", (int)size, buf);
	fuse_reply_write(req, size);
	if (ino == KICK) {
		note_generation++;
		kick(text, size);
	} else if (ino == CTL) {
		command(text);
	}
}

static void op_retrieve_reply(fuse_req_t req, void *cookie, fuse_ino_t ino, off_t offset,
			      struct fuse_bufvec *bufv)
{
	(void)offset;
	char got[64] = "";
	struct fuse_bufvec v = FUSE_BUFVEC_INIT(fuse_buf_size(bufv));
	if (v.buf[0].size < sizeof(got)) {
		v.buf[0].mem = got;
		fuse_buf_copy(&v, bufv, 0);
	}
	snprintf(last_result, sizeof(last_result), "retrieved %s%s", got,
		 ino == NOTE && cookie == &note_generation ? "" : " of something else");
	fuse_reply_none(req);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	(void)ino, (void)fi;
	char buf[512];
	size_t used = 0;
	if (size > sizeof(buf))
		size = sizeof(buf);
	for (fuse_ino_t i = (fuse_ino_t)off + SLOW; i < LAST; i++) {
		struct stat st;
		fill(i, &st);
		size_t n = fuse_add_direntry(req, buf + used, size - used, names[i], &st, (off_t)(i - 1));
		if (n > size - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, buf, used);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.readdir = op_readdir,
	.retrieve_reply = op_retrieve_reply,
};

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts;
	if (fuse_parse_cmdline(&args, &opts) != 0)
		return 1;
	session = fuse_session_new(&args, &operations, sizeof(operations), NULL);
	if (!session || fuse_set_signal_handlers(session) != 0 ||
	    fuse_session_mount(session, opts.mountpoint) != 0)
		return 1;
	fuse_daemonize(opts.foreground);
	int res = fuse_session_loop(session);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
	free(opts.mountpoint);
	fuse_opt_free_args(&args);
	return res ? 1 : 0;
}
