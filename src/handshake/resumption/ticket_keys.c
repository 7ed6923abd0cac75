/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/resumption/ticket_keys.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/complain.h"
#include "base/ct.h"
#include "handshake/exchange/hash.h"
#include "handshake/source.h"

#define SLOT_SHIFT 48u

void lks_ticket_keys_init(struct lks_ticket_keys *keys)
{
    memset(keys, 0, sizeof(*keys));
    atomic_init(&keys->now, 0);
    for (unsigned int i = 0; i < LKS_TICKET_SLOTS; i++) {
        atomic_init(&keys->slots[i].to_come, 0);
        keys->slots[i].ring.until_s = UINT64_MAX;
    }
    atomic_flag_clear(&keys->changing);
}

void lks_ticket_keys_wipe(struct lks_ticket_keys *keys)
{
    free(keys->file);
    lks_wipe(keys, sizeof(*keys));
}

static struct lks_ticket_slot *current_slot(struct lks_ticket_keys *keys)
{
    return &keys->slots[atomic_load_explicit(&keys->now, memory_order_relaxed) >> SLOT_SHIFT];
}

/* Old rings that nobody looks at any more lose their keys. The caller is the changer. */
static void wipe_old(struct lks_ticket_keys *keys)
{
    for (struct lks_ticket_slot *s = keys->slots; s < keys->slots + LKS_TICKET_SLOTS; s++) {
        if (s != current_slot(keys) && s->ring.num_keys &&
            atomic_load_explicit(&s->to_come, memory_order_acquire) == 0)
            lks_wipe(&s->ring, sizeof(s->ring));
    }
}

enum lks_status lks_ticket_ring_publish(struct lks_ticket_keys *keys,
                                        const struct lks_ticket_ring *ring)
{
    struct lks_ticket_slot *old = current_slot(keys), *s = keys->slots;
    while (s < keys->slots + LKS_TICKET_SLOTS &&
           (s == old || atomic_load_explicit(&s->to_come, memory_order_acquire) != 0))
        s++;
    if (s == keys->slots + LKS_TICKET_SLOTS)
        return LKS_WANT_ROOM;
    s->ring = *ring;
    uint64_t index = (uint64_t)(s - keys->slots);
    uint64_t was = atomic_exchange_explicit(&keys->now, index << SLOT_SHIFT, memory_order_acq_rel);
    uint64_t looks = was & ((UINT64_C(1) << SLOT_SHIFT) - 1);
    atomic_fetch_add_explicit(&old->to_come, (int_least64_t)looks, memory_order_acq_rel);
    wipe_old(keys);
    return LKS_OK;
}

static enum lks_status fill_random(struct lks_ticket_key *key)
{
    return RAND_priv_bytes(key->key, sizeof(key->key)) == 1 &&
                   RAND_bytes(key->name, sizeof(key->name)) == 1
               ? LKS_OK
               : LKS_INTERNAL;
}

/* A new key seals; the one before it goes on opening, if it was in use until now. */
static enum lks_status next_random(struct lks_ticket_keys *keys, struct lks_ticket_ring *ring,
                                   uint64_t now_s)
{
    const struct lks_ticket_ring *old = &current_slot(keys)->ring;
    const bool keep = old->num_keys && now_s - old->until_s < keys->period_s;
    if (keep)
        ring->keys[1] = old->keys[0];
    ring->num_keys = keep ? 2 : 1;
    ring->until_s = now_s + keys->period_s;
    return fill_random(&ring->keys[0]);
}

static enum lks_status derive_key(struct lks_ticket_key *key, const uint8_t secret[32],
                                  uint64_t epoch)
{
    const EVP_MD *md = lks_hash_of(lks_suite_find(0x1301));
    uint8_t context[8];
    store_be64(context, epoch);
    if (!md)
        return LKS_INTERNAL;
    enum lks_status status =
        lks_hkdf_expand_label(md, secret, "ticket key", context, 8, key->key, sizeof(key->key));
    return status ? status
                  : lks_hkdf_expand_label(md, secret, "ticket name", context, 8, key->name,
                                          sizeof(key->name));
}

/* The epoch's key seals; its neighbours open, for clocks that differ and for tickets of before. */
static enum lks_status derive_ring(struct lks_ticket_ring *ring, const uint8_t secret[32],
                                   uint32_t period_s, uint64_t now_s)
{
    const uint64_t epoch = now_s / period_s;
    ring->num_keys = 3;
    ring->until_s = (epoch + 1) * period_s;
    enum lks_status status = derive_key(&ring->keys[0], secret, epoch);
    if (!status)
        status = derive_key(&ring->keys[1], secret, epoch - 1);
    if (!status)
        status = derive_key(&ring->keys[2], secret, epoch + 1);
    return status;
}

/* The ring that is due at a time, of a source that goes by it. */
static enum lks_status renew(struct lks_ticket_keys *keys, uint64_t now_s)
{
    struct lks_ticket_ring ring = {0};
    enum lks_status status = keys->source == LKS_TICKETS_RANDOM
                                 ? next_random(keys, &ring, now_s)
                                 : derive_ring(&ring, keys->secret, keys->period_s, now_s);
    if (!status)
        status = lks_ticket_ring_publish(keys, &ring);
    lks_wipe(&ring, sizeof(ring));
    return status;
}

static bool try_change(struct lks_ticket_keys *keys)
{
    return !atomic_flag_test_and_set_explicit(&keys->changing, memory_order_acquire);
}

static void end_change(struct lks_ticket_keys *keys)
{
    atomic_flag_clear_explicit(&keys->changing, memory_order_release);
}

static const struct lks_ticket_ring *look(struct lks_ticket_keys *keys)
{
    uint64_t was = atomic_fetch_add_explicit(&keys->now, 1, memory_order_acquire);
    return &keys->slots[was >> SLOT_SHIFT].ring;
}

void lks_ticket_ring_release(struct lks_ticket_keys *keys, const struct lks_ticket_ring *ring)
{
    for (struct lks_ticket_slot *s = keys->slots; s < keys->slots + LKS_TICKET_SLOTS; s++)
        if (&s->ring == ring)
            atomic_fetch_sub_explicit(&s->to_come, 1, memory_order_release);
}

const struct lks_ticket_ring *lks_ticket_ring_acquire(struct lks_ticket_keys *keys, uint64_t now_s)
{
    const struct lks_ticket_ring *ring = look(keys);
    if (now_s < ring->until_s || !try_change(keys))
        return ring;
    lks_ticket_ring_release(keys, ring);
    /* Another core may have been faster; a failure leaves the old ring, and the next look tries
     * again. */
    if (now_s >= current_slot(keys)->ring.until_s && renew(keys, now_s) != LKS_OK)
        wipe_old(keys);
    end_change(keys);
    return look(keys);
}

/* Puts a new source's ring in place, and then the source: without room for the ring all stays as it
 * was. The caller holds `changing`. */
static enum lks_status begin_source(struct lks_ticket_keys *keys, enum lks_ticket_source source,
                                    const struct lks_ticket_ring *ring, char *file)
{
    enum lks_status status = lks_ticket_ring_publish(keys, ring);
    if (status)
        return status;
    free(keys->file);
    keys->file = file;
    keys->source = source;
    return LKS_OK;
}

enum lks_status lks_ticket_keys_random(struct lks_ticket_keys *keys, uint32_t period_s,
                                       uint64_t now_s)
{
    struct lks_ticket_ring ring = {.num_keys = 1, .until_s = now_s + period_s};
    if (!try_change(keys))
        return LKS_WANT_ROOM;
    enum lks_status status = fill_random(&ring.keys[0]);
    if (!status)
        status = begin_source(keys, LKS_TICKETS_RANDOM, &ring, NULL);
    if (!status)
        keys->period_s = period_s;
    end_change(keys);
    lks_wipe(&ring, sizeof(ring));
    return status;
}

enum lks_status lks_ticket_keys_derive(struct lks_ticket_keys *keys, const uint8_t *secret,
                                       size_t secret_len, uint32_t period_s, uint64_t now_s)
{
    static const uint8_t salt[] = "lockstep tickets";
    const EVP_MD *md = lks_hash_of(lks_suite_find(0x1301));
    uint8_t pseudorandom[sizeof(keys->secret)];
    struct lks_ticket_ring ring = {0};
    if (!try_change(keys))
        return LKS_WANT_ROOM;
    enum lks_status status =
        md ? lks_hmac(md, salt, sizeof(salt) - 1, secret, secret_len, NULL, 0, pseudorandom)
           : LKS_INTERNAL;
    if (!status)
        status = derive_ring(&ring, pseudorandom, period_s, now_s);
    if (!status)
        status = begin_source(keys, LKS_TICKETS_DERIVED, &ring, NULL);
    if (!status) {
        memcpy(keys->secret, pseudorandom, sizeof(keys->secret));
        keys->period_s = period_s;
    }
    end_change(keys);
    lks_wipe(&ring, sizeof(ring));
    lks_wipe(pseudorandom, sizeof(pseudorandom));
    return status;
}

static enum lks_status read_file(struct lks_ticket_keys *keys, const char *file, bool *changed,
                                 struct lks_error *err)
{
    struct lks_ticket_ring ring;
    struct lks_file_mark mark;
    bool same = false;
    enum lks_status status = lks_ticket_file_read(&ring, &mark, &same, &keys->mark, file, err);
    if (!status && !same)
        status = lks_ticket_ring_publish(keys, &ring);
    /* Also of a file that was refused: it is not complained about again before it changes. */
    if (!same && status != LKS_WANT_ROOM)
        keys->mark = mark;
    *changed = !status && !same;
    lks_wipe(&ring, sizeof(ring));
    return status;
}

static enum lks_status load_file(struct lks_ticket_keys *keys, const char *file,
                                 struct lks_error *err)
{
    bool changed;
    char *name = strdup(file);
    if (!name)
        return LKS_NO_MEMORY;
    memset(&keys->mark, 0, sizeof(keys->mark)); /* no state of this file is known */
    enum lks_status status = read_file(keys, file, &changed, err);
    if (status) {
        free(name);
        return status;
    }
    free(keys->file);
    keys->file = name;
    keys->source = LKS_TICKETS_FILE;
    return LKS_OK;
}

static enum lks_status load_text(struct lks_ticket_keys *keys, const struct lks_source *source,
                                 struct lks_error *err)
{
    struct lks_ticket_ring ring;
    struct lks_source_bytes bytes;
    enum lks_status status =
        lks_source_read(&bytes, source, "text of ticket keys", LKS_TICKET_FILE_MAX, err);
    if (status)
        return status;
    status = lks_ticket_file_parse(&ring, (const char *)bytes.all.data, bytes.all.len,
                                   lks_source_name(source), err);
    if (!status) /* there is nothing to look at again */
        status = begin_source(keys, LKS_TICKETS_NONE, &ring, NULL);
    lks_wipe(&ring, sizeof(ring));
    lks_source_free(&bytes);
    return status;
}

enum lks_status lks_ticket_keys_load(struct lks_ticket_keys *keys, const struct lks_source *source,
                                     struct lks_error *err)
{
    if (!source->in_memory && !source->name)
        return lks_complain(err, "no file of ticket keys is named; name one");
    if (!try_change(keys))
        return LKS_WANT_ROOM;
    enum lks_status status =
        source->in_memory ? load_text(keys, source, err) : load_file(keys, source->name, err);
    end_change(keys);
    return status;
}

enum lks_status lks_ticket_keys_reload(struct lks_ticket_keys *keys, bool *changed,
                                       struct lks_error *err)
{
    enum lks_status status = LKS_OK;
    *changed = false;
    if (!try_change(keys))
        return LKS_WANT_ROOM;
    if (keys->source == LKS_TICKETS_FILE)
        status = read_file(keys, keys->file, changed, err);
    if (status == LKS_BAD_CONFIG)
        status = lks_complain_more(err, "; the keys read before stay in use");
    wipe_old(keys);
    end_change(keys);
    return status;
}
