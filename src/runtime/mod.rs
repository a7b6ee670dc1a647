//! Engine, module, store, instance, linker, traps.
