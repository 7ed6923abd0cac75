/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The emulated intrinsics beside their definitions, bit by bit in plain C, and beside the CPU's own
 * instructions where it has them: then the definitions are held against those, too.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "cases.h"
#include "common/test.h"
#include "simd/isa.h"

enum { PAGE = 4096 };

static uint8_t *page; /* the ones before and behind fault */

static uint64_t u64(const uint8_t *v, unsigned int i)
{
    uint64_t x;
    memcpy(&x, v + 8 * i, sizeof(x));
    return x;
}

static uint32_t u32(const uint8_t *v, unsigned int i)
{
    uint32_t x;
    memcpy(&x, v + 4 * i, sizeof(x));
    return x;
}

static void set64(uint8_t *v, unsigned int i, uint64_t x)
{
    memcpy(v + 8 * i, &x, sizeof(x));
}

static void set32(uint8_t *v, unsigned int i, uint32_t x)
{
    memcpy(v + 4 * i, &x, sizeof(x));
}

#define DEFINE(name) \
    static void name(uint8_t *out, const struct emulate_input *in, unsigned int imm)
#define UNUSED (void)out, (void)in, (void)imm
#define DEFINE_EACH(name, set, get, num, value)  \
    DEFINE(name)                                 \
    {                                            \
        for (unsigned int i = 0; i < (num); i++) \
            set(out, i, value);                  \
        UNUSED;                                  \
    }
#define DEFINE_64(name, value) DEFINE_EACH(name, set64, u64, 8, value)
#define DEFINE_32(name, value) DEFINE_EACH(name, set32, u32, 16, value)
#define A64                    u64(in->a, i)
#define B64                    u64(in->b, i)
#define C64                    u64(in->c, i)
#define BIT                    (in->mask >> i & 1)

DEFINE_64(xor_512, A64 ^ B64)
DEFINE_64(and_512, A64 &B64)
DEFINE_64(or_512, A64 | B64)
DEFINE_64(add_64, A64 + B64)
DEFINE_64(sub_64, A64 - B64)
DEFINE_32(add_32, u32(in->a, i) + u32(in->b, i))
DEFINE_64(shift_left, imm > 63 ? 0 : A64 << imm)
DEFINE_64(shift_right, imm > 63 ? 0 : A64 >> imm)
DEFINE_32(rotate, imm ? u32(in->a, i) << imm | u32(in->a, i) >> (32 - imm) : u32(in->a, i))
DEFINE_32(unpack_low_32, u32(i % 2 ? in->b : in->a, i / 4 * 4 + i % 4 / 2))
DEFINE_32(unpack_high_32, u32(i % 2 ? in->b : in->a, i / 4 * 4 + 2 + i % 4 / 2))
DEFINE_64(unpack_low_64, u64(i % 2 ? in->b : in->a, i / 2 * 2))
DEFINE_64(unpack_high_64, u64(i % 2 ? in->b : in->a, i / 2 * 2 + 1))
DEFINE_32(shuffle_32, u32(in->a, i / 4 * 4 + (imm >> i % 4 * 2 & 3)))
DEFINE_64(shuffle_blocks, u64(i < 4 ? in->a : in->b, (imm >> i / 2 * 2 & 3) * 2 + i % 2))
DEFINE_64(permute_imm, u64(in->a, i / 4 * 4 + (imm >> i % 4 * 2 & 3)))
DEFINE_32(permute_32, u32(in->b, u32(in->a, i) & 15))
DEFINE_64(permute_64, u64(in->b, A64 & 7))
DEFINE_64(zero, 0)
DEFINE_32(set1_32, (uint32_t)in->number)
DEFINE_64(set1_64, in->number)
DEFINE_32(set_32, u32(in->a, i))
DEFINE_64(repeat_128, u64(in->a, i % 2))
DEFINE_EACH(first_128, set64, u64, 2, A64)
DEFINE_EACH(first_256, set64, u64, 4, A64)
DEFINE_EACH(extract_128, set64, u64, 2, u64(in->a, 2 * imm + i))
DEFINE_EACH(extract_256, set64, u64, 4, u64(in->a, 4 * imm + i))
DEFINE_64(insert_128, i / 2 == imm ? u64(in->b, i % 2) : A64)
DEFINE_64(insert_256, i / 4 == imm ? u64(in->b, i % 4) : A64)
DEFINE_EACH(xor_256, set64, u64, 4, A64 ^ B64)
DEFINE_EACH(join_256, set64, u64, 4, u64(i < 2 ? in->b : in->a, i % 2)) /* high, low */
DEFINE_64(mask_mov_64, BIT ? B64 : A64)
DEFINE_64(maskz_mov_64, BIT ? A64 : 0)
DEFINE_64(maskz_and_64, BIT ? A64 &B64 : 0)
DEFINE_64(mask_add_64, BIT ? B64 + C64 : A64)
DEFINE_64(maskz_set1_64, BIT ? in->number : 0)
DEFINE_32(maskz_repeat, BIT ? u32(in->a, i % 4) : 0)

DEFINE(ternary)
{
    for (unsigned int i = 0; i < 512; i++) {
        const unsigned int a = in->a[i / 8] >> i % 8 & 1, b = in->b[i / 8] >> i % 8 & 1,
                           c = in->c[i / 8] >> i % 8 & 1;
        out[i / 8] |= (uint8_t)((imm >> (4 * a + 2 * b + c) & 1) << i % 8);
    }
}

DEFINE(shuffle_8)
{
    UNUSED;
    for (unsigned int i = 0; i < 64; i++)
        out[i] = in->b[i] & 0x80 ? 0 : in->a[i / 16 * 16 + (in->b[i] & 15)];
}

/* Without carries, a bit at a time. */
DEFINE(clmul)
{
    for (unsigned int q = 0; q < 4; q++) {
        const uint64_t a = u64(in->a, 2 * q + (imm & 1)), b = u64(in->b, 2 * q + (imm >> 4));
        uint64_t low = 0, high = 0;
        for (unsigned int i = 0; i < 64; i++) {
            low ^= b >> i & 1 ? a << i : 0;
            high ^= i && b >> i & 1 ? a >> (64 - i) : 0;
        }
        set64(out, 2 * q, low);
        set64(out, 2 * q + 1, high);
    }
}

/* The product of 52-bit numbers, by schoolbook in 26-bit digits: at most 104 bits. */
static void product_52(uint64_t b, uint64_t c, uint64_t *low52, uint64_t *high52)
{
    const uint64_t digit = (UINT64_C(1) << 26) - 1;
    const uint64_t b0 = b & digit, b1 = b >> 26 & digit, c0 = c & digit, c1 = c >> 26 & digit;
    const uint64_t mid = b0 * c1 + b1 * c0 + (b0 * c0 >> 26); /* below 2^54 */
    *low52 = (b0 * c0 & digit) | (mid & digit) << 26;
    *high52 = b1 * c1 + (mid >> 26);
}

DEFINE(madd_low)
{
    uint64_t low, high;
    UNUSED;
    for (unsigned int i = 0; i < 8; i++) {
        product_52(B64, C64, &low, &high);
        set64(out, i, A64 + low);
    }
}

DEFINE(madd_high)
{
    uint64_t low, high;
    UNUSED;
    for (unsigned int i = 0; i < 8; i++) {
        product_52(B64, C64, &low, &high);
        set64(out, i, A64 + high);
    }
}

/* FIPS 197 section 4.2: a product in its field. */
static uint8_t times(uint8_t a, uint8_t b)
{
    unsigned int x = a, r = 0;
    for (; b; b >>= 1) {
        r ^= b & 1 ? x : 0;
        x = x << 1 ^ (x & 0x80 ? 0x11b : 0);
    }
    return (uint8_t)r;
}

/* Section 5.1.1. */
static uint8_t sub_byte(uint8_t a)
{
    unsigned int inverse = 0, r = 0x63;
    for (unsigned int b = 0; a && b < 256; b++)
        if (times(a, (uint8_t)b) == 1)
            inverse = b;
    for (unsigned int i = 0; i < 5; i++)
        r ^= inverse << i | inverse >> (8 - i);
    return (uint8_t)r;
}

/* Sections 5.1.2 to 5.1.4: a round, the last without MixColumns. */
static void round_of(uint8_t *out, const struct emulate_input *in, bool last)
{
    static uint8_t box[256];
    for (unsigned int i = 0; !box[0] && i < 256; i++)
        box[255 - i] = sub_byte((uint8_t)(255 - i));
    for (unsigned int at = 0; at < 64; at += 4) {
        uint8_t s[4];
        for (unsigned int row = 0; row < 4; row++)
            s[row] = box[in->a[at / 16 * 16 + (at + 5 * row) % 16]];
        for (unsigned int row = 0; row < 4; row++) {
            const uint8_t mixed =
                times(s[row], 2) ^ times(s[(row + 1) % 4], 3) ^ s[(row + 2) % 4] ^ s[(row + 3) % 4];
            out[at + row] = (last ? s[row] : mixed) ^ in->b[at + row];
        }
    }
}

DEFINE(aes_round)
{
    UNUSED;
    round_of(out, in, false);
}

DEFINE(aes_last)
{
    UNUSED;
    round_of(out, in, true);
}

#define DEFINE_MASK(name, condition)               \
    DEFINE(name)                                   \
    {                                              \
        UNUSED;                                    \
        for (unsigned int i = 0; i < 8; i++)       \
            out[0] |= (uint8_t)((condition) << i); \
    }
DEFINE_MASK(less, A64 < B64)
DEFINE_MASK(at_least, A64 >= B64)
DEFINE_MASK(at_most, A64 <= B64)
DEFINE_MASK(common_bits, (A64 & B64) != 0)

DEFINE(low_bits)
{
    uint64_t r = 0;
    UNUSED;
    for (unsigned int i = 0; i < 64 && i < (in->number & 0xff); i++)
        r |= in->mask & UINT64_C(1) << i;
    set64(out, 0, r);
}

DEFINE(maskz_mov_8)
{
    UNUSED;
    for (unsigned int i = 0; i < 64; i++)
        out[i] = BIT ? in->a[i] : 0;
}

DEFINE(load_512)
{
    UNUSED;
    memcpy(out, in->load, 64);
}

static void load_bytes(uint8_t *out, const struct emulate_input *in, unsigned int num)
{
    for (unsigned int i = 0; i < num; i++)
        if (BIT)
            out[i] = *(const uint8_t *)((uintptr_t)in->load + i);
}

DEFINE(maskz_load_512)
{
    UNUSED;
    load_bytes(out, in, 64);
}

DEFINE(maskz_load_128)
{
    UNUSED;
    load_bytes(out, in, 16);
}

DEFINE(expand_load)
{
    const uint8_t *next = in->load;
    UNUSED;
    for (unsigned int i = 0; i < 8; i++)
        if (BIT) {
            memcpy(out + 8 * i, next, 8);
            next += 8;
        }
}

DEFINE(store_512)
{
    UNUSED;
    memcpy(in->store, in->a, 64);
}

DEFINE(mask_store_512)
{
    UNUSED;
    for (unsigned int i = 0; i < 64; i++)
        if (BIT)
            *(uint8_t *)((uintptr_t)in->store + i) = in->a[i];
}

static const struct {
    const char *name;
    void (*run)(uint8_t *out, const struct emulate_input *in, unsigned int imm);
} definitions[] = {
    {"_mm512_xor_si512", xor_512},
    {"_mm512_and_si512", and_512},
    {"_mm512_or_si512", or_512},
    {"_mm512_add_epi32", add_32},
    {"_mm512_add_epi64", add_64},
    {"_mm512_sub_epi64", sub_64},
    {"_mm512_shuffle_epi8", shuffle_8},
    {"_mm512_unpacklo_epi32", unpack_low_32},
    {"_mm512_unpackhi_epi32", unpack_high_32},
    {"_mm512_unpacklo_epi64", unpack_low_64},
    {"_mm512_unpackhi_epi64", unpack_high_64},
    {"_mm512_aesenc_epi128", aes_round},
    {"_mm512_aesenclast_epi128", aes_last},
    {"_mm512_clmulepi64_epi128", clmul},
    {"_mm512_ternarylogic_epi64", ternary},
    {"_mm512_slli_epi64", shift_left},
    {"_mm512_srli_epi64", shift_right},
    {"_mm512_rol_epi32", rotate},
    {"_mm512_madd52lo_epu64", madd_low},
    {"_mm512_madd52hi_epu64", madd_high},
    {"_mm512_shuffle_epi32", shuffle_32},
    {"_mm512_shuffle_i64x2", shuffle_blocks},
    {"_mm512_shuffle_i32x4", shuffle_blocks},
    {"_mm512_permutex_epi64", permute_imm},
    {"_mm512_permutexvar_epi32", permute_32},
    {"_mm512_permutexvar_epi64", permute_64},
    {"_mm512_setzero_si512", zero},
    {"_mm512_set1_epi32", set1_32},
    {"_mm512_set1_epi64", set1_64},
    {"_mm512_set_epi32", set_32},
    {"_mm512_broadcast_i32x4", repeat_128},
    {"_mm512_castsi128_si512", first_128},
    {"_mm512_castsi512_si128", first_128},
    {"_mm512_castsi256_si512", first_256},
    {"_mm512_castsi512_si256", first_256},
    {"_mm512_extracti32x4_epi32", extract_128},
    {"_mm512_extracti64x4_epi64", extract_256},
    {"_mm512_inserti32x4", insert_128},
    {"_mm512_inserti64x4", insert_256},
    {"_mm256_xor_si256", xor_256},
    {"_mm256_set_m128i", join_256},
    {"_mm256_castsi256_si128", first_128},
    {"_mm256_extracti128_si256", extract_128},
    {"_bzhi_u64", low_bits},
    {"_mm512_mask_mov_epi64", mask_mov_64},
    {"_mm512_maskz_mov_epi64", maskz_mov_64},
    {"_mm512_maskz_mov_epi8", maskz_mov_8},
    {"_mm512_maskz_and_epi64", maskz_and_64},
    {"_mm512_mask_add_epi64", mask_add_64},
    {"_mm512_maskz_set1_epi64", maskz_set1_64},
    {"_mm512_maskz_broadcast_i32x4", maskz_repeat},
    {"_mm512_cmplt_epu64_mask", less},
    {"_mm512_cmpge_epu64_mask", at_least},
    {"_mm512_cmple_epu64_mask", at_most},
    {"_mm512_test_epi64_mask", common_bits},
    {"_mm512_loadu_si512", load_512},
    {"_mm512_maskz_loadu_epi8", maskz_load_512},
    {"_mm_maskz_loadu_epi8", maskz_load_128},
    {"_mm512_maskz_expandloadu_epi64", expand_load},
    {"_mm512_storeu_si512", store_512},
    {"_mm512_mask_storeu_epi8", mask_store_512},
};
enum { NUM_DEFINITIONS = sizeof(definitions) / sizeof(definitions[0]) };

static size_t definition_of(const char *name)
{
    size_t i = 0;
    while (i < NUM_DEFINITIONS && strcmp(definitions[i].name, name) != 0)
        i++;
    return i;
}

/* One case on one input; store and load lie where the caller put them. */
static bool agrees(const struct emulate_case *c, const struct emulate_input *in, uint8_t *stored)
{
    const size_t at = definition_of(c->name);
    uint8_t out[64] = {0}, expected[64] = {0}, before[64], want[64];
    if (!LKS_CHECK(at < NUM_DEFINITIONS, "%s has no definition here", c->name))
        return false;
    memcpy(before, stored, 64);
    definitions[at].run(expected, in, (unsigned int)c->imm);
    memcpy(want, stored, 64);
    memcpy(stored, before, 64);
    c->run(out, in);
    return memcmp(out, expected, 64) == 0 && memcmp(stored, want, 64) == 0;
}

/* Lanes that differ little: equal ones, neighbours, extremes, where comparisons and carries turn.
 */
static void make_edges(struct emulate_input *in, uint64_t *seed)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     UINT64_MAX,
                                     UINT64_MAX - 1,
                                     UINT64_C(1) << 63,
                                     (UINT64_C(1) << 63) - 1,
                                     (UINT64_C(1) << 52) - 1,
                                     UINT64_C(1) << 52};
    for (unsigned int i = 0; i < 8; i++) {
        const uint64_t r = lks_test_random(seed);
        set64(in->a, i, edges[r % 8]);
        set64(in->b, i, r >> 8 & 1 ? edges[r >> 16 & 7] : edges[r % 8]);
        set64(in->c, i, edges[r >> 24 & 7]);
    }
}

static void check_random(const struct emulate_case *cases)
{
    const unsigned int num = lks_test_is_quick() ? 200 : 2000;
    for (const struct emulate_case *c = cases; c->name; c++) {
        uint64_t seed = 1;
        for (unsigned int round = 0; round < num; round++) {
            struct emulate_input in;
            uint8_t loaded[64], stored[64];
            const uint64_t start = seed;
            lks_test_fill(&seed, &in, sizeof(in));
            lks_test_fill(&seed, loaded, sizeof(loaded));
            lks_test_fill(&seed, stored, sizeof(stored));
            if (round % 4 == 0)
                make_edges(&in, &seed);
            if (round % 8 == 1)
                in.mask = round % 16 == 1 ? 0 : UINT64_MAX;
            in.number = round % 2 ? in.number : in.number % 70;
            in.load = loaded;
            in.store = stored;
            if (!LKS_CHECK(agrees(c, &in, stored), "%s %#x, seed %llu", c->name,
                           (unsigned int)c->imm, (unsigned long long)start))
                break;
        }
    }
}

/* A mask's bytes from … to, at the page's beginning and at its end; the vector's other bytes lie in
 * pages that fault. */
static bool check_bytes(const struct emulate_case *c, unsigned int from, unsigned int to)
{
    const uintptr_t begin = (uintptr_t)page, end = begin + PAGE;
    bool ok = true;
    for (unsigned int side = 0; side < 2; side++) {
        struct emulate_input in = {.mask = 0};
        uint8_t *window = side ? page + PAGE - 64 : page;
        uint64_t seed = from * 65 + to;
        lks_test_fill(&seed, in.a, sizeof(in.a));
        lks_test_fill(&seed, window, 64);
        for (unsigned int i = from; i < to; i++)
            in.mask |= UINT64_C(1) << i;
        in.load = in.store = (void *)(side ? end - to : begin - from);
        ok = ok && agrees(c, &in, window);
    }
    return ok;
}

/* Words are read one after the other, whatever their lanes. */
static bool check_words(const struct emulate_case *c, unsigned int mask)
{
    const unsigned int len = 8 * (unsigned int)__builtin_popcount(mask);
    struct emulate_input in = {.mask = mask};
    in.load = page;
    bool ok = agrees(c, &in, page);
    in.load = page + PAGE - len;
    return ok && agrees(c, &in, page);
}

static void check_bounds(const struct emulate_case *cases)
{
    unsigned int num = 0;
    for (const struct emulate_case *c = cases; c->name; c++) {
        const bool is_128 = strcmp(c->name, "_mm_maskz_loadu_epi8") == 0;
        if (is_128 || strcmp(c->name, "_mm512_maskz_loadu_epi8") == 0 ||
            strcmp(c->name, "_mm512_mask_storeu_epi8") == 0) {
            const unsigned int most = is_128 ? 16 : 64;
            for (unsigned int from = 0; from <= most; from++)
                for (unsigned int to = from; to <= most; to++)
                    LKS_CHECK(check_bytes(c, from, to), "%s: %u to %u", c->name, from, to);
            num++;
        }
        for (unsigned int mask = 0; mask < 256; mask++)
            if (strcmp(c->name, "_mm512_maskz_expandloadu_epi64") == 0)
                LKS_CHECK(check_words(c, mask), "%s: %#x", c->name, mask);
    }
    CU_ASSERT_EQUAL(num, 3);
}

static bool can_emulate(void)
{
    return lks_isa_usable("aesni");
}

static bool has_native(void)
{
    return lks_isa_usable("vaes512") && lks_isa_usable("avx512");
}

static void test_emulated(void)
{
    if (!can_emulate())
        LKS_SKIP("this CPU lacks AES-NI, of which the emulation is made");
    check_random(emulate_cases_emulated);
}

static void test_emulated_bounds(void)
{
    if (!can_emulate())
        LKS_SKIP("this CPU lacks AES-NI, of which the emulation is made");
    check_bounds(emulate_cases_emulated);
}

static void test_native(void)
{
    if (!has_native())
        LKS_SKIP("this CPU lacks AVX-512: emulated intrinsics were held against definitions only");
    check_random(emulate_cases_native);
    check_bounds(emulate_cases_native);
}

/* Whether each intrinsic that the header defines has a case, by its text. */
static void test_each_has_a_case(void)
{
    char line[512];
    unsigned int num = 0;
    FILE *header = fopen(EMULATE_HEADER, "r");
    if (!header)
        LKS_SKIP("the header's source is not here");
    while (fgets(line, sizeof(line), header)) {
        char *name = strstr(line, "_mm"), *end;
        name = name ? name : strstr(line, "_bzhi");
        const bool defines = strncmp(line, "INTRINSIC(", 10) == 0 ||
                             strncmp(line, "BY_128(", 7) == 0 ||
                             strncmp(line, "TO_MASK(", 8) == 0 || line[0] == '_';
        if (!defines || !name || strncmp(name, "_mmask", 6) == 0)
            continue;
        end = name + strcspn(name, "(,");
        *end = '\0';
        bool found = false;
        for (const struct emulate_case *c = emulate_cases_emulated; c->name; c++)
            found = found || strcmp(c->name, name) == 0;
        LKS_CHECK(found, "%s has no case", name);
        num++;
    }
    fclose(header);
    CU_ASSERT_EQUAL(num, NUM_DEFINITIONS);
}

int main(void)
{
    static const struct lks_test tests[] = {
        {"emulated beside definitions", test_emulated},
        {"emulated within a mask's bytes", test_emulated_bounds},
        {"definitions beside instructions", test_native},
        {"each has a case", test_each_has_a_case},
        {NULL, NULL}};
    static const struct lks_test_suite suites[] = {{"intrinsics", tests}, {NULL, NULL}};
    uint8_t *map = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page = map + PAGE;
    if (map == MAP_FAILED || mprotect(page, PAGE, PROT_READ | PROT_WRITE) != 0)
        return 1;
    return lks_test_run("emulate", suites);
}
