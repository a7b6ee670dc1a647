/*
 * Users and groups: those of /etc/passwd and /etc/group where the program was
 * granted them, else root, nobody, and who runs it.
 */
#ifdef __EMSCRIPTEN__

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOBODY 65534
#define FIELDS 7
#define LINE 1024

/* What a file would say. */
static void own_passwd(char *text, size_t size)
{
	snprintf(text, size, "root:x:0:0:root:/root:/bin/sh\nnobody:x:%d:%d:nobody:/nonexistent:/bin/false\n"
		 "user:x:%u:%u::/:/bin/sh\n", NOBODY, NOBODY, (unsigned)getuid(), (unsigned)getgid());
}

static void own_group(char *text, size_t size)
{
	snprintf(text, size, "root:x:0:\nnogroup:x:%d:\nnobody:x:%d:\nuser:x:%u:\n", NOBODY, NOBODY, (unsigned)getgid());
}

/* Splits a line at its colons; the number of fields. */
static int split(char *line, char *fields[FIELDS])
{
	int count = 0;

	line[strcspn(line, "\n")] = '\0';
	while (count < FIELDS) {
		fields[count++] = line;
		line = strchr(line, ':');
		if (!line)
			break;
		*line++ = '\0';
	}
	return count;
}

/* Finds the line whose first field is the name, or, without one, whose third is the number. */
static int find(const char *path, const char *text, int wanted, const char *name, unsigned id, char *line, char *fields[FIELDS])
{
	FILE *file = fopen(path, "re");
	FILE *from = file ? file : fmemopen((void *)text, strlen(text), "r");
	int found = 0;

	while (from && !found && fgets(line, LINE, from)) {
		char copy[LINE];

		strcpy(copy, line);
		if (split(copy, fields) < wanted)
			continue;
		found = name ? !strcmp(fields[0], name) : strtoul(fields[2], NULL, 10) == id;
	}
	if (from)
		fclose(from);
	if (found)
		split(line, fields);
	return found;
}

static int passwd_of(const char *name, unsigned id, struct passwd *user, char *buf, size_t size, struct passwd **result)
{
	char text[LINE], *fields[FIELDS];

	*result = NULL;
	if (size < LINE)
		return ERANGE;
	own_passwd(text, sizeof text);
	if (!find("/etc/passwd", text, FIELDS, name, id, buf, fields))
		return 0;
	*user = (struct passwd){
		.pw_name = fields[0], .pw_passwd = fields[1], .pw_uid = (uid_t)strtoul(fields[2], NULL, 10),
		.pw_gid = (gid_t)strtoul(fields[3], NULL, 10), .pw_gecos = fields[4], .pw_dir = fields[5], .pw_shell = fields[6],
	};
	*result = user;
	return 0;
}

/* Members lie behind the line, each a pointer into it. */
static int group_of(const char *name, unsigned id, struct group *group, char *buf, size_t size, struct group **result)
{
	char text[LINE], *fields[FIELDS] = { NULL }, **member;
	size_t room;

	*result = NULL;
	if (size < LINE + sizeof *member)
		return ERANGE;
	own_group(text, sizeof text);
	if (!find("/etc/group", text, 3, name, id, buf, fields))
		return 0;
	member = (char **)(((size_t)buf + LINE + sizeof *member - 1) & ~(sizeof *member - 1));
	room = (size_t)(buf + size - (char *)member) / sizeof *member;
	*group = (struct group){ .gr_name = fields[0], .gr_passwd = fields[1], .gr_gid = (gid_t)strtoul(fields[2], NULL, 10), .gr_mem = member };
	if (fields[3]) {
		char *rest;

		for (char *one = strtok_r(fields[3], ",", &rest); one && room > 1; one = strtok_r(NULL, ",", &rest), room--)
			*member++ = one;
	}
	*member = NULL;
	*result = group;
	return 0;
}

int wj_getpwnam_r(const char *, struct passwd *, char *, size_t, struct passwd **);
int wj_getpwnam_r(const char *name, struct passwd *user, char *buf, size_t size, struct passwd **result)
{
	return passwd_of(name, 0, user, buf, size, result);
}

int wj_getpwuid_r(uid_t, struct passwd *, char *, size_t, struct passwd **);
int wj_getpwuid_r(uid_t id, struct passwd *user, char *buf, size_t size, struct passwd **result)
{
	return passwd_of(NULL, id, user, buf, size, result);
}

int wj_getgrnam_r(const char *, struct group *, char *, size_t, struct group **);
int wj_getgrnam_r(const char *name, struct group *group, char *buf, size_t size, struct group **result)
{
	return group_of(name, 0, group, buf, size, result);
}

int wj_getgrgid_r(gid_t, struct group *, char *, size_t, struct group **);
int wj_getgrgid_r(gid_t id, struct group *group, char *buf, size_t size, struct group **result)
{
	return group_of(NULL, id, group, buf, size, result);
}

static struct passwd *static_passwd(const char *name, unsigned id)
{
	static struct passwd user;
	static char buf[LINE];
	struct passwd *result;

	passwd_of(name, id, &user, buf, sizeof buf, &result);
	return result;
}

static struct group *static_group(const char *name, unsigned id)
{
	static struct group group;
	static char buf[2 * LINE];
	struct group *result;

	group_of(name, id, &group, buf, sizeof buf, &result);
	return result;
}

struct passwd *wj_getpwnam(const char *);
struct passwd *wj_getpwnam(const char *name)
{
	return static_passwd(name, 0);
}

struct passwd *wj_getpwuid(uid_t);
struct passwd *wj_getpwuid(uid_t id)
{
	return static_passwd(NULL, id);
}

struct group *wj_getgrnam(const char *);
struct group *wj_getgrnam(const char *name)
{
	return static_group(name, 0);
}

struct group *wj_getgrgid(gid_t);
struct group *wj_getgrgid(gid_t id)
{
	return static_group(NULL, id);
}

#endif
