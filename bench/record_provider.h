// SPDX-License-Identifier: BSD-3-Clause
#ifndef LKS_BENCH_RECORD_PROVIDER_H
#define LKS_BENCH_RECORD_PROVIDER_H

// Who makes records in record_bench, all behind one interface. Every provider does a
// record's whole work: nonce from the sequence number, header as additional data, inner type, tag.

#include <lockstep/engine.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct Case {
    bool seal = true;
    lks_aead_id aead = LKS_AES_128_GCM;
    std::string provider = "lockstep";
    std::string kernel; // of lockstep; empty: the best
    size_t bytes = 64;
    uint32_t num_conns = 32, batch = 32, num_segs = 1;
};

const char *aead_name(lks_aead_id id);

// TLS 1.2's block ciphers with a MAC: their records are TLS 1.2's, all others TLS 1.3's.
inline bool has_mac(lks_aead_id id)
{
    return id >= LKS_NUM_AEADS;
}

// Bytes of a record of so much content, and of what opening it writes.
size_t record_len(lks_aead_id id, size_t content);
size_t opened_len(lks_aead_id id, size_t content);
size_t aead_key_len(lks_aead_id id);
bool is_ccm(lks_aead_id id);

// One record of a batch. Sealing: plain to record; opening: record to plain. plain has a byte more
// than the content, for the inner type.
struct Slot {
    std::vector<uint8_t> plain, record;
    uint32_t conn = 0;
    bool ok = false; // out
};

// Content, header and inner text of one record cut into num_segs pieces of about the same length.
struct Piece {
    size_t at, len;
};
std::vector<Piece> cut(size_t len, uint32_t num_segs);

// All connections have the same secrets, each in memory of its own, so that one record can be
// opened under any of them.
extern const uint8_t kSecret[80], kIv[12];

class Provider
{
  public:
    virtual ~Provider() = default;
    virtual void seal(std::vector<Slot> &slots) = 0;
    virtual void open(std::vector<Slot> &slots) = 0;
    // Sets a connection's next sequence number: opening the same records again and again asks for
    // it.
    virtual void rewind(uint32_t conn) = 0;
};

// NULL where the provider is not built in, or cannot do the case.
std::unique_ptr<Provider> make_lockstep(const Case &c);
std::unique_ptr<Provider> make_openssl(const Case &c);
std::unique_ptr<Provider> make_mac_openssl(const Case &c);
std::unique_ptr<Provider> make_ipsec_mb_direct(const Case &c);
std::unique_ptr<Provider> make_ipsec_mb_burst(const Case &c);

// What peers need of a record besides the AEAD.
struct PeerConn {
    uint64_t seq = 0;
    uint8_t iv[12];
};
void peer_nonce(PeerConn &conn, uint8_t nonce[12]);
void peer_header(uint8_t *record, size_t text_len);

#endif
