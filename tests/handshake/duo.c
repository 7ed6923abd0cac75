/* SPDX-License-Identifier: BSD-3-Clause */
#include "duo.h"

#include <string.h>

#include "base/writer.h"
#include "client.h"
#include "test_handshake.h"

static size_t collect(struct lks_hs *hs, uint8_t *out)
{
    struct lks_hs_event event;
    size_t len = 0;
    while (lks_hs_next_event(hs, &event)) {
        if (event.kind != LKS_HS_SEND)
            continue;
        CU_ASSERT_TRUE_FATAL(len + event.len <= FLIGHT_MAX);
        memcpy(out + len, event.data, event.len);
        len += event.len;
    }
    return len;
}

void duo_init(struct duo *d, const char *groups)
{
    struct lks_error err;
    memset(d, 0, sizeof(*d));
    d->server_config = config_with("ecdsa");
    d->client_config = config_new();
    CU_ASSERT_EQUAL(lks_policy_set_trust(d->client_config->policy,
                                         lks_from_file(test_certificates()->ecdsa_cert), &err),
                    LKS_OK);
    d->client_config->policy->compressions[0] =
        NULL; /* so that the Certificate is one in the clear */
    CU_ASSERT_EQUAL(lks_policy_set_groups(d->client_config->policy, "x25519,secp256r1", &err),
                    LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_groups(d->server_config->policy, groups, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_hs_new(&d->client, d->client_config, LKS_CLIENT, &localhost), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_hs_new(&d->server, d->server_config, LKS_SERVER, NULL), LKS_OK);
    uint8_t hello[FLIGHT_MAX];
    size_t len = collect(d->client, hello);
    CU_ASSERT_EQUAL_FATAL(lks_hs_input(d->server, hello, len), LKS_WANT_DATA);
    len = collect(d->server, d->flight);
    for (size_t at = 0; at < len; d->num++) {
        d->at[d->num] = at;
        at += 4u + ((size_t)d->flight[at + 1] << 16 | (size_t)d->flight[at + 2] << 8 |
                    d->flight[at + 3]);
        d->at[d->num + 1] = at;
    }
}

void duo_free(struct duo *d)
{
    lks_hs_free(d->client);
    lks_hs_free(d->server);
    lks_config_free(d->client_config);
    lks_config_free(d->server_config);
}

void give_honest(struct duo *d, size_t num)
{
    struct lks_hs_event event;
    for (size_t i = 0; i < num; i++) {
        enum lks_status status =
            lks_hs_input(d->client, d->flight + d->at[i], d->at[i + 1] - d->at[i]);
        LKS_CHECK(status == LKS_WANT_DATA || (i + 1 == d->num && status == LKS_OK), "%zu: %s", i,
                  lks_status_name(status));
        while (lks_hs_next_event(d->client, &event))
            ;
    }
}

size_t write_hello(uint8_t *out, const struct hello_parts *p, const struct lks_hs *client,
                   bool retry)
{
    static const char retry_random[] =
        "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";
    struct lks_writer w = lks_writer_of(out, FLIGHT_MAX);
    uint8_t bytes[256] = {0}, id[32];
    memcpy(id, client->session_id, sizeof(id));
    id[31] ^= p->session == 1;
    lks_write_u8(&w, LKS_MSG_SERVER_HELLO);
    size_t message = lks_write_open(&w, 3);
    lks_write_u16(&w, p->version ? p->version : 0x0303);
    if (retry)
        lks_test_hex(retry_random, bytes, 32);
    if (p->random_end)
        lks_test_hex(p->random_end, bytes + 24, 8);
    lks_write_bytes(&w, bytes, 32);
    lks_write_u8(&w, p->session == 2 ? 0 : 32);
    lks_write_bytes(&w, id, p->session == 2 ? 0 : 32);
    lks_write_u16(&w, p->suite ? p->suite : 0x1301);
    lks_write_u8(&w, p->compression);
    size_t extensions = lks_write_open(&w, 2);
    lks_write_bytes(&w, bytes, lks_test_hex(p->extensions, bytes, sizeof(bytes)));
    lks_write_close(&w, extensions, 2);
    lks_write_close(&w, message, 3);
    CU_ASSERT_FALSE(w.failed);
    return w.len;
}
