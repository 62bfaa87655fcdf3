// A program of ordinary size and habits, for a compiler to compile: a calculator that reads lines
// such as `area = width * (height + 2)`, keeps variables in a hash table, and folds constants.
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum token { END, NUMBER, NAME, OPERATOR };

typedef struct {
  const char *line;
  const char *at;
  enum token token;
  double number;
  char name[32];
  char operator;
  char error[128];
} reader;

enum kind { CONSTANT, VARIABLE, NEGATE, BINARY, CALL };

typedef struct node {
  enum kind kind;
  double value;
  char name[32];
  char operator;
  struct node *left;
  struct node *right;
} node;

typedef struct entry {
  struct entry *next;
  char name[32];
  double value;
} entry;

typedef struct {
  entry **buckets;
  size_t bucket_count;
  size_t entry_count;
} table;

static void *allocate(size_t size) {
  void *memory = calloc(1, size);
  if (!memory) {
    fputs("out of memory\n", stderr);
    exit(2);
  }
  return memory;
}

static size_t hash_name(const char *name) {
  size_t hash = 2166136261u;
  for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619u;
  return hash;
}

static void table_init(table *self) {
  self->bucket_count = 8;
  self->entry_count = 0;
  self->buckets = allocate(self->bucket_count * sizeof *self->buckets);
}

static void table_grow(table *self) {
  size_t bucket_count = self->bucket_count * 2;
  entry **buckets = allocate(bucket_count * sizeof *buckets);
  for (size_t i = 0; i < self->bucket_count; i++) {
    entry *next;
    for (entry *item = self->buckets[i]; item; item = next) {
      size_t bucket = hash_name(item->name) % bucket_count;
      next = item->next;
      item->next = buckets[bucket];
      buckets[bucket] = item;
    }
  }
  free(self->buckets);
  self->buckets = buckets;
  self->bucket_count = bucket_count;
}

static entry *table_find(const table *self, const char *name) {
  entry *item = self->buckets[hash_name(name) % self->bucket_count];
  while (item && strcmp(item->name, name)) item = item->next;
  return item;
}

static void table_set(table *self, const char *name, double value) {
  entry *item = table_find(self, name);
  if (!item) {
    if (self->entry_count >= self->bucket_count) table_grow(self);
    size_t bucket = hash_name(name) % self->bucket_count;
    item = allocate(sizeof *item);
    snprintf(item->name, sizeof item->name, "%s", name);
    item->next = self->buckets[bucket];
    self->buckets[bucket] = item;
    self->entry_count++;
  }
  item->value = value;
}

static void table_free(table *self) {
  for (size_t i = 0; i < self->bucket_count; i++) {
    entry *next;
    for (entry *item = self->buckets[i]; item; item = next) {
      next = item->next;
      free(item);
    }
  }
  free(self->buckets);
}

static void fail(reader *self, const char *format, ...) {
  if (self->error[0]) return;
  va_list values;
  va_start(values, format);
  int length = snprintf(self->error, sizeof self->error, "column %td: ", self->at - self->line + 1);
  vsnprintf(self->error + length, sizeof self->error - (size_t)length, format, values);
  va_end(values);
}

static void advance(reader *self) {
  while (isspace((unsigned char)*self->at)) self->at++;
  char first = *self->at;
  if (first == 0) {
    self->token = END;
  } else if (isdigit((unsigned char)first) || first == '.') {
    char *end;
    errno = 0;
    self->number = strtod(self->at, &end);
    if (errno == ERANGE) fail(self, "the number is out of range");
    if (end == self->at) fail(self, "a number is expected");
    self->at = end > self->at ? end : self->at + 1;
    self->token = NUMBER;
  } else if (isalpha((unsigned char)first) || first == '_') {
    size_t length = 0;
    while (isalnum((unsigned char)*self->at) || *self->at == '_') {
      if (length + 1 < sizeof self->name) self->name[length++] = *self->at;
      self->at++;
    }
    self->name[length] = 0;
    self->token = NAME;
  } else {
    self->operator = first;
    self->at++;
    self->token = OPERATOR;
  }
}

static bool accept(reader *self, char operator) {
  if (self->token != OPERATOR || self->operator != operator) return false;
  advance(self);
  return true;
}

static node *make(enum kind kind, node *left, node *right) {
  node *made = allocate(sizeof *made);
  made->kind = kind;
  made->left = left;
  made->right = right;
  return made;
}

static void node_free(node *self) {
  if (!self) return;
  node_free(self->left);
  node_free(self->right);
  free(self);
}

static node *parse_sum(reader *self);

static node *parse_atom(reader *self) {
  node *made = make(CONSTANT, NULL, NULL);
  if (self->token == NUMBER) {
    made->value = self->number;
    advance(self);
  } else if (self->token == NAME) {
    memcpy(made->name, self->name, sizeof made->name);
    made->kind = VARIABLE;
    advance(self);
    if (accept(self, '(')) {
      made->kind = CALL;
      made->left = parse_sum(self);
      if (!accept(self, ')')) fail(self, "a closing parenthesis is expected");
    }
  } else if (accept(self, '(')) {
    node_free(made);
    made = parse_sum(self);
    if (!accept(self, ')')) fail(self, "a closing parenthesis is expected");
  } else if (accept(self, '-')) {
    made->kind = NEGATE;
    made->left = parse_atom(self);
  } else {
    fail(self, "a value is expected");
  }
  return made;
}

static node *parse_power(reader *self) {
  node *left = parse_atom(self);
  if (!accept(self, '^')) return left;
  node *made = make(BINARY, left, parse_power(self));
  made->operator = '^';
  return made;
}

static node *parse_product(reader *self) {
  node *left = parse_power(self);
  while (self->token == OPERATOR && strchr("*/%", self->operator)) {
    char operator = self->operator;
    advance(self);
    left = make(BINARY, left, parse_power(self));
    left->operator = operator;
  }
  return left;
}

static node *parse_sum(reader *self) {
  node *left = parse_product(self);
  while (self->token == OPERATOR && strchr("+-", self->operator)) {
    char operator = self->operator;
    advance(self);
    left = make(BINARY, left, parse_product(self));
    left->operator = operator;
  }
  return left;
}

static double apply(char operator, double left, double right) {
  switch (operator) {
    case '+': return left + right;
    case '-': return left - right;
    case '*': return left * right;
    case '/': return left / right;
    case '%': return fmod(left, right);
    case '^': return pow(left, right);
    default: return NAN;
  }
}

static const struct {
  const char *name;
  double (*function)(double);
} functions[] = {
    {"sin", sin},   {"cos", cos},   {"tan", tan},     {"exp", exp},   {"log", log},
    {"sqrt", sqrt}, {"abs", fabs},  {"floor", floor}, {"ceil", ceil}, {"round", round},
    {"asin", asin}, {"acos", acos}, {"atan", atan},   {"cbrt", cbrt}, {"trunc", trunc},
};

static double call(reader *self, const char *name, double value) {
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
    if (strcmp(functions[i].name, name) == 0) return functions[i].function(value);
  fail(self, "there is no function %s", name);
  return NAN;
}

// Replaces what does not depend on variables by its value.
static void fold(node *self) {
  if (!self) return;
  fold(self->left);
  fold(self->right);
  if (self->kind == NEGATE && self->left->kind == CONSTANT) {
    self->value = -self->left->value;
  } else if (self->kind == BINARY && self->left->kind == CONSTANT &&
             self->right->kind == CONSTANT) {
    self->value = apply(self->operator, self->left->value, self->right->value);
  } else {
    return;
  }
  node_free(self->left);
  node_free(self->right);
  self->left = self->right = NULL;
  self->kind = CONSTANT;
}

static double evaluate(reader *self, const table *variables, const node *tree) {
  switch (tree->kind) {
    case CONSTANT: return tree->value;
    case NEGATE: return -evaluate(self, variables, tree->left);
    case CALL: return call(self, tree->name, evaluate(self, variables, tree->left));
    case BINARY: {
      double left = evaluate(self, variables, tree->left);
      return apply(tree->operator, left, evaluate(self, variables, tree->right));
    }
    case VARIABLE: {
      const entry *item = table_find(variables, tree->name);
      if (!item) fail(self, "there is no variable %s", tree->name);
      return item ? item->value : NAN;
    }
  }
  return NAN;
}

int main(void) {
  table variables;
  char line[512];
  int failures = 0;
  table_init(&variables);
  table_set(&variables, "pi", acos(-1));
  while (fgets(line, sizeof line, stdin)) {
    reader input = {.line = line, .at = line};
    char assigned[32] = "";
    const char *equals = strchr(line, '=');
    advance(&input);
    if (equals && input.token == NAME) {
      memcpy(assigned, input.name, sizeof assigned);
      input.at = equals + 1;
      advance(&input);
    }
    node *tree = parse_sum(&input);
    if (input.token != END) fail(&input, "the line should end here");
    fold(tree);
    double value = input.error[0] ? NAN : evaluate(&input, &variables, tree);
    if (input.error[0]) failures++;
    if (input.error[0]) fprintf(stderr, "%s\n", input.error);
    else if (assigned[0]) table_set(&variables, assigned, value);
    else printf("%.12g\n", value);
    node_free(tree);
  }
  table_free(&variables);
  return failures ? 1 : 0;
}
