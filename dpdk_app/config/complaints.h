/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CONFIG_COMPLAINTS_H
#define LOCKSTEPD_CONFIG_COMPLAINTS_H

/* What is wrong with a configuration: all of it is collected, and each line says where. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Where something was said: a place in a file, or an option. */
struct place {
    const char *file;      /* NULL: not in one */
    uint32_t line, column; /* from 1; 0: the file as a whole */
    const char *option;    /* its name, in place of a key's */
};

#define COMPLAINTS_MAX     20u /* more would not be read */
#define COMPLAINT_TEXT_MAX 1024u
#define COMPLAINT_FILE_MAX 256u

struct complaint {
    char file[COMPLAINT_FILE_MAX]; /* "": none */
    uint32_t line, column;
    char text[COMPLAINT_TEXT_MAX];
};

struct complaints {
    uint32_t num; /* more than COMPLAINTS_MAX: the rest was not kept */
    struct complaint rows[COMPLAINTS_MAX];
};

/* Adds "key: value: cause, remedy". key and value: NULL where there is none. */
void complain(struct complaints *c, const struct place *place, const char *key, const char *value,
              const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void complain_of_memory(struct complaints *c);

/* Writes them, those of a file in the order of their places, a line each behind `intro`. */
void complaints_print(FILE *to, struct complaints *c, const char *intro);

/* One as it is printed. */
void complaint_text(char *text, size_t text_len, const struct complaint *one);

#endif
