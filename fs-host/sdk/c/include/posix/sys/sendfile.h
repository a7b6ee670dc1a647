#ifndef WASMJIT_SYS_SENDFILE_H
#define WASMJIT_SYS_SENDFILE_H

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

ssize_t sendfile(int out, int in, off_t *offset, size_t count);

#ifdef __cplusplus
}
#endif

#endif
