/* SPDX-License-Identifier: BSD-3-Clause */
#include "ends.h"

#include <stdio.h>

#include "common/test.h"
#include "conn/client.h"

void ended(enum session_end why, uint32_t num)
{
    const struct report r = bed_report();
    for (unsigned int i = 0; i < NUM_ENDS; i++)
        LKS_CHECK(r.app.ended[i] == (i == why ? num : 0), "end %u: %u", i,
                  (unsigned int)r.app.ended[i]);
    CU_ASSERT_EQUAL(r.app.sessions, 0);
}

void bed_settle(void)
{
    bed_poll();
    bed_poll();
}

void still_there(void)
{
    CU_ASSERT_EQUAL(bed_report().app.sessions, 1);
}

void answers(struct peer *p, uint32_t len)
{
    flow_says(p->backend, pattern(len), len, 1460);
}

void got_all(struct peer *p)
{
    is_pattern(&p->tls.received, ANSWER);
    CU_ASSERT_TRUE(p->tls.closed);
    CU_ASSERT_EQUAL(p->tls.end, LKS_OK);
    CU_ASSERT_TRUE(p->client->is_shut);
    CU_ASSERT_FALSE(p->client->is_aborted);
}

void each_row(const struct end_row *rows, const char *suites)
{
    for (; rows->name; rows++) {
        const unsigned int failures = CU_get_number_of_failures();
        struct peer p;
        bed_start(suites);
        peer_establish(&p, NULL);
        rows->run(&p);
        peer_free(&p);
        bed_stop();
        if (CU_get_number_of_failures() != failures)
            printf("  in row \"%s\"\n", rows->name);
    }
}
