/* SPDX-License-Identifier: BSD-3-Clause */
#include "http.h"

#include <string.h>
#include <strings.h>

#define NO_ANSWER "the answer does not begin as one of HTTP/1.1"

enum http_state {
    STATE_FIRST_LINE,
    STATE_FIELDS,
    STATE_BODY,       /* of a known length */
    STATE_UNTIL_END,  /* of the connection */
    STATE_CHUNK_LINE, /* its length */
    STATE_CHUNK,
    STATE_CHUNK_END, /* the line end behind its last byte */
    STATE_TRAILERS,
    STATE_DONE,
    STATE_BAD,
};

/* Bytes of a line or value, not terminated. */
struct text {
    const char *at;
    size_t len;
};

static enum http_result fail(struct http_reader *r, const char *why)
{
    r->wrong = why;
    r->state = STATE_BAD;
    return HTTP_BAD;
}

static enum http_result go_to(struct http_reader *r, uint8_t state, uint32_t room)
{
    r->state = state;
    r->room = room;
    return HTTP_MORE;
}

static enum http_result finish(struct http_reader *r)
{
    r->state = STATE_DONE;
    return HTTP_DONE;
}

void http_begin(struct http_reader *r, enum http_message message)
{
    *r = (struct http_reader){.message = (uint8_t)message, .room = HTTP_HEAD_MAX};
}

/* ---- what lines say ---- */

static bool is_word(struct text t, const char *word)
{
    return t.len == strlen(word) && strncasecmp(t.at, word, t.len) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct text trim(struct text t)
{
    while (t.len && is_blank(t.at[0])) {
        t.at++;
        t.len--;
    }
    while (t.len && is_blank(t.at[t.len - 1]))
        t.len--;
    return t;
}

/* The next item of a list with commas; false: there is none. */
static bool next_item(struct text *list, struct text *item)
{
    if (!list->len)
        return false;
    const char *comma = memchr(list->at, ',', list->len);
    const size_t len = comma ? (size_t)(comma - list->at) : list->len, skip = len + (comma != NULL);
    *item = trim((struct text){list->at, len});
    list->at += skip;
    list->len -= skip;
    return true;
}

/* Decimal digits alone, or hexadecimal ones, so many that it does not overflow. */
static bool read_number(struct text t, uint32_t base, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    *out = 0;
    for (size_t i = 0; i < t.len; i++) {
        const char c = t.at[i] >= 'A' && t.at[i] <= 'F' ? (char)(t.at[i] - 'A' + 'a') : t.at[i];
        const char *digit = c ? strchr(digits, c) : NULL;
        if (!digit || (uint32_t)(digit - digits) >= base || i == 15)
            return false;
        *out = *out * base + (uint32_t)(digit - digits);
    }
    return t.len != 0;
}

/* "HTTP/1.1 200 OK" */
static enum http_result read_status_line(struct http_reader *r, struct text line)
{
    uint64_t status;
    if (line.len < 12 || memcmp(line.at, "HTTP/1.", 7) != 0 || line.at[8] != ' ' ||
        (line.at[7] != '0' && line.at[7] != '1') || (line.len > 12 && line.at[12] != ' ') ||
        !read_number((struct text){line.at + 9, 3}, 10, &status) || status < 100)
        return fail(r, NO_ANSWER);
    r->is_old = line.at[7] == '0';
    r->status = (uint16_t)status;
    r->keeps = !r->is_old;
    return go_to(r, STATE_FIELDS, r->room);
}

/* "GET /path HTTP/1.1", or a longer one of which the end was not kept: that is of HTTP/1.1, too. */
static enum http_result read_request_line(struct http_reader *r, struct text line)
{
    static const char version[] = " HTTP/1.";
    const size_t len = sizeof(version) - 1;
    const bool is_whole = r->line_len <= HTTP_LINE_KEPT;
    if (!line.len)
        return HTTP_MORE; /* RFC 9112 2.2: one that is empty comes before some */
    const char *end = is_whole && line.len > len + 1 ? line.at + line.len - len - 1 : NULL;
    if (line.at[0] == ' ' || !memchr(line.at, ' ', line.len) ||
        (is_whole && (!end || memcmp(end, version, len) != 0)))
        return fail(r, "the request does not begin as one of HTTP/1.1");
    r->is_old = end && end[len] == '0';
    r->keeps = !r->is_old;
    return go_to(r, STATE_FIELDS, r->room);
}

static enum http_result read_length(struct http_reader *r, struct text value)
{
    uint64_t length;
    if (!read_number(value, 10, &length))
        return fail(r, "Content-Length is no number");
    if (r->has_length && length != r->left)
        return fail(r, "there are two Content-Lengths");
    r->has_length = true;
    r->left = length;
    return HTTP_MORE;
}

static enum http_result read_coding(struct http_reader *r, struct text value)
{
    struct text item;
    r->has_coding = true;
    while (next_item(&value, &item)) {
        if (r->is_chunked)
            return fail(r, "Transfer-Encoding names something behind chunked");
        r->is_chunked = is_word(item, "chunked");
    }
    return HTTP_MORE;
}

static void read_connection(struct http_reader *r, struct text value)
{
    struct text item;
    while (next_item(&value, &item)) {
        if (is_word(item, "close"))
            r->keeps = false;
        else if (is_word(item, "keep-alive") && r->is_old)
            r->keeps = true;
    }
}

/* RFC 9112 5.1: no blank in front of the colon; 5.2: no folded lines. */
static enum http_result read_field(struct http_reader *r, struct text line)
{
    const char *colon = memchr(line.at, ':', line.len);
    if (!colon || colon == line.at || is_blank(line.at[0]) || is_blank(colon[-1]))
        return fail(r, "a line of the head is no field");
    const struct text name = {line.at, (size_t)(colon - line.at)};
    const struct text value = trim((struct text){colon + 1, line.len - name.len - 1});
    const bool is_length = is_word(name, "content-length");
    const bool is_coding = is_word(name, "transfer-encoding");
    const bool is_connection = is_word(name, "connection");
    if ((is_length || is_coding || is_connection) && r->line_len > HTTP_LINE_KEPT)
        return fail(r, "a field that says where the message ends is too long");
    if (is_length)
        return read_length(r, value);
    if (is_coding)
        return read_coding(r, value);
    if (is_connection)
        read_connection(r, value);
    return HTTP_MORE;
}

/* Where the message ends: RFC 9112 6.3. Both a length and a coding are two stories. */
static enum http_result end_head(struct http_reader *r)
{
    const bool is_request = r->message == HTTP_REQUEST;
    if (!is_request && r->status == 101)
        return fail(r, "the answer switches protocols, which nobody asked for");
    if (!is_request && r->status < 200) { /* an interim answer; the one that counts follows */
        const uint32_t room = r->room;
        http_begin(r, (enum http_message)r->message);
        return go_to(r, STATE_FIRST_LINE, room);
    }
    if (r->has_coding && (r->has_length || r->is_old))
        return fail(r, "Transfer-Encoding stands where it must not");
    if (r->message == HTTP_ANSWER_TO_HEAD ||
        (!is_request && (r->status == 204 || r->status == 304)))
        return finish(r);
    if (r->is_chunked)
        return go_to(r, STATE_CHUNK_LINE, HTTP_CHUNK_LINE);
    if (is_request && r->has_coding)
        return fail(r, "a request's last Transfer-Encoding is not chunked");
    if (r->has_length || is_request)
        return r->left ? go_to(r, STATE_BODY, 0) : finish(r);
    r->keeps = false;
    return go_to(r, STATE_UNTIL_END, 0);
}

static enum http_result read_chunk_line(struct http_reader *r, struct text line)
{
    const char *semicolon = memchr(line.at, ';', line.len);
    const struct text length =
        trim((struct text){line.at, semicolon ? (size_t)(semicolon - line.at) : line.len});
    if (!read_number(length, 16, &r->left))
        return fail(r, "a chunk's length is no number");
    return r->left ? go_to(r, STATE_CHUNK, 0) : go_to(r, STATE_TRAILERS, HTTP_HEAD_MAX);
}

static enum http_result read_line(struct http_reader *r, struct text line)
{
    switch (r->state) {
    case STATE_FIRST_LINE:
        return r->message == HTTP_REQUEST ? read_request_line(r, line) : read_status_line(r, line);
    case STATE_FIELDS:
        return line.len ? read_field(r, line) : end_head(r);
    case STATE_CHUNK_LINE:
        return read_chunk_line(r, line);
    case STATE_CHUNK_END:
        return line.len ? fail(r, "a chunk is longer than it says")
                        : go_to(r, STATE_CHUNK_LINE, HTTP_CHUNK_LINE);
    default: /* trailers, which nobody reads */
        return line.len ? HTTP_MORE : finish(r);
    }
}

/* ---- bytes ---- */

/* The line that has been gathered, without its end. A CR stands nowhere else, and no NUL. */
static enum http_result end_line(struct http_reader *r)
{
    const bool is_whole = r->line_len <= HTTP_LINE_KEPT;
    struct text line = {r->line, is_whole ? r->line_len - 1 : HTTP_LINE_KEPT};
    if (is_whole && line.len && line.at[line.len - 1] == '\r')
        line.len--;
    if (memchr(line.at, '\0', line.len) ||
        memchr(line.at, '\r', line.len - (!is_whole && line.at[line.len - 1] == '\r')))
        return fail(r, "a line has a control character in it");
    const enum http_result result = read_line(r, line);
    r->line_len = 0;
    return result;
}

/* Whether the bytes of a line that are there so far may become an answer's first line: who speaks
 * another protocol may never end one. */
static bool may_begin_so(const struct http_reader *r)
{
    static const char begin[] = "HTTP/1.";
    const size_t len = sizeof(begin) - 1;
    return r->state != STATE_FIRST_LINE || r->message == HTTP_REQUEST ||
           memcmp(r->line, begin, r->line_len < len ? r->line_len : len) == 0;
}

static enum http_result take_line(struct http_reader *r, const uint8_t *data, size_t len,
                                  size_t *taken)
{
    const uint8_t *end = memchr(data, '\n', len);
    const size_t num = end ? (size_t)(end - data) + 1 : len;
    if (r->line_len < HTTP_LINE_KEPT) {
        const size_t room = HTTP_LINE_KEPT - r->line_len;
        memcpy(r->line + r->line_len, data, num < room ? num : room);
    }
    r->line_len += (uint32_t)num;
    if (!may_begin_so(r))
        return fail(r, NO_ANSWER);
    if (num > r->room)
        return fail(r, r->state == STATE_CHUNK_END ? "a chunk is longer than it says"
                                                   : "a head or a chunk's first line is too long");
    r->room -= (uint32_t)num;
    *taken += num;
    return end ? end_line(r) : HTTP_MORE;
}

static enum http_result take_body(struct http_reader *r, size_t len, size_t *taken)
{
    const bool is_counted = r->state != STATE_UNTIL_END;
    const size_t num = is_counted && r->left < len ? (size_t)r->left : len;
    r->body_len += num;
    *taken += num;
    if (!is_counted)
        return HTTP_MORE;
    r->left -= num;
    if (r->left)
        return HTTP_MORE;
    return r->state == STATE_BODY ? finish(r) : go_to(r, STATE_CHUNK_END, 2);
}

enum http_result http_read(struct http_reader *r, const uint8_t *data, size_t len, size_t *taken)
{
    enum http_result result = HTTP_MORE;
    *taken = 0;
    while (result == HTTP_MORE && *taken < len) {
        const size_t left = len - *taken;
        if (r->state == STATE_DONE || r->state == STATE_BAD)
            break;
        if (r->state == STATE_BODY || r->state == STATE_UNTIL_END || r->state == STATE_CHUNK)
            result = take_body(r, left, taken);
        else
            result = take_line(r, data + *taken, left, taken);
    }
    if (r->state == STATE_DONE)
        return HTTP_DONE;
    return r->state == STATE_BAD ? HTTP_BAD : HTTP_MORE;
}

enum http_result http_end(struct http_reader *r)
{
    if (r->state == STATE_DONE || r->state == STATE_UNTIL_END)
        return finish(r);
    return r->state == STATE_BAD ? HTTP_BAD : fail(r, "it ends too early");
}
