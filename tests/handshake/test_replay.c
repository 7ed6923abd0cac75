/* SPDX-License-Identifier: BSD-3-Clause */

/* The memory of hellos that carried early data: what is taken, what is refused, and on many cores.
 */

#include "handshake/resumption/replay.h"

#include <pthread.h>
#include <string.h>

#include "test_handshake.h"

#define W   10000u
#define NOW UINT64_C(1700000000000)

static struct lks_replay *new_window(uint32_t num_hellos)
{
    struct lks_replay *r = NULL;
    CU_ASSERT_EQUAL_FATAL(lks_replay_new(&r, W, num_hellos), LKS_OK);
    return r;
}

static enum lks_replay_answer ask(struct lks_replay *r, uint64_t number, uint64_t sent,
                                  uint64_t now)
{
    uint8_t unique[32] = {0};
    memcpy(unique, &number, sizeof(number));
    return lks_replay_ask(r, unique, sizeof(unique), sent, now);
}

/* With two hellos a bucket one in ten windows would have a bucket that is full. */
static void taken_once(void)
{
    struct lks_replay *r = new_window(1u << 16);
    for (uint64_t i = 0; i < 1000; i++) {
        CU_ASSERT_EQUAL(ask(r, i, NOW, NOW), LKS_REPLAY_NEW);
        CU_ASSERT_EQUAL(ask(r, i, NOW, NOW), LKS_REPLAY_SEEN);
    }
    for (uint64_t i = 0; i < 1000; i++)
        CU_ASSERT_EQUAL(ask(r, i, NOW, NOW + W), LKS_REPLAY_SEEN);
    lks_replay_free(r);
}

static void window(void)
{
    struct lks_replay *r = new_window(4096);
    CU_ASSERT_EQUAL(ask(r, 1, NOW - W, NOW), LKS_REPLAY_NEW);
    CU_ASSERT_EQUAL(ask(r, 2, NOW - W - 1, NOW), LKS_REPLAY_STALE);
    CU_ASSERT_EQUAL(ask(r, 3, NOW + W, NOW), LKS_REPLAY_NEW);
    CU_ASSERT_EQUAL(ask(r, 4, NOW + W + 1, NOW), LKS_REPLAY_STALE);
    CU_ASSERT_EQUAL(ask(r, 5, 0, NOW), LKS_REPLAY_STALE);
    CU_ASSERT_EQUAL(ask(r, 6, UINT64_MAX, NOW), LKS_REPLAY_STALE);
    lks_replay_free(r);
}

/* Wherever in an epoch a hello comes, it is remembered for as long as it is fresh. */
static void remembered_while_fresh(void)
{
    struct lks_replay *r = new_window(1u << 16);
    uint64_t number = 0;
    for (uint64_t now = NOW; now < NOW + 2 * W; now += 500) {
        uint64_t sent = now + W; /* as early as it can come */
        number++;
        CU_ASSERT_EQUAL(ask(r, number, sent, now), LKS_REPLAY_NEW);
    }
    number = 0;
    /* In the order in which they come, each as late as it can. */
    for (uint64_t now = NOW; now < NOW + 2 * W; now += 500) {
        number++;
        LKS_CHECK(ask(r, number, now + W, now + 2 * W) == LKS_REPLAY_SEEN, "sent at %llu",
                  (unsigned long long)(now - NOW));
        LKS_CHECK(ask(r, number, now + W, now + 2 * W + 1) == LKS_REPLAY_STALE, "later");
    }
    lks_replay_free(r);
}

/* Full means refused, not forgotten; two epochs later there is room again. */
static void full(void)
{
    struct lks_replay *r = new_window(64);
    uint64_t num_taken = 0, num_full = 0, taken[64];
    for (uint64_t i = 0; i < 1000; i++) {
        enum lks_replay_answer answer = ask(r, i, NOW, NOW);
        if (answer == LKS_REPLAY_NEW && num_taken < 64)
            taken[num_taken++] = i;
        num_full += answer == LKS_REPLAY_FULL;
    }
    CU_ASSERT_EQUAL(num_taken, 64);
    CU_ASSERT_EQUAL(num_full, 1000 - 64);
    for (uint64_t i = 0; i < num_taken; i++)
        CU_ASSERT_EQUAL(ask(r, taken[i], NOW, NOW + W), LKS_REPLAY_SEEN);
    const uint64_t later = NOW + 4 * W;
    CU_ASSERT_EQUAL(ask(r, 5000, later, later), LKS_REPLAY_NEW);
    CU_ASSERT_EQUAL(ask(r, 5000, later, later), LKS_REPLAY_SEEN);
    lks_replay_free(r);
}

/* What stands behind a slot that has become free is still seen. */
static void behind_a_free_slot(void)
{
    struct lks_replay *r = new_window(8); /* one bucket */
    const uint64_t epoch = NOW / (2 * W) * (2 * W);
    CU_ASSERT_EQUAL(ask(r, 1, epoch, epoch), LKS_REPLAY_NEW);
    CU_ASSERT_EQUAL(ask(r, 2, epoch + 3 * W, epoch + 2 * W), LKS_REPLAY_NEW);
    CU_ASSERT_EQUAL(ask(r, 2, epoch + 3 * W, epoch + 4 * W), LKS_REPLAY_SEEN);
    lks_replay_free(r);
}

/* A clock that goes back does not make old hellos fresh again. */
static void clock_goes_back(void)
{
    struct lks_replay *r = new_window(4096);
    CU_ASSERT_EQUAL(ask(r, 1, NOW, NOW), LKS_REPLAY_NEW);
    CU_ASSERT_EQUAL(ask(r, 2, NOW + 10 * W, NOW + 10 * W), LKS_REPLAY_NEW);
    CU_ASSERT_EQUAL(ask(r, 1, NOW, NOW), LKS_REPLAY_STALE);
    CU_ASSERT_EQUAL(ask(r, 3, NOW, NOW), LKS_REPLAY_STALE);
    CU_ASSERT_EQUAL(ask(r, 4, NOW + 10 * W, NOW), LKS_REPLAY_NEW);
    lks_replay_free(r);
}

/* Over many epochs nothing is taken twice, and nothing is refused without a reason. */
static void many_epochs(void)
{
    struct lks_replay *r = new_window(1u << 14);
    uint64_t number = 0, num_refused = 0;
    for (uint64_t epoch = 0; epoch < 70; epoch++) {
        uint64_t now = NOW + epoch * 2 * W + W / 2;
        for (uint64_t i = 0; i < 300; i++)
            num_refused += ask(r, number++, now, now) != LKS_REPLAY_NEW;
        for (uint64_t i = number - 300; i < number; i++)
            num_refused += ask(r, i, now, now + W / 2) == LKS_REPLAY_NEW;
    }
    CU_ASSERT_EQUAL(num_refused, 0);
    lks_replay_free(r);
}

#define NUM_CORES  3u
#define NUM_HELLOS 20000u

struct core {
    struct lks_replay *r;
    atomic_uint *num_taken;
    uint64_t seed;
};

static void *replay_them(void *arg)
{
    struct core *core = arg;
    /* Each core goes through all of them, over the turns of some epochs, at a pace of its own. */
    for (uint32_t i = 0; i < NUM_HELLOS; i++) {
        uint64_t now = NOW + i, jitter = lks_test_random(&core->seed) % 64;
        if (ask(core->r, i, now, now + jitter) == LKS_REPLAY_NEW)
            atomic_fetch_add(&core->num_taken[i], 1);
    }
    return NULL;
}

static void taken_once_on_all_cores(void)
{
    static atomic_uint num_taken[NUM_HELLOS];
    struct lks_replay *r = NULL;
    CU_ASSERT_EQUAL_FATAL(lks_replay_new(&r, 200, 1u << 12), LKS_OK);
    pthread_t threads[NUM_CORES];
    struct core cores[NUM_CORES];
    for (unsigned int i = 0; i < NUM_CORES; i++) {
        cores[i] = (struct core){r, num_taken, i};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, replay_them, &cores[i]), 0);
    }
    for (unsigned int i = 0; i < NUM_CORES; i++)
        pthread_join(threads[i], NULL);
    uint32_t once = 0, twice = 0;
    for (uint32_t i = 0; i < NUM_HELLOS; i++) {
        once += atomic_load(&num_taken[i]) == 1;
        twice += atomic_load(&num_taken[i]) > 1;
    }
    LKS_CHECK(twice == 0 && once > NUM_HELLOS / 4, "%u once, %u more than once", once, twice);
    lks_replay_free(r);
}

const struct lks_test replay_tests[] = {{"taken once", taken_once},
                                        {"window", window},
                                        {"remembered while fresh", remembered_while_fresh},
                                        {"full", full},
                                        {"behind a free slot", behind_a_free_slot},
                                        {"clock that goes back", clock_goes_back},
                                        {"many epochs", many_epochs},
                                        {"taken once on all cores", taken_once_on_all_cores},
                                        {NULL, NULL}};
