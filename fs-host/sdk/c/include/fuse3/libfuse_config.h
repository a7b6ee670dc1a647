/* Build facts of this implementation that programs may ask about. */
#ifndef LIBFUSE_CONFIG_H_
#define LIBFUSE_CONFIG_H_

#define LIBFUSE_BUILT_WITH_VERSIONED_SYMBOLS 1

/* Set only here: the libfuse that runs inside a WebAssembly guest of wasmjit. */
#define FUSE_WASMJIT 1

#endif
