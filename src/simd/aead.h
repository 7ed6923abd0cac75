/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_SIMD_AEAD_H
#define LKS_SIMD_AEAD_H

/*
 * An AEAD algorithm on one instruction set, as a const row of sizes, limits and functions. Nothing
 * above this folder asks which algorithm a row is.
 *
 * TLS 1.2's block ciphers with a MAC (RFC 5246 section 6.2.3.2, RFC 7366) are such rows too. What
 * they need besides stands in struct lks_mac_side, and how long a record gets with them is
 * lks_aead_tail_len()'s to say; it is tag_len for an AEAD.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/ct.h"

/* A stretch of text that lies in one piece on both sides. src == dst is in place. Never empty. */
struct lks_seg {
    const uint8_t *src;
    uint8_t *dst;
    size_t len;
};

#define LKS_BLOCK_LEN    16u
#define LKS_MAC_LEN_MAX  48u
#define LKS_MAC_TAIL_MAX (LKS_MAC_LEN_MAX + LKS_BLOCK_LEN)

/* What a record with a MAC has besides text, and who runs it. Sealing: the kernel writes iv and
 * tail; tail is the ciphertext from the text's end on, with the MAC. Opening: both are the
 * record's; tail holds the MAC of encrypt-then-MAC. */
struct lks_mac_side {
    uint8_t iv[LKS_BLOCK_LEN];
    uint8_t tail[LKS_MAC_TAIL_MAX];
    void *manager; /* of the engine, from lks_provider_manager_new(), or NULL */
};

/* One message. What a kernel needs and nothing of records: text is all that is encrypted, in
 * segments of any length (a kernel carries partial blocks across them). */
struct lks_aead_job {
    const uint8_t *state; /* of the key, from the same row's init() */
    const uint8_t *aad;
    const struct lks_seg *segs;
    uint32_t num_segs;
    uint32_t len;     /* of the text: the sum over segs. Opening with a MAC: ciphertext and whatever
                         is under it; out: the content's */
    uint32_t aad_len; /* any for streams, at most LKS_AEAD_LANES_AAD_MAX for lanes */
    /* The usual record, at least a byte of text, for lanes that know it. Text is one piece;
     * sealing, its last byte may be a second one, whose dst is right behind, if the first is not
     * empty. The tag's place is behind the text: sealing, those 16 bytes of dst may be written
     * meanwhile; opening, those of src may be read. aad has 16 bytes, zeros from aad_len on, at
     * most 16. */
    bool is_record;
    bool ok; /* out, opening: the tag was right. Otherwise the text was wiped. */
    uint8_t nonce[12];
    union {
        /* Where the tag is put or found, the row's tag_len bytes; may be behind the text. */
        uint8_t *tag;
        struct lks_mac_side *side; /* of rows with a MAC, instead */
    };
};

#define LKS_AEAD_LANES_AAD_MAX 16u

struct lks_aead {
    const char *name; /* "aes_128_gcm" */
    const char *isa;  /* "portable", "aesni", … one spelling everywhere */
    uint8_t id;       /* enum lks_aead_id */
    uint8_t key_len;  /* with a MAC: the cipher's key and, behind it, the MAC's */
    /* RFC 8446 section 5.2: the most that an AEAD adds is this. [8446 5.2-4] */
    uint8_t tag_len; /* or the MAC's */
    uint8_t mac_key_len;
    bool has_mac;                      /* a block cipher with a MAC and padding, no AEAD */
    bool mac_inside;                   /* the MAC is encrypted too: MAC-then-encrypt */
    uint16_t state_len;                /* at most LKS_KEY_STATE_MAX */
    uint16_t near_len, near_state_len; /* a message of up to near_len bytes in lanes needs only so
                                          much of the state's front: what to fetch ahead */
    uint16_t heap_len; /* of what does not fit there; lks_aead_init_state() allocates it */

    /* Records that one key may seal before it must be replaced, RFC 8446 section 5.5. */
    uint64_t max_records;

    /* state has state_len bytes, 16-byte aligned. With heap_len it begins with a pointer to those
     * bytes, 64-byte aligned. */
    void (*init)(uint8_t *state, const uint8_t *key);

    /* Streams: one message at a time, made for long ones. */
    void (*seal)(struct lks_aead_job *job);
    void (*open)(struct lks_aead_job *job);

    /*
     * Lanes: short messages under different keys at once, each at most lanes_max_len bytes of text
     * (that length is the measured crossover to streams) and LKS_AEAD_LANES_AAD_MAX of additional
     * data. num_jobs is any number; best results come from jobs sorted by length, in multiples of
     * num_lanes. lanes_max_len == 0: this kernel has no lanes and the functions are NULL. The
     * engine never sends an empty text here.
     */
    uint32_t lanes_max_len;
    uint32_t num_lanes;
    void (*seal_lanes)(struct lks_aead_job *const *jobs, size_t num_jobs);
    void (*open_lanes)(struct lks_aead_job *const *jobs, size_t num_jobs);
};

/* Bytes that a sealed record has behind len bytes of text. */
static inline uint32_t lks_aead_tail_len(const struct lks_aead *row, size_t len)
{
    const uint32_t tag_len = row->tag_len;
    if (!row->has_mac)
        return tag_len;
    const uint32_t inside = row->mac_inside ? tag_len : 0; /* at least a byte of padding follows */
    return tag_len + LKS_BLOCK_LEN - (uint32_t)(len + inside) % LKS_BLOCK_LEN;
}

/* How many of a record's body_len bytes (behind header and explicit nonce) the kernel opens; -1 if
 * no record of this row has such a body. */
static inline int64_t lks_aead_text_len(const struct lks_aead *row, size_t body_len)
{
    const int64_t len = (int64_t)body_len - (row->mac_inside ? 0 : row->tag_len);
    if (!row->has_mac)
        return len;
    return len % LKS_BLOCK_LEN || len <= (row->mac_inside ? row->tag_len : 0) ? -1 : len;
}

/* Sets up a key's state, LKS_KEY_STATE_MAX bytes, 16-byte aligned; false if there is no memory. The
 * second wipes it and frees what is the heap's. */
bool lks_aead_init_state(const struct lks_aead *row, uint8_t *state, const uint8_t *key);
void lks_aead_wipe_state(const struct lks_aead *row, uint8_t *state);

/* Every row of one algorithm that was compiled in, best first, NULL at the end. Whether the CPU can
 * run one is lks_aead_usable()'s to say. id: enum lks_aead_id. */
const struct lks_aead *const *lks_aead_rows(unsigned int id);

/* Whether this CPU has what the row needs, whatever LOCKSTEP_ISA says. */
bool lks_aead_usable(const struct lks_aead *row);

/* The row to use: the best usable one within LOCKSTEP_ISA and LOCKSTEP_PROVIDER; NULL if one of
 * those names nothing known or id is no algorithm. */
const struct lks_aead *lks_aead_best(unsigned int id);

/* Wipes all text of a job. */
void lks_aead_wipe_text(const struct lks_aead_job *job);

/* Sets job->ok, and leaves no text if it is false. */
static inline void lks_aead_end_open(struct lks_aead_job *job, bool ok)
{
    job->ok = ok;
    if (!ok)
        lks_aead_wipe_text(job);
}

/* The end of every open, by which every kernel passes: compares the tags in constant time. */
static inline void lks_aead_finish_open(struct lks_aead_job *job, const uint8_t *computed_tag,
                                        size_t tag_len)
{
    lks_aead_end_open(job, lks_ct_memeq(job->tag, computed_tag, tag_len));
}

/* The same in lanes, whose tags have 16 bytes; sealing, the tag is put where it belongs. */
static inline void lks_aead_finish_lane(struct lks_aead_job *job, const void *computed_tag,
                                        bool opening)
{
    if (opening)
        lks_aead_finish_open(job, (const uint8_t *)computed_tag, 16);
    else
        memcpy(job->tag, computed_tag, 16);
}

#endif
