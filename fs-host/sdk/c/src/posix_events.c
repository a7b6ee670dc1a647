/*
 * Descriptors that tell of events, and what else Linux has beyond POSIX and
 * Emscripten's libc lacks, each forwarded to the host as env.__syscall_<name>.
 */
#ifdef __EMSCRIPTEN__

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define IMPORT(name) __attribute__((import_module("env"), import_name("__syscall_" #name)))

static int result(long r)
{
	if (r < 0) {
		errno = (int)-r;
		return -1;
	}
	return (int)r;
}

IMPORT(epoll_create1) long wj_import_epoll_create1(int flags);
int epoll_create1(int flags)
{
	return result(wj_import_epoll_create1(flags));
}

int epoll_create(int size)
{
	if (size <= 0) {
		errno = EINVAL;
		return -1;
	}
	return epoll_create1(0);
}

IMPORT(epoll_ctl) long wj_import_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	return result(wj_import_epoll_ctl(epfd, op, fd, event));
}

IMPORT(epoll_wait) long wj_import_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout);
int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
	return result(wj_import_epoll_wait(epfd, events, max, timeout));
}

int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout, const sigset_t *mask)
{
	sigset_t old;
	int n;

	if (mask)
		sigprocmask(SIG_SETMASK, mask, &old);
	n = epoll_wait(epfd, events, max, timeout);
	if (mask)
		sigprocmask(SIG_SETMASK, &old, NULL);
	return n;
}

IMPORT(eventfd2) long wj_import_eventfd2(unsigned initial, int flags);
int eventfd(unsigned initial, int flags)
{
	return result(wj_import_eventfd2(initial, flags));
}

int eventfd_read(int fd, eventfd_t *value)
{
	return read(fd, value, sizeof(*value)) == sizeof(*value) ? 0 : -1;
}

int eventfd_write(int fd, eventfd_t value)
{
	return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}

IMPORT(timerfd_create) long wj_import_timerfd_create(int clock, int flags);
int timerfd_create(int clock, int flags)
{
	return result(wj_import_timerfd_create(clock, flags));
}

IMPORT(timerfd_settime) long wj_import_timerfd_settime(int fd, int flags, const void *new, void *old);
int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	return result(wj_import_timerfd_settime(fd, flags, new, old));
}

IMPORT(timerfd_gettime) long wj_import_timerfd_gettime(int fd, void *now);
int timerfd_gettime(int fd, struct itimerspec *now)
{
	return result(wj_import_timerfd_gettime(fd, now));
}

IMPORT(inotify_init1) long wj_import_inotify_init1(int flags);
int inotify_init1(int flags)
{
	return result(wj_import_inotify_init1(flags));
}

int inotify_init(void)
{
	return inotify_init1(0);
}

IMPORT(inotify_add_watch) long wj_import_inotify_add_watch(int fd, const char *path, unsigned mask);
int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	return result(wj_import_inotify_add_watch(fd, path, mask));
}

IMPORT(inotify_rm_watch) long wj_import_inotify_rm_watch(int fd, int wd);
int inotify_rm_watch(int fd, int wd)
{
	return result(wj_import_inotify_rm_watch(fd, wd));
}

IMPORT(prctl) long wj_import_prctl(int option, long a, long b, long c, long d);
int prctl(int option, ...)
{
	long args[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		args[i] = va_arg(ap, long);
	va_end(ap);
	return result(wj_import_prctl(option, args[0], args[1], args[2], args[3]));
}

long __syscall_wait4(long pid, long status, long options, long usage);
pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	return result(__syscall_wait4(pid, (long)status, options, (long)usage));
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
	return wait4(-1, status, options, usage);
}

IMPORT(sendfile) long wj_import_sendfile(int out, int in, off_t *offset, size_t count);
ssize_t sendfile(int out, int in, off_t *offset, size_t count)
{
	return result(wj_import_sendfile(out, in, offset, count));
}

#endif
