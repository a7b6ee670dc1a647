//! wasmjit: mount filesystems and run programs written in WebAssembly.
