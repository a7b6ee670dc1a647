/* How a callback is called: by path_fs*.c, and nowhere else. */
#ifndef WJ_PATH_CALL_H
#define WJ_PATH_CALL_H

#include "path.h"

/* What a callback may find in fuse_get_context()->private_data. */
static inline const struct fuse_operations *enter(struct fuse_fs *fs)
{
	wj_context()->private_data = fs->user_data;
	return &fs->op;
}

#define CALL(fs, name, ...) \
	do { \
		const struct fuse_operations *op = enter(fs); \
		if (!op->name) \
			return -ENOSYS; \
		bool held = wj_tree_release(); \
		__auto_type result = op->name(__VA_ARGS__); \
		wj_tree_retake(held); \
		return result; \
	} while (0)

/* As CALL, for what counts as done without a callback. */
#define CALL_OR_OK(fs, name, ...) \
	do { \
		const struct fuse_operations *op = enter(fs); \
		if (!op->name) \
			return 0; \
		bool held = wj_tree_release(); \
		__auto_type result = op->name(__VA_ARGS__); \
		wj_tree_retake(held); \
		return result; \
	} while (0)

#endif
