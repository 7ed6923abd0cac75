// SPDX-License-Identifier: BSD-3-Clause
#ifndef LKS_BENCH_MACHINE_H
#define LKS_BENCH_MACHINE_H

// What this machine can do at most, measured here and now.

// Nanoseconds that this thread has run: on a shared machine the clock on the wall counts others
// too.
double machine_thread_ns();

// Core cycles a nanosecond, from a chain of dependent additions.
double machine_ghz();

// Cycles for 64 bytes of AES-GCM if nothing but its AES rounds and carry-less multiplications were
// to be done, with vectors of 16, 32 or 64 bytes; 0 where this CPU has none.
double machine_gcm_cycles(int num_rounds, int vector_len);

#endif
