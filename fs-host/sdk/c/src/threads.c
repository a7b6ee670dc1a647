/* Locks and workers of guests with threads. */
#include "lowlevel.h"
#include "threads.h"

#ifdef __EMSCRIPTEN_PTHREADS__

#include <pthread.h>

/* ---- the session's tables ---- */

static pthread_mutex_t tables = PTHREAD_MUTEX_INITIALIZER;

void wj_lock(void)
{
	pthread_mutex_lock(&tables);
}

void wj_unlock(void)
{
	pthread_mutex_unlock(&tables);
}

/* ---- the path layer's nodes and names ---- */

static pthread_mutex_t tree = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned relying; /* operations that rely on names */
static unsigned waiting; /* operations that are about to change some */
static bool changing;

enum mode { NEITHER, RELIES, CHANGES };
static _Thread_local enum mode mode;
static _Thread_local bool held;

static enum mode mode_of(uint32_t opcode)
{
	switch (opcode) {
	case WJ_OP_UNLINK:
	case WJ_OP_RMDIR:
	case WJ_OP_RENAME:
	case WJ_OP_RENAME2:
		return CHANGES;
	/* may wait for long, and has the open file */
	case WJ_OP_SETLKW:
		return NEITHER;
	default:
		return RELIES;
	}
}

void wj_tree_enter(uint32_t opcode)
{
	pthread_mutex_lock(&tree);
	held = true;
	mode = mode_of(opcode);
	switch (mode) {
	case CHANGES:
		waiting++;
		while (changing || relying)
			pthread_cond_wait(&changed, &tree);
		waiting--;
		changing = true;
		break;
	case RELIES:
		while (changing || waiting)
			pthread_cond_wait(&changed, &tree);
		relying++;
		break;
	case NEITHER:
		break;
	}
}

void wj_tree_leave(void)
{
	if (mode == CHANGES)
		changing = false;
	if (mode == RELIES)
		relying--;
	if (mode == CHANGES || (!relying && waiting))
		pthread_cond_broadcast(&changed);
	mode = NEITHER;
	held = false;
	pthread_mutex_unlock(&tree);
}

bool wj_tree_release(void)
{
	if (!held)
		return false;
	held = false;
	pthread_mutex_unlock(&tree);
	return true;
}

bool wj_tree_take(void)
{
	if (held)
		return false;
	pthread_mutex_lock(&tree);
	held = true;
	return true;
}

void wj_tree_retake(bool was_held)
{
	if (was_held)
		wj_tree_take();
}

void wj_tree_give(bool taken)
{
	if (taken)
		wj_tree_release();
}

/* ---- workers ---- */

static void *serve(void *nothing)
{
	/* without a place it returns at once: the host does not want that many */
	wj_host_serve();
	return nothing;
}

int wj_session_loop_mt(struct fuse_session *se, unsigned most)
{
	pthread_t threads[WJ_WORKERS];
	unsigned count = 0;
	if (most > WJ_WORKERS)
		most = WJ_WORKERS;
	while (!se->exited && count + 1 < most && pthread_create(&threads[count], NULL, serve, NULL) == 0)
		count++;
	int status = fuse_session_loop(se);
	while (count)
		pthread_join(threads[--count], NULL);
	return status;
}

#else

int wj_session_loop_mt(struct fuse_session *se, unsigned most)
{
	(void)most;
	return fuse_session_loop(se);
}

#endif
