/* SPDX-License-Identifier: BSD-3-Clause */

/* application_layer_protocol_negotiation, RFC 7301: a server answers it in EncryptedExtensions, or
 * in TLS 1.2's ServerHello. */

#include <string.h>

#include "handshake/core.h"

/* Section 3.2: our first protocol that the client offers. [8446 4.2-1] */
enum lks_status lks_alpn_choose(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    if (!hello->has_alpn || !hs->config->policy->alpn[0])
        return LKS_OK;
    for (char *const *ours = hs->config->policy->alpn; *ours; ours++) {
        struct lks_reader list = hello->alpn, name;
        while (lks_read_vec8(&list, &name)) {
            if (name.len == strlen(*ours) && memcmp(name.data, *ours, name.len) == 0) {
                hs->alpn = *ours;
                return LKS_OK;
            }
        }
    }
    return lks_because(LKS_ALERT_NO_APPLICATION_PROTOCOL, LKS_WHY_NO_ALPN);
}

/* Section 3.1: a list of exactly one name. */
void lks_alpn_write(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    if (!hs->alpn)
        return;
    lks_write_u16(w, LKS_EXT_ALPN);
    size_t body = lks_write_open(w, 2);
    size_t list = lks_write_open(w, 2);
    size_t name = lks_write_open(w, 1);
    lks_write_bytes(w, hs->alpn, strlen(hs->alpn));
    lks_write_close(w, name, 1);
    lks_write_close(w, list, 2);
    lks_write_close(w, body, 2);
}

/* It must be one of ours. */
enum lks_status lks_alpn_read(struct lks_hs *hs, struct lks_reader body)
{
    struct lks_reader list, name;
    if (!lks_read_vec16(&body, &list) || body.len || !lks_read_vec8(&list, &name) || list.len ||
        !name.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_ALPN_MALFORMED);
    for (char *const *ours = hs->config->policy->alpn; *ours; ours++)
        if (name.len == strlen(*ours) && memcmp(name.data, *ours, name.len) == 0)
            hs->alpn = *ours;
    return hs->alpn ? LKS_OK : lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_ALPN_NOT_OFFERED);
}
