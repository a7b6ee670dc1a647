/* Limits of Linux's file names. */
#ifndef WASMJIT_LINUX_LIMITS_H
#define WASMJIT_LINUX_LIMITS_H

#include <limits.h>

#define XATTR_NAME_MAX 255
#define XATTR_SIZE_MAX 65536
#define XATTR_LIST_MAX 65536

#endif
