// guest: threads
// A program whose main thread registers the one callback for signals, as the WASIX C library does at its start: a signal to another thread runs it on
// that thread. While a thread has named an export that does not exist, its signals wait.
#include "weft.h"

static _Atomic uint32_t ready, handled, last_signal, blocked, sent;
static _Thread_local uint32_t handled_here;

__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) {
  last_signal = (uint32_t)signal;
  handled_here++;
  handled++;
  word_wake_all(&handled);
}

static void name_callback(const char *name) { wasix_callback_signal(name, text_length(name)); }

static void *wait_for_signal(void *argument) {
  (void)argument;
  ready = 1;
  word_wake_all(&ready);
  while (handled == 0) word_wait(&handled, 0, FOREVER);
  return (void *)handled_here;
}

static void *block_signals(void *argument) {
  (void)argument;
  name_callback("no such export");
  ready = 2;
  word_wake_all(&ready);
  while (blocked == 0) word_wait(&blocked, 0, FOREVER);
  CHECK(handled_here == 0);
  name_callback("take_signal");
  return (void *)handled_here;
}

static void *be_signalled_early(void *argument) {
  (void)argument;
  while (sent == 0) word_wait(&sent, 0, FOREVER);
  CHECK_OK(wasi_sched_yield());
  return (void *)handled_here;
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  name_callback("take_signal");
  struct thread *waiter = thread_start(wait_for_signal, NULL);
  while (ready != 1) word_wait(&ready, 0, FOREVER);
  CHECK_OK(wasix_thread_signal(waiter->tid, WASI_SIGNAL_USR1));
  CHECK((uint32_t)thread_result(waiter) == 1);
  CHECK(last_signal == WASI_SIGNAL_USR1 && handled_here == 0);

  struct thread *blocker = thread_start(block_signals, NULL);
  while (ready != 2) word_wait(&ready, 1, FOREVER);
  CHECK_OK(wasix_thread_signal(blocker->tid, WASI_SIGNAL_TERM));
  blocked = 1;
  word_wake_all(&blocked);
  CHECK((uint32_t)thread_result(blocker) == 1);
  CHECK(last_signal == WASI_SIGNAL_TERM && handled == 2);

  // A thread may be sent a signal before it runs.
  struct thread *early = thread_start(be_signalled_early, NULL);
  CHECK_OK(wasix_thread_signal(early->tid, WASI_SIGNAL_HUP));
  sent = 1;
  word_wake_all(&sent);
  CHECK((uint32_t)thread_result(early) == 1 && last_signal == WASI_SIGNAL_HUP);

  CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR2));
  CHECK(last_signal == WASI_SIGNAL_USR2 && handled_here == 1);
  return 0;
}
