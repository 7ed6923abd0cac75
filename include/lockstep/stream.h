/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_STREAM_H
#define LOCKSTEP_STREAM_H

/*
 * One TLS connection as two streams of bytes, without I/O: for who has few connections, or no poll
 * loop that fills batches (lockstep/conn.h does). Five calls move everything, each of them copies,
 * and any number of bytes, one included, may go in or out at a time:
 *
 *     transport ──▶ lks_stream_feed()    stream    lks_stream_read()  ──▶ application
 *     transport ◀── lks_stream_drain()             lks_stream_write() ◀── application
 *                             lks_stream_end(), of either direction
 *
 * Handshake, alerts, tickets and KeyUpdates happen on the way. A loop over a socket:
 *
 *     while there are bytes from lks_stream_drain(): send them
 *     when bytes came: lks_stream_feed(); at the transport's end: lks_stream_end(, LKS_OPEN)
 *     lks_stream_read() until LKS_WANT_DATA, lks_stream_write() what there is to say
 *
 * Any call may make bytes to send, so drain after each turn. A stream holds one record to be read
 * and one to be sent: whoever does not read, or not drain, is told LKS_WANT_ROOM, and the stream
 * does not grow. Its memory, some 38 KiB beside the connection's and the engine's, is allocated
 * when it is made and wiped when it is freed; plaintext is wiped as it is read.
 *
 * What a call returns is LKS_OK, a reason to wait (LKS_WANT_DATA, LKS_WANT_ROOM, LKS_WANT_PKEY,
 * LKS_WANT_ANSWER), or the end: LKS_CLOSED, the peer's or our close_notify; LKS_TRUNCATED, the
 * transport ended without one; anything else is the error that ended the connection. Of all but
 * LKS_CLOSED lks_conn_reason() of its connection says why in words. It ends in order all the same:
 * read gives what came before the error, drain what was sealed before it and the alert.
 * LKS_BAD_ARGUMENT from a pointer that is NULL and may not be (bytes may, where there are none of
 * them, and so may what is given to lks_stream_free()) ends nothing.
 *
 * Early data (0-RTT) are not for streams: who reads bytes cannot tell those that may have been
 * replayed.
 *
 * A stream belongs to one thread at a time, and so does an engine with all the streams that share
 * it.
 */

#include <lockstep/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lks_stream;

/*
 * Makes a stream and its connection: see lks_conn_new() for config, role, options (copied; may be
 * NULL) and what it returns. engine seals and opens the records: one that is shared with other
 * streams and outlives them, of any size; NULL: the stream makes one of its own, which has some 400
 * KiB, few of them ever touched. LKS_UNSUPPORTED: early data, offered by options or taken by the
 * configuration (lks_policy_set_early_data()). LKS_BAD_ARGUMENT also for a role that is none.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_stream_new(struct lks_stream **out,
                                                      struct lks_config *config, enum lks_role role,
                                                      const struct lks_conn_options *options,
                                                      struct lks_engine *engine);

/* Wipes and frees a stream and its connection. NULL is allowed. Says nothing to the peer: see
 * lks_stream_end(). */
LKS_API void lks_stream_free(struct lks_stream *stream);

/*
 * The stream's connection, to ask what lockstep/conn.h has answers to (whether it is established,
 * lks_conn_get_info(), lks_conn_take_session(), …) and to queue a KeyUpdate
 * (lks_conn_update_key()); not to be freed, nor to move or export records with. The peer's
 * certificate is there from the call that established the connection to the next lks_stream_feed(),
 * _read() or _drain().
 *
 * Where the configuration defers public-key work (lks_policy_set_deferred_pkey()),
 * lks_stream_feed() returns LKS_WANT_PKEY: take the job from the connection, run it anywhere, give
 * it back with lks_conn_pkey_done(), then drain.
 */
LKS_API struct lks_conn *lks_stream_conn(struct lks_stream *stream);

/*
 * Bytes in: len bytes that came from the peer, in order. *taken: how many of them the stream has
 * copied or dealt with; the rest is to be given again. LKS_OK: all of them. LKS_WANT_ROOM: read
 * until LKS_WANT_DATA, then go on. LKS_WANT_PKEY: see lks_stream_conn(). LKS_WANT_ANSWER: a
 * callback's question waits (<lockstep/callbacks.h>); once it was answered, drain, and feed the
 * rest. LKS_CLOSED
 * (close_notify came, or lks_stream_end() was told), or the error that ended the connection:
 * nothing that comes counts any more, all is taken; what came before is still to be read.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_stream_feed(struct lks_stream *stream, const uint8_t *bytes, size_t len, size_t *taken);

/*
 * Plaintext out: writes *len bytes, cap at most, to data. LKS_OK: at least one, and there may be
 * more; with cap 0, that there are some. LKS_WANT_DATA: none now. When all was read: LKS_CLOSED,
 * the peer has said all that it had to say; LKS_TRUNCATED, the transport ended (lks_stream_end())
 * and the peer had not, so that somebody may have cut off the rest (RFC 8446 section 6.1); or the
 * error that ended the connection.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_stream_read(struct lks_stream *stream, uint8_t *data,
                                                       size_t cap, size_t *len);

/*
 * Plaintext in: len bytes to send, cut into records of as much as one may carry; a call makes at
 * least one record of what it takes, so say together what belongs together. *taken: how many are
 * sealed now, of which the peer hears once lks_stream_drain() has given them out. LKS_OK: all.
 * LKS_WANT_ROOM: drain and give the rest again; before the handshake is done, also feed. 0 bytes
 * make no record. LKS_CLOSED: after lks_stream_end(). LKS_TRUNCATED: the transport ended before the
 * handshake did. Else the error that ended the connection.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_stream_write(struct lks_stream *stream, const uint8_t *data, size_t len, size_t *taken);

/*
 * Bytes out: writes *len bytes for the peer, cap at most, to bytes; they are to be sent in order.
 * LKS_OK: at least one, and there may be more; with cap 0, that there are some. LKS_WANT_DATA: none
 * now. When all was given out: LKS_CLOSED, our close_notify was the last of it: the transport may
 * be closed in this direction; or the error that ended the connection, whose alert went before.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_stream_drain(struct lks_stream *stream, uint8_t *bytes,
                                                        size_t cap, size_t *len);

/*
 * Ends one direction; a second time it does nothing. LKS_SEAL: we have said all, and close_notify
 * goes behind what was written (RFC 8446 section 6.1); reading goes on. LKS_OPEN: the transport has
 * ended (TCP's FIN or RST), nothing more will be fed; then lks_stream_read() tells a whole answer
 * from one that may have been cut short. Writing goes on, for a peer that still reads.
 * LKS_BAD_ARGUMENT: neither of the two.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_stream_end(struct lks_stream *stream, enum lks_dir dir);

#ifdef __cplusplus
}
#endif
#endif
