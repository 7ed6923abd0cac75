// SPDX-License-Identifier: BSD-3-Clause
#ifndef LKS_BENCH_RECORD_PROVIDER_H
#define LKS_BENCH_RECORD_PROVIDER_H

// Who makes records in record_bench, all behind one interface. Every provider does a
// record's whole work: nonce from the sequence number, header as additional data, inner type, tag.

#include <lockstep/engine.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

const char *aead_name(lks_aead_id id);

// The algorithms of a burst's records, and their lengths: one, or several in turn.
struct Algorithms {
    std::string name;
    std::vector<lks_aead_id> ids;
    Algorithms(lks_aead_id id) : name(aead_name(id)), ids{id}
    {
    }
    Algorithms(const char *mix, std::vector<lks_aead_id> all) : name(mix), ids(std::move(all))
    {
    }
};

struct Lengths {
    std::string name;
    std::vector<size_t> bytes; // of content
    Lengths(size_t len) : name(std::to_string(len) + "B"), bytes{len}
    {
    }
    Lengths(const char *mix, std::vector<size_t> all) : name(mix), bytes(std::move(all))
    {
    }
};

// What a row measures. The connections that have the same place in a burst are of a kind, with one
// algorithm and one length; connection i has place i % batch.
struct Case {
    bool seal = true;
    Algorithms aeads = LKS_AES_128_GCM; // of several, all records are as long
    std::string provider = "lockstep";
    std::string kernel; // of lockstep; empty: the best
    Lengths lengths = 64;
    uint32_t num_conns = 32, batch = 32, num_segs = 1;

    lks_aead_id aead_of(uint32_t conn) const
    {
        return aeads.ids[conn % batch % aeads.ids.size()];
    }
    size_t len_of(uint32_t conn) const
    {
        return lengths.bytes[conn % batch % lengths.bytes.size()];
    }
    bool is(bool (*predicate)(lks_aead_id)) const // any of its algorithms
    {
        return std::any_of(aeads.ids.begin(), aeads.ids.end(), predicate);
    }
};

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

// A stretch of a record, one of several of about the same length.
struct Piece {
    size_t at, len;
};

// One record of a batch, len bytes of content. Sealing: plain to record; opening: record to plain.
// plain has a byte more than the content, for the inner type; text is what both have in pieces.
struct Slot {
    Slot(const Case &c, uint32_t conn);
    uint32_t conn;
    size_t len;
    std::vector<uint8_t> plain, record;
    std::vector<Piece> text, plain_pieces, record_pieces;
    bool ok = false; // out
};

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

// Sets up a key of Lockstep's with the row's kernel; false where that does not run.
bool init_key(lks_key *key, const Case &c, lks_aead_id id);

// What peers need of a record besides the AEAD.
struct PeerConn {
    uint64_t seq = 0;
    uint8_t iv[12];
};
void peer_nonce(PeerConn &conn, uint8_t nonce[12]);
void peer_header(uint8_t *record, size_t text_len);

#endif
