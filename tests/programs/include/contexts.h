// Contexts with stacks of their own, for programs that include this instead of weft.h.
#pragma once

#include "weft.h"

#define CONTEXT_STACK_SIZE 8192

__asm__(".globaltype __stack_pointer, i32\n");

// The host gives a context no stack in the memory: its entry takes one.
static inline void use_stack(void *top) {
  __asm__ volatile("local.get %0\n\tglobal.set __stack_pointer" ::"r"(top));
}

// The context that began the one that runs, where a program keeps that.
static __thread uint64_t back;
static __thread void (*context_body)(void);
static __thread uint8_t *context_top;

__attribute__((noinline)) static void enter_context(void) {
  use_stack(context_top);
  context_body();
}

KIT uint64_t make_context(void) {
  uint64_t id = 0;
  CHECK_OK(wasix_context_create(&id, (uint32_t)(uintptr_t)enter_context));
  return id;
}

// Begins a context with a stack of its own.
KIT void begin_context(uint64_t id, void (*run)(void)) {
  context_body = run;
  context_top = (uint8_t *)allocate(CONTEXT_STACK_SIZE) + CONTEXT_STACK_SIZE;
  CHECK_OK(wasix_context_switch(id));
}
