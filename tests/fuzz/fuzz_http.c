/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The load generator's reader of HTTP messages (bench/load/http.h). The first byte says what kind
 * of message it is, and how the rest is cut: in any way the same comes of it, nothing beyond the
 * bytes given is looked at, and a message that is done takes no more.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static enum http_result read_in_pieces(struct http_reader *r, enum http_message message,
                                       const uint8_t *data, size_t len, size_t each, size_t *taken)
{
    enum http_result result = HTTP_MORE;
    http_begin(r, message);
    *taken = 0;
    for (size_t at = 0; at < len && result == HTTP_MORE;) {
        const size_t piece = each < len - at ? each : len - at;
        size_t one;
        uint8_t *copy = malloc(piece);
        must(copy);
        memcpy(copy, data + at, piece);
        result = http_read(r, copy, piece, &one);
        free(copy);
        must(one <= piece && (result != HTTP_MORE || one == piece));
        at += piece;
        *taken += one;
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct http_reader whole, cut;
    size_t taken, taken_cut, none;
    if (len < 2)
        return 0;
    const enum http_message message = (enum http_message)(data[0] % 3);
    const size_t each = data[0] / 3 + 1u;
    data++;
    len--;
    const enum http_result result = read_in_pieces(&whole, message, data, len, len, &taken);
    must(read_in_pieces(&cut, message, data, len, each, &taken_cut) == result);
    must(cut.body_len == whole.body_len && whole.body_len <= taken);
    if (result == HTTP_DONE)
        must(taken == taken_cut && cut.keeps == whole.keeps && cut.status == whole.status &&
             (message == HTTP_REQUEST || (cut.status >= 200 && cut.status <= 999)));
    if (result == HTTP_BAD)
        must(cut.wrong && cut.wrong == whole.wrong);
    if (result != HTTP_MORE)
        must(http_read(&whole, data, len, &none) == result && none == 0);
    must(http_end(&cut) == http_end(&whole) && http_end(&whole) != HTTP_MORE);
    return 0;
}
