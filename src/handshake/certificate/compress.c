/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/certificate/compress.h"

#include <stdlib.h>
#include <string.h>

#include "base/complain.h"
#include "handshake/names.h"

#include "base/reason.h"

#ifdef LKS_HAVE_BROTLI
#include <brotli/decode.h>
#include <brotli/encode.h>

static bool brotli_compress(uint8_t *out, size_t *out_len, const uint8_t *data, size_t len)
{
    return BrotliEncoderCompress(BROTLI_MAX_QUALITY, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC,
                                 len, data, out_len, out);
}

static bool brotli_decompress(uint8_t *out, size_t out_len, const uint8_t *data, size_t len)
{
    BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    if (!state)
        return false;
    /* Bytes left over on either side are looked at: the one-call function does not. */
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state, &len, &data, &out_len, &out, NULL);
    BrotliDecoderDestroyInstance(state);
    return result == BROTLI_DECODER_RESULT_SUCCESS && !len && !out_len;
}
#endif

#ifdef LKS_HAVE_ZSTD
#include <zstd.h>

static bool zstd_compress(uint8_t *out, size_t *out_len, const uint8_t *data, size_t len)
{
    size_t used = ZSTD_compress(out, *out_len, data, len, ZSTD_maxCLevel());
    if (ZSTD_isError(used))
        return false;
    *out_len = used;
    return true;
}

static bool zstd_decompress(uint8_t *out, size_t out_len, const uint8_t *data, size_t len)
{
    return ZSTD_decompress(out, out_len, data, len) == out_len;
}
#endif

#ifdef LKS_HAVE_ZLIB
#include <zlib.h>

static bool zlib_compress(uint8_t *out, size_t *out_len, const uint8_t *data, size_t len)
{
    uLongf used = (uLongf)*out_len;
    if (compress2(out, &used, data, (uLong)len, Z_BEST_COMPRESSION) != Z_OK)
        return false;
    *out_len = used;
    return true;
}

static bool zlib_decompress(uint8_t *out, size_t out_len, const uint8_t *data, size_t len)
{
    uLongf made = (uLongf)out_len;
    uLong taken = (uLong)len;
    return uncompress2(out, &made, data, &taken) == Z_OK && made == out_len && taken == len;
}
#endif

static const struct lks_compression rows[] = {
#ifdef LKS_HAVE_BROTLI
    {2, "brotli", brotli_compress, brotli_decompress},
#endif
#ifdef LKS_HAVE_ZSTD
    {3, "zstd", zstd_compress, zstd_decompress},
#endif
#ifdef LKS_HAVE_ZLIB
    {1, "zlib", zlib_compress, zlib_decompress},
#endif
    {0},
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) <= LKS_COMPRESSIONS_MAX + 1, "all of them fit");

const struct lks_compression *lks_compression_rows(void)
{
    return rows;
}

static enum lks_status unknown(struct lks_error *err, const char *name, size_t len)
{
    lks_complain(err, "certificate compression \"%.*s\" is not known or not built in; there is",
                 len < 40 ? (int)len : 40, name);
    for (const struct lks_compression *row = rows; row->name; row++)
        lks_complain_more(err, " %s", row->name);
    return LKS_BAD_CONFIG;
}

enum lks_status lks_compressions_parse(const struct lks_compression *list[LKS_COMPRESSIONS_MAX + 1],
                                       const char *names, struct lks_error *err)
{
    const bool all = names && strcmp(names, "all") == 0;
    const char *name;
    size_t len, num = 0;
    for (const struct lks_compression *row = rows; all && row->name; row++)
        list[num++] = row;
    while (!all && lks_next_name(&names, &name, &len)) {
        const struct lks_compression *row = rows;
        while (row->name && (strlen(row->name) != len || memcmp(row->name, name, len) != 0))
            row++;
        if (!row->name)
            return unknown(err, name, len);
        for (size_t i = 0; i < num; i++)
            if (list[i] == row)
                return lks_complain_twice(err, "certificate compression", name, len);
        list[num++] = row;
    }
    return all || num ? LKS_OK
                      : lks_complain(err, "certificate compression: the list is empty; name at "
                                          "least one, or all");
}

const struct lks_compression *lks_compression_choose(const struct lks_compression *const *ours,
                                                     struct lks_reader theirs)
{
    for (; *ours; ours++) {
        struct lks_reader list = theirs;
        uint16_t number;
        while (lks_read_u16(&list, &number))
            if (number == (*ours)->number)
                return *ours;
    }
    return NULL;
}

void lks_compressions_write(struct lks_writer *w, const struct lks_compression *const *ours)
{
    size_t list = lks_write_open(w, 1);
    for (; *ours; ours++)
        lks_write_u16(w, (*ours)->number);
    lks_write_close(w, list, 1);
}

bool lks_compressions_read(struct lks_reader body, struct lks_reader *list)
{
    return lks_read_vec8(&body, list) && !body.len && list->len && list->len % 2 == 0;
}

enum lks_status lks_compression_undo(uint8_t **out, size_t *out_len, struct lks_reader body,
                                     const struct lks_compression *const *offered)
{
    uint16_t number;
    uint32_t len;
    struct lks_reader data;
    if (!lks_read_u16(&body, &number) || !lks_read_u24(&body, &len) ||
        !lks_read_vec24(&body, &data) || body.len || !data.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_COMPRESSED_MALFORMED);
    while (*offered && (*offered)->number != number)
        offered++;
    if (!*offered) /* RFC 8879 section 4 */
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_COMPRESSION_NOT_OFFERED);
    if (!len || len > LKS_CERTIFICATE_MAX)
        return lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_COMPRESSED_LENGTH);
    *out = malloc(len);
    if (!*out)
        return LKS_NO_MEMORY;
    *out_len = len;
    if ((*offered)->decompress(*out, len, data.data, data.len))
        return LKS_OK;
    free(*out);
    *out = NULL;
    return lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_COMPRESSED_DAMAGED);
}
