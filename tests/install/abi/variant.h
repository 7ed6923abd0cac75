/* SPDX-License-Identifier: BSD-3-Clause */
/* A library of two functions, and what can become of it: tests/install/abi.sh wants to be told of
 * what breaks. */
#ifndef VARIANT_H
#define VARIANT_H

enum lks_kind {
    LKS_ONE,
#ifdef ENUM_SHIFTED
    LKS_HALF,
#endif
    LKS_TWO,
#ifdef ENUM_LONGER
    LKS_THREE,
#endif
};

struct lks_op {
    int a;
#ifdef STRUCT_LONGER
    int b;
#endif
};

struct lks_trace {
#ifdef TRACE_SHIFTED
    int before;
#endif
    int a;
#ifdef TRACE_LONGER
    int after;
#endif
};

#ifdef RETYPED
typedef long result;
#else
typedef int result;
#endif

struct lks_conn;
result lks_run(struct lks_conn *conn, struct lks_op *op, enum lks_kind kind);
void lks_watch(struct lks_conn *conn, void (*row)(const struct lks_trace *trace));
void lks_more(void);

#endif
