;; A call whose exceptions are handled: values that the handler needs are in the frame, no other code stands on the way of a return.
(module
  (tag $t (param i32 i64))
  (memory 1)
  (func $callee (param i32) (result i32) (throw $t (local.get 0) (i64.const 1)))
  (func $catches (param i32 i32) (result i32)
    (block (result i32 i64)
      (return (try_table (result i32) (catch $t 0)
        (i32.add (call $callee (local.get 0)) (i32.load (local.get 1))))))
    (drop) (i32.add (local.get 1)))
  (func $cleanup (param i32)
    try
      (drop (call $callee (local.get 0)))
    catch_all
      (i32.store (i32.const 8) (local.get 0))
      rethrow 0
    end))
