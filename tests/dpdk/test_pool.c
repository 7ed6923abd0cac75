/* SPDX-License-Identifier: BSD-3-Clause */

/* lockstepd's pools: under AddressSanitizer what lies in one is out of bounds. */

#include <rte_mbuf.h>

#include "../../dpdk_app/pool.h"
#include "common/test.h"
#include "suites.h"

/* The sanitizer's library has it, if it is there. */
int __asan_address_is_poisoned(const volatile void *at) __attribute__((weak));

static void freed_buffers_are_poisoned(void)
{
    if (!__asan_address_is_poisoned)
        LKS_SKIP("built without AddressSanitizer");
    struct rte_mempool *pool = pool_new("poisoned", 7, 256, SOCKET_ID_ANY, false);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
    struct rte_mbuf *all[7];
    for (unsigned int round = 0; round < 3; round++) {
        CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), 7);
        CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_alloc_bulk(pool, all, 7), 0);
        CU_ASSERT_PTR_NULL(rte_pktmbuf_alloc(pool));
        for (unsigned int i = 0; i < 7; i++) {
            uint8_t *data = rte_pktmbuf_mtod(all[i], uint8_t *),
                    *last = (uint8_t *)all[i]->buf_addr + 255;
            CU_ASSERT_FALSE(__asan_address_is_poisoned(data) || __asan_address_is_poisoned(last));
            rte_pktmbuf_free(all[i]);
            CU_ASSERT_TRUE(__asan_address_is_poisoned(data) && __asan_address_is_poisoned(last) &&
                           __asan_address_is_poisoned(all[i]));
        }
    }
    rte_mempool_free(pool);
}

const struct lks_test pool_tests[] = {
    {"freed buffers are poisoned", freed_buffers_are_poisoned},
    {0},
};
