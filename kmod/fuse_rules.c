// SPDX-License-Identifier: GPL-2.0
/*
 * The rules that replies must keep, as in fs-host/src/validate.rs; which rule an operation has, where its request says how much
 * it asks for, and every size come from the same tables, by wj_abi.h.
 */
#include <linux/errno.h>
#include <linux/fuse.h>
#include <linux/kernel.h>
#include <linux/stat.h>
#include <linux/string.h>
#include "wj.h"
#include "fuse_rules.h"

#define WJ_MAX_BLKSIZE (1U << 30)
#define WJ_NSEC 1000000000U

static const struct wj_op wj_ops[] = WJ_FUSE_OPS;

const struct wj_op *wj_op(u32 opcode)
{
	static const struct wj_op unknown = { .rule = WJ_RULE_Opaque };

	return opcode < ARRAY_SIZE(wj_ops) ? &wj_ops[opcode] : &unknown;
}

/* What the request asks for, from the operation's structure. */
struct wj_facts wj_facts(u32 opcode, const void *body, size_t bytes)
{
	const struct wj_op *op = wj_op(opcode);
	struct wj_facts facts = { .rule = op->rule, .kind = op->kind };
	u32 mode = 0;

	if (op->asked_bytes == 4 && op->asked_at + 4 <= bytes)
		facts.asked = *(const u32 *)(body + op->asked_at);
	if (op->asked_bytes == 8 && op->asked_at + 8 <= bytes)
		facts.asked = *(const u64 *)(body + op->asked_at);
	if (op->kind_asked) {
		if (op->kind_at + 4 <= bytes)
			mode = *(const u32 *)(body + op->kind_at);
		facts.kind = mode & S_IFMT ?: S_IFREG;
	}
	return facts;
}

/* How many bytes of a reply's body are to be copied and checked; negative if its length is wrong. */
int wj_reply_shape(const struct wj_facts *facts, int error, size_t body)
{
	static const u32 sizes[] = WJ_RULE_SIZES;
	bool within = body <= facts->asked;

	if (facts->rule == WJ_RULE_Never)
		return -EINVAL;
	if (error)
		return error < 0 && error > -WJ_FUSE_MAX_ERRNO - 1 && !body ? 0 : -EINVAL;
	switch (facts->rule) {
	case WJ_RULE_Data:
		return within ? 0 : -EINVAL;
	case WJ_RULE_Dirents:
	case WJ_RULE_DirentsPlus:
		return within ? body : -EINVAL;
	case WJ_RULE_Readlink:
		return body >= 1 && body <= WJ_FUSE_LINK_MAX ? body : -EINVAL;
	case WJ_RULE_XattrValue:
	case WJ_RULE_XattrList:
		if (!facts->asked)
			return body == sizeof(struct fuse_getxattr_out) ? body : -EINVAL;
		if (!within)
			return -EINVAL;
		return facts->rule == WJ_RULE_XattrList ? body : 0;
	case WJ_RULE_Ioctl:
		if (body < sizeof(struct fuse_ioctl_out) || body - sizeof(struct fuse_ioctl_out) > facts->asked)
			return -EINVAL;
		return sizeof(struct fuse_ioctl_out);
	case WJ_RULE_Init:
		return body <= sizeof(struct fuse_init_out) ? body : -EINVAL;
	case WJ_RULE_Opaque:
		return body <= WJ_FUSE_MAX_OPAQUE ? 0 : -EINVAL;
	default:
		return body == sizes[facts->rule] ? body : -EINVAL;
	}
}

static bool wj_good_type(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFIFO:
	case S_IFCHR:
	case S_IFDIR:
	case S_IFBLK:
	case S_IFREG:
	case S_IFLNK:
	case S_IFSOCK:
		return mode <= 0177777;
	default:
		return false;
	}
}

static int wj_check_attr(struct fuse_attr *attr)
{
	if (!wj_good_type(attr->mode) || (s64)attr->size < 0 || attr->blksize > WJ_MAX_BLKSIZE)
		return -EINVAL;
	attr->atimensec = min(attr->atimensec, WJ_NSEC - 1);
	attr->mtimensec = min(attr->mtimensec, WJ_NSEC - 1);
	attr->ctimensec = min(attr->ctimensec, WJ_NSEC - 1);
	/* Submounts and DAX have no counterpart in a guest. */
	attr->flags = 0;
	return 0;
}

static int wj_check_entry(struct fuse_entry_out *entry, u32 kind)
{
	if (entry->entry_valid_nsec >= WJ_NSEC || entry->attr_valid_nsec >= WJ_NSEC || wj_check_attr(&entry->attr))
		return -EINVAL;
	return !kind || (entry->attr.mode & S_IFMT) == kind ? 0 : -EINVAL;
}

static int wj_check_new(struct fuse_entry_out *entry, u32 kind)
{
	if (!entry->nodeid || entry->nodeid == FUSE_ROOT_ID)
		return -EINVAL;
	return wj_check_entry(entry, kind);
}

static int wj_check_open(struct fuse_open_out *open)
{
	open->open_flags &= WJ_FUSE_FOPEN_FLAGS;
	memset((u8 *)open + 12, 0, 4);
	return 0;
}

/* Whether it holds a byte of no name: NUL or a slash. */
static bool wj_is_bad_name(const u8 *name, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (!name[i] || name[i] == '/')
			return true;
	return false;
}

/* Whole entries of prefix bytes, a head, and a name padded to 8. */
static int wj_check_dirents(u8 *at, size_t bytes, size_t prefix)
{
	while (bytes) {
		struct fuse_dirent *head = (void *)(at + prefix);
		u64 len;

		if (bytes < prefix + FUSE_NAME_OFFSET || head->type > 15 || (s64)head->off < 0)
			return -EINVAL;
		len = ALIGN((u64)prefix + FUSE_NAME_OFFSET + head->namelen, 8);
		if (len > bytes || !head->namelen || head->namelen > WJ_FUSE_NAME_MAX ||
		    wj_is_bad_name(head->name, head->namelen))
			return -EINVAL;
		if (prefix && ((struct fuse_entry_out *)at)->nodeid && wj_check_entry((void *)at, 0))
			return -EINVAL;
		at += len;
		bytes -= len;
	}
	return 0;
}

static int wj_check_names(const u8 *at, size_t bytes)
{
	size_t len = 0;

	for (; bytes; bytes--, at++) {
		if (!*at && (!len || len > 255))
			return -EINVAL;
		len = *at ? len + 1 : 0;
	}
	return len ? -EINVAL : 0;
}

/* Checks a copy of a reply's body, and puts right what is harmless. */
int wj_check_reply(const struct wj_facts *facts, void *copy, size_t bytes)
{
	struct fuse_entry_out *entry = copy;
	struct fuse_file_lock *lock = copy;

	switch (facts->rule) {
	case WJ_RULE_Lookup:
		if (!entry->nodeid)
			return entry->entry_valid_nsec < WJ_NSEC ? 0 : -EINVAL;
		return wj_check_entry(entry, 0);
	case WJ_RULE_Entry:
		return wj_check_new(entry, facts->kind);
	case WJ_RULE_Create:
		return wj_check_new(entry, facts->kind) ?: wj_check_open((void *)(entry + 1));
	case WJ_RULE_Open:
		return wj_check_open(copy);
	case WJ_RULE_Attr: {
		struct fuse_attr_out *out = copy;

		return out->attr_valid_nsec < WJ_NSEC ? wj_check_attr(&out->attr) : -EINVAL;
	}
	case WJ_RULE_Written:
		return ((struct fuse_write_out *)copy)->size <= facts->asked ? 0 : -EINVAL;
	case WJ_RULE_Copied:
		return *(u64 *)copy <= facts->asked ? 0 : -EINVAL;
	case WJ_RULE_Dirents:
		return wj_check_dirents(copy, bytes, 0);
	case WJ_RULE_DirentsPlus:
		return wj_check_dirents(copy, bytes, sizeof(struct fuse_entry_out));
	case WJ_RULE_Readlink:
		return memchr(copy, 0, bytes) ? -EINVAL : 0;
	case WJ_RULE_XattrValue:
	case WJ_RULE_XattrList:
		if (!facts->asked)
			return ((struct fuse_getxattr_out *)copy)->size <= WJ_FUSE_XATTR_MAX ? 0 : -EINVAL;
		return facts->rule == WJ_RULE_XattrList ? wj_check_names(copy, bytes) : 0;
	case WJ_RULE_Lock:
		if (lock->type > 2)
			return -EINVAL;
		return lock->type == 2 || (lock->start <= lock->end && (s64)lock->end >= 0) ? 0 : -EINVAL;
	case WJ_RULE_Lseek:
		return (s64)((struct fuse_lseek_out *)copy)->offset >= 0 ? 0 : -EINVAL;
	case WJ_RULE_Ioctl:
		return ((struct fuse_ioctl_out *)copy)->flags & FUSE_IOCTL_RETRY ? -EINVAL : 0;
	case WJ_RULE_Statx:
		/* These kernels' requests carry it only where struct fuse_statx_out is known; they check it themselves. */
	default:
		return 0;
	}
}
