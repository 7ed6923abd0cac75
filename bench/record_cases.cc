// SPDX-License-Identifier: BSD-3-Clause
#include "record_cases.h"

#include <cstring>

extern "C" {
#include "simd/aead.h"
}

namespace
{

using Cases = std::vector<Case>;

const char *const kProviders[] = {"lockstep", "ipsec_mb_direct", "ipsec_mb_burst", "openssl"};
const lks_aead_id kAeads[] = {LKS_AES_128_GCM, LKS_AES_256_GCM, LKS_CHACHA20_POLY1305};
const lks_aead_id kCcms[] = {LKS_AES_128_CCM, LKS_AES_256_CCM}; // a short tag is no less work

// TLS 1.2's records with a MAC. Lockstep's best kernel is ipsec-mb where that is built in.
const lks_aead_id kMacs[] = {LKS_AES_128_CBC_SHA,        LKS_AES_128_CBC_SHA256,
                             LKS_AES_256_CBC_SHA384,     LKS_AES_128_CBC_SHA_ETM,
                             LKS_AES_128_CBC_SHA256_ETM, LKS_AES_256_CBC_SHA384_ETM};

// Lengths of one burst as a poll of a busy server might find them: of 32 records, 19 short ones
// (requests, pushes, the ends of answers), 12 that fill a frame, and one of a download.
const Lengths kImix("imix", {16,   1400, 64,   1400, 29,   300,  1400, 512, 100,  1400, 37,
                             800,  1400, 200,  64,   1400, 256,  1400, 16,  700,  1400, 48,
                             1400, 120,  1000, 1400, 80,   1400, 500,  33,  1400, 16384});

// A third of the connections each.
const Algorithms kMixed("mixed", {LKS_AES_128_GCM, LKS_AES_256_GCM, LKS_CHACHA20_POLY1305});

// The kernels below the best that run here.
std::vector<std::string> lower_kernels(lks_aead_id id)
{
    std::vector<std::string> names;
    for (const lks_aead *const *row = lks_aead_rows(id); *row; row++)
        if (lks_aead_usable(*row) && *row != lks_aead_best(id))
            names.push_back((*row)->isa);
    return names;
}

void add_default_aead(Cases &cases, lks_aead_id aead)
{
    for (const char *provider : kProviders) {
        for (size_t bytes : {16, 64, 256, 500, 512, 1400, 4096, 16384}) {
            cases.push_back({true, aead, provider, "", bytes, 32, 32, 1});
            if (bytes <= 1400 && bytes != 500 && aead != LKS_AES_256_GCM)
                cases.push_back({true, aead, provider, "", bytes, 65536, 32, 1});
        }
        for (size_t bytes : {64, 1400, 16384})
            cases.push_back({false, aead, provider, "", bytes, 32, 32, 1});
        if (aead == LKS_AES_128_GCM)
            for (uint32_t segs : {2, 12})
                for (size_t bytes : {1400, 16384})
                    cases.push_back({true, aead, provider, "", bytes, 32, 32, segs});
    }
    for (const std::string &kernel : lower_kernels(aead))
        for (size_t bytes : {64, 1400, 16384})
            cases.push_back({true, aead, "lockstep", kernel, bytes, 32, 32, 1});
}

void add_default_mixes(Cases &cases)
{
    for (const char *provider : kProviders) {
        for (lks_aead_id aead : kAeads)
            cases.push_back({true, aead, provider, "", kImix, 32, 32, 1});
        cases.push_back({false, LKS_AES_128_GCM, provider, "", kImix, 32, 32, 1});
        for (size_t bytes : {64, 1400})
            cases.push_back({true, kMixed, provider, "", bytes, 32, 32, 1});
        for (bool seal : {true, false})
            cases.push_back({seal, kMixed, provider, "", kImix, 32, 32, 1});
        cases.push_back({true, kMixed, provider, "", kImix, 65536, 32, 1});
    }
}

// Kernels for AES-NI alone, beside each other.
void add_sse(Cases &cases)
{
    for (size_t bytes : {16, 64, 256, 512, 1400, 4096, 16384}) {
        for (const char *provider : {"ipsec_mb_direct", "ipsec_mb_burst"})
            cases.push_back({true, LKS_AES_128_GCM, provider, "sse", bytes, 32, 32, 1});
        if (bytes % 100 && bytes != 64 && bytes != 16384) // what is not among the kernels above
            cases.push_back({true, LKS_AES_128_GCM, "lockstep", "aesni", bytes, 32, 32, 1});
    }
}

void add_ccm(Cases &cases)
{
    for (bool seal : {true, false})
        for (lks_aead_id aead : kCcms)
            for (size_t bytes : {64, 256, 1400, 16384}) {
                for (const char *provider : kProviders)
                    cases.push_back({seal, aead, provider, "", bytes, 32, 32, 1});
                for (const std::string &kernel : lower_kernels(aead))
                    cases.push_back({seal, aead, "lockstep", kernel, bytes, 32, 32, 1});
            }
}

void add_macs(Cases &cases)
{
    for (lks_aead_id id : kMacs)
        for (bool seal : {true, false})
            for (size_t bytes : {64, 256, 1400, 16384}) {
                for (const char *provider : {"lockstep", "openssl"})
                    cases.push_back({seal, id, provider, "", bytes, 32, 32, 1});
                for (const std::string &kernel : lower_kernels(id))
                    cases.push_back({seal, id, "lockstep", kernel, bytes, 32, 32, 1});
            }
}

// One row for every number of connections, batch and segments; without all, only those where one
// of the three differs from the default.
void add_product(Cases &cases, const Case &like, bool all)
{
    for (uint32_t conns : {1, 32, 4096, 65536})
        for (uint32_t batch : {1, 8, 32, 128})
            for (uint32_t segs : {1, 2, 12}) {
                if (!like.seal && conns < batch)
                    continue; // one key's records would wait for each other
                if (!all && (conns != 32) + (batch != 32) + (segs != 1) > 1)
                    continue;
                if (like.aeads.ids.size() * like.lengths.bytes.size() > 1 &&
                    (batch < 32 || conns < 32))
                    continue; // no mix
                Case c = like;
                c.num_conns = conns;
                c.batch = batch;
                c.num_segs = segs;
                cases.push_back(c);
            }
}

void add_full(Cases &cases, bool seal, const Algorithms &aeads, const Lengths &lengths)
{
    for (const char *provider : kProviders)
        add_product(cases, {seal, aeads, provider, "", lengths}, true);
    if (aeads.ids.size() == 1)
        for (const std::string &kernel : lower_kernels(aeads.ids[0]))
            add_product(cases, {seal, aeads, "lockstep", kernel, lengths}, false);
}

} // namespace

std::string name_of(const Case &c)
{
    std::string name = std::string(c.seal ? "seal/" : "open/") + c.aeads.name + "/" + c.provider +
                       "/" + c.lengths.name + "/" + std::to_string(c.num_conns) + "conn/batch" +
                       std::to_string(c.batch);
    if (c.num_segs > 1)
        name += "/" + std::to_string(c.num_segs) + "seg";
    return c.kernel.empty() ? name : name + "/kernel:" + c.kernel;
}

std::vector<Case> default_cases()
{
    Cases cases;
    for (lks_aead_id aead : kAeads)
        add_default_aead(cases, aead);
    add_default_mixes(cases);
    add_sse(cases);
    add_ccm(cases);
    add_macs(cases);
    return cases;
}

std::vector<Case> full_cases()
{
    Cases cases;
    std::vector<Algorithms> aeads(std::begin(kAeads), std::end(kAeads));
    aeads.insert(aeads.end(), std::begin(kCcms), std::end(kCcms));
    aeads.push_back(kMixed);
    for (bool seal : {true, false})
        for (const Algorithms &a : aeads) {
            for (size_t bytes : {16, 32, 64, 96, 128, 256, 500, 512, 1024, 1400, 4096, 16384})
                add_full(cases, seal, a, bytes);
            add_full(cases, seal, a, kImix);
        }
    add_sse(cases);
    add_macs(cases);
    return cases;
}
