/* SPDX-License-Identifier: BSD-3-Clause */

/* A policy's log of secrets. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/complain.h"
#include "base/ct.h"
#include "handshake/config.h"

static enum lks_status open_log(int *out, const char *file, struct lks_error *err)
{
    struct stat st;
    if (!file)
        return lks_complain(err, "key log: no file is named; name one");
    const int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    *out = fd;
    if (fd < 0 || fstat(fd, &st) != 0)
        lks_complain(
            err, "%s: cannot append to the key log: %s; name a file that this process may write to",
            file, strerror(errno));
    else if (S_ISREG(st.st_mode) && st.st_mode & 077)
        lks_complain(err, "%s: others may read or write this key log (mode %04o); chmod 600 it",
                     file, (unsigned int)(st.st_mode & 07777));
    else
        return LKS_OK;
    if (fd >= 0)
        close(fd);
    return LKS_BAD_CONFIG;
}

enum lks_status lks_policy_set_key_log(struct lks_policy *policy, const char *file,
                                       struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    int fd = -1;
    status = open_log(&fd, file, err);
    if (!status) {
        if (policy->key_log >= 0)
            close(policy->key_log);
        policy->key_log = fd;
    }
    return lks_part_end(&policy->part, status, err);
}

enum lks_status lks_policy_queue_key_log(struct lks_policy *policy,
                                         void (*queue)(void *user, const char *line, size_t len),
                                         void *user, struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    policy->key_log_queue = queue;
    policy->key_log_user = user;
    return lks_part_end(&policy->part, LKS_OK, err);
}

/* A line is one write(2): lines of several cores and processes do not mix, and no buffer keeps a
 * secret. */
enum lks_status lks_policy_write_key_log(const struct lks_policy *policy, const char *line,
                                         size_t len)
{
    const int before = errno;
    const ssize_t written = policy->key_log < 0 ? -1 : write(policy->key_log, line, len);
    const bool waits = written < 0 && policy->key_log >= 0 && errno == EAGAIN;
    errno = before;
    if (waits)
        return LKS_WANT_ROOM;
    return written == (ssize_t)len ? LKS_OK : LKS_INTERNAL;
}

static void write_hex(struct lks_writer *w, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        lks_write_u8(w, (uint8_t)digits[bytes[i] >> 4]);
        lks_write_u8(w, (uint8_t)digits[bytes[i] & 15]);
    }
}

/* A log that cannot be written stops no connection. */
void lks_config_log_secret(const struct lks_config *config, const char *label,
                           const uint8_t random[32], const uint8_t *secret, size_t secret_len)
{
    const struct lks_policy *policy = config->policy;
    uint8_t line[LKS_KEY_LOG_LINE_MAX];
    struct lks_writer w = lks_writer_of(line, sizeof(line));
    if (policy->key_log < 0 && !policy->key_log_queue)
        return;
    lks_write_bytes(&w, label, strlen(label));
    lks_write_u8(&w, ' ');
    write_hex(&w, random, 32);
    lks_write_u8(&w, ' ');
    write_hex(&w, secret, secret_len);
    lks_write_u8(&w, '\n');
    if (!w.failed && policy->key_log_queue)
        policy->key_log_queue(policy->key_log_user, (const char *)line, w.len);
    else if (!w.failed && lks_policy_write_key_log(policy, (const char *)line, w.len))
        w.failed = true;
    lks_wipe(line, sizeof(line));
}
