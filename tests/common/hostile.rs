//! Filesystems that misbehave, as text: what a guest may try. Tests mount them through FUSE and inside of the kernel.

/// A filesystem that mounts itself properly and answers every other request with `$behave` (request at local `$req`, its unique in `$unique`).
pub fn guest(behave: &str) -> String {
    format!(
        r#"(module
    (import "wasmjit_fuse" "mount" (func $mount (param i32 i32) (result i32)))
    (import "wasmjit_fuse" "serve" (func $serve (result i32)))
    (import "wasmjit_fuse" "send" (func $send (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 64)
    (func (export "_start")
        (if (call $mount (i32.const 0) (i32.const 0)) (then (call $exit (i32.const 9))))
        (drop (call $serve)))
    (func (export "wasmjit_fuse_buffer") (param i32 i32) (result i32) (i32.const 0x10000))
    (func $send_bytes (param $at i32) (param $len i32)
        (i32.store (i32.const 0x100) (local.get $at))
        (i32.store (i32.const 0x104) (local.get $len))
        (drop (call $send (i32.const 0x100) (i32.const 1))))
    (func $header (param $len i32) (param $error i32) (param $unique i64)
        (i32.store (i32.const 0x200) (local.get $len))
        (i32.store (i32.const 0x204) (local.get $error))
        (i64.store (i32.const 0x208) (local.get $unique)))
    (func $reply (param $unique i64) (param $error i32) (param $body i32)
        (call $header (i32.add (local.get $body) (i32.const 16)) (local.get $error) (local.get $unique))
        (call $send_bytes (i32.const 0x200) (i32.add (local.get $body) (i32.const 16))))
    (func $recurse (param i32) (result i32) (i32.add (call $recurse (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
    (func (export "wasmjit_fuse_dispatch") (param $req i32) (param $len i32) (local $op i32) (local $unique i64)
        (local.set $op (i32.load offset=4 (local.get $req)))
        (local.set $unique (i64.load offset=8 (local.get $req)))
        (if (i32.eq (local.get $op) (i32.const 26)) (then
            (i32.store (i32.const 0x210) (i32.const 7))
            (i32.store (i32.const 0x214) (i32.const 31))
            (i32.store (i32.const 0x224) (i32.const 0x20000))
            (call $reply (local.get $unique) (i32.const 0) (i32.const 64))
            (return)))
        ;; FORGET, BATCH_FORGET and INTERRUPT have no reply.
        (br_if 0 (i32.eq (local.get $op) (i32.const 2)))
        (br_if 0 (i32.eq (local.get $op) (i32.const 42)))
        (br_if 0 (i32.eq (local.get $op) (i32.const 36)))
        {behave}))"#
    )
}

/// Hands every behaviour to a macro: name, and what it does in place of an answer.
macro_rules! behaviours {
    ($with:ident) => {
        $with! {
            length_beyond_the_message: "(call $header (i32.const 5000) (i32.const 0) (local.get $unique)) (call $send_bytes (i32.const 0x200) (i32.const 120))";
            shorter_than_a_header: "(call $header (i32.const 8) (i32.const 0) (local.get $unique)) (call $send_bytes (i32.const 0x200) (i32.const 8))";
            body_of_the_wrong_size: "(call $reply (local.get $unique) (i32.const 0) (i32.const 7))";
            garbage: "(memory.fill (i32.const 0x200) (i32.const 0xa7) (i32.const 4096)) (call $send_bytes (i32.const 0x200) (i32.const 144))";
            garbage_attributes: "(memory.fill (i32.const 0x210) (i32.const 0xa7) (i32.const 4096)) (call $reply (local.get $unique) (i32.const 0) (i32.const 104))";
            unknown_request: "(call $reply (i64.xor (local.get $unique) (i64.const 0x55550)) (i32.const 0) (i32.const 0))";
            positive_error: "(call $reply (local.get $unique) (i32.const 5) (i32.const 0))";
            huge_error: "(call $reply (local.get $unique) (i32.const -1000000) (i32.const 0))";
            error_with_a_body: "(call $reply (local.get $unique) (i32.const -2) (i32.const 104))";
            answer_twice: "(call $reply (local.get $unique) (i32.const -2) (i32.const 0)) (call $reply (local.get $unique) (i32.const -2) (i32.const 0))";
            no_answer: "";
            endless_loop: "(loop (br 0))";
            trap: "(unreachable)";
            out_of_bounds: "(drop (i32.load (i32.const 0x7fffffff)))";
            stack_overflow: "(drop (call $recurse (i32.const 0)))";
            vectors_outside_memory: "(drop (call $send (i32.const 0xfffffff0) (i32.const 3)))";
            vectors_without_end: "(drop (call $send (i32.const 0x100) (i32.const -1)))";
            bytes_outside_memory: "(call $send_bytes (i32.const 0xffffff00) (i32.const 0x1000))";
            serve_again: "(drop (call $serve))";
            mount_again: "(drop (call $mount (i32.const 0) (i32.const 0)))";
            notification_of_unknown_kind: "(call $header (i32.const 16) (i32.const 99) (i64.const 0)) (call $send_bytes (i32.const 0x200) (i32.const 16))";
            memory_to_the_cap: "(loop (if (i32.ne (memory.grow (i32.const 16)) (i32.const -1)) (then
                (memory.fill (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 65536)) (i32.const 1) (i32.const 65536)) (br 1))))
                (call $reply (local.get $unique) (i32.const -12) (i32.const 0))";
        }
    };
}
pub(crate) use behaviours;
