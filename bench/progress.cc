// SPDX-License-Identifier: BSD-3-Clause
#include "progress.h"

#include <chrono>
#include <cstdio>

namespace
{

constexpr double kSayEvery = 30; // seconds

double now()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

} // namespace

// Repetitions of a given length, mostly, and the tries that find out how many bursts that is; where
// one burst is longer than that, bursts; and the making of its connections.
double Progress::seconds_of(const Case &c) const
{
    const bool is_slow = c.kernel == "portable";
    double ns_per_burst = 0;
    for (uint32_t i = 0; i < c.batch; i++)
        ns_per_burst += is_slow ? 300 + 14. * static_cast<double>(c.len_of(i))
                                : 100 + .5 * static_cast<double>(c.len_of(i));
    const double us_per_conn = c.provider == "openssl" ? 4 : c.provider == "lockstep" ? .6 : 1.2;
    return .01 + 1.3 * measured_ + 8 * ns_per_burst * 1e-9 + c.num_conns * us_per_conn * 1e-6;
}

void Progress::plan(const std::vector<Case> &cases, double measured)
{
    measured_ = measured;
    for (const Case &c : cases)
        planned_ += seconds_of(c);
    num_rows_ = cases.size();
    started_ = last_said_ = now();
    std::fprintf(stderr, "record_bench: %zu rows, about %.0f %s\n", num_rows_,
                 planned_ < 100 ? planned_ : planned_ / 60, planned_ < 100 ? "s" : "min");
}

void Progress::begin(const Case &c)
{
    done_ += current_;
    current_ = seconds_of(c);
    num_begun_++;
    const double at = now(), gone = at - started_;
    if (at - last_said_ < kSayEvery || done_ <= 0)
        return;
    last_said_ = at;
    std::fprintf(stderr, "record_bench: row %zu of %zu, %.1f min gone, about %.1f to go\n",
                 num_begun_, num_rows_, gone / 60, gone / done_ * (planned_ - done_) / 60);
}

void Progress::end()
{
    if (num_begun_)
        std::fprintf(stderr, "record_bench: %zu rows in %.0f s\n", num_begun_, now() - started_);
}
