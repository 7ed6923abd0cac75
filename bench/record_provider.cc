// SPDX-License-Identifier: BSD-3-Clause
#include "record_provider.h"

#include <openssl/evp.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
#include "simd/aead.h"
}

const uint8_t kSecret[80] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3,
                             2, 3, 8, 4, 6, 2, 6, 4, 3, 3, 8, 3, 2, 7, 9, 5};
const uint8_t kIv[12] = {2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5};

const char *aead_name(lks_aead_id id)
{
    static const char *const names[] = {
        "null",        "aes_128_gcm",   "aes_256_gcm", "chacha20_poly1305",
        "aes_128_ccm", "aes_128_ccm_8", "aes_256_ccm", "aes_256_ccm_8"};
    return has_mac(id) ? (*lks_aead_rows(id))->name : names[id];
}

size_t record_len(lks_aead_id id, size_t content)
{
    if (!has_mac(id))
        return content + LKS_RECORD_OVERHEAD;
    return LKS_RECORD_HEADER_LEN + LKS_BLOCK_LEN + content +
           lks_aead_tail_len(*lks_aead_rows(id), content);
}

size_t opened_len(lks_aead_id id, size_t content)
{
    if (!has_mac(id))
        return content + 1;
    return static_cast<size_t>(lks_aead_text_len(
        *lks_aead_rows(id), record_len(id, content) - LKS_RECORD_HEADER_LEN - LKS_BLOCK_LEN));
}

size_t aead_key_len(lks_aead_id id)
{
    return id == LKS_AES_128_GCM || id == LKS_AES_128_CCM || id == LKS_AES_128_CCM_8 ? 16 : 32;
}

bool is_ccm(lks_aead_id id)
{
    return id >= LKS_AES_128_CCM && id <= LKS_AES_256_CCM_8;
}

static std::vector<Piece> cut(size_t len, uint32_t num_segs)
{
    std::vector<Piece> pieces;
    for (size_t i = 0; i < num_segs; i++)
        pieces.push_back({len * i / num_segs, len * (i + 1) / num_segs - len * i / num_segs});
    return pieces;
}

Slot::Slot(const Case &c, uint32_t connection)
    : conn(connection), len(c.len_of(conn)), plain(opened_len(c.aead_of(conn), len)),
      record(record_len(c.aead_of(conn), len)), text(cut(len + 1, c.num_segs)),
      plain_pieces(cut(c.seal ? len : plain.size(), c.num_segs)),
      record_pieces(cut(record.size(), c.num_segs))
{
    for (size_t i = 0; i < len; i++)
        plain[i] = static_cast<uint8_t>(i * 7 + (i >> 8));
}

void peer_nonce(PeerConn &conn, uint8_t nonce[12])
{
    uint64_t seq = __builtin_bswap64(conn.seq++), low;
    std::memcpy(nonce, conn.iv, 12);
    std::memcpy(&low, nonce + 4, 8);
    low ^= seq;
    std::memcpy(nonce + 4, &low, 8);
}

void peer_header(uint8_t *record, size_t text_len)
{
    const size_t fragment = text_len + 16;
    record[0] = LKS_TYPE_APPLICATION_DATA;
    record[1] = 3;
    record[2] = 3;
    record[3] = static_cast<uint8_t>(fragment >> 8);
    record[4] = static_cast<uint8_t>(fragment);
}

bool init_key(lks_key *key, const Case &c, lks_aead_id id)
{
    const lks_aead *const *row = lks_aead_rows(id);
    while (*row && (c.kernel != (*row)->isa || !lks_aead_usable(*row)))
        row++;
    if ((!c.kernel.empty() && !*row) ||
        lks_key_init(key, has_mac(id) ? LKS_TLS_1_2 : LKS_TLS_1_3, id, c.seal ? LKS_SEAL : LKS_OPEN,
                     kSecret, kIv) != LKS_OK)
        return false;
    if (!c.kernel.empty()) {
        key->aead = *row;
        (*row)->init(key->state, kSecret);
    }
    return true;
}

namespace
{

class Lockstep : public Provider
{
  public:
    static std::unique_ptr<Provider> make(const Case &c)
    {
        auto p = std::unique_ptr<Lockstep>(new Lockstep(c));
        return p->ready_ ? std::move(p) : nullptr;
    }
    ~Lockstep() override
    {
        lks_engine_free(engine_);
        std::free(keys_);
    }
    void seal(std::vector<Slot> &slots) override
    {
        run(slots, true);
    }
    void open(std::vector<Slot> &slots) override
    {
        run(slots, false);
    }
    void rewind(uint32_t conn) override
    {
        keys_[conn].seq = 0;
    }

  private:
    explicit Lockstep(const Case &c)
        : num_segs_(c.num_segs), ops_(c.batch), src_(c.batch * c.num_segs),
          dst_(c.batch * c.num_segs)
    {
        keys_ = static_cast<lks_key *>(std::aligned_alloc(64, sizeof(lks_key) * c.num_conns));
        if (!keys_ || lks_engine_new(&engine_, c.batch) != LKS_OK)
            return;
        for (uint32_t i = 0; i < c.num_conns; i++)
            if (!init_key(&keys_[i], c, c.aead_of(i)))
                return;
        ready_ = true;
    }

    // Spans are written anew for each burst, as a caller does.
    void run(std::vector<Slot> &slots, bool seals)
    {
        for (size_t i = 0; i < slots.size(); i++) {
            lks_span *plain = (seals ? src_.data() : dst_.data()) + i * num_segs_;
            lks_span *record = (seals ? dst_.data() : src_.data()) + i * num_segs_;
            *plain = {slots[i].plain.data(), seals ? slots[i].len : slots[i].plain.size()};
            *record = {slots[i].record.data(), slots[i].record.size()};
            for (uint32_t s = 0; num_segs_ > 1 && s < num_segs_; s++) {
                const Piece p = slots[i].plain_pieces[s], r = slots[i].record_pieces[s];
                plain[s] = {slots[i].plain.data() + p.at, p.len};
                record[s] = {slots[i].record.data() + r.at, r.len};
            }
            lks_op &op = ops_[i];
            op.key = &keys_[slots[i].conn];
            op.src = seals ? plain : record;
            op.dst = seals ? record : plain;
            op.num_src = op.num_dst = num_segs_;
            op.type = LKS_TYPE_APPLICATION_DATA;
            op.pad_len = 0;
        }
        lks_engine_process(engine_, ops_.data(), static_cast<uint32_t>(slots.size()));
        for (size_t i = 0; i < slots.size(); i++)
            slots[i].ok = ops_[i].status == LKS_OK;
    }

    uint32_t num_segs_;
    lks_key *keys_ = nullptr;
    lks_engine *engine_ = nullptr;
    std::vector<lks_op> ops_;
    std::vector<lks_span> src_, dst_;
    bool ready_ = false;
};

// A cipher context a connection, as libssl has it; a record is a new IV.
class OpenSsl : public Provider
{
  public:
    explicit OpenSsl(const Case &c) : is_ccm_(c.is(is_ccm)), conns_(c.num_conns), ctxs_(c.num_conns)
    {
        for (uint32_t i = 0; i < c.num_conns; i++) {
            const lks_aead_id id = c.aead_of(i);
            const EVP_CIPHER *cipher = id == LKS_AES_128_GCM   ? EVP_aes_128_gcm()
                                       : id == LKS_AES_256_GCM ? EVP_aes_256_gcm()
                                       : id == LKS_AES_128_CCM ? EVP_aes_128_ccm()
                                       : id == LKS_AES_256_CCM ? EVP_aes_256_ccm()
                                                               : EVP_chacha20_poly1305();
            std::memcpy(conns_[i].iv, kIv, 12);
            ctxs_[i] = EVP_CIPHER_CTX_new();
            EVP_CipherInit_ex(ctxs_[i], cipher, nullptr, nullptr, nullptr, c.seal);
            EVP_CIPHER_CTX_ctrl(ctxs_[i], EVP_CTRL_AEAD_SET_IVLEN, 12, nullptr);
            if (is_ccm_)
                EVP_CIPHER_CTX_ctrl(ctxs_[i], EVP_CTRL_AEAD_SET_TAG, 16, nullptr);
            EVP_CipherInit_ex(ctxs_[i], nullptr, nullptr, kSecret, nullptr, -1);
        }
    }
    ~OpenSsl() override
    {
        for (EVP_CIPHER_CTX *ctx : ctxs_)
            EVP_CIPHER_CTX_free(ctx);
    }
    void seal(std::vector<Slot> &slots) override
    {
        for (Slot &s : slots) {
            s.plain[s.len] = LKS_TYPE_APPLICATION_DATA;
            peer_header(s.record.data(), s.len + 1);
            s.ok = run(s, s.plain.data(), s.record.data() + 5) &&
                   EVP_CIPHER_CTX_ctrl(ctxs_[s.conn], EVP_CTRL_AEAD_GET_TAG, 16,
                                       s.record.data() + 5 + s.len + 1);
        }
    }
    void open(std::vector<Slot> &slots) override
    {
        for (Slot &s : slots) {
            EVP_CIPHER_CTX_ctrl(ctxs_[s.conn], EVP_CTRL_AEAD_SET_TAG, 16,
                                s.record.data() + 5 + s.len + 1);
            s.ok = run(s, s.record.data() + 5, s.plain.data());
        }
    }
    void rewind(uint32_t conn) override
    {
        conns_[conn].seq = 0;
    }

  private:
    bool run(Slot &s, const uint8_t *in, uint8_t *out)
    {
        EVP_CIPHER_CTX *ctx = ctxs_[s.conn];
        uint8_t nonce[12];
        int n = 0;
        peer_nonce(conns_[s.conn], nonce);
        bool ok = EVP_CipherInit_ex(ctx, nullptr, nullptr, nullptr, nonce, -1) > 0 &&
                  (!is_ccm_ ||
                   EVP_CipherUpdate(ctx, nullptr, &n, nullptr, static_cast<int>(s.len + 1)) > 0) &&
                  EVP_CipherUpdate(ctx, nullptr, &n, s.record.data(), 5) > 0;
        for (const Piece &p : s.text)
            ok =
                ok && EVP_CipherUpdate(ctx, out + p.at, &n, in + p.at, static_cast<int>(p.len)) > 0;
        uint8_t end[16];
        return ok && (is_ccm_ || EVP_CipherFinal_ex(ctx, end, &n) > 0);
    }

    bool is_ccm_; // its length comes first, its text in one call, and the tag is checked there
    std::vector<PeerConn> conns_;
    std::vector<EVP_CIPHER_CTX *> ctxs_;
};

} // namespace

std::unique_ptr<Provider> make_lockstep(const Case &c)
{
    return Lockstep::make(c);
}

std::unique_ptr<Provider> make_openssl(const Case &c)
{
    if (c.is(is_ccm) && c.num_segs > 1)
        return nullptr;
    if (c.is(has_mac))
        return make_mac_openssl(c);
    return std::make_unique<OpenSsl>(c);
}
