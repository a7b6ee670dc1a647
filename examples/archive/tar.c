/*
 * Reading tar: POSIX ustar with pax extended headers, and GNU's long names and
 * base-256 numbers. Archives come from strangers: every length is checked against
 * the file's, and every string is cut where its field ends.
 */
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define BLOCK 512u
#define EXTENSION_LIMIT (1u << 20) /* bytes of one pax header or long name */

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
	char link[100], magic[6], version[2], uname[32], gname[32], major[8], minor[8], prefix[155];
	char padding[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

bool tar_open(struct tar *t, const char *file)
{
	struct stat st;
	memset(t, 0, sizeof(*t));
	t->fd = open(file, O_RDONLY | O_CLOEXEC);
	if (t->fd == -1 || fstat(t->fd, &st) == -1)
		return false;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return false;
	}
	t->size = (uint64_t)st.st_size;
	return true;
}

static bool read_at(struct tar *t, void *buf, size_t size, uint64_t off)
{
	char *at = buf;
	if (off > t->size || size > t->size - off)
		return false;
	while (size) {
		ssize_t n = pread(t->fd, at, size, (off_t)off);
		if (n <= 0)
			return false;
		at += n;
		off += (uint64_t)n;
		size -= (size_t)n;
	}
	return true;
}

/* Octal, or big-endian binary if the first bit is set. Negative and too big: UINT64_MAX. */
static uint64_t number(const char *field, size_t len)
{
	uint64_t n = 0;
	if ((uint8_t)field[0] & 0x80) {
		for (size_t i = 0; i < len; i++) {
			uint8_t byte = (uint8_t)field[i];
			if (i == 0)
				byte &= 0x7f;
			if (n >> 55)
				return UINT64_MAX;
			n = n << 8 | byte;
		}
		return n;
	}
	size_t i = 0;
	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
		n = n << 3 | (uint64_t)(field[i] - '0');
	return n;
}

#define NUMBER(field) number(field, sizeof(field))

static bool checksum_ok(const struct header *h)
{
	const uint8_t *bytes = (const uint8_t *)h;
	unsigned sum = 0;
	size_t at = offsetof(struct header, checksum);
	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= at && i < at + sizeof(h->checksum) ? ' ' : bytes[i];
	return sum == NUMBER(h->checksum);
}

static bool is_zero(const struct header *h)
{
	const char *bytes = (const char *)h;
	for (size_t i = 0; i < BLOCK; i++)
		if (bytes[i])
			return false;
	return true;
}

/* A field that ends at its first zero, or is full. */
static char *text_of(const char *field, size_t len)
{
	return strndup(field, len);
}

static void replace(char **at, char *with)
{
	free(*at);
	*at = with;
}

/* ---- extension headers ---- */

/* Seconds with an optional fraction. */
static bool parse_time(const char *s, struct timespec *t)
{
	char *end;
	errno = 0;
	long long sec = strtoll(s, &end, 10);
	long nsec = 0, unit = 100000000;
	if (end == s || errno)
		return false;
	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
			nsec += (*end - '0') * unit;
	if (s[0] == '-' && nsec) {
		sec--;
		nsec = 1000000000 - nsec;
	}
	t->tv_sec = (time_t)sec;
	t->tv_nsec = nsec;
	return true;
}

static bool parse_number(const char *s, uint64_t *n)
{
	char *end;
	errno = 0;
	*n = strtoull(s, &end, 10);
	return end != s && !*end && !errno && s[0] != '-';
}

static void pax_record(struct tar *t, const char *key, const char *value, bool global)
{
	__typeof__(t->local) *x = global ? &t->global : &t->local;
	if (strcmp(key, "path") == 0)
		replace(&x->path, strdup(value));
	else if (strcmp(key, "linkpath") == 0)
		replace(&x->link, strdup(value));
	else if (strcmp(key, "size") == 0)
		x->has_size = parse_number(value, &x->size);
	else if (strcmp(key, "uid") == 0)
		x->has_uid = parse_number(value, &x->uid);
	else if (strcmp(key, "gid") == 0)
		x->has_gid = parse_number(value, &x->gid);
	else if (strcmp(key, "mtime") == 0)
		x->has_mtime = parse_time(value, &x->mtime);
}

/* Records "LENGTH key=value\n", LENGTH counting all of it. */
static bool parse_pax(struct tar *t, char *text, size_t len, bool global)
{
	while (len) {
		char *space;
		unsigned long record = strtoul(text, &space, 10);
		if (*space != ' ' || record > len || record <= (size_t)(space - text) + 1)
			return false;
		char *end = text + record - 1;
		char *key = space + 1;
		char *equals = memchr(key, '=', (size_t)(end - key));
		if (*end != '\n' || !equals)
			return false;
		*equals = *end = '\0';
		pax_record(t, key, equals + 1, global);
		text += record;
		len -= record;
	}
	return true;
}

static bool extension(struct tar *t, const struct header *h, uint64_t data, uint64_t size)
{
	if (size > EXTENSION_LIMIT) {
		t->error = "an extension header is too long";
		return false;
	}
	char *text = malloc((size_t)size + 1);
	if (!text || !read_at(t, text, (size_t)size, data)) {
		free(text);
		t->error = text ? "the archive is cut off" : "out of memory";
		return false;
	}
	text[size] = '\0';
	bool ok = true;
	switch (h->type) {
	case 'L': replace(&t->local.path, strdup(text)); break;
	case 'K': replace(&t->local.link, strdup(text)); break;
	default: ok = parse_pax(t, text, (size_t)size, h->type == 'g');
	}
	free(text);
	if (!ok)
		t->error = "a pax header is damaged";
	return ok;
}

/* ---- members ---- */

static char *ustar_path(const struct header *h)
{
	if (memcmp(h->magic, "ustar", 6) == 0 && h->prefix[0]) {
		char path[sizeof(h->prefix) + 1 + sizeof(h->name) + 1];
		snprintf(path, sizeof(path), "%.*s/%.*s", (int)sizeof(h->prefix), h->prefix,
			 (int)sizeof(h->name), h->name);
		return strdup(path);
	}
	return text_of(h->name, sizeof(h->name));
}

static mode_t type_of(char type, const char *path)
{
	size_t len = strlen(path);
	switch (type) {
	case '1': return 0; /* a hard link: see tree_add */
	case '2': return S_IFLNK;
	case '3': return S_IFCHR;
	case '4': return S_IFBLK;
	case '5': return S_IFDIR;
	case '6': return S_IFIFO;
	default: return len && path[len - 1] == '/' ? S_IFDIR : S_IFREG;
	}
}

static bool pick_string(char **out, char **local, const char *global, char *plain)
{
	if (*local) {
		*out = *local;
		*local = NULL;
		free(plain);
	} else if (global) {
		*out = strdup(global);
		free(plain);
	} else {
		*out = plain;
	}
	return *out != NULL;
}

static bool fill_member(struct tar *t, const struct header *h, uint64_t data, uint64_t size)
{
	struct member *m = &t->member;
	free(m->path);
	free(m->link);
	memset(m, 0, sizeof(*m));
	if (!pick_string(&m->path, &t->local.path, t->global.path, ustar_path(h)) ||
	    !pick_string(&m->link, &t->local.link, t->global.link,
			 text_of(h->link, sizeof(h->link)))) {
		t->error = "out of memory";
		return false;
	}
#define PICK(field, plain) \
	(t->local.has_##field ? t->local.field : t->global.has_##field ? t->global.field : (plain))
	m->uid = (uid_t)PICK(uid, NUMBER(h->uid));
	m->gid = (gid_t)PICK(gid, NUMBER(h->gid));
	struct timespec plain = { (time_t)NUMBER(h->mtime), 0 };
	m->mtime = PICK(mtime, plain);
#undef PICK
	m->hard = h->type == '1';
	m->mode = type_of(h->type, m->path) | (mode_t)(NUMBER(h->mode) & 07777);
	if (h->type == '3' || h->type == '4')
		m->rdev = makedev((unsigned)NUMBER(h->major), (unsigned)NUMBER(h->minor));
	m->size = S_ISREG(m->mode) ? size : 0;
	m->data = data;
	return true;
}

static void forget_local(struct tar *t)
{
	free(t->local.path);
	free(t->local.link);
	memset(&t->local, 0, sizeof(t->local));
}

/* Types whose size field says nothing about data behind the header. */
static bool has_no_data(char type)
{
	return type >= '1' && type <= '6';
}

const struct member *tar_next(struct tar *t)
{
	struct header h;
	for (;;) {
		if (t->next == t->size)
			return NULL; /* the end mark is missing: no harm */
		if (!read_at(t, &h, sizeof(h), t->next)) {
			t->error = "the archive is cut off";
			return NULL;
		}
		if (is_zero(&h))
			return NULL;
		if (!checksum_ok(&h)) {
			t->error = t->next ? "a header is damaged" : "this is not a tar archive";
			return NULL;
		}
		uint64_t data = t->next + BLOCK;
		uint64_t size = has_no_data(h.type) ? 0 : NUMBER(h.size);
		bool extends = h.type == 'x' || h.type == 'g' || h.type == 'L' || h.type == 'K';
		if (!extends && t->local.has_size && !has_no_data(h.type))
			size = t->local.size;
		if (size > t->size - data) {
			t->error = "the archive is cut off";
			return NULL;
		}
		uint64_t padded = (size + BLOCK - 1) / BLOCK * BLOCK;
		t->next = padded > t->size - data ? t->size : data + padded;
		if (extends) {
			if (!extension(t, &h, data, size))
				return NULL;
			continue;
		}
		bool known = h.type == '\0' || (h.type >= '0' && h.type <= '7');
		bool ok = known && fill_member(t, &h, data, size);
		forget_local(t);
		if (!known)
			continue; /* a volume label, a sparse file of old GNU tar ... */
		return ok ? &t->member : NULL;
	}
}

void tar_free(struct tar *t)
{
	forget_local(t);
	free(t->global.path);
	free(t->global.link);
	free(t->member.path);
	free(t->member.link);
	memset(&t->member, 0, sizeof(t->member));
	memset(&t->global, 0, sizeof(t->global));
}
