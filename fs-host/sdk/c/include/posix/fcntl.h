/* What glibc's <fcntl.h> has under _GNU_SOURCE and Emscripten's lacks. */
#include_next <fcntl.h>

#ifndef WASMJIT_FCNTL_H
#define WASMJIT_FCNTL_H
#ifdef _GNU_SOURCE

#include <linux/falloc.h>

#ifndef O_TMPFILE
#define O_TMPFILE 020200000
#endif
#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#endif

#endif
#endif
