/*
 * Option parsing: turns argv and `-o a,b=c` lists into fields of a struct.
 * Source compatible with libfuse 2.9 and 3.14, which agree here.
 */
#ifndef FUSE_OPT_H_
#define FUSE_OPT_H_

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One row of an option table. `templ` is
 *   "-x", "--foo", "foo"      matched whole ("foo" only inside -o lists);
 *   "-x %d", "foo=%s", "--n=%u"   matched up to the space or '=', the rest is a
 *                             value that is scanned by the format ("%s" duplicates it).
 * `offset` says which field of the data struct is written; (unsigned long)-1U calls
 * the proc with key `value` instead. Without a format, `value` itself is stored as an int.
 */
struct fuse_opt {
	const char *templ;
	unsigned long offset;
	int value;
};

#define FUSE_OPT_KEY(templ, key) { templ, -1U, key }
#define FUSE_OPT_END { NULL, 0, 0 }

/* An argument vector; `allocated` says whether argv and its strings are malloc()ed. */
struct fuse_args {
	int argc;
	char **argv;
	int allocated;
};

#define FUSE_ARGS_INIT(argc, argv) { argc, argv, 0 }

#define FUSE_OPT_KEY_OPT -1     /* proc: an option that no row matched */
#define FUSE_OPT_KEY_NONOPT -2  /* proc: an argument that is no option */
#define FUSE_OPT_KEY_KEEP -3    /* row: leave it in the arguments, do not call proc */
#define FUSE_OPT_KEY_DISCARD -4 /* row: drop it, do not call proc */

/* Returns -1 for an error, 0 to drop the argument, 1 to keep it. */
typedef int (*fuse_opt_proc_t)(void *data, const char *arg, int key,
			       struct fuse_args *outargs);

/* 0, or -1 after a message on stderr. `args` becomes what was kept. */
int fuse_opt_parse(struct fuse_args *args, void *data,
		   const struct fuse_opt opts[], fuse_opt_proc_t proc);
/* Append to a comma-separated list. 0 or -1. */
int fuse_opt_add_opt(char **opts, const char *opt);
/* The same, with commas and backslashes of `opt` escaped. */
int fuse_opt_add_opt_escaped(char **opts, const char *opt);
int fuse_opt_add_arg(struct fuse_args *args, const char *arg);
int fuse_opt_insert_arg(struct fuse_args *args, int pos, const char *arg);
void fuse_opt_free_args(struct fuse_args *args);
/* 1 if a row matches the option. */
int fuse_opt_match(const struct fuse_opt opts[], const char *opt);

#ifdef __cplusplus
}
#endif

#endif
