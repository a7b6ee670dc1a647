(module
  (memory 1)
  ;; y[i] += a * x[i], four at a time
  (func $saxpy (param $x i32) (param $y i32) (param $n i32) (param $a f32) (local $v v128)
    (local.set $v (f32x4.splat (local.get $a)))
    (loop $l
      (v128.store (local.get $y)
        (f32x4.add (v128.load (local.get $y)) (f32x4.mul (v128.load (local.get $x)) (local.get $v))))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (local.set $y (i32.add (local.get $y) (i32.const 16)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 4))))))
  ;; position of the first byte that equals $c
  (func $memchr (param $p i32) (param $c i32) (result i32) (local $v v128) (local $m i32)
    (local.set $v (i8x16.splat (local.get $c)))
    (loop $l
      (local.set $m (i8x16.bitmask (i8x16.eq (v128.load (local.get $p)) (local.get $v))))
      (local.set $p (i32.add (local.get $p) (i32.const 16)))
      (br_if $l (i32.eqz (local.get $m))))
    (i32.add (i32.sub (local.get $p) (i32.const 16)) (i32.ctz (local.get $m))))
  ;; dot product of bytes
  (func $dot (param $a i32) (param $b i32) (param $n i32) (result i32) (local $s v128)
    (loop $l
      (local.set $s (i32x4.add (local.get $s)
        (i32x4.dot_i16x8_s (v128.load8x8_s (local.get $a)) (v128.load8x8_s (local.get $b)))))
      (local.set $a (i32.add (local.get $a) (i32.const 8)))
      (local.set $b (i32.add (local.get $b) (i32.const 8)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 8)))))
    (local.set $s (i32x4.add (local.get $s)
      (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $s) (local.get $s))))
    (i32.add (i32x4.extract_lane 0 (local.get $s)) (i32x4.extract_lane 1 (local.get $s))))
  ;; a test as a branch, constants from the pool
  (func $blend (param $a v128) (param $b v128) (result v128)
    (if (result v128) (v128.any_true (i16x8.gt_s (local.get $a) (v128.const i16x8 1 2 3 4 5 6 7 8)))
      (then (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $a) (local.get $b)))
      (else (v128.bitselect (local.get $a) (local.get $b) (i16x8.shr_s (local.get $b) (i32.const 3)))))))
