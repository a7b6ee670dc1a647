/*
 * A filesystem whose callbacks take their time, in threads (WASMJIT_PTHREADS=1 wasmjit-cc -pthread).
 * Names are kept in a list; each file's content says how many callbacks were running when it was read.
 * A path that stopped being right while its callback ran shows as an error: EILSEQ. So does memory
 * that one thread made larger and another cannot use: names that begin with "grow" make it larger.
 */
#define FUSE_USE_VERSION 31
#include <fuse.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 256, NAP = 200 * 1000, BLOCKS = 48, BLOCK = 1 << 20, LOOKS = 20000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *names[FILES];
static int running, most, in_rename;
static unsigned char *volatile blocks[BLOCKS];
static volatile int block_count;

static int find(const char *path)
{
	for (int i = 0; i < FILES; i++)
		if (names[i] && strcmp(names[i], path) == 0)
			return i;
	return -ENOENT;
}

static void begin(void)
{
	pthread_mutex_lock(&lock);
	if (++running > most)
		most = running;
}

static int end(int result)
{
	running--;
	pthread_mutex_unlock(&lock);
	return result;
}

static int do_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	memset(st, 0, sizeof(*st));
	st->st_nlink = 1;
	if (strcmp(path, "/") == 0) {
		st->st_mode = S_IFDIR | 0755;
		return 0;
	}
	begin();
	int at = find(path);
	st->st_mode = S_IFREG | 0644;
	st->st_size = 32;
	return end(at < 0 ? at : 0);
}

static int do_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	(void)mode, (void)fi;
	begin();
	for (int i = 0; i < FILES; i++)
		if (!names[i]) {
			names[i] = strdup(path);
			return end(0);
		}
	return end(-ENOSPC);
}

static int do_open(const char *path, struct fuse_file_info *fi)
{
	begin();
	int at = find(path);
	fi->direct_io = 1;
	return end(at < 0 ? at : 0);
}

/* Another block while there are not enough, and looks at what other threads add meanwhile. */
static int grow(void)
{
	pthread_mutex_lock(&lock);
	int at = block_count;
	unsigned char *block = at < BLOCKS ? malloc(BLOCK) : NULL;
	if (block) {
		block[0] = block[BLOCK - 1] = (unsigned char)(at + 1);
		blocks[at] = block;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		block_count = at + 1;
	}
	pthread_mutex_unlock(&lock);
	if (!block && at < BLOCKS)
		return -ENOMEM;
	for (int i = 0; i < LOOKS; i++) {
		int newest = block_count;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		block = blocks[newest - 1];
		if (block[0] != newest || block[BLOCK - 1] != newest)
			return -EILSEQ;
	}
	return 0;
}

/* The name is looked at before a nap and after it. */
static int do_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)fi;
	if (off)
		return 0;
	if (fuse_get_context()->private_data != names || !fuse_get_context()->fuse)
		return -EINVAL;
	int grown = strncmp(path, "/grow", 5) == 0 ? grow() : 0;
	if (grown)
		return grown;
	begin();
	int before = find(path);
	pthread_mutex_unlock(&lock);
	if (strncmp(path, "/slow", 5) == 0)
		usleep(NAP);
	else
		usleep(500);
	pthread_mutex_lock(&lock);
	if (before < 0 || before != find(path))
		return end(-EILSEQ);
	snprintf(buf, size, "%d\n", most);
	return end((int)strlen(buf));
}

static int do_rename(const char *from, const char *to, unsigned flags)
{
	(void)flags;
	begin();
	int alone = !in_rename++;
	int at = find(from), other = find(to);
	pthread_mutex_unlock(&lock);
	usleep(500);
	pthread_mutex_lock(&lock);
	in_rename--;
	if (!alone || at < 0 || at != find(from))
		return end(-EILSEQ);
	if (other >= 0) {
		free(names[other]);
		names[other] = NULL;
	}
	free(names[at]);
	names[at] = strdup(to);
	return end(0);
}

static int do_unlink(const char *path)
{
	begin();
	int at = find(path);
	if (at < 0)
		return end(at);
	if (strcmp(path, "/crash") == 0)
		abort();
	free(names[at]);
	names[at] = NULL;
	return end(0);
}

static int do_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	(void)path, (void)off, (void)fi, (void)flags;
	begin();
	fill(buf, ".", NULL, 0, 0);
	fill(buf, "..", NULL, 0, 0);
	for (int i = 0; i < FILES; i++)
		if (names[i])
			fill(buf, names[i] + 1, NULL, 0, 0);
	return end(0);
}

static const struct fuse_operations operations = {
	.getattr = do_getattr, .create = do_create, .open = do_open, .read = do_read,
	.rename = do_rename, .unlink = do_unlink, .readdir = do_readdir,
};

int main(int argc, char **argv)
{
	return fuse_main(argc, argv, &operations, names);
}
