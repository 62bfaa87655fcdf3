;; A program that makes threads by both doors but has no wasi_thread_start: it exits with the errno if both agree.
(module
  (import "env" "memory" (memory 1 4 shared))
  (import "wasix_32v1" "thread_spawn_v2" (func $spawn (param i32 i32) (result i32)))
  (import "wasi" "thread-spawn" (func $spawn_older (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (func (export "_start") (local $errno i32)
    (i32.store (i32.const 64) (i32.const 65536))
    (local.set $errno (call $spawn (i32.const 64) (i32.const 256)))
    (if (i32.ne (i32.sub (i32.const 0) (local.get $errno)) (call $spawn_older (i32.const 64)))
      (then unreachable))
    (if (i32.load (i32.const 256)) (then unreachable))
    (call $proc_exit (local.get $errno))))
