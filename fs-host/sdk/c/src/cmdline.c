/* Help texts, version, and the options that every filesystem program understands. */
#include "lowlevel.h"

#define SDK_VERSION "3.14.0-wasmjit"

int fuse_version(void)
{
	return FUSE_VERSION;
}

const char *fuse_pkgversion(void)
{
	return SDK_VERSION;
}

void fuse_lowlevel_version(void)
{
	printf("using FUSE kernel interface version %i.%i\n", WJ_PROTO_MAJOR, WJ_PROTO_MINOR_MAX);
}

void fuse_cmdline_help(void)
{
	printf("    -h   --help            print this text\n"
	       "    -V   --version         print versions\n"
	       "    -d   -o debug          print each request (implies -f)\n"
	       "    -f                     stay in the foreground\n"
	       "    -s                     serve one request at a time (always so without threads)\n"
	       "    -o clone_fd            accepted, without effect\n"
	       "    -o max_idle_threads=N  accepted, without effect\n"
	       "    -o max_threads=N       at the most, of a program with threads (10)\n");
}

void fuse_lowlevel_help(void)
{
	printf("    -o allow_other         other users may use the mount, too\n"
	       "    -o allow_root          the owner and root may\n"
	       "    -o auto_unmount        unmount when the program ends in any way\n"
	       "    -o default_permissions the kernel checks permissions\n"
	       "    -o ro, noatime, nosuid ... as for mount(8)\n");
}

struct cmdline {
	struct {
		int singlethread;
		int foreground;
		int debug;
		int nodefault_subtype;
		int show_version;
		int show_help;
		int clone_fd;
		unsigned max_idle_threads;
		unsigned max_threads;
	} o;
	char *mountpoint;
};

#define FIELD(templ, field, value) { templ, offsetof(struct cmdline, o.field), value }

static const struct fuse_opt cmdline_opts[] = {
	FIELD("-h", show_help, 1),
	FIELD("--help", show_help, 1),
	FIELD("-V", show_version, 1),
	FIELD("--version", show_version, 1),
	FIELD("-d", debug, 1),
	FIELD("debug", debug, 1),
	FIELD("-d", foreground, 1),
	FIELD("debug", foreground, 1),
	FUSE_OPT_KEY("-d", FUSE_OPT_KEY_KEEP),
	FUSE_OPT_KEY("debug", FUSE_OPT_KEY_KEEP),
	FIELD("-f", foreground, 1),
	FIELD("-s", singlethread, 1),
	FIELD("fsname=", nodefault_subtype, 1),
	FUSE_OPT_KEY("fsname=", FUSE_OPT_KEY_KEEP),
	FIELD("subtype=", nodefault_subtype, 1),
	FUSE_OPT_KEY("subtype=", FUSE_OPT_KEY_KEEP),
	FIELD("clone_fd", clone_fd, 1),
	FIELD("max_idle_threads=%u", max_idle_threads, 0),
	FIELD("max_threads=%u", max_threads, 0),
	FUSE_OPT_END
};

/* The first argument that is no option is the mountpoint; the rest stays. */
static int cmdline_opt(void *data, const char *arg, int key, struct fuse_args *outargs)
{
	(void)outargs;
	struct cmdline *c = data;
	if (key != FUSE_OPT_KEY_NONOPT)
		return 1;
	if (!c->mountpoint) {
		c->mountpoint = strdup(arg);
		return c->mountpoint ? 0 : -1;
	}
	fuse_log(FUSE_LOG_ERR, "fuse: invalid argument `%s'\n", arg);
	return -1;
}

static int add_default_subtype(const char *program, struct fuse_args *args)
{
	const char *slash = strrchr(program, '/');
	const char *base = slash ? slash + 1 : program;
	const char *dot = strstr(base, ".wasm");
	int len = dot && !dot[5] ? (int)(dot - base) : (int)strlen(base);
	char opt[256];
	snprintf(opt, sizeof(opt), "-osubtype=%.*s", len, base);
	return fuse_opt_add_arg(args, opt);
}

static int parse_cmdline(struct fuse_args *args, struct cmdline *c)
{
	memset(c, 0, sizeof(*c));
	c->o.max_idle_threads = (unsigned)-1;
	c->o.max_threads = 10;
	if (fuse_opt_parse(args, c, cmdline_opts, cmdline_opt) == -1)
		return -1;
	if (!c->o.nodefault_subtype && args->argc &&
	    add_default_subtype(args->argv[0], args) == -1)
		return -1;
	return 0;
}

#if WJ_API == 3

int fuse_parse_cmdline(struct fuse_args *args, struct fuse_cmdline_opts *opts)
{
	struct cmdline c;
	memset(opts, 0, sizeof(*opts));
	if (parse_cmdline(args, &c) == -1) {
		free(c.mountpoint);
		return -1;
	}
	opts->singlethread = c.o.singlethread;
	opts->foreground = c.o.foreground;
	opts->debug = c.o.debug;
	opts->nodefault_subtype = c.o.nodefault_subtype;
	opts->mountpoint = c.mountpoint;
	opts->show_version = c.o.show_version;
	opts->show_help = c.o.show_help;
	opts->clone_fd = c.o.clone_fd;
	opts->max_idle_threads = c.o.max_idle_threads;
	opts->max_threads = c.o.max_threads;
	return 0;
}

#else

/* libfuse 2 prints help and version itself. */
static void usage(const char *program)
{
	printf("usage: %s mountpoint [options]\n\n", program);
	fuse_cmdline_help();
	fuse_lowlevel_help();
}

int fuse_parse_cmdline(struct fuse_args *args, char **mountpoint, int *multithreaded,
		       int *foreground)
{
	struct cmdline c;
	const char *program = args->argc ? args->argv[0] : "";
	int res = parse_cmdline(args, &c);
	if (res == 0 && c.o.show_help) {
		usage(program);
		res = -1;
	} else if (res == 0 && c.o.show_version) {
		printf("FUSE library version: %s\n", SDK_VERSION);
		res = -1;
	}
	if (res == -1) {
		free(c.mountpoint);
		return -1;
	}
	if (mountpoint)
		*mountpoint = c.mountpoint;
	else
		free(c.mountpoint);
	if (multithreaded)
		*multithreaded = !c.o.singlethread;
	if (foreground)
		*foreground = c.o.foreground;
	return 0;
}

#endif
