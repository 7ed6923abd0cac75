/* SPDX-License-Identifier: BSD-3-Clause */
#include "include.h"

#include <glob.h>
#include <string.h>

#include "text.h"

/* As include_file(), and what comes of the file is looked at while it counts as open. */
static struct node *read_file(struct include *in, const char *path, const struct place *asker,
                              bool is_list)
{
    struct text text;
    if (in->depth == INCLUDE_DEPTH_MAX) {
        complain(in->c, asker, "include", path, "files that include files more than %u deep",
                 INCLUDE_DEPTH_MAX);
        return NULL;
    }
    if (text_read(&text, in->arena, in->c, path, asker, &in->budget))
        return NULL;
    for (uint32_t i = 0; i < in->depth; i++)
        if (in->open[i].device == text.device && in->open[i].inode == text.inode) {
            complain(in->c, asker, "include", strrchr(path, '/') ? strrchr(path, '/') + 1 : path,
                     "this file includes itself; take that out");
            return NULL;
        }
    struct node *root = tree_parse(in->arena, in->c, path, text.bytes, text.len);
    if (!root || !is_list)
        return root;
    in->open[in->depth++] = (struct include_file){text.device, text.inode};
    root = include_items(in, root->kind == NODE_LIST ? root->first : root);
    in->depth--;
    return root;
}

struct node *include_file(struct include *in, const char *path, const struct place *asker)
{
    struct text text;
    if (text_read(&text, in->arena, in->c, path, asker, &in->budget))
        return NULL;
    in->open[in->depth++] = (struct include_file){text.device, text.inode};
    return tree_parse(in->arena, in->c, path, text.bytes, text.len);
}

/* The pattern, from the folder of the file that has it, in which nothing is special. */
static char *full_pattern(struct include *in, const struct node *word)
{
    const char *file = word->place.file, *slash = strrchr(file, '/');
    const size_t folder = slash && word->word[0] != '/' ? (size_t)(slash - file) + 1 : 0;
    char *pattern = arena_alloc(in->arena, 2 * folder + strlen(word->word) + 1), *to = pattern;
    if (!pattern) {
        complain_of_memory(in->c);
        return NULL;
    }
    for (size_t i = 0; i < folder; i++) {
        if (strchr("*?[\\", file[i]))
            *to++ = '\\';
        *to++ = file[i];
    }
    memcpy(to, word->word, strlen(word->word));
    return pattern;
}

/* What one pattern stands for, at *end; returns where the next goes. */
static struct node **include_pattern(struct include *in, const struct node *word, struct node **end)
{
    glob_t found;
    if (word->is_bad)
        return end;
    if (word->kind != NODE_WORD || !word->word || !*word->word) {
        complain(in->c, &word->place, "include", NULL,
                 "it takes a file's name, or several, as in sites.d/*.yaml");
        return end;
    }
    if (in->refuses) {
        complain(in->c, &word->place, "include", word->word, "only files include files");
        return end;
    }
    char *pattern = full_pattern(in, word);
    const int rc = pattern ? glob(pattern, 0, NULL, &found) : GLOB_NOSPACE;
    if (rc == GLOB_NOMATCH)
        complain(in->c, &word->place, "include", word->word,
                 "there is no such file; make one, or take this out");
    else if (rc)
        complain(in->c, &word->place, "include", word->word, "its folder cannot be read");
    for (size_t i = 0; !rc && i < found.gl_pathc; i++) {
        char *path = arena_text(in->names, found.gl_pathv[i], strlen(found.gl_pathv[i]));
        *end = path ? read_file(in, path, &word->place, true) : NULL;
        while (*end)
            end = &(*end)->next;
    }
    if (!rc)
        globfree(&found);
    return end;
}

/* NULL: it is an item like others. */
static const struct node *include_of(const struct node *item)
{
    const struct node *only = item->kind == NODE_BLOCK ? item->first : NULL;
    return only && !only->next && strcmp(only->key, "include") == 0 ? only : NULL;
}

struct node *include_items(struct include *in, struct node *first)
{
    struct node *items = NULL, **end = &items;
    for (struct node *item = first, *next; item; item = next) {
        next = item->next;
        const struct node *include = include_of(item);
        if (!include) {
            item->next = NULL;
            *end = item;
            end = &item->next;
        } else if (include->kind == NODE_LIST) {
            for (const struct node *word = include->first; word; word = word->next)
                end = include_pattern(in, word, end);
        } else {
            end = include_pattern(in, include, end);
        }
    }
    return items;
}
