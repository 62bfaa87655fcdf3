;; Imports a function that no system has.
(module
  (import "env" "nothing_like_it" (func))
  (memory (export "memory") 1)
  (func (export "_start")))
