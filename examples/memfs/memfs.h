/*
 * memfs: a complete POSIX filesystem in memory.
 *
 *   store.c   where bytes come from: pages, small objects, one cap over all
 *   file.c    the contents of a regular file: a sparse tree of pages
 *   dir.c     the contents of a directory: a hash, and slots that never move
 *   xattr.c   extended attributes of an inode
 *   inode.c   inodes: attributes, life and death
 *   names.c, attr.c, open.c   the FUSE operations
 *   memfs.c   options, main()
 *
 * One thread. The kernel checks permissions (default_permissions) and names.
 */
#ifndef MEMFS_H
#define MEMFS_H

#define _GNU_SOURCE
#define FUSE_USE_VERSION 34

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE (1u << PAGE_SHIFT)
#define NAME_LIMIT 255

/* ---- store.c ---- */

void store_set_cap(uint64_t bytes);
uint64_t store_pages_total(void);
uint64_t store_pages_free(void);
/* A page with whatever contents, page aligned; null at the cap. */
void *page_alloc(void);
void page_free(void *page);
/* Objects of any size, counted against the cap; the size comes back at free. */
void *obj_alloc(size_t size);
void *obj_calloc(size_t size);
void obj_free(void *object, size_t size);

/* ---- file.c ---- */

#define TREE_BITS 6
#define TREE_FANOUT (1u << TREE_BITS)

/*
 * Pages by index. height 0: root is the page with index 0; height h: root is a
 * node over TREE_FANOUT^h pages. A missing page reads as zeroes; the bytes of a
 * page behind the file's end are zero.
 */
struct file {
	void *root;
	unsigned height;
	uint64_t pages; /* present */
};

/* Bytes written (less than size: out of space); 0 when nothing could be. */
size_t file_write(struct file *f, const char *data, size_t size, uint64_t off);
/* Describe [off, off+size) by pieces of memory. The number of pieces, at most `limit`. */
int file_map(const struct file *f, uint64_t off, size_t size, struct iovec *iov, int limit);
/* Drop every page from the one that holds `from`, zeroing that one's tail first. */
void file_truncate(struct file *f, uint64_t from);
void file_punch(struct file *f, uint64_t off, uint64_t len);
/* Make every page of the range present; with `zero`, clear those that are. False: out of space. */
bool file_reserve(struct file *f, uint64_t off, uint64_t len, bool zero);
/* The first offset >= off in a present page (or, hole: in a missing one), below `end`; else end. */
uint64_t file_seek(const struct file *f, uint64_t off, uint64_t end, bool hole);
/* Bytes copied; the ranges do not overlap. */
size_t file_copy(struct file *dst, uint64_t dst_off, const struct file *src, uint64_t src_off,
		 size_t size);

/* ---- dir.c ---- */

struct inode;

struct dent {
	struct dent *next; /* of the same bucket */
	struct inode *inode;
	uint32_t hash;
	uint32_t slot;
	uint8_t len;
	char name[];
};

struct dir {
	struct dent **slots; /* an entry keeps its slot; null or tagged: a free slot */
	struct dent **buckets;
	uint32_t slot_count, slot_cap;
	uint32_t bucket_count; /* a power of two, or 0 */
	uint32_t count;
	uint32_t free_slot; /* head of the list of free slots, NO_SLOT at its end */
};

#define NO_SLOT UINT32_MAX

void dir_init(struct dir *d);
void dir_free(struct dir *d);
struct dent *dir_find(const struct dir *d, const char *name);
/* The name must not exist. False: out of space. */
bool dir_add(struct dir *d, const char *name, struct inode *inode);
void dir_remove(struct dir *d, struct dent *e);
/* The first entry in slot `*slot` or behind it; null at the end. */
struct dent *dir_next(const struct dir *d, uint32_t *slot);

/* ---- xattr.c ---- */

struct xattr;

/* All return a size, 0, or a negative errno. */
int xattr_set(struct xattr **list, const char *name, const char *value, size_t size, int flags);
const char *xattr_get(const struct xattr *list, const char *name, size_t *size);
size_t xattr_list_size(const struct xattr *list);
void xattr_list(const struct xattr *list, char *out);
int xattr_remove(struct xattr **list, const char *name);
void xattr_free(struct xattr **list);

#endif
