/* SPDX-License-Identifier: BSD-3-Clause */
#include "talk.h"

#include <string.h>

#include "base/writer.h"
#include "client.h"
#include "test_handshake.h"

static void keep(struct talk *t, enum lks_role from, const uint8_t *bytes, size_t len)
{
    CU_ASSERT_TRUE_FATAL(t->num[from] < ITEMS_MAX && len <= ITEM_MAX);
    struct item *item = &t->items[from][t->num[from]++];
    item->len = len;
    memcpy(item->bytes, bytes, len);
}

static void collect(struct talk *t, enum lks_role from)
{
    static const uint8_t none[1];
    struct lks_hs_event event;
    while (lks_hs_next_event(t->hs[from], &event)) {
        if (event.kind == LKS_HS_CCS)
            keep(t, from, none, 0);
        for (size_t at = 0, len; event.kind == LKS_HS_SEND && at < event.len; at += len) {
            const uint8_t *m = event.data + at;
            len = 4u + ((size_t)m[1] << 16 | (size_t)m[2] << 8 | m[3]);
            keep(t, from, m, len);
        }
    }
}

enum lks_status talk_give(struct talk *t, enum lks_role to, const struct item *item)
{
    t->status[to] = item->len ? lks_hs_input(t->hs[to], item->bytes, item->len)
                              : lks_hs_change_cipher_spec(t->hs[to]);
    collect(t, to);
    return t->status[to];
}

bool talk_go_on(struct talk *t, enum lks_role role, size_t num)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (int to = 0; to < 2; to++) {
            if (t->given[to] == t->num[!to] || (to == (int)role && t->given[to] == num))
                continue;
            talk_give(t, (enum lks_role)to, &t->items[!to][t->given[to]++]);
            moved = true;
        }
    }
    return t->given[role] == num;
}

bool talk_done(const struct talk *t)
{
    return t->hs[0]->state == LKS_STATE_DONE && t->hs[1]->state == LKS_STATE_DONE;
}

static void set_up(struct lks_config **config, enum kind kind)
{
    static const char *const suites[] = {[KIND_DHE] = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
                                         [KIND_RSA] = "TLS_RSA_WITH_AES_128_CBC_SHA",
                                         [KIND_SHA384] = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                                         [NUM_KINDS] = NULL};
    const struct test_certificates *files = test_certificates();
    const char *suite = suites[kind] ? suites[kind] : "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
    struct lks_error err;
    config[LKS_SERVER] = config_with(NULL);
    config[LKS_CLIENT] = config_new();
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(
            lks_policy_set_trust(config[i]->policy, lks_from_file(files->both_certs), &err),
            LKS_OK);
        LKS_CHECK(!lks_policy_set_suites(config[i]->policy, suite, &err), "%s", err.text);
    }
    if (kind == KIND_CLIENT_CERTIFICATE) {
        CU_ASSERT_EQUAL(lks_identities_add_certificate(config[LKS_CLIENT]->identities,
                                                       lks_from_file(files->ecdsa_cert),
                                                       lks_from_file(files->ecdsa_key), &err),
                        LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_client_auth(config[LKS_SERVER]->policy,
                                                   LKS_CLIENT_AUTH_REQUIRED, true, NULL),
                        LKS_OK);
    }
}

static void begin(struct talk *t, struct lks_config *const *config,
                  const struct lks_conn_options *options)
{
    memset(t, 0, sizeof(*t));
    for (int i = 0; i < 2; i++) {
        t->config[i] = lks_config_ref(config[i]);
        CU_ASSERT_EQUAL_FATAL(
            lks_hs_new(&t->hs[i], config[i], (enum lks_role)i, i == LKS_CLIENT ? options : NULL),
            LKS_OK);
    }
    collect(t, LKS_CLIENT);
}

void talk_free(struct talk *t)
{
    for (int i = 0; i < 2; i++) {
        lks_hs_free(t->hs[i]);
        lks_config_free(t->config[i]);
    }
}

/* The two configurations of a kind, and what its clients begin with: made once. */
static struct setting {
    bool made;
    struct lks_config *config[2];
    struct lks_conn_options options;
    uint8_t session[LKS_SESSION_MAX];
} settings[NUM_KINDS];

void talk_init(struct talk *t, enum kind kind)
{
    struct setting *s = &settings[kind];
    if (!s->made) {
        s->made = true;
        s->options = (struct lks_conn_options){.server_name = "localhost"};
        set_up(s->config, kind);
        if (kind == KIND_RESUMED) {
            struct lks_writer w = lks_writer_of(s->session, sizeof(s->session));
            begin(t, s->config, &s->options);
            talk_go_on(t, LKS_CLIENT, ITEMS_MAX);
            CU_ASSERT_TRUE(talk_done(t));
            lks_hs_tls12_session(t->hs[LKS_CLIENT], &w);
            s->options.session = s->session;
            s->options.session_len = w.len;
            talk_free(t);
        }
    }
    begin(t, s->config, &s->options);
}

void talk_settings_free(void)
{
    for (int i = 0; i < NUM_KINDS; i++) {
        lks_config_free(settings[i].config[0]);
        lks_config_free(settings[i].config[1]);
    }
    memset(settings, 0, sizeof(settings));
}
