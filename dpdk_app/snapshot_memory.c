/* SPDX-License-Identifier: BSD-3-Clause */

/* What is remembered from one connection to the next, as a configuration has it. It is made once:
 * reloads go on with it. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "snapshot.h"

#define SECRET_MIN     32u
#define SECRET_MAX     64u
#define COOKIE_KEY_LEN 32u

/* What a file's secret bytes are for. */
struct secret {
    const struct conf_sessions *from;
    size_t member;
    const char *path;
    size_t low, high;
};

/* How many there are; 0: complained about. */
static size_t read_secret(uint8_t bytes[SECRET_MAX + 1], const struct secret *secret,
                          struct complaints *c)
{
    const struct conf_head *head = &secret->from->head;
    const struct place *place = conf_place(head, secret->member);
    const char *key = conf_key_name(head, secret->member);
    const int fd = open(secret->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    const ssize_t len = fd < 0 ? -1 : read(fd, bytes, SECRET_MAX + 1);
    if (len < 0)
        complain(c, place, key, secret->path, "%s", strerror(errno));
    else if ((size_t)len < secret->low || (size_t)len > secret->high)
        complain(c, place, key, secret->path,
                 "it has to be %zu%s%s bytes, from a good random "
                 "source: head -c 32 /dev/urandom",
                 secret->low, secret->low == secret->high ? "" : " to ",
                 secret->low == secret->high ? "" : "64");
    if (fd >= 0)
        close(fd);
    return len >= (ssize_t)secret->low && len <= (ssize_t)secret->high ? (size_t)len : 0;
}

static void complain_of(const struct conf_sessions *from, size_t member, enum lks_status status,
                        const struct lks_error *err, struct complaints *c)
{
    if (status == LKS_NO_MEMORY)
        complain_of_memory(c);
    else if (status)
        complain(c, conf_place(&from->head, member), conf_key_name(&from->head, member), NULL, "%s",
                 err->text);
}

static void set_ticket_keys(struct lks_memory *memory, const struct conf_sessions *from,
                            struct complaints *c)
{
    const struct secret secret = {from, offsetof(struct conf_sessions, ticket_secret),
                                  from->ticket_secret, SECRET_MIN, SECRET_MAX};
    uint8_t bytes[SECRET_MAX + 1];
    struct lks_error err;
    if (from->ticket_keys) {
        complain_of(from, offsetof(struct conf_sessions, ticket_keys),
                    lks_memory_set_ticket_keys(memory, lks_from_file(from->ticket_keys), &err),
                    &err, c);
    } else if (from->ticket_secret) {
        const size_t len = read_secret(bytes, &secret, c);
        if (len)
            complain_of(
                from, secret.member,
                lks_memory_set_ticket_secret(memory, bytes, len, from->ticket_period_s, &err), &err,
                c);
        explicit_bzero(bytes, sizeof(bytes));
    } else {
        complain_of(from, offsetof(struct conf_sessions, ticket_period_s),
                    lks_memory_set_ticket_random(memory, from->ticket_period_s, &err), &err, c);
    }
}

static void set_cookie_key(struct lks_memory *memory, const struct conf_sessions *from,
                           struct complaints *c)
{
    const struct secret secret = {from, offsetof(struct conf_sessions, cookie_key),
                                  from->cookie_key, COOKIE_KEY_LEN, COOKIE_KEY_LEN};
    uint8_t bytes[SECRET_MAX + 1];
    struct lks_error err;
    if (from->cookie_key && read_secret(bytes, &secret, c))
        complain_of(from, secret.member, lks_memory_set_cookie_key(memory, bytes, &err), &err, c);
    explicit_bzero(bytes, sizeof(bytes));
}

struct lks_memory *snapshot_memory_new(const struct conf *conf, struct complaints *c)
{
    const struct conf_sessions *from = &conf->sessions;
    const uint32_t before = c->num;
    struct lks_memory *memory;
    struct lks_error err;
    if (lks_memory_new(&memory)) {
        complain_of_memory(c);
        return NULL;
    }
    set_ticket_keys(memory, from, c);
    set_cookie_key(memory, from, c);
    complain_of(from, offsetof(struct conf_sessions, cache),
                lks_memory_set_session_cache(memory, from->cache, &err), &err, c);
    /* a reload may turn early data on */
    complain_of(from, offsetof(struct conf_sessions, replay_hellos),
                lks_memory_set_replay(memory, from->replay_window_ms, from->replay_hellos, &err),
                &err, c);
    if (c->num == before)
        return memory;
    lks_memory_free(memory);
    return NULL;
}
