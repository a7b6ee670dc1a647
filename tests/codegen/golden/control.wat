;; Calls, switches, loops, traps.
(module
  (type $t (func (param i32) (result i32)))
  (import "" "host" (func $host (param i32 f64) (result i32)))
  (table 4 funcref)
  (global $g (mut i32) (i32.const 0))
  (func $fib (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $import (param i32) (result i32) (i32.add (call $host (local.get 0) (f64.const 2)) (local.get 0)))
  (func $indirect (param i32) (result i32) (call_indirect (type $t) (local.get 0) (i32.const 2)))
  (func $switch (param i32) (result i32)
    (block (block (block (block (block (block
      (br_table 0 1 2 3 4 5 (local.get 0)))
      (return (i32.const 10))) (return (i32.const 11))) (return (i32.const 12))) (return (i32.const 13)))
      (return (i32.const 14))) (i32.const 15))
  (func $unreachable_if (param i32) (if (local.get 0) (then unreachable)) (global.set $g (local.get 0)))
  (func $while (param i32 i32) (result i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get 0)))
        (local.set 1 (i32.mul (local.get 1) (local.get 0)))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br $next)))
    (local.get 1)))
