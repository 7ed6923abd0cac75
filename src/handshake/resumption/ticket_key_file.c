/* SPDX-License-Identifier: BSD-3-Clause */

/* The file of ticket keys: include/lockstep/memory.h describes it for its writers. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/complain.h"
#include "base/ct.h"
#include "handshake/resumption/ticket_keys.h"
#include "handshake/source.h"

#define FIELDS_MAX 3u

struct field {
    const char *at;
    size_t len;
};

/* Where a message points to. */
struct place {
    const char *name;
    unsigned int line;
    struct lks_error *err;
};

static enum lks_status bad(const struct place *at, const char *what)
{
    return lks_complain(at->err, "%s: line %u: %s", at->name, at->line, what);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hex(const struct field *f, uint8_t *out, size_t len)
{
    if (f->len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(f->at[2 * i]), low = hex_digit(f->at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* The words of a line up to a '#'; more than FIELDS_MAX count as one more. */
static size_t split(const char *line, size_t len, struct field fields[FIELDS_MAX])
{
    size_t num = 0, i = 0;
    while (i < len && line[i] != '#') {
        if (line[i] == ' ' || line[i] == '\t' || line[i] == '\r') {
            i++;
            continue;
        }
        size_t begin = i;
        while (i < len && !memchr(" \t\r#", line[i], 4))
            i++;
        if (num == FIELDS_MAX)
            return FIELDS_MAX + 1;
        fields[num++] = (struct field){line + begin, i - begin};
    }
    return num;
}

static bool is(const struct field *f, const char *word)
{
    return f->len == strlen(word) && memcmp(f->at, word, f->len) == 0;
}

static bool name_is_taken(const struct lks_ticket_ring *ring, bool has_current, const uint8_t *name)
{
    for (uint32_t i = has_current ? 0 : 1; i < ring->num_keys; i++)
        if (memcmp(ring->keys[i].name, name, LKS_TICKET_NAME_LEN) == 0)
            return true;
    return false;
}

static enum lks_status read_line(struct lks_ticket_key *key, const struct lks_ticket_ring *ring,
                                 bool has_current, const struct field fields[FIELDS_MAX],
                                 size_t num_fields, const struct place *at)
{
    const bool current = is(&fields[0], "current");
    if (!current && !is(&fields[0], "previous") && !is(&fields[0], "next"))
        return bad(
            at, "a line begins with current, previous, next or #; make this one so or remove it");
    if (num_fields != FIELDS_MAX)
        return bad(at, "wanted a role, a name of 32 hex digits and a key of 64, nothing more; "
                       "write the line so");
    if (!read_hex(&fields[1], key->name, sizeof(key->name)))
        return bad(at, "the name is not 32 hex digits; `openssl rand -hex 16` makes one");
    if (!read_hex(&fields[2], key->key, sizeof(key->key)))
        return bad(at, "the key is not 64 hex digits; `openssl rand -hex 32` makes one");
    if (current && has_current)
        return bad(at, "a second current key; make the older one previous");
    if (name_is_taken(ring, has_current, key->name))
        return bad(at, "the name is another key's, too; give each key its own");
    if (!current && ring->num_keys == LKS_TICKET_RING_MAX)
        return bad(at, "more than eight keys; remove those whose tickets have expired");
    return LKS_OK;
}

/* keys[0] is kept for the current key; the others follow in the file's order. */
static enum lks_status add_line(struct lks_ticket_ring *ring, bool *has_current,
                                const struct field fields[FIELDS_MAX], size_t num_fields,
                                const struct place *at)
{
    struct lks_ticket_key key;
    enum lks_status status = read_line(&key, ring, *has_current, fields, num_fields, at);
    if (!status) {
        const bool current = is(&fields[0], "current");
        ring->keys[current ? 0 : ring->num_keys++] = key;
        *has_current |= current;
    }
    lks_wipe(&key, sizeof(key));
    return status;
}

enum lks_status lks_ticket_file_parse(struct lks_ticket_ring *ring, const char *text, size_t len,
                                      const char *name, struct lks_error *err)
{
    struct place at = {name, 0, err};
    bool has_current = false;
    enum lks_status status = LKS_OK;
    memset(ring, 0, sizeof(*ring));
    ring->until_s = UINT64_MAX;
    ring->num_keys = 1;
    while (len && !status) {
        const char *end = memchr(text, '\n', len);
        size_t line_len = end ? (size_t)(end - text) : len;
        struct field fields[FIELDS_MAX] = {0};
        at.line++;
        size_t num = split(text, line_len, fields);
        if (num)
            status = add_line(ring, &has_current, fields, num, &at);
        line_len += end != NULL;
        text += line_len;
        len -= line_len;
    }
    if (!status && !has_current)
        status = bad(&at, "the file ends without a current key; one line must have that role");
    if (status)
        lks_wipe(ring, sizeof(*ring));
    return status;
}

static enum lks_status unreadable(const char *file, struct lks_error *err)
{
    return lks_complain(
        err, "%s: cannot read the ticket keys: %s; put the file there, readable for this process",
        file, strerror(errno));
}

static enum lks_status parse_marked(struct lks_ticket_ring *ring, struct lks_reader text,
                                    const char *file, struct lks_error *err)
{
    text = lks_source_skip_mark(text);
    return lks_ticket_file_parse(ring, (const char *)text.data, text.len, file, err);
}

static enum lks_status read_open(struct lks_ticket_ring *ring, int fd, const char *file,
                                 struct lks_error *err)
{
    char text[LKS_TICKET_FILE_MAX + 1];
    size_t len = 0;
    ssize_t n;
    enum lks_status status;
    do {
        n = read(fd, text + len, sizeof(text) - len);
        len += n < 0 ? 0 : (size_t)n;
    } while ((n > 0 && len < sizeof(text)) || (n < 0 && errno == EINTR));
    if (n < 0)
        status = unreadable(file, err);
    else if (len > LKS_TICKET_FILE_MAX)
        status = lks_complain(
            err, "%s: longer than 16 KiB; is it a file of ticket keys? Such a file has eight lines",
            file);
    else
        status = parse_marked(ring, lks_reader_of((const uint8_t *)text, len), file, err);
    lks_wipe(text, sizeof(text));
    return status;
}

static struct lks_file_mark mark_of(const struct stat *st)
{
    return (struct lks_file_mark){(uint64_t)st->st_dev, (uint64_t)st->st_ino, (uint64_t)st->st_size,
                                  (uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec};
}

/* A file that cannot be read is in a state, too: no inode, and the cause. */
static struct lks_file_mark mark_of_failure(int cause)
{
    return (struct lks_file_mark){.size = (uint64_t)cause};
}

enum lks_status lks_ticket_file_read(struct lks_ticket_ring *ring, struct lks_file_mark *mark,
                                     bool *same, const struct lks_file_mark *known,
                                     const char *file, struct lks_error *err)
{
    struct stat st;
    memset(ring, 0, sizeof(*ring));
    *mark = stat(file, &st) == 0 ? mark_of(&st) : mark_of_failure(errno);
    *same = memcmp(mark, known, sizeof(*mark)) == 0;
    if (*same)
        return LKS_OK;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    /* Of the file that is read, and before reading: a later change shows. */
    if (fd < 0 || fstat(fd, &st)) {
        *mark = mark_of_failure(errno);
        *same = memcmp(mark, known, sizeof(*mark)) == 0;
        enum lks_status status = *same ? LKS_OK : unreadable(file, err);
        if (fd >= 0)
            close(fd);
        return status;
    }
    *mark = mark_of(&st);
    enum lks_status status = read_open(ring, fd, file, err);
    close(fd);
    return status;
}
