// SPDX-License-Identifier: GPL-2.0
/* Times operations in folders, interleaved: bench ROUNDS FOLDER... prints the median of each in microseconds. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BATCH 50
#define MAX_ROUNDS 101

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void one(int op, int direct)
{
	static char buffer[4096] __attribute__((aligned(4096)));
	struct stat st;
	int fd;

	switch (op) {
	case 0:
		/* Attributes are cached; a forced synchronization asks the filesystem. */
		must(!statx(AT_FDCWD, "file", AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, (struct statx *)buffer), "stat");
		break;
	case 1:
		fd = open("file", O_RDONLY);
		must(fd >= 0, "open");
		close(fd);
		break;
	case 2:
		fd = open("new", O_RDWR | O_CREAT | O_EXCL, 0600);
		must(fd >= 0, "create");
		close(fd);
		must(!unlink("new"), "unlink");
		break;
	case 3: {
		DIR *dir = opendir("dir");

		must(!!dir, "opendir");
		while (readdir(dir))
			;
		closedir(dir);
		break;
	}
	case 4:
		must(pread(direct, buffer, 4096, 0) == 4096, "pread");
		break;
	}
	(void)st;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	static const char *names[] = { "stat", "open+close", "create+unlink", "readdir of 20", "pread 4K direct" };
	static double times[5][8][MAX_ROUNDS];
	int rounds = atoi(argv[1]), folders = argc - 2, fds[8];
	char data[4096] = "data";

	if (rounds > MAX_ROUNDS || folders > 8)
		return 2;
	for (int f = 0; f < folders; f++) {
		must(!chdir(argv[2 + f]), argv[2 + f]);
		int fd = open("file", O_RDWR | O_CREAT, 0600);

		must(fd >= 0 && write(fd, data, sizeof(data)) == sizeof(data), "write");
		close(fd);
		fds[f] = open("file", O_RDONLY | O_DIRECT);
		if (fds[f] < 0)
			fds[f] = open("file", O_RDONLY);
		mkdir("dir", 0700);
		for (int n = 0; n < 20; n++) {
			char name[32];

			snprintf(name, sizeof(name), "dir/name%d", n);
			close(open(name, O_CREAT | O_RDWR, 0600));
		}
	}
	for (int r = 0; r < rounds; r++) {
		for (int op = 0; op < 5; op++) {
			for (int f = 0; f < folders; f++) {
				must(!chdir(argv[2 + f]), argv[2 + f]);
				double start = now();

				for (int n = 0; n < BATCH; n++)
					one(op, fds[f]);
				times[op][f][r] = (now() - start) / BATCH;
			}
		}
	}
	for (int op = 0; op < 5; op++) {
		printf("BENCH %-16s", names[op]);
		for (int f = 0; f < folders; f++) {
			qsort(times[op][f], rounds, sizeof(double), compare);
			printf("  %s %.1f us", argv[2 + f], times[op][f][rounds / 2]);
		}
		printf("\n");
	}
	return 0;
}
