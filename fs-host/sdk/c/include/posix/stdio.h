/* What glibc's <stdio.h> has under _GNU_SOURCE and Emscripten's lacks. */
#include_next <stdio.h>

#ifndef WASMJIT_STDIO_H
#define WASMJIT_STDIO_H
#ifdef _GNU_SOURCE

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#define RENAME_EXCHANGE (1 << 1)
#define RENAME_WHITEOUT (1 << 2)
#endif

#ifdef __cplusplus
extern "C" {
#endif
int renameat2(int, const char *, int, const char *, unsigned int);
#ifdef __cplusplus
}
#endif

#endif
#endif
