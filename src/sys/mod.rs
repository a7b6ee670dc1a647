//! The OS-specific unsafe: mappings, W^X, signals.
