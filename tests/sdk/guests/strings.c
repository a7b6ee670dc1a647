/* The SDK's memory functions against loops that cannot be wrong, at every short length and alignment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX = 600, ROOM = MAX + 64 };

static unsigned char got[ROOM], want[ROOM], other[ROOM];

static void fail(const char *what, size_t at, size_t from, size_t n)
{
	printf("%s of %zu bytes at %zu from %zu\n", what, n, at, from);
	exit(1);
}

static void mix(unsigned char *bytes, unsigned seed)
{
	for (size_t i = 0; i < ROOM; i++)
		bytes[i] = (unsigned char)((seed = seed * 1103515245u + 12345u) >> 16);
}

static void same(const char *what, size_t at, size_t from, size_t n)
{
	for (volatile size_t i = 0; i < ROOM; i++)
		if (got[i] != want[i])
			fail(what, at, from, n);
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void one(size_t at, size_t from, size_t n)
{
	mix(got, 1), mix(want, 1), mix(other, 2);
	for (volatile size_t i = 0; i < n; i++)
		want[at + i] = other[from + i];
	if (memcpy(got + at, other + from, n) != got + at)
		fail("memcpy's result", at, from, n);
	same("memcpy", at, from, n);

	/* overlapping, forwards and backwards */
	mix(got, 3), mix(want, 3);
	for (volatile size_t i = 0; i < n; i++)
		want[at + i] = got[from + i];
	memmove(got + at, got + from, n);
	same("memmove", at, from, n);

	for (volatile size_t i = 0; i < n; i++)
		want[at + i] = 0xa7;
	memset(got + at, 0x1a7, n);
	same("memset", at, from, n);

	/* two runs that differ at one place, and what lies behind them does as well */
	for (volatile size_t i = 0; i < ROOM; i++)
		got[i] = other[i] = 0x55;
	got[at + n] = 1;
	if (memcmp(got + at, other + from, n))
		fail("memcmp", at, from, n);
	for (size_t i = 0; i < n; i += 1 + i / 9) {
		other[from + i] = 0xf0;
		if (sign(memcmp(got + at, other + from, n)) != -1 ||
		    sign(memcmp(other + from, got + at, n)) != 1)
			fail("memcmp", at, from, n);
		other[from + i] = 0x55;
	}

	/* bytes around zero before the string, in it and behind its end */
	for (volatile size_t i = 0; i < ROOM; i++)
		got[i] = i < at ? 0 : i & 1 ? 0x80 : 0x01;
	got[at + n] = 0;
	if (strlen((char *)got + at) != n)
		fail("strlen", at, from, n);
}

int main(void)
{
	for (size_t n = 0; n <= MAX; n += 1 + n / 70)
		for (size_t at = 0; at < 9; at++)
			for (size_t from = 0; from < 19; from += 1 + from / 5)
				one(at, from, n);
	printf("strings: ok");
	return 0;
}
