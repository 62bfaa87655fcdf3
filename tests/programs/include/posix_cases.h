// What the cases of posix_*.c begin and end their threads with: POSIX's names only, and posix.h's checks.
#pragma once

static void pause_milliseconds(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  CHECK_IS(0, nanosleep(&time, NULL));
}

static pthread_t begin(void *(*run)(void *), void *argument) {
  pthread_t thread;
  CHECK_IS(0, pthread_create(&thread, NULL, run, argument));
  return thread;
}

static void *end(pthread_t thread) {
  void *result = NULL;
  CHECK_IS(0, pthread_join(thread, &result));
  return result;
}
