// guest: libc
// Pairs of kinds of paths renamed and linked; every kind removed, made, read as a link. What the calls answer, and what is there afterwards.
// The second argument is a directory of another filesystem.
#include "oracle.h"

static char elsewhere[300];

static const char *const paths[] = {
  "file", "file/", "other", "dir", "dir/", "dir/.", "full", "full/", "full/inner", "full/sub", "none", "none/",
  "to-file", "to-file/", "to-dir", "to-dir/", "to-full/inner", "to-none", "loop", "same",
  "dir/..", "full/sub/new", "none/x", "file/x", "to-none/", "loop/x",
};
/** How many of them are used in pairs. */
#define PAIRED 20

static void make_tree(void) {
  put_file("file", "file");
  put_file("other", "other");
  mkdir("dir", 0777);
  mkdir("full", 0777);
  put_file("full/inner", "inner");
  mkdir("full/sub", 0777);
  symlink("file", "to-file");
  symlink("dir", "to-dir");
  symlink("full", "to-full");
  symlink("target", "to-none");
  symlink("loop", "loop");
  MUST(link("file", "same") == 0);
}

static int compare(const void *left, const void *right) {
  return strcmp(*(char *const *)left, *(char *const *)right);
}

/** Prints the names in a directory, sorted. */
static void show_names(const char *path) {
  char *names[64];
  size_t count = 0;
  DIR *directory = opendir(path);
  if (!directory) return;
  for (struct dirent *entry; (entry = readdir(directory));) MUST((names[count++] = strdup(entry->d_name)));
  closedir(directory);
  qsort(names, count, sizeof *names, compare);
  printf("  %s:", path);
  for (size_t index = 0; index < count; index++) {
    printf(" %s", names[index]);
    free(names[index]);
  }
  printf("\n");
}

/** Shows what a call made of the tree, and makes it anew. */
static void show_and_renew_tree(int shows) {
  static const char *const names[] = {"file", "other", "dir", "full", "to-file", "to-dir", "to-full", "to-none", "loop", "same", "none", "target"};
  if (shows) {
    show_names(".");
    show_names("dir");
    show_names("full");
    show_names("full/sub");
    show_status("file");
    show_status("other");
    show_status("none");
  }
  for (size_t index = 0; index < sizeof names / sizeof *names; index++) remove_all(names[index]);
  make_tree();
}

static int rename_there(const char *from) {
  char to[400];
  snprintf(to, sizeof to, "%s/there", elsewhere);
  int result = rename(from, to);
  return result;
}

static int link_there(const char *from) {
  char to[400];
  snprintf(to, sizeof to, "%s/there", elsewhere);
  return link(from, to);
}

static int make_directory(const char *path) {
  return mkdir(path, 0777);
}

static int make_link(const char *path) {
  return symlink("somewhere", path);
}

static int read_link(const char *path) {
  char target[100];
  return (int)readlink(path, target, sizeof target);
}

static int cut(const char *path) {
  return truncate(path, 2);
}

static int look(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 ? S_ISDIR(status.st_mode) : -1;
}

static int look_at_link(const char *path) {
  struct stat status;
  return lstat(path, &status) == 0 ? S_ISDIR(status.st_mode) * 2 + S_ISLNK(status.st_mode) : -1;
}

#define COUNT (sizeof paths / sizeof *paths)

int main(int argc, char **argv) {
  if (argc < 3 || chdir(argv[1]) != 0) return 2;
  snprintf(elsewhere, sizeof elsewhere, "%s", argv[2]);
  make_tree();
  static const struct { const char *name; int (*call)(const char *); } single[] = {
    {"unlink", unlink}, {"rmdir", rmdir}, {"mkdir", make_directory}, {"symlink", make_link}, {"readlink", read_link},
    {"truncate", cut}, {"stat", look}, {"lstat", look_at_link}, {"rename there", rename_there}, {"link there", link_there},
  };
  for (size_t call = 0; call < sizeof single / sizeof *single; call++) {
    for (size_t index = 0; index < COUNT; index++) {
      errno = 0;
      int result = single[call].call(paths[index]);
      printf("%s \"%s\": ", single[call].name, paths[index]);
      if (result < 0) printf("%s\n", error_name(errno));
      else printf("%d\n", result);
      if (result >= 0) show_and_renew_tree(call < 6);
    }
  }
  static const struct { const char *name; int (*call)(const char *, const char *); } pairs[] = {{"rename", rename}, {"link", link}};
  for (size_t call = 0; call < 2; call++) {
    for (size_t from = 0; from < PAIRED; from++) {
      for (size_t to = 0; to < PAIRED; to++) {
        errno = 0;
        int result = pairs[call].call(paths[from], paths[to]);
        printf("%s \"%s\" \"%s\": %s\n", pairs[call].name, paths[from], paths[to], result < 0 ? error_name(errno) : "ok");
        if (result == 0) show_and_renew_tree(1);
      }
    }
  }
  return 0;
}
