// The grammar of process_shell.c: a script as a tree. Of the shell language it has lists, pipelines, subshells, groups, redirections, here-documents, quotes
// and substitutions; no control words and no functions.
#pragma once

#include "weft.h"

enum node_kind { NODE_COMMAND, NODE_PIPE, NODE_AND, NODE_OR, NODE_NOT, NODE_SEQUENCE, NODE_BACKGROUND, NODE_SUBSHELL, NODE_GROUP };

enum { MOST_WORDS = 64 };

// `kind` is '<', '>', 'a' for appending, '&' for a copy of a descriptor, or 'h' for a here-document, whose text `word` becomes.
struct redirection {
  struct redirection *next;
  const char *word;
  int32_t fd;
  char kind;
  bool is_literal;
};

// Words are as they were written, with their quotes.
struct node {
  enum node_kind kind;
  struct node *left, *right;
  struct redirection *redirections;
  uint32_t count;
  const char *words[MOST_WORDS];
};

struct parser {
  const char *at;
  // Here-documents whose text comes after the line.
  struct redirection *pending[4];
  uint32_t pending_count;
};

KIT char *copy_text(const char *text, size_t length) {
  char *copy = allocate(length + 1);
  CHECK(copy);
  memcpy(copy, text, length);
  return copy;
}

KIT bool is_blank(char letter) { return letter == ' ' || letter == '\t'; }

KIT bool ends_word(char letter) {
  for (const char *each = " \t\n;&|<>()"; *each; each++)
    if (*each == letter) return true;
  return letter == 0;
}

// The end of what begins with a quote or "$(".
KIT const char *skip_quoted(const char *at) {
  if (*at == '\'' || *at == '"') {
    char quote = *at++;
    while (*at && *at != quote) {
      if (quote == '"' && *at == '\\' && at[1]) at++;
      else if (quote == '"' && *at == '$' && at[1] == '(') {
        at = skip_quoted(at);
        continue;
      }
      at++;
    }
    return *at ? at + 1 : at;
  }
  uint32_t depth = 1;
  for (at += 2; *at && depth;) {
    if (*at == '\'' || *at == '"') {
      at = skip_quoted(at);
      continue;
    }
    if (*at == '(') depth++;
    if (*at == ')') depth--;
    at++;
  }
  return at;
}

KIT void skip_blanks(struct parser *parser) {
  while (is_blank(*parser->at)) parser->at++;
  if (*parser->at == '#')
    while (*parser->at && *parser->at != '\n') parser->at++;
}

KIT const char *read_word(struct parser *parser) {
  const char *start = parser->at;
  while (!ends_word(*parser->at)) {
    const char *at = parser->at;
    if (*at == '\\' && at[1]) parser->at += 2;
    else if (*at == '\'' || *at == '"' || (*at == '$' && at[1] == '(')) parser->at = skip_quoted(at);
    else parser->at++;
  }
  return copy_text(start, (size_t)(parser->at - start));
}

// Takes the text of a here-document, up to the line that is its word.
KIT void read_here_document(struct parser *parser, struct redirection *redirection) {
  const char *word = redirection->word;
  redirection->is_literal = *word == '\'';
  if (redirection->is_literal) word = copy_text(word + 1, text_length(word) - 2);
  size_t length = text_length(word);
  const char *start = parser->at;
  for (;;) {
    const char *line = parser->at;
    while (*parser->at && *parser->at != '\n') parser->at++;
    size_t size = (size_t)(parser->at - line);
    bool is_end = !*parser->at || (size == length && memcmp(line, word, length) == 0);
    if (*parser->at) parser->at++;
    if (!is_end) continue;
    redirection->word = copy_text(start, (size_t)(line - start));
    return;
  }
}

KIT void take_newline(struct parser *parser) {
  parser->at++;
  for (uint32_t index = 0; index < parser->pending_count; index++) read_here_document(parser, parser->pending[index]);
  parser->pending_count = 0;
}

KIT void skip_lines(struct parser *parser) {
  for (skip_blanks(parser); *parser->at == '\n'; skip_blanks(parser)) take_newline(parser);
}

KIT struct node *make_node(enum node_kind kind, struct node *left, struct node *right) {
  struct node *node = allocate(sizeof *node);
  CHECK(node);
  *node = (struct node){.kind = kind, .left = left, .right = right};
  return node;
}

// Reads a redirection, if one comes next.
KIT bool read_redirection(struct parser *parser, struct node *node) {
  const char *at = parser->at;
  int32_t fd = -1;
  if (*at >= '0' && *at <= '9') fd = *at++ - '0';
  if (*at != '<' && *at != '>') return false;
  struct redirection *made = allocate(sizeof *made);
  CHECK(made);
  made->fd = fd >= 0 ? fd : *at == '>';
  made->kind = *at++;
  if (*at == '&') made->kind = '&', at++;
  else if (made->kind == '>' && *at == '>') made->kind = 'a', at++;
  else if (made->kind == '<' && *at == '<') {
    made->kind = 'h', at++;
    CHECK(parser->pending_count < 4);
    parser->pending[parser->pending_count++] = made;
  }
  parser->at = at;
  skip_blanks(parser);
  made->word = read_word(parser);
  struct redirection **last = &node->redirections;
  while (*last) last = &(*last)->next;
  *last = made;
  return true;
}

KIT struct node *parse_list(struct parser *parser);

KIT struct node *parse_command(struct parser *parser) {
  skip_blanks(parser);
  struct node *node;
  if (*parser->at == '(' || (*parser->at == '{' && ends_word(parser->at[1]))) {
    char end = *parser->at == '(' ? ')' : '}';
    parser->at++;
    node = make_node(end == ')' ? NODE_SUBSHELL : NODE_GROUP, parse_list(parser), NULL);
    CHECK(*parser->at == end);
    parser->at++;
  } else node = make_node(NODE_COMMAND, NULL, NULL);
  for (;;) {
    skip_blanks(parser);
    if (read_redirection(parser, node)) continue;
    if (node->kind != NODE_COMMAND || ends_word(*parser->at)) return node;
    CHECK(node->count < MOST_WORDS);
    node->words[node->count++] = read_word(parser);
  }
}

KIT struct node *parse_pipeline(struct parser *parser) {
  skip_blanks(parser);
  bool is_negated = *parser->at == '!' && is_blank(parser->at[1]);
  if (is_negated) parser->at++;
  struct node *node = parse_command(parser);
  while (skip_blanks(parser), *parser->at == '|' && parser->at[1] != '|') {
    parser->at++;
    skip_lines(parser);
    node = make_node(NODE_PIPE, node, parse_command(parser));
  }
  return is_negated ? make_node(NODE_NOT, node, NULL) : node;
}

KIT struct node *parse_and_or(struct parser *parser) {
  struct node *node = parse_pipeline(parser);
  while (skip_blanks(parser), (*parser->at == '&' || *parser->at == '|') && parser->at[1] == *parser->at) {
    enum node_kind kind = *parser->at == '&' ? NODE_AND : NODE_OR;
    parser->at += 2;
    skip_lines(parser);
    node = make_node(kind, node, parse_pipeline(parser));
  }
  return node;
}

// Up to the end of the text, or what ends a subshell or group.
KIT struct node *parse_list(struct parser *parser) {
  struct node *list = NULL;
  for (;;) {
    skip_lines(parser);
    if (!*parser->at || *parser->at == ')' || (*parser->at == '}' && ends_word(parser->at[1]))) return list;
    struct node *next = parse_and_or(parser);
    if (*parser->at == '&') next = make_node(NODE_BACKGROUND, next, NULL), parser->at++;
    else if (*parser->at == ';') parser->at++;
    list = list ? make_node(NODE_SEQUENCE, list, next) : next;
  }
}

KIT struct node *parse_script(const char *text) {
  struct parser parser = {.at = text};
  struct node *script = parse_list(&parser);
  CHECK(!*parser.at);
  return script;
}
