// SPDX-License-Identifier: BSD-3-Clause

// Which lines of a key are touched is seen by taking its page away: each access faults, is written
// down, done alone with the page there again, and the page goes once more. An access that begins in
// one line and ends in the next shows its first byte only, so the key is put across a page's end at
// each of its lines in turn: where only the second page is away, that is where such an access
// faults.

#include "key_lines.h"

#include <cstdlib>

extern "C" {
#include "simd/aead.h"
}

#if defined(__x86_64__) && defined(__linux__)

#include <csignal>
#include <cstring>
#include <sys/mman.h>
#include <ucontext.h>

namespace
{

constexpr size_t kPage = 4096, kLine = 64, kLines = sizeof(lks_key) / kLine;
constexpr long long kTrapFlag = 0x100;

uint8_t *watched; // the page that is away
const uint8_t *watched_key;
bool is_touched[kLines];

void on_fault(int, siginfo_t *info, void *context)
{
    auto *at = static_cast<uint8_t *>(info->si_addr);
    if (at < watched || at >= watched + kPage) {
        std::signal(SIGSEGV, SIG_DFL);
        return; // not ours: it faults again
    }
    const size_t line = static_cast<size_t>(at - watched_key) / kLine;
    if (line < kLines)
        is_touched[line] = true;
    mprotect(watched, kPage, PROT_READ | PROT_WRITE);
    static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_EFL] |= kTrapFlag;
}

void on_step(int, siginfo_t *, void *context)
{
    mprotect(watched, kPage, PROT_NONE);
    static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_EFL] &= ~kTrapFlag;
}

template <typename F> void watch(uint8_t *page, const lks_key *key, F &&run)
{
    struct sigaction fault = {}, step = {}, old_fault, old_step;
    fault.sa_sigaction = on_fault;
    step.sa_sigaction = on_step;
    fault.sa_flags = step.sa_flags = SA_SIGINFO;
    watched = page;
    watched_key = reinterpret_cast<const uint8_t *>(key);
    sigaction(SIGSEGV, &fault, &old_fault);
    sigaction(SIGTRAP, &step, &old_step);
    mprotect(page, kPage, PROT_NONE);
    run();
    mprotect(page, kPage, PROT_READ | PROT_WRITE);
    sigaction(SIGSEGV, &old_fault, nullptr);
    sigaction(SIGTRAP, &old_step, nullptr);
}

// A burst under keys of its own, the first of which may lie anywhere.
struct Burst {
    explicit Burst(const Case &c) : c(c), ops(c.batch), text(c.batch), record(c.batch)
    {
        Case first = c;
        first.seal = true;
        keys = static_cast<lks_key *>(std::aligned_alloc(kLine, sizeof(lks_key) * c.batch));
        for (uint32_t i = 0; i < c.batch; i++)
            slots.emplace_back(c, i);
        if (std::unique_ptr<Provider> sealing = make_lockstep(first))
            sealing->seal(slots); // records to open
        for (uint32_t i = 0; i < c.batch; i++) {
            text[i] = {slots[i].plain.data(), c.seal ? slots[i].len : slots[i].plain.size()};
            record[i] = {slots[i].record.data(), slots[i].record.size()};
        }
    }
    ~Burst()
    {
        for (uint32_t i = 1; i < c.batch; i++)
            lks_key_wipe(&keys[i]);
        std::free(keys);
        lks_engine_free(engine);
    }
    bool set_up(lks_key *first_key)
    {
        for (uint32_t i = 0; i < c.batch; i++) {
            lks_key *key = i ? &keys[i] : first_key;
            if (i)
                lks_key_wipe(key);
            if (!init_key(key, c, c.aead_of(i)))
                return false;
            ops[i] = {};
            ops[i].key = key;
            ops[i].src = c.seal ? &text[i] : &record[i];
            ops[i].dst = c.seal ? &record[i] : &text[i];
            ops[i].num_src = ops[i].num_dst = 1;
            ops[i].type = LKS_TYPE_APPLICATION_DATA;
        }
        return true;
    }

    Case c;
    std::vector<Slot> slots;
    std::vector<lks_op> ops;
    std::vector<lks_span> text, record;
    lks_key *keys;
    lks_engine *engine = nullptr;
};

} // namespace

uint32_t key_lines(const Case &c)
{
    auto *pages = static_cast<uint8_t *>(
        mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (pages == MAP_FAILED)
        return 0;
    Burst burst(c);
    std::memset(static_cast<void *>(burst.keys), 0, sizeof(lks_key) * c.batch);
    std::memset(is_touched, 0, sizeof(is_touched));
    bool all_right = lks_engine_new(&burst.engine, c.batch) == LKS_OK;
    for (size_t line = 0; all_right && line < kLines; line++) {
        auto *key = reinterpret_cast<lks_key *>(pages + kPage - kLine * line);
        all_right = burst.set_up(key);
        if (!all_right)
            break;
        uint32_t num_done = 0;
        watch(pages + kPage, key,
              [&] { num_done = lks_engine_process(burst.engine, burst.ops.data(), c.batch); });
        all_right = num_done == c.batch;
        lks_key_wipe(key);
    }
    munmap(pages, 2 * kPage);
    return all_right ? static_cast<uint32_t>(std::count(is_touched, is_touched + kLines, true)) : 0;
}

#else

uint32_t key_lines(const Case &)
{
    return 0;
}

#endif

KeyBytes key_bytes(const Case &c)
{
    auto *key = static_cast<lks_key *>(std::aligned_alloc(alignof(lks_key), sizeof(lks_key)));
    KeyBytes len;
    if (key && init_key(key, c, c.aead_of(0))) {
        len.state = key->aead->state_len + key->aead->heap_len;
        len.all = sizeof(*key) + key->aead->heap_len;
        lks_key_wipe(key);
    }
    std::free(key);
    return len;
}
