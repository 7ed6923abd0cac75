/* SPDX-License-Identifier: BSD-3-Clause */

/* Writes what the schema's table says as a manual page, an example, or a schema for editors:
 * lockstepd-conf-pages man|example|schema */

#include <stdio.h>
#include <string.h>

#include "schema.h"
#include "value.h"

/* ---- the manual page ---- */

/* troff takes a backslash and what begins a line as its own. */
static void man_text(const char *text)
{
    if (*text == '.' || *text == '\'')
        printf("\\&");
    for (; *text; text++) {
        if (*text == '\\')
            printf("\\e");
        else if (*text == '-')
            printf("\\-");
        else
            putchar(*text);
    }
}

static const char *range_text(char text[128], const struct conf_key *key)
{
    const uint64_t unit_us = value_unit_us(key->kind);
    char low[32], high[32];
    text[0] = 0;
    if (unit_us)
        snprintf(text, 128, "a time from %s to %s", value_time_text(low, key->low * unit_us),
                 value_time_text(high, key->high * unit_us));
    else if (key->kind == KIND_NUMBER)
        snprintf(text, 128, "%llu to %llu%s%s", (unsigned long long)key->low,
                 (unsigned long long)key->high, key->zero ? ", or " : "",
                 key->zero ? key->zero : "");
    else if (key->kind == KIND_SIZE)
        snprintf(text, 128, "%s to %s bytes", value_size_text(low, key->low),
                 value_size_text(high, key->high));
    return text;
}

static const char *kind_text(char text[128], const struct conf_key *key)
{
    size_t len = 0;
    switch (key->kind) {
    case KIND_YES_NO:
        return "yes or no";
    case KIND_CHOICE:
        for (uint32_t i = 0; key->choices[i]; i++)
            len += (size_t)snprintf(text + len, 128 - len, "%s%s",
                                    !i                    ? ""
                                    : key->choices[i + 1] ? ", "
                                                          : " or ",
                                    key->choices[i]);
        return text;
    case KIND_TEXT:
        return "a word";
    case KIND_FILE:
        return "a file";
    case KIND_TEXTS:
        return "a word, or a list of them";
    case KIND_FILES:
        return "a file, or a list of them";
    case KIND_SERVER:
    case KIND_LISTEN:
    case KIND_ADDRESSES:
    case KIND_GATEWAYS:
        return "an address, or a list of them";
    case KIND_BLOCK:
        return "a block";
    case KIND_BLOCKS:
        return "a list of blocks";
    default:
        return range_text(text, key);
    }
}

static void man_key(const struct conf_key *key)
{
    char kind[128];
    printf(".TP\n.B ");
    man_text(key->name);
    printf("\n");
    man_text(key->help);
    printf("\nTakes ");
    man_text(kind_text(kind, key));
    if (key->is_required)
        printf("; it has to be there");
    if (key->fallback || key->without) {
        printf("; without it: ");
        man_text(key->fallback ? key->fallback : key->without);
    }
    printf(".\n");
    if (key->schema)
        printf("See \"%s\" below.\n", key->schema->name);
    if (key->is_at_start)
        printf("A reload cannot change it.\n");
}

static void man_block(const struct conf_schema *schema)
{
    printf(".SS ");
    man_text(schema->name);
    printf("\n");
    if (schema->first)
        printf("The keys of a site, but for those that no two have in common.\n");
    if (schema->word_key) {
        printf("A word alone is its ");
        man_text(schema->word_key);
        printf(".\n");
    }
    for (uint32_t i = schema->first ? schema->num_keys : 0; i < schema->num_keys; i++)
        man_key(&schema->keys[i]);
}

static void write_man(void)
{
    printf(
        ".TH LOCKSTEPD.CONF 5\n.SH NAME\nlockstepd.conf \\- what lockstepd serves\n"
        ".SH SYNOPSIS\n.B lockstepd \\-\\-config\n.I FILE\n.br\n.B lockstepd \\-\\-test\n.I FILE\n"
        ".SH DESCRIPTION\n"
        "One document of YAML 1.2, in UTF\\-8. Every value is taken as the text that it is. There "
        "are no anchors, aliases, tags and merge keys: a word that begins with one of "
        "their signs is quoted (\"*.example.com\"); what sites have in common stands in "
        "defaults. A list of one may be written as the one. Times have a unit (us, ms, s, m, h, "
        "d), sizes may have one (k, m, g, powers of two), yes and no are just these. Files are "
        "looked for in the folder of the file that names them.\n.PP\n"
        "An item of a list of blocks may be\n.B include:\n.I PATTERN\nalone, for the items in the "
        "files that fit, in the order of their names.\n.PP\n"
        "What is wrong is told all at once, as file:line:column: key: cause and remedy, and "
        "nothing starts (exit status 2). SIGHUP reads the file again: connections that are there "
        "end as they began, new ones are served as it says now. Where it is bad, or changes what "
        "only a start can change, all stays as it is.\n"
        ".SH KEYS\n");
    for (const struct conf_schema *const *schema = conf_schemas; *schema; schema++)
        man_block(*schema);
    printf(".SH SEE ALSO\nlockstepd \\-\\-help\n");
}

/* ---- the example ---- */

static void example_block(const struct conf_schema *schema, int indent, bool is_out, bool is_item);

/* A line of it; one that is commented out has its "#" in front of all. */
static void example_begin(int indent, bool is_out, bool is_item)
{
    printf("%s%*s%s", is_out ? "#" : "", indent - 2 * is_item, "", is_item ? "- " : "");
}

static void example_key(const struct conf_key *key, int indent, bool is_out, bool is_item)
{
    const char *value = key->example ? key->example : key->fallback;
    is_out = is_out || !key->is_required;
    printf("## %s%s%s\n", key->help, key->is_required ? "" : " Without it: ",
           key->is_required ? ""
           : key->fallback  ? key->fallback
           : key->without   ? key->without
                            : "as its keys say.");
    example_begin(indent, is_out, is_item);
    if (key->schema) {
        printf("%s:\n", key->name);
        example_block(key->schema, indent + (key->kind == KIND_BLOCKS ? 4 : 2), is_out,
                      key->kind == KIND_BLOCKS);
    } else {
        printf("%s: %s\n", key->name, value ? value : "");
    }
}

static void example_block(const struct conf_schema *schema, int indent, bool is_out, bool is_item)
{
    for (uint32_t i = schema->first; i < schema->num_keys; i++) {
        example_key(&schema->keys[i], indent, is_out, is_item);
        is_item = false;
    }
}

static void write_example(void)
{
    printf("## An example that names every key. What is commented out may be left out; it shows\n"
           "## what holds then, or what could be there. See lockstepd.conf(5).\n");
    example_block(&conf_schema, 0, false, false);
}

/* ---- the schema for editors ---- */

static void json_block(const struct conf_schema *schema);

static void json_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

static void json_word(const struct conf_key *key)
{
    switch (key->kind) {
    case KIND_YES_NO:
        printf("\"enum\": [\"yes\", \"no\"]");
        break;
    case KIND_NUMBER:
        printf("\"anyOf\": [{\"type\": \"integer\", \"minimum\": %llu, \"maximum\": %llu}",
               (unsigned long long)key->low, (unsigned long long)key->high);
        if (key->zero) {
            printf(", {\"const\": ");
            json_text(key->zero);
            printf("}");
        }
        printf("]");
        break;
    case KIND_SIZE:
        printf("\"type\": [\"integer\", \"string\"], \"pattern\": \"^[0-9]+[kmg]?$\"");
        break;
    case KIND_MICROSECONDS:
    case KIND_MILLISECONDS:
    case KIND_SECONDS:
        printf("\"type\": \"string\", \"pattern\": \"^[0-9]+(us|ms|s|m|h|d)$\"");
        break;
    case KIND_CHOICE:
        printf("\"enum\": [");
        for (uint32_t i = 0; key->choices[i]; i++) {
            printf("%s", i ? ", " : "");
            json_text(key->choices[i]);
        }
        printf("]");
        break;
    default:
        printf("\"type\": [\"string\", \"number\"]");
    }
}

static void json_item(const struct conf_key *key)
{
    if (!key->schema) {
        printf("{");
        json_word(key);
        printf("}");
        return;
    }
    printf("{\"anyOf\": [");
    json_block(key->schema);
    if (key->schema->word_key)
        printf(", {\"type\": \"string\"}");
    if (key->kind == KIND_BLOCKS)
        printf(", {\"type\": \"object\", \"properties\": {\"include\": {}}, "
               "\"required\": [\"include\"], \"additionalProperties\": false}");
    printf("]}");
}

static bool is_list(enum conf_kind kind)
{
    return kind == KIND_BLOCKS || kind == KIND_TEXTS || kind == KIND_FILES || kind == KIND_LISTEN ||
           kind == KIND_ADDRESSES || kind == KIND_GATEWAYS;
}

static void json_key(const struct conf_key *key)
{
    json_text(key->name);
    printf(": {\"description\": ");
    json_text(key->help);
    printf(", \"anyOf\": [");
    json_item(key);
    if (is_list(key->kind)) {
        printf(", {\"type\": \"array\", \"items\": ");
        json_item(key);
        printf("}");
    }
    printf("]}");
}

static void json_block(const struct conf_schema *schema)
{
    const char *between = "";
    printf("{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {");
    for (uint32_t i = schema->first; i < schema->num_keys; i++) {
        printf("%s\n", i > schema->first ? "," : "");
        json_key(&schema->keys[i]);
    }
    printf("}, \"required\": [");
    for (uint32_t i = schema->first; i < schema->num_keys; i++) {
        /* what a site needs may stand in the defaults */
        const bool may_be_common = strcmp(schema->name, "site") == 0 && i > 1;
        if (!schema->keys[i].is_required || schema->first || may_be_common)
            continue;
        printf("%s", between);
        json_text(schema->keys[i].name);
        between = ", ";
    }
    printf("]}");
}

static void write_schema(void)
{
    printf("{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"title\": "
           "\"lockstepd.conf\", \"anyOf\": [");
    json_block(&conf_schema);
    printf("]}\n");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*write)(void);
    } pages[] = {{"man", write_man}, {"example", write_example}, {"schema", write_schema}};
    for (size_t i = 0; argc == 2 && i < sizeof(pages) / sizeof(pages[0]); i++)
        if (strcmp(argv[1], pages[i].name) == 0) {
            pages[i].write();
            return fflush(stdout) ? 1 : 0;
        }
    fprintf(stderr, "usage: %s man|example|schema\n", argv[0]);
    return 2;
}
