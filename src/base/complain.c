/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/complain.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void append(struct lks_error *err, size_t at, const char *fmt, va_list args)
{
    vsnprintf(err->text + at, sizeof(err->text) - at, fmt, args);
}

enum lks_status lks_complain(struct lks_error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (err)
        append(err, 0, fmt, args);
    va_end(args);
    return LKS_BAD_CONFIG;
}

enum lks_status lks_complain_more(struct lks_error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (err)
        append(err, strlen(err->text), fmt, args);
    va_end(args);
    return LKS_BAD_CONFIG;
}

enum lks_status lks_complain_as(enum lks_status status, struct lks_error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (err)
        append(err, 0, fmt, args);
    va_end(args);
    return status;
}
