/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_handshake.h"

#include "client.h"

static const struct lks_test_suite suites[] = {{"group", group_tests},
                                               {"schedule", schedule_tests},
                                               {"server", server_tests},
                                               {"client", client_tests},
                                               {"client, PSK", client_psk_tests},
                                               {"hellos", hello_tests},
                                               {"bounds", bounds_tests},
                                               {"TLS 1.2", tls12_tests},
                                               {"TLS 1.2, hellos", tls12_hello_tests},
                                               {"psk", psk_tests},
                                               {"record size", record_size_tests},
                                               {"tickets", ticket_tests},
                                               {"lifetimes of tickets", ticket_lifetime_tests},
                                               {"replay", replay_tests},
                                               {"verify", verify_tests},
                                               {"about", about_tests},
                                               {"host", host_tests},
                                               {NULL, NULL}};

int main(void)
{
    int rc = lks_test_run("handshake", suites);
    test_certificates_remove();
    return rc;
}
