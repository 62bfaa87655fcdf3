// guest: threads
// instrumented: yes
// Checkpoints, as setjmp and longjmp are made of them. stack_checkpoints CASE
#include "jumps.h"

// The value of each jump arrives, also 0 and one of 64 bits; locals in memory keep what they were last.
static void values(void) {
  static __thread struct jump jump;
  volatile uint32_t returns = 0;
  uint64_t value = CHECKPOINT(&jump);
  static const uint64_t sent[] = {1, 0, 0x123456789abcdef0, ~0ull};
  uint32_t before = returns++;
  CHECK(value == (before == 0 ? 0 : sent[before - 1]));
  if (before < 4) leap(&jump, sent[before]);
}

// Many jumps out of deep calls, with numbers of every type alive across the checkpoint.
static void deep(void) {
  static __thread struct jump jump;
  static __thread volatile uint32_t round;
  round = 0;
  volatile double kept_double = 1.5;
  uint64_t wide = now_nanoseconds() | 1;
  float narrow = (float)(wide & 0xff) + 0.25f;
  double real = kept_double * 3;
  uint64_t value = CHECKPOINT(&jump);
  CHECK(value == round);
  CHECK((wide & 1) && narrow == (float)(wide & 0xff) + 0.25f && real == 4.5);
  if (round < 200) {
    round++;
    descend(&jump, round % 100, round);
  }
}

// A checkpoint that is made again and again in a loop, as an interpreter's.
static void loop(void) {
  static __thread struct jump jump;
  for (volatile uint32_t round = 0; round < 600; round++) {
    uint64_t value = CHECKPOINT(&jump);
    if (value == 0) leap(&jump, round + 1);
    CHECK(value == round + 1);
  }
}

// Checkpoints within checkpoints: the inner ones die with their functions, the outer one lives.
static __thread struct jump outer;

__attribute__((noinline)) static void inner(uint32_t level) {
  struct jump jump;
  volatile uint32_t seen = 0;
  uint64_t value = CHECKPOINT(&jump);
  if (value == 0) {
    seen = 1;
    if (level > 0) inner(level - 1);
    leap(&jump, level + 10);
  }
  CHECK(seen == 1 && value == level + 10);
  if (level == 0) return;
}

static void nested(void) {
  volatile uint32_t rounds = 0;
  uint64_t value = CHECKPOINT(&outer);
  CHECK(value == rounds);
  if (rounds == 20) return;
  inner(5);
  leap(&outer, ++rounds);
}

// A checkpoint whose function has returned, and a later one was made above it: it is gone.
__attribute__((noinline)) static void keep(struct jump *jump) {
  volatile uint8_t frame[64];
  frame[0] = 1;
  CHECK(CHECKPOINT(jump) == 0 && frame[0] == 1);
}

static void dead(void) {
  static __thread struct jump gone, other;
  keep(&gone);
  if (CHECKPOINT(&other) == 0) leap(&gone, 1);
}

static void unknown(void) {
  struct jump jump = {.snapshot = {.user = 64}};
  leap(&jump, 1);
}

// The same on a thread, which does not go on in any way.
static void *lose(void *argument) {
  unknown();
  print("it goes on");
  return argument;
}

static void lost(void) {
  thread_result(thread_start(lose, NULL));
  print("so does who waits for it");
}

static void pointers(void) {
  struct jump jump;
  CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_stack_checkpoint((void *)-8, &jump.result));
  CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_stack_checkpoint(&jump.snapshot, (void *)-4));
  if (CHECKPOINT(&jump) == 0) {
    jump.snapshot.user = (uint32_t)-8;
    leap(&jump, 1);
  }
}

// The stack has too little left for the frames: an errno, and nothing is written anywhere.
__attribute__((noinline)) static uint32_t fill(uint32_t depth, struct jump *jump, volatile uint8_t *mark) {
  if (depth == 0) {
    // What a frame here has of the stack's memory is nearly nothing, what it keeps when it is taken apart is not.
    uint32_t failed = (uint32_t)wasix_stack_checkpoint(&jump->snapshot, &jump->result);
    CHECK(*mark == 77);
    return failed;
  }
  uint32_t below = fill(depth - 1, jump, mark);
  return *mark == 77 ? below : ~below;
}

static void *crowded(void *argument) {
  (void)argument;
  static struct jump jump;
  static volatile uint8_t mark = 77;
  uint32_t fitted = 0, refused = 0;
  for (uint32_t depth = 1; refused < 2; depth = depth * 3 / 2 + 1) {
    uint32_t errno_ = fill(depth, &jump, &mark);
    CHECK(errno_ == 0 || errno_ == WASI_EOVERFLOW);
    if (errno_ == 0) fitted++;
    else refused++;
  }
  CHECK(fitted > 2);
  return NULL;
}

static void *all(void *argument) {
  values();
  deep();
  loop();
  nested();
  return argument;
}

// Each thread has its own.
static void threads(void) {
  struct thread *many[8];
  for (size_t index = 0; index < 8; index++) many[index] = thread_start(all, NULL);
  all(NULL);
  for (size_t index = 0; index < 8; index++) thread_result(many[index]);
}

static struct jump from_handler;
static volatile uint32_t signals;

__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) {
  (void)signal;
  signals++;
  descend(&from_handler, 20, signals);
}

static void handlers(void) {
  wasix_callback_signal("take_signal", 11);
  uint64_t value = CHECKPOINT(&from_handler);
  CHECK(value == signals);
  if (signals < 10) {
    wasi_proc_raise(WASI_SIGNAL_USR1);
    wasix_thread_sleep(FOREVER / 2);
  }
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  static const struct {
    const char *name;
    void (*run)(void);
  } cases[] = {
      {"values", values},   {"deep", deep}, {"loop", loop},         {"nested", nested},   {"dead", dead},
      {"unknown", unknown}, {"lost", lost}, {"pointers", pointers}, {"threads", threads}, {"handlers", handlers},
  };
  for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
    if (text_equal(name, cases[index].name)) cases[index].run();
  }
  if (text_equal(name, "crowded")) {
    struct thread thread;
    CHECK_OK(thread_start_on(&thread, allocate(4096), 4096, crowded, NULL));
    thread_result(&thread);
  }
  print("%s: done\n", name);
  return 0;
}
