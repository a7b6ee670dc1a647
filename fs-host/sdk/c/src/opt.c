/*
 * The option parser of <fuse_opt.h>. Templates are matched row by row; an
 * option may match several rows, and all of them act.
 */
#include "api.h"

struct parser {
	void *data;
	const struct fuse_opt *table;
	fuse_opt_proc_t proc;
	int argctr;
	int argc;
	char **argv;
	struct fuse_args out;
	char *opts;       /* what is kept of -o lists */
	int nonopt;       /* position behind a kept "--" */
};

static int out_of_memory(void)
{
	fuse_log(FUSE_LOG_ERR, "fuse: memory allocation failed\n");
	return -1;
}

void fuse_opt_free_args(struct fuse_args *args)
{
	if (!args)
		return;
	if (args->argv && args->allocated) {
		for (int i = 0; i < args->argc; i++)
			free(args->argv[i]);
		free(args->argv);
	}
	args->argc = 0;
	args->argv = NULL;
	args->allocated = 0;
}

/* Room for one more argument, the vector being ours. */
static int grow(struct fuse_args *args)
{
	if (args->argv && !args->allocated) {
		fuse_log(FUSE_LOG_ERR, "fuse: arguments that are not allocated cannot grow\n");
		abort();
	}
	char **argv = realloc(args->argv, ((size_t)args->argc + 2) * sizeof(char *));
	if (!argv)
		return out_of_memory();
	args->argv = argv;
	args->allocated = 1;
	return 0;
}

int fuse_opt_add_arg(struct fuse_args *args, const char *arg)
{
	return fuse_opt_insert_arg(args, args->argc, arg);
}

int fuse_opt_insert_arg(struct fuse_args *args, int pos, const char *arg)
{
	/* a vector that belongs to main() is copied before it changes */
	if (args->argv && !args->allocated) {
		struct fuse_args copy = FUSE_ARGS_INIT(0, NULL);
		for (int i = 0; i < args->argc; i++)
			if (fuse_opt_insert_arg(&copy, i, args->argv[i]) == -1)
				return -1;
		*args = copy;
	}
	if (pos < 0 || pos > args->argc)
		return -1;
	char *copy = strdup(arg);
	if (!copy)
		return out_of_memory();
	if (grow(args) == -1) {
		free(copy);
		return -1;
	}
	memmove(args->argv + pos + 1, args->argv + pos,
		(size_t)(args->argc - pos) * sizeof(char *));
	args->argv[pos] = copy;
	args->argv[++args->argc] = NULL;
	return 0;
}

static int append_opt(char **opts, const char *opt, bool escape)
{
	size_t old = *opts ? strlen(*opts) : 0;
	char *longer = realloc(*opts, old + 1 + 2 * strlen(opt) + 1);
	if (!longer)
		return out_of_memory();
	*opts = longer;
	char *at = longer + old;
	if (old)
		*at++ = ',';
	for (; *opt; opt++) {
		if (escape && (*opt == ',' || *opt == '\\'))
			*at++ = '\\';
		*at++ = *opt;
	}
	*at = '\0';
	return 0;
}

int fuse_opt_add_opt(char **opts, const char *opt)
{
	return append_opt(opts, opt, false);
}

int fuse_opt_add_opt_escaped(char **opts, const char *opt)
{
	return append_opt(opts, opt, true);
}

/*
 * Does the template match? *sep becomes the place of its separator, or 0 for a
 * template without a value.
 */
static bool match_template(const char *templ, const char *arg, size_t *sep)
{
	size_t len = strlen(arg);
	const char *s = strchr(templ, '=');
	if (!s)
		s = strchr(templ, ' ');
	if (s && (!s[1] || s[1] == '%')) {
		size_t prefix = (size_t)(s - templ);
		if (*s == '=')
			prefix++;
		if (len >= prefix && strncmp(arg, templ, prefix) == 0) {
			*sep = (size_t)(s - templ);
			return true;
		}
	}
	if (strcmp(templ, arg) == 0) {
		*sep = 0;
		return true;
	}
	return false;
}

static const struct fuse_opt *find_row(const struct fuse_opt *row, const char *arg, size_t *sep)
{
	for (; row && row->templ; row++)
		if (match_template(row->templ, arg, sep))
			return row;
	return NULL;
}

int fuse_opt_match(const struct fuse_opt *opts, const char *opt)
{
	size_t sep;
	return find_row(opts, opt, &sep) != NULL;
}

static int keep_opt(struct parser *p, const char *arg)
{
	return append_opt(&p->opts, arg, true);
}

static int keep_arg(struct parser *p, const char *arg)
{
	return fuse_opt_add_arg(&p->out, arg);
}

/* `in_list`: came from a -o list, and goes back to one. */
static int call_proc(struct parser *p, const char *arg, int key, bool in_list)
{
	if (key == FUSE_OPT_KEY_DISCARD)
		return 0;
	if (key != FUSE_OPT_KEY_KEEP && p->proc) {
		int res = p->proc(p->data, arg, key, &p->out);
		if (res == -1 || !res)
			return res;
	}
	return in_list ? keep_opt(p, arg) : keep_arg(p, arg);
}

static int store_value(void *var, const char *format, const char *param, const char *arg)
{
	if (format[0] == 's' && !format[1]) {
		char *copy = strdup(param);
		if (!copy)
			return out_of_memory();
		free(*(char **)var);
		*(char **)var = copy;
		return 0;
	}
	char full[16];
	snprintf(full, sizeof(full), "%%%s", format);
	if (sscanf(param, full, var) != 1) {
		fuse_log(FUSE_LOG_ERR, "fuse: invalid parameter in option `%s'\n", arg);
		return -1;
	}
	return 0;
}

static int apply_row(struct parser *p, const struct fuse_opt *row, size_t sep, const char *arg,
		     bool in_list)
{
	if ((unsigned int)row->offset == -1U)
		return call_proc(p, arg, row->value, in_list);
	void *var = (char *)p->data + row->offset;
	if (sep && row->templ[sep + 1]) {
		const char *param = arg + sep;
		if (row->templ[sep] == '=')
			param++;
		return store_value(var, row->templ + sep + 2, param, arg);
	}
	*(int *)var = row->value;
	return 0;
}

/* "-x value" as two arguments becomes one. */
static char *join_separate(struct parser *p, const char *arg)
{
	if (p->argctr + 1 >= p->argc) {
		fuse_log(FUSE_LOG_ERR, "fuse: missing argument after `%s'\n", arg);
		return NULL;
	}
	const char *param = p->argv[++p->argctr];
	char *joined = malloc(strlen(arg) + strlen(param) + 1);
	if (!joined) {
		out_of_memory();
		return NULL;
	}
	strcpy(joined, arg);
	strcat(joined, param);
	return joined;
}

static int process_opt(struct parser *p, const char *arg, bool in_list)
{
	size_t sep;
	const struct fuse_opt *row = find_row(p->table, arg, &sep);
	if (!row)
		return call_proc(p, arg, FUSE_OPT_KEY_OPT, in_list);
	while (row) {
		int res;
		if (sep && row->templ[sep] == ' ' && !arg[sep]) {
			char *joined = join_separate(p, arg);
			if (!joined)
				return -1;
			res = apply_row(p, row, sep, joined, in_list);
			free(joined);
		} else {
			res = apply_row(p, row, sep, arg, in_list);
		}
		if (res == -1)
			return -1;
		row = find_row(row + 1, arg, &sep);
	}
	return 0;
}

/* Cut a list at its commas; a backslash takes the next character (or three octal digits) literally. */
static int process_list(struct parser *p, const char *list)
{
	char *copy = strdup(list);
	if (!copy)
		return out_of_memory();
	int res = 0;
	const char *s = copy;
	char *word = copy, *d = copy;
	for (bool end = false; !end && res != -1;) {
		if (*s == ',' || !*s) {
			end = !*s;
			s++;
			*d = '\0';
			res = process_opt(p, word, true);
			word = d = copy + (s - copy);
			continue;
		}
		if (*s == '\\' && s[1]) {
			s++;
			if (s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' &&
			    s[2] >= '0' && s[2] <= '7') {
				*d++ = (char)((s[0] - '0') * 0100 + (s[1] - '0') * 010 + (s[2] - '0'));
				s += 3;
			} else {
				*d++ = *s++;
			}
			continue;
		}
		*d++ = *s++;
	}
	free(copy);
	return res == -1 ? -1 : 0;
}

static int process_arg(struct parser *p, const char *arg)
{
	if (p->nonopt || arg[0] != '-')
		return call_proc(p, arg, FUSE_OPT_KEY_NONOPT, false);
	if (arg[1] == 'o') {
		if (arg[2])
			return process_list(p, arg + 2);
		if (p->argctr + 1 >= p->argc) {
			fuse_log(FUSE_LOG_ERR, "fuse: missing argument after `-o'\n");
			return -1;
		}
		return process_list(p, p->argv[++p->argctr]);
	}
	if (strcmp(arg, "--") == 0) {
		if (keep_arg(p, arg) == -1)
			return -1;
		p->nonopt = p->out.argc;
		return 0;
	}
	return process_opt(p, arg, false);
}

static int parse(struct parser *p)
{
	if (p->argc && keep_arg(p, p->argv[0]) == -1)
		return -1;
	for (p->argctr = 1; p->argctr < p->argc; p->argctr++)
		if (process_arg(p, p->argv[p->argctr]) == -1)
			return -1;
	if (p->opts && (fuse_opt_insert_arg(&p->out, 1, "-o") == -1 ||
			fuse_opt_insert_arg(&p->out, 2, p->opts) == -1))
		return -1;
	/* a "--" with nothing behind it says nothing */
	if (p->nonopt && p->nonopt + (p->opts ? 2 : 0) == p->out.argc &&
	    strcmp(p->out.argv[p->out.argc - 1], "--") == 0) {
		free(p->out.argv[--p->out.argc]);
		p->out.argv[p->out.argc] = NULL;
	}
	return 0;
}

int fuse_opt_parse(struct fuse_args *args, void *data, const struct fuse_opt opts[],
		   fuse_opt_proc_t proc)
{
	if (!args || !args->argv || !args->argc)
		return 0;
	struct parser p = { .data = data, .table = opts, .proc = proc, .argc = args->argc,
			    .argv = args->argv };
	int res = parse(&p);
	free(p.opts);
	if (res == -1) {
		fuse_opt_free_args(&p.out);
		return -1;
	}
	fuse_opt_free_args(args);
	*args = p.out;
	return 0;
}
