/* SPDX-License-Identifier: BSD-3-Clause */

/* What a configuration says about certificates beyond the files that hold them. */

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/certificate_file.h"

#define FILE_MAX 32768u /* of what goes into one CertificateEntry */

static enum lks_status fail(struct lks_error *err, const char *file, const char *what)
{
    snprintf(err->text, sizeof(err->text), "%s: %s", file, what);
    ERR_clear_error();
    return LKS_BAD_CONFIG;
}

static enum lks_status read_file(uint8_t **out, size_t *out_len, const char *file,
                                 struct lks_error *err)
{
    FILE *f = fopen(file, "rbe");
    if (!f)
        return fail(err, file, strerror(errno));
    uint8_t *data = malloc(FILE_MAX);
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
    return fail(err, file, failed ? "cannot be read" : len ? "longer than 32 KiB" : "is empty");
}

static struct lks_certificate *last_certificate(const struct lks_config *config)
{
    struct lks_certificate *c = config->certificates;
    while (c && c->next)
        c = c->next;
    return c;
}

/* Takes the file into a certificate's field, once check() has nothing against it. */
static enum lks_status set_file(struct lks_config *config, bool is_ocsp, const char *file,
                                bool (*check)(const struct lks_certificate *c, const uint8_t *data,
                                              size_t len),
                                const char *complaint, struct lks_error *err)
{
    struct lks_certificate *c = last_certificate(config);
    uint8_t *data = NULL;
    size_t len = 0;
    err->text[0] = '\0';
    if (!c)
        return fail(err, file ? file : "this", "there is no certificate that it could belong to");
    if (file) {
        enum lks_status status = read_file(&data, &len, file, err);
        if (status)
            return status;
        if (!check(c, data, len)) {
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

/* Whether a response speaks of our leaf, as far as the chain shows who issued it. */
static bool speaks_of(OCSP_BASICRESP *basic, const struct lks_certificate *c)
{
    if (sk_X509_num(c->chain) < 2)
        return true;
    const EVP_MD *const hashes[] = {EVP_sha1(), EVP_sha256()};
    bool found = false;
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]) && !found; i++) {
        OCSP_CERTID *id =
            OCSP_cert_to_id(hashes[i], sk_X509_value(c->chain, 0), sk_X509_value(c->chain, 1));
        found = id && OCSP_resp_find(basic, id, -1) >= 0;
        OCSP_CERTID_free(id);
    }
    return found;
}

static bool is_ocsp_response(const struct lks_certificate *c, const uint8_t *data, size_t len)
{
    const uint8_t *end = data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &end, (long)len);
    bool ok = response && end == data + len &&
              OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
    OCSP_BASICRESP *basic = ok ? OCSP_response_get1_basic(response) : NULL;
    ok = basic && speaks_of(basic, c);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return ok;
}

static bool is_sct_list(const struct lks_certificate *c, const uint8_t *data, size_t len)
{
    struct lks_reader all = lks_reader_of(data, len), list, one;
    (void)c;
    if (!lks_read_vec16(&all, &list) || all.len || !list.len)
        return false;
    while (list.len)
        if (!lks_read_vec16(&list, &one) || !one.len)
            return false;
    return true;
}

enum lks_status lks_config_set_ocsp_response(struct lks_config *config, const char *file,
                                             struct lks_error *err)
{
    return set_file(config, true, file, is_ocsp_response,
                    "no successful OCSP response in DER for the certificate added last", err);
}

enum lks_status lks_config_set_sct(struct lks_config *config, const char *file,
                                   struct lks_error *err)
{
    return set_file(config, false, file, is_sct_list, "no SignedCertificateTimestampList", err);
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
