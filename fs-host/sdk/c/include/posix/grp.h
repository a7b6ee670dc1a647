/* Emscripten's libc knows no groups; the SDK's functions do (posix_users.c). */
#include_next <grp.h>

#ifndef WASMJIT_GRP_H
#define WASMJIT_GRP_H

#ifdef __cplusplus
extern "C" {
#endif

__typeof__(getgrnam) getgrnam __asm__("wj_getgrnam");
__typeof__(getgrgid) getgrgid __asm__("wj_getgrgid");
__typeof__(getgrnam_r) getgrnam_r __asm__("wj_getgrnam_r");
__typeof__(getgrgid_r) getgrgid_r __asm__("wj_getgrgid_r");

#ifdef __cplusplus
}
#endif

#endif
