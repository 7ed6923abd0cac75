/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Three parts: what is counted and named ("t13d1516h2"), then the halves of SHA-256 over the sorted
 * suites, and over the sorted extensions (without server_name and ALPN) with the signature schemes
 * in their order. Values that mean nothing (RFC 8701) do not count.
 */

#include "handshake/ja4.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_DIGITS 12u

static bool is_grease(uint16_t v)
{
    return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static int compare(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static size_t read_list(uint16_t *out, struct lks_reader list)
{
    size_t num = 0;
    uint16_t v;
    while (lks_read_u16(&list, &v))
        if (!is_grease(v))
            out[num++] = v;
    return num;
}

/* The types of all extensions. */
static size_t read_extensions(uint16_t *out, struct lks_reader body)
{
    struct lks_reader v, list = {0};
    uint8_t front[34];
    size_t num = 0;
    uint16_t type;
    if (!lks_read_copy(&body, front, sizeof(front)) || !lks_read_vec8(&body, &v) ||
        !lks_read_vec16(&body, &v) || !lks_read_vec8(&body, &v) || !lks_read_vec16(&body, &list))
        return 0;
    while (lks_read_u16(&list, &type) && lks_read_vec16(&list, &v))
        if (!is_grease(type))
            out[num++] = type;
    return num;
}

static bool add(EVP_MD_CTX *ctx, char separator, uint16_t v)
{
    char text[8];
    const int len = separator ? snprintf(text, sizeof(text), "%c%04x", separator, v)
                              : snprintf(text, sizeof(text), "%04x", v);
    return EVP_DigestUpdate(ctx, text, (size_t)len) == 1;
}

/* Of a list and, behind an underscore, another one. */
static bool hash(char out[HASH_DIGITS + 1], const uint16_t *list, size_t num,
                 const uint16_t *behind, size_t num_behind)
{
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex2(ctx, EVP_sha256(), NULL);
    for (size_t i = 0; ok && i < num; i++)
        ok = add(ctx, i ? ',' : 0, list[i]);
    for (size_t i = 0; ok && i < num_behind; i++)
        ok = add(ctx, i ? ',' : '_', behind[i]);
    ok = ok && EVP_DigestFinal_ex(ctx, digest, NULL);
    EVP_MD_CTX_free(ctx);
    if (!num) /* nothing to say has a hash of zeros */
        memset(digest, 0, sizeof(digest));
    for (size_t i = 0; i < HASH_DIGITS / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return ok;
}

static const char *version_of(const struct lks_client_hello *h)
{
    static const char *const names[] = {"s3", "10", "11", "12", "13"};
    struct lks_reader list = h->versions;
    uint16_t best = h->has_versions ? 0 : h->legacy_version, v;
    while (lks_read_u16(&list, &v))
        if (!is_grease(v) && v > best)
            best = v;
    return best >= 0x0300 && best <= 0x0304 ? names[best - 0x0300] : "00";
}

static bool is_alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* First and last character of the first protocol; of what is no such character, hex digits. */
static void alpn_of(char out[3], const struct lks_client_hello *h)
{
    static const char digits[] = "0123456789abcdef";
    struct lks_reader list = h->alpn, name;
    strcpy(out, "00");
    if (!lks_read_vec8(&list, &name) || !name.len)
        return;
    const uint8_t first = name.data[0], last = name.data[name.len - 1];
    const bool plain = is_alphanumeric(first) && is_alphanumeric(last);
    out[0] = plain ? (char)first : digits[first >> 4];
    out[1] = plain ? (char)last : digits[last & 15];
}

static unsigned int at_most_99(size_t num)
{
    return num < 99 ? (unsigned int)num : 99;
}

enum lks_status lks_ja4(char out[LKS_JA4_LEN + 1], const struct lks_client_hello *h,
                        struct lks_reader body)
{
    char suites_hash[HASH_DIGITS + 1], extensions_hash[HASH_DIGITS + 1], alpn[3];
    /* No list has more numbers than its bytes allow. */
    uint16_t *suites = malloc(3 * (body.len / 2 + 1) * sizeof(*suites));
    if (!suites)
        return LKS_NO_MEMORY;
    uint16_t *extensions = suites + body.len / 2 + 1, *schemes = extensions + body.len / 2 + 1;
    const size_t num_suites = read_list(suites, h->suites);
    const size_t num_all = read_extensions(extensions, body);
    const size_t num_schemes = read_list(schemes, h->schemes);
    size_t num = 0;
    for (size_t i = 0; i < num_all; i++)
        if (extensions[i] != LKS_EXT_SERVER_NAME && extensions[i] != LKS_EXT_ALPN)
            extensions[num++] = extensions[i];
    qsort(suites, num_suites, sizeof(*suites), compare);
    qsort(extensions, num, sizeof(*extensions), compare);
    const bool ok = hash(suites_hash, suites, num_suites, NULL, 0) &&
                    hash(extensions_hash, extensions, num, schemes, num_schemes);
    free(suites);
    if (!ok)
        return LKS_NO_MEMORY;
    alpn_of(alpn, h);
    snprintf(out, LKS_JA4_LEN + 1, "t%s%c%02u%02u%s_%s_%s", version_of(h),
             h->server_name.len ? 'd' : 'i', at_most_99(num_suites), at_most_99(num_all), alpn,
             suites_hash, extensions_hash);
    return LKS_OK;
}
