// guest: libc
// Traps two calls deep: divide_by_zero, called by prepare_the_fall.
__attribute__((noinline)) int divide_by_zero(volatile int *divisor) { return 7 / *divisor; }

__attribute__((noinline)) int prepare_the_fall(volatile int *divisor) { return divide_by_zero(divisor) + 1; }

int main(int argc, char **argv) {
  (void)argv;
  volatile int zero = argc - argc;
  return prepare_the_fall(&zero);
}
