/*
 * 64-bit seconds in a struct timespec whose time_t has 32 bits (Emscripten 3.1.6).
 *
 * Nanoseconds need 30 bits; the two above them count the times that the seconds
 * have wrapped, so dates up to the year 2446 pass through a filesystem that keeps
 * struct timespec as it is, and dates before 2038 look as they always did.
 */
#ifndef WJ_WIDE_TIME_H
#define WJ_WIDE_TIME_H

#include <stdint.h>
#include <time.h>

#define WJ_NSEC_MASK 0x3fffffffu
#define WJ_EPOCH_SHIFT 30
/* Last second that the encoding holds. */
#define WJ_LAST_SECOND ((int64_t)INT32_MAX + ((int64_t)3 << 32))

static inline int64_t wj_seconds(const struct timespec *t)
{
	if (sizeof(t->tv_sec) >= sizeof(int64_t))
		return (int64_t)t->tv_sec;
	return (int64_t)t->tv_sec + ((int64_t)((uint32_t)t->tv_nsec >> WJ_EPOCH_SHIFT) << 32);
}

static inline uint32_t wj_nanoseconds(const struct timespec *t)
{
	return sizeof(t->tv_sec) >= sizeof(int64_t) ? (uint32_t)t->tv_nsec
						    : (uint32_t)t->tv_nsec & WJ_NSEC_MASK;
}

/* What the encoding cannot hold is clamped, not wrapped. */
static inline struct timespec wj_timespec(uint64_t wire_seconds, uint32_t nsec)
{
	struct timespec t;
	int64_t seconds = (int64_t)wire_seconds;
	if (sizeof(t.tv_sec) < sizeof(seconds)) {
		if (seconds > WJ_LAST_SECOND)
			seconds = WJ_LAST_SECOND;
		if (seconds < INT32_MIN)
			seconds = INT32_MIN;
		uint32_t epoch = (uint32_t)((uint64_t)(seconds - INT32_MIN) >> 32);
		nsec = (nsec & WJ_NSEC_MASK) | epoch << WJ_EPOCH_SHIFT;
	}
	t.tv_sec = (time_t)seconds;
	t.tv_nsec = (long)nsec;
	return t;
}

#endif
