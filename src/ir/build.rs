//! build (placeholder until this session's next commit)
