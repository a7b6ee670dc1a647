/*
 * POSIX calls that Emscripten's libc answers with a stub or does not have at
 * all, each forwarded to the host as env.__syscall_<name>. All arguments are 32
 * bits wide; the result is >= 0 or a negative WASI errno. What is not used is
 * dropped by the linker, so a program imports only what it calls.
 */
#ifdef __EMSCRIPTEN__

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#define IMPORT(name) __attribute__((import_module("env"), import_name("__syscall_" #name)))

#define P0 void
#define P1 long a
#define P2 P1, long b
#define P3 P2, long c
#define P4 P3, long d
#define P5 P4, long e
#define P6 P5, long f
#define A0
#define A1 a
#define A2 A1, b
#define A3 A2, c
#define A4 A3, d
#define A5 A4, e
#define A6 A5, f

/* Stubs of Emscripten 3.1.6's libc that become real calls: name, arguments. */
#define FORWARDED(X) \
	X(uname, 1) X(setpgid, 2) X(sync, 0) X(getsid, 1) X(getpgid, 1) X(getpid, 0) \
	X(getppid, 0) X(link, 2) X(nice, 1) X(getgroups32, 2) X(setsid, 0) X(umask, 1) \
	X(setrlimit, 2) X(getrusage, 2) X(getpriority, 2) X(setpriority, 3) \
	X(setdomainname, 2) X(getresuid32, 3) X(getresgid32, 3) X(pause, 0) \
	X(prlimit64, 4) X(ugetrlimit, 2) X(setsockopt, 6) X(acct, 1) X(pipe2, 2) \
	X(pselect6, 6) X(setitimer, 3) X(getitimer, 2) X(shutdown, 6) X(socketpair, 6) \
	X(wait4, 4)

#define DEFINE(name, n) \
	IMPORT(name) long wj_import_##name(P##n); \
	long __syscall_##name(P##n) \
	{ \
		return wj_import_##name(A##n); \
	}
FORWARDED(DEFINE)

/* The message calls take a timeout behind the dots, which the libc passes as null. */
IMPORT(recvmmsg) long wj_import_recvmmsg(P5);
long __syscall_recvmmsg(P4, ...)
{
	return wj_import_recvmmsg(A4, 0);
}
IMPORT(sendmmsg) long wj_import_sendmmsg(P5);
long __syscall_sendmmsg(P4, ...)
{
	return wj_import_sendmmsg(A4, 0);
}

/* Advice about the guest's own memory: taken, and without effect. */
#define ANSWERED(X) \
	X(madvise, 3, 0) X(mlock, 2, 0) X(munlock, 2, 0) X(mprotect, 3, 0) \
	X(mremap, 5, -ENOMEM) X(mlockall, 1, 0) X(munlockall, 0, 0) X(mincore, 3, -ENOSYS)
#define DEFINE_ANSWER(name, n, answer) \
	long __syscall_##name(P##n) \
	{ \
		return answer; \
	}
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-parameter"
ANSWERED(DEFINE_ANSWER)
#pragma clang diagnostic pop

static long result(long r)
{
	if (r < 0) {
		errno = (int)-r;
		return -1;
	}
	return r;
}

/* Public functions without an implementation: type, name, parameters, arguments as words. */
#define W(x) ((long)(x))
#define LO(x) ((long)(unsigned)((unsigned long long)(x)))
#define HI(x) ((long)(unsigned)((unsigned long long)(x) >> 32))

#define CALL(type, name, n, params, ...) \
	IMPORT(name) long wj_import_##name(P##n); \
	type name params \
	{ \
		return (type)result(wj_import_##name(__VA_ARGS__)); \
	}

CALL(ssize_t, getxattr, 4, (const char *p, const char *n, void *v, size_t s), W(p), W(n), W(v), W(s))
CALL(ssize_t, lgetxattr, 4, (const char *p, const char *n, void *v, size_t s), W(p), W(n), W(v), W(s))
CALL(ssize_t, fgetxattr, 4, (int fd, const char *n, void *v, size_t s), W(fd), W(n), W(v), W(s))
CALL(ssize_t, listxattr, 3, (const char *p, char *l, size_t s), W(p), W(l), W(s))
CALL(ssize_t, llistxattr, 3, (const char *p, char *l, size_t s), W(p), W(l), W(s))
CALL(ssize_t, flistxattr, 3, (int fd, char *l, size_t s), W(fd), W(l), W(s))
CALL(int, setxattr, 5, (const char *p, const char *n, const void *v, size_t s, int f),
     W(p), W(n), W(v), W(s), W(f))
CALL(int, lsetxattr, 5, (const char *p, const char *n, const void *v, size_t s, int f),
     W(p), W(n), W(v), W(s), W(f))
CALL(int, fsetxattr, 5, (int fd, const char *n, const void *v, size_t s, int f),
     W(fd), W(n), W(v), W(s), W(f))
CALL(int, removexattr, 2, (const char *p, const char *n), W(p), W(n))
CALL(int, lremovexattr, 2, (const char *p, const char *n), W(p), W(n))
CALL(int, fremovexattr, 2, (int fd, const char *n), W(fd), W(n))
CALL(ssize_t, copy_file_range, 6,
     (int in, off_t *in_off, int out, off_t *out_off, size_t len, unsigned flags),
     W(in), W(in_off), W(out), W(out_off), W(len), W(flags))
CALL(int, renameat2, 5, (int a, const char *from, int b, const char *to, unsigned flags),
     W(a), W(from), W(b), W(to), W(flags))
CALL(int, fallocate, 6, (int fd, int mode, off_t off, off_t len),
     W(fd), W(mode), LO(off), HI(off), LO(len), HI(len))
CALL(int, syncfs, 1, (int fd), W(fd))

int sync_file_range(int fd, off_t off, off_t len, unsigned flags)
{
	(void)off, (void)len, (void)flags;
	return fdatasync(fd);
}

/* flock(2) is a stub of the libc, too, in an object with many others: the linker redirects it. */
IMPORT(flock) long wj_import_flock(P2);
int __wrap_flock(int fd, int op)
{
	return (int)result(wj_import_flock(fd, op));
}

/*
 * So are the calls that start processes. They fail here, too, but the host says once what a program
 * wanted, and the error is ENOSYS: ENOEXEC, as the stub has it, is how a shell knows a script.
 */
IMPORT(fork) long wj_import_fork(P0);
IMPORT(execve) long wj_import_execve(P3);
pid_t __wrap_fork(void)
{
	return (pid_t)result(wj_import_fork());
}

pid_t __wrap_vfork(void)
{
	return (pid_t)result(wj_import_fork());
}

int __wrap_execve(const char *path, char *const argv[], char *const envp[])
{
	return (int)result(wj_import_execve(W(path), W(argv), W(envp)));
}

int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	(void)pid, (void)path, (void)actions, (void)attr, (void)argv, (void)envp;
	/* the error itself */
	return (int)-wj_import_fork();
}

FILE *__wrap_popen(const char *command, const char *type)
{
	(void)command, (void)type;
	result(wj_import_fork());
	return NULL;
}

/* Both return the identity before the call, and never fail. */
IMPORT(setfsuid32) long wj_import_setfsuid32(P1);
int setfsuid(uid_t uid)
{
	return (int)wj_import_setfsuid32(W(uid));
}
IMPORT(setfsgid32) long wj_import_setfsgid32(P1);
int setfsgid(gid_t gid)
{
	return (int)wj_import_setfsgid32(W(gid));
}

int lutimes(const char *path, const struct timeval tv[2])
{
	struct timespec ts[2];
	for (int i = 0; tv && i < 2; i++) {
		ts[i].tv_sec = tv[i].tv_sec;
		ts[i].tv_nsec = tv[i].tv_usec * 1000;
	}
	return utimensat(AT_FDCWD, path, tv ? ts : NULL, AT_SYMLINK_NOFOLLOW);
}

/* The host is the daemon, and has gone to the background if it was to. */
int daemon(int nochdir, int noclose)
{
	(void)noclose;
	if (!nochdir && chdir("/") == -1)
		errno = 0;
	return 0;
}

#endif
