/* SPDX-License-Identifier: BSD-3-Clause */
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes of the character at p, by RFC 3629 section 4; 0: none. */
static size_t character_len(const unsigned char *p, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, len;
    } rows[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const size_t len = rows[i].len;
        if (*p < rows[i].first_low || *p > rows[i].first_high)
            continue;
        if (len > left || (len > 1 && (p[1] < rows[i].second_low || p[1] > rows[i].second_high)))
            return 0;
        for (size_t at = 2; at < len; at++)
            if (p[at] < 0x80 || p[at] > 0xbf)
                return 0;
        return len;
    }
    return 0;
}

/* NULL, or what is wrong with the character at p. */
static const char *wrong_character(const unsigned char *p, size_t len)
{
    if (!len)
        return "this is not UTF-8; save the file in that encoding";
    if (*p == 0)
        return "a zero byte: this is no text, or was damaged";
    if ((*p < ' ' && *p != '\n' && *p != '\r' && *p != '\t') || *p == 0x7f)
        return "a control character; take it out";
    return NULL;
}

int text_check(struct complaints *c, const char *path, const char *bytes, size_t len)
{
    struct place place = {.file = path, .line = 1, .column = 1};
    const unsigned char *p = (const unsigned char *)bytes, *end = p + len;
    if (!len) {
        place.line = 0;
        complain(c, &place, NULL, NULL, "it is empty; a configuration has frontends and pools");
        return -1;
    }
    while (p < end) {
        const size_t character = character_len(p, (size_t)(end - p));
        const char *wrong = wrong_character(p, character);
        if (wrong) {
            complain(c, &place, NULL, NULL, "%s", wrong);
            return -1;
        }
        place.column++;
        if (*p == '\n') {
            place.line++;
            place.column = 1;
        }
        p += character;
    }
    return 0;
}

/* All of a file that may grow meanwhile. -1: errno says why; 1: there is more than len. */
static int read_all(int fd, char *bytes, size_t len, size_t *num)
{
    for (*num = 0; *num <= len;) {
        const ssize_t got = read(fd, bytes + *num, len + 1 - *num);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            return 0;
        *num += (size_t)got;
    }
    return 1;
}

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode)    ? "a folder"
           : S_ISFIFO(mode) ? "a FIFO"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

static int read_open(struct text *out, struct arena *arena, struct complaints *c, int fd,
                     const char *path, const struct place *asker, size_t *budget)
{
    struct stat about;
    if (fstat(fd, &about)) {
        complain(c, asker, NULL, path, "%s", strerror(errno));
        return -1;
    }
    if (!S_ISREG(about.st_mode)) {
        complain(c, asker, NULL, path, "this is %s; name a file", kind_of(about.st_mode));
        return -1;
    }
    const size_t len = about.st_size < 0 ? 0 : (size_t)about.st_size;
    char *bytes = len <= *budget ? arena_alloc(arena, len + 2) : NULL;
    if (!bytes && len <= *budget) {
        complain_of_memory(c);
        return -1;
    }
    const int rc = bytes ? read_all(fd, bytes, len, &out->len) : 1;
    if (rc < 0)
        complain(c, asker, NULL, path, "%s", strerror(errno));
    else if (rc && !bytes)
        complain(c, asker, NULL, path, "too long, a configuration has %u MiB in all; is it one?",
                 TEXT_MAX >> 20);
    else if (rc)
        complain(c, asker, NULL, path, "it grew while it was read; try again");
    if (rc)
        return -1;
    bytes[out->len] = 0;
    out->bytes = bytes;
    out->device = about.st_dev;
    out->inode = about.st_ino;
    *budget -= out->len;
    return text_check(c, path, bytes, out->len);
}

int text_read(struct text *out, struct arena *arena, struct complaints *c, const char *path,
              const struct place *asker, size_t *budget)
{
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        complain(c, asker, NULL, path, "%s", strerror(errno));
        return -1;
    }
    const int rc = read_open(out, arena, c, fd, path, asker, budget);
    close(fd);
    return rc;
}
