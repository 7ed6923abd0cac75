/* SPDX-License-Identifier: BSD-3-Clause */
#include "value.h"

#include <stdio.h>
#include <string.h>

#include "address_text.h"

#define WORD_MAX 48u /* bytes of one that is compared with others */

struct target {
    const struct conf_key *key;
    struct arena *arena;
    struct complaints *c;
};

/* ---- near words ---- */

/* Edits (a letter more, less or another) from one word to the other. */
static uint32_t distance(const char *a, const char *b)
{
    uint32_t row[WORD_MAX + 1];
    const size_t b_len = strlen(b);
    if (strlen(a) > WORD_MAX || b_len > WORD_MAX)
        return WORD_MAX;
    for (uint32_t i = 0; i <= b_len; i++)
        row[i] = i;
    for (uint32_t k = 0; a[k]; k++) {
        uint32_t diagonal = row[0];
        row[0] = k + 1;
        for (uint32_t i = 0; i < b_len; i++) {
            const uint32_t replaced = diagonal + (a[k] != b[i]);
            const uint32_t other = 1 + (row[i] < row[i + 1] ? row[i] : row[i + 1]);
            diagonal = row[i + 1];
            row[i + 1] = replaced < other ? replaced : other;
        }
    }
    return row[b_len];
}

const char *value_nearest(const char *word, const char *(*name)(const void *from, uint32_t i),
                          const void *from, uint32_t num)
{
    const char *nearest = NULL;
    uint32_t least = strlen(word) < 5 ? 2 : 3;
    for (uint32_t i = 0; i < num; i++) {
        const uint32_t d = distance(word, name(from, i));
        if (d < least) {
            least = d;
            nearest = name(from, i);
        }
    }
    return nearest;
}

/* ---- numbers with units ---- */

struct unit {
    const char *name;
    uint64_t each;
};
static const struct unit time_units[] = {{"us", 1},
                                         {"ms", 1000},
                                         {"s", 1000000},
                                         {"m", 60000000},
                                         {"h", UINT64_C(3600000000)},
                                         {"d", UINT64_C(86400000000)}};
static const struct unit size_units[] = {{"k", 1u << 10}, {"m", 1u << 20}, {"g", 1u << 30}};

#define NUM_TIME_UNITS (sizeof(time_units) / sizeof(time_units[0]))
#define NUM_SIZE_UNITS (sizeof(size_units) / sizeof(size_units[0]))

/* In the largest unit that it is a whole number of; without one if that is none. */
static const char *unit_text(char text[32], uint64_t value, const struct unit *units, size_t num)
{
    while (num && (!value || value % units[num - 1].each))
        num--;
    if (num)
        snprintf(text, 32, "%llu%s", (unsigned long long)(value / units[num - 1].each),
                 units[num - 1].name);
    else
        snprintf(text, 32, "%llu", (unsigned long long)value);
    return text;
}

const char *value_time_text(char text[32], uint64_t us)
{
    return us ? unit_text(text, us, time_units, NUM_TIME_UNITS) : strcpy(text, "0s");
}

const char *value_size_text(char text[32], uint64_t bytes)
{
    return unit_text(text, bytes, size_units, NUM_SIZE_UNITS);
}

uint64_t value_unit_us(enum conf_kind kind)
{
    return kind == KIND_MICROSECONDS   ? 1
           : kind == KIND_MILLISECONDS ? 1000
           : kind == KIND_SECONDS      ? 1000000
                                       : 0;
}

/* NUMBERunit. units: whether there is one; false: it is no such thing, or too much. */
static bool parse_unit(const char *text, const struct unit *units, size_t num, uint64_t *out,
                       bool *has_unit)
{
    char digits[24];
    const size_t len = strspn(text, "0123456789");
    uint64_t number;
    *has_unit = text[len];
    if (len >= sizeof(digits))
        return false;
    snprintf(digits, sizeof(digits), "%.*s", (int)len, text);
    if (!number_parse(digits, 0, UINT64_MAX, &number))
        return false;
    *out = number;
    for (size_t i = 0; i < num && *has_unit; i++)
        if (strcmp(text + len, units[i].name) == 0) {
            *out = number * units[i].each;
            return number <= UINT64_MAX / units[i].each;
        }
    return !*has_unit;
}

static int set_number(uint32_t *to, const struct target *t, const struct node *node)
{
    const struct conf_key *key = t->key;
    uint64_t number;
    if (key->zero && strcmp(node->word, key->zero) == 0) {
        number = 0;
    } else if (!number_parse(node->word, key->low, key->high, &number)) {
        complain(t->c, &node->place, key->name, node->word, "not a number from %llu to %llu%s%s",
                 (unsigned long long)key->low, (unsigned long long)key->high,
                 key->zero ? ", nor " : "", key->zero ? key->zero : "");
        return -1;
    }
    *to = (uint32_t)number;
    return 0;
}

static int set_size(uint32_t *to, const struct target *t, const struct node *node)
{
    const struct conf_key *key = t->key;
    char low[32], high[32];
    uint64_t size;
    bool has_unit;
    if (!parse_unit(node->word, size_units, NUM_SIZE_UNITS, &size, &has_unit) || size < key->low ||
        size > key->high) {
        complain(t->c, &node->place, key->name, node->word,
                 "not a number of bytes from %s to %s; k, m and g are powers of two",
                 value_size_text(low, key->low), value_size_text(high, key->high));
        return -1;
    }
    *to = (uint32_t)size;
    return 0;
}

static int set_time(uint32_t *to, const struct target *t, const struct node *node)
{
    const struct conf_key *key = t->key;
    const uint64_t unit_us = value_unit_us(key->kind);
    char low[32], high[32];
    uint64_t us;
    bool has_unit;
    const bool is_time = parse_unit(node->word, time_units, NUM_TIME_UNITS, &us, &has_unit);
    if (is_time && !has_unit) {
        complain(t->c, &node->place, key->name, node->word,
                 "a time needs its unit, as in 500ms, 10s, 5m or 1h");
        return -1;
    }
    if (!is_time || us < key->low * unit_us || us > key->high * unit_us) {
        complain(t->c, &node->place, key->name, node->word, "not a time from %s to %s",
                 value_time_text(low, key->low * unit_us),
                 value_time_text(high, key->high * unit_us));
        return -1;
    }
    if (us % unit_us) {
        complain(t->c, &node->place, key->name, node->word, "this counts in whole %s",
                 key->kind == KIND_SECONDS ? "seconds" : "milliseconds");
        return -1;
    }
    *to = (uint32_t)(us / unit_us);
    return 0;
}

/* ---- words ---- */

static int set_yes_no(bool *to, const struct target *t, const struct node *node)
{
    *to = strcmp(node->word, "yes") == 0;
    if (*to || strcmp(node->word, "no") == 0)
        return 0;
    complain(t->c, &node->place, t->key->name, node->word, "say yes or no");
    return -1;
}

static const char *choice_name(const void *from, uint32_t i)
{
    return ((const char *const *)from)[i];
}

static int set_choice(uint32_t *to, const struct target *t, const struct node *node)
{
    const char *const *choices = t->key->choices;
    char list[256];
    size_t len = 0;
    uint32_t num = 0;
    for (; choices[num]; num++) {
        if (strcmp(choices[num], node->word) == 0) {
            *to = num;
            return 0;
        }
        len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
                                !num                ? ""
                                : !choices[num + 1] ? " or "
                                                    : ", ",
                                choices[num]);
    }
    const char *nearest = value_nearest(node->word, choice_name, choices, num);
    complain(t->c, &node->place, t->key->name, node->word, "say %s%s%s%s", list,
             nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    return -1;
}

/* NULL: no memory. */
static char *copy_text(const struct target *t, const struct node *node)
{
    char *copy = arena_text(t->arena, node->word, strlen(node->word));
    if (!copy)
        complain_of_memory(t->c);
    return copy;
}

/* A path begins in the folder of the file that says it; that of an option, where it runs. */
static char *copy_path(const struct target *t, const struct node *node)
{
    const char *file = node->place.file, *slash = file ? strrchr(file, '/') : NULL;
    const size_t folder = slash && node->word[0] != '/' ? (size_t)(slash - file) + 1 : 0;
    const size_t len = strlen(node->word);
    char *path = arena_alloc(t->arena, folder + len + 1);
    if (!path) {
        complain_of_memory(t->c);
        return NULL;
    }
    if (folder)
        memcpy(path, file, folder);
    memcpy(path + folder, node->word, len);
    return path;
}

static int set_text(const char **to, const struct target *t, const struct node *node)
{
    *to = t->key->kind == KIND_FILE ? copy_path(t, node) : copy_text(t, node);
    return *to ? 0 : -1;
}

static int set_word(struct conf_word *to, const struct target *t, const struct node *node)
{
    to->place = node->place;
    to->text = t->key->kind == KIND_FILES ? copy_path(t, node) : copy_text(t, node);
    return to->text ? 0 : -1;
}

/* ---- addresses ---- */

static int set_server(struct net_addr *to, const struct target *t, const struct node *node)
{
    const char *wrong = address_parse(node->word, to, NULL);
    if (!wrong)
        return 0;
    complain(t->c, &node->place, t->key->name, node->word,
             "%s; write IPv4:port or [IPv6]:port, as 10.9.0.1:8080 or [2001:db8::1]:8080", wrong);
    return -1;
}

static const char *parse_listen(struct conf_address *to, const char *word)
{
    uint64_t port;
    if (word[0] != ':' || strchr(word + 1, ':'))
        return address_parse(word, &to->addr, &to->prefix_len);
    to->is_any = true;
    if (!number_parse(word + 1, 1, 65535, &port))
        return "the port is not a number from 1 to 65535";
    to->addr.port = (uint16_t)port;
    return NULL;
}

static int set_address(struct conf_address *to, const struct target *t, const struct node *node)
{
    const char *wrong, *remedy = "";
    *to = (struct conf_address){.place = node->place};
    to->text = copy_text(t, node);
    if (!to->text)
        return -1;
    if (t->key->kind == KIND_LISTEN) {
        wrong = parse_listen(to, node->word);
        remedy = "; write IPv4[/prefix]:port or [IPv6[/prefix]]:port, as 10.9.0.2/24:443 or "
                 "[2001:db8::2/64]:443";
    } else if (t->key->kind == KIND_ADDRESSES) {
        wrong = address_parse_own(node->word, &to->addr.ip, &to->prefix_len);
        remedy = "; write IPv4/prefix or IPv6/prefix, as 10.9.0.2/24 or 2001:db8::2/64";
    } else {
        wrong = node->word[0] == '[' ? "a gateway's address stands without brackets"
                                     : address_parse_ip(node->word, &to->addr.ip);
    }
    if (!wrong)
        return 0;
    complain(t->c, &node->place, t->key->name, node->word, "%s%s", wrong, remedy);
    return -1;
}

/* ---- one, or a list ---- */

static int set_one(void *to, const struct target *t, const struct node *node)
{
    switch (t->key->kind) {
    case KIND_YES_NO:
        return set_yes_no(to, t, node);
    case KIND_NUMBER:
        return set_number(to, t, node);
    case KIND_SIZE:
        return set_size(to, t, node);
    case KIND_MICROSECONDS:
    case KIND_MILLISECONDS:
    case KIND_SECONDS:
        return set_time(to, t, node);
    case KIND_CHOICE:
        return set_choice(to, t, node);
    case KIND_TEXT:
    case KIND_FILE:
        return set_text(to, t, node);
    case KIND_SERVER:
        return set_server(to, t, node);
    case KIND_TEXTS:
    case KIND_FILES:
        return set_word(to, t, node);
    case KIND_LISTEN:
    case KIND_ADDRESSES:
    case KIND_GATEWAYS:
        return set_address(to, t, node);
    case KIND_BLOCK:
    case KIND_BLOCKS:
        break;
    }
    return -1;
}

/* Whether it is a word with something in it. */
static bool is_word(const struct target *t, const struct node *node)
{
    if (node->is_bad)
        return false;
    if (node->kind != NODE_WORD)
        complain(t->c, &node->place, t->key->name, NULL, "it takes a word, not %s",
                 node->kind == NODE_LIST ? "a list" : "keys of its own");
    else if (!node->word)
        complain(t->c, &node->place, t->key->name, NULL,
                 "it has no value; write one, or take the key out");
    else if (!*node->word)
        complain(t->c, &node->place, t->key->name, NULL,
                 "its value is empty; write one, or take the key out");
    return node->kind == NODE_WORD && node->word && *node->word;
}

static size_t list_item_size(enum conf_kind kind)
{
    switch (kind) {
    case KIND_TEXTS:
    case KIND_FILES:
        return sizeof(struct conf_word);
    case KIND_LISTEN:
    case KIND_ADDRESSES:
    case KIND_GATEWAYS:
        return sizeof(struct conf_address);
    default:
        return 0;
    }
}

bool value_is_length(uint64_t num, const struct conf_key *key, const struct place *place,
                     struct complaints *c)
{
    if (num > key->high)
        complain(c, place, key->name, NULL, "a list of %llu; there is room for %llu",
                 (unsigned long long)num, (unsigned long long)key->high);
    else if (num < key->low)
        complain(c, place, key->name, NULL,
                 "an empty list; write what belongs there, or take the key out");
    return num >= key->low && num <= key->high;
}

/* All lists are a pointer and a number. */
static int set_list(void *to, const struct target *t, const struct node *node, size_t item_size)
{
    const struct node *first = node->kind == NODE_LIST ? node->first : node;
    uint64_t num = 0;
    int rc = 0;
    for (const struct node *n = first; n; n = node->kind == NODE_LIST ? n->next : NULL)
        num++;
    if (!value_is_length(num, t->key, &node->place, t->c))
        return -1;
    unsigned char *all = arena_alloc(t->arena, (size_t)(num + 1) * item_size);
    if (!all) {
        complain_of_memory(t->c);
        return -1;
    }
    const struct conf_blocks list = {all, (uint32_t)num};
    memcpy(to, &list, sizeof(list));
    for (const struct node *n = first; n; n = node->kind == NODE_LIST ? n->next : NULL) {
        if (!is_word(t, n) || set_one(all, t, n))
            rc = -1;
        all += item_size;
    }
    return rc;
}

int value_set(void *to, const struct conf_key *key, const struct node *node, struct arena *arena,
              struct complaints *c)
{
    const struct target t = {key, arena, c};
    const size_t item_size = list_item_size(key->kind);
    if (item_size && !node->is_bad && node->kind != NODE_BLOCK &&
        (node->kind == NODE_LIST || node->word))
        return set_list(to, &t, node, item_size);
    return is_word(&t, node) ? set_one(to, &t, node) : -1;
}
