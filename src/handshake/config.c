/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ct.h"
#include "handshake/certificate_file.h"
#include "handshake/errors.h"

static enum lks_status fail(struct lks_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static enum lks_status fail(struct lks_error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    return LKS_BAD_CONFIG;
}

/* In our order of preference: what is on unless suites are named, and for "old" what is not, but
 * for the short tags. */
static void set_suites_of(struct lks_config *config, bool all)
{
    size_t num = 0;
    for (const struct lks_suite *row = lks_suite_rows(); row->name; row++) {
        const bool is_ccm_8 = row->aead == LKS_AES_128_CCM_8 || row->aead == LKS_AES_256_CCM_8;
        if (row->by_default || (all && !is_ccm_8))
            config->suites[num++] = row;
    }
    config->suites[num] = NULL;
}

enum lks_status lks_config_new(struct lks_config **out)
{
    LKS_OWN_ERRORS;
    struct lks_config *config = calloc(1, sizeof(*config));
    *out = config;
    if (!config)
        return LKS_NO_MEMORY;
    atomic_init(&config->num_refs, 1);
    config->key_log = -1;
    config->min_version = LKS_TLS_1_2;
    config->max_version = LKS_TLS_1_3;
    config->record_size_limit = LKS_RECORD_SIZE_LIMIT_MAX;
    set_suites_of(config, false);
    for (unsigned int i = 0; lks_group_rows()[i].name; i++)
        config->groups[i] = &lks_group_rows()[i];
    enum lks_status status = lks_resumption_begin(&config->resumption);
    if (!status && RAND_bytes(config->cookie_key, sizeof(config->cookie_key)) != 1)
        status = LKS_INTERNAL;
    if (status) {
        lks_config_free(config);
        *out = NULL;
    }
    return status;
}

bool lks_config_speaks(const struct lks_config *config, enum lks_version version)
{
    if (version < config->min_version || version > config->max_version)
        return false;
    for (const struct lks_suite *const *s = config->suites; *s; s++)
        if ((*s)->version == version)
            return true;
    return false;
}

const struct lks_suite *lks_config_suite(const struct lks_config *config, uint16_t number)
{
    for (const struct lks_suite *const *s = config->suites; *s; s++)
        if ((*s)->number == number && lks_config_speaks(config, (*s)->version))
            return *s;
    return NULL;
}

struct lks_config *lks_config_ref(struct lks_config *config)
{
    atomic_fetch_add_explicit(&config->num_refs, 1, memory_order_relaxed);
    return config;
}

static void free_alpn(struct lks_config *config)
{
    for (unsigned int i = 0; i < LKS_LIST_MAX; i++) {
        free(config->alpn[i]);
        config->alpn[i] = NULL;
    }
}

void lks_config_free(struct lks_config *config)
{
    LKS_OWN_ERRORS;
    if (!config || atomic_fetch_sub_explicit(&config->num_refs, 1, memory_order_acq_rel) != 1)
        return;
    while (config->certificates) {
        struct lks_certificate *next = config->certificates->next;
        lks_certificate_free(config->certificates);
        config->certificates = next;
    }
    free_alpn(config);
    lks_resumption_end(&config->resumption);
    if (config->key_log >= 0)
        close(config->key_log);
    X509_STORE_free(config->trust);
    free(config->authorities);
    free(config->anchors);
    lks_wipe(config, sizeof(*config)); /* the key of cookies, and what names secrets */
    free(config);
}

uint64_t lks_config_now_ms(const struct lks_config *config)
{
    return config->verify_time ? UINT64_C(1000) * (uint64_t)config->verify_time
                               : config->resumption.now_ms();
}

enum lks_status lks_config_add_certificate(struct lks_config *config, const char *cert_file,
                                           const char *key_file, struct lks_error *err)
{
    LKS_OWN_ERRORS;
    struct lks_certificate **end = &config->certificates;
    while (*end)
        end = &(*end)->next;
    enum lks_status status = lks_certificate_load(end, cert_file, key_file, err);
    if (!status && !lks_certificate_compress(*end, config->compressions))
        status = LKS_NO_MEMORY;
    return status;
}

/* The next of a list of names separated by commas, without the blanks around it; false at its end.
 */
static bool next_name(const char **list, const char **name, size_t *len)
{
    const char *at = *list;
    at += strspn(at, ", ");
    if (!*at)
        return false;
    *name = at;
    *len = strcspn(at, ",");
    *list = at + *len;
    while (*len && (*name)[*len - 1] == ' ')
        --*len;
    return true;
}

static enum lks_status twice(struct lks_error *err, const char *what, const char *name, size_t len)
{
    return fail(err, "%s \"%.*s\" is in the list twice; name each once", what, (int)len, name);
}

enum lks_status lks_config_set_alpn(struct lks_config *config, const char *protocols,
                                    struct lks_error *err)
{
    const char *name;
    size_t len, num = 0;
    free_alpn(config);
    while (next_name(&protocols, &name, &len)) {
        if (len > 255)
            return fail(err, "ALPN protocol \"%.20s...\": a name has at most 255 bytes; shorten it",
                        name);
        for (size_t i = 0; i < num; i++)
            if (strlen(config->alpn[i]) == len && !memcmp(config->alpn[i], name, len))
                return twice(err, "ALPN protocol", name, len);
        if (num == LKS_LIST_MAX)
            return fail(err, "ALPN: more than %u protocols; leave some out", LKS_LIST_MAX);
        config->alpn[num] = strndup(name, len);
        if (!config->alpn[num++])
            return LKS_NO_MEMORY;
    }
    return num ? LKS_OK : fail(err, "ALPN: the list is empty; name at least one, as http/1.1");
}

/* Appends ", name" to a message. */
static void list_known(struct lks_error *err, const char *name, bool first)
{
    size_t at = strlen(err->text);
    snprintf(err->text + at, sizeof(err->text) - at, "%s%s", first ? "" : ", ", name);
}

enum lks_status lks_config_set_suites(struct lks_config *config, const char *suites,
                                      struct lks_error *err)
{
    const struct lks_suite *rows = lks_suite_rows();
    const char *name;
    size_t len, num = 0;
    while (next_name(&suites, &name, &len)) {
        const struct lks_suite *row = rows;
        while (row->name && (strlen(row->name) != len || memcmp(row->name, name, len)))
            row++;
        if (!row->name || num == LKS_LIST_MAX) {
            fail(err, "cipher suite \"%.*s\" is not known; known are ", (int)len, name);
            for (row = rows; row->name; row++)
                list_known(err, row->name, row == rows);
            return LKS_BAD_CONFIG;
        }
        for (size_t i = 0; i < num; i++)
            if (config->suites[i] == row)
                return twice(err, "cipher suite", name, len);
        config->suites[num++] = row;
    }
    config->suites[num] = NULL;
    return num ? LKS_OK : fail(err, "cipher suites: the list is empty; name at least one");
}

enum lks_status lks_config_set_versions(struct lks_config *config, uint16_t min, uint16_t max)
{
    if (min < LKS_TLS_1_2 || max > LKS_TLS_1_3 || min > max)
        return LKS_BAD_ARGUMENT;
    config->min_version = min;
    config->max_version = max;
    return LKS_OK;
}

enum lks_status lks_config_set_preset(struct lks_config *config, const char *preset,
                                      struct lks_error *err)
{
    static const struct {
        const char *name;
        uint16_t min_version;
        bool all;
    } presets[] = {
        {"modern", LKS_TLS_1_3, false},
        {"intermediate", LKS_TLS_1_2, false},
        {"old", LKS_TLS_1_2, true},
    };
    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
        if (strcmp(presets[i].name, preset) != 0)
            continue;
        set_suites_of(config, presets[i].all);
        return lks_config_set_versions(config, presets[i].min_version, LKS_TLS_1_3);
    }
    return fail(err, "preset \"%.40s\" is not known; known are modern, intermediate, old", preset);
}

enum lks_status lks_config_set_groups(struct lks_config *config, const char *groups,
                                      struct lks_error *err)
{
    const struct lks_group *rows = lks_group_rows();
    const char *name;
    size_t len, num = 0;
    while (next_name(&groups, &name, &len)) {
        const struct lks_group *row = rows;
        while (row->name && (strlen(row->name) != len || memcmp(row->name, name, len)))
            row++;
        if (!row->name || num == LKS_LIST_MAX) {
            fail(err, "group \"%.*s\" is not known; known are ", (int)len, name);
            for (row = rows; row->name; row++)
                list_known(err, row->name, row == rows);
            return LKS_BAD_CONFIG;
        }
        for (size_t i = 0; i < num; i++)
            if (config->groups[i] == row)
                return twice(err, "group", name, len);
        config->groups[num++] = row;
    }
    config->groups[num] = NULL;
    return num ? LKS_OK : fail(err, "groups: the list is empty; name at least one");
}

void lks_config_set_cookie_key(struct lks_config *config, const uint8_t key[32])
{
    memcpy(config->cookie_key, key, sizeof(config->cookie_key));
}

void lks_config_set_deferred_pkey(struct lks_config *config, bool deferred)
{
    config->defers_pkey = deferred;
}

void lks_config_set_keep(struct lks_config *config, enum lks_keep keep)
{
    config->keep = keep;
}

void lks_config_set_grease(struct lks_config *config, bool grease)
{
    config->greases = grease;
}

void lks_config_set_compatibility(struct lks_config *config, bool compatible)
{
    config->no_compat = !compatible;
}

enum lks_status lks_config_set_record_size_limit(struct lks_config *config, uint16_t limit)
{
    if (limit < LKS_RECORD_SIZE_LIMIT_MIN || limit > LKS_RECORD_SIZE_LIMIT_MAX)
        return LKS_BAD_ARGUMENT;
    config->record_size_limit = limit;
    return LKS_OK;
}

enum lks_status lks_config_set_padding(struct lks_config *config, enum lks_padding padding,
                                       uint16_t size)
{
    const bool sized = padding == LKS_PADDING_MULTIPLE || padding == LKS_PADDING_AT_LEAST;
    if ((!sized && padding != LKS_PADDING_NONE) ||
        (sized && (!size || size > LKS_RECORD_PLAINTEXT_MAX)))
        return LKS_BAD_ARGUMENT;
    config->padding = padding;
    config->padding_size = size;
    return LKS_OK;
}

enum lks_status lks_config_set_key_log(struct lks_config *config, const char *file,
                                       struct lks_error *err)
{
    struct stat st;
    const int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0 || fstat(fd, &st) != 0) {
        fail(err,
             "%s: cannot append to the key log: %s; name a file that this process may write to",
             file, strerror(errno));
    } else if (S_ISREG(st.st_mode) && st.st_mode & 077) {
        fail(err, "%s: others may read or write this key log (mode %04o); chmod 600 it", file,
             (unsigned int)(st.st_mode & 07777));
    } else {
        if (config->key_log >= 0)
            close(config->key_log);
        config->key_log = fd;
        return LKS_OK;
    }
    if (fd >= 0)
        close(fd);
    return LKS_BAD_CONFIG;
}

void lks_config_queue_key_log(struct lks_config *config,
                              void (*queue)(void *user, const char *line, size_t len), void *user)
{
    config->key_log_queue = queue;
    config->key_log_user = user;
}

/* A line is one write(2): lines of several cores and processes do not mix, and no buffer keeps a
 * secret. */
enum lks_status lks_config_write_key_log(const struct lks_config *config, const char *line,
                                         size_t len)
{
    const int before = errno;
    const ssize_t written = config->key_log < 0 ? -1 : write(config->key_log, line, len);
    const bool waits = written < 0 && config->key_log >= 0 && errno == EAGAIN;
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
    uint8_t line[LKS_KEY_LOG_LINE_MAX];
    struct lks_writer w = lks_writer_of(line, sizeof(line));
    if (config->key_log < 0)
        return;
    lks_write_bytes(&w, label, strlen(label));
    lks_write_u8(&w, ' ');
    write_hex(&w, random, 32);
    lks_write_u8(&w, ' ');
    write_hex(&w, secret, secret_len);
    lks_write_u8(&w, '\n');
    if (!w.failed && config->key_log_queue)
        config->key_log_queue(config->key_log_user, (const char *)line, w.len);
    else if (!w.failed && lks_config_write_key_log(config, (const char *)line, w.len))
        w.failed = true;
    lks_wipe(line, sizeof(line));
}
