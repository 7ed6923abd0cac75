/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <lockstep/status.h>

#include "base/ct.h"
#include "base/reader.h"
#include "base/writer.h"
#include "common/test.h"
#include "test_base.h"

static void reader_takes_all_or_nothing(void)
{
    const uint8_t bytes[] = {3, 'a', 'b', 'c', 0, 4, 'x', 'y', 'z'};
    struct lks_reader r = lks_reader_of(bytes, sizeof(bytes)), vec;
    CU_ASSERT_TRUE(lks_read_vec8(&r, &vec));
    CU_ASSERT_EQUAL(vec.len, 3);
    CU_ASSERT_EQUAL(memcmp(vec.data, "abc", 3), 0);
    CU_ASSERT_FALSE(lks_read_vec16(&r, &vec)); /* says 4, has 3 */
    CU_ASSERT_EQUAL(r.len, 5);
    uint16_t v16;
    uint32_t v24;
    CU_ASSERT_TRUE(lks_read_u16(&r, &v16));
    CU_ASSERT_EQUAL(v16, 4);
    CU_ASSERT_TRUE(lks_read_u24(&r, &v24));
    CU_ASSERT_EQUAL(v24, 0x78797a);
    uint8_t v8;
    CU_ASSERT_FALSE(lks_read_u8(&r, &v8));
}

static void writer_fails_once_and_for_all(void)
{
    uint8_t buf[8];
    struct lks_writer w = lks_writer_of(buf, sizeof(buf));
    size_t mark = lks_write_open(&w, 2);
    lks_write_bytes(&w, "hello", 5);
    lks_write_close(&w, mark, 2);
    CU_ASSERT_FALSE(w.failed);
    CU_ASSERT_EQUAL(memcmp(buf, "\0\5hello", 7), 0);
    lks_write_u16(&w, 1);
    CU_ASSERT_TRUE(w.failed);
    lks_write_u8(&w, 1);
    CU_ASSERT_TRUE(w.failed);
    CU_ASSERT_EQUAL(w.len, 7);
}

static void writer_refuses_a_vector_too_long_for_its_prefix(void)
{
    uint8_t buf[300];
    struct lks_writer w = lks_writer_of(buf, sizeof(buf));
    size_t mark = lks_write_open(&w, 1);
    CU_ASSERT_PTR_NOT_NULL(lks_write_room(&w, 256));
    lks_write_close(&w, mark, 1);
    CU_ASSERT_TRUE(w.failed);
}

static void ct_helpers_agree_with_plain_c(void)
{
    const uint32_t values[] = {0, 1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    for (unsigned int i = 0; i < 7; i++) {
        CU_ASSERT_EQUAL(lks_ct_is_zero(values[i]), values[i] ? 0 : 0xffffffffu);
        for (unsigned int j = 0; j < 7; j++)
            CU_ASSERT_EQUAL(lks_ct_eq(values[i], values[j]), i == j ? 0xffffffffu : 0);
    }
    CU_ASSERT_EQUAL(lks_ct_select(0xffffffff, 5, 9), 5);
    CU_ASSERT_EQUAL(lks_ct_select(0, 5, 9), 9);
    CU_ASSERT_TRUE(lks_ct_memeq("abcd", "abcd", 4));
    CU_ASSERT_FALSE(lks_ct_memeq("abcd", "abce", 4));
    CU_ASSERT_TRUE(lks_ct_memeq("a", "b", 0));
}

static void every_status_has_a_name_and_an_alert(void)
{
    CU_ASSERT_EQUAL(lks_status_alert(LKS_BAD_TAG), 20);
    CU_ASSERT_EQUAL(lks_status_alert(LKS_RECORD_OVERFLOW), 22);
    CU_ASSERT_EQUAL(lks_status_alert(LKS_ALERT_DECODE_ERROR), 50);
    CU_ASSERT_EQUAL(lks_status_alert(LKS_NO_MEMORY), 80);
    CU_ASSERT_STRING_EQUAL(lks_status_name(LKS_BAD_TAG), "bad_tag");
    CU_ASSERT_STRING_EQUAL(lks_status_name(LKS_ALERT_PROTOCOL_VERSION), "alert_protocol_version");
    CU_ASSERT_STRING_EQUAL(lks_status_name((enum lks_status)9999), "unknown");
}

/* Of all statuses: why a step stopped ends nothing, what failed does. */
static void which_statuses_are_fatal(void)
{
    static const enum lks_status others[] = {LKS_OK,          LKS_WANT_DATA,   LKS_WANT_PKEY,
                                             LKS_WANT_ANSWER, LKS_DEFERRED,    LKS_WANT_ROOM,
                                             LKS_NO_ROOM,     LKS_UNSUPPORTED, LKS_CLOSED};
    for (unsigned int status = 0; status < LKS_ALERT_BASE + 256; status++) {
        bool fatal = strcmp(lks_status_name((enum lks_status)status), "unknown") != 0;
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
            fatal &= status != others[i];
        if (strcmp(lks_status_name((enum lks_status)status), "unknown"))
            LKS_CHECK(lks_status_is_fatal((enum lks_status)status) == fatal, "%s",
                      lks_status_name((enum lks_status)status));
    }
}

static const struct lks_test base_tests[] = {
    {"reader takes all or nothing", reader_takes_all_or_nothing},
    {"writer fails once and for all", writer_fails_once_and_for_all},
    {"writer refuses a vector too long for its prefix",
     writer_refuses_a_vector_too_long_for_its_prefix},
    {"ct helpers agree with plain C", ct_helpers_agree_with_plain_c},
    {"every status has a name and an alert", every_status_has_a_name_and_an_alert},
    {"which statuses are fatal", which_statuses_are_fatal},
    {NULL, NULL},
};

static const struct lks_test_suite suites[] = {
    {"base", base_tests}, {"cpu", lks_cpu_tests}, {NULL, NULL}};

int main(void)
{
    return lks_test_run("base", suites);
}
