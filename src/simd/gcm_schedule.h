/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Round keys made anew from the keys themselves, a key a lane, for gcm_lanes.h: those that are
 * stored are three cache lines of a key, and to fetch these costs more than to make them.
 *
 * FIPS 197 section 5.2, four words at once: word i is the sum of the word before and of the one as
 * far back as a key is long. So the next four are those so far back, xored with themselves moved up
 * by one, two and three words, and with the latest word, which goes through SubWord and maybe
 * RotWord first. In a block of four equal words aesenclast is SubWord, since ShiftRows leaves it as
 * it is, and adds the round's constant. One step waits some seven cycles for the other, so that
 * SCHEDULES vectors of keys go side by side.
 */

#define SCHEDULES          2u
#define KEY_BLOCKS(rounds) ((rounds) == 10u ? 1u : 2u)

/* Of the keys in a vector's lanes. */
struct schedule {
    VEC round[15];
};

/* Some vectors' that come next. */
struct schedules {
    struct schedule of[SCHEDULES];
    unsigned int num_left;
};

INLINE VEC schedule_step(VEC before, VEC last, bool rotates, int constant)
{
    const __m128i rot_word = _mm_set1_epi32(0x0c0f0e0d), word = _mm_set1_epi32(0x0f0e0d0c);
    const VEC up4 = vec_repeat(block_load(block_moves + 12));
    const VEC up8 = vec_repeat(block_load(block_moves + 8));
    const VEC sub_word = vec_aesenclast(vec_shuffle(last, vec_repeat(rotates ? rot_word : word)),
                                        vec_repeat(_mm_set1_epi32(constant)));
    before = vec_xor(before, vec_shuffle(before, up4));
    before = vec_xor(before, vec_shuffle(before, up8));
    return vec_xor(before, sub_word);
}

/* states: one for each lane of SCHEDULES vectors. */
INLINE void make_schedules(struct schedules *s, const uint8_t *const *states, unsigned int rounds)
{
    static const uint8_t constants[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36};
    const unsigned int key_blocks = KEY_BLOCKS(rounds);
    VEC before[SCHEDULES], last[SCHEDULES];
    UNROLL for (unsigned int v = 0; v < SCHEDULES; v++)
    {
        before[v] = last[v] = s->of[v].round[0] = lanes_load(states + v * VEC_BLOCKS, KEY_AT(0));
        if (key_blocks == 2)
            last[v] = s->of[v].round[1] = lanes_load(states + v * VEC_BLOCKS, KEY_AT(1));
    }
    UNROLL for (unsigned int i = key_blocks; i <= rounds; i++)
    {
        const bool rotates = i % key_blocks == 0;
        const int constant = rotates ? constants[i / key_blocks - 1] : 0;
        UNROLL for (unsigned int v = 0; v < SCHEDULES; v++)
        {
            const VEC next = schedule_step(before[v], last[v], rotates, constant);
            before[v] = key_blocks == 1 ? next : last[v];
            last[v] = s->of[v].round[i] = next;
        }
    }
    s->num_left = SCHEDULES;
}

/* The next vector's, whose lanes are the first of jobs. */
INLINE const struct schedule *next_schedule(struct schedules *s, struct lks_aead_job *const *jobs,
                                            size_t num_jobs, unsigned int rounds)
{
    const uint8_t *states[SCHEDULES * VEC_BLOCKS];
    if (!s->num_left) {
        UNROLL for (size_t i = 0; i < SCHEDULES * VEC_BLOCKS; i++) states[i] =
            jobs[i < num_jobs ? i : num_jobs - 1]->state;
        make_schedules(s, states, rounds);
    }
    return &s->of[SCHEDULES - s->num_left--];
}
