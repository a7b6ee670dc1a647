/*
 * The index. Inodes and names are arrays; a hash over (directory, name) finds a
 * name at once; after loading, each directory's names stand side by side, so
 * that a position in a directory is a number.
 */
#include "archive.h"

#include <stdlib.h>
#include <string.h>

#define FIRST 64u
#define COUNT_LIMIT (1u << 28) /* inodes, names */

static uint32_t hash_of(uint32_t parent, const char *text, size_t len)
{
	uint32_t h = 2166136261u ^ (parent * 0x9E3779B1u);
	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * 16777619u;
	h ^= h >> 15;
	h *= 0x85EBCA6Bu;
	return h ^ (h >> 13);
}

static bool grow(void **array, uint32_t *cap, uint32_t count, size_t unit)
{
	if (count < *cap)
		return true;
	uint32_t bigger = *cap ? *cap * 2 : FIRST;
	void *a = bigger > COUNT_LIMIT ? NULL : realloc(*array, bigger * unit);
	if (!a)
		return false;
	*array = a;
	*cap = bigger;
	return true;
}

static uint32_t new_inode(struct tree *t, mode_t mode)
{
	if (!grow((void **)&t->inodes, &t->inode_cap, t->inode_count, sizeof(*t->inodes)))
		return NONE;
	struct inode *i = &t->inodes[t->inode_count];
	memset(i, 0, sizeof(*i));
	i->mode = mode;
	i->nlink = S_ISDIR(mode) ? 2 : 0;
	return t->inode_count++;
}

bool tree_init(struct tree *t)
{
	memset(t, 0, sizeof(*t));
	t->buckets = malloc(FIRST * sizeof(*t->buckets));
	t->bucket_count = FIRST;
	if (!t->buckets)
		return false;
	memset(t->buckets, 0xff, FIRST * sizeof(*t->buckets));
	return new_inode(t, S_IFDIR | 0755) == ROOT;
}

static bool rehash(struct tree *t)
{
	uint32_t count = t->bucket_count * 2;
	uint32_t *buckets = malloc(count * sizeof(*buckets));
	if (!buckets)
		return false;
	memset(buckets, 0xff, count * sizeof(*buckets));
	for (uint32_t n = 0; n < t->name_count; n++) {
		uint32_t *b = &buckets[t->names[n].hash & (count - 1)];
		t->names[n].next = *b;
		*b = n;
	}
	free(t->buckets);
	t->buckets = buckets;
	t->bucket_count = count;
	return true;
}

static uint32_t find(const struct tree *t, uint32_t parent, const char *text, size_t len)
{
	uint32_t hash = hash_of(parent, text, len);
	uint32_t n = t->buckets[hash & (t->bucket_count - 1)];
	for (; n != NONE; n = t->names[n].next) {
		const struct name *name = &t->names[n];
		if (name->hash == hash && name->parent == parent && name->len == len &&
		    memcmp(name->text, text, len) == 0)
			break;
	}
	return n;
}

uint32_t tree_lookup(const struct tree *t, uint32_t parent, const char *text, size_t len)
{
	uint32_t n = find(t, parent, text, len);
	return n == NONE ? NONE : t->names[n].inode;
}

/* Make a name lead to an inode, whatever it led to. */
static bool enter(struct tree *t, uint32_t parent, const char *text, size_t len, uint32_t inode)
{
	uint32_t n = find(t, parent, text, len);
	struct inode *i = &t->inodes[inode];
	if (n != NONE) {
		struct inode *old = &t->inodes[t->names[n].inode];
		if (!S_ISDIR(old->mode))
			old->nlink--;
		t->names[n].inode = inode;
	} else {
		if (!grow((void **)&t->names, &t->name_cap, t->name_count, sizeof(*t->names)) ||
		    (t->name_count >= t->bucket_count && !rehash(t)))
			return false;
		struct name *name = &t->names[t->name_count];
		name->text = strndup(text, len);
		if (!name->text)
			return false;
		name->len = (uint32_t)len;
		name->parent = parent;
		name->inode = inode;
		name->hash = hash_of(parent, text, len);
		uint32_t *b = &t->buckets[name->hash & (t->bucket_count - 1)];
		name->next = *b;
		*b = t->name_count++;
	}
	if (S_ISDIR(i->mode)) {
		i->parent = parent;
		t->inodes[parent].nlink++;
	} else {
		i->nlink++;
	}
	return true;
}

/* The next component of a path, "." and empty ones skipped; length 0 at the end. */
static const char *component(const char *path, size_t *len)
{
	for (;;) {
		path += strspn(path, "/");
		*len = strcspn(path, "/");
		if (*len != 1 || path[0] != '.')
			return path;
		path++;
	}
}

static bool bad_component(const char *c, size_t len)
{
	return len > NAME_LIMIT || (len == 2 && c[0] == '.' && c[1] == '.');
}

/* Walk to the directory of a path's last component; missing directories are made with `make`. */
static uint32_t walk(struct tree *t, const char *path, bool make, const char **last, size_t *last_len,
		     const char **why)
{
	uint32_t dir = ROOT;
	size_t len;
	const char *c = component(path, &len);
	*why = NULL;
	for (;;) {
		if (bad_component(c, len)) {
			*why = len > NAME_LIMIT ? "its name is too long" : "its path contains ..";
			return NONE;
		}
		size_t next_len;
		const char *next = component(c + len, &next_len);
		if (next_len == 0) {
			*last = c;
			*last_len = len;
			return dir;
		}
		uint32_t at = tree_lookup(t, dir, c, len);
		if (at == NONE || !S_ISDIR(t->inodes[at].mode)) {
			if (!make)
				return NONE;
			at = new_inode(t, S_IFDIR | 0755);
			if (at == NONE || !enter(t, dir, c, len, at)) {
				*why = "out of memory";
				return NONE;
			}
			t->inodes[at].mtime = t->inodes[dir].mtime;
		}
		dir = at;
		c = next;
		len = next_len;
	}
}

static uint32_t resolve(struct tree *t, const char *path)
{
	const char *last, *why;
	size_t len;
	uint32_t dir = walk(t, path, false, &last, &len, &why);
	if (dir == NONE || len == 0)
		return dir;
	return tree_lookup(t, dir, last, len);
}

static const char *fill_inode(struct tree *t, uint32_t inode, const struct member *m)
{
	struct inode *i = &t->inodes[inode];
	i->mode = m->mode;
	i->uid = m->uid;
	i->gid = m->gid;
	i->rdev = m->rdev;
	i->size = m->size;
	i->data = m->data;
	i->mtime = m->mtime;
	t->bytes += m->size;
	if (!S_ISLNK(m->mode))
		return NULL;
	i->target = strdup(m->link);
	i->size = strlen(m->link);
	return i->target ? NULL : "out of memory";
}

const char *tree_add(struct tree *t, const struct member *m)
{
	const char *last, *why;
	size_t len;
	uint32_t dir = walk(t, m->path, true, &last, &len, &why);
	if (dir == NONE)
		return why;
	if (len == 0) /* the root itself */
		return S_ISDIR(m->mode) ? fill_inode(t, ROOT, m) : "its path is empty";
	uint32_t inode;
	if (m->hard) {
		inode = resolve(t, m->link);
		if (inode == NONE || S_ISDIR(t->inodes[inode].mode))
			return "the file that it is a link to is missing";
		if (tree_lookup(t, dir, last, len) == inode)
			return NULL;
	} else {
		uint32_t old = tree_lookup(t, dir, last, len);
		if (S_ISDIR(m->mode) && old != NONE && S_ISDIR(t->inodes[old].mode))
			return fill_inode(t, old, m);
		inode = new_inode(t, m->mode);
		if (inode == NONE)
			return "out of memory";
		why = fill_inode(t, inode, m);
		if (why)
			return why;
	}
	return enter(t, dir, last, len, inode) ? NULL : "out of memory";
}

bool tree_finish(struct tree *t)
{
	t->children = malloc((t->name_count + 1u) * sizeof(*t->children));
	if (!t->children)
		return false;
	for (uint32_t n = 0; n < t->name_count; n++)
		t->inodes[t->names[n].parent].count++;
	uint32_t at = 0;
	for (uint32_t i = 0; i < t->inode_count; i++) {
		t->inodes[i].first = at;
		at += t->inodes[i].count;
		t->inodes[i].count = 0;
	}
	for (uint32_t n = 0; n < t->name_count; n++) {
		struct inode *dir = &t->inodes[t->names[n].parent];
		t->children[dir->first + dir->count++] = n;
	}
	return true;
}

void tree_free(struct tree *t)
{
	for (uint32_t i = 0; i < t->inode_count; i++)
		free(t->inodes[i].target);
	for (uint32_t n = 0; n < t->name_count; n++)
		free(t->names[n].text);
	free(t->inodes);
	free(t->names);
	free(t->buckets);
	free(t->children);
}
