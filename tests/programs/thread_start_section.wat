;; The module's start section never ends in any instance but the first: carriers that make instances ahead stay in it.
(module
  (import "env" "memory" (memory 1 4 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (func $initialize
    (if (i32.atomic.rmw.add (i32.const 0) (i32.const 1))
      (then (loop $forever (br $forever)))))
  (start $initialize)
  (func (export "_start")
    ;; The carrier of the main thread makes no second instance while it is busy, so the count goes on only on others.
    (drop (call $spawn (i32.const 0)))
    (loop $until (br_if $until (i32.lt_u (i32.atomic.load (i32.const 0)) (i32.const 2))))
    (call $proc_exit (i32.const 6)))
  (func (export "wasi_thread_start") (param i32 i32)))
