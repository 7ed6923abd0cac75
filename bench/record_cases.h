// SPDX-License-Identifier: BSD-3-Clause
#ifndef LKS_BENCH_RECORD_CASES_H
#define LKS_BENCH_RECORD_CASES_H

// Which rows record_bench has, and what they are called.

#include <string>
#include <vector>

#include "record_provider.h"

// seal/aes_128_gcm/lockstep/64B/32conn/batch32, with /2seg or /kernel:portable behind where they
// differ from one segment and the best kernel (of ipsec-mb: /kernel:sse is its code for AES-NI).
std::string name_of(const Case &c);

// The rows of a run of some minutes, and every row.
std::vector<Case> default_cases();
std::vector<Case> full_cases();

#endif
