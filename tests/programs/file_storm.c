// guest: threads
// Eight threads that call for files at random in the same directories. Each has names of its own there and knows what they stand for; what all share is
// one file that they append to and one that they replace. The arguments: how many calls each makes, and the seed.
#include "weft.h"

#define THREADS 8
#define DIRECTORIES 3
#define SLOTS 10
#define MOST_BYTES 3000
#define RECORD 16
#define SHARED_BYTES 64

#define READ (WASI_RIGHTS_FD_READ | WASI_RIGHTS_FD_SEEK | WASI_RIGHTS_FD_READDIR | WASI_RIGHTS_FD_FILESTAT_GET)
#define WRITE (WASI_RIGHTS_FD_WRITE | WASI_RIGHTS_FD_SEEK | WASI_RIGHTS_FD_FILESTAT_SET_SIZE | WASI_RIGHTS_FD_FILESTAT_GET)

enum kind { NOTHING, FILE_, DIRECTORY, LINK };

struct object {
  uint32_t size, links;
  uint8_t bytes[MOST_BYTES];
};

struct slot {
  enum kind kind;
  struct object *object;
  char path[16];
};

struct storm {
  uint32_t seed, thread, appended;
  struct slot slots[SLOTS];
};

static uint32_t calls;

static uint32_t below(struct storm *storm, uint32_t limit) {
  storm->seed = storm->seed * 1664525 + 1013904223;
  return (storm->seed >> 8) % limit;
}

static int32_t open_path(const char *path, uint32_t oflags, uint64_t rights, uint16_t fdflags, int32_t *fd) {
  return wasi_path_open(3, 0, path, text_length(path), (uint16_t)oflags, rights, 0, fdflags, fd);
}

static void close_fd(int32_t fd) { CHECK_OK(wasi_fd_close(fd)); }

static void write_all(int32_t fd, const uint8_t *bytes, uint32_t size) {
  const struct wasi_ciovec piece = {(uint8_t *)bytes, size};
  uint32_t written = 0;
  CHECK_OK(wasi_fd_write(fd, &piece, 1, &written));
  CHECK(written == size);
}

static uint32_t read_some(int32_t fd, uint8_t *bytes, uint32_t size) {
  const struct wasi_iovec piece = {bytes, size};
  uint32_t count = 0;
  CHECK_OK(wasi_fd_read(fd, &piece, 1, &count));
  return count;
}

static void drop(struct slot *slot) {
  if (slot->object) slot->object->links--;
  slot->kind = NOTHING;
  slot->object = NULL;
}

// Objects come back: there is no freeing.
static struct object *spare[THREADS][SLOTS * 2];
static struct object *make_object(struct storm *storm) {
  for (uint32_t index = 0;; index++) {
    CHECK(index < SLOTS * 2);
    struct object **place = &spare[storm->thread][index];
    if (!*place) *place = allocate(sizeof(struct object));
    if ((*place)->links) continue;
    (*place)->size = 0;
    (*place)->links = 1;
    return *place;
  }
}

static void fill(struct storm *storm, uint8_t *bytes, uint32_t size) {
  uint8_t first = (uint8_t)below(storm, 256);
  for (uint32_t index = 0; index < size; index++) bytes[index] = (uint8_t)(first + index * 7);
}

// Opens for writing, which makes a file where there is none; null where that must fail and did.
static struct object *open_for_writing(struct storm *storm, struct slot *slot, uint32_t oflags, uint16_t flags, int32_t *fd) {
  int32_t errno = open_path(slot->path, WASI_OFLAGS_CREAT | oflags, WRITE, flags, fd);
  if (slot->kind == DIRECTORY || slot->kind == LINK) {
    CHECK_ERRNO(slot->kind == LINK ? WASI_ELOOP : WASI_EISDIR, errno);
    return NULL;
  }
  CHECK_OK(errno);
  if (slot->kind == NOTHING) {
    slot->kind = FILE_;
    slot->object = make_object(storm);
  }
  if (oflags & WASI_OFLAGS_TRUNC) slot->object->size = 0;
  return slot->object;
}

static void put(struct object *object, uint32_t at, const uint8_t *bytes, uint32_t size) {
  for (uint32_t index = object->size; index < at; index++) object->bytes[index] = 0;
  memcpy(object->bytes + at, bytes, size);
  if (at + size > object->size) object->size = at + size;
}

static void write_file(struct storm *storm, struct slot *slot) {
  uint8_t bytes[900];
  uint32_t size = below(storm, sizeof bytes), way = below(storm, 4);
  fill(storm, bytes, size);
  int32_t fd;
  bool appends = way == 1;
  struct object *object =
      open_for_writing(storm, slot, way == 0 ? WASI_OFLAGS_TRUNC : 0, appends ? WASI_FDFLAGS_APPEND : 0, &fd);
  if (!object) return;
  if (way == 3) {
    uint32_t length = below(storm, MOST_BYTES);
    CHECK_OK(wasi_fd_filestat_set_size(fd, length));
    if (length > object->size) put(object, length, bytes, 0);
    object->size = length;
  } else {
    uint32_t at = way == 0 ? 0 : way == 1 ? object->size : below(storm, MOST_BYTES - 900);
    if (at + size <= MOST_BYTES && size) {
      const struct wasi_ciovec piece = {bytes, size};
      uint32_t written = 0;
      if (way == 2) CHECK_OK(wasi_fd_pwrite(fd, &piece, 1, at, &written));
      else write_all(fd, bytes, size);
      put(object, at, bytes, size);
    }
  }
  close_fd(fd);
}

static void read_file(struct slot *slot) {
  int32_t fd;
  int32_t errno = open_path(slot->path, 0, READ, 0, &fd);
  if (slot->kind == NOTHING || slot->kind == LINK) {
    CHECK_ERRNO(slot->kind == LINK ? WASI_ELOOP : WASI_ENOENT, errno);
    return;
  }
  CHECK_OK(errno);
  if (slot->kind == FILE_) {
    uint8_t bytes[MOST_BYTES + 1];
    uint32_t count = 0, more;
    while ((more = read_some(fd, bytes + count, sizeof bytes - count))) count += more;
    CHECK(count == slot->object->size);
    CHECK(memcmp(bytes, slot->object->bytes, count) == 0);
  }
  close_fd(fd);
}

static void describe(struct slot *slot) {
  struct wasi_filestat stat;
  int32_t errno = wasi_path_filestat_get(3, 0, slot->path, text_length(slot->path), &stat);
  if (slot->kind == NOTHING) {
    CHECK_ERRNO(WASI_ENOENT, errno);
    return;
  }
  CHECK_OK(errno);
  if (slot->kind == FILE_) {
    CHECK(stat.filetype == WASI_FILETYPE_REGULAR_FILE);
    CHECK(stat.size == slot->object->size && stat.nlink == slot->object->links);
  } else CHECK(stat.filetype == (slot->kind == LINK ? WASI_FILETYPE_SYMBOLIC_LINK : WASI_FILETYPE_DIRECTORY));
}

static void rename_slot(struct slot *from, struct slot *to) {
  int32_t errno = wasi_path_rename(3, from->path, text_length(from->path), 3, to->path, text_length(to->path));
  if (from->kind == NOTHING) {
    CHECK_ERRNO(WASI_ENOENT, errno);
    return;
  }
  if (from == to || (from->object && from->object == to->object)) {
    CHECK_OK(errno);
    return;
  }
  if (to->kind != NOTHING && (from->kind == DIRECTORY) != (to->kind == DIRECTORY)) {
    CHECK_ERRNO(from->kind == DIRECTORY ? WASI_ENOTDIR : WASI_EISDIR, errno);
    return;
  }
  CHECK_OK(errno);
  drop(to);
  to->kind = from->kind;
  to->object = from->object;
  from->kind = NOTHING;
  from->object = NULL;
}

static void link_slot(struct slot *from, struct slot *to) {
  int32_t errno = wasi_path_link(3, 0, from->path, text_length(from->path), 3, to->path, text_length(to->path));
  if (from->kind == NOTHING) CHECK_ERRNO(WASI_ENOENT, errno);
  else if (to->kind != NOTHING) CHECK_ERRNO(WASI_EEXIST, errno);
  else if (from->kind == DIRECTORY) CHECK_ERRNO(WASI_EPERM, errno);
  else {
    CHECK_OK(errno);
    to->kind = from->kind;
    to->object = from->object;
    to->object->links++;
  }
}

static void make_special(struct storm *storm, struct slot *slot, enum kind kind) {
  uint32_t length = text_length(slot->path);
  int32_t errno = kind == DIRECTORY ? wasi_path_create_directory(3, slot->path, length)
                                    : wasi_path_symlink("nowhere", 7, 3, slot->path, length);
  if (slot->kind != NOTHING) {
    CHECK_ERRNO(WASI_EEXIST, errno);
    return;
  }
  CHECK_OK(errno);
  slot->kind = kind;
  if (kind == LINK) slot->object = make_object(storm);
}

static void remove_slot(struct slot *slot, bool directory) {
  uint32_t length = text_length(slot->path);
  int32_t errno =
      directory ? wasi_path_remove_directory(3, slot->path, length) : wasi_path_unlink_file(3, slot->path, length);
  if (slot->kind == NOTHING) CHECK_ERRNO(WASI_ENOENT, errno);
  else if ((slot->kind == DIRECTORY) != directory) CHECK_ERRNO(directory ? WASI_ENOTDIR : WASI_EISDIR, errno);
  else {
    CHECK_OK(errno);
    drop(slot);
  }
}

static void read_link(struct slot *slot) {
  char target[8];
  uint32_t length = 0;
  int32_t errno = wasi_path_readlink(3, slot->path, text_length(slot->path), (uint8_t *)target, sizeof target, &length);
  if (slot->kind == LINK) {
    CHECK_OK(errno);
    CHECK(length == 7 && memcmp(target, "nowhere", 7) == 0);
  } else CHECK_ERRNO(slot->kind == NOTHING ? WASI_ENOENT : WASI_EINVAL, errno);
}

// The own names of a directory are each there once, whatever the other threads do meanwhile.
static void list(struct storm *storm, uint32_t directory) {
  const char path[] = {'d', (char)('0' + directory), 0};
  uint32_t seen[SLOTS] = {};
  int32_t fd;
  CHECK_OK(open_path(path, WASI_OFLAGS_DIRECTORY, READ, 0, &fd));
  uint64_t cookie = 0;
  for (;;) {
    static _Thread_local uint8_t bytes[300];
    uint32_t used = 0, at = 0;
    CHECK_OK(wasi_fd_readdir(fd, bytes, sizeof bytes, cookie, &used));
    while (at + sizeof(struct wasi_dirent) <= used) {
      struct wasi_dirent entry;
      memcpy(&entry, bytes + at, sizeof entry);
      const char *name = (const char *)bytes + at + sizeof entry;
      if (at + sizeof entry + entry.d_namlen > used) break;
      at += (uint32_t)sizeof entry + entry.d_namlen;
      cookie = entry.d_next;
      if (entry.d_namlen == 3 && name[0] == (char)('a' + storm->thread)) seen[name[1] - '0']++;
    }
    if (used < sizeof bytes) break;
  }
  close_fd(fd);
  for (uint32_t index = 0; index < SLOTS; index++) {
    const struct slot *slot = &storm->slots[index];
    if (slot->path[1] != path[1]) continue;
    CHECK(seen[index] == (slot->kind == NOTHING ? 0 : 1));
  }
}

static void append_record(struct storm *storm) {
  uint8_t record[RECORD];
  memset(record, (int)('a' + storm->thread), RECORD);
  int32_t fd;
  CHECK_OK(open_path("log", WASI_OFLAGS_CREAT, WRITE, WASI_FDFLAGS_APPEND, &fd));
  write_all(fd, record, RECORD);
  close_fd(fd);
  storm->appended++;
}

// Puts a new file in the place of the one that all know, as editors save.
static void replace_shared(struct storm *storm) {
  const char path[] = {'n', 'e', 'w', (char)('0' + storm->thread), 0};
  uint8_t bytes[SHARED_BYTES];
  memset(bytes, (int)below(storm, 256), SHARED_BYTES);
  int32_t fd;
  CHECK_OK(open_path(path, WASI_OFLAGS_CREAT | WASI_OFLAGS_EXCL, WRITE, 0, &fd));
  write_all(fd, bytes, SHARED_BYTES);
  close_fd(fd);
  CHECK_OK(wasi_path_rename(3, path, 4, 3, "shared", 6));
}

static void read_shared(void) {
  int32_t fd;
  CHECK_OK(open_path("shared", 0, READ, 0, &fd));
  uint8_t bytes[SHARED_BYTES + 1];
  CHECK(read_some(fd, bytes, sizeof bytes) == SHARED_BYTES);
  for (uint32_t index = 1; index < SHARED_BYTES; index++) CHECK(bytes[index] == bytes[0]);
  close_fd(fd);
}

static void call_one(struct storm *storm) {
  struct slot *slot = &storm->slots[below(storm, SLOTS)];
  struct slot *other = &storm->slots[below(storm, SLOTS)];
  switch (below(storm, 16)) {
  case 0:
  case 1:
  case 2: write_file(storm, slot); break;
  case 3:
  case 4: read_file(slot); break;
  case 5:
  case 6: rename_slot(slot, other); break;
  case 7: link_slot(slot, other); break;
  case 8: make_special(storm, slot, DIRECTORY); break;
  case 9: make_special(storm, slot, LINK); break;
  case 10: remove_slot(slot, below(storm, 4) == 0 || slot->kind == DIRECTORY); break;
  case 11: describe(slot); break;
  case 12: read_link(slot); break;
  case 13: list(storm, below(storm, DIRECTORIES)); break;
  case 14: append_record(storm); break;
  default:
    if (below(storm, 2)) replace_shared(storm);
    else read_shared();
  }
}

static void *run(void *argument) {
  struct storm *storm = argument;
  for (uint32_t index = 0; index < SLOTS; index++) {
    const char path[] = {'d', (char)('0' + index % DIRECTORIES), '/', (char)('a' + storm->thread), (char)('0' + index), '_', 0};
    memcpy(storm->slots[index].path, path, sizeof path);
  }
  for (uint32_t call = 0; call < calls; call++) call_one(storm);
  for (uint32_t index = 0; index < SLOTS; index++) {
    struct slot *slot = &storm->slots[index];
    describe(slot);
    read_file(slot);
    if (slot->kind != NOTHING) remove_slot(slot, slot->kind == DIRECTORY);
  }
  return argument;
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  calls = (uint32_t)text_number(argv[1]);
  for (char directory[] = "d0"; directory[1] < '0' + DIRECTORIES; directory[1]++)
    CHECK_OK(wasi_path_create_directory(3, directory, 2));
  struct storm *storms[THREADS];
  for (uint32_t index = 0; index < THREADS; index++) {
    storms[index] = allocate(sizeof(struct storm));
    storms[index]->seed = (uint32_t)text_number(argv[2]) * 2654435761u + index * 40503;
    storms[index]->thread = index;
  }
  replace_shared(storms[0]);
  struct thread *threads[THREADS];
  for (uint32_t index = 0; index < THREADS; index++) threads[index] = thread_start(run, storms[index]);
  for (uint32_t index = 0; index < THREADS; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));

  // Every record is there as it was written.
  uint32_t records[THREADS] = {};
  int32_t fd;
  CHECK_OK(open_path("log", WASI_OFLAGS_CREAT, READ | WASI_RIGHTS_FD_WRITE, 0, &fd));
  for (uint8_t record[RECORD]; read_some(fd, record, RECORD);) {
    for (uint32_t index = 1; index < RECORD; index++) CHECK(record[index] == record[0]);
    records[record[0] - 'a']++;
  }
  close_fd(fd);
  for (uint32_t index = 0; index < THREADS; index++) CHECK(records[index] == storms[index]->appended);
  // Nothing else is left: the directories are empty.
  for (char directory[] = "d0"; directory[1] < '0' + DIRECTORIES; directory[1]++)
    CHECK_OK(wasi_path_remove_directory(3, directory, 2));
  CHECK_OK(wasi_path_unlink_file(3, "log", 3));
  CHECK_OK(wasi_path_unlink_file(3, "shared", 6));
  print("done\n");
  return 0;
}
