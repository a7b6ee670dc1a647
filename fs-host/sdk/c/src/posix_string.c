/*
 * memcpy, memmove, memset, memcmp and strlen: eight bytes at a time, and without a loop for
 * the lengths of names and structures, of which a filesystem copies several in each request.
 * musl's versions for 32-bit WebAssembly go by bytes or aligned words of four. Long runs are
 * WebAssembly's own instructions, which the host carries out with its vector unit.
 *
 * Compiled with -fno-builtin, or these loops would become calls of themselves, and with
 * -mbulk-memory.
 */
#ifdef __EMSCRIPTEN__

#include <stddef.h>
#include <stdint.h>

/* any alignment, any type behind it */
typedef uint64_t __attribute__((aligned(1), may_alias)) word;
typedef uint32_t __attribute__((aligned(1), may_alias)) half;
typedef uint16_t __attribute__((aligned(1), may_alias)) quarter;

/* From this length on, in bytes, a call to the host costs less than the loop here. */
#define LONG 256

#define AT(type, p, offset) (*(type *)((unsigned char *)(p) + (offset)))

/* Up to 16 bytes, which may overlap: everything is loaded before anything is stored. */
static inline void copy_short(unsigned char *d, const unsigned char *s, size_t n)
{
	if (n >= 8) {
		uint64_t a = AT(word, s, 0), b = AT(word, s, n - 8);
		AT(word, d, 0) = a;
		AT(word, d, n - 8) = b;
	} else if (n >= 4) {
		uint32_t a = AT(half, s, 0), b = AT(half, s, n - 4);
		AT(half, d, 0) = a;
		AT(half, d, n - 4) = b;
	} else if (n >= 2) {
		uint16_t a = AT(quarter, s, 0), b = AT(quarter, s, n - 2);
		AT(quarter, d, 0) = a;
		AT(quarter, d, n - 2) = b;
	} else if (n) {
		*d = *s;
	}
}

/* 17 to 32 bytes, which may overlap. */
static inline void copy_middle(unsigned char *d, const unsigned char *s, size_t n)
{
	uint64_t a = AT(word, s, 0), b = AT(word, s, 8);
	uint64_t y = AT(word, s, n - 16), z = AT(word, s, n - 8);
	AT(word, d, 0) = a;
	AT(word, d, 8) = b;
	AT(word, d, n - 16) = y;
	AT(word, d, n - 8) = z;
}

void *memcpy(void *restrict dest, const void *restrict src, size_t n)
{
	unsigned char *d = dest;
	const unsigned char *s = src;
	if (n <= 16) {
		copy_short(d, s, n);
	} else if (n <= 32) {
		copy_middle(d, s, n);
	} else if (n >= LONG) {
		__builtin_memcpy(d, s, n);
	} else {
		/* the end first, so that the loop may stop short of it */
		uint64_t y = AT(word, s, n - 16), z = AT(word, s, n - 8);
		AT(word, d, n - 16) = y;
		AT(word, d, n - 8) = z;
		for (size_t i = 0; i < n - 16; i += 16) {
			uint64_t a = AT(word, s, i), b = AT(word, s, i + 8);
			AT(word, d, i) = a;
			AT(word, d, i + 8) = b;
		}
	}
	return dest;
}

void *memmove(void *dest, const void *src, size_t n)
{
	if (n <= 16)
		copy_short(dest, src, n);
	else if (n <= 32)
		copy_middle(dest, src, n);
	else
		__builtin_memmove(dest, src, n);
	return dest;
}

void *memset(void *dest, int c, size_t n)
{
	unsigned char *d = dest;
	uint64_t fill = (unsigned char)c * 0x0101010101010101u;
	if (n >= LONG) {
		__builtin_memset(d, c, n);
	} else if (n >= 16) {
		AT(word, d, n - 16) = fill;
		AT(word, d, n - 8) = fill;
		for (size_t i = 0; i < n - 16; i += 16) {
			AT(word, d, i) = fill;
			AT(word, d, i + 8) = fill;
		}
	} else if (n >= 8) {
		AT(word, d, 0) = fill;
		AT(word, d, n - 8) = fill;
	} else if (n >= 4) {
		AT(half, d, 0) = (uint32_t)fill;
		AT(half, d, n - 4) = (uint32_t)fill;
	} else if (n) {
		d[0] = d[n / 2] = d[n - 1] = (unsigned char)c;
	}
	return dest;
}

int memcmp(const void *left, const void *right, size_t n)
{
	const unsigned char *l = left, *r = right;
	for (; n >= 8; n -= 8, l += 8, r += 8) {
		uint64_t a = AT(word, l, 0), b = AT(word, r, 0);
		if (a != b) {
			/* little endian: the lowest byte that differs is the first in memory */
			unsigned shift = (unsigned)__builtin_ctzll(a ^ b) & ~7u;
			return (int)(a >> shift & 0xff) - (int)(b >> shift & 0xff);
		}
	}
	for (; n; n--, l++, r++)
		if (*l != *r)
			return *l - *r;
	return 0;
}

size_t strlen(const char *s)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	/* Whole aligned words never reach beyond the memory that the string lies in. */
	const unsigned char *p = (const unsigned char *)((uintptr_t)s & ~(uintptr_t)7);
	unsigned before = (unsigned)((uintptr_t)s & 7) * 8;
	uint64_t w = AT(word, p, 0) | (before ? ~(uint64_t)0 >> (64 - before) : 0);
	uint64_t zero;
	while (!(zero = (w - ones) & ~w & highs)) {
		p += 8;
		w = AT(word, p, 0);
	}
	return (size_t)(p - (const unsigned char *)s) + (size_t)(__builtin_ctzll(zero) >> 3);
}

#endif
