/*
 * archive: a tar archive as a read-only filesystem.
 *
 *   tar.c       the format: members out of headers, one at a time
 *   tree.c      the index: inodes, names by hash, children of each directory
 *   archive.c   the FUSE operations, main()
 *
 * The index is read once, at start; data stays in the file and is read on demand.
 */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#define _GNU_SOURCE
#define FUSE_USE_VERSION 34

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#define NAME_LIMIT 255

/* ---- tar.c ---- */

struct member {
	char *path;   /* as it stands in the archive */
	char *link;   /* target of a symbolic or hard link */
	bool hard;    /* `link` names an earlier member */
	mode_t mode;  /* with type */
	uid_t uid;
	gid_t gid;
	dev_t rdev;
	uint64_t size;
	uint64_t data; /* offset in the archive */
	struct timespec mtime;
};

struct tar {
	int fd;
	uint64_t size;
	uint64_t next; /* offset of the next header */
	const char *error;
	struct member member;
	/* what pax and GNU headers say of the next member, or (global) of all that follow */
	struct {
		char *path, *link;
		bool has_size, has_mtime, has_uid, has_gid;
		uint64_t size, uid, gid;
		struct timespec mtime;
	} local, global;
};

bool tar_open(struct tar *t, const char *file);
/* The next member, valid until the next call; null at the end, or with t->error set. */
const struct member *tar_next(struct tar *t);
void tar_free(struct tar *t);

/* ---- tree.c ---- */

#define ROOT 0u
#define NONE UINT32_MAX

struct inode {
	mode_t mode;
	uint32_t nlink;
	uid_t uid;
	gid_t gid;
	dev_t rdev;
	uint64_t size;
	uint64_t data;
	struct timespec mtime;
	char *target;        /* of a symbolic link */
	uint32_t parent;     /* of a directory: its inode */
	uint32_t first, count; /* of a directory: its part of `children` */
};

struct name {
	uint32_t parent; /* inode of the directory */
	uint32_t inode;
	uint32_t hash;
	uint32_t next; /* of the same bucket */
	uint32_t len;
	char *text;
};

struct tree {
	struct inode *inodes;
	uint32_t inode_count, inode_cap;
	struct name *names;
	uint32_t name_count, name_cap;
	uint32_t *buckets;
	uint32_t bucket_count;
	uint32_t *children; /* names, directory by directory */
	uint64_t bytes;
};

bool tree_init(struct tree *t);
/* Enter a member under its path; later ones replace earlier ones. Null: fine, else why it is left out. */
const char *tree_add(struct tree *t, const struct member *m);
/* After the last member: sort names into their directories. */
bool tree_finish(struct tree *t);
uint32_t tree_lookup(const struct tree *t, uint32_t parent, const char *text, size_t len);
void tree_free(struct tree *t);

#endif
