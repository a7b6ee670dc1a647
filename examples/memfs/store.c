/*
 * Memory. Pages come from chunks of 1 MiB that are never given back; freed pages
 * are reused last in, first out. Small objects share pages by size class, and a
 * page whose objects are all free becomes a page again, so that no history of
 * file sizes can eat the memory up. The cap counts pages, whatever they hold.
 */
#include "memfs.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_PAGES 256u
#define SLAB_CLASSES 10

struct free_page {
	struct free_page *next;
};

/* The start of a page of small objects. */
struct slab {
	struct slab *prev, *next; /* of its class, while it has a free object */
	void *free;
	uint16_t used;
	uint16_t cls;
};

static uint64_t cap_pages, used_pages;
static struct free_page *free_pages;
static char *fresh, *fresh_end;

static const uint16_t class_size[SLAB_CLASSES] = { 32,	64,  96,  128, 192,
						   272, 400, 528, 1008, 2016 };
static struct slab *partial[SLAB_CLASSES];

void store_set_cap(uint64_t bytes)
{
	cap_pages = bytes >> PAGE_SHIFT;
}

uint64_t store_pages_total(void)
{
	return cap_pages;
}

uint64_t store_pages_free(void)
{
	return used_pages < cap_pages ? cap_pages - used_pages : 0;
}

void *page_alloc(void)
{
	if (used_pages >= cap_pages)
		return NULL;
	struct free_page *p = free_pages;
	if (p) {
		free_pages = p->next;
		used_pages++;
		return p;
	}
	if (fresh == fresh_end) {
		char *chunk = aligned_alloc(PAGE_SIZE, (size_t)CHUNK_PAGES * PAGE_SIZE);
		if (!chunk)
			return NULL;
		fresh = chunk;
		fresh_end = chunk + (size_t)CHUNK_PAGES * PAGE_SIZE;
	}
	void *page = fresh;
	fresh += PAGE_SIZE;
	used_pages++;
	return page;
}

void page_free(void *page)
{
	struct free_page *p = page;
	p->next = free_pages;
	free_pages = p;
	used_pages--;
}

static int class_of(size_t size)
{
	for (int c = 0; c < SLAB_CLASSES; c++)
		if (size <= class_size[c])
			return c;
	return -1;
}

static struct slab *slab_new(int cls)
{
	struct slab *s = page_alloc();
	if (!s)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->cls = (uint16_t)cls;
	size_t size = class_size[cls];
	char *first = (char *)s + ((sizeof(*s) + 15) & ~(size_t)15);
	char *end = (char *)s + PAGE_SIZE;
	/* chained so that the lowest address goes first */
	char *last = first + (((size_t)(end - first) / size) - 1) * size;
	for (char *o = last; o >= first; o -= size) {
		*(void **)o = s->free;
		s->free = o;
	}
	partial[cls] = s;
	return s;
}

static void slab_unlink(struct slab *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		partial[s->cls] = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->prev = s->next = NULL;
}

/* Objects that no page can share: whole pages' worth from the C library, counted as such. */
static size_t pages_for(size_t size)
{
	return (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static void *big_alloc(size_t size)
{
	size_t pages = pages_for(size);
	if (pages > store_pages_free())
		return NULL;
	void *object = malloc(size);
	if (object)
		used_pages += pages;
	return object;
}

void *obj_alloc(size_t size)
{
	int cls = class_of(size);
	if (cls < 0)
		return big_alloc(size);
	struct slab *s = partial[cls];
	if (!s) {
		s = slab_new(cls);
		if (!s)
			return NULL;
	}
	void *object = s->free;
	s->free = *(void **)object;
	s->used++;
	if (!s->free)
		slab_unlink(s);
	return object;
}

void *obj_calloc(size_t size)
{
	void *object = obj_alloc(size);
	if (object)
		memset(object, 0, size);
	return object;
}

void obj_free(void *object, size_t size)
{
	if (!object)
		return;
	if (class_of(size) < 0) {
		used_pages -= pages_for(size);
		free(object);
		return;
	}
	struct slab *s = (struct slab *)((uintptr_t)object & ~(uintptr_t)(PAGE_SIZE - 1));
	bool was_full = !s->free;
	*(void **)object = s->free;
	s->free = object;
	s->used--;
	if (was_full) {
		s->next = partial[s->cls];
		if (s->next)
			s->next->prev = s;
		partial[s->cls] = s;
	}
	/* one empty page stays with its class, so that a single object does not make it come and go */
	if (s->used == 0 && (s->prev || s->next)) {
		slab_unlink(s);
		page_free(s);
	}
}
