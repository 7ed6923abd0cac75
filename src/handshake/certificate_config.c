/* SPDX-License-Identifier: BSD-3-Clause */

/* What a configuration says about certificates beyond the files that hold them. */

#include <errno.h>
#include <openssl/ocsp.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/errors.h"

#include "handshake/certificate_file.h"

#define FILE_MAX      32768u  /* of what goes into one CertificateEntry */
#define CLOCK_SKEW_MS 300000u /* that the responder's clock may be ahead */

static enum lks_status fail(struct lks_error *err, const char *file, const char *what)
{
    snprintf(err->text, sizeof(err->text), "%s: %s", file, what);
    return LKS_BAD_CONFIG;
}

static enum lks_status cannot_read(struct lks_error *err, const char *file)
{
    snprintf(err->text, sizeof(err->text),
             "%s: cannot be read: %s; put the file there, readable for this process", file,
             strerror(errno));
    return LKS_BAD_CONFIG;
}

static enum lks_status read_file(uint8_t **out, size_t *out_len, const char *file,
                                 struct lks_error *err)
{
    FILE *f = fopen(file, "rbe");
    if (!f)
        return cannot_read(err, file);
    uint8_t *data = malloc(FILE_MAX);
    errno = 0;
    size_t len = data ? fread(data, 1, FILE_MAX, f) : 0;
    const bool failed = ferror(f) != 0;
    fclose(f);
    if (!data)
        return LKS_NO_MEMORY;
    *out = data;
    *out_len = len;
    if (!failed && len && len < FILE_MAX)
        return LKS_OK;
    free(data);
    if (failed)
        return cannot_read(err, file);
    return fail(err, file,
                len ? "longer than 32 KiB; is it the right file?"
                    : "is empty; get it anew, or leave it out");
}

static struct lks_certificate *last_certificate(const struct lks_config *config)
{
    struct lks_certificate *c = config->certificates;
    while (c && c->next)
        c = c->next;
    return c;
}

/* Takes the file into a certificate's field, once check() has no complaint. */
static enum lks_status set_file(struct lks_config *config, bool is_ocsp, const char *file,
                                const char *(*check)(const struct lks_config *config,
                                                     struct lks_certificate *c,
                                                     struct lks_reader data),
                                struct lks_error *err)
{
    struct lks_certificate *c = last_certificate(config);
    uint8_t *data = NULL;
    size_t len = 0;
    err->text[0] = '\0';
    if (!c)
        return fail(err, file ? file : "this",
                    "there is no certificate that it could belong to; add that first");
    if (file) {
        enum lks_status status = read_file(&data, &len, file, err);
        if (status)
            return status;
        const char *complaint = check(config, c, lks_reader_of(data, len));
        if (complaint) {
            free(data);
            return fail(err, file, complaint);
        }
    }
    uint8_t **field = is_ocsp ? &c->ocsp : &c->sct;
    free(*field);
    *field = data;
    *(is_ocsp ? &c->ocsp_len : &c->sct_len) = len;
    return lks_certificate_compress(c, config->compressions) ? LKS_OK : LKS_NO_MEMORY;
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

static const char *check_ocsp(const struct lks_config *config, struct lks_certificate *c,
                              struct lks_reader data)
{
    const uint8_t *end = data.data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &end, (long)data.len);
    const bool ok = response && end == data.data + data.len &&
                    OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
    OCSP_BASICRESP *basic = ok ? OCSP_response_get1_basic(response) : NULL;
    uint64_t until_ms = 0;
    const char *complaint =
        complain_of(basic ? find_answer(basic, c) : NULL, lks_config_now_ms(config), &until_ms);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    if (!complaint)
        c->ocsp_until_ms = until_ms;
    return complaint;
}

static const char *check_sct_list(const struct lks_config *config, struct lks_certificate *c,
                                  struct lks_reader data)
{
    struct lks_reader list, one;
    bool ok = lks_read_vec16(&data, &list) && !data.len && list.len;
    (void)config, (void)c;
    while (ok && list.len)
        ok = lks_read_vec16(&list, &one) && one.len;
    return ok ? NULL
              : "no SignedCertificateTimestampList (RFC 6962 section 3.3: two bytes of length, "
                "then "
                "each SCT behind two of its own); write it so, or leave it out";
}

enum lks_status lks_config_set_ocsp_response(struct lks_config *config, const char *file,
                                             struct lks_error *err)
{
    LKS_OWN_ERRORS;
    return set_file(config, true, file, check_ocsp, err);
}

enum lks_status lks_config_set_sct(struct lks_config *config, const char *file,
                                   struct lks_error *err)
{
    return set_file(config, false, file, check_sct_list, err);
}

static enum lks_status unknown_algorithm(struct lks_error *err, const char *name, size_t len)
{
    const struct lks_compression *rows = lks_compression_rows();
    int used = snprintf(err->text, sizeof(err->text),
                        "certificate compression \"%.*s\" is not known or not built in; there is",
                        len < 40 ? (int)len : 40, name);
    for (; rows->name && used > 0 && (size_t)used < sizeof(err->text); rows++)
        used += snprintf(err->text + used, sizeof(err->text) - (size_t)used, " %s", rows->name);
    return LKS_BAD_CONFIG;
}

static enum lks_status parse_algorithms(const struct lks_compression **out, const char *names,
                                        struct lks_error *err)
{
    const struct lks_compression *rows = lks_compression_rows();
    const bool all = strcmp(names, "all") == 0;
    size_t num = 0;
    for (const struct lks_compression *row = rows; all && row->name; row++)
        out[num++] = row;
    while (!all && *names) {
        const size_t len = strcspn(names, ",");
        const struct lks_compression *row = rows;
        while (row->name && (strlen(row->name) != len || memcmp(row->name, names, len) != 0))
            row++;
        if (!row->name || num == LKS_COMPRESSIONS_MAX)
            return unknown_algorithm(err, names, len);
        for (size_t i = 0; i < num; i++) {
            if (out[i] == row) {
                snprintf(err->text, sizeof(err->text),
                         "certificate compression \"%s\" is in the list twice; name each once",
                         row->name);
                return LKS_BAD_CONFIG;
            }
        }
        out[num++] = row;
        names += len + (names[len] == ',');
    }
    out[num] = NULL;
    return LKS_OK;
}

enum lks_status lks_config_set_certificate_compression(struct lks_config *config,
                                                       const char *algorithms,
                                                       struct lks_error *err)
{
    err->text[0] = '\0';
    const struct lks_compression *list[LKS_COMPRESSIONS_MAX + 1];
    enum lks_status status = parse_algorithms(list, algorithms, err);
    if (status)
        return status;
    memcpy(config->compressions, list, sizeof(list));
    for (struct lks_certificate *c = config->certificates; c; c = c->next)
        if (!lks_certificate_compress(c, list))
            return LKS_NO_MEMORY;
    return LKS_OK;
}

void lks_config_set_ocsp(struct lks_config *config, enum lks_ocsp ocsp)
{
    config->ocsp = ocsp;
}

void lks_config_set_sct_wanted(struct lks_config *config, bool wanted)
{
    config->asks_sct = wanted;
}

void lks_config_set_sni_required(struct lks_config *config, bool required)
{
    config->sni_required = required;
}

void lks_config_set_client_auth(struct lks_config *config, enum lks_client_auth mode,
                                bool send_authorities)
{
    config->client_auth = mode;
    config->sends_authorities = send_authorities;
}
