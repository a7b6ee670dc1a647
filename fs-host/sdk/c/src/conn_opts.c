/* Connection options on the command line, for programs that let their users tune init(). */
#include "lowlevel.h"

struct fuse_conn_info_opts {
	int atomic_o_trunc, no_posix_lock, no_flock;
	int splice_read, no_splice_read, splice_write, no_splice_write, splice_move, no_splice_move;
	int auto_inval_data, no_auto_inval_data;
	int no_readdirplus, no_readdirplus_auto;
	int async_dio, no_async_dio;
	int writeback_cache, no_writeback_cache;
	int async_read, sync_read;
	unsigned max_write, max_readahead, max_background, congestion_threshold, time_gran;
	int set_max_write, set_max_readahead, set_max_background, set_congestion_threshold,
		set_time_gran;
};

#define FIELD(templ, field, value) { templ, offsetof(struct fuse_conn_info_opts, field), value }

static const struct fuse_opt conn_opts[] = {
	FIELD("max_write=%u", max_write, 0),
	FIELD("max_write=", set_max_write, 1),
	FIELD("max_readahead=%u", max_readahead, 0),
	FIELD("max_readahead=", set_max_readahead, 1),
	FIELD("max_background=%u", max_background, 0),
	FIELD("max_background=", set_max_background, 1),
	FIELD("congestion_threshold=%u", congestion_threshold, 0),
	FIELD("congestion_threshold=", set_congestion_threshold, 1),
	FIELD("time_gran=%u", time_gran, 0),
	FIELD("time_gran=", set_time_gran, 1),
	FIELD("sync_read", sync_read, 1),
	FIELD("async_read", async_read, 1),
	FIELD("atomic_o_trunc", atomic_o_trunc, 1),
	FIELD("no_remote_lock", no_posix_lock, 1),
	FIELD("no_remote_lock", no_flock, 1),
	FIELD("no_remote_flock", no_flock, 1),
	FIELD("no_remote_posix_lock", no_posix_lock, 1),
	FIELD("splice_write", splice_write, 1),
	FIELD("no_splice_write", no_splice_write, 1),
	FIELD("splice_move", splice_move, 1),
	FIELD("no_splice_move", no_splice_move, 1),
	FIELD("splice_read", splice_read, 1),
	FIELD("no_splice_read", no_splice_read, 1),
	FIELD("auto_inval_data", auto_inval_data, 1),
	FIELD("no_auto_inval_data", no_auto_inval_data, 1),
	FIELD("readdirplus=no", no_readdirplus, 1),
	FIELD("readdirplus=yes", no_readdirplus, 0),
	FIELD("readdirplus=yes", no_readdirplus_auto, 1),
	FIELD("readdirplus=auto", no_readdirplus, 0),
	FIELD("readdirplus=auto", no_readdirplus_auto, 0),
	FIELD("async_dio", async_dio, 1),
	FIELD("no_async_dio", no_async_dio, 1),
	FIELD("writeback_cache", writeback_cache, 1),
	FIELD("no_writeback_cache", no_writeback_cache, 1),
	FUSE_OPT_END
};

struct fuse_conn_info_opts *fuse_parse_conn_info_opts(struct fuse_args *args)
{
	struct fuse_conn_info_opts *opts = calloc(1, sizeof(*opts));
	if (!opts) {
		fuse_log(FUSE_LOG_ERR, "fuse: memory allocation failed\n");
		return NULL;
	}
	if (fuse_opt_parse(args, opts, conn_opts, NULL) == -1) {
		free(opts);
		return NULL;
	}
	return opts;
}

static void wish(struct fuse_conn_info *conn, int on, int off, unsigned cap)
{
	if (on)
		conn->want |= cap;
	if (off)
		conn->want &= ~cap;
}

void fuse_apply_conn_info_opts(struct fuse_conn_info_opts *opts, struct fuse_conn_info *conn)
{
	if (opts->set_max_write)
		conn->max_write = opts->max_write;
	if (opts->set_max_background)
		conn->max_background = opts->max_background;
	if (opts->set_congestion_threshold)
		conn->congestion_threshold = opts->congestion_threshold;
	if (opts->set_time_gran)
		conn->time_gran = opts->time_gran;
	if (opts->set_max_readahead)
		conn->max_readahead = opts->max_readahead;
	wish(conn, opts->atomic_o_trunc, 0, FUSE_CAP_ATOMIC_O_TRUNC);
	wish(conn, 0, opts->no_posix_lock, FUSE_CAP_POSIX_LOCKS);
	wish(conn, 0, opts->no_flock, FUSE_CAP_FLOCK_LOCKS);
	wish(conn, opts->auto_inval_data, opts->no_auto_inval_data, FUSE_CAP_AUTO_INVAL_DATA);
	wish(conn, 0, opts->no_readdirplus, FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
	wish(conn, 0, opts->no_readdirplus_auto, FUSE_CAP_READDIRPLUS_AUTO);
	wish(conn, opts->async_dio, opts->no_async_dio, FUSE_CAP_ASYNC_DIO);
	wish(conn, opts->writeback_cache, opts->no_writeback_cache, FUSE_CAP_WRITEBACK_CACHE);
	wish(conn, opts->async_read, opts->sync_read, FUSE_CAP_ASYNC_READ);
}
