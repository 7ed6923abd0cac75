// SPDX-License-Identifier: BSD-3-Clause

// OpenSSL as peer for TLS 1.2's records with a MAC: EVP's AES-CBC and HMAC, a context of each a
// connection. IV, MAC and padding are made as Lockstep makes them, so that records can be compared;
// that costs what libssl's own way to an IV does, a block in front of the text.

#include "record_provider.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include <cstring>

extern "C" {
#include "simd/aead.h"
}

namespace
{

constexpr size_t kPrefix = 5 + 16;

struct MacConn {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    uint64_t seq = 0;
};

class MacOpenSsl : public Provider
{
  public:
    explicit MacOpenSsl(const Case &c) : row_(*lks_aead_rows(c.aead_of(0))), conns_(c.num_conns)
    {
        const size_t key_len = row_->key_len - row_->mac_key_len;
        const EVP_MD *md = row_->tag_len == 20   ? EVP_sha1()
                           : row_->tag_len == 32 ? EVP_sha256()
                                                 : EVP_sha384();
        EVP_MAC *hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
        const OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string("digest", const_cast<char *>(EVP_MD_get0_name(md)), 0),
            OSSL_PARAM_construct_end()};
        for (MacConn &conn : conns_) {
            conn.cipher = EVP_CIPHER_CTX_new();
            EVP_CipherInit_ex(conn.cipher, key_len == 16 ? EVP_aes_128_cbc() : EVP_aes_256_cbc(),
                              nullptr, kSecret, nullptr, c.seal);
            EVP_CIPHER_CTX_set_padding(conn.cipher, 0);
            conn.mac = EVP_MAC_CTX_new(hmac);
            EVP_MAC_init(conn.mac, kSecret + key_len, row_->mac_key_len, params);
        }
        EVP_MAC_free(hmac);
        uint8_t mask[EVP_MAX_MD_SIZE];
        HMAC(md, kSecret + key_len, row_->mac_key_len, reinterpret_cast<const uint8_t *>("IV mask"),
             7, mask, nullptr);
        std::memcpy(mask_, mask, 16);
    }
    ~MacOpenSsl() override
    {
        for (MacConn &conn : conns_) {
            EVP_CIPHER_CTX_free(conn.cipher);
            EVP_MAC_CTX_free(conn.mac);
        }
    }
    void seal(std::vector<Slot> &slots) override
    {
        for (Slot &s : slots) {
            const size_t enc_len = encrypted_len(s);
            MacConn &conn = conns_[s.conn];
            uint8_t *record = s.record.data(), *text = record + kPrefix;
            size_t at = s.len;
            int n = 0;
            header(record, 16 + enc_len + outside());
            put_first_block(record + 5, conn.seq, s.len);
            std::memcpy(text, s.plain.data(), s.len);
            if (row_->mac_inside) {
                mac(conn, s.len, text, s.len, text + at);
                at += row_->tag_len;
            }
            std::memset(text + at, static_cast<int>(enc_len - at - 1), enc_len - at);
            s.ok = EVP_CipherInit_ex(conn.cipher, nullptr, nullptr, nullptr, mask_, -1) > 0 &&
                   EVP_CipherUpdate(conn.cipher, record + 5, &n, record + 5,
                                    static_cast<int>(16 + enc_len)) > 0;
            if (!row_->mac_inside)
                mac(conn, 16 + enc_len, record + 5, 16 + enc_len, text + enc_len);
            conn.seq++;
        }
    }
    // Without what hides the padding's length: less than a record that is opened with care costs.
    void open(std::vector<Slot> &slots) override
    {
        for (Slot &s : slots) {
            const size_t enc_len = encrypted_len(s);
            MacConn &conn = conns_[s.conn];
            uint8_t *record = s.record.data(), computed[EVP_MAX_MD_SIZE];
            const uint8_t *right = record + kPrefix + enc_len;
            int n = 0;
            if (!row_->mac_inside)
                mac(conn, 16 + enc_len, record + 5, 16 + enc_len, computed);
            s.ok = EVP_CipherInit_ex(conn.cipher, nullptr, nullptr, nullptr, record + 5, -1) > 0 &&
                   EVP_CipherUpdate(conn.cipher, s.plain.data(), &n, record + kPrefix,
                                    static_cast<int>(enc_len)) > 0;
            if (row_->mac_inside) {
                mac(conn, s.len, s.plain.data(), s.len, computed);
                right = s.plain.data() + s.len;
            }
            s.ok = s.ok && CRYPTO_memcmp(computed, right, row_->tag_len) == 0;
            conn.seq++;
        }
    }
    void rewind(uint32_t conn) override
    {
        conns_[conn].seq = 0;
    }

  private:
    size_t encrypted_len(const Slot &s) const
    {
        return s.len + lks_aead_tail_len(row_, s.len) - outside();
    }
    size_t outside() const
    {
        return row_->mac_inside ? 0 : row_->tag_len;
    }
    static void header(uint8_t *record, size_t fragment)
    {
        const uint8_t bytes[] = {LKS_TYPE_APPLICATION_DATA, 3, 3,
                                 static_cast<uint8_t>(fragment >> 8),
                                 static_cast<uint8_t>(fragment)};
        std::memcpy(record, bytes, sizeof(bytes));
    }
    static void put_first_block(uint8_t *block, uint64_t seq, size_t len)
    {
        seq = __builtin_bswap64(seq);
        std::memset(block, 0, 3);
        std::memcpy(block + 3, &seq, 8);
        header(block + 11, len);
    }
    void mac(MacConn &conn, size_t said_len, const uint8_t *text, size_t len, uint8_t *out)
    {
        uint8_t aad[13];
        const uint64_t seq = __builtin_bswap64(conn.seq);
        std::memcpy(aad, &seq, 8);
        header(aad + 8, said_len);
        size_t out_len;
        EVP_MAC_init(conn.mac, nullptr, 0, nullptr);
        EVP_MAC_update(conn.mac, aad, sizeof(aad));
        EVP_MAC_update(conn.mac, text, len);
        EVP_MAC_final(conn.mac, out, &out_len, row_->tag_len);
    }

    const lks_aead *row_;
    uint8_t mask_[16];
    std::vector<MacConn> conns_;
};

} // namespace

std::unique_ptr<Provider> make_mac_openssl(const Case &c)
{
    if (c.num_segs > 1)
        return nullptr;
    return std::make_unique<MacOpenSsl>(c);
}
