/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Certificate lists and CompressedCertificate bodies from a peer. The first byte chooses. A list
 * that is read must be read alike where it lies in a buffer of exactly its length, holds at most so
 * many certificates, and nobody in it is trusted; a body that is undone has the length that it
 * says.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "handshake/config.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max_len);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed);

static struct lks_config *config, *nobody;
static const struct lks_compression *offered[LKS_COMPRESSIONS_MAX + 1];

static void must(bool cond, const char *what)
{
    if (cond)
        return;
    fprintf(stderr, "fuzz_certificate: %s\n", what);
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct lks_error err;
    (void)argc;
    (void)argv;
    config = config_with("ecdsa");
    must(!set_compression(config, "all", &err), err.text);
    memcpy(offered, config->policy->compressions, sizeof(offered));
    nobody = config_new();
    nobody->policy->trust = lks_trust_new();
    nobody->policy->ocsp = LKS_OCSP_CHECKED;
    must(nobody->policy->trust, "no memory");
    test_certificates_remove();
    return 0;
}

/* Now and then starts from the real thing, so that its fields are what is mutated. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
    const struct lks_certificate *c = config->identities->certificates;
    const uint8_t *from = c->entries;
    size_t from_len = c->entries_len;
    if (seed % 64 == 1 && offered[0]) {
        const size_t row = (size_t)(offered[0] - lks_compression_rows());
        from = c->compressed[row][0].data;
        from_len = c->compressed[row][0].len;
    }
    if (seed % 64 < 2 && from && from_len + 1 <= max_len) {
        data[0] = (uint8_t)(seed % 64);
        memcpy(data + 1, from, from_len);
        len = from_len + 1;
    }
    return LLVMFuzzerMutate(data, len, max_len);
}

static void try_list(const uint8_t *data, size_t len)
{
    const lks_extension_set all = lks_extension_bit(LKS_EXT_STATUS_REQUEST) |
                                  lks_extension_bit(LKS_EXT_SIGNED_CERTIFICATE_TIMESTAMP);
    struct lks_peer *peer;
    enum lks_status status = lks_peer_read(&peer, lks_reader_of(data, len), all);
    must(!status == (peer != NULL), "a peer where there is none");
    if (status)
        return;
    must(peer->leaf && peer->key && sk_X509_num(peer->chain) > 0, "not what was promised");
    must(lks_peer_verify(peer, nobody, LKS_SERVER, "localhost"), "a stranger is trusted");
    must(lks_peer_verify(peer, nobody, LKS_CLIENT, NULL), "a stranger is trusted");
    lks_peer_free(peer);
}

static void try_compressed(const uint8_t *data, size_t len)
{
    uint8_t *out;
    size_t out_len;
    if (lks_compression_undo(&out, &out_len, lks_reader_of(data, len), offered))
        return;
    must(out_len && out_len <= LKS_CERTIFICATE_MAX, "longer than may be");
    must(out_len == ((size_t)data[2] << 16 | (size_t)data[3] << 8 | data[4]),
         "another length than it says");
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2)
        return 0;
    uint8_t *copy = malloc(len - 1); /* so that a read past its end is seen */
    must(copy, "no memory");
    memcpy(copy, data + 1, len - 1);
    if (data[0] % 2)
        try_compressed(copy, len - 1);
    else
        try_list(copy, len - 1);
    free(copy);
    return 0;
}
