(module
  (memory 1 2 shared)
  ;; a spin lock
  (func $lock (param $p i32)
    (loop $l (br_if $l (i32.atomic.rmw.cmpxchg (local.get $p) (i32.const 0) (i32.const 1)))))
  (func $unlock (param $p i32) (i32.atomic.store (local.get $p) (i32.const 0)))
  ;; results wanted and not
  (func $count (param $p i32) (result i64) (i64.atomic.rmw.add offset=8 (local.get $p) (i64.const 1)))
  (func $add (param $p i32) (param $n i32) (drop (i32.atomic.rmw16.add_u (local.get $p) (local.get $n))))
  (func $set (param $p i32) (param $bits i32) (result i32) (i32.atomic.rmw.or (local.get $p) (local.get $bits)))
  (func $read (param $p i32) (result i64) (atomic.fence) (i64.atomic.load8_u offset=3 (local.get $p))))
