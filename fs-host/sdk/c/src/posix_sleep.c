/*
 * Sleeping. Emscripten's libc spins until the time is over; the host sleeps,
 * and wakes up for signals.
 */
#ifdef __EMSCRIPTEN__

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <time.h>
#include <unistd.h>

#define IMPORT(name) __attribute__((import_module("env"), import_name("__syscall_" #name)))

IMPORT(clock_nanosleep)
long wj_import_clock_nanosleep(int clock, int flags, const void *time, void *rest);

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *rest)
{
	return (int)-wj_import_clock_nanosleep(clock, flags, time, rest);
}

int nanosleep(const struct timespec *time, struct timespec *rest)
{
	int error = clock_nanosleep(CLOCK_REALTIME, 0, time, rest);

	if (error) {
		errno = error;
		return -1;
	}
	return 0;
}

int usleep(unsigned micros)
{
	struct timespec time = { .tv_sec = micros / 1000000, .tv_nsec = (long)(micros % 1000000) * 1000 };

	return nanosleep(&time, NULL);
}

unsigned sleep(unsigned seconds)
{
	struct timespec time = { .tv_sec = seconds, .tv_nsec = 0 };

	return nanosleep(&time, &time) == 0 ? 0 : (unsigned)time.tv_sec + (time.tv_nsec > 0);
}

#endif
