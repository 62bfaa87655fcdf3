// guest: libc
// A tree that is there already, changed: in an overlay it lies in the lower layer. With a third argument the tree is made, without one it is changed. Left out is what
// overlays answer otherwise: directories of the lower layer that are renamed, and names that share a file of the lower layer.
#include "oracle.h"

static int compare(const void *left, const void *right) {
  return strcmp(*(char *const *)left, *(char *const *)right);
}

/** Prints the names in a directory, sorted, and checks that each has the number that is told with it. */
static void show_names(const char *path) {
  char *names[64];
  size_t count = 0;
  DIR *directory = opendir(path);
  if (!directory) {
    printf("  %s: %s\n", path, error_name(errno));
    return;
  }
  for (struct dirent *entry; (entry = readdir(directory));) {
    char inner[300];
    struct stat status;
    snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
    if (strcmp(entry->d_name, "..") != 0) MUST(lstat(inner, &status) == 0 && status.st_ino == entry->d_ino);
    MUST((names[count++] = strdup(entry->d_name)));
  }
  closedir(directory);
  qsort(names, count, sizeof *names, compare);
  printf("  %s:", path);
  for (size_t index = 0; index < count; index++) {
    printf(" %s", names[index]);
    free(names[index]);
  }
  printf("\n");
}

static void make_tree(void) {
  char name[32];
  mkdir("dir", 0777);
  mkdir("dir/sub", 0777);
  put_file("dir/sub/inner", "inner");
  put_file("dir/other", "other");
  put_file("file", "text");
  put_file("large", "");
  MUST(truncate("large", 300000) == 0);
  symlink("file", "to-file");
  symlink("dir", "to-dir");
  symlink("../file", "dir/up");
  symlink("none", "to-none");
  mkdir("empty", 0777);
  mkdir("many", 0777);
  for (int index = 0; index < 30; index++) {
    snprintf(name, sizeof name, "many/%d", index);
    put_file(name, "x");
  }
}

static void show_content(const char *path) {
  int fd = open(path, O_RDONLY);
  MUST(fd >= 0);
  show_bytes(fd, 0, 60);
  close(fd);
}

static void change_files(void) {
  printf("-- files\n");
  int writer = open("file", O_RDWR), reader = open("file", O_RDONLY);
  SHOW(write(writer, "TE", 2));
  show_bytes(writer, 0, 10);
  close(writer);
  close(reader);
  writer = open("to-file", O_WRONLY | O_APPEND);
  SHOW(write(writer, "+", 1));
  close(writer);
  show_content("file");
  int fd = open("dir/sub/inner", O_RDONLY);
  SHOW(rename("dir/sub/inner", "dir/sub/moved"));
  show_bytes(fd, 0, 10);
  close(fd);
  show_names("dir/sub");
  SHOW(link("dir/other", "linked"));
  show_status("linked");
  writer = open("linked", O_WRONLY | O_TRUNC);
  SHOW(write(writer, "changed", 7));
  close(writer);
  show_content("dir/other");
  SHOW(unlink("dir/other"));
  show_status("linked");
  fd = open("large", O_RDWR);
  SHOW(pwrite(fd, "mid", 3, 150000));
  show_bytes(fd, 149999, 5);
  SHOW(ftruncate(fd, 150002));
  SHOW(unlink("large"));
  struct stat status;
  MUST(fstat(fd, &status) == 0);
  printf("  %d links, %lld bytes\n", (int)status.st_nlink, (long long)status.st_size);
  show_bytes(fd, 149999, 5);
  close(fd);
  SHOW(stat("large", &status));
  SHOW_OK(open("large", O_CREAT | O_EXCL | O_RDWR, 0666));
  show_status("large");
}

static void change_directories(void) {
  printf("-- directories\n");
  struct stat status;
  SHOW(rmdir("dir"));
  SHOW(rmdir("empty/"));
  SHOW(mkdir("empty", 0777));
  show_names("empty");
  put_file("empty/new", "new");
  SHOW(unlink("dir/sub/moved"));
  SHOW(rmdir("dir/sub"));
  SHOW(stat("dir/sub", &status));
  SHOW(mkdir("dir/sub", 0777));
  show_names("dir/sub");
  put_file("dir/sub/inner", "again");
  show_content("dir/sub/inner");
  SHOW(rename("many/0", "many/1"));
  SHOW(rename("many/2", "many/new"));
  SHOW(unlink("many/3"));
  put_file("many/3", "three");
  show_names("many");
  SHOW(rmdir("many"));
  DIR *directory = opendir("many");
  int removed = 0;
  for (struct dirent *entry; (entry = readdir(directory));) {
    char inner[300];
    snprintf(inner, sizeof inner, "many/%s", entry->d_name);
    removed += entry->d_name[0] != '.' && unlink(inner) == 0;
  }
  closedir(directory);
  printf("%d removed\n", removed);
  SHOW(rmdir("many"));
  SHOW(mkdir("many", 0777));
  show_names("many");
  SHOW(rename("empty", "many"));
  show_names("many");
  SHOW(rmdir("many"));
  show_names(".");
}

static void change_links(void) {
  printf("-- links\n");
  SHOW(link("to-file", "same-link"));
  show_status("same-link");
  SHOW(unlink("to-file"));
  SHOW(symlink("dir", "to-file"));
  SHOW(rename("to-file", "to-dir"));
  show_names("to-dir");
  SHOW(rename("to-none", "moved-link"));
  SHOW(symlink("none", "to-none"));
  SHOW(unlink("moved-link"));
  show_content("dir/up");
  show_names(".");
}

int main(int argc, char **argv) {
  if (argc < 3 || chdir(argv[1]) != 0) return 2;
  if (argc > 3) make_tree();
  else {
    change_files();
    change_directories();
    change_links();
  }
  return 0;
}
