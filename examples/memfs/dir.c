/*
 * Directory contents. Names are found by hash; for readdir each entry has a slot
 * that it keeps until it is removed, and the slot's number is the position that
 * readdir goes on from: whatever happens in between, an entry that stays is
 * seen exactly once, and seeking costs nothing.
 */
#include "memfs.h"

#include <string.h>

#define FIRST_BUCKETS 8u
#define FIRST_SLOTS 8u

/* A free slot holds the next free one's number, marked by the low bit. */
static struct dent *free_mark(uint32_t next)
{
	return (struct dent *)(((uintptr_t)next << 1) | 1);
}

static bool is_free(const struct dent *e)
{
	return (uintptr_t)e & 1;
}

static uint32_t marked_next(const struct dent *e)
{
	uint32_t next = (uint32_t)((uintptr_t)e >> 1);
	/* on 32 bits the mark cost the top bit, which only NO_SLOT has */
	return next == (uint32_t)((uintptr_t)free_mark(NO_SLOT) >> 1) ? NO_SLOT : next;
}

static uint32_t hash_name(const char *name, size_t len)
{
	uint32_t h = 2166136261u ^ (uint32_t)len;
	while (len >= 4) {
		uint32_t w;
		memcpy(&w, name, 4);
		h = (h ^ w) * 0x9E3779B1u;
		h ^= h >> 15;
		name += 4;
		len -= 4;
	}
	while (len--)
		h = (h ^ (uint8_t)*name++) * 16777619u;
	h ^= h >> 16;
	h *= 0x85EBCA6Bu;
	return h ^ (h >> 13);
}

void dir_init(struct dir *d)
{
	memset(d, 0, sizeof(*d));
	d->free_slot = NO_SLOT;
}

void dir_free(struct dir *d)
{
	obj_free(d->slots, d->slot_cap * sizeof(*d->slots));
	obj_free(d->buckets, d->bucket_count * sizeof(*d->buckets));
	dir_init(d);
}

struct dent *dir_find(const struct dir *d, const char *name)
{
	if (!d->bucket_count)
		return NULL;
	size_t len = strlen(name);
	uint32_t hash = hash_name(name, len);
	struct dent *e = d->buckets[hash & (d->bucket_count - 1)];
	while (e && (e->hash != hash || e->len != len || memcmp(e->name, name, len) != 0))
		e = e->next;
	return e;
}

static bool grow_buckets(struct dir *d)
{
	uint32_t count = d->bucket_count ? d->bucket_count * 2 : FIRST_BUCKETS;
	struct dent **buckets = obj_calloc(count * sizeof(*buckets));
	if (!buckets)
		return false;
	for (uint32_t i = 0; i < d->bucket_count; i++) {
		for (struct dent *e = d->buckets[i], *next; e; e = next) {
			next = e->next;
			struct dent **b = &buckets[e->hash & (count - 1)];
			e->next = *b;
			*b = e;
		}
	}
	obj_free(d->buckets, d->bucket_count * sizeof(*d->buckets));
	d->buckets = buckets;
	d->bucket_count = count;
	return true;
}

static bool grow_slots(struct dir *d)
{
	uint32_t cap = d->slot_cap ? d->slot_cap * 2 : FIRST_SLOTS;
	struct dent **slots = obj_alloc(cap * sizeof(*slots));
	if (!slots)
		return false;
	if (d->slot_count)
		memcpy(slots, d->slots, d->slot_count * sizeof(*slots));
	obj_free(d->slots, d->slot_cap * sizeof(*slots));
	d->slots = slots;
	d->slot_cap = cap;
	return true;
}

bool dir_add(struct dir *d, const char *name, struct inode *inode)
{
	size_t len = strlen(name);
	if (d->count >= d->bucket_count && !grow_buckets(d))
		return false;
	if (d->free_slot == NO_SLOT && d->slot_count == d->slot_cap && !grow_slots(d))
		return false;
	struct dent *e = obj_alloc(sizeof(*e) + len + 1);
	if (!e)
		return false;
	e->inode = inode;
	e->len = (uint8_t)len;
	memcpy(e->name, name, len + 1);
	e->hash = hash_name(name, len);
	struct dent **b = &d->buckets[e->hash & (d->bucket_count - 1)];
	e->next = *b;
	*b = e;
	if (d->free_slot != NO_SLOT) {
		e->slot = d->free_slot;
		d->free_slot = marked_next(d->slots[e->slot]);
	} else {
		e->slot = d->slot_count++;
	}
	d->slots[e->slot] = e;
	d->count++;
	return true;
}

void dir_remove(struct dir *d, struct dent *e)
{
	struct dent **at = &d->buckets[e->hash & (d->bucket_count - 1)];
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	d->slots[e->slot] = free_mark(d->free_slot);
	d->free_slot = e->slot;
	d->count--;
	obj_free(e, sizeof(*e) + e->len + 1u);
	if (d->count == 0)
		dir_free(d);
}

struct dent *dir_next(const struct dir *d, uint32_t *slot)
{
	for (uint32_t i = *slot; i < d->slot_count; i++) {
		if (!is_free(d->slots[i])) {
			*slot = i;
			return d->slots[i];
		}
	}
	return NULL;
}
