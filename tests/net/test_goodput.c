/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What a download over a lossy link reaches, as a share of the link's rate, beside what the
 * formulas allow. LKS_NET_FIGURES prints the table.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "suites.h"
#include "transfer.h"

#define RATE 12500000.0 /* bytes a second: 100 Mb/s */
#define MSS  1448.0

/* RFC 9438's mean windows in segments: equation 6, and of the Reno-friendly region (5.1, 4.3). */
static double formula_share(double rtt_s, double loss)
{
    if (loss == 0)
        return 1;
    const double cubic = pow(0.4 * 3.7 / (4 * 0.3), 0.25) * pow(rtt_s / loss, 0.75);
    const double reno = sqrt(1.5 / loss);
    const double share = fmax(cubic, reno) * MSS / rtt_s / RATE;
    return fmin(share, 1);
}

static double measured_share(uint32_t rtt_us, double loss, uint64_t bytes, uint64_t seed)
{
    const double bdp = RATE * rtt_us / 1e6;
    struct transfer t = {
        .seed = seed, .num_flows = 1, .down = bytes, .chunk_max = 2048, .limit_us = 600000000};
    for (int side = 0; side < 2; side++) {
        t.sides[side].path = (struct path_shape){.delay_us = rtt_us / 2,
                                                 .rate = (uint64_t)RATE,
                                                 .queue_bytes = (uint32_t)fmax(bdp, 64000)};
    }
    t.sides[1].path.loss = loss;
    if (!transfer_run(&t))
        return 0;
    if (getenv("LKS_NET_FIGURES"))
        printf("  rtt %6.1f ms loss %4.1f %%: %llu retransmits, %llu timeouts, %llu probes\n",
               rtt_us / 1e3, loss * 100, (unsigned long long)t.counters[1].retransmits,
               (unsigned long long)t.counters[1].timeouts,
               (unsigned long long)t.counters[1].tail_probes);
    return (double)bytes * 1500 / MSS / (RATE * (double)t.took_us / 1e6);
}

/* A bound below what each cell reaches, and below the formula's share, with room for chance.
 * [9438 4.6-2] */
static void goodput(void)
{
    static const uint32_t rtts_us[] = {100, 10000, 50000};
    static const double losses[] = {0, 0.001, 0.01};
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t j = 0; j < 3; j++) {
            const double allowed = formula_share(rtts_us[i] / 1e6, losses[j]);
            /* some hundred losses, or ten seconds at the rate of the link */
            const uint64_t bytes = (uint64_t)fmax(fmin(RATE * 6 * allowed, 40e6), 3e6);
            double sum = 0;
            const uint32_t num = lks_test_is_quick() ? 1 : 3;
            for (uint32_t seed = 1; seed <= num; seed++)
                sum += measured_share(rtts_us[i], losses[j], bytes, seed);
            const double reached = sum / num;
            if (getenv("LKS_NET_FIGURES"))
                printf("rtt %6.1f ms loss %4.1f %%: %.3f of the link, the formula has %.3f\n",
                       rtts_us[i] / 1e3, losses[j] * 100, reached, allowed);
            /* without losses of its own making it takes what slow start leaves */
            LKS_CHECK(reached > (losses[j] > 0 ? 0.7 : 0.84) * allowed,
                      "rtt %u us, loss %g: %.3f, the formula has %.3f", rtts_us[i], losses[j],
                      reached, allowed);
        }
    }
}

const struct lks_test *goodput_tests(void)
{
    static const struct lks_test tests[] = {{"goodput beside the formulas", goodput}, {0}};
    return tests;
}
