// SPDX-License-Identifier: BSD-3-Clause

// Records a second: Lockstep's engine beside ipsec-mb and OpenSSL. Rows are named
// seal/aes_128_gcm/lockstep/64B/32conn/batch32, with /2seg or /kernel:portable behind where they
// differ from one segment and the best kernel (of ipsec-mb: /kernel:sse is its code for AES-NI).
// Before a row is measured its output is checked.
//
//   --full   every row instead of the default ones
//   --check  check every default row's output once and measure nothing
//   and Google Benchmark's own options

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>

#include "machine.h"
#include "record_provider.h"

extern "C" {
#include "simd/aead.h"
}

namespace
{

double ghz;
double limit_cycles[LKS_NUM_ALGORITHMS][65]; // by the length of the vectors; 0: not known

// How wide the vectors of a kernel are, where the limit of its instructions is measured.
int vector_len(const std::string &isa)
{
    return isa == "vaes512" ? 64 : isa == "vaes256" ? 32 : isa == "aesni" ? 16 : 0;
}

std::unique_ptr<Provider> make(const Case &c)
{
    if (c.provider == "lockstep")
        return make_lockstep(c);
    if (c.provider == "openssl")
        return make_openssl(c);
    if (has_mac(c.aead))
        return nullptr; // ipsec-mb is Lockstep's own kernel there
    return c.provider == "ipsec_mb_direct" ? make_ipsec_mb_direct(c) : make_ipsec_mb_burst(c);
}

std::string name_of(const Case &c)
{
    std::string name = std::string(c.seal ? "seal/" : "open/") + aead_name(c.aead) + "/" +
                       c.provider + "/" + std::to_string(c.bytes) + "B/" +
                       std::to_string(c.num_conns) + "conn/batch" + std::to_string(c.batch);
    if (c.num_segs > 1)
        name += "/" + std::to_string(c.num_segs) + "seg";
    return c.kernel.empty() ? name : name + "/kernel:" + c.kernel;
}

std::vector<uint8_t> content(const Case &c)
{
    std::vector<uint8_t> bytes(opened_len(c.aead, c.bytes));
    for (size_t i = 0; i < c.bytes; i++)
        bytes[i] = static_cast<uint8_t>(i * 7 + (i >> 8));
    return bytes;
}

// A provider with its connections in random order, and the buffers of one batch.
class Run
{
  public:
    explicit Run(const Case &c) : name(name_of(c)), provider(make(c)), slots(c.batch), case_(c)
    {
        order_.resize(c.num_conns);
        for (uint32_t i = 0; i < c.num_conns; i++)
            order_[i] = i;
        std::shuffle(order_.begin(), order_.end(), std::mt19937(1));
        for (Slot &s : slots) {
            s.plain = content(c);
            s.record.resize(record_len(c.aead, c.bytes));
        }
        if (!provider)
            return;
        next();
        right = check();
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
    bool right = false;

  private:
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
        std::vector<Slot> want(slots.size());
        for (size_t i = 0; i < want.size(); i++) {
            want[i].conn = static_cast<uint32_t>(i % other.num_conns);
            want[i].plain = content(case_);
            want[i].record.resize(record_len(case_.aead, case_.bytes));
        }
        make(other)->seal(want);
        if (!case_.seal)
            for (size_t i = 0; i < want.size(); i++) {
                slots[i].record = want[i].record;
                std::fill(slots[i].plain.begin(), slots[i].plain.end(), 0xee);
            }
        once();
        for (size_t i = 0; i < want.size(); i++)
            if (!slots[i].ok || slots[i].record != want[i].record ||
                !std::equal(want[i].plain.begin(), want[i].plain.begin() + case_.bytes,
                            slots[i].plain.begin()))
                return false;
        return true;
    }

    Case case_;
    std::vector<uint32_t> order_;
    size_t at_ = 0;
};

// Google Benchmark calls a row many times; 65,536 connections are made once.
Run *run_of(const Case &c)
{
    static std::unique_ptr<Run> kept;
    if (!kept || kept->name != name_of(c)) {
        kept.reset();
        kept = std::make_unique<Run>(c);
    }
    return kept.get();
}

void measure(benchmark::State &state, const Case &c)
{
    Run *run = run_of(c);
    if (!run->provider || !run->right) {
        state.SkipWithError(run->provider ? "wrong output" : "not here");
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
    state.counters["bytes_per_second"] = static_cast<double>(c.bytes) * 1e9 / ns;
    if (ghz > 0)
        state.counters["cycles_per_record"] = ns * ghz;
    const lks_aead *best = lks_aead_best(c.aead); // none where only a provider has it
    const std::string isa = !c.kernel.empty() ? c.kernel : best ? best->isa : "";
    const double limit = limit_cycles[c.aead][vector_len(isa)];
    if (c.provider == "lockstep" && limit > 0)
        state.counters["share_of_limit"] = static_cast<double>(c.bytes) / 64 * limit / (ns * ghz);
}

const char *const kProviders[] = {"lockstep", "ipsec_mb_direct", "ipsec_mb_burst", "openssl"};
const lks_aead_id kAeads[] = {LKS_AES_128_GCM, LKS_AES_256_GCM, LKS_CHACHA20_POLY1305};
const lks_aead_id kCcms[] = {LKS_AES_128_CCM, LKS_AES_256_CCM}; // a short tag is no less work

// The kernels below the best that run here, and the best once more under its name if all.
std::vector<std::string> kernels(lks_aead_id id, bool all)
{
    std::vector<std::string> names;
    for (const lks_aead *const *row = lks_aead_rows(id); *row; row++)
        if (lks_aead_usable(*row) && (all || *row != lks_aead_best(id)))
            names.push_back((*row)->isa);
    return names;
}

void add_ccm(std::vector<Case> &cases)
{
    for (bool seal : {true, false})
        for (lks_aead_id aead : kCcms)
            for (size_t bytes : {64, 256, 1400, 16384}) {
                for (const char *provider : kProviders)
                    cases.push_back({seal, aead, provider, "", bytes, 32, 32, 1});
                for (const std::string &kernel : kernels(aead, false))
                    cases.push_back({seal, aead, "lockstep", kernel, bytes, 32, 32, 1});
            }
}

void add_default(std::vector<Case> &cases)
{
    for (lks_aead_id aead : kAeads) {
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
        for (const std::string &kernel : kernels(aead, false))
            for (size_t bytes : {64, 1400, 16384})
                cases.push_back({true, aead, "lockstep", kernel, bytes, 32, 32, 1});
    }
    for (size_t bytes : {16, 64, 256, 512, 1400, 4096, 16384}) {
        for (const char *provider : {"ipsec_mb_direct", "ipsec_mb_burst"})
            cases.push_back({true, LKS_AES_128_GCM, provider, "sse", bytes, 32, 32, 1});
        if (bytes % 100 && bytes != 64 && bytes != 16384) // what is not among the kernels above
            cases.push_back({true, LKS_AES_128_GCM, "lockstep", "aesni", bytes, 32, 32, 1});
    }
    add_ccm(cases);
}

// TLS 1.2's records with a MAC. Lockstep's best kernel is ipsec-mb where that is built in.
const lks_aead_id kMacs[] = {LKS_AES_128_CBC_SHA,        LKS_AES_128_CBC_SHA256,
                             LKS_AES_256_CBC_SHA384,     LKS_AES_128_CBC_SHA_ETM,
                             LKS_AES_128_CBC_SHA256_ETM, LKS_AES_256_CBC_SHA384_ETM};

void add_macs(std::vector<Case> &cases)
{
    for (lks_aead_id id : kMacs)
        for (bool seal : {true, false})
            for (size_t bytes : {64, 256, 1400, 16384}) {
                for (const char *provider : {"lockstep", "openssl"})
                    cases.push_back({seal, id, provider, "", bytes, 32, 32, 1});
                for (const std::string &kernel : kernels(id, false))
                    cases.push_back({seal, id, "lockstep", kernel, bytes, 32, 32, 1});
            }
}

void add_full(std::vector<Case> &cases)
{
    std::vector<lks_aead_id> aeads(std::begin(kAeads), std::end(kAeads));
    aeads.insert(aeads.end(), std::begin(kCcms), std::end(kCcms));
    for (bool seal : {true, false})
        for (lks_aead_id aead : aeads)
            for (const char *provider : kProviders)
                for (size_t bytes : {16, 32, 64, 96, 128, 256, 500, 512, 1024, 1400, 4096, 16384})
                    for (uint32_t conns : {1, 32, 4096, 65536})
                        for (uint32_t batch : {1, 8, 32, 128})
                            for (uint32_t segs : {1, 2, 12}) {
                                if (!seal && conns < batch)
                                    continue; // one key's records would wait for each other
                                cases.push_back(
                                    {seal, aead, provider, "", bytes, conns, batch, segs});
                                if (!std::strcmp(provider, "lockstep"))
                                    for (const std::string &k : kernels(aead, true))
                                        cases.push_back(
                                            {seal, aead, provider, k, bytes, conns, batch, segs});
                            }
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

// Takes an option of ours out of argv.
bool take_option(int *argc, char **argv, const char *name)
{
    char **end = std::remove_if(argv + 1, argv + *argc,
                                [name](const char *arg) { return !std::strcmp(arg, name); });
    const bool was_there = end != argv + *argc;
    *argc = static_cast<int>(end - argv);
    argv[*argc] = nullptr;
    return was_there;
}

} // namespace

int main(int argc, char **argv)
{
    std::vector<Case> cases;
    if (take_option(&argc, argv, "--full"))
        add_full(cases);
    else
        add_default(cases);
    add_macs(cases);
    if (take_option(&argc, argv, "--check"))
        return check_all(cases);
    say_machine();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    for (const Case &c : cases)
        if (is_built_in(c))
            benchmark::RegisterBenchmark(name_of(c).c_str(),
                                         [c](benchmark::State &s) { measure(s, c); });
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
