;; Tail calls: to a function with as many stack slots, to one with more, through a table.
(module
  (type $wide (func (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (table 1 funcref)
  (func $loop (param i32 i32) (result i32)
    (if (result i32) (local.get 0)
      (then (return_call $loop (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 3))))
      (else (local.get 1))))
  (func $widens (param i32) (result i32)
    (return_call $narrows (local.get 0) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (local.get 0) (i32.const 6) (i32.const 7)))
  (func $narrows (type $wide) (return_call $widens (local.get 5)))
  (func $through (type $wide)
    (return_call_indirect (type $wide) (local.get 7) (local.get 6) (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0) (i32.const 0))))
