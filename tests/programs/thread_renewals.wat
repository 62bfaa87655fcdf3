;; Threads one after the other, each of which must find an instance as new: globals of every number type, segments that the one before dropped, a start section
;; that has run once for it. They end by returning and by thread_exit from within. Exits with 0, or the number of a check that failed; with an argument the last
;; thread traps.
(module
  (import "env" "memory" (memory 1 4 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasix_32v1" "thread_join" (func $thread_join (param i32) (result i32)))
  (import "wasix_32v1" "thread_exit" (func $thread_exit (param i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (global $threads i32 (i32.const 300))
  (global $word (mut i32) (i32.const 5))
  (global $wide (mut i64) (i64.const -6))
  (global $float (mut f32) (f32.const nan:0x200001))
  (global $double (mut f64) (f64.const 0.5))
  (global $started (mut i32) (i32.const 0))
  (table 2 funcref)
  (elem (i32.const 1) $look)
  (type $looking (func (param i32)))
  (data $text "own")
  (data $twice "twice")
  (func $check (param $number i32) (param $holds i32)
    (if (i32.eqz (local.get $holds)) (then (call $proc_exit (local.get $number)))))

  ;; 0: how often the start section ran. 4: threads that looked.
  (func $begin_instance
    (call $check (i32.const 1) (i32.eqz (global.get $started)))
    (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
    (memory.init $text (i32.const 1024) (i32.const 0) (i32.const 3))
    (data.drop $twice)
    (global.set $started (i32.add (global.get $started) (i32.const 1))))
  (start $begin_instance)

  (func $run (param $argument i32) (local $tid i32)
    (local.set $tid (call $spawn (local.get $argument)))
    (call $check (i32.const 2) (i32.gt_s (local.get $tid) (i32.const 0)))
    (call $check (i32.const 3) (i32.eqz (call $thread_join (local.get $tid)))))

  (func (export "_start") (local $left i32)
    (global.set $word (i32.const 100))
    (data.drop $text)
    (local.set $left (global.get $threads))
    (loop $more
      (call $run (i32.rem_u (local.get $left) (i32.const 4)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $more (local.get $left)))
    (call $check (i32.const 4) (i32.eq (i32.atomic.load (i32.const 4)) (global.get $threads)))
    ;; Once for each thread at least; an instance that was made ahead has run it, too.
    (call $check (i32.const 5) (i32.gt_u (i32.atomic.load (i32.const 0)) (global.get $threads)))
    (call $check (i32.const 6) (i32.eq (global.get $word) (i32.const 100)))
    (drop (call $args_sizes_get (i32.const 8) (i32.const 12)))
    (if (i32.gt_u (i32.load (i32.const 8)) (i32.const 1)) (then (call $run (i32.const 4))))
    (call $proc_exit (i32.const 0)))

  (func $look (param $tid i32)
    (call $check (i32.const 10) (i32.eq (global.get $started) (i32.const 1)))
    (call $check (i32.const 11) (i32.eq (global.get $word) (i32.const 5)))
    (call $check (i32.const 12) (i64.eq (global.get $wide) (i64.const -6)))
    (call $check (i32.const 13)
      (i32.eq (i32.reinterpret_f32 (global.get $float)) (i32.const 0x7fa00001)))
    (call $check (i32.const 14) (f64.eq (global.get $double) (f64.const 0.5)))
    (memory.init $text (i32.const 1024) (i32.const 1) (i32.const 2))
    ;; Dropped by its start section, it is empty.
    (memory.init $twice (i32.const 1024) (i32.const 0) (i32.const 0))
    (global.set $started (i32.const 9))
    (global.set $word (local.get $tid))
    (global.set $wide (i64.extend_i32_u (local.get $tid)))
    (global.set $float (f32.convert_i32_s (local.get $tid)))
    (global.set $double (f64.convert_i32_s (local.get $tid)))
    (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 1))))

  (func $fail (param $number i32)
    (if (i32.eq (local.get $number) (i32.const 4)) (then (unreachable))))

  (func $leave (param $argument i32)
    (if (i32.eq (local.get $argument) (i32.const 2)) (then (call $thread_exit (i32.const 0)))))

  (func $enter (export "wasi_thread_start") (param $tid i32) (param $argument i32)
    (call_indirect (type $looking) (local.get $tid) (i32.const 1))
    (if (local.get $argument) (then (data.drop $text)))
    (call $leave (local.get $argument))
    (call $fail (local.get $argument))))
