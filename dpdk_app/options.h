/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_OPTIONS_H
#define LOCKSTEPD_OPTIONS_H

#include "config/conf.h"

/* The command line behind EAL's "--": a configuration's file, or what stands in one for a first
 * try. Both become the same. */
struct options {
    const char *file; /* NULL: there is none */
    bool test;        /* the file is to be looked at, and nothing else */
    bool help, version;
    struct conf *conf; /* the caller's; NULL where help or version is asked for */
};

/* 0, or -1: complained about. */
int options_parse(struct options *o, int argc, char **argv, struct complaints *c);
/* Whether a word is one of our options, which EAL does not know. */
bool options_is_ours(const char *arg);
/* Whether a word is --config or --test, which can do without "--" in front. */
bool options_is_file(const char *arg);
void options_help(const char *program);

#endif
