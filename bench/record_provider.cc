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

std::vector<Piece> cut(size_t len, uint32_t num_segs)
{
    std::vector<Piece> pieces;
    for (size_t i = 0; i < num_segs; i++)
        pieces.push_back({len * i / num_segs, len * (i + 1) / num_segs - len * i / num_segs});
    return pieces;
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
        : len_(c.bytes), num_segs_(c.num_segs), ops_(c.batch), src_(c.batch * c.num_segs),
          dst_(c.batch * c.num_segs)
    {
        keys_ = static_cast<lks_key *>(std::aligned_alloc(64, sizeof(lks_key) * c.num_conns));
        if (!keys_ || lks_engine_new(&engine_, c.batch) != LKS_OK)
            return;
        const lks_aead *const *row = lks_aead_rows(c.aead);
        while (*row && (c.kernel != (*row)->isa || !lks_aead_usable(*row)))
            row++;
        if (!c.kernel.empty() && !*row)
            return;
        for (uint32_t i = 0; i < c.num_conns; i++) {
            if (lks_key_init(&keys_[i], has_mac(c.aead) ? LKS_TLS_1_2 : LKS_TLS_1_3, c.aead,
                             c.seal ? LKS_SEAL : LKS_OPEN, kSecret, kIv) != LKS_OK)
                return;
            if (!c.kernel.empty()) {
                keys_[i].aead = *row;
                (*row)->init(keys_[i].state, kSecret);
            }
        }
        pieces_plain_ = cut(c.seal ? len_ : opened_len(c.aead, len_), num_segs_);
        pieces_record_ = cut(record_len(c.aead, len_), num_segs_);
        ready_ = true;
    }

    // Spans are written anew for each burst, as a caller does.
    void run(std::vector<Slot> &slots, bool seals)
    {
        for (size_t i = 0; i < slots.size(); i++) {
            lks_span *plain = (seals ? src_.data() : dst_.data()) + i * num_segs_;
            lks_span *record = (seals ? dst_.data() : src_.data()) + i * num_segs_;
            for (uint32_t s = 0; s < num_segs_; s++) {
                plain[s] = {slots[i].plain.data() + pieces_plain_[s].at, pieces_plain_[s].len};
                record[s] = {slots[i].record.data() + pieces_record_[s].at, pieces_record_[s].len};
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

    size_t len_;
    uint32_t num_segs_;
    lks_key *keys_ = nullptr;
    lks_engine *engine_ = nullptr;
    std::vector<lks_op> ops_;
    std::vector<lks_span> src_, dst_;
    std::vector<Piece> pieces_plain_, pieces_record_;
    bool ready_ = false;
};

// A cipher context a connection, as libssl has it; a record is a new IV.
class OpenSsl : public Provider
{
  public:
    explicit OpenSsl(const Case &c)
        : len_(c.bytes), is_ccm_(is_ccm(c.aead)), conns_(c.num_conns), ctxs_(c.num_conns)
    {
        const EVP_CIPHER *cipher = c.aead == LKS_AES_128_GCM   ? EVP_aes_128_gcm()
                                   : c.aead == LKS_AES_256_GCM ? EVP_aes_256_gcm()
                                   : c.aead == LKS_AES_128_CCM ? EVP_aes_128_ccm()
                                   : c.aead == LKS_AES_256_CCM ? EVP_aes_256_ccm()
                                                               : EVP_chacha20_poly1305();
        for (uint32_t i = 0; i < c.num_conns; i++) {
            std::memcpy(conns_[i].iv, kIv, 12);
            ctxs_[i] = EVP_CIPHER_CTX_new();
            EVP_CipherInit_ex(ctxs_[i], cipher, nullptr, nullptr, nullptr, c.seal);
            EVP_CIPHER_CTX_ctrl(ctxs_[i], EVP_CTRL_AEAD_SET_IVLEN, 12, nullptr);
            if (is_ccm_)
                EVP_CIPHER_CTX_ctrl(ctxs_[i], EVP_CTRL_AEAD_SET_TAG, 16, nullptr);
            EVP_CipherInit_ex(ctxs_[i], nullptr, nullptr, kSecret, nullptr, -1);
        }
        pieces_ = cut(len_ + 1, c.num_segs);
    }
    ~OpenSsl() override
    {
        for (EVP_CIPHER_CTX *ctx : ctxs_)
            EVP_CIPHER_CTX_free(ctx);
    }
    void seal(std::vector<Slot> &slots) override
    {
        for (Slot &s : slots) {
            s.plain[len_] = LKS_TYPE_APPLICATION_DATA;
            peer_header(s.record.data(), len_ + 1);
            s.ok = run(s, s.plain.data(), s.record.data() + 5) &&
                   EVP_CIPHER_CTX_ctrl(ctxs_[s.conn], EVP_CTRL_AEAD_GET_TAG, 16,
                                       s.record.data() + 5 + len_ + 1);
        }
    }
    void open(std::vector<Slot> &slots) override
    {
        for (Slot &s : slots) {
            EVP_CIPHER_CTX_ctrl(ctxs_[s.conn], EVP_CTRL_AEAD_SET_TAG, 16,
                                s.record.data() + 5 + len_ + 1);
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
                   EVP_CipherUpdate(ctx, nullptr, &n, nullptr, static_cast<int>(len_ + 1)) > 0) &&
                  EVP_CipherUpdate(ctx, nullptr, &n, s.record.data(), 5) > 0;
        for (const Piece &p : pieces_)
            ok =
                ok && EVP_CipherUpdate(ctx, out + p.at, &n, in + p.at, static_cast<int>(p.len)) > 0;
        uint8_t end[16];
        return ok && (is_ccm_ || EVP_CipherFinal_ex(ctx, end, &n) > 0);
    }

    size_t len_;
    bool is_ccm_; // its length comes first, its text in one call, and the tag is checked there
    std::vector<PeerConn> conns_;
    std::vector<EVP_CIPHER_CTX *> ctxs_;
    std::vector<Piece> pieces_;
};

} // namespace

std::unique_ptr<Provider> make_lockstep(const Case &c)
{
    return Lockstep::make(c);
}

std::unique_ptr<Provider> make_openssl(const Case &c)
{
    if (is_ccm(c.aead) && c.num_segs > 1)
        return nullptr;
    if (has_mac(c.aead))
        return make_mac_openssl(c);
    return std::make_unique<OpenSsl>(c);
}
