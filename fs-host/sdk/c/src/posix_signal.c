/*
 * Signals. Handlers, masks and what is pending are kept by Emscripten's libc,
 * within the program. What it does not know is the world outside: so the host
 * is told which signals have handlers, and calls wasmjit_signal when one comes
 * in, a timer expires, or a pipe breaks.
 */
#ifdef __EMSCRIPTEN__

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define WASMJIT_OWN_SIGNALS
#include "host.h"
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#define IMPORT(name) __attribute__((import_module("env"), import_name("__syscall_" #name)))

/* What a signal does to the program, as the host numbers it. */
enum { TO_DEFAULT, TO_NOTHING, TO_HANDLER };
#define BEGINS_CALLS_AGAIN 1

IMPORT(wasmjit_sigaction) long wj_import_sigaction(int sig, int kind, int flags);

static int ends_program(int sig)
{
	switch (sig) {
	case SIGCHLD: case SIGCONT: case SIGURG: case SIGWINCH: case SIGSTOP: case SIGTSTP: case SIGTTIN: case SIGTTOU:
		return 0;
	}
	return 1;
}

WJ_EXPORT(wasmjit_signal)
int wj_raise(int sig)
{
	struct sigaction now;
	sigset_t blocked;

	/* The library does nothing where a signal would end the program. */
	if (sigaction(sig, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL &&
	    sigprocmask(SIG_BLOCK, NULL, &blocked) == 0 && !sigismember(&blocked, sig) && ends_program(sig))
		_exit(128 + sig);
	return raise(sig);
}

/* What <signal.h> makes of sigaction() and signal(). */
int wj_sigaction(int sig, const struct sigaction *new, struct sigaction *old);
int wj_sigaction(int sig, const struct sigaction *new, struct sigaction *old)
{
	int kind = TO_HANDLER;

	if (sigaction(sig, new, old) == -1)
		return -1;
	if (!new)
		return 0;
	if (new->sa_handler == SIG_DFL)
		kind = TO_DEFAULT;
	else if (new->sa_handler == SIG_IGN)
		kind = TO_NOTHING;
	wj_import_sigaction(sig, kind, new->sa_flags & SA_RESTART ? BEGINS_CALLS_AGAIN : 0);
	return 0;
}

typedef void handler_fn(int);
handler_fn *wj_signal(int sig, handler_fn *handler);
handler_fn *wj_signal(int sig, handler_fn *handler)
{
	struct sigaction new = { .sa_handler = handler, .sa_flags = SA_RESTART }, old;

	return wj_sigaction(sig, &new, &old) == -1 ? SIG_ERR : old.sa_handler;
}

IMPORT(pause) long wj_import_sigpause(void);
int sigsuspend(const sigset_t *mask)
{
	sigset_t old;

	sigprocmask(SIG_SETMASK, mask, &old);
	wj_import_sigpause();
	sigprocmask(SIG_SETMASK, &old, NULL);
	errno = EINTR;
	return -1;
}

#endif
