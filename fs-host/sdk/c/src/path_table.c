/*
 * Nodes. A nodeid is a place in an array, so that finding a node costs nothing;
 * a place that is used again gets a new generation. Names are in one hash table
 * over (parent, name), which doubles as it fills.
 */
#include "path.h"

#define FIRST_NODES 256
#define FIRST_BUCKETS 256
#define ROOT_ID 1

static uint32_t hash_name(uint64_t parent, const char *name, size_t len)
{
	uint64_t h = (parent + len) * 0x9E3779B97F4A7C15ull;
	while (len >= 8) {
		uint64_t w;
		memcpy(&w, name, 8);
		h = (h ^ w) * 0xFF51AFD7ED558CCDull;
		h ^= h >> 32;
		name += 8;
		len -= 8;
	}
	while (len--)
		h = (h ^ (uint8_t)*name++) * 0x100000001B3ull;
	h ^= h >> 29;
	return (uint32_t)(h ^ (h >> 32));
}

static struct wj_node **bucket_of(struct fuse *f, uint32_t hash)
{
	return &f->buckets[hash & (f->bucket_count - 1)];
}

static void grow_buckets(struct fuse *f)
{
	size_t count = f->bucket_count * 2;
	struct wj_node **buckets = calloc(count, sizeof(*buckets));
	if (!buckets)
		return; /* longer chains, no harm */
	for (size_t i = 0; i < f->bucket_count; i++) {
		for (struct wj_node *n = f->buckets[i], *next; n; n = next) {
			next = n->next;
			struct wj_node **b = &buckets[n->name_hash & (count - 1)];
			n->next = *b;
			*b = n;
		}
	}
	free(f->buckets);
	f->buckets = buckets;
	f->bucket_count = count;
}

/* Give a node its name. The parent stays as long as it has named children. */
static bool name_node(struct fuse *f, struct wj_node *node, struct wj_node *parent,
		      const char *name)
{
	size_t len = strlen(name);
	char *copy = node->inline_name;
	if (len >= sizeof(node->inline_name)) {
		copy = malloc(len + 1);
		if (!copy)
			return false;
	}
	memcpy(copy, name, len + 1);
	if (f->named >= f->bucket_count)
		grow_buckets(f);
	node->name = copy;
	node->name_len = (uint32_t)len;
	node->name_hash = hash_name(parent->nodeid, name, len);
	node->parent = parent;
	parent->children++;
	struct wj_node **b = bucket_of(f, node->name_hash);
	node->next = *b;
	*b = node;
	f->named++;
	return true;
}

static void lru_remove(struct fuse *f, struct wj_node *n)
{
	if (!n->lru_prev && !n->lru_next && f->lru_first != n)
		return;
	*(n->lru_prev ? &n->lru_prev->lru_next : &f->lru_first) = n->lru_next;
	*(n->lru_next ? &n->lru_next->lru_prev : &f->lru_last) = n->lru_prev;
	n->lru_prev = n->lru_next = NULL;
}

static void lru_append(struct fuse *f, struct wj_node *n)
{
	lru_remove(f, n);
	n->lru_prev = f->lru_last;
	*(f->lru_last ? &f->lru_last->lru_next : &f->lru_first) = n;
	f->lru_last = n;
	clock_gettime(CLOCK_MONOTONIC, &n->forgotten_at);
}

static void release_if_unused(struct fuse *f, struct wj_node *n);

static void unname_node(struct fuse *f, struct wj_node *n)
{
	if (!n->name)
		return;
	struct wj_node **at = bucket_of(f, n->name_hash);
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	f->named--;
	if (n->name != n->inline_name)
		free(n->name);
	n->name = NULL;
	struct wj_node *parent = n->parent;
	n->parent = NULL;
	parent->children--;
	release_if_unused(f, parent);
}

/* Forgotten nodes go when nothing is below them; with `remember`, later. */
static void release_if_unused(struct fuse *f, struct wj_node *n)
{
	if (n->nlookup || n->children || n->nodeid == ROOT_ID)
		return;
	if (f->conf.remember && n->name) {
		lru_append(f, n);
		return;
	}
	lru_remove(f, n);
	unname_node(f, n);
	wj_locks_free(n);
	f->nodes[n->nodeid] = NULL;
	if (f->free_count < f->free_cap)
		f->free_ids[f->free_count++] = n->nodeid;
	free(n);
}

static bool grow_nodes(struct fuse *f)
{
	size_t cap = f->node_cap ? f->node_cap * 2 : FIRST_NODES;
	struct wj_node **nodes = realloc(f->nodes, cap * sizeof(*nodes));
	if (!nodes)
		return false;
	f->nodes = nodes;
	uint64_t *free_ids = realloc(f->free_ids, cap * sizeof(*free_ids));
	if (!free_ids)
		return false;
	f->free_ids = free_ids;
	f->free_cap = cap;
	memset(nodes + f->node_cap, 0, (cap - f->node_cap) * sizeof(*nodes));
	f->node_cap = cap;
	return true;
}

static struct wj_node *new_node(struct fuse *f)
{
	if (!f->free_count && f->next_id == f->node_cap && !grow_nodes(f))
		return NULL;
	struct wj_node *n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->nodeid = f->free_count ? f->free_ids[--f->free_count] : f->next_id++;
	n->generation = f->generation++;
	f->nodes[n->nodeid] = n;
	return n;
}

bool wj_table_init(struct fuse *f)
{
	f->buckets = calloc(FIRST_BUCKETS, sizeof(*f->buckets));
	f->bucket_count = FIRST_BUCKETS;
	f->next_id = ROOT_ID;
	if (!f->buckets || !grow_nodes(f))
		return false;
	struct wj_node *root = new_node(f);
	if (root)
		root->nlookup = 1;
	return root != NULL;
}

void wj_table_free(struct fuse *f)
{
	for (size_t i = 0; i < f->node_cap && f->nodes; i++) {
		struct wj_node *n = f->nodes[i];
		if (!n)
			continue;
		wj_locks_free(n);
		if (n->name != n->inline_name)
			free(n->name);
		free(n);
	}
	free(f->nodes);
	free(f->free_ids);
	free(f->buckets);
}

struct wj_node *wj_node(struct fuse *f, uint64_t nodeid)
{
	return nodeid < f->node_cap ? f->nodes[nodeid] : NULL;
}

struct wj_node *wj_lookup_node(struct fuse *f, uint64_t parent, const char *name)
{
	size_t len = strlen(name);
	uint32_t hash = hash_name(parent, name, len);
	struct wj_node *n = *bucket_of(f, hash);
	while (n && (n->name_hash != hash || n->name_len != len || n->parent->nodeid != parent ||
		     memcmp(n->name, name, len) != 0))
		n = n->next;
	return n;
}

struct wj_node *wj_find_node(struct fuse *f, uint64_t parent, const char *name)
{
	struct wj_node *n = name ? wj_lookup_node(f, parent, name) : wj_node(f, parent);
	if (!n) {
		struct wj_node *dir = wj_node(f, parent);
		if (!dir || !name)
			return NULL;
		n = new_node(f);
		if (!n)
			return NULL;
		if (!name_node(f, n, dir, name)) {
			release_if_unused(f, n);
			return NULL;
		}
	}
	if (n->nlookup == 0)
		lru_remove(f, n);
	n->nlookup++;
	return n;
}

void wj_forget(struct fuse *f, uint64_t nodeid, uint64_t count)
{
	struct wj_node *n = wj_node(f, nodeid);
	if (!n || nodeid == ROOT_ID)
		return;
	n->nlookup = count < n->nlookup ? n->nlookup - count : 0;
	release_if_unused(f, n);
}

void wj_remove_name(struct fuse *f, uint64_t dir, const char *name)
{
	struct wj_node *n = wj_lookup_node(f, dir, name);
	if (!n)
		return;
	unname_node(f, n);
	release_if_unused(f, n);
}

int wj_rename_node(struct fuse *f, uint64_t olddir, const char *oldname, uint64_t newdir,
		   const char *newname)
{
	struct wj_node *n = wj_lookup_node(f, olddir, oldname);
	struct wj_node *to = wj_node(f, newdir);
	if (!n || !to)
		return 0;
	struct wj_node *target = wj_lookup_node(f, newdir, newname);
	if (target == n)
		return 0;
	if (target)
		wj_remove_name(f, newdir, newname);
	/* held while it is between two names */
	n->nlookup++;
	unname_node(f, n);
	bool ok = name_node(f, n, to, newname);
	n->nlookup--;
	release_if_unused(f, n);
	return ok ? 0 : -ENOMEM;
}

int wj_exchange_nodes(struct fuse *f, uint64_t olddir, const char *oldname, uint64_t newdir,
		      const char *newname)
{
	struct wj_node *a = wj_lookup_node(f, olddir, oldname);
	struct wj_node *b = wj_lookup_node(f, newdir, newname);
	struct wj_node *from = wj_node(f, olddir), *to = wj_node(f, newdir);
	if (a == b || !from || !to)
		return 0;
	struct wj_node *both[] = { a, b, from, to };
	for (int i = 0; i < 4; i++)
		if (both[i])
			both[i]->nlookup++;
	if (a)
		unname_node(f, a);
	if (b)
		unname_node(f, b);
	bool ok = (!a || name_node(f, a, to, newname)) && (!b || name_node(f, b, from, oldname));
	for (int i = 0; i < 4; i++) {
		if (!both[i])
			continue;
		both[i]->nlookup--;
		release_if_unused(f, both[i]);
	}
	return ok ? 0 : -ENOMEM;
}

double wj_seconds_since(const struct timespec *then)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) * 1e-9;
}

int wj_clean_cache(struct fuse *f)
{
	while (f->lru_first && f->conf.remember > 0) {
		struct wj_node *n = f->lru_first;
		double left = f->conf.remember - wj_seconds_since(&n->forgotten_at);
		if (left > 0)
			return (int)left + 1;
		lru_remove(f, n);
		if (n->nlookup || n->children)
			continue;
		/* without a name it is not remembered any longer */
		unname_node(f, n);
		release_if_unused(f, n);
	}
	return f->conf.remember > 0 ? f->conf.remember : 600;
}

/* ---- paths ---- */

int wj_path(struct fuse *f, uint64_t nodeid, const char *name, struct wj_path *path)
{
	path->str = path->heap = NULL;
	size_t name_len = name ? strlen(name) : 0;
	size_t len = name ? name_len + 1 : 0;
	struct wj_node *start = wj_node(f, nodeid);
	if (!start)
		return -ESTALE;
	for (struct wj_node *n = start; n->nodeid != ROOT_ID; n = n->parent) {
		if (!n->name)
			return -ENOENT;
		len += n->name_len + 1u;
	}
	if (len == 0) {
		strcpy(path->buf, "/");
		path->str = path->buf;
		return 0;
	}
	char *out = path->buf;
	if (len >= sizeof(path->buf)) {
		out = path->heap = malloc(len + 1);
		if (!out)
			return -ENOMEM;
	}
	char *at = out + len;
	*at = '\0';
	if (name) {
		at -= name_len;
		memcpy(at, name, name_len);
		*--at = '/';
	}
	for (struct wj_node *n = start; n->nodeid != ROOT_ID; n = n->parent) {
		at -= n->name_len;
		memcpy(at, n->name, n->name_len);
		*--at = '/';
	}
	path->str = out;
	return 0;
}

int wj_path_open(struct fuse *f, uint64_t nodeid, struct wj_path *path)
{
	path->str = path->heap = NULL;
#if WJ_API == 3
	if (f->conf.nullpath_ok)
		return 0;
	bool may_lack = true;
#else
	if (f->conf.nopath)
		return 0;
	bool may_lack = f->conf.nullpath_ok;
#endif
	int err = wj_path(f, nodeid, NULL, path);
	return err == -ENOENT && may_lack ? 0 : err;
}

void wj_path_free(struct wj_path *path)
{
	free(path->heap);
}
