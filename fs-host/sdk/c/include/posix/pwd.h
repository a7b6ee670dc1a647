/* Emscripten's libc knows no users; the SDK's functions do (posix_users.c). */
#include_next <pwd.h>

#ifndef WASMJIT_PWD_H
#define WASMJIT_PWD_H

#ifdef __cplusplus
extern "C" {
#endif

__typeof__(getpwnam) getpwnam __asm__("wj_getpwnam");
__typeof__(getpwuid) getpwuid __asm__("wj_getpwuid");
__typeof__(getpwnam_r) getpwnam_r __asm__("wj_getpwnam_r");
__typeof__(getpwuid_r) getpwuid_r __asm__("wj_getpwuid_r");

#ifdef __cplusplus
}
#endif

#endif
