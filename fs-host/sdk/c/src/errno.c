/*
 * Errno translation. The wire carries Linux numbers; Emscripten's libc has
 * WASI's. The table is written with this libc's names, so that a libc with
 * Linux numbers makes it the identity.
 */
#include "lowlevel.h"

#define WJ_ERRNOS(X) \
	X(EPERM, 1) X(ENOENT, 2) X(ESRCH, 3) X(EINTR, 4) X(EIO, 5) X(ENXIO, 6) X(E2BIG, 7) \
	X(ENOEXEC, 8) X(EBADF, 9) X(ECHILD, 10) X(EAGAIN, 11) X(ENOMEM, 12) X(EACCES, 13) \
	X(EFAULT, 14) X(ENOTBLK, 15) X(EBUSY, 16) X(EEXIST, 17) X(EXDEV, 18) X(ENODEV, 19) \
	X(ENOTDIR, 20) X(EISDIR, 21) X(EINVAL, 22) X(ENFILE, 23) X(EMFILE, 24) X(ENOTTY, 25) \
	X(ETXTBSY, 26) X(EFBIG, 27) X(ENOSPC, 28) X(ESPIPE, 29) X(EROFS, 30) X(EMLINK, 31) \
	X(EPIPE, 32) X(EDOM, 33) X(ERANGE, 34) X(EDEADLK, 35) X(ENAMETOOLONG, 36) \
	X(ENOLCK, 37) X(ENOSYS, 38) X(ENOTEMPTY, 39) X(ELOOP, 40) X(ENOMSG, 42) X(EIDRM, 43) \
	X(ENOSTR, 60) X(ENODATA, 61) X(ETIME, 62) X(ENOSR, 63) X(ENOLINK, 67) X(EPROTO, 71) \
	X(EMULTIHOP, 72) X(EBADMSG, 74) X(EOVERFLOW, 75) X(EILSEQ, 84) X(EUSERS, 87) \
	X(ENOTSOCK, 88) X(EDESTADDRREQ, 89) X(EMSGSIZE, 90) X(EPROTOTYPE, 91) \
	X(ENOPROTOOPT, 92) X(EPROTONOSUPPORT, 93) X(EOPNOTSUPP, 95) X(EAFNOSUPPORT, 97) \
	X(EADDRINUSE, 98) X(EADDRNOTAVAIL, 99) X(ENETDOWN, 100) X(ENETUNREACH, 101) \
	X(ENETRESET, 102) X(ECONNABORTED, 103) X(ECONNRESET, 104) X(ENOBUFS, 105) \
	X(EISCONN, 106) X(ENOTCONN, 107) X(ETIMEDOUT, 110) X(ECONNREFUSED, 111) \
	X(EHOSTUNREACH, 113) X(EALREADY, 114) X(EINPROGRESS, 115) X(ESTALE, 116) \
	X(EDQUOT, 122) X(ECANCELED, 125) X(EOWNERDEAD, 130) X(ENOTRECOVERABLE, 131)

/* Numbers that WASI has no name for, but Emscripten's libc has. */
#ifdef EREMOTEIO
#define WJ_ERRNOS_MORE(X) \
	X(ENOTUNIQ, 76) X(EBADFD, 77) X(EREMCHG, 78) X(ENOMEDIUM, 123) X(EMEDIUMTYPE, 124) \
	X(EREMOTEIO, 121) X(EUCLEAN, 117) X(EHOSTDOWN, 112) X(EREMOTE, 66) X(ECOMM, 70) \
	X(ENOPKG, 65) X(ENONET, 64) X(ESTRPIPE, 86)
#else
#define WJ_ERRNOS_MORE(X)
#endif

/* Linux's EIO, also the answer for a number that nobody knows. */
#define WJ_LINUX_EIO 5

static const uint8_t linux_errno[] = {
#define X(name, number) [name] = number,
	WJ_ERRNOS(X) WJ_ERRNOS_MORE(X)
#undef X
};

int wj_errno_to_linux(int err)
{
	if (err == 0)
		return 0;
	if (err < 0 || (size_t)err >= sizeof(linux_errno) || linux_errno[err] == 0)
		return WJ_LINUX_EIO;
	return linux_errno[err];
}
