#error "Character devices in userspace (CUSE) cannot be served by a WebAssembly guest."
