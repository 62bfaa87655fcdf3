;; Runs in a worker, since it could make threads, and calls what a worker loads only when it is asked for: randomness. Exits with 0, or an errno.
(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (func (export "_start")
    (call $proc_exit (call $random (i32.const 64) (i32.const 64))))
  (func (export "wasi_thread_start") (param i32 i32)))
