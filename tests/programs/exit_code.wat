;; Ends with exit code 7: the smallest program, with a memory that has a limit.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1 2)
  (func (export "_start")
    (call $proc_exit (i32.const 7))))
