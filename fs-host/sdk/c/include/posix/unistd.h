/* What glibc's <unistd.h> has under _GNU_SOURCE and Emscripten's lacks. */
#include_next <unistd.h>

#ifndef WASMJIT_UNISTD_H
#define WASMJIT_UNISTD_H
#ifdef _GNU_SOURCE

#ifndef SEEK_DATA
#define SEEK_DATA 3
#define SEEK_HOLE 4
#endif

#endif
#endif
