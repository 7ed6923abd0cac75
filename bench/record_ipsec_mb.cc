// SPDX-License-Identifier: BSD-3-Clause

// Intel's ipsec-mb as peer: its direct API (one call a message) and its burst of jobs.

#include "record_provider.h"

#if LKS_HAVE_IPSEC_MB

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

#include <cstdlib>
#include <cstring>

namespace
{

struct alignas(64) Conn : PeerConn {
    bool is_gcm, is_ccm, is_256;
    alignas(64) gcm_key_data gcm;
};

class IpsecMb : public Provider
{
  public:
    explicit IpsecMb(const Case &c) : num_segs_(c.num_segs), conns_(c.num_conns)
    {
        IMB_ARCH arch;
        mgr_ = alloc_mb_mgr(0);
        if (c.kernel == "sse")
            init_mb_mgr_sse(mgr_);
        else
            init_mb_mgr_auto(mgr_, &arch);
        for (uint32_t i = 0; i < c.num_conns; i++)
            set_up(conns_[i], c.aead_of(i));
    }
    ~IpsecMb() override
    {
        free_mb_mgr(mgr_);
    }
    void rewind(uint32_t conn) override
    {
        conns_[conn].seq = 0;
    }

  protected:
    void set_up(Conn &conn, lks_aead_id id)
    {
        alignas(16) uint8_t unused[15 * 16];
        std::memcpy(conn.iv, kIv, 12);
        conn.is_gcm = id == LKS_AES_128_GCM || id == LKS_AES_256_GCM;
        conn.is_ccm = is_ccm(id);
        conn.is_256 = aead_key_len(id) == 32;
        if (id == LKS_AES_128_GCM)
            IMB_AES128_GCM_PRE(mgr_, kSecret, &conn.gcm);
        else if (id == LKS_AES_256_GCM)
            IMB_AES256_GCM_PRE(mgr_, kSecret, &conn.gcm);
        else if (!conn.is_ccm)
            std::memcpy(&conn.gcm, kSecret, 32);
        else if (conn.is_256) // round keys, where GCM would have its own
            IMB_AES_KEYEXP_256(mgr_, kSecret, &conn.gcm, unused);
        else
            IMB_AES_KEYEXP_128(mgr_, kSecret, &conn.gcm, unused);
    }
    static bool tag_matches(const Slot &s, const uint8_t *tag)
    {
        return CRYPTO_memcmp(tag, s.record.data() + 5 + s.len + 1, 16) == 0;
    }

    IMB_MGR *mgr_;
    uint32_t num_segs_;
    std::vector<Conn> conns_;
};

class Direct : public IpsecMb
{
  public:
    using IpsecMb::IpsecMb;
    void seal(std::vector<Slot> &slots) override
    {
        for (Slot &s : slots) {
            s.plain[s.len] = LKS_TYPE_APPLICATION_DATA;
            peer_header(s.record.data(), s.len + 1);
            one(s, true, s.plain.data(), s.record.data() + 5, s.record.data() + 5 + s.len + 1);
            s.ok = true;
        }
    }
    void open(std::vector<Slot> &slots) override
    {
        for (Slot &s : slots) {
            uint8_t tag[16];
            one(s, false, s.record.data() + 5, s.plain.data(), tag);
            s.ok = tag_matches(s, tag);
        }
    }

  private:
    void one(Slot &s, bool seals, const uint8_t *in, uint8_t *out, uint8_t *tag)
    {
        Conn &conn = conns_[s.conn];
        uint8_t nonce[12];
        peer_nonce(conn, nonce);
        if (!conn.is_gcm)
            chacha(conn, s, nonce, seals, in, out, tag);
        else if (num_segs_ > 1)
            gcm_pieces(conn, s, nonce, seals, in, out, tag);
        else {
            gcm_context_data ctx;
            auto run = conn.is_256 ? (seals ? mgr_->gcm256_enc : mgr_->gcm256_dec)
                                   : (seals ? mgr_->gcm128_enc : mgr_->gcm128_dec);
            run(&conn.gcm, &ctx, out, in, s.len + 1, nonce, s.record.data(), 5, tag, 16);
        }
    }
    void gcm_pieces(Conn &conn, const Slot &s, const uint8_t *nonce, bool seals, const uint8_t *in,
                    uint8_t *out, uint8_t *tag)
    {
        gcm_context_data ctx;
        auto update = conn.is_256 ? (seals ? mgr_->gcm256_enc_update : mgr_->gcm256_dec_update)
                                  : (seals ? mgr_->gcm128_enc_update : mgr_->gcm128_dec_update);
        (conn.is_256 ? mgr_->gcm256_init : mgr_->gcm128_init)(&conn.gcm, &ctx, nonce,
                                                              s.record.data(), 5);
        for (const Piece &p : s.text)
            update(&conn.gcm, &ctx, out + p.at, in + p.at, p.len);
        (conn.is_256 ? mgr_->gcm256_enc_finalize : mgr_->gcm128_enc_finalize)(&conn.gcm, &ctx, tag,
                                                                              16);
    }
    void chacha(Conn &conn, const Slot &s, const uint8_t *nonce, bool seals, const uint8_t *in,
                uint8_t *out, uint8_t *tag)
    {
        chacha20_poly1305_context_data ctx;
        mgr_->chacha20_poly1305_init(&conn.gcm, &ctx, nonce, s.record.data(), 5);
        for (const Piece &p : s.text)
            (seals ? mgr_->chacha20_poly1305_enc_update : mgr_->chacha20_poly1305_dec_update)(
                &conn.gcm, &ctx, out + p.at, in + p.at, p.len);
        mgr_->chacha20_poly1305_finalize(&ctx, tag, 16);
    }
};

class Burst : public IpsecMb
{
  public:
    explicit Burst(const Case &c) : IpsecMb(c), nonces_(c.batch * 12), tags_(c.batch * 16)
    {
    }
    void seal(std::vector<Slot> &slots) override
    {
        for (Slot &s : slots) {
            s.plain[s.len] = LKS_TYPE_APPLICATION_DATA;
            peer_header(s.record.data(), s.len + 1);
        }
        run(slots, true);
    }
    void open(std::vector<Slot> &slots) override
    {
        run(slots, false);
        for (size_t i = 0; i < slots.size(); i++)
            slots[i].ok = slots[i].ok && tag_matches(slots[i], &tags_[i * 16]);
    }

  private:
    void fill(IMB_JOB *job, Slot &s, size_t i, bool seals)
    {
        Conn &conn = conns_[s.conn];
        peer_nonce(conn, &nonces_[i * 12]);
        job->cipher_mode = conn.is_gcm   ? IMB_CIPHER_GCM
                           : conn.is_ccm ? IMB_CIPHER_CCM
                                         : IMB_CIPHER_CHACHA20_POLY1305;
        job->hash_alg = conn.is_gcm   ? IMB_AUTH_AES_GMAC
                        : conn.is_ccm ? IMB_AUTH_AES_CCM
                                      : IMB_AUTH_CHACHA20_POLY1305;
        job->cipher_direction = seals ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
        job->chain_order = seals != conn.is_ccm ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
        job->enc_keys = job->dec_keys = &conn.gcm;
        job->key_len_in_bytes = conn.is_256 ? 32 : 16;
        job->src = seals ? s.plain.data() : s.record.data() + 5;
        job->dst = seals ? s.record.data() + 5 : s.plain.data();
        job->cipher_start_src_offset_in_bytes = job->hash_start_src_offset_in_bytes = 0;
        job->msg_len_to_cipher_in_bytes = job->msg_len_to_hash_in_bytes = s.len + 1;
        job->iv = &nonces_[i * 12];
        job->iv_len_in_bytes = 12;
        job->auth_tag_output = seals ? s.record.data() + 5 + s.len + 1 : &tags_[i * 16];
        job->auth_tag_output_len_in_bytes = 16;
        if (conn.is_gcm) {
            job->u.GCM.aad = s.record.data();
            job->u.GCM.aad_len_in_bytes = 5;
        } else if (conn.is_ccm) {
            job->u.CCM.aad = s.record.data();
            job->u.CCM.aad_len_in_bytes = 5;
        } else {
            job->u.CHACHA20_POLY1305.aad = s.record.data();
            job->u.CHACHA20_POLY1305.aad_len_in_bytes = 5;
        }
        job->user_data = &s;
#if LKS_IPSEC_MB_HAS_SESSIONS // newer versions look up what to run here
        imb_set_session(mgr_, job);
#endif
        s.ok = false;
    }
    static void take(IMB_JOB **jobs, uint32_t num)
    {
        for (uint32_t i = 0; i < num; i++)
            static_cast<Slot *>(jobs[i]->user_data)->ok = jobs[i]->status == IMB_STATUS_COMPLETED;
    }
    void run(std::vector<Slot> &slots, bool seals)
    {
        IMB_JOB *jobs[IMB_MAX_BURST_SIZE];
        for (size_t i = 0; i < slots.size();) {
            size_t rest = slots.size() - i;
            uint32_t num = IMB_GET_NEXT_BURST(
                mgr_, static_cast<uint32_t>(rest < IMB_MAX_BURST_SIZE ? rest : IMB_MAX_BURST_SIZE),
                jobs);
            if (!num)
                return;
            for (uint32_t j = 0; j < num; j++)
                fill(jobs[j], slots[i + j], i + j, seals);
            take(jobs, IMB_SUBMIT_BURST_NOCHECK(mgr_, num, jobs));
            i += num;
        }
        while (uint32_t num = IMB_FLUSH_BURST(mgr_, IMB_MAX_BURST_SIZE, jobs))
            take(jobs, num);
    }

    std::vector<uint8_t> nonces_, tags_;
};

} // namespace

std::unique_ptr<Provider> make_ipsec_mb_direct(const Case &c)
{
    if (c.is(is_ccm))
        return nullptr; // jobs only
    return std::make_unique<Direct>(c);
}

std::unique_ptr<Provider> make_ipsec_mb_burst(const Case &c)
{
    if (c.num_segs > 1)
        return nullptr;
    return std::make_unique<Burst>(c);
}

#else

std::unique_ptr<Provider> make_ipsec_mb_direct(const Case &)
{
    return nullptr;
}

std::unique_ptr<Provider> make_ipsec_mb_burst(const Case &)
{
    return nullptr;
}

#endif
