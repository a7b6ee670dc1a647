//! Mounts any guest that answers FUSE messages; knows nothing of WebAssembly.
