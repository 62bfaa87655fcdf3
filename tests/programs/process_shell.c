// guest: threads
// instrumented: yes
// A small shell: process_shell -c SCRIPT [NAME]. Its language is that of include/shell_syntax.h and shell_words.h. It forks for pipelines, subshells, substitutions and background
// jobs; other commands it starts as children. Signals it takes as programs of the C library do.
#include "children.h"
#include "shell_words.h"

// Descriptors that a script may name are below FIRST_SAVED.
enum { MOST_SIGNALS = 32, FIRST_SAVED = 10, EXIT_TRAP = 0 };

static const char *traps[MOST_SIGNALS];
static _Atomic uint32_t pending_traps;

static uint32_t run(struct node *node);

// ---------------------------------------------------------------------------------------------------------------------
// Signals. The default action of one without a trap is done as the C library does it.

static void name_callback(const char *name) { wasix_callback_signal(name, text_length(name)); }

__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) {
  if (traps[signal]) {
    pending_traps |= 1u << signal;
    return;
  }
  name_callback("no such export");
  if (signal != WASI_SIGNAL_CHLD) wasi_proc_raise(WASI_SIGNAL_ABRT);
  name_callback("take_signal");
}

static void run_text(const char *text) { last_status = run(parse_script(text)); }

static void run_traps(void) {
  uint32_t status = last_status;
  for (uint32_t signal = 1; signal < MOST_SIGNALS; signal++)
    if (pending_traps & (1u << signal)) {
      pending_traps &= ~(1u << signal);
      if (traps[signal]) run_text(traps[signal]);
    }
  last_status = status;
}

static _Noreturn void leave(uint32_t status) {
  const char *text = traps[EXIT_TRAP];
  traps[EXIT_TRAP] = NULL;
  last_status = status;
  if (text) run_text(text);
  wasi_proc_exit(status);
  __builtin_unreachable();
}

static uint32_t signal_number(const char *name) {
  static const struct variable names[] = {{"EXIT", "0"}, {"HUP", "1"}, {"INT", "2"}, {"KILL", "9"}, {"USR1", "10"}, {"USR2", "12"}, {"TERM", "15"}};
  for (uint32_t index = 0; index < sizeof names / sizeof *names; index++)
    if (text_equal(names[index].name, name)) return (uint32_t)text_number(names[index].value);
  return (uint32_t)text_number(name);
}

// ---------------------------------------------------------------------------------------------------------------------
// Processes.

static int32_t fork_shell(void) {
  int32_t pid = -1;
  CHECK_OK(wasix_proc_fork(1, &pid));
  if (pid == 0) {
    memset(traps, 0, sizeof traps);
    pending_traps = 0;
  }
  return pid;
}

static uint32_t status_of(struct end end) { return end.is_signal ? 128 + end.code : end.code & 255; }

static uint32_t wait_for(int32_t pid) {
  struct end end;
  CHECK_OK(join_child(pid, 0, &end));
  return status_of(end);
}

// As `wait`: until a child, or with 0 every child, has ended or a trap is to run.
static uint32_t wait_builtin(int32_t pid) {
  static _Atomic uint32_t never;
  for (struct end end;;) {
    if (pending_traps) return 128 + (uint32_t)__builtin_ctz(pending_traps);
    int32_t error = join_child(pid, WASI_JOIN_FLAGS_NON_BLOCKING, &end);
    if (error == WASI_ECHILD) return pid ? 127 : 0;
    CHECK_OK(error);
    if (end.pid) {
      if (pid) return status_of(end);
    } else word_wait(&never, 0, 2000000);
  }
}

static void make_pipe(int32_t ends[2]) {
  CHECK_OK(wasix_fd_pipe(&ends[0], &ends[1]));
  for (int each = 0; each < 2; each++) CHECK_OK(wasix_fd_fdflags_set(ends[each], WASI_FDFLAGSEXT_CLOEXEC));
}

static void move_descriptor(int32_t from, int32_t to) {
  CHECK_OK(wasi_fd_renumber(from, to));
  CHECK_OK(wasi_fd_close(from));
}

static void substitute(const char *script, struct text *into) {
  int32_t ends[2];
  make_pipe(ends);
  int32_t pid = fork_shell();
  if (pid == 0) {
    CHECK_OK(wasi_fd_close(ends[0]));
    move_descriptor(ends[1], 1);
    leave(run(parse_script(script)));
  }
  CHECK_OK(wasi_fd_close(ends[1]));
  char *bytes = allocate(LONGEST_TEXT);
  CHECK(bytes);
  uint32_t size = read_all(ends[0], bytes, LONGEST_TEXT);
  CHECK_OK(wasi_fd_close(ends[0]));
  last_status = wait_for(pid);
  while (size && bytes[size - 1] == '\n') size--;
  for (uint32_t index = 0; index < size; index++) text_add(into, bytes[index]);
}

// ---------------------------------------------------------------------------------------------------------------------
// Redirections.

static int32_t open_file(const char *path, char kind) {
  char whole[512];
  uint32_t length = sizeof whole, size = text_length(path);
  CHECK_OK(wasix_getcwd(whole, &length));
  if (*path == '/') length = 0;
  else whole[length++] = '/';
  CHECK(length + size < sizeof whole);
  memcpy(whole + length, path, size);
  const uint64_t rights = kind == '<' ? WASI_RIGHTS_FD_READ : WASI_RIGHTS_FD_WRITE;
  const uint16_t flags = kind == '<' ? 0 : kind == 'a' ? WASI_OFLAGS_CREAT : WASI_OFLAGS_CREAT | WASI_OFLAGS_TRUNC;
  int32_t fd = -1;
  wasix_path_open2(3, WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, whole, length + size, flags, rights, rights, kind == 'a' ? WASI_FDFLAGS_APPEND : 0,
                   WASI_FDFLAGSEXT_CLOEXEC, &fd);
  return fd;
}

// A file without a name that holds the text.
static int32_t open_document(const struct redirection *redirection) {
  struct line name = {.length = 0};
  for (const char *each = "/tmp/here-"; *each; each++) line_add(&name, *each);
  line_add_number(&name, (uint32_t)own_pid(), 10);
  line_add(&name, 0);
  const char *text = redirection->is_literal ? redirection->word : expand_document(redirection->word);
  int32_t writer = open_file(name.text, '>'), reader = open_file(name.text, '<');
  CHECK(writer >= 0 && reader >= 0);
  CHECK_OK(wasi_path_unlink_file(3, name.text, text_length(name.text)));
  if (*text) CHECK_OK(write_bytes(writer, text, text_length(text)));
  CHECK_OK(wasi_fd_close(writer));
  return reader;
}

// Does the redirections of a command in this process; false where a file cannot be opened. Descriptors that are in the way are kept in `saved`.
static bool redirect(const struct redirection *redirection, int32_t saved[FIRST_SAVED]) {
  for (; redirection; redirection = redirection->next) {
    int32_t fd = redirection->fd;
    if (saved && saved[fd] < 0) CHECK_OK(wasix_fd_dup2(fd, FIRST_SAVED, 1, &saved[fd]));
    const char *word = redirection->kind == 'h' ? NULL : expand_one(redirection->word);
    if (redirection->kind == '&') {
      CHECK_OK(wasi_fd_renumber((int32_t)text_number(word), fd));
      continue;
    }
    int32_t opened = word ? open_file(word, redirection->kind) : open_document(redirection);
    if (opened < 0) {
      complain("shell: cannot open %s\n", word);
      return false;
    }
    move_descriptor(opened, fd);
  }
  return true;
}

static void restore(const int32_t saved[FIRST_SAVED]) {
  for (int32_t fd = 0; fd < FIRST_SAVED; fd++)
    if (saved[fd] >= 0) move_descriptor(saved[fd], fd);
}

// ---------------------------------------------------------------------------------------------------------------------
// Commands.

static const char *join_lines(const char *const *items, uint32_t count) {
  struct text lines = {0};
  text_add(&lines, 0);
  lines.length = 0;
  for (uint32_t index = 0; index < count; index++) {
    text_add_all(&lines, items[index]);
    text_add(&lines, '\n');
  }
  return lines.bytes;
}

static const char *environment(void) {
  struct text lines = {0};
  for (const struct variable *each = variables; each->name; each++) {
    if (!each->value) continue;
    text_add_all(&lines, each->name);
    text_add(&lines, '=');
    text_add_all(&lines, each->value);
    text_add(&lines, '\n');
  }
  return lines.length ? lines.bytes : "";
}

static uint32_t not_found(const char *name) {
  complain("shell: %s: not found\n", name);
  return 127;
}

// Puts the program in the place of this process. Returns where there is none.
static uint32_t execute(const struct arguments *words) {
  const char *lines = join_lines(words->items, words->count), *variables = environment(), *path = variable_named("PATH")->value;
  wasix_proc_exec3(words->items[0], text_length(words->items[0]), lines, text_length(lines), variables, text_length(variables), 1, path, text_length(path));
  return not_found(words->items[0]);
}

static uint32_t start(const struct arguments *words) {
  const char *lines = join_lines(words->items, words->count), *variables = environment(), *path = variable_named("PATH")->value;
  int32_t pid;
  int32_t error = wasix_proc_spawn2(words->items[0], text_length(words->items[0]), lines, text_length(lines), variables, text_length(variables), NULL, 0, NULL,
                                    0, 1, path, text_length(path), &pid);
  return error ? not_found(words->items[0]) : wait_for(pid);
}

static uint32_t echo(const struct arguments *words) {
  struct text line = {0};
  for (uint32_t index = 1; index < words->count; index++) {
    text_add_all(&line, words->items[index]);
    if (index + 1 < words->count) text_add(&line, ' ');
  }
  text_add(&line, '\n');
  return write_bytes(1, line.bytes, line.length) ? 1 : 0;
}

static uint32_t kill_builtin(const struct arguments *words) {
  bool names = *words->items[1] == '-';
  uint32_t signal = names ? signal_number(words->items[1] + 1) : WASI_SIGNAL_TERM;
  return wasix_proc_signal((int32_t)text_number(words->items[names ? 2 : 1]), (uint8_t)signal) ? 1 : 0;
}

static uint32_t set_traps(const struct arguments *words) {
  for (uint32_t index = 2; index < words->count; index++)
    traps[signal_number(words->items[index])] = text_equal(words->items[1], "-") ? NULL : words->items[1];
  return 0;
}

static uint32_t change_directory(const char *path) { return wasix_chdir(path, text_length(path)) ? 1 : 0; }

static uint32_t print_directory(void) {
  char path[512];
  uint32_t length = sizeof path;
  CHECK_OK(wasix_getcwd(path, &length));
  path[length++] = '\n';
  return write_bytes(1, path, length) ? 1 : 0;
}

// Whether the shell does the command itself; its status then.
static bool is_builtin(const struct arguments *words, uint32_t *status) {
  const char *name = words->items[0], *first = words->count > 1 ? words->items[1] : NULL;
  if (text_equal(name, "echo")) *status = echo(words);
  else if (text_equal(name, "cd")) *status = change_directory(first);
  else if (text_equal(name, "pwd")) *status = print_directory();
  else if (text_equal(name, "kill")) *status = kill_builtin(words);
  else if (text_equal(name, "trap")) *status = set_traps(words);
  else if (text_equal(name, "wait")) *status = wait_builtin(first ? (int32_t)text_number(first) : 0);
  else if (text_equal(name, "true") || text_equal(name, ":")) *status = 0;
  else if (text_equal(name, "exit")) leave(first ? (uint32_t)text_number(first) & 255 : last_status);
  else return false;
  return true;
}

// Takes a word of the form NAME=value as one.
static bool assign(const char *word) {
  const char *at = word;
  while ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_') at++;
  if (at == word || *at != '=') return false;
  struct variable *variable = variable_named(copy_text(word, (size_t)(at - word)));
  if (!variable->name) variable->name = copy_text(word, (size_t)(at - word));
  variable->value = expand_one(at + 1);
  return true;
}

// `is_last`: this process has nothing else to do.
static uint32_t run_command(struct node *node, bool is_last) {
  struct arguments words = {0};
  last_status = node->count ? last_status : 0;
  bool is_assigning = true;
  for (uint32_t index = 0; index < node->count; index++)
    if (!(is_assigning = is_assigning && assign(node->words[index]))) expand(node->words[index], true, &words);
  bool stays = words.count && text_equal(words.items[0], "exec"), replaces = stays && words.count > 1;
  if (stays) memmove(words.items, words.items + 1, --words.count * sizeof *words.items);
  int32_t saved[FIRST_SAVED];
  for (int32_t fd = 0; fd < FIRST_SAVED; fd++) saved[fd] = -1;
  uint32_t status = is_assigning ? last_status : 0;
  if (!redirect(node->redirections, is_last || stays ? NULL : saved)) status = 1;
  else if (words.count && !is_builtin(&words, &status)) status = is_last || replaces ? execute(&words) : start(&words);
  restore(saved);
  if (replaces) leave(status);
  return status;
}

// Runs in a process that ends with it.
static _Noreturn void run_and_leave(struct node *node) { leave(node->kind == NODE_COMMAND ? run_command(node, true) : run(node)); }

static uint32_t run_pipeline(struct node *node) {
  int32_t ends[2];
  make_pipe(ends);
  struct node *sides[] = {node->left, node->right};
  int32_t pids[2];
  for (int side = 0; side < 2; side++) {
    pids[side] = fork_shell();
    if (pids[side]) continue;
    CHECK_OK(wasi_fd_renumber(ends[1 - side], 1 - side));
    CHECK_OK(wasi_fd_close(ends[0]));
    CHECK_OK(wasi_fd_close(ends[1]));
    run_and_leave(sides[side]);
  }
  CHECK_OK(wasi_fd_close(ends[0]));
  CHECK_OK(wasi_fd_close(ends[1]));
  wait_for(pids[0]);
  return wait_for(pids[1]);
}

static uint32_t run_forked(struct node *node, bool in_background) {
  int32_t pid = fork_shell();
  if (pid == 0) {
    if (!redirect(node->redirections, NULL)) leave(1);
    run_and_leave(node->left);
  }
  if (!in_background) return wait_for(pid);
  last_job = pid;
  return 0;
}

static uint32_t run_group(struct node *node) {
  int32_t saved[FIRST_SAVED];
  for (int32_t fd = 0; fd < FIRST_SAVED; fd++) saved[fd] = -1;
  uint32_t status = redirect(node->redirections, saved) ? run(node->left) : 1;
  restore(saved);
  return status;
}

static uint32_t run(struct node *node) {
  if (!node) return last_status;
  uint32_t status = 0;
  switch (node->kind) {
  case NODE_COMMAND: status = run_command(node, false); break;
  case NODE_PIPE: status = run_pipeline(node); break;
  case NODE_AND: status = run(node->left); status = status ? status : run(node->right); break;
  case NODE_OR: status = run(node->left); status = status ? run(node->right) : 0; break;
  case NODE_NOT: status = !run(node->left); break;
  case NODE_SEQUENCE: run(node->left); status = run(node->right); break;
  case NODE_BACKGROUND: status = run_forked(node, true); break;
  case NODE_SUBSHELL: status = run_forked(node, false); break;
  case NODE_GROUP: status = run_group(node); break;
  }
  last_status = status;
  if (pending_traps) run_traps();
  return status;
}

int main(int argc, char **argv) {
  CHECK(argc > 2);
  shell_pid = own_pid();
  variable_named("PATH")->value = "/bin";
  variables[0].name = "PATH";
  name_callback("take_signal");
  leave(run(parse_script(argv[2])));
}
