// SPDX-License-Identifier: BSD-3-Clause
#ifndef LKS_BENCH_PROGRESS_H
#define LKS_BENCH_PROGRESS_H

// Says on stderr how many rows there are, about how long they take, and how far a run is.

#include "record_provider.h"

class Progress
{
  public:
    // measured: seconds that a row is measured for, all its repetitions.
    void plan(const std::vector<Case> &cases, double measured);
    void begin(const Case &c); // the row that is measured from now on
    void end();

  private:
    double seconds_of(const Case &c) const;
    double measured_ = 0, planned_ = 0, done_ = 0; // seconds, as estimated
    double current_ = 0, started_ = 0, last_said_ = 0;
    size_t num_rows_ = 0, num_begun_ = 0;
};

#endif
