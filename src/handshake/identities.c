/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/identities.h"

#include <openssl/ocsp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/complain.h"
#include "base/ct.h"
#include "handshake/certificate/file.h"
#include "handshake/errors.h"
#include "handshake/source.h"

#define EXTENSION_MAX 32768u  /* of what goes into one CertificateEntry */
#define CLOCK_SKEW_MS 300000u /* that the responder's clock may be ahead */

enum lks_status lks_identities_new(struct lks_identities **out)
{
    struct lks_identities *identities = calloc(1, sizeof(*identities));
    *out = identities;
    if (!identities)
        return LKS_NO_MEMORY;
    lks_part_init(&identities->part, "identities");
    identities->now_ms = lks_system_time_ms;
    return LKS_OK;
}

void lks_identities_free(struct lks_identities *identities)
{
    LKS_OWN_ERRORS;
    if (!identities || !lks_part_unref(&identities->part))
        return;
    while (identities->certificates) {
        struct lks_certificate *next = identities->certificates->next;
        lks_certificate_free(identities->certificates);
        identities->certificates = next;
    }
    if (identities->psks)
        lks_wipe(identities->psks, LKS_PSKS_MAX * sizeof(*identities->psks));
    free(identities->psks);
    free(identities);
}

/* key is NULL, and remote_key tells which it is, where it is elsewhere. */
static enum lks_status add_certificate(struct lks_identities *identities,
                                       const struct lks_source *chain, const struct lks_source *key,
                                       void *remote_key, struct lks_error *err)
{
    LKS_OWN_ERRORS;
    struct lks_certificate **end = &identities->certificates, *added = NULL;
    enum lks_status status = lks_part_begin(&identities->part, err);
    if (status)
        return status;
    status = lks_certificate_load(&added, chain, key, err);
    if (!status && !lks_certificate_compress(added, identities->compressions)) {
        lks_certificate_free(added);
        added = NULL;
        status = LKS_NO_MEMORY;
    }
    while (*end)
        end = &(*end)->next;
    *end = added;
    if (added)
        added->remote_key = remote_key;
    return lks_part_end(&identities->part, status, err);
}

enum lks_status lks_identities_add_certificate(struct lks_identities *identities,
                                               struct lks_source chain, struct lks_source key,
                                               struct lks_error *err)
{
    return add_certificate(identities, &chain, &key, NULL, err);
}

enum lks_status lks_identities_add_remote(struct lks_identities *identities,
                                          struct lks_source chain, void *key, struct lks_error *err)
{
    return add_certificate(identities, &chain, NULL, key, err);
}

static struct lks_certificate *last_certificate(const struct lks_identities *identities)
{
    struct lks_certificate *c = identities->certificates;
    while (c && c->next)
        c = c->next;
    return c;
}

/* What goes into a certificate's extension. */
struct extension {
    bool is_ocsp;
    const char *what;
    const char *(*check)(struct lks_certificate *c, struct lks_reader data, uint64_t now_ms);
};

static enum lks_status keep_extension(struct lks_certificate *c, const struct extension *e,
                                      struct lks_reader data,
                                      const struct lks_compression *const *compressions)
{
    uint8_t *copy = malloc(data.len), **field = e->is_ocsp ? &c->ocsp : &c->sct;
    if (!copy)
        return LKS_NO_MEMORY;
    memcpy(copy, data.data, data.len);
    free(*field);
    *field = copy;
    *(e->is_ocsp ? &c->ocsp_len : &c->sct_len) = data.len;
    return lks_certificate_compress(c, compressions) ? LKS_OK : LKS_NO_MEMORY;
}

static enum lks_status set_extension(struct lks_identities *identities, const struct extension *e,
                                     const struct lks_source *source, struct lks_error *err)
{
    const char *name = lks_source_name(source);
    struct lks_certificate *c = last_certificate(identities);
    struct lks_source_bytes bytes;
    if (!c)
        return lks_complain(
            err, "%s: there is no certificate that it could belong to; add that first", name);
    enum lks_status status = lks_source_read(&bytes, source, e->what, EXTENSION_MAX - 1, err);
    if (!status) {
        const char *complaint = e->check(c, bytes.all, lks_identities_now_ms(identities));
        status = complaint ? lks_complain(err, "%s: %s", name, complaint)
                           : keep_extension(c, e, bytes.all, identities->compressions);
    }
    lks_source_free(&bytes);
    return status;
}

/* What a response says of our leaf, as far as the chain shows who issued it; NULL: nothing. */
static OCSP_SINGLERESP *find_answer(OCSP_BASICRESP *basic, const struct lks_certificate *c)
{
    X509 *leaf = sk_X509_value(c->chain, 0), *issuer = sk_X509_value(c->chain, 1);
    const EVP_MD *const hashes[] = {EVP_sha1(), EVP_sha256()};
    int at = -1;
    for (size_t i = 0; issuer && i < sizeof(hashes) / sizeof(hashes[0]) && at < 0; i++) {
        OCSP_CERTID *id = OCSP_cert_to_id(hashes[i], leaf, issuer);
        at = id ? OCSP_resp_find(basic, id, -1) : -1;
        OCSP_CERTID_free(id);
    }
    for (int i = 0; !issuer && i < OCSP_resp_count(basic) && at < 0; i++) {
        ASN1_INTEGER *serial = NULL;
        const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(OCSP_resp_get0(basic, i));
        if (OCSP_id_get0_info(NULL, NULL, NULL, &serial, (OCSP_CERTID *)(uintptr_t)id) &&
            ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0)
            at = i;
    }
    return at < 0 ? NULL : OCSP_resp_get0(basic, at);
}

/* A client refuses what is not good now, so it is better to send nothing. */
static const char *complain_of(OCSP_SINGLERESP *answer, uint64_t now_ms, uint64_t *until_ms)
{
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
    const int status = answer ? OCSP_single_get0_status(answer, NULL, NULL, &from, &until) : -1;
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        return "the response says that the certificate is revoked; replace the certificate";
    if (status == V_OCSP_CERTSTATUS_UNKNOWN)
        return "the responder does not know the certificate; ask the one that it names";
    if (status != V_OCSP_CERTSTATUS_GOOD)
        return "no successful OCSP response in DER for the certificate added last; get one of its "
               "responder (openssl ocsp -respout …)";
    if (!until)
        return "the response has no end (nextUpdate), and clients refuse it; get one that has";
    *until_ms = lks_asn1_time_ms(until);
    if (*until_ms <= now_ms)
        return "the response has ended (nextUpdate); get a newer one";
    if (lks_asn1_time_ms(from) > now_ms + CLOCK_SKEW_MS)
        return "the response is of a later time than now (thisUpdate); is the clock right?";
    return NULL;
}

static const char *check_ocsp(struct lks_certificate *c, struct lks_reader data, uint64_t now_ms)
{
    const uint8_t *end = data.data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &end, (long)data.len);
    const bool ok = response && end == data.data + data.len &&
                    OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
    OCSP_BASICRESP *basic = ok ? OCSP_response_get1_basic(response) : NULL;
    uint64_t until_ms = 0;
    const char *complaint = complain_of(basic ? find_answer(basic, c) : NULL, now_ms, &until_ms);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    if (!complaint)
        c->ocsp_until_ms = until_ms;
    return complaint;
}

static const char *check_sct_list(struct lks_certificate *c, struct lks_reader data,
                                  uint64_t now_ms)
{
    struct lks_reader list, one;
    bool ok = lks_read_vec16(&data, &list) && !data.len && list.len;
    (void)c, (void)now_ms;
    while (ok && list.len)
        ok = lks_read_vec16(&list, &one) && one.len;
    return ok ? NULL
              : "no SignedCertificateTimestampList (RFC 6962 section 3.3: two bytes of length, "
                "then each SCT behind two of its own); write it so, or leave it out";
}

enum lks_status lks_identities_set_ocsp_response(struct lks_identities *identities,
                                                 struct lks_source response, struct lks_error *err)
{
    LKS_OWN_ERRORS;
    static const struct extension ocsp = {true, "OCSP response", check_ocsp};
    enum lks_status status = lks_part_begin(&identities->part, err);
    if (status)
        return status;
    return lks_part_end(&identities->part, set_extension(identities, &ocsp, &response, err), err);
}

enum lks_status lks_identities_set_sct(struct lks_identities *identities, struct lks_source list,
                                       struct lks_error *err)
{
    static const struct extension sct = {false, "list of timestamps", check_sct_list};
    enum lks_status status = lks_part_begin(&identities->part, err);
    if (status)
        return status;
    return lks_part_end(&identities->part, set_extension(identities, &sct, &list, err), err);
}

enum lks_status lks_identities_set_compression(struct lks_identities *identities,
                                               const char *algorithms, struct lks_error *err)
{
    const struct lks_compression *list[LKS_COMPRESSIONS_MAX + 1] = {NULL};
    enum lks_status status = lks_part_begin(&identities->part, err);
    if (status)
        return status;
    status = lks_compressions_parse(list, algorithms, err);
    if (!status)
        memcpy(identities->compressions, list, sizeof(list));
    for (struct lks_certificate *c = identities->certificates; c && !status; c = c->next)
        status = lks_certificate_compress(c, list) ? LKS_OK : LKS_NO_MEMORY;
    return lks_part_end(&identities->part, status, err);
}

static bool has_identity(const struct lks_identities *identities, const uint8_t *identity,
                         size_t len)
{
    for (uint32_t i = 0; i < identities->num_psks; i++)
        if (identities->psks[i].identity_len == len &&
            memcmp(identities->psks[i].identity, identity, len) == 0)
            return true;
    return false;
}

/* Why such a key is none; NULL: it is one. */
static const char *complain_of_psk(const struct lks_identities *identities, const uint8_t *identity,
                                   size_t identity_len, size_t key_len, const char *hash)
{
    if (!identity_len || identity_len > sizeof(identities->psks->identity))
        return "an identity has 1 to 255 bytes";
    if (key_len < 16 || key_len > sizeof(identities->psks->key))
        return "a key has 16 to 64 bytes";
    if (!hash || (strcmp(hash, "SHA384") != 0 && strcmp(hash, "SHA256") != 0))
        return "the hash is SHA256 or SHA384";
    if (identities->num_psks == LKS_PSKS_MAX)
        return "there are eight already; leave some out";
    return has_identity(identities, identity, identity_len)
               ? "the identity is another key's, too; give each key its own"
               : NULL;
}

static enum lks_status keep_psk(struct lks_identities *identities, struct lks_psk *psk)
{
    if (!identities->psks)
        identities->psks = calloc(LKS_PSKS_MAX, sizeof(*identities->psks));
    if (!identities->psks)
        return LKS_NO_MEMORY;
    if (!EVP_Digest(psk, offsetof(struct lks_psk, digest), psk->digest, NULL, EVP_sha256(), NULL))
        return LKS_NO_MEMORY;
    identities->psks[identities->num_psks++] = *psk;
    return LKS_OK;
}

/* RFC 8446 section 4.2.11: it has its hash from the start. [8446 4.2.11-2] */
enum lks_status lks_identities_add_psk(struct lks_identities *identities, const uint8_t *identity,
                                       size_t identity_len, const uint8_t *key, size_t key_len,
                                       const char *hash, struct lks_error *err)
{
    LKS_OWN_ERRORS;
    enum lks_status status = lks_part_begin(&identities->part, err);
    if (status)
        return status;
    const char *complaint = complain_of_psk(identities, identity, identity_len, key_len, hash);
    if (complaint) {
        status = lks_complain_as(LKS_BAD_ARGUMENT, err, "pre-shared key: %s", complaint);
    } else {
        struct lks_psk psk = {.identity_len = (uint8_t)identity_len,
                              .key_len = (uint8_t)key_len,
                              .hash_len = strcmp(hash, "SHA384") == 0 ? 48 : 32};
        memcpy(psk.identity, identity, identity_len);
        memcpy(psk.key, key, key_len);
        status = keep_psk(identities, &psk);
        lks_wipe(&psk, sizeof(psk));
    }
    return lks_part_end(&identities->part, status, err);
}
