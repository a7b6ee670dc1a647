/*
 * memfs: options and main().
 *
 *   native: cc -O2 *.c $(pkg-config --cflags --libs fuse3) -o memfs
 *   wasm:   wasmjit-cc -O2 *.c -o memfs.wasm
 *
 * Nobody else changes the files, so the kernel may cache all it likes: its size is the size
 * (O_APPEND writes come with the right offset), and locks are its own.
 */
#include "inode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_SIZE ((uint64_t)512 << 20)
#define SIZE_LIMIT_32BIT ((uint64_t)1792 << 20) /* an address space of 4 GiB holds more than data */
#define DEFAULT_TIMEOUT 60.0

struct options options = { NULL, 0755, DEFAULT_TIMEOUT, DEFAULT_TIMEOUT, DEFAULT_TIMEOUT };

static const struct fuse_lowlevel_ops operations = {
#define X(name) .name = op_##name,
	OPS(X)
#undef X
};

static const struct fuse_opt option_table[] = {
	{ "size=%s", offsetof(struct options, size), 0 },
	{ "mode=%o", offsetof(struct options, mode), 0 },
	{ "entry_timeout=%lf", offsetof(struct options, entry_timeout), 0 },
	{ "attr_timeout=%lf", offsetof(struct options, attr_timeout), 0 },
	{ "negative_timeout=%lf", offsetof(struct options, negative_timeout), 0 },
	FUSE_OPT_END
};

/* Bytes, or with k, m, g. 0: nonsense. */
static uint64_t parse_size(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);
	unsigned shift = 0;
	switch (*end | 0x20) {
	case 'k': shift = 10; break;
	case 'm': shift = 20; break;
	case 'g': shift = 30; break;
	default: return *end ? 0 : n;
	}
	return end[1] || n > UINT64_MAX >> shift ? 0 : n << shift;
}

static bool set_cap(void)
{
	uint64_t size = options.size ? parse_size(options.size) : DEFAULT_SIZE;
	if (size < 16 * PAGE_SIZE) {
		fprintf(stderr, "memfs: size=%s: not a size of 64k or more\n", options.size);
		return false;
	}
	if (sizeof(void *) == 4 && size > SIZE_LIMIT_32BIT) {
		fprintf(stderr, "memfs: size=%s: more than 1792m do not fit into 32-bit memory\n",
			options.size);
		return false;
	}
	store_set_cap(size);
	return true;
}

static void help(const char *program)
{
	printf("usage: %s [options] mountpoint\n\n", program);
	fuse_cmdline_help();
	fuse_lowlevel_help();
	printf("    -o size=N              cap over data and metadata: bytes, or 64k, 64m, 1g (512m)\n"
	       "    -o mode=M              permissions of the root directory, octal (755)\n"
	       "    -o entry_timeout=T     seconds that the kernel may cache names (60)\n"
	       "    -o negative_timeout=T  ... that there is no such name (60)\n"
	       "    -o attr_timeout=T      ... attributes (60)\n");
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
	if (fuse_opt_parse(&args, &options, option_table, NULL) == -1 ||
	    fuse_parse_cmdline(&args, &opts) != 0)
		return 2;
	if (opts.show_help) {
		help(argv[0]);
		return 0;
	}
	if (opts.show_version) {
		printf("FUSE library version %s\n", fuse_pkgversion());
		fuse_lowlevel_version();
		return 0;
	}
	if (!opts.mountpoint) {
		fprintf(stderr, "usage: %s [options] mountpoint\n", argv[0]);
		return 2;
	}
	if (!set_cap() || fuse_opt_add_arg(&args, "-odefault_permissions") == -1)
		return 1;
	inode_init(&root, S_IFDIR | (options.mode & 07777), getuid(), getgid());
	int status = serve(&args, &opts);
	free(opts.mountpoint);
	free(options.size);
	fuse_opt_free_args(&args);
	return status;
}
