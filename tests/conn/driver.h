/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_CONN_DRIVER_H
#define LKS_TESTS_CONN_DRIVER_H

/* What the two programs for tests with other implementations share: lks_test_server and
 * lks_test_client take the same options for a configuration, and report a connection alike. */

#include "side.h"

/*
 * Takes argv[*i] (and the value behind it) if it configures connections: then true, and *i is at
 * the last argument used. Ends the program with status 2 and a line on standard error where the
 * value is wrong.
 *
 *     --cert FILE --key FILE   a certificate, as often as wanted
 *     --ocsp FILE --compress LIST  with the certificate before
 *     --require-ocsp 1         of the server
 *     --trust FILE --client-auth required|optional
 *     --alpn LIST --suites LIST --groups LIST --key-log FILE
 *     --preset NAME --max-version 1.2|1.3 --min-version 1.2|1.3
 *     --tickets N --psk IDENTITY:HEX --early-data BYTES --record-size BYTES
 *     --export LABEL           keying material, for the report
 */
bool driver_option(struct lks_config *config, char **argv, int *i);

/* Ends the program with status 2 and err's line unless status is LKS_OK. */
void driver_check(enum lks_status status, const struct lks_error *err);

/* Prints one line "conn name=value …": what was negotiated and how the connection ended ("closed":
 * close_notify came; "truncated"; or the name of what failed). Values hold no blanks. */
void driver_report(const struct side *side);

#endif
