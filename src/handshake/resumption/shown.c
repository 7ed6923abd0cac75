/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/resumption/shown.h"

#include "handshake/certificate/revocation.h"

/* What was verified, but for its end; or (alone, or of a hook that takes anybody) the leaf. */
static enum lks_status write_chain(struct lks_writer *w, const struct lks_peer *peer)
{
    const int num = sk_X509_num(peer->verified);
    enum lks_status status = lks_certificate_write_der(w, peer->leaf);
    for (int i = 1; i < num - 1 && !status; i++)
        status = lks_certificate_write_der(w, sk_X509_value(peer->verified, i));
    return status;
}

enum lks_status lks_shown_write(struct lks_writer *w, const struct lks_peer *peer, bool with_chain)
{
    lks_write_bytes(w, peer->digest, sizeof(peer->digest));
    lks_write_bytes(w, peer->anchor_digest, sizeof(peer->anchor_digest));
    const size_t ids = lks_write_open(w, 2);
    enum lks_status status = lks_revocation_write_ids(w, peer->verified);
    lks_write_close(w, ids, 2);
    const size_t chain = lks_write_open(w, 2);
    if (with_chain && !status)
        status = write_chain(w, peer);
    lks_write_close(w, chain, 2);
    return w->failed && status != LKS_NO_MEMORY ? LKS_OK : status;
}

bool lks_shown_read(struct lks_shown *shown, struct lks_reader bytes)
{
    return lks_read_copy(&bytes, shown->digest, sizeof(shown->digest)) &&
           lks_read_copy(&bytes, shown->anchor_digest, sizeof(shown->anchor_digest)) &&
           lks_read_vec16(&bytes, &shown->ids) && lks_read_vec16(&bytes, &shown->chain) &&
           !bytes.len;
}
