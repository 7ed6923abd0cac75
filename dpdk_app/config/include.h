/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CONFIG_INCLUDE_H
#define LOCKSTEPD_CONFIG_INCLUDE_H

/* Files that files name: "- include: sites.d/x.yaml", an item of a list, stands for what is in the
 * files that fit, in the order of their names. A path begins in the folder of the file that says
 * it. */

#include <sys/types.h>

#include "tree.h"

#define INCLUDE_DEPTH_MAX 8u

/* The files that are being read, and what they may still have. */
struct include {
    struct arena *arena; /* of trees */
    struct arena *names; /* of files' names, which places keep */
    struct complaints *c;
    bool refuses;  /* bytes alone are read: there are no files */
    size_t budget; /* bytes */
    struct include_file {
        dev_t device;
        ino_t inode;
    } open[INCLUDE_DEPTH_MAX];
    uint32_t depth;
};

/* The whole of a file. NULL: complained about. */
struct node *include_file(struct include *in, const char *path, const struct place *asker);

/* A list's items, with those of the files that it includes in their places. */
struct node *include_items(struct include *in, struct node *first);

#endif
