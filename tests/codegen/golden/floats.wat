;; Float arithmetic, comparisons and conversions.
(module
  (memory 1)
  (func $dot (param i32 i32 i32) (result f64) (local f64)
    (loop $next
      (local.set 3 (f64.add (local.get 3) (f64.mul (f64.load (local.get 0)) (f64.load (local.get 1)))))
      (local.set 0 (i32.add (local.get 0) (i32.const 8)))
      (local.set 1 (i32.add (local.get 1) (i32.const 8)))
      (br_if $next (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
    (local.get 3))
  (func $min (param f32 f32) (result f32) (f32.min (local.get 0) (local.get 1)))
  (func $copysign (param f64 f64) (result f64) (f64.copysign (local.get 0) (local.get 1)))
  (func $less (param f64 f64) (result i32)
    (if (result i32) (f64.lt (local.get 0) (local.get 1)) (then (i32.const 3)) (else (i32.const 4))))
  (func $equal (param f64 f64) (result i32) (f64.eq (local.get 0) (local.get 1)))
  (func $trunc (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
  (func $saturate (param f32) (result i64) (i64.trunc_sat_f32_u (local.get 0)))
  (func $unsigned (param i64) (result f64) (f64.convert_i64_u (local.get 0)))
  (func $round (param f64) (result f64) (f64.floor (f64.mul (local.get 0) (f64.const 0.5)))))
