/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_SIMD_AEAD_H
#define LKS_SIMD_AEAD_H

/*
 * An AEAD algorithm on one instruction set, as a const row of sizes, limits and functions. Nothing
 * above this folder asks which algorithm a row is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stretch of text that lies in one piece on both sides. src == dst is in place. Never empty. */
struct lks_seg {
    const uint8_t *src;
    uint8_t *dst;
    size_t len;
};

/* One message. What a kernel needs and nothing of records: text is all that is encrypted, in
 * segments of any length (a kernel carries partial blocks across them). */
struct lks_aead_job {
    const uint8_t *state; /* of the key, from the same row's init() */
    const uint8_t *aad;
    const struct lks_seg *segs;
    uint32_t num_segs;
    uint32_t len;     /* of the text: the sum over segs */
    uint32_t aad_len; /* any for streams, at most LKS_AEAD_LANES_AAD_MAX for lanes */
    bool ok;          /* out, opening: the tag was right. Otherwise the text was wiped. */
    uint8_t nonce[12];
    uint8_t tag[16]; /* sealing: out; opening: in; the row's tag_len bytes of it */
};

#define LKS_AEAD_LANES_AAD_MAX 16u

struct lks_aead {
    const char *name; /* "aes_128_gcm" */
    const char *isa;  /* "portable", "aesni", … one spelling everywhere */
    uint8_t id;       /* enum lks_aead_id */
    uint8_t key_len;
    uint8_t tag_len;
    uint16_t state_len; /* at most LKS_KEY_STATE_MAX */

    /* Records that one key may seal before it must be replaced, RFC 8446 section 5.5. */
    uint64_t max_records;

    /* state has state_len bytes, 16-byte aligned. */
    void (*init)(uint8_t *state, const uint8_t *key);

    /* Streams: one message at a time, made for long ones. */
    void (*seal)(struct lks_aead_job *job);
    void (*open)(struct lks_aead_job *job);

    /*
     * Lanes: short messages under different keys at once, each at most lanes_max_len bytes of text
     * (that length is the measured crossover to streams) and LKS_AEAD_LANES_AAD_MAX of additional
     * data. num_jobs is any number; best results come from jobs sorted by length, in multiples of
     * num_lanes. lanes_max_len == 0: this kernel has no lanes and the functions are NULL.
     */
    uint32_t lanes_max_len;
    uint32_t num_lanes;
    void (*seal_lanes)(struct lks_aead_job *const *jobs, size_t num_jobs);
    void (*open_lanes)(struct lks_aead_job *const *jobs, size_t num_jobs);
};

/* Every row of one algorithm that was compiled in, best first, NULL at the end. Whether the CPU can
 * run one is lks_aead_usable()'s to say. id: enum lks_aead_id. */
const struct lks_aead *const *lks_aead_rows(unsigned int id);

/* Whether this CPU has what the row needs, whatever LOCKSTEP_ISA says. */
bool lks_aead_usable(const struct lks_aead *row);

/* The row to use: the best usable one within LOCKSTEP_ISA; NULL if that names nothing known or id
 * is no AEAD. */
const struct lks_aead *lks_aead_best(unsigned int id);

/*
 * The end of every open: compares the tags in constant time, wipes all text of the job if they
 * differ, and sets job->ok. Every kernel's open passes through here.
 */
void lks_aead_finish_open(struct lks_aead_job *job, const uint8_t *computed_tag, size_t tag_len);

#endif
