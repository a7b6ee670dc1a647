/* Extended attributes: a short list per inode, name and value in one object each. */
#include "memfs.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

struct xattr {
	struct xattr *next;
	uint32_t size; /* of the value, which follows the name */
	uint8_t name_len;
	char data[];
};

static size_t footprint(const struct xattr *x)
{
	return sizeof(*x) + x->name_len + 1u + x->size;
}

static const char *value_of(const struct xattr *x)
{
	return x->data + x->name_len + 1;
}

static struct xattr **find(struct xattr **at, const char *name)
{
	while (*at && strcmp((*at)->data, name) != 0)
		at = &(*at)->next;
	return at;
}

int xattr_set(struct xattr **list, const char *name, const char *value, size_t size, int flags)
{
	struct xattr **at = find(list, name);
	struct xattr *old = *at;
	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE))
		return -ENODATA;
	size_t name_len = strlen(name);
	if (name_len > NAME_LIMIT)
		return -ERANGE;
	struct xattr *x = obj_alloc(sizeof(*x) + name_len + 1 + size);
	if (!x)
		return -ENOSPC;
	x->size = (uint32_t)size;
	x->name_len = (uint8_t)name_len;
	memcpy(x->data, name, name_len + 1);
	if (size)
		memcpy(x->data + name_len + 1, value, size);
	x->next = old ? old->next : NULL;
	*at = x;
	if (old)
		obj_free(old, footprint(old));
	return 0;
}

const char *xattr_get(const struct xattr *list, const char *name, size_t *size)
{
	for (; list; list = list->next) {
		if (strcmp(list->data, name) == 0) {
			*size = list->size;
			return value_of(list);
		}
	}
	return NULL;
}

size_t xattr_list_size(const struct xattr *list)
{
	size_t size = 0;
	for (; list; list = list->next)
		size += list->name_len + 1u;
	return size;
}

void xattr_list(const struct xattr *list, char *out)
{
	for (; list; list = list->next) {
		memcpy(out, list->data, list->name_len + 1u);
		out += list->name_len + 1u;
	}
}

int xattr_remove(struct xattr **list, const char *name)
{
	struct xattr **at = find(list, name);
	struct xattr *x = *at;
	if (!x)
		return -ENODATA;
	*at = x->next;
	obj_free(x, footprint(x));
	return 0;
}

void xattr_free(struct xattr **list)
{
	while (*list) {
		struct xattr *x = *list;
		*list = x->next;
		obj_free(x, footprint(x));
	}
}
