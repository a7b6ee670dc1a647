/*
 * File contents: a radix tree of pages, as high as the last page needs. Holes
 * are missing pages or missing subtrees; nodes that become empty are freed.
 */
#include "memfs.h"

#include <string.h>

#define MASK (TREE_FANOUT - 1)

struct node {
	void *child[TREE_FANOUT];
	unsigned used;
};

static const char zero_page[PAGE_SIZE];

/* Pages that a tree of this height can hold; saturates where 64 bits end. */
static uint64_t span_of(unsigned height)
{
	return height * TREE_BITS >= 64 ? UINT64_MAX : (uint64_t)1 << (height * TREE_BITS);
}

/* The leaf node with this page, whose slot is index & MASK. Null: all of it is missing. */
static struct node *find_leaf(const struct file *f, uint64_t index)
{
	if (f->height == 0 || index >= span_of(f->height))
		return NULL;
	struct node *n = f->root;
	for (unsigned h = f->height; n && h > 1; h--)
		n = n->child[(index >> ((h - 1) * TREE_BITS)) & MASK];
	return n;
}

static char *find_page(const struct file *f, uint64_t index)
{
	if (f->height == 0)
		return index == 0 ? f->root : NULL;
	struct node *leaf = find_leaf(f, index);
	return leaf ? leaf->child[index & MASK] : NULL;
}

static bool grow_height(struct file *f, uint64_t index)
{
	while (index >= span_of(f->height)) {
		if (f->root) {
			struct node *n = obj_calloc(sizeof(*n));
			if (!n)
				return false;
			n->child[0] = f->root;
			n->used = 1;
			f->root = n;
		}
		f->height++;
	}
	return true;
}

/* A node per level, from the root's down; created where missing. */
static bool make_path(struct file *f, uint64_t index, struct node **path)
{
	void **at = &f->root;
	for (unsigned h = f->height; h > 0; h--) {
		struct node *n = *at;
		if (!n) {
			n = obj_calloc(sizeof(*n));
			if (!n)
				return false;
			*at = n;
			if (h < f->height)
				path[h + 1]->used++;
		}
		path[h] = n;
		at = &n->child[(index >> ((h - 1) * TREE_BITS)) & MASK];
	}
	return true;
}

#define MAX_HEIGHT 12

/* Nodes that were made for a page which then could not be had. */
static void prune(struct file *f, uint64_t index, struct node **path, unsigned from)
{
	for (unsigned h = from; h <= f->height; h++) {
		struct node *n = path[h];
		if (!n || n->used)
			return;
		obj_free(n, sizeof(*n));
		if (h == f->height) {
			f->root = NULL;
			f->height = 0;
			return;
		}
		path[h + 1]->child[(index >> (h * TREE_BITS)) & MASK] = NULL;
		path[h + 1]->used--;
	}
}

/* The page, made if it is missing (*fresh: its contents are rubbish). Null: out of space. */
static char *make_page(struct file *f, uint64_t index, bool *fresh)
{
	*fresh = false;
	char *page = find_page(f, index);
	if (page)
		return page;
	struct node *path[MAX_HEIGHT + 2] = { NULL };
	if (!grow_height(f, index))
		return NULL;
	bool made = make_path(f, index, path);
	page = made ? page_alloc() : NULL;
	if (!page) {
		unsigned from = 1;
		while (from <= f->height && !path[from])
			from++;
		prune(f, index, path, from);
		return NULL;
	}
	if (f->height == 0) {
		f->root = page;
	} else {
		path[1]->child[index & MASK] = page;
		path[1]->used++;
	}
	f->pages++;
	*fresh = true;
	return page;
}

size_t file_write(struct file *f, const char *data, size_t size, uint64_t off)
{
	size_t done = 0;
	while (done < size) {
		uint64_t pos = off + done;
		size_t in_page = (size_t)(pos & (PAGE_SIZE - 1));
		size_t n = PAGE_SIZE - in_page;
		if (n > size - done)
			n = size - done;
		bool fresh;
		char *page = make_page(f, pos >> PAGE_SHIFT, &fresh);
		if (!page)
			break;
		if (fresh && n < PAGE_SIZE) {
			memset(page, 0, in_page);
			memset(page + in_page + n, 0, PAGE_SIZE - in_page - n);
		}
		memcpy(page + in_page, data + done, n);
		done += n;
	}
	return done;
}

int file_map(const struct file *f, uint64_t off, size_t size, struct iovec *iov, int limit)
{
	int count = 0;
	const struct node *leaf = NULL;
	uint64_t leaf_base = UINT64_MAX;
	while (size) {
		uint64_t index = off >> PAGE_SHIFT;
		size_t in_page = (size_t)(off & (PAGE_SIZE - 1));
		size_t n = PAGE_SIZE - in_page;
		if (n > size)
			n = size;
		const char *page;
		if (f->height == 0) {
			page = index == 0 ? f->root : NULL;
		} else {
			if (leaf_base != index >> TREE_BITS) {
				leaf_base = index >> TREE_BITS;
				leaf = find_leaf(f, index);
			}
			page = leaf ? leaf->child[index & MASK] : NULL;
		}
		char *from = (char *)(page ? page : zero_page) + in_page;
		if (count && (char *)iov[count - 1].iov_base + iov[count - 1].iov_len == from) {
			iov[count - 1].iov_len += n;
		} else {
			if (count == limit)
				break;
			iov[count].iov_base = from;
			iov[count].iov_len = n;
			count++;
		}
		off += n;
		size -= n;
	}
	return count;
}

/*
 * Free the pages with index in [from, to) below `n` (a node of height h whose
 * first page is `base`; h 0: a page). True if `n` itself is gone. From the end
 * to the start, so that the next file gets them in ascending order.
 */
static bool free_range(struct file *f, void *n, unsigned h, uint64_t base, uint64_t from, uint64_t to)
{
	if (h == 0) {
		page_free(n);
		f->pages--;
		return true;
	}
	struct node *node = n;
	uint64_t span = span_of(h - 1);
	for (unsigned i = TREE_FANOUT; i-- > 0;) {
		uint64_t first = base + i * span;
		if (!node->child[i] || first >= to || first + (span - 1) < from)
			continue;
		if (free_range(f, node->child[i], h - 1, first, from, to)) {
			node->child[i] = NULL;
			node->used--;
		}
	}
	if (node->used)
		return false;
	obj_free(node, sizeof(*node));
	return true;
}

static void free_pages_between(struct file *f, uint64_t from, uint64_t to)
{
	if (!f->root || from >= to || from >= span_of(f->height))
		return;
	if (f->height == 0 ? from == 0 && free_range(f, f->root, 0, 0, from, to)
			   : free_range(f, f->root, f->height, 0, from, to)) {
		f->root = NULL;
		f->height = 0;
	}
}

static void zero_part(struct file *f, uint64_t off, size_t len)
{
	char *page = find_page(f, off >> PAGE_SHIFT);
	if (page)
		memset(page + (off & (PAGE_SIZE - 1)), 0, len);
}

void file_truncate(struct file *f, uint64_t from)
{
	size_t in_page = (size_t)(from & (PAGE_SIZE - 1));
	if (in_page)
		zero_part(f, from, PAGE_SIZE - in_page);
	free_pages_between(f, (from + PAGE_SIZE - 1) >> PAGE_SHIFT, UINT64_MAX);
}

void file_punch(struct file *f, uint64_t off, uint64_t len)
{
	uint64_t end = off + len;
	uint64_t first = (off + PAGE_SIZE - 1) >> PAGE_SHIFT;
	uint64_t last = end >> PAGE_SHIFT;
	size_t head = (size_t)(off & (PAGE_SIZE - 1));
	size_t tail = (size_t)(end & (PAGE_SIZE - 1));
	if (head && first > last) { /* inside of one page */
		zero_part(f, off, (size_t)len);
		return;
	}
	if (head)
		zero_part(f, off, PAGE_SIZE - head);
	if (tail)
		zero_part(f, end - tail, tail);
	free_pages_between(f, first, last);
}

bool file_reserve(struct file *f, uint64_t off, uint64_t len, bool zero)
{
	uint64_t end = off + len;
	uint64_t first = off >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	/* what cannot fit at all is refused before anything is taken */
	if (last - first + 1 > store_pages_free() + f->pages)
		return false;
	for (uint64_t i = first; i <= last; i++) {
		bool fresh;
		char *page = make_page(f, i, &fresh);
		if (!page)
			return false;
		if (fresh) {
			memset(page, 0, PAGE_SIZE);
		} else if (zero) {
			size_t a = i == first ? (size_t)(off & (PAGE_SIZE - 1)) : 0;
			size_t b = i == last ? (size_t)((end - 1) & (PAGE_SIZE - 1)) + 1 : PAGE_SIZE;
			memset(page + a, 0, b - a);
		}
	}
	return true;
}

/* The first index in [from, ...) whose page is there (or not: `hole`); UINT64_MAX if none below n. */
static uint64_t seek_in(const void *n, unsigned h, uint64_t base, uint64_t from, bool hole)
{
	if (h == 0)
		return (n == NULL) == hole ? (from > base ? from : base) : UINT64_MAX;
	const struct node *node = n;
	uint64_t span = span_of(h - 1);
	unsigned start = from > base ? (unsigned)((from - base) / span) : 0;
	for (unsigned i = start; i < TREE_FANOUT; i++) {
		uint64_t first = base + i * span;
		uint64_t at = from > first ? from : first;
		if (!node->child[i]) {
			if (hole)
				return at;
			continue;
		}
		uint64_t found = seek_in(node->child[i], h - 1, first, from, hole);
		if (found != UINT64_MAX)
			return found;
	}
	return UINT64_MAX;
}

uint64_t file_seek(const struct file *f, uint64_t off, uint64_t end, bool hole)
{
	uint64_t from = off >> PAGE_SHIFT;
	uint64_t found;
	if (!f->root || from >= span_of(f->height))
		found = hole ? from : UINT64_MAX;
	else
		found = seek_in(f->root, f->height, 0, from, hole);
	if (hole && found == UINT64_MAX)
		found = span_of(f->height);
	if (found >= (end + PAGE_SIZE - 1) >> PAGE_SHIFT)
		return end;
	uint64_t pos = found << PAGE_SHIFT;
	return pos > off ? pos : off;
}

size_t file_copy(struct file *dst, uint64_t dst_off, const struct file *src, uint64_t src_off,
		 size_t size)
{
	size_t done = 0;
	while (done < size) {
		size_t in_page = (size_t)((src_off + done) & (PAGE_SIZE - 1));
		size_t n = PAGE_SIZE - in_page;
		if (n > size - done)
			n = size - done;
		const char *page = find_page(src, (src_off + done) >> PAGE_SHIFT);
		size_t put = file_write(dst, (page ? page : zero_page) + in_page, n, dst_off + done);
		done += put;
		if (put < n)
			break;
	}
	return done;
}
