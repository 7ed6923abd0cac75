/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_MEMORY_H
#define LOCKSTEP_MEMORY_H

/*
 * What a server remembers from one connection to the next: keys of tickets, sessions by ID, early
 * data that were taken, the key of cookies. It lives on while policies and identities come and go:
 * <lockstep/config.h>. All cores whose connections use it share it, and none waits for another:
 * what changes in it does so by atomic operations.
 *
 * Its keys of tickets may be set at any time, also while connections use them, though by one thread
 * at a time: LKS_WANT_ROOM says that now is no time (a core is just making the next ones, or old
 * ones are all in use), nothing has changed, call again. The rest is settled before the first
 * configuration is made with it; then it is LKS_FROZEN.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lockstep/source.h>
#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lks_memory;

/* Random ticket keys, a new one every two hours, and good in this process only; room for 1024
 * sessions; a random key of cookies; nothing against replay, so that early data need
 * lks_memory_set_replay(). lks_memory_free() gives up the caller's reference; configurations hold
 * their own. NULL is allowed. */
LKS_API LKS_MUST_CHECK enum lks_status lks_memory_new(struct lks_memory **out);
LKS_API void lks_memory_free(struct lks_memory *memory);

/*
 * Resumption. A server seals what a later handshake needs into tickets and keeps nothing itself; a
 * ring of keys does that: the current one seals, it and its neighbours open. Machines that share
 * keys may differ in their certificates: a ticket is taken where a certificate answers to its name,
 * or (where none did) where the same one stands in; and no longer than seven days after the
 * handshake that showed a certificate, however often it is resumed. Each of the next three calls
 * replaces the keys there were.
 */

/* Random keys, a new one each period_s seconds (60 to 604800); the one before opens for one period
 * more, so tickets live at least one period. LKS_BAD_ARGUMENT: the period. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_memory_set_ticket_random(struct lks_memory *memory, uint32_t period_s, struct lks_error *err);

/* Keys derived (HKDF-SHA-256) from one secret and the time, cut into periods of period_s seconds
 * (60 to 604800) of Unix time: machines with the same secret and period resume each other's
 * sessions, with clocks apart by less than a period. Keys of the periods before and after open.
 * The secret is 32 to 64 bytes from a good random source; it is copied into a derived form.
 * LKS_BAD_ARGUMENT: its length, or the period. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_memory_set_ticket_secret(struct lks_memory *memory, const uint8_t *secret, size_t secret_len,
                             uint32_t period_s, struct lks_error *err);

/*
 * Keys from a text, a file's or in memory, which several machines may share. A line is empty, a
 * comment behind '#', or a key:
 *
 *     current   <name: 32 hex digits> <key: 64 hex digits>
 *     previous  …
 *     next      …
 *
 * Exactly one key is current and seals; up to seven previous and next ones open. To change keys
 * without losing a ticket: give all machines the new key as next, then make it current and the old
 * one previous, then drop the old one when its tickets have expired. Whoever has the file can open
 * the tickets: it should be readable by its owner only. Replace it by rename(2), not in place, so
 * that nobody reads half of it. LKS_BAD_CONFIG: *err names source, line and remedy; nothing
 * changed.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_memory_set_ticket_keys(struct lks_memory *memory,
                                                                  struct lks_source keys,
                                                                  struct lks_error *err);

/*
 * Reads the file of lks_memory_set_ticket_keys() again if it has changed; else it costs one
 * stat(2). Call it as often as changes are to be noticed, once a second, say. The cores do not
 * wait; handshakes under way keep the keys that they have looked up. *changed (NULL is allowed):
 * there are other keys now. LKS_BAD_CONFIG: the file is bad, *err says where, and the keys stay;
 * each state of a file is complained about once. Does nothing for keys that come from elsewhere.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_memory_reload_ticket_keys(struct lks_memory *memory, bool *changed, struct lks_error *err);

/* How many sessions a server remembers by ID, for clients of TLS 1.2 that know no tickets: 0 (none)
 * to 2^24, at first 1024, in some 150 bytes each, allocated here, and beside them what
 * lks_policy_set_client_sessions() keeps of clients with certificates, 3.2 KiB at most. Where two
 * cores want the same few sessions at once, one of them shakes hands in full. The oldest make room.
 * LKS_BAD_ARGUMENT: out of range. */
LKS_API LKS_MUST_CHECK enum lks_status lks_memory_set_session_cache(struct lks_memory *memory,
                                                                    uint32_t num_sessions,
                                                                    struct lks_error *err);

/*
 * Against replay of early data (lks_policy_set_early_data()): each hello is taken at most once, and
 * only if it was sent within window_ms (1000 to 60000) of now by both clocks. num_hellos (64 to
 * 2^24, rounded up to a power of two) are remembered at a time, in eight bytes each, allocated
 * here: as many as come in four windows, and half as many again. Where there is no room to remember
 * one its early data are refused, never taken twice. Tickets say which memory they belong to: on
 * another machine, in another process or after a restart they resume, without early data, so that
 * nothing is taken twice there either. LKS_BAD_ARGUMENT: out of range.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_memory_set_replay(struct lks_memory *memory,
                                                             uint32_t window_ms,
                                                             uint32_t num_hellos,
                                                             struct lks_error *err);

/* The key that a server's HelloRetryRequests are recognized by when a client comes back with one's
 * cookie: RFC 8446 section 4.2.2. The cookie holds all that the server has to know, so the second
 * ClientHello may go to a fresh connection, on another machine, too, if that has the same key. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_memory_set_cookie_key(struct lks_memory *memory, const uint8_t key[32], struct lks_error *err);

#ifdef __cplusplus
}
#endif
#endif
