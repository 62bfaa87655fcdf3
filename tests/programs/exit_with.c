// guest: libc
// Ends with the exit code that is its argument.
#include <stdlib.h>

int main(int argc, char **argv) { return argc > 1 ? atoi(argv[1]) : 0; }
