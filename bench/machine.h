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
// to be done, with the widest vectors that this CPU has (512 bits or 128); 0 where it has none.
double machine_gcm_cycles(int num_rounds);

#endif
