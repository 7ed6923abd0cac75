/* SPDX-License-Identifier: BSD-3-Clause */

/* Tickets, the sessions in them, and the ring of keys with its three sources. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "configs.h"
#include "handshake/resumption/ticket.h"
#include "test_handshake.h"

#define DAY 86400u
#define NOW UINT64_C(1700000000)

static const uint8_t shown[LKS_SHOWN_MAX + 1] = {1, 2, 3};

static struct lks_session a_session(void)
{
    struct lks_session s = {.kind = LKS_SESSION_TLS13,
                            .suite = 0x1302,
                            .issued_ms = NOW * 1000,
                            .until_ms = (NOW + DAY) * 1000,
                            .lifetime_s = 7200,
                            .age_add = 0xfedcba98,
                            .max_early = 16384,
                            .origin = UINT64_C(0x1122334455667788),
                            .verified = {.stapled = true, .own_asked = true},
                            .secret_len = 48};
    memset(s.secret, 0x5a, 48);
    memset(s.verified.own_digest, 0xa5, 32);
    memset(s.basis, 0xb5, 32);
    memset(s.auth, 0xc5, 32);
    s.shown = lks_reader_of(shown, 100);
    CU_ASSERT_TRUE(lks_session_set_name(s.server_name, &s.server_name_len, "example.org"));
    CU_ASSERT_TRUE(lks_session_set_name(s.alpn, &s.alpn_len, "H2"));
    return s;
}

/* Where what was shown lies does not matter. */
static bool same_session(const struct lks_session *a, const struct lks_session *b)
{
    struct lks_session c = *b;
    c.shown = a->shown;
    return memcmp(a, &c, sizeof(c)) == 0 && a->shown.len == b->shown.len &&
           (!a->shown.len || memcmp(a->shown.data, b->shown.data, a->shown.len) == 0);
}

static void session_there_and_back(void)
{
    struct lks_session s = a_session(), back;
    uint8_t bytes[LKS_SESSION_STATE_MAX + 1];
    struct lks_writer w = lks_writer_of(bytes, sizeof(bytes));
    lks_session_write(&w, &s);
    CU_ASSERT_FALSE_FATAL(w.failed);
    CU_ASSERT_EQUAL(memcmp(s.server_name, "example.org", 11), 0);
    CU_ASSERT_EQUAL(memcmp(s.alpn, "H2", 2), 0);
    CU_ASSERT_TRUE(lks_session_read(&back, lks_reader_of(bytes, w.len)) && same_session(&s, &back));
    for (size_t len = 0; len < w.len; len++)
        LKS_CHECK(!lks_session_read(&back, lks_reader_of(bytes, len)) && !back.kind, "%zu bytes",
                  len);
    bytes[w.len] = 0;
    LKS_CHECK(!lks_session_read(&back, lks_reader_of(bytes, w.len + 1)), "one byte more");

    memset(s.server_name, 'x', s.server_name_len = LKS_SESSION_NAME_MAX);
    memset(s.alpn, 'y', s.alpn_len = LKS_SESSION_NAME_MAX);
    s.shown.len = LKS_SHOWN_MAX;
    w = lks_writer_of(bytes, LKS_SESSION_STATE_MAX);
    lks_session_write(&w, &s);
    CU_ASSERT_FALSE(w.failed);
    CU_ASSERT_TRUE(lks_session_read(&back, lks_reader_of(bytes, w.len)) && same_session(&s, &back));
}

static void session_that_makes_no_sense(void)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
    } rows[] = {{"version", 0, 1},         {"kind", 1, 9},
                {"kind of TLS 1.2", 1, 2}, {"suite", 2, 0x77},
                {"hash of suite", 3, 1},   {"lifetime", 84, 1},
                {"unknown flag", 104, 26}, {"secret's length", 137, 32},
                {"shown", 202, 1}};
    struct lks_session s = a_session(), back;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t bytes[LKS_SESSION_STATE_MAX];
        struct lks_writer w = lks_writer_of(bytes, sizeof(bytes));
        lks_session_write(&w, &s);
        bytes[rows[i].at] = rows[i].value;
        LKS_CHECK(!lks_session_read(&back, lks_reader_of(bytes, w.len)), "%s", rows[i].what);
    }
}

static void session_time(void)
{
    struct lks_session s = a_session();
    CU_ASSERT_FALSE(lks_session_expired(&s, NOW * 1000));
    CU_ASSERT_FALSE(lks_session_expired(&s, (NOW + 7200) * 1000 - 1));
    CU_ASSERT_TRUE(lks_session_expired(&s, (NOW + 7200) * 1000));
    CU_ASSERT_FALSE(lks_session_expired(&s, (NOW - 59) * 1000));
    CU_ASSERT_TRUE(lks_session_expired(&s, (NOW - 61) * 1000));
    s.until_ms = (NOW + 5) * 1000; /* what it stands on ends earlier */
    CU_ASSERT_FALSE(lks_session_expired(&s, (NOW + 5) * 1000 - 1));
    CU_ASSERT_TRUE(lks_session_expired(&s, (NOW + 5) * 1000));
}

static struct lks_ticket_ring ring_of(uint8_t first, uint32_t num)
{
    struct lks_ticket_ring ring = {.num_keys = num, .until_s = UINT64_MAX};
    for (uint32_t i = 0; i < num; i++) {
        memset(ring.keys[i].name, first + (int)i, sizeof(ring.keys[i].name));
        memset(ring.keys[i].key, first + (int)i, sizeof(ring.keys[i].key));
    }
    return ring;
}

static size_t seal(uint8_t *out, const struct lks_ticket_ring *ring, const struct lks_session *s)
{
    struct lks_writer w = lks_writer_of(out, LKS_TICKET_MAX);
    CU_ASSERT_EQUAL(lks_ticket_seal(&w, ring, s), LKS_OK);
    CU_ASSERT_FALSE_FATAL(w.failed);
    return w.len;
}

static bool open_ticket(struct lks_session *back, const struct lks_ticket_ring *ring,
                        struct lks_reader ticket)
{
    static uint8_t state[LKS_SESSION_STATE_MAX];
    return lks_ticket_open(back, state, ring, ticket);
}

static void ticket_there_and_back(void)
{
    struct lks_session s = a_session(), back;
    struct lks_ticket_ring ring = ring_of(1, 3), other = ring_of(7, 3), late = ring_of(0, 3);
    struct lks_ticket_ring none = {0};
    uint8_t ticket[LKS_TICKET_MAX], again[LKS_TICKET_MAX];
    size_t len = seal(ticket, &ring, &s);
    CU_ASSERT_TRUE(open_ticket(&back, &ring, lks_reader_of(ticket, len)));
    CU_ASSERT_TRUE(same_session(&s, &back));
    CU_ASSERT_TRUE(open_ticket(&back, &late, lks_reader_of(ticket, len)));
    CU_ASSERT_FALSE(open_ticket(&back, &other, lks_reader_of(ticket, len)));
    CU_ASSERT_FALSE(open_ticket(&back, &none, lks_reader_of(ticket, len)));
    /* The right name and the wrong key. */
    memcpy(other.keys[2].name, ring.keys[0].name, LKS_TICKET_NAME_LEN);
    CU_ASSERT_FALSE(open_ticket(&back, &other, lks_reader_of(ticket, len)));
    LKS_CHECK(seal(again, &ring, &s) == len && memcmp(ticket + 16, again + 16, len - 16) != 0,
              "two tickets of one session differ");
    struct lks_writer w = lks_writer_of(again, sizeof(again));
    CU_ASSERT_EQUAL(lks_ticket_seal(&w, &none, &s), LKS_WANT_ROOM);
    w = lks_writer_of(again, len - 1);
    CU_ASSERT_EQUAL(lks_ticket_seal(&w, &ring, &s), LKS_INTERNAL);
}

static void ticket_changed(void)
{
    struct lks_session s = a_session(), back;
    struct lks_ticket_ring ring = ring_of(1, 3);
    uint8_t ticket[LKS_TICKET_MAX + 1] = {0};
    size_t len = seal(ticket, &ring, &s);
    for (size_t i = 0; i < len; i++) {
        ticket[i] ^= 0x10;
        LKS_CHECK(!open_ticket(&back, &ring, lks_reader_of(ticket, len)), "byte %zu", i);
        ticket[i] ^= 0x10;
        LKS_CHECK(!open_ticket(&back, &ring, lks_reader_of(ticket, i)), "%zu bytes", i);
    }
    CU_ASSERT_FALSE(open_ticket(&back, &ring, lks_reader_of(ticket, len + 1)));
    CU_ASSERT_FALSE(open_ticket(&back, &ring, lks_reader_of(ticket, sizeof(ticket))));
    CU_ASSERT_TRUE(open_ticket(&back, &ring, lks_reader_of(ticket, len)));
}

/* Whether a ticket of one ring, as it is at a time, is opened by another's at another time. */
static bool opens(struct lks_ticket_keys *to, uint64_t to_s, struct lks_ticket_keys *from,
                  uint64_t from_s)
{
    struct lks_session s = a_session(), back;
    uint8_t ticket[LKS_TICKET_MAX];
    const struct lks_ticket_ring *ring = lks_ticket_ring_acquire(from, from_s);
    size_t len = seal(ticket, ring, &s);
    lks_ticket_ring_release(from, ring);
    ring = lks_ticket_ring_acquire(to, to_s);
    bool ok = open_ticket(&back, ring, lks_reader_of(ticket, len));
    lks_ticket_ring_release(to, ring);
    return ok;
}

static void random_keys(void)
{
    struct lks_ticket_keys a, b;
    lks_ticket_keys_init(&a);
    lks_ticket_keys_init(&b);
    CU_ASSERT_EQUAL(lks_ticket_keys_random(&a, DAY, NOW), LKS_OK);
    CU_ASSERT_EQUAL(lks_ticket_keys_random(&b, DAY, NOW), LKS_OK);
    CU_ASSERT_TRUE(opens(&a, NOW, &a, NOW));
    CU_ASSERT_FALSE(opens(&b, NOW, &a, NOW));
    CU_ASSERT_TRUE(opens(&a, NOW + 2 * DAY - 1, &a, NOW + DAY - 1));
    /* The turn came with the last look, at NOW + 2 days - 1; another one a day later. */
    CU_ASSERT_TRUE(opens(&a, NOW + 3 * DAY, &a, NOW + 2 * DAY));
    /* Nobody came for two days: the old key is gone. */
    CU_ASSERT_FALSE(opens(&a, NOW + 6 * DAY, &a, NOW + 3 * DAY));
    /* A new beginning forgets what was. */
    CU_ASSERT_TRUE(opens(&a, NOW + 6 * DAY, &a, NOW + 6 * DAY));
    struct lks_ticket_ring before = *lks_ticket_ring_acquire(&a, NOW + 6 * DAY);
    CU_ASSERT_EQUAL(lks_ticket_keys_random(&a, DAY, NOW + 6 * DAY), LKS_OK);
    const struct lks_ticket_ring *after = lks_ticket_ring_acquire(&a, NOW + 6 * DAY);
    LKS_CHECK(after->num_keys == 1 && memcmp(&after->keys[0], &before.keys[0], 48) != 0, "keys");
    lks_ticket_keys_wipe(&a);
    lks_ticket_keys_wipe(&b);
}

static void derived_keys(void)
{
    static const uint8_t secret[48] = {1, 2, 3}, other[48] = {1, 2, 4};
    const uint64_t t = NOW / DAY * DAY;
    struct lks_ticket_keys a, b, c, d;
    struct lks_ticket_keys *all[] = {&a, &b, &c, &d};
    for (unsigned int i = 0; i < 4; i++)
        lks_ticket_keys_init(all[i]);
    CU_ASSERT_EQUAL(lks_ticket_keys_derive(&a, secret, 48, DAY, t), LKS_OK);
    CU_ASSERT_EQUAL(lks_ticket_keys_derive(&b, secret, 48, DAY, t + 5), LKS_OK);
    CU_ASSERT_EQUAL(lks_ticket_keys_derive(&c, other, 48, DAY, t), LKS_OK);
    CU_ASSERT_EQUAL(lks_ticket_keys_derive(&d, secret, 47, DAY, t), LKS_OK);
    CU_ASSERT_TRUE(opens(&b, t, &a, t));
    CU_ASSERT_FALSE(opens(&c, t, &a, t));
    CU_ASSERT_FALSE(opens(&d, t, &a, t));
    /* A clock behind, and one ahead; but not by two periods. */
    CU_ASSERT_TRUE(opens(&b, t, &a, t + DAY));
    CU_ASSERT_TRUE(opens(&b, t + 2 * DAY, &a, t + DAY));
    CU_ASSERT_FALSE(opens(&b, t + 3 * DAY, &a, t + DAY));
    const struct lks_ticket_ring *at = lks_ticket_ring_acquire(&a, t + DAY);
    struct lks_ticket_ring was = *at;
    lks_ticket_ring_release(&a, at);
    at = lks_ticket_ring_acquire(&a, t + 2 * DAY);
    LKS_CHECK(memcmp(&at->keys[1], &was.keys[0], 48) == 0, "the current key becomes the previous");
    LKS_CHECK(memcmp(&at->keys[0], &was.keys[2], 48) == 0, "the next key becomes the current");
    lks_ticket_ring_release(&a, at);
    for (unsigned int i = 0; i < 4; i++)
        lks_ticket_keys_wipe(all[i]);
}

#define N1 "00112233445566778899aabbccddeeff"
#define N2 "10112233445566778899AABBCCDDEEFF"
#define N3 "20112233445566778899aabbccddeeff"
#define K1 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define K2 "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void file_text(void)
{
    static const struct {
        const char *text, *says; /* NULL: good */
        uint32_t num_keys;
    } rows[] = {
        {"current " N1 " " K1 "\n", NULL, 1},
        {"current " N1 " " K1, NULL, 1},
        {"# keys\n\n  previous\t" N2 " " K2 " # old\r\ncurrent " N1 " " K1 "\nnext " N3 " " K2 "\n",
         NULL, 3},
        {"", "line 0: the file ends without a current key", 0},
        {"\n#\n", "line 2: the file ends without a current key", 0},
        {"next " N1 " " K1 "\n", "line 1: the file ends without a current key", 0},
        {"current " N1 " " K1 "\ncurrent " N2 " " K2 "\n", "line 2: a second current key", 0},
        {"current " N1 " " K1 "\nnext " N1 " " K2 "\n", "line 2: the name is another key's", 0},
        {"next " N1 " " K1 "\ncurrent " N1 " " K2 "\n", "line 2: the name is another key's", 0},
        {"old " N1 " " K1 "\n", "line 1: a line begins with", 0},
        {"current " N1 "\n", "line 1: wanted a role", 0},
        {"current " N1 " " K1 " x\n", "line 1: wanted a role", 0},
        {"current " N1 "0 " K1 "\n", "line 1: the name is not 32 hex digits", 0},
        {"current " K1 " " N1 "\n", "line 1: the name is not 32 hex digits", 0},
        {"current " N1 " " K1 "0\n", "line 1: the key is not 64 hex digits", 0},
        {"current " N1 " x" K1 "\n", "line 1: the key is not 64 hex digits", 0},
        {"current g0112233445566778899aabbccddeeff " K1 "\n", "line 1: the name is not", 0},
    };
    struct lks_ticket_ring ring;
    struct lks_error err;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(err.text, sizeof(err.text), "nothing");
        enum lks_status status =
            lks_ticket_file_parse(&ring, rows[i].text, strlen(rows[i].text), "keys.txt", &err);
        if (rows[i].says)
            LKS_CHECK(status == LKS_BAD_CONFIG && strstr(err.text, "keys.txt: line ") == err.text &&
                          strstr(err.text, rows[i].says) && !ring.num_keys,
                      "row %zu: %s", i, err.text);
        else
            LKS_CHECK(!status && ring.num_keys == rows[i].num_keys && ring.keys[0].name[0] == 0 &&
                          ring.keys[0].key[1] == 0x23,
                      "row %zu: %s", i, err.text);
    }
    char many[2048] = "current " N1 " " K1 "\n";
    for (unsigned int i = 1; i < 9; i++) {
        size_t at = strlen(many);
        snprintf(many + at, sizeof(many) - at, "previous %02x%s " K2 "\n", i, &N1[2]);
        LKS_CHECK(lks_ticket_file_parse(&ring, many, strlen(many), "k", &err) ==
                      (i < 8 ? LKS_OK : LKS_BAD_CONFIG),
                  "%u keys", 1 + i);
    }
}

static void put_file(const char *file, const char *text)
{
    char new_file[128];
    snprintf(new_file, sizeof(new_file), "%s.new", file);
    FILE *f = fopen(new_file, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_TRUE(fputs(text, f) >= 0);
    CU_ASSERT_EQUAL(fclose(f), 0);
    CU_ASSERT_EQUAL(rename(new_file, file), 0);
}

static uint8_t first_key(struct lks_config *config)
{
    const struct lks_ticket_ring *ring = lks_ticket_ring_acquire(&config->memory->keys, NOW);
    uint8_t first = ring->num_keys ? ring->keys[0].key[0] : 0xff;
    lks_ticket_ring_release(&config->memory->keys, ring);
    return first;
}

static void file_read_again(void)
{
    char dir[] = "/tmp/lks-tickets-XXXXXX", file[64];
    struct lks_config *config;
    struct lks_error err;
    bool changed;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/keys", dir);
    config = config_new();
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(config->memory, &changed, &err), LKS_OK);
    CU_ASSERT_FALSE(changed);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_keys(config->memory, lks_from_file(file), &err),
                    LKS_BAD_CONFIG);
    LKS_CHECK(strstr(err.text, file) == err.text, "%s", err.text);
    put_file(file, "current " N1 " " K1 "\n");
    CU_ASSERT_EQUAL(lks_memory_set_ticket_keys(config->memory, lks_from_file(file), &err), LKS_OK);
    CU_ASSERT_EQUAL(first_key(config), 0x01);
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(config->memory, &changed, &err), LKS_OK);
    CU_ASSERT_FALSE(changed);
    put_file(file, "current " N2 " " K2 "\nprevious " N1 " " K1 "\n");
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(config->memory, &changed, &err), LKS_OK);
    CU_ASSERT_TRUE(changed);
    CU_ASSERT_EQUAL(first_key(config), 0x11);
    /* A bad one is complained about once, and changes nothing. */
    put_file(file, "current " N2 "\n");
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(config->memory, &changed, &err), LKS_BAD_CONFIG);
    LKS_CHECK(strstr(err.text, "line 1") && strstr(err.text, "; the keys read before stay in use"),
              "%s", err.text);
    CU_ASSERT_FALSE(changed);
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(config->memory, &changed, &err), LKS_OK);
    CU_ASSERT_FALSE(changed);
    CU_ASSERT_EQUAL(first_key(config), 0x11);
    put_file(file, "next\n"); /* nobody wants to hear of it */
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(config->memory, NULL, NULL), LKS_BAD_CONFIG);
    CU_ASSERT_EQUAL(first_key(config), 0x11);
    /* So is one that is not there, or cannot be read. */
    CU_ASSERT_EQUAL(unlink(file), 0);
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(config->memory, &changed, &err), LKS_BAD_CONFIG);
    LKS_CHECK(strstr(err.text, file) == err.text, "%s", err.text);
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(config->memory, &changed, &err), LKS_OK);
    CU_ASSERT_FALSE(changed);
    CU_ASSERT_EQUAL(symlink("keys", file), 0); /* to itself: nobody can open it, root included */
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(config->memory, &changed, &err), LKS_BAD_CONFIG);
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(config->memory, &changed, &err), LKS_OK);
    CU_ASSERT_FALSE(changed);
    CU_ASSERT_EQUAL(unlink(file), 0);
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(config->memory, &changed, &err), LKS_BAD_CONFIG);
    CU_ASSERT_EQUAL(first_key(config), 0x11);
    put_file(file, "current " N1 " " K1 "\n");
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(config->memory, &changed, &err), LKS_OK);
    CU_ASSERT_TRUE(changed);
    CU_ASSERT_EQUAL(first_key(config), 0x01);
    /* Other keys forget the file. */
    CU_ASSERT_EQUAL(lks_memory_set_ticket_random(config->memory, 3600, NULL), LKS_OK);
    put_file(file, "current " N2 " " K2 "\n");
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(config->memory, &changed, &err), LKS_OK);
    CU_ASSERT_FALSE(changed);
    lks_config_free(config);
    unlink(file);
    rmdir(dir);
}

/* While all slots but one are looked at, a change waits; afterwards the old keys are wiped. */
static void looks_hold_a_ring(void)
{
    struct lks_ticket_keys keys;
    const struct lks_ticket_ring *looks[LKS_TICKET_SLOTS];
    lks_ticket_keys_init(&keys);
    for (uint8_t i = 0; i < LKS_TICKET_SLOTS; i++) {
        struct lks_ticket_ring ring = ring_of(i, 2);
        enum lks_status status = lks_ticket_ring_publish(&keys, &ring);
        CU_ASSERT_EQUAL(status, LKS_OK);
        looks[i] = lks_ticket_ring_acquire(&keys, NOW);
        CU_ASSERT_EQUAL(looks[i]->keys[0].key[0], i);
    }
    struct lks_ticket_ring ring = ring_of(9, 2);
    CU_ASSERT_EQUAL(lks_ticket_ring_publish(&keys, &ring), LKS_WANT_ROOM);
    for (uint8_t i = 0; i < LKS_TICKET_SLOTS; i++)
        CU_ASSERT_EQUAL(looks[i]->keys[0].key[0], i);
    lks_ticket_ring_release(&keys, looks[1]);
    CU_ASSERT_EQUAL(lks_ticket_ring_publish(&keys, &ring), LKS_OK);
    CU_ASSERT_EQUAL(lks_ticket_ring_publish(&keys, &ring), LKS_WANT_ROOM);
    lks_ticket_ring_release(&keys, looks[0]);
    lks_ticket_ring_release(&keys, looks[2]);
    lks_ticket_ring_release(&keys, looks[3]);
    bool changed;
    struct lks_error err;
    CU_ASSERT_EQUAL(lks_ticket_keys_reload(&keys, &changed, &err), LKS_OK);
    for (unsigned int i = 0; i < LKS_TICKET_SLOTS; i++)
        LKS_CHECK(keys.slots[i].ring.num_keys == 0 || keys.slots[i].ring.keys[0].key[0] == 9,
                  "slot %u still has keys", i);
    lks_ticket_keys_wipe(&keys);
}

/* Where there is no room for a new source's keys all stays as it was, also when the next ones are
 * due. */
static void no_room_for_a_source(void)
{
    static const uint8_t ours[32] = {1}, other[32] = {2};
    static const char text[] = "current 00000000000000000000000000000000 "
                               "0000000000000000000000000000000000000000000000000000000000000000\n";
    const struct lks_source source = lks_from_memory("keys", text, sizeof(text) - 1);
    struct lks_ticket_keys keys, same;
    const struct lks_ticket_ring *looks[LKS_TICKET_SLOTS];
    struct lks_error err;
    lks_ticket_keys_init(&keys);
    lks_ticket_keys_init(&same);
    for (unsigned int i = 0; i < LKS_TICKET_SLOTS; i++) {
        CU_ASSERT_EQUAL(lks_ticket_keys_derive(&keys, ours, 32, DAY, NOW), LKS_OK);
        looks[i] = lks_ticket_ring_acquire(&keys, NOW);
    }
    CU_ASSERT_EQUAL(lks_ticket_keys_load(&keys, &source, &err), LKS_WANT_ROOM);
    CU_ASSERT_EQUAL(lks_ticket_keys_derive(&keys, other, 32, 60, NOW), LKS_WANT_ROOM);
    CU_ASSERT_EQUAL(lks_ticket_keys_random(&keys, 60, NOW), LKS_WANT_ROOM);
    for (unsigned int i = 0; i < LKS_TICKET_SLOTS; i++)
        lks_ticket_ring_release(&keys, looks[i]);
    CU_ASSERT_EQUAL(lks_ticket_keys_derive(&same, ours, 32, DAY, NOW + DAY), LKS_OK);
    const struct lks_ticket_ring *a = lks_ticket_ring_acquire(&keys, NOW + DAY),
                                 *b = lks_ticket_ring_acquire(&same, NOW + DAY);
    CU_ASSERT_EQUAL(memcmp(a, b, sizeof(*a)), 0);
    lks_ticket_keys_wipe(&keys);
    lks_ticket_keys_wipe(&same);
}

struct turning {
    struct lks_ticket_keys keys;
    atomic_bool stop;
    atomic_uint num_mixed, num_looks;
};

static void *look_and_look(void *arg)
{
    struct turning *t = arg;
    while (!atomic_load(&t->stop)) {
        const struct lks_ticket_ring *ring = lks_ticket_ring_acquire(&t->keys, NOW);
        for (uint32_t i = 0; i < ring->num_keys; i++)
            if (memcmp(ring->keys[i].name, ring->keys[i].key, LKS_TICKET_NAME_LEN) != 0 ||
                ring->keys[i].key[0] != (uint8_t)(ring->keys[0].key[0] + i))
                atomic_fetch_add(&t->num_mixed, 1);
        lks_ticket_ring_release(&t->keys, ring);
        atomic_fetch_add(&t->num_looks, 1);
    }
    return NULL;
}

/* Two cores look while a third changes the ring: nobody sees half of one. */
static void turned_while_looked_at(void)
{
    static struct turning t;
    pthread_t threads[2];
    uint32_t num_turns = 0;
    lks_ticket_keys_init(&t.keys);
    for (unsigned int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, look_and_look, &t), 0);
    for (uint32_t i = 0; num_turns < 3000 || atomic_load(&t.num_looks) < 3000; i++) {
        struct lks_ticket_ring ring = ring_of((uint8_t)i, LKS_TICKET_RING_MAX);
        num_turns += lks_ticket_ring_publish(&t.keys, &ring) == LKS_OK;
    }
    atomic_store(&t.stop, true);
    for (unsigned int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    LKS_CHECK(atomic_load(&t.num_mixed) == 0, "%u of %u looks", t.num_mixed, t.num_looks);
    lks_ticket_keys_wipe(&t.keys);
}

/* RFC 8446 sections 4.2.11 and 4.6.1 among them: a PSK has one of two hashes, a ticket seven days.
 * [8446 4.2.11-2 4.6.1-4] */
static void bad_settings(void)
{
    static const uint8_t bytes[256];
    struct lks_config *config;
    config = config_new();
    CU_ASSERT_EQUAL(lks_memory_set_ticket_random(config->memory, 59, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_random(config->memory, 604801, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(config->memory, bytes, 31, 60, NULL),
                    LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(config->memory, bytes, 65, 60, NULL),
                    LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(config->memory, bytes, 64, 604800, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_tickets(config->policy, 5, 60, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_policy_set_tickets(config->policy, 1, 0, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_policy_set_tickets(config->policy, 1, 604801, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_policy_set_tickets(config->policy, 4, 604800, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_psk_modes(config->policy, false, false, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_identities_add_psk(config->identities, bytes, 0, bytes, 32, "SHA256", NULL),
                    LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(
        lks_identities_add_psk(config->identities, bytes, 256, bytes, 32, "SHA256", NULL),
        LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_identities_add_psk(config->identities, bytes, 1, bytes, 15, "SHA256", NULL),
                    LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_identities_add_psk(config->identities, bytes, 1, bytes, 65, "SHA256", NULL),
                    LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_identities_add_psk(config->identities, bytes, 1, bytes, 32, "SHA1", NULL),
                    LKS_BAD_ARGUMENT);
    for (unsigned int i = 1; i <= 9; i++)
        LKS_CHECK(lks_identities_add_psk(config->identities, bytes, i, bytes, 64, "SHA384", NULL) ==
                      (i <= 8 ? LKS_OK : LKS_BAD_ARGUMENT),
                  "key %u", i);
    CU_ASSERT_EQUAL(lks_identities_add_psk(config->identities, bytes, 3, bytes, 32, "SHA256", NULL),
                    LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(set_early_data(config, 1, 999, 64), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(set_early_data(config, 1, 60001, 64), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(set_early_data(config, 1, 1000, 63), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(set_early_data(config, 1, 1000, (1u << 24) + 1), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(set_early_data(config, 1, 60000, 64), LKS_OK);
    lks_config_free(config);
}

const struct lks_test ticket_tests[] = {
    {"session, there and back", session_there_and_back},
    {"session that makes no sense", session_that_makes_no_sense},
    {"session's time", session_time},
    {"ticket, there and back", ticket_there_and_back},
    {"ticket, changed anywhere", ticket_changed},
    {"random keys", random_keys},
    {"derived keys", derived_keys},
    {"text of a key file", file_text},
    {"key file read again", file_read_again},
    {"looks hold a ring", looks_hold_a_ring},
    {"no room for a source", no_room_for_a_source},
    {"turned while looked at", turned_while_looked_at},
    {"settings out of range", bad_settings},
    {NULL, NULL}};
