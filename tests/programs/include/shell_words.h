// What words of process_shell.c stand for: its variables, quotes and substitutions, and the fields that come of them.
#pragma once

#include "shell_syntax.h"

enum { MOST_VARIABLES = 32, LONGEST_TEXT = 1 << 16 };

// Without a value it is not set. The names end at the first that is none.
struct variable {
  const char *name, *value;
};

static struct variable variables[MOST_VARIABLES];
static uint32_t last_status;
static int32_t last_job, shell_pid;

struct text {
  char *bytes;
  uint32_t length;
};

KIT void text_add(struct text *text, char letter) {
  if (!text->bytes) CHECK(text->bytes = allocate(LONGEST_TEXT));
  CHECK(text->length < LONGEST_TEXT - 1);
  text->bytes[text->length++] = letter;
  text->bytes[text->length] = 0;
}

KIT void text_add_all(struct text *text, const char *more) {
  while (*more) text_add(text, *more++);
}

KIT struct variable *variable_named(const char *name) {
  struct variable *each = variables;
  while (each->name && !text_equal(each->name, name)) each++;
  CHECK(each < variables + MOST_VARIABLES - 1);
  return each;
}

// Adds what a script prints, without the line feeds at its end. The shell's own.
static void substitute(const char *script, struct text *into);

// Adds what a `$` stands for; gives where it ends.
KIT const char *expand_dollar(const char *at, struct text *into) {
  struct line number = {.length = 0};
  if (at[1] == '(') {
    const char *end = skip_quoted(at);
    substitute(copy_text(at + 2, (size_t)(end - at) - 3), into);
    return end;
  }
  if (at[1] == '?' || at[1] == '!' || at[1] == '$') {
    line_add_number(&number, at[1] == '?' ? last_status : (uint32_t)(at[1] == '!' ? last_job : shell_pid), 10);
    for (size_t index = 0; index < number.length; index++) text_add(into, number.text[index]);
    return at + 2;
  }
  const char *start = ++at;
  while ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_') at++;
  if (at == start) text_add(into, '$');
  const struct variable *variable = variable_named(copy_text(start, (size_t)(at - start)));
  if (variable->value) text_add_all(into, variable->value);
  return at;
}

struct arguments {
  uint32_t count;
  const char *items[MOST_WORDS + 1];
};

KIT void end_field(struct arguments *arguments, struct text *field, bool is_quoted) {
  if (!field->length && !is_quoted) return;
  CHECK(arguments->count < MOST_WORDS);
  arguments->items[arguments->count++] = copy_text(field->bytes, field->length);
  field->length = 0;
}

// Adds the fields of a word. Without `splits` it is always one.
KIT void expand(const char *at, bool splits, struct arguments *arguments) {
  struct text field = {0};
  bool is_quoted = !splits, in_quotes = false;
  while (*at) {
    if (*at == '"') in_quotes = !in_quotes, is_quoted = true, at++;
    else if (*at == '\'' && !in_quotes) {
      is_quoted = true;
      for (at++; *at != '\''; at++) text_add(&field, *at);
      at++;
    } else if (*at == '\\' && at[1]) text_add(&field, at[1]), at += 2;
    else if (*at == '$' && !in_quotes && splits) {
      struct text value = {0};
      at = expand_dollar(at, &value);
      for (uint32_t index = 0; index < value.length; index++) {
        char letter = value.bytes[index];
        if (!is_blank(letter) && letter != '\n') text_add(&field, letter);
        else end_field(arguments, &field, false);
      }
    } else if (*at == '$') at = expand_dollar(at, &field);
    else text_add(&field, *at++);
  }
  end_field(arguments, &field, is_quoted);
}

KIT const char *expand_one(const char *word) {
  struct arguments one = {0};
  expand(word, false, &one);
  return one.items[0];
}

// A here-document: quotes stand for themselves.
KIT const char *expand_document(const char *at) {
  struct text text = {0};
  text_add(&text, 0);
  text.length = 0;
  while (*at) {
    if (*at == '$') at = expand_dollar(at, &text);
    else text_add(&text, *at++);
  }
  return text.bytes;
}
