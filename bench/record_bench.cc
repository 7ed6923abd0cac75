// SPDX-License-Identifier: BSD-3-Clause

// Records a second: Lockstep's engine beside ipsec-mb and OpenSSL. Before a row is measured its
// output is checked.
//
//   --full          every row instead of the default ones
//   --filter REGEX  of them, those whose name matches (POSIX extended)
//   --sample N      of those, every N-th
//   --list          print their names and measure nothing
//   --check         check their output once and measure nothing
//   and Google Benchmark's own options

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <numeric>
#include <random>
#include <regex>
#include <set>

#include "key_lines.h"
#include "machine.h"
#include "progress.h"
#include "record_cases.h"
#include "record_provider.h"
#include "rows.h"

extern "C" {
#include "simd/aead.h"
}

namespace
{

Progress progress;
double ghz;
double limit_cycles[LKS_NUM_ALGORITHMS][65]; // by the length of the vectors; 0: not known

// How wide the vectors of a kernel are, where the limit of its instructions is measured.
int vector_len(const std::string &isa)
{
    return isa == "vaes512" ? 64 : isa == "vaes256" ? 32 : isa == "aesni" ? 16 : 0;
}

// Cycles for 64 bytes under a row's kernel, if that is known.
double limit_of(const Case &c, lks_aead_id id)
{
    const lks_aead *best = lks_aead_best(id); // none where only a provider has it
    return limit_cycles[id][vector_len(!c.kernel.empty() ? c.kernel : best ? best->isa : "")];
}

std::unique_ptr<Provider> make(const Case &c)
{
    if (c.provider == "lockstep")
        return make_lockstep(c);
    if (c.provider == "openssl")
        return make_openssl(c);
    if (c.is(has_mac))
        return nullptr; // ipsec-mb is Lockstep's own kernel there
    return c.provider == "ipsec_mb_direct" ? make_ipsec_mb_direct(c) : make_ipsec_mb_burst(c);
}

// A provider with its connections in random order, and the buffers of one batch.
class Run
{
  public:
    explicit Run(const Case &c) : name(name_of(c)), provider(make(c)), order_(in_order(c)), case_(c)
    {
        if (!provider)
            return;
        for (uint32_t i = 0; i < c.batch; i++)
            slots.emplace_back(c, order_[i % order_.size()]);
        for (const Slot &s : slots) {
            bytes += s.len;
            limit += static_cast<double>(s.len) / 64 * limit_of(c, c.aead_of(s.conn));
        }
        for (lks_aead_id id : c.aeads.ids)
            if (limit_of(c, id) <= 0)
                limit = 0;
        next();
        right = check();
        if (right && c.provider == "lockstep" && c.aeads.ids.size() == 1) {
            key = key_bytes(c);
            if (c.lengths.bytes[0] <= 512 && c.num_segs == 1 && c.num_conns >= c.batch)
                key_lines = ::key_lines(c);
        }
    }
    // Chooses the next batch's connections; their turn to open begins anew.
    void next()
    {
        for (Slot &s : slots) {
            s.conn = order_[at_];
            at_ = at_ + 1 == order_.size() ? 0 : at_ + 1;
            if (!case_.seal)
                provider->rewind(s.conn);
        }
    }
    void once()
    {
        if (case_.seal)
            provider->seal(slots);
        else
            provider->open(slots);
    }

    std::string name;
    std::unique_ptr<Provider> provider;
    std::vector<Slot> slots;
    size_t bytes = 0; // of content, and cycles that they take at least, in one batch
    double limit = 0;
    KeyBytes key; // of Lockstep's keys where all are alike, and lines a record touches
    uint32_t key_lines = 0;
    bool right = false;

  private:
    // Random, but a slot has connections of one kind.
    static std::vector<uint32_t> in_order(const Case &c)
    {
        std::mt19937 random(1);
        const uint32_t num_kinds = std::min(c.batch, c.num_conns);
        std::vector<uint32_t> order(c.num_conns), kinds(num_kinds), turns(c.num_conns / num_kinds);
        std::iota(kinds.begin(), kinds.end(), 0);
        std::shuffle(kinds.begin(), kinds.end(), random);
        for (uint32_t slot = 0; slot < num_kinds; slot++) {
            std::iota(turns.begin(), turns.end(), 0);
            std::shuffle(turns.begin(), turns.end(), random);
            for (uint32_t i = 0; i < turns.size(); i++)
                order[i * num_kinds + slot] = turns[i] * num_kinds + kinds[slot];
        }
        return order;
    }

    // The first batch's records are what OpenSSL makes of the same content (OpenSSL's: what
    // Lockstep makes); opened ones give that content. Leaves records to open in the slots.
    bool check()
    {
        Case other = case_;
        other.seal = true;
        other.kernel = "";
        other.num_segs = 1;
        other.num_conns = std::min(case_.num_conns, case_.batch);
        other.provider = case_.provider == "openssl" ? "lockstep" : "openssl";
        std::vector<Slot> want;
        for (const Slot &s : slots)
            want.emplace_back(other, s.conn % other.num_conns);
        make(other)->seal(want);
        if (!case_.seal)
            for (size_t i = 0; i < want.size(); i++) {
                slots[i].record = want[i].record;
                std::fill(slots[i].plain.begin(), slots[i].plain.end(), 0xee);
            }
        once();
        for (size_t i = 0; i < want.size(); i++)
            if (!slots[i].ok || slots[i].record != want[i].record ||
                !std::equal(want[i].plain.begin(), want[i].plain.begin() + want[i].len,
                            slots[i].plain.begin()))
                return false;
        return true;
    }

    std::vector<uint32_t> order_;
    Case case_;
    size_t at_ = 0;
};

// Google Benchmark calls a row many times; 65,536 connections are made once.
Run *run_of(const Case &c)
{
    static std::unique_ptr<Run> kept;
    if (!kept || kept->name != name_of(c)) {
        kept.reset();
        progress.begin(c);
        kept = std::make_unique<Run>(c);
    }
    return kept.get();
}

void measure(benchmark::State &state, const Case &c)
{
    Run *run = run_of(c);
    if (!run->provider || !run->right) {
        row_failed(state, (run->name + (run->provider ? ": wrong output" : ": not here")).c_str());
        return;
    }
    const double begin = machine_thread_ns();
    for (auto _ : state) {
        run->next();
        run->once();
    }
    const double took = machine_thread_ns() - begin;
    const double records = static_cast<double>(state.iterations()) * c.batch;
    const double ns = took / records;
    state.counters["ns_per_record"] = ns;
    if (run->key.all) {
        state.counters["key_bytes"] = static_cast<double>(run->key.all);
        state.counters["key_state_bytes"] = static_cast<double>(run->key.state);
    }
    if (run->key_lines)
        state.counters["key_lines"] = run->key_lines;
    state.counters["bytes_per_second"] = static_cast<double>(run->bytes) * 1e9 / (ns * c.batch);
    if (ghz > 0)
        state.counters["cycles_per_record"] = ns * ghz;
    if (c.provider == "lockstep" && run->limit > 0)
        state.counters["share_of_limit"] = run->limit / (ns * ghz * c.batch);
}

bool is_built_in(const Case &c)
{
    Case small = c;
    small.num_conns = 1;
    return make(small) != nullptr;
}

int check_all(const std::vector<Case> &cases)
{
    int num_wrong = 0, num_right = 0;
    for (const Case &c : cases) {
        Case small = c;
        small.num_conns = std::min(c.num_conns, 64u);
        Run run(small);
        num_right += run.right;
        if (run.provider && !run.right) {
            std::printf("%s: wrong output\n", run.name.c_str());
            num_wrong++;
        }
    }
    std::printf("record_bench: %d rows right, %d wrong\n", num_right, num_wrong);
    bool failed = num_wrong || !num_right;
    std::printf("record_bench: %d passed, %d failed, 0 skipped\n", !failed, failed);
    return failed;
}

std::string cpu_model()
{
    std::ifstream in("/proc/cpuinfo");
    for (std::string line; std::getline(in, line);)
        if (!line.compare(0, 10, "model name"))
            return line.substr(line.find(':') + 2);
    return "unknown";
}

void say_machine()
{
    char text[4096];
    lks_engine_describe(text, sizeof(text));
    ghz = machine_ghz();
    std::string speed = std::to_string(ghz).substr(0, 4) + " GHz";
    for (int len : {16, 32, 64}) {
        limit_cycles[LKS_AES_128_GCM][len] = machine_gcm_cycles(10, len);
        limit_cycles[LKS_AES_256_GCM][len] = machine_gcm_cycles(14, len);
        char line[160];
        std::snprintf(line, sizeof(line), "; %d-byte vectors: %.1f and %.1f", len,
                      limit_cycles[LKS_AES_128_GCM][len], limit_cycles[LKS_AES_256_GCM][len]);
        if (limit_cycles[LKS_AES_128_GCM][len] > 0)
            speed += line;
    }
    speed += " cycles for 64 bytes of AES-128- and AES-256-GCM's instruction mix";
    benchmark::AddCustomContext("cpu_model", cpu_model());
    benchmark::AddCustomContext("speed", speed);
    for (char *line = std::strtok(text, "\n"); line; line = std::strtok(nullptr, "\n")) {
        char *colon = std::strchr(line, ':');
        if (colon)
            benchmark::AddCustomContext(std::string(line, colon), colon + 2);
    }
}

// Takes an option of ours out of argv; with a value, the argument behind it.
bool take_option(int *argc, char **argv, const char *name, std::string *value = nullptr)
{
    for (int i = 1; i < *argc; i++) {
        if (std::strcmp(argv[i], name))
            continue;
        const int num = value && i + 1 < *argc ? 2 : 1;
        if (num == 2)
            *value = argv[i + 1];
        std::copy(argv + i + num, argv + *argc + 1, argv + i);
        *argc -= num;
        return true;
    }
    return false;
}

// What one of Google Benchmark's options says.
double number_of(int argc, char **argv, const char *option, double otherwise)
{
    for (int i = 1; i < argc; i++)
        if (!std::strncmp(argv[i], option, std::strlen(option)))
            return std::atof(argv[i] + std::strlen(option));
    return otherwise;
}

// The rows whose names match and that can run here; every sample-th of them.
std::vector<Case> chosen(const std::vector<Case> &all, const std::regex &filter, size_t sample)
{
    std::map<std::string, bool> known; // what one row shows counts for all of its kind
    std::set<std::string> names;
    std::vector<Case> cases;
    size_t num = 0;
    for (const Case &c : all) {
        if (!std::regex_search(name_of(c), filter) || !names.insert(name_of(c)).second)
            continue;
        const std::string kind =
            c.aeads.name + c.provider + c.kernel + (c.num_segs > 1 ? "segments" : "");
        if (!known.count(kind))
            known[kind] = is_built_in(c);
        if (known[kind] && num++ % sample == 0)
            cases.push_back(c);
    }
    return cases;
}

struct Options {
    bool full = false, check = false, list = false;
    std::string filter = "", sample = "1";
    std::regex regex;

    // False, and a message, where they make no sense.
    bool take(int *argc, char **argv)
    {
        full = take_option(argc, argv, "--full");
        check = take_option(argc, argv, "--check");
        list = take_option(argc, argv, "--list");
        take_option(argc, argv, "--filter", &filter);
        take_option(argc, argv, "--sample", &sample);
        if (std::atoi(sample.c_str()) < 1) {
            std::fprintf(stderr, "record_bench: --sample takes a number from 1 on, not '%s'\n",
                         sample.c_str());
            return false;
        }
        try {
            regex = std::regex(filter, std::regex::extended | std::regex::optimize);
        } catch (const std::regex_error &error) {
            std::fprintf(stderr, "record_bench: --filter '%s' is no regular expression: %s\n",
                         filter.c_str(), error.what());
            return false;
        }
        return true;
    }
};

} // namespace

int main(int argc, char **argv)
{
    Options options;
    if (!options.take(&argc, argv))
        return 2;
    const std::vector<Case> cases = chosen(options.full ? full_cases() : default_cases(),
                                           options.regex, std::stoul(options.sample));
    if (cases.empty()) {
        std::fprintf(stderr, "record_bench: no row that can run here matches '%s'\n",
                     options.filter.c_str());
        return 1;
    }
    if (options.check)
        return check_all(cases);
    if (options.list) {
        for (const Case &c : cases)
            std::printf("%s\n", name_of(c).c_str());
        return 0;
    }
    const double measured = number_of(argc, argv, "--benchmark_min_time=", .5) *
                            number_of(argc, argv, "--benchmark_repetitions=", 1);
    say_machine();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    for (const Case &c : cases)
        benchmark::RegisterBenchmark(name_of(c).c_str(),
                                     [c](benchmark::State &s) { measure(s, c); });
    progress.plan(cases, measured);
    const int status = run_rows();
    progress.end();
    return status;
}
