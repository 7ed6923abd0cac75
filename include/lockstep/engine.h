/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_ENGINE_H
#define LOCKSTEP_ENGINE_H

/*
 * The batched record engine: seals and opens many connections' records in one call.
 *
 * It knows TLS records and keys, nothing of handshakes. A caller that has traffic keys (from
 * lockstep/conn.h, or from a handshake of its own) fills an array of ops and calls
 * lks_engine_process(). One engine belongs to one core: no locks, no shared state; two engines may
 * run at the same time as long as no key is in both their batches.
 */

#include <stdbool.h>

#include <lockstep/span.h>
#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of records, and of what a struct lks_key has for its kernel. */
#define LKS_RECORD_HEADER_LEN     5u
#define LKS_RECORD_PLAINTEXT_MAX  16384u                             /* RFC 8446 section 5.1 */
#define LKS_RECORD_CIPHERTEXT_MAX (16384u + 256u)                    /* RFC 8446 section 5.2 */
#define LKS_RECORD_OVERHEAD       (LKS_RECORD_HEADER_LEN + 1u + 16u) /* TLS 1.3, unpadded, at most */
#define LKS_KEY_STATE_MAX         336u

/* ProtocolVersion, RFC 8446 section 4.2.1. */
enum lks_version {
    LKS_TLS_1_2 = 0x0303,
    LKS_TLS_1_3 = 0x0304,
};

/* What a key is for: it does one of the two. */
enum lks_dir {
    LKS_SEAL,
    LKS_OPEN,
};

/* ContentType, RFC 8446 section 5.1. */
enum lks_content_type {
    LKS_TYPE_CHANGE_CIPHER_SPEC = 20,
    LKS_TYPE_ALERT = 21,
    LKS_TYPE_HANDSHAKE = 22,
    LKS_TYPE_APPLICATION_DATA = 23,
};

/* The algorithm that protects records. LKS_AEAD_NULL is TLSPlaintext: the records before any key.
 */
enum lks_aead_id {
    LKS_AEAD_NULL,
    LKS_AES_128_GCM,
    LKS_AES_256_GCM,
    LKS_CHACHA20_POLY1305,
    LKS_AES_128_CCM,   /* RFC 6655 section 3, RFC 8446 section B.4: tags of 16 bytes */
    LKS_AES_128_CCM_8, /* and of 8 */
    LKS_AES_256_CCM,
    LKS_AES_256_CCM_8,
    LKS_NUM_AEADS,

    /* TLS 1.2's block ciphers with a MAC, no AEADs: MAC-then-encrypt (RFC 5246 section 6.2.3.2),
     * then encrypt-then-MAC (RFC 7366). */
    LKS_AES_128_CBC_SHA = LKS_NUM_AEADS,
    LKS_AES_256_CBC_SHA,
    LKS_AES_128_CBC_SHA256,
    LKS_AES_256_CBC_SHA256,
    LKS_AES_256_CBC_SHA384,
    LKS_AES_128_CBC_SHA_ETM,
    LKS_AES_256_CBC_SHA_ETM,
    LKS_AES_128_CBC_SHA256_ETM,
    LKS_AES_256_CBC_SHA256_ETM,
    LKS_AES_256_CBC_SHA384_ETM,
    LKS_NUM_ALGORITHMS,
};

struct lks_aead;       /* src/simd/aead.h: one algorithm on one instruction set */
struct lks_protection; /* src/record/protection.h: one protocol version's record format */

/*
 * One direction of one connection. The caller owns the memory (aligned to 64 bytes: the first line
 * holds all that is not the kernel's). The members are the engine's; read seq if you like.
 * Never copy a key: two copies would use the same nonces.
 */
struct lks_key {
    const struct lks_aead *aead;
    const struct lks_protection *protection;
    uint64_t seq;             /* of the next record; RFC 8446 section 5.3 */
    uint8_t iv[12];           /* write_iv, or TLS 1.2's salt in its first four bytes */
    uint8_t dir;              /* enum lks_dir */
    uint8_t makes_pieces;     /* TLS 1.3 with tags of 16 bytes: src/record/piece.h */
    uint16_t engine_count;    /* the engine's, 0 outside lks_engine_process() */
    uint16_t near_len;        /* longer records need all lines of the key: to be fetched ahead */
    uint8_t needs_third_line; /* others need two, or three */
    uint8_t pad[5];
    uint8_t state[LKS_KEY_STATE_MAX]; /* laid out by the kernel: round keys, powers of H, … */
} __attribute__((aligned(64)));

/* What an algorithm takes of TLS 1.2's key block, for one direction, in bytes (RFC 5246 section
 * 6.3). TLS 1.3 has cipher_key and an IV of 12 bytes. */
struct lks_key_sizes {
    uint8_t mac_key;    /* 0 for an AEAD */
    uint8_t cipher_key; /* 0 for LKS_AEAD_NULL */
    uint8_t fixed_iv;   /* 4 or 12 for an AEAD; 0 with a MAC: each record brings its own */
};
LKS_API LKS_MUST_CHECK enum lks_status lks_key_sizes(struct lks_key_sizes *out,
                                                     enum lks_aead_id aead);

/*
 * Sets a key up with the best kernel for this CPU (see LOCKSTEP_ISA and LOCKSTEP_PROVIDER in
 * lks_engine_describe()). secret_key has the cipher's key (16 or 32 bytes) and, for an algorithm
 * with a MAC, the MAC's key behind it; iv has 12 bytes. Both stay the caller's and should be wiped.
 * iv may be NULL for an algorithm with a MAC, and both may for LKS_AEAD_NULL. seq starts at 0.
 * A key that was set up before must have been wiped. LKS_BAD_ARGUMENT for an unknown algorithm,
 * LKS_UNSUPPORTED where version and algorithm do not go together, LKS_BAD_CONFIG as there.
 * LKS_NO_MEMORY: a provider whose keys do not fit into struct lks_key allocates the rest here.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_key_init(struct lks_key *key, enum lks_version version,
                                                    enum lks_aead_id aead, enum lks_dir dir,
                                                    const uint8_t *secret_key, const uint8_t *iv);

/* Wipes a key, and frees what a provider allocated for it. Safe on a zeroed or already wiped one.
 */
LKS_API void lks_key_wipe(struct lks_key *key);

/* True once so many records went through this key that it must be replaced soon: before the AEAD's
 * limit of RFC 8446 section 5.5, with enough left for the records that are under way. */
LKS_API bool lks_key_wants_update(const struct lks_key *key);

/* Bytes of the sealed record that carries len bytes of content with no padding, header included. */
LKS_API size_t lks_key_record_len(const struct lks_key *key, size_t len);

/*
 * One record to seal or to open; the key's direction says which.
 *
 * Sealing: src is the content (at most LKS_RECORD_PLAINTEXT_MAX bytes), dst takes the record,
 * header first. dst may be longer than the record. Content may be sealed in place: then byte i of
 * the content lies at byte LKS_RECORD_HEADER_LEN + i of dst.
 *
 * Opening: src is exactly one record, header included (as lks_frame_next() finds it), in memory
 * that may be written. With num_dst == 0 it is opened in place: the content then lies at byte
 * LKS_RECORD_HEADER_LEN of src. Otherwise dst takes the content, followed by the inner type and the
 * padding, so it must have room for the record's length less header and tag.
 *
 * TLS 1.2's AES-GCM and AES-CCM put 8 bytes of nonce behind the header; the content then lies that
 * much further. Its ciphers with a MAC put 16 bytes of IV there, and opening asks for room for all
 * that is encrypted: with MAC-then-encrypt that is all behind the IV. Only the content is written.
 *
 * Any other overlap of src and dst is LKS_BAD_OVERLAP. Spans and the bytes they name belong to the
 * caller and must stay until the call returns.
 *
 * An op that the engine never got still has the status that it was filled with, and 0 is LKS_OK: it
 * begins as LKS_OP_NOT_RUN, not as {0}, lest content in the clear pass for a record. One that began
 * as {0} shows it by its results only: after LKS_OK a sealed op's len is never 0.
 */
struct lks_op {
    struct lks_key *key;
    const struct lks_span *src;
    const struct lks_span *dst;
    uint32_t num_src;
    uint32_t num_dst;
    uint32_t len;     /* out: sealing, bytes of the record written; opening, bytes of content; 0 if
                         refused */
    uint16_t pad_len; /* in, sealing under TLS 1.3: zero bytes of padding to add */
    uint8_t type;     /* enum lks_content_type; in when sealing, out when opening */
    uint16_t status;  /* out: enum lks_status; LKS_NOT_RUN until then, see above */
    uint32_t number;  /* lockstep/conn.h's; the engine does not look at it */
    void *user;       /* the caller's; the engine does not look at it */
};

/* What an op begins as, before its members are filled in: nothing, and not run.
 *
 *     struct lks_op op = LKS_OP_NOT_RUN;
 */
#define LKS_OP_NOT_RUN                                                  \
    {                                                                   \
        NULL, NULL, NULL, 0, 0, 0, 0, 0, (uint16_t)LKS_NOT_RUN, 0, NULL \
    }

/* Where the content of a record that was opened in place begins, from the front of src:
 * LKS_RECORD_HEADER_LEN, under TLS 1.2 more. */
LKS_API size_t lks_op_content_at(const struct lks_op *op);

struct lks_engine;

/* Makes an engine whose bursts have at most max_ops ops (1 … 65535; more are LKS_BAD_ARGUMENT).
 * This allocates; lks_engine_process() does not. */
LKS_API LKS_MUST_CHECK enum lks_status lks_engine_new(struct lks_engine **out, uint32_t max_ops);
LKS_API void lks_engine_free(struct lks_engine *engine);

/*
 * Seals and opens a burst, num_ops at most the engine's max_ops. Writes status and len of every
 * op and the type of those opened, and returns how many are LKS_OK. Ops beyond max_ops are not
 * done: they are LKS_NOT_RUN.
 *
 * Ops of one key are done in the order of the array. Sealing numbers them in that order; an op that
 * fails takes no sequence number. Opening: once an op of a key did not turn out to be application
 * data (a KeyUpdate may hide in it), or failed, that key's later ops come back LKS_DEFERRED,
 * untouched. An op that fails changes nothing for ops of other keys, and leaves no plaintext: after
 * LKS_BAD_TAG, or LKS_RECORD_OVERFLOW that only opening could tell (of a record with a MAC), the
 * bytes that would have held it are zero.
 */
LKS_API uint32_t lks_engine_process(struct lks_engine *engine, struct lks_op *ops,
                                    uint32_t num_ops);

/*
 * What runs, in words, one line an algorithm ("aes_128_gcm: vaes256, 2 records in lanes of any
 * length": the kernel, and how many connections' records of what length share its vectors), into
 * text (always terminated; cap bytes). Returns the length that the whole text has, as snprintf
 * does.
 *
 * The environment variable LOCKSTEP_PROVIDER says whose kernels they are: "lockstep", or "ipsec_mb"
 * (Intel's library, where it was built in) for every algorithm that it has; unset, ipsec-mb's
 * multi-buffer manager carries the algorithms with a MAC and Lockstep the AEADs. LOCKSTEP_ISA caps
 * Lockstep's own kernels, and "portable" keeps ipsec-mb away unless LOCKSTEP_PROVIDER asks for it.
 *
 * The environment variable LOCKSTEP_ISA caps the kernels that lks_key_init() chooses from:
 * "portable", "aesni", … in rising order. Both are read once, before the first key; an unknown
 * name, or a provider that is not there, makes lks_engine_new() and lks_key_init() fail with
 * LKS_BAD_CONFIG, and this text say so.
 */
LKS_API size_t lks_engine_describe(char *text, size_t cap);

/* A record that lks_frame_next() found. */
struct lks_frame {
    size_t len;       /* of the whole record, header included */
    uint8_t type;     /* outer content type, as sent */
    uint16_t version; /* legacy_record_version, as sent: to be ignored, RFC 8446 section 5.1 */
};

/* Where a framer stands in a list of spans. Zero-initialise to start at the front. */
struct lks_frame_pos {
    uint32_t span;
    size_t offset; /* within that span */
};

/*
 * Finds the record that starts at *pos in a list of spans. max_fragment is the longest fragment
 * (bytes behind the header) that the connection's state allows.
 *
 * LKS_OK: *frame says what it is, *pos has moved behind it. LKS_WANT_DATA: the spans end within the
 * record; frame->len is how many bytes from *pos are needed before it makes sense to ask again,
 * *pos is unchanged. LKS_RECORD_OVERFLOW, LKS_ALERT_UNEXPECTED_MESSAGE (no such content type):
 * judged from the header alone, as soon as the bytes in question are there. The version is not
 * judged; of a protected record it is authenticated.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_frame_next(const struct lks_span *spans,
                                                      uint32_t num_spans, size_t max_fragment,
                                                      struct lks_frame_pos *pos,
                                                      struct lks_frame *frame);

#ifdef __cplusplus
}
#endif
#endif
