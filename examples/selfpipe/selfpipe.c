/*
 * Moves bytes through a pipe to itself, 4 KiB at a time: two system calls a
 * piece, and next to nothing else. What runs a program's system calls for it
 * shows here what it costs.
 *
 *     wasmjit cc -O2 selfpipe.c -o selfpipe.wasm && wasmjit run selfpipe.wasm
 *     cc -O2 selfpipe.c -o selfpipe && ./selfpipe
 *
 * The argument is the number of MiB; without one, 16 GiB go through.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIECE 4096
#define DEFAULT_MIB (16 * 1024)

static int fail(const char *what)
{
	fprintf(stderr, "selfpipe: %s: %s\n", what, strerror(errno));
	return 1;
}

static int transfer(const int fds[2], uint64_t pieces)
{
	/* Whole cache lines: where a compiler happens to put them would decide on the time of a copy. */
	static _Alignas(64) unsigned char out[PIECE], in[PIECE];

	for (uint64_t i = 0; i < pieces; i++) {
		memcpy(out, &i, sizeof(i));
		if (write(fds[1], out, PIECE) != PIECE)
			return fail("write");
		if (read(fds[0], in, PIECE) != PIECE)
			return fail("read");
		if (memcmp(in, &i, sizeof(i)) != 0) {
			fprintf(stderr, "selfpipe: piece %llu came back changed\n", (unsigned long long)i);
			return 1;
		}
	}
	return 0;
}

static void report(uint64_t pieces, const struct timespec *start)
{
	struct timespec end;
	double seconds;

	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = (double)(end.tv_sec - start->tv_sec) + (double)(end.tv_nsec - start->tv_nsec) / 1e9;
	printf("%llu MiB in %.3f s, %.1f ns a piece\n", (unsigned long long)(pieces / 256), seconds,
	       pieces ? seconds * 1e9 / (double)pieces : 0.0);
}

int main(int argc, char **argv)
{
	uint64_t pieces = (argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_MIB) * (1024 * 1024 / PIECE);
	/* The loop is to run without the floating-point registers that the report takes. */
	void (*volatile then)(uint64_t, const struct timespec *) = report;
	struct timespec start;
	int fds[2];

	if (pipe(fds) == -1)
		return fail("pipe");
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (transfer(fds, pieces) != 0)
		return 1;
	then(pieces, &start);
	return 0;
}
