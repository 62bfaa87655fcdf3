// guest: libc
// Every way to open every kind of path: what open answers, and what is there afterwards. Without the paths "", "." and "..": the C library for plain WASI keeps
// the working directory itself, and asks for another.
#include "oracle.h"

static const struct { const char *text; int flags; } ways[] = {
#define WAY(flags) {#flags, flags},
  WAY(O_RDONLY) WAY(O_WRONLY) WAY(O_RDWR)
  WAY(O_RDONLY | O_DIRECTORY) WAY(O_RDONLY | O_NOFOLLOW) WAY(O_WRONLY | O_NOFOLLOW) WAY(O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  WAY(O_RDONLY | O_CREAT) WAY(O_WRONLY | O_CREAT) WAY(O_RDWR | O_CREAT | O_TRUNC) WAY(O_WRONLY | O_CREAT | O_EXCL)
  WAY(O_WRONLY | O_CREAT | O_NOFOLLOW) WAY(O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
  WAY(O_WRONLY | O_TRUNC) WAY(O_RDWR | O_TRUNC) WAY(O_WRONLY | O_APPEND) WAY(O_WRONLY | O_APPEND | O_CREAT)
  WAY(O_WRONLY | O_DIRECTORY) WAY(O_RDWR | O_EXCL)
#undef WAY
};

static const char *const paths[] = {
  "file", "file/", "file/.", "file/x", "./file", "dir", "dir/", "dir/.", "dir/..", "dir/../file", "dir/inner", "dir//inner",
  "none", "none/", "none/x", "dir/none", "dir/none/", "/", "to-file", "to-file/", "to-dir", "to-dir/", "to-dir/inner",
  "to-dir/none", "to-none", "to-none/", "to-none-below", "loop", "loop/x", "to-link", "to-link-in-dir", "dir/up", "dir/up/file", "to-slash",
};

static void make_tree(void) {
  put_file("file", "text");
  mkdir("dir", 0777);
  put_file("dir/inner", "inner");
  symlink("file", "to-file");
  symlink("dir", "to-dir");
  symlink("target", "to-none");
  symlink("missing/target", "to-none-below");
  symlink("loop", "loop");
  symlink("to-file", "to-link");
  symlink("dir/up/to-file", "to-link-in-dir");
  symlink("..", "dir/up");
  symlink("file/", "to-slash");
}

static void remove_tree(void) {
  static const char *const names[] = {"file", "dir", "to-file", "to-dir", "to-none", "to-none-below", "loop", "to-link",
    "to-link-in-dir", "to-slash", "none", "target"};
  for (size_t index = 0; index < sizeof names / sizeof *names; index++) remove_all(names[index]);
}

int main(int argc, char **argv) {
  if (argc < 2 || chdir(argv[1]) != 0) return 2;
  make_tree();
  for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
    for (size_t index = 0; index < sizeof paths / sizeof *paths; index++) {
      errno = 0;
      int fd = open(paths[index], ways[way].flags, 0666);
      printf("%s \"%s\": %s\n", ways[way].text, paths[index], fd < 0 ? error_name(errno) : "ok");
      if (fd >= 0) {
        struct stat status;
        MUST(fstat(fd, &status) == 0);
        int is_directory = S_ISDIR(status.st_mode);
        if (!is_directory) printf("  %lld bytes\n", (long long)status.st_size);
        char byte;
        if (read(fd, &byte, 1) < 0) printf("  read: %s\n", error_name(errno));
        if (!is_directory && write(fd, "+", 1) < 0) printf("  write: %s\n", error_name(errno));
        if (!is_directory) show_bytes(fd, 0, 10);
        close(fd);
      }
      struct stat status;
      if (lstat("none", &status) == 0) printf("  none was made\n");
      if (lstat("target", &status) == 0) printf("  target was made\n");
      if (lstat("dir/none", &status) == 0) printf("  dir/none was made\n");
      if (stat("file", &status) == 0 && status.st_size != 4) printf("  file has %lld bytes\n", (long long)status.st_size);
      if (fd < 0 || ways[way].flags == O_RDONLY) continue;
      remove_tree();
      make_tree();
    }
  }
  return 0;
}
