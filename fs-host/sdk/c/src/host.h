/*
 * What the host supplies (wasm import module "wasmjit_fuse") and what it calls
 * (wasm exports). A native build links a test host with the same functions.
 */
#ifndef WJ_HOST_H
#define WJ_HOST_H

#include <stdint.h>
#include <sys/uio.h>

#ifdef __wasm__
#define WJ_IMPORT(name) __attribute__((import_module("wasmjit_fuse"), import_name(#name)))
#define WJ_EXPORT(name) __attribute__((export_name(#name), used))
#else
#define WJ_IMPORT(name)
#define WJ_EXPORT(name)
#endif

/* Ask to be mounted, with comma-separated option wishes. 0, or a negative errno. */
WJ_IMPORT(mount) int wj_host_mount(const char *opts, uint32_t len);
/* Serve requests until the mount is gone: dispatch is called from inside. 0, or a negative errno. */
WJ_IMPORT(serve) int wj_host_serve(void);
/* Send a reply or a notification, header first. 0, or a negative errno. */
WJ_IMPORT(send) int wj_host_send(const struct iovec *iov, int n);
WJ_IMPORT(unmount) void wj_host_unmount(void);
/* Ask that serve() ends. */
WJ_IMPORT(exit) void wj_host_exit(void);

/* Where the host may write a request of up to `size` bytes; null when out of memory. */
WJ_EXPORT(wasmjit_fuse_buffer) void *wasmjit_fuse_buffer(int worker, uint32_t size);
/* Handle one request. */
WJ_EXPORT(wasmjit_fuse_dispatch) void wasmjit_fuse_dispatch(const void *request, uint32_t len);

#endif
