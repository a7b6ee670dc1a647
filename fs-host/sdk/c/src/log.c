/* Log messages: to stderr, or to whatever function the program set. */
#include "api.h"

static void to_stderr(enum fuse_log_level level, const char *fmt, va_list ap)
{
	(void)level;
	vfprintf(stderr, fmt, ap);
}

static fuse_log_func_t log_func = to_stderr;

void fuse_set_log_func(fuse_log_func_t func)
{
	log_func = func ? func : to_stderr;
}

void fuse_log(enum fuse_log_level level, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_func(level, fmt, ap);
	va_end(ap);
}
