/* SPDX-License-Identifier: BSD-3-Clause */
#include "pki_files.h"

#include <dirent.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/test.h"
#include "handshake/config.h"

static char dir[64];

const char *pki_path(const char *name)
{
    static char path[8][160];
    static unsigned int next;
    char *out = path[next++ % 8];
    snprintf(out, sizeof(path[0]), "%.63s/%.90s", dir, name);
    return out;
}

X509 *pki_root, *pki_intermediate;

FILE *pki_create(const char *name)
{
    FILE *f = fopen(pki_path(name), "w");
    CU_ASSERT_FATAL(f != NULL);
    return f;
}

void pki_begin(void)
{
    if (pki_root)
        return;
    strcpy(dir, "/tmp/lockstep-certificate-XXXXXX");
    CU_ASSERT_FATAL(mkdtemp(dir) != NULL);
    pki_root = pki_make(&(struct pki){.subject = "root", .ca = true}, NULL, 0);
    pki_intermediate = pki_make(
        &(struct pki){.subject = "intermediate", .ca = true, .key = PKI_P384}, pki_root, PKI_P256);
    FILE *f = pki_create("root.pem");
    CU_ASSERT_EQUAL(PEM_write_X509(f, pki_root), 1);
    fclose(f);
}

X509 *pki_leaf(const char *name, const struct pki *what, bool self_signed)
{
    char file[64];
    X509 *leaf = pki_make(what, self_signed ? NULL : pki_intermediate, PKI_P384);
    snprintf(file, sizeof(file), "%s.pem", name);
    FILE *f = pki_create(file);
    CU_ASSERT_EQUAL(PEM_write_X509(f, leaf), 1);
    if (!self_signed)
        CU_ASSERT_EQUAL(PEM_write_X509(f, pki_intermediate), 1);
    fclose(f);
    snprintf(file, sizeof(file), "%s.key", name);
    f = pki_create(file);
    CU_ASSERT_EQUAL(PEM_write_PrivateKey(f, pki_key(what->key), NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
    return leaf;
}

struct lks_config *pki_config(void)
{
    struct lks_config *config;
    struct lks_error err;
    config = config_new();
    LKS_CHECK(!lks_policy_set_trust(config->policy, lks_from_file(pki_path("root.pem")), &err),
              "%s", err.text);
    set_verify_time(config, PKI_NOW);
    return config;
}

void pki_add(struct lks_config *config, const char *name)
{
    struct lks_error err;
    char cert[64], key[64];
    snprintf(cert, sizeof(cert), "%s.pem", name);
    snprintf(key, sizeof(key), "%s.key", name);
    LKS_CHECK(!lks_identities_add_certificate(config->identities, lks_from_file(pki_path(cert)),
                                              lks_from_file(pki_path(key)), &err),
              "%s", err.text);
}

void pki_response_of(const char *name, X509 *leaf, int status, long begin, long end, X509 *signer,
                     enum pki_key key, bool shows_signer)
{
    time_t now = PKI_NOW;
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), leaf, pki_intermediate);
    ASN1_TIME *from = X509_time_adj(NULL, begin, &now), *until = X509_time_adj(NULL, end, &now);
    CU_ASSERT_FATAL(OCSP_basic_add1_status(basic, id, status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                                           from, from, end ? until : NULL) != NULL);
    CU_ASSERT_EQUAL(OCSP_basic_sign(basic, signer, pki_key(key), EVP_sha256(), NULL,
                                    shows_signer ? 0 : OCSP_NOCERTS),
                    1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    uint8_t *der = NULL;
    int len = i2d_OCSP_RESPONSE(response, &der);
    FILE *f = pki_create(name);
    CU_ASSERT_EQUAL(fwrite(der, 1, (size_t)len, f), (size_t)len);
    fclose(f);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
}

void pki_response(const char *name, X509 *leaf, int status, long begin, long end,
                  enum pki_key signer)
{
    pki_response_of(name, leaf, status, begin, end,
                    signer == PKI_P384 ? pki_intermediate : pki_root, signer, false);
}

void pki_end(void)
{
    DIR *d = dir[0] ? opendir(dir) : NULL;
    for (const struct dirent *entry; d && (entry = readdir(d));)
        unlink(pki_path(entry->d_name));
    if (d) {
        closedir(d);
        rmdir(dir);
    }
    X509_free(pki_root);
    X509_free(pki_intermediate);
    pki_free();
}
