#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# says.sh NAME LINE COMMAND...: a runner with one test: the command succeeds and prints that line.
name=$1 line=$2
shift 2
if out=$("$@" 2>&1) && echo "$out" | grep -qxF "$line"; then
    echo "$name: 1 passed, 0 failed, 0 skipped"
else
    echo "$out"
    echo "FAIL $name: did not succeed with the line: $line"
    echo "$name: 0 passed, 1 failed, 0 skipped"
    exit 1
fi
