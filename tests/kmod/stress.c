// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations in a folder, compared with what they should do: stress FOLDER SEED. Ends with 3 once the filesystem answers EIO,
 * with 1 (and a line that says MISMATCH) where it does something else than expected; else it goes on for ever.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 24
#define MAX_SIZE (192 * 1024)

static struct file {
	int there;
	size_t size;
	unsigned char *data;
} files[FILES];
static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33) % below;
}

static void bad(const char *what, int n)
{
	if (errno == EIO || errno == ENOTCONN)
		exit(3);
	printf("MISMATCH: %s of %d: %s\n", what, n, strerror(errno));
	exit(1);
}

static void check(int fine, const char *what, int n)
{
	if (!fine)
		bad(what, n);
}

static const char *name(int n)
{
	static char names[2][32];
	static int turn;

	turn = !turn;
	snprintf(names[turn], sizeof(names[turn]), "f%d", n);
	return names[turn];
}

static int open_file(int n, int flags)
{
	int fd = open(name(n), flags, 0600);

	check((fd >= 0) == (files[n].there || flags & O_CREAT), "open", n);
	errno = 0;
	return fd;
}

static void write_some(int n)
{
	size_t at = rnd(MAX_SIZE / 2), len = 1 + rnd(MAX_SIZE / 2), i;
	int fd = open_file(n, O_RDWR | O_CREAT);

	files[n].there = 1;
	for (i = 0; i < len; i++)
		files[n].data[at + i] = (unsigned char)rnd(256);
	for (i = 0; i < len;) {
		ssize_t some = pwrite(fd, files[n].data + at + i, len - i, (off_t)(at + i));

		check(some > 0, "write", n);
		i += (size_t)some;
	}
	if (at + len > files[n].size)
		files[n].size = at + len;
	if (rnd(3) == 0)
		check(!fsync(fd), "fsync", n);
	check(!close(fd), "close", n);
}

static void read_all(int n)
{
	static unsigned char got[MAX_SIZE + 1];
	int fd = open_file(n, O_RDONLY);
	size_t have = 0;
	ssize_t some;

	if (fd < 0)
		return;
	while ((some = read(fd, got + have, sizeof(got) - have)) > 0)
		have += (size_t)some;
	check(some == 0, "read", n);
	errno = 0;
	check(have == files[n].size && !memcmp(got, files[n].data, have), "contents", n);
	close(fd);
}

static void cut(int n)
{
	size_t size = rnd(MAX_SIZE);
	int status = truncate(name(n), (off_t)size);

	check((status == 0) == files[n].there, "truncate", n);
	errno = 0;
	if (status)
		return;
	/* What lies behind the end is zero when the file becomes longer again. */
	if (size < files[n].size)
		memset(files[n].data + size, 0, files[n].size - size);
	files[n].size = size;
}

static void forget(int n)
{
	files[n].there = 0;
	files[n].size = 0;
	memset(files[n].data, 0, MAX_SIZE);
}

static void drop(int n)
{
	check((unlink(name(n)) == 0) == files[n].there, "unlink", n);
	errno = 0;
	forget(n);
}

static void move(int from, int to)
{
	struct file old = files[to];
	int status = rename(name(from), name(to));

	check((status == 0) == files[from].there, "rename", from);
	errno = 0;
	if (status || from == to)
		return;
	files[to] = files[from];
	files[from] = old;
	forget(from);
}

static void look(int n)
{
	struct stat st;
	int status = stat(name(n), &st);

	check((status == 0) == files[n].there, "stat", n);
	errno = 0;
	check(status || (size_t)st.st_size == files[n].size, "size", n);
}

static void list(void)
{
	int count = 0, there = 0, n;
	DIR *dir = opendir(".");

	check(!!dir, "opendir", 0);
	errno = 0;
	for (struct dirent *entry; (entry = readdir(dir)); )
		count += entry->d_name[0] == 'f';
	check(!errno, "readdir", 0);
	for (n = 0; n < FILES; n++)
		there += files[n].there;
	check(count == there, "entries", count);
	closedir(dir);
}

int main(int argc, char **argv)
{
	char folder[64];

	if (argc != 3)
		return 2;
	state = strtoull(argv[2], NULL, 10);
	snprintf(folder, sizeof(folder), "p%s", argv[2]);
	for (int n = 0; n < FILES; n++)
		files[n].data = calloc(1, MAX_SIZE);
	check(!chdir(argv[1]) && !mkdir(folder, 0700) && !chdir(folder), "mkdir", 0);
	for (;;) {
		int n = (int)rnd(FILES);

		switch (rnd(10)) {
		case 0: case 1: case 2: write_some(n); break;
		case 3: case 4: case 5: read_all(n); break;
		case 6: cut(n); break;
		case 7: rnd(2) ? drop(n) : look(n); break;
		case 8: move(n, (int)rnd(FILES)); break;
		case 9: list(); break;
		}
	}
}
