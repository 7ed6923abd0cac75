/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LOAD_HTTP_H
#define LOCKSTEP_LOAD_HTTP_H

/*
 * Reads one HTTP/1.1 message (RFC 9112) in pieces of any size, to find its end. Nothing of the body
 * is kept, and of the head one line: whoever is at the other end cannot make it grow. Heads have a
 * longest length, chunks' first lines and trailers, too; how long a body may go on is the caller's
 * matter.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX   32768u /* of a head, interim answers before it counted; and of trailers */
#define HTTP_CHUNK_LINE 256u   /* a chunk's length with its extensions */
#define HTTP_LINE_KEPT  256u   /* a field that says where the message ends is no longer */

enum http_message {
    HTTP_REQUEST,
    HTTP_ANSWER,
    HTTP_ANSWER_TO_HEAD, /* has no body, whatever it says */
};

enum http_result {
    HTTP_MORE, /* all was taken, and it goes on */
    HTTP_DONE, /* that was its last byte */
    HTTP_BAD,  /* it makes no sense: http_reader.wrong says why */
};

struct http_reader {
    const char *wrong; /* one line, static */
    uint64_t body_len; /* so far, without what chunks add */
    uint64_t left;     /* of the body or chunk */
    uint32_t room;     /* bytes that the lines still to come may have */
    uint32_t line_len; /* of the line that has begun */
    uint16_t status;   /* of an answer */
    uint8_t message, state;
    bool is_old; /* HTTP/1.0 */
    bool keeps;  /* once the head has been read: the connection may be used again */
    bool has_length, has_coding, is_chunked;
    char line[HTTP_LINE_KEPT];
};

void http_begin(struct http_reader *r, enum http_message message);

/* *taken: how many bytes of the front belong to this message. After HTTP_DONE and HTTP_BAD it takes
 * nothing more. */
enum http_result http_read(struct http_reader *r, const uint8_t *data, size_t len, size_t *taken);

/* No more will come, and that is what the other side wanted: HTTP_DONE where the end of the
 * connection is the end of the message, else HTTP_BAD. */
enum http_result http_end(struct http_reader *r);

#endif
