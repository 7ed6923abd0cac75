/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_OWN_OPTIONS_H
#define LOCKSTEPD_OWN_OPTIONS_H

/* Where a program's own options begin on a command line that EAL's stand on, too: the index of the
 * "--" in front of them; 0: at the front, where one word asks what this is; -1: there is no "--".
 */
int own_options(int argc, char **argv);

#endif
