/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/complain.h"
#include "base/ct.h"

#define STEP_MIN 65536u

const char *lks_source_name(const struct lks_source *source)
{
    return source->name ? source->name : source->in_memory ? "memory" : "(no file)";
}

/* Not realloc(), which would leave a private key where it was. */
static bool grow(struct lks_source_bytes *b)
{
    const size_t cap = b->own_cap ? 2 * b->own_cap : STEP_MIN;
    uint8_t *bigger = malloc(cap);
    if (!bigger)
        return false;
    if (b->own) {
        memcpy(bigger, b->own, b->all.len);
        lks_wipe(b->own, b->own_cap);
        free(b->own);
    }
    b->own = bigger;
    b->own_cap = cap;
    b->all.data = bigger;
    return true;
}

/* Up to one byte more than max. libcrypto's own reading would leave a private key in stdio's
 * buffers. false: no memory, or, with *cause, it cannot be read. */
static bool read_all(struct lks_source_bytes *b, int fd, size_t max, int *cause)
{
    ssize_t n = 1;
    *cause = 0;
    while (n && b->all.len <= max) {
        if (b->all.len == b->own_cap && !grow(b))
            return false;
        n = read(fd, b->own + b->all.len, b->own_cap - b->all.len);
        if (n < 0 && errno != EINTR) {
            *cause = errno;
            return false;
        }
        b->all.len += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static enum lks_status cannot_read(struct lks_error *err, const char *path, const char *what,
                                   int cause)
{
    return lks_complain(err,
                        "%s: cannot read the %s: %s; put the file there, readable for this process",
                        path, what, strerror(cause));
}

static enum lks_status read_file(struct lks_source_bytes *b, const char *path, const char *what,
                                 size_t max, struct lks_error *err)
{
    const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (!path)
        return lks_complain(err, "no file for the %s is named; name one", what);
    if (fd < 0)
        return cannot_read(err, path, what, errno);
    int cause;
    const bool ok = read_all(b, fd, max, &cause);
    close(fd);
    if (cause)
        return cannot_read(err, path, what, cause);
    return ok ? LKS_OK : LKS_NO_MEMORY;
}

struct lks_reader lks_source_skip_mark(struct lks_reader text)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    if (text.len < sizeof(mark) || memcmp(text.data, mark, sizeof(mark)) != 0)
        return text;
    return lks_reader_of(text.data + sizeof(mark), text.len - sizeof(mark));
}

enum lks_status lks_source_read(struct lks_source_bytes *bytes, const struct lks_source *source,
                                const char *what, size_t max, struct lks_error *err)
{
    const char *name = lks_source_name(source);
    memset(bytes, 0, sizeof(*bytes));
    if (source->in_memory)
        bytes->all = lks_reader_of(source->data, source->data ? source->len : 0);
    enum lks_status status =
        source->in_memory ? LKS_OK : read_file(bytes, source->name, what, max, err);
    if (!status && bytes->all.len > max)
        return lks_complain(err,
                            "%s: longer than %zu KiB, where the %s should be; is it the right one?",
                            name, (max + 1023) / 1024, what);
    bytes->all = lks_source_skip_mark(bytes->all);
    if (!status && !bytes->all.len)
        return lks_complain(err, "%s: is empty, no %s in it; name another one", name, what);
    return status;
}

void lks_source_free(struct lks_source_bytes *bytes)
{
    if (bytes->own)
        lks_wipe(bytes->own, bytes->own_cap);
    free(bytes->own);
    memset(bytes, 0, sizeof(*bytes));
}
