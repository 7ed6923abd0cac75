// SPDX-License-Identifier: BSD-3-Clause

// ML-KEM-768 on each instruction set, and what the key exchange groups cost either side.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "rows.h"

extern "C" {
#include "handshake/exchange/group.h"
#include "simd/mlkem.h"
}

namespace
{

struct Kem {
    uint8_t seed[LKS_MLKEM_SEED_LEN] = {1}, coins[LKS_MLKEM_COINS_LEN] = {2}, ek[LKS_MLKEM_EK_LEN],
            dk[LKS_MLKEM_DK_LEN], cipher[LKS_MLKEM_CIPHER_LEN], secret[LKS_MLKEM_SECRET_LEN];
};

void generate(benchmark::State &state, const lks_mlkem *row)
{
    Kem k;
    for (auto _ : state) {
        row->generate(k.ek, k.dk, k.seed);
        benchmark::DoNotOptimize(k.dk);
    }
}

void encapsulate(benchmark::State &state, const lks_mlkem *row)
{
    Kem k;
    row->generate(k.ek, k.dk, k.seed);
    for (auto _ : state)
        benchmark::DoNotOptimize(row->encapsulate(k.cipher, k.secret, k.ek, k.coins));
}

void decapsulate(benchmark::State &state, const lks_mlkem *row)
{
    Kem k;
    row->generate(k.ek, k.dk, k.seed);
    if (!row->encapsulate(k.cipher, k.secret, k.ek, k.coins))
        row_failed(state, "a key of its own is refused");
    for (auto _ : state) {
        row->decapsulate(k.secret, k.dk, k.cipher);
        benchmark::DoNotOptimize(k.secret);
    }
}

// The server's part of a key exchange.
void respond(benchmark::State &state, const lks_group *group)
{
    uint8_t share[LKS_SHARE_MAX], answer[LKS_SHARE_MAX], secret[LKS_SHARED_SECRET_MAX];
    lks_group_key *key;
    if (lks_group_generate(group, &key, share))
        std::exit(2);
    for (auto _ : state)
        if (lks_group_respond(group, share, group->client_share_len, answer, secret))
            std::exit(2);
    lks_group_key_free(key);
}

// The client's.
void generate_and_finish(benchmark::State &state, const lks_group *group)
{
    uint8_t share[LKS_SHARE_MAX], answer[LKS_SHARE_MAX], secret[LKS_SHARED_SECRET_MAX];
    lks_group_key *key;
    if (lks_group_generate(group, &key, share) ||
        lks_group_respond(group, share, group->client_share_len, answer, secret))
        std::exit(2);
    lks_group_key_free(key);
    for (auto _ : state) {
        // The answer is another key's; that costs the same.
        if (lks_group_generate(group, &key, share) ||
            lks_group_finish(key, answer, group->server_share_len, secret))
            std::exit(2);
        lks_group_key_free(key);
    }
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    for (const lks_mlkem *const *row = lks_mlkem_rows(); *row; row++) {
        if (!lks_mlkem_usable(*row)) {
            std::printf("SKIP %s: this CPU lacks it\n", (*row)->isa);
            continue;
        }
        const std::string front = std::string("kem/") + (*row)->name + "/", isa = (*row)->isa;
        benchmark::RegisterBenchmark((front + "generate/" + isa).c_str(), generate, *row);
        benchmark::RegisterBenchmark((front + "encapsulate/" + isa).c_str(), encapsulate, *row);
        benchmark::RegisterBenchmark((front + "decapsulate/" + isa).c_str(), decapsulate, *row);
    }
    for (const lks_group *group = lks_group_rows(); group->name; group++) {
        const std::string name = group->name;
        benchmark::RegisterBenchmark(("group/server/" + name).c_str(), respond, group);
        benchmark::RegisterBenchmark(("group/client/" + name).c_str(), generate_and_finish, group);
    }
    return run_rows();
}
