// SPDX-License-Identifier: BSD-3-Clause

// What a connection adds to the engine: bursts of records of many connections, sealed and opened
// through lks_conn_*, and the same records through the bare engine. One record a connection and
// burst; only the measured side's time is counted.

#include <benchmark/benchmark.h>
#include <lockstep/conn.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "rows.h"

namespace
{

using Clock = std::chrono::steady_clock;

void must(bool ok)
{
    if (ok)
        return;
    std::fprintf(stderr, "conn_bench: a call failed that should not\n");
    std::exit(2);
}

struct Row {
    const char *name;
    uint16_t suite;
    lks_aead_id aead;
    uint8_t key_len, secret_len;
};
const Row kRows[] = {{"aes_128_gcm", 0x1301, LKS_AES_128_GCM, 16, 32},
                     {"chacha20_poly1305", 0x1303, LKS_CHACHA20_POLY1305, 32, 32}};

class Batch
{
  public:
    explicit Batch(uint32_t num) : ops_(num), spans_(4 * num)
    {
        batch = {ops_.data(), spans_.data(), 0, num, 0, 4 * num};
    }
    lks_batch batch;

  private:
    std::vector<lks_op> ops_;
    std::vector<lks_span> spans_;
};

// Connections and their peers, which share traffic keys, and room for one record of each.
class Pairs
{
  public:
    Pairs(const Row &row, uint32_t num, size_t len)
        : num_(num), record_max_(len + LKS_RECORD_OVERHEAD), plain_(num * len),
          wire_(num * record_max_), seal_(num), open_(num), len_(len)
    {
        lks_policy *policy;
        must(!lks_policy_new(&policy) &&
             !lks_config_new(&config_, policy, nullptr, nullptr, nullptr) &&
             !lks_engine_new(&engine_, num));
        lks_policy_free(policy);
        for (uint32_t i = 0; i < num; i++) {
            lks_traffic_keys there = {}, back = {};
            there.suite = back.suite = row.suite;
            there.secret_len = back.secret_len = row.secret_len;
            std::memcpy(there.secret, &i, sizeof(i));
            back.secret[31] = 1;
            lks_conn *client, *server;
            must(!lks_conn_import(&client, config_, LKS_CLIENT, &back, &there) &&
                 !lks_conn_import(&server, config_, LKS_SERVER, &there, &back));
            clients_.push_back(client);
            servers_.push_back(server);
        }
    }
    ~Pairs()
    {
        for (uint32_t i = 0; i < num_; i++) {
            lks_conn_free(clients_[i]);
            lks_conn_free(servers_[i]);
        }
        lks_engine_free(engine_);
        lks_config_free(config_);
    }
    Clock::duration seal()
    {
        auto begin = Clock::now();
        lks_batch &batch = seal_.batch;
        lks_batch_reset(&batch);
        for (uint32_t i = 0; i < num_; i++) {
            lks_span src = {plain_.data() + i * len_, len_};
            lks_span dst = {wire_.data() + i * record_max_, record_max_};
            must(!lks_conn_seal(clients_[i], &src, 1, &dst, 1, &batch));
        }
        must(lks_engine_process(engine_, batch.ops, batch.num_ops) == num_);
        for (uint32_t i = 0; i < num_; i++)
            must(!lks_conn_sealed(clients_[i], &batch.ops[i]));
        return Clock::now() - begin;
    }
    Clock::duration open()
    {
        auto begin = Clock::now();
        lks_batch &batch = open_.batch;
        lks_batch_reset(&batch);
        for (uint32_t i = 0; i < num_; i++) {
            lks_span in = {wire_.data() + i * record_max_, seal_.batch.ops[i].len};
            size_t taken;
            must(!lks_conn_open(servers_[i], &in, 1, &batch, &taken, nullptr));
        }
        must(lks_engine_process(engine_, batch.ops, batch.num_ops) == num_);
        for (uint32_t i = 0; i < num_; i++) {
            lks_event event;
            must(!lks_conn_opened(servers_[i], &batch.ops[i], &event) && event == LKS_EVENT_DATA);
        }
        return Clock::now() - begin;
    }
    // The last burst's ops again, without connections (sealing only: the records are not sent).
    Clock::duration engine_only()
    {
        auto begin = Clock::now();
        must(lks_engine_process(engine_, seal_.batch.ops, num_) == num_);
        return Clock::now() - begin;
    }

  private:
    uint32_t num_;
    size_t record_max_;
    std::vector<uint8_t> plain_, wire_;
    Batch seal_, open_;
    size_t len_;
    lks_config *config_ = nullptr;
    lks_engine *engine_ = nullptr;
    std::vector<lks_conn *> clients_, servers_;
};

enum What { kSeal, kOpen, kEngine };

void run(benchmark::State &state, const Row &row, What what, size_t len, uint32_t num)
{
    Pairs pairs(row, num, len);
    pairs.seal();
    pairs.open();
    Clock::duration total{};
    for (auto _ : state) {
        Clock::duration spent;
        if (what == kEngine) {
            spent = pairs.engine_only();
        } else {
            spent = pairs.seal();
            auto opened = pairs.open();
            spent = what == kSeal ? spent : opened;
        }
        total += spent;
        state.SetIterationTime(std::chrono::duration<double>(spent).count());
    }
    state.counters["ns_per_record"] = std::chrono::duration<double, std::nano>(total).count() /
                                      (static_cast<double>(state.iterations()) * num);
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    static const char *const names[] = {"conn/seal", "conn/open", "conn/seal_engine_only"};
    for (const Row &row : kRows)
        for (size_t len : {64, 1400, 16384})
            for (uint32_t num : {32u, 4096u})
                for (What what : {kSeal, kOpen, kEngine})
                    benchmark::RegisterBenchmark((std::string(names[what]) + "/" + row.name + "/" +
                                                  std::to_string(len) + "B/" + std::to_string(num) +
                                                  "conn/batch" + std::to_string(num))
                                                     .c_str(),
                                                 [&row, what, len, num](benchmark::State &s) {
                                                     run(s, row, what, len, num);
                                                 })
                        ->UseManualTime();
    return run_rows();
}
