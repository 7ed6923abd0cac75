/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/certificate/host.h"

#include <arpa/inet.h>
#include <string.h>

#define LABEL_MAX 63u

bool lks_host_fold(char out[LKS_HOST_MAX + 1], struct lks_reader name)
{
    out[0] = '\0';
    if (name.len && name.data[name.len - 1] == '.')
        name.len--;
    if (name.len > LKS_HOST_MAX || (name.len && memchr(name.data, 0, name.len)))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        const uint8_t c = name.data[i];
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    out[name.len] = '\0';
    return true;
}

bool lks_host_is_valid(const char *host)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    for (;;) {
        const size_t len = strspn(host, allowed);
        if (!len || len > LABEL_MAX || (host[len] && host[len] != '.'))
            return false;
        if (!host[len])
            return strspn(host, "0123456789") != len;
        host += len + 1;
    }
}

bool lks_host_covers(const char *pattern, const char *host, bool wildcards)
{
    if (!wildcards)
        return strcmp(pattern, host) == 0;
    const char *rest = strchr(host, '.');
    return pattern[0] == '*' && pattern[1] == '.' && rest && rest != host &&
           strcmp(pattern + 1, rest) == 0;
}

uint8_t lks_host_address(uint8_t out[16], char text[LKS_ADDRESS_TEXT_MAX], const char *name)
{
    const int family = strchr(name, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(family, name, out) != 1 || !inet_ntop(family, out, text, LKS_ADDRESS_TEXT_MAX))
        return 0;
    return family == AF_INET6 ? 16 : 4;
}
