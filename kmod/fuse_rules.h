/* SPDX-License-Identifier: GPL-2.0 */
#ifndef WJ_FUSE_RULES_H
#define WJ_FUSE_RULES_H

#include <linux/types.h>

/* A row of WJ_FUSE_OPS. */
struct wj_op {
	u8 rule;
	u8 asked_bytes, asked_at;
	u8 kind_asked, kind_at;
	u32 kind;
};

/* What a reply is checked against. */
struct wj_facts {
	u32 rule;
	u32 kind;
	u64 asked;
};

const struct wj_op *wj_op(u32 opcode);
struct wj_facts wj_facts(u32 opcode, const void *body, size_t bytes);
int wj_reply_shape(const struct wj_facts *facts, int error, size_t body);
int wj_check_reply(const struct wj_facts *facts, void *copy, size_t bytes);

#endif
