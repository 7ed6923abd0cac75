/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Any bytes as a configuration's file: either it is one, or every complaint says where in it. The
 * same bytes again come to the same, and what is one differs in nothing from itself.
 */

#include <stdlib.h>
#include <string.h>

#include "config/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(int ok)
{
    if (!ok)
        abort();
}

static uint32_t count_lines(const uint8_t *data, size_t len)
{
    uint32_t num = 2; /* the last one may be empty, and what is missing behind it */
    for (size_t i = 0; i < len; i++)
        num += data[i] == '\n' || data[i] == '\r';
    return num;
}

static void check_complaints(const struct complaints *c, uint32_t num_lines)
{
    for (uint32_t i = 0; i < c->num && i < COMPLAINTS_MAX; i++) {
        must(c->rows[i].text[0] && strcmp(c->rows[i].file, "f") == 0);
        must(c->rows[i].line <= num_lines);
        for (const char *p = c->rows[i].text; *p; p++)
            must((unsigned char)*p >= ' ' && *p != 0x7f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct complaints first, second;
    memset(&first, 0, sizeof(first));
    memset(&second, 0, sizeof(second));
    struct conf *conf = conf_read_text("f", (const char *)data, len, &first);
    struct conf *again = conf_read_text("f", (const char *)data, len, &second);
    must(!conf == (first.num != 0) && !again == !conf && first.num == second.num);
    must(memcmp(first.rows, second.rows, sizeof(first.rows)) == 0);
    check_complaints(&first, count_lines(data, len));
    if (conf)
        conf_compare(conf, again, &first);
    must(!conf || !first.num);
    conf_free(conf);
    conf_free(again);
    return 0;
}
