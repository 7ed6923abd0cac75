/* SPDX-License-Identifier: BSD-3-Clause */

/* Where messages end, and what is refused; each message whole, byte by byte, and cut in two at
 * every place. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "suites.h"

#define OK "HTTP/1.1 200 OK\r\n"

/* What a message comes to. */
struct outcome {
    enum http_result result;
    size_t taken;
    uint64_t body_len;
    bool keeps;
    const char *wrong;
};

/* Pieces of the given length; the first one of `first` bytes. */
static struct outcome feed(enum http_message message, const char *text, size_t len, size_t first,
                           size_t each)
{
    struct http_reader r;
    struct outcome o = {HTTP_MORE, 0, 0, false, NULL};
    size_t at = 0, taken;
    http_begin(&r, message);
    while (at < len && o.result == HTTP_MORE) {
        size_t piece = at ? each : first;
        piece = piece < len - at ? piece : len - at;
        /* In memory of its own, so that a look beyond it is seen. */
        uint8_t *copy = malloc(piece ? piece : 1);
        memcpy(copy, text + at, piece);
        o.result = http_read(&r, copy, piece, &taken);
        free(copy);
        at += piece;
        o.taken += taken;
        CU_ASSERT(taken <= piece && (o.result != HTTP_MORE || taken == piece));
    }
    o.body_len = r.body_len;
    o.keeps = r.keeps;
    o.wrong = r.wrong;
    return o;
}

/* However it is cut, the same comes of it. */
static struct outcome read_all(enum http_message message, const char *text, size_t len)
{
    const struct outcome whole = feed(message, text, len, len, len);
    for (size_t cut = 0; cut <= len && len < 2000; cut++) {
        const struct outcome o =
            cut ? feed(message, text, len, cut, len) : feed(message, text, len, 1, 1);
        LKS_CHECK(
            o.result == whole.result && o.body_len == whole.body_len &&
                (o.result != HTTP_DONE || (o.taken == whole.taken && o.keeps == whole.keeps)) &&
                (o.result != HTTP_BAD || strcmp(o.wrong, whole.wrong) == 0),
            "%s: cut at %zu: %d, %zu taken, not %d, %zu", text, cut, (int)o.result, o.taken,
            (int)whole.result, whole.taken);
    }
    return whole;
}

struct good {
    enum http_message message;
    const char *text;
    size_t left; /* bytes behind it, of the next message */
    uint64_t body_len;
    bool keeps;
};

static void messages_end(void)
{
    static const struct good rows[] = {
        {HTTP_ANSWER, OK "Content-Length: 5\r\n\r\nhello", 0, 5, true},
        {HTTP_ANSWER, OK "content-length:5 \r\n\r\nhelloHTTP", 4, 5, true},
        {HTTP_ANSWER, OK "Content-Length: 0\r\n\r\n", 0, 0, true},
        {HTTP_ANSWER, OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", 0, 2, true},
        {HTTP_ANSWER, "HTTP/1.1 200\nContent-Length: 1\n\nx", 0, 1, true},
        {HTTP_ANSWER, OK "Connection: close\r\nContent-Length: 1\r\n\r\nx", 0, 1, false},
        {HTTP_ANSWER, OK "Connection: a, Close\r\nContent-Length: 1\r\n\r\nx", 0, 1, false},
        {HTTP_ANSWER, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 0, 1, false},
        {HTTP_ANSWER, "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", 0,
         1, true},
        {HTTP_ANSWER, OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nH", 1, 3, true},
        {HTTP_ANSWER,
         OK "Transfer-Encoding: Chunked\r\n\r\n00A ; x=y\r\n0123456789\r\n0\r\na: b\r\n\r\n", 0, 10,
         true},
        {HTTP_ANSWER, OK "Transfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n1\nb\n0\n\n", 0, 2,
         true},
        {HTTP_ANSWER, "HTTP/1.1 204 No Content\r\n\r\nH", 1, 0, true},
        {HTTP_ANSWER, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nH", 1, 0, true},
        {HTTP_ANSWER_TO_HEAD, OK "Content-Length: 9\r\n\r\nH", 1, 0, true},
        {HTTP_ANSWER_TO_HEAD, OK "Transfer-Encoding: chunked\r\n\r\n", 0, 0, true},
        {HTTP_ANSWER,
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK
         "Content-Length: 2\r\n\r\nhi",
         0, 2, true},
        {HTTP_REQUEST, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET", 3, 0, true},
        {HTTP_REQUEST, "\r\nGET / HTTP/1.1\r\n\r\n", 0, 0, true},
        {HTTP_REQUEST, "GET / HTTP/1.0\r\n\r\n", 0, 0, false},
        {HTTP_REQUEST, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 0, 3, true},
        {HTTP_REQUEST, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 0,
         true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const size_t len = strlen(rows[i].text);
        const struct outcome o = read_all(rows[i].message, rows[i].text, len);
        LKS_CHECK(o.result == HTTP_DONE && o.taken == len - rows[i].left &&
                      o.body_len == rows[i].body_len && o.keeps == rows[i].keeps,
                  "%s: %d, %zu taken, a body of %llu, %d, %s", rows[i].text, (int)o.result, o.taken,
                  (unsigned long long)o.body_len, o.keeps, o.wrong ? o.wrong : "");
    }
}

/* What is never whole by itself, and what the end of the connection makes of it. */
static void the_end_of_the_connection(void)
{
    static const struct {
        const char *text;
        enum http_result end;
    } rows[] = {
        {OK "\r\nall of it", HTTP_DONE},
        {OK "\r\n", HTTP_DONE},
        {OK "Transfer-Encoding: gzip\r\n\r\nall of it", HTTP_DONE},
        {OK "Content-Length: 5\r\n\r\nhell", HTTP_BAD},
        {OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", HTTP_BAD},
        {OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", HTTP_BAD},
        {OK "Content-", HTTP_BAD},
        {"HTTP/1.1 100 Continue\r\n\r\n", HTTP_BAD},
        {"", HTTP_BAD},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_reader r;
        size_t taken;
        http_begin(&r, HTTP_ANSWER);
        CU_ASSERT_EQUAL(http_read(&r, (const uint8_t *)rows[i].text, strlen(rows[i].text), &taken),
                        HTTP_MORE);
        LKS_CHECK(http_end(&r) == rows[i].end, "%s", rows[i].text);
        CU_ASSERT(rows[i].end == HTTP_BAD || !r.keeps);
        read_all(HTTP_ANSWER, rows[i].text, strlen(rows[i].text));
    }
}

static void what_is_refused(void)
{
#define ANSWER "the answer does not begin as one of HTTP/1.1"
#define FIELD  "a line of the head is no field"
#define LENGTH "Content-Length is no number"
#define CHUNK  "a chunk's length is no number"
    static const struct {
        enum http_message message;
        const char *text, *wrong;
    } rows[] = {
        {HTTP_ANSWER, "SSH-2.0-OpenSSH_9\r\n", ANSWER},
        {HTTP_ANSWER, "HTTP/2.0 200 OK\r\n", ANSWER},
        {HTTP_ANSWER, "HTTP/1.2 200 OK\r\n", ANSWER},
        {HTTP_ANSWER, "HTTP/1.1 20 OK\r\n", ANSWER},
        {HTTP_ANSWER, "HTTP/1.1 2000 OK\r\n", ANSWER},
        {HTTP_ANSWER, "HTTP/1.1 099 OK\r\n", ANSWER},
        {HTTP_ANSWER, "\r\n", ANSWER},
        {HTTP_ANSWER, "SSH, which says no more", ANSWER},
        {HTTP_ANSWER, "HTTP/2", ANSWER},
        {HTTP_ANSWER, OK "no colon\r\n", FIELD},
        {HTTP_ANSWER, OK ": x\r\n", FIELD},
        {HTTP_ANSWER, OK "a : x\r\n", FIELD},
        {HTTP_ANSWER, OK "a: x\r\n folded: y\r\n", FIELD},
        {HTTP_ANSWER, OK "a: x\ry\r\n", "a line has a control character in it"},
        {HTTP_ANSWER, OK "Content-Length: -1\r\n", LENGTH},
        {HTTP_ANSWER, OK "Content-Length: 1 1\r\n", LENGTH},
        {HTTP_ANSWER, OK "Content-Length: 0x10\r\n", LENGTH},
        {HTTP_ANSWER, OK "Content-Length:\r\n", LENGTH},
        {HTTP_ANSWER, OK "Content-Length: 18446744073709551617\r\n", LENGTH},
        {HTTP_ANSWER, OK "Content-Length: 1\r\nContent-Length: 2\r\n",
         "there are two Content-Lengths"},
        {HTTP_ANSWER, OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         "Transfer-Encoding stands where it must not"},
        {HTTP_ANSWER, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
         "Transfer-Encoding stands where it must not"},
        {HTTP_ANSWER, OK "Transfer-Encoding: chunked, gzip\r\n",
         "Transfer-Encoding names something behind chunked"},
        {HTTP_ANSWER, OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
         "Transfer-Encoding names something behind chunked"},
        {HTTP_ANSWER, "HTTP/1.1 101 Switching Protocols\r\n\r\n",
         "the answer switches protocols, which nobody asked for"},
        {HTTP_ANSWER, OK "Transfer-Encoding: chunked\r\n\r\nx\r\n", CHUNK},
        {HTTP_ANSWER, OK "Transfer-Encoding: chunked\r\n\r\n\r\n", CHUNK},
        {HTTP_ANSWER, OK "Transfer-Encoding: chunked\r\n\r\n-1\r\n", CHUNK},
        {HTTP_ANSWER, OK "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", CHUNK},
        {HTTP_ANSWER, OK "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
         "a chunk is longer than it says"},
        {HTTP_REQUEST, "GET /\r\n", "the request does not begin as one of HTTP/1.1"},
        {HTTP_REQUEST, "\x16\x03\x01 hello\r\n", "the request does not begin as one of HTTP/1.1"},
        {HTTP_REQUEST, "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
         "a request's last Transfer-Encoding is not chunked"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct outcome o = read_all(rows[i].message, rows[i].text, strlen(rows[i].text));
        LKS_CHECK(o.result == HTTP_BAD && strcmp(o.wrong, rows[i].wrong) == 0, "%s: %d, %s",
                  rows[i].text, (int)o.result, o.wrong ? o.wrong : "");
    }
    const struct outcome o = read_all(HTTP_ANSWER, OK "a: \0\r\n", sizeof(OK "a: \0\r\n") - 1);
    CU_ASSERT_EQUAL(o.result, HTTP_BAD);
}

/* `unit` again and again behind `front`: refused after so many bytes at most. */
static void check_bound(const char *front, const char *unit, size_t most)
{
    struct http_reader r;
    size_t taken, all = 0;
    http_begin(&r, HTTP_ANSWER);
    CU_ASSERT_EQUAL(http_read(&r, (const uint8_t *)front, strlen(front), &taken), HTTP_MORE);
    while (all <= most && http_read(&r, (const uint8_t *)unit, strlen(unit), &taken) == HTTP_MORE)
        all += taken;
    LKS_CHECK(all <= most && r.state != 0, "%s%s...: %zu bytes taken", front, unit, all);
    CU_ASSERT_EQUAL(http_read(&r, (const uint8_t *)unit, strlen(unit), &taken), HTTP_BAD);
    CU_ASSERT_EQUAL(taken, 0);
}

static void nothing_goes_on_for_ever(void)
{
    check_bound("", "HTTP/1.1 100 Continue\r\n\r\n", HTTP_HEAD_MAX);
    check_bound("HTTP/1.1 200 ", "O", HTTP_HEAD_MAX);
    check_bound(OK, "a: b\r\n", HTTP_HEAD_MAX);
    check_bound(OK "a: ", "b", HTTP_HEAD_MAX);
    check_bound(OK "Transfer-Encoding: chunked\r\n\r\n", "0", HTTP_CHUNK_LINE);
    check_bound(OK "Transfer-Encoding: chunked\r\n\r\n1;", "x", HTTP_CHUNK_LINE);
    check_bound(OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", "a: b\r\n", HTTP_HEAD_MAX);
}

/* A long line is read, of which the end is not kept, but where it matters it is refused. */
static void long_lines(void)
{
    static char text[4096];
    char name[600];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (size_t len = 200; len < sizeof(name); len++) {
        snprintf(text, sizeof(text), OK "X: %.*s\r\nContent-Length: 1\r\n\r\nx", (int)len, name);
        CU_ASSERT_EQUAL(feed(HTTP_ANSWER, text, strlen(text), strlen(text), 1).result, HTTP_DONE);
        CU_ASSERT_EQUAL(feed(HTTP_ANSWER, text, strlen(text), 1, 1).result, HTTP_DONE);
        snprintf(text, sizeof(text), "GET /%.*s HTTP/1.1\r\n\r\n", (int)len, name);
        CU_ASSERT_EQUAL(feed(HTTP_REQUEST, text, strlen(text), strlen(text), 1).result, HTTP_DONE);
    }
    snprintf(text, sizeof(text), OK "Connection: %s, close\r\n\r\n", name);
    CU_ASSERT_EQUAL(read_all(HTTP_ANSWER, text, strlen(text)).result, HTTP_BAD);
    snprintf(text, sizeof(text), OK "%s: x\r\n\r\n", name);
    CU_ASSERT_EQUAL(read_all(HTTP_ANSWER, text, strlen(text)).result, HTTP_BAD);
}

const struct lks_test http_tests[] = {
    {"messages_end", messages_end},       {"the_end_of_the_connection", the_end_of_the_connection},
    {"what_is_refused", what_is_refused}, {"nothing_goes_on_for_ever", nothing_goes_on_for_ever},
    {"long_lines", long_lines},           {NULL, NULL},
};
