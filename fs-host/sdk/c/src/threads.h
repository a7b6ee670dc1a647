/*
 * What guests with threads (-pthread) need; nothing at all in those without.
 *
 * The session's tables have a lock of their own, which is never held while the filesystem runs. The
 * path layer has another: it is held while an operation works on nodes and names, and let
 * go of while a callback runs, so that callbacks run in parallel and nothing else does. Operations
 * that change names wait for all others to end, and others for them, as a path that a
 * callback got must stay right until it returns.
 */
#ifndef WJ_THREADS_H
#define WJ_THREADS_H

#include <stdbool.h>
#include <stdint.h>

struct fuse_session;

#ifdef __EMSCRIPTEN_PTHREADS__

#define WJ_PER_THREAD _Thread_local

void wj_lock(void);
void wj_unlock(void);

/* Around each operation of the path layer. */
void wj_tree_enter(uint32_t opcode);
void wj_tree_leave(void);
/* Around a callback: whether the lock was held. */
bool wj_tree_release(void);
void wj_tree_retake(bool was_held);
/* Around what a callback, or another thread of the filesystem, asks of the library: whether it must be given back. */
bool wj_tree_take(void);
void wj_tree_give(bool taken);

#else

#define WJ_PER_THREAD

static inline void wj_lock(void) {}
static inline void wj_unlock(void) {}
static inline void wj_tree_enter(uint32_t opcode) { (void)opcode; }
static inline void wj_tree_leave(void) {}
static inline bool wj_tree_release(void) { return false; }
static inline void wj_tree_retake(bool was_held) { (void)was_held; }
static inline bool wj_tree_take(void) { return false; }
static inline void wj_tree_give(bool taken) { (void)taken; }

#endif

/* The path layer is above: its lock goes around each operation. */
void wj_session_by_path(struct fuse_session *se);

/* fuse_session_loop in several threads, where there are any. */
int wj_session_loop_mt(struct fuse_session *se, unsigned threads);

#if WJ_API == 3
struct fuse_loop_config;
unsigned wj_threads_of(const struct fuse_loop_config *config);
#endif

/* Threads that serve unless the filesystem says a number, as in libfuse. The host may allow fewer. */
#define WJ_USUAL_THREADS 10

#endif
