/* SPDX-License-Identifier: BSD-3-Clause */
#include "complaints.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 200 /* bytes of it that are shown */

/* What comes from a file is shown to people: it writes nothing to their terminals. */
static void make_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < ' ' || *p == 0x7f)
            *p = '?';
}

void complain(struct complaints *c, const struct place *place, const char *key, const char *value,
              const char *fmt, ...)
{
    va_list args;
    if (c->num++ >= COMPLAINTS_MAX)
        return;
    struct complaint *one = &c->rows[c->num - 1];
    const char *name = place->option ? place->option : key;
    const char *behind_name = !name ? "" : place->option && value ? " " : ": ";
    snprintf(one->file, sizeof(one->file), "%s", place->file ? place->file : "");
    one->line = place->line;
    one->column = place->column;
    int len = snprintf(one->text, sizeof(one->text), "%s%s%.*s%s", name ? name : "", behind_name,
                       VALUE_MAX, value ? value : "", value ? ": " : "");
    if (len < 0 || (size_t)len >= sizeof(one->text))
        len = 0;
    va_start(args, fmt);
    vsnprintf(one->text + len, sizeof(one->text) - (size_t)len, fmt, args);
    va_end(args);
    make_printable(one->text);
}

void complain_of_memory(struct complaints *c)
{
    static const struct place nowhere;
    complain(c, &nowhere, NULL, NULL, "out of memory");
}

void complaint_text(char *text, size_t text_len, const struct complaint *one)
{
    if (!one->file[0])
        snprintf(text, text_len, "%s", one->text);
    else if (!one->line)
        snprintf(text, text_len, "%s: %s", one->file, one->text);
    else
        snprintf(text, text_len, "%s:%u:%u: %s", one->file, one->line, one->column, one->text);
}

static int by_place(const void *a, const void *b)
{
    const struct complaint *x = *(const struct complaint *const *)a;
    const struct complaint *y = *(const struct complaint *const *)b;
    const int files = strcmp(x->file, y->file);
    if (files)
        return files;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x < y ? -1 : 1;
}

void complaints_print(FILE *to, struct complaints *c, const char *intro)
{
    const struct complaint *sorted[COMPLAINTS_MAX];
    const uint32_t num = c->num < COMPLAINTS_MAX ? c->num : COMPLAINTS_MAX;
    char text[2 * COMPLAINT_TEXT_MAX];
    for (uint32_t i = 0; i < num; i++)
        sorted[i] = &c->rows[i];
    if (num > 1)
        qsort(sorted, num, sizeof(sorted[0]), by_place);
    for (uint32_t i = 0; i < num; i++) {
        complaint_text(text, sizeof(text), sorted[i]);
        fprintf(to, "%s%s\n", intro, text);
    }
    if (c->num > num)
        fprintf(to, "%sand %u more\n", intro, c->num - num);
    fflush(to);
}
