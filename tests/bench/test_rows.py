#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The rows of record_bench, their names and counters, and the loops that mca.py finds: test_rows.py RECORD_BENCH BENCH.
It measures two rows for some milliseconds, to see that what is counted is right, not how fast anything is."""

import json
import re
import subprocess
import sys
import tempfile

PROGRAM, BENCH = sys.argv[1:3]
sys.path.insert(0, BENCH)
import mca  # noqa: E402  pylint: disable=wrong-import-position

NAME = re.compile(r'(seal|open)/(\w+)/(lockstep|ipsec_mb_direct|ipsec_mb_burst|openssl)/(\d+B|imix)/(\d+)conn/'
                  r'batch(\d+)(?:/(\d+)seg)?(?:/kernel:(\w+))?')


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)


def names(*arguments):
    said = run('--list', *arguments)
    assert said.returncode == 0, said.stderr
    return said.stdout.split()


def parts(rows):
    """What each part of the names can be: eight sets."""
    matches = [NAME.fullmatch(row) for row in rows]
    assert all(matches), [row for row, match in zip(rows, matches) if not match][:3]
    return [set(column) for column in zip(*(match.groups() for match in matches))]


def test_default_rows():
    rows = names()
    assert len(rows) == len(set(rows)), 'a row is there twice'
    assert len(rows) < 1200, f'{len(rows)} rows of a fifth of a second are no run of under five minutes'
    _, aeads, _, lengths, conns, _, segs, _ = parts(rows)
    assert {'aes_128_gcm', 'aes_256_gcm', 'chacha20_poly1305', 'aes_128_ccm', 'mixed'} <= aeads, aeads
    assert {'16B', '64B', '500B', '512B', '16384B', 'imix'} <= lengths, lengths
    assert conns == {'32', '65536'} and segs == {None, '2', '12'}, (conns, segs)
    assert {'seal/aes_128_gcm/lockstep/64B/32conn/batch32', 'seal/mixed/openssl/imix/32conn/batch32',
            'open/mixed/lockstep/imix/32conn/batch32'} <= set(rows)


def test_full_rows():
    rows = names('--full')
    assert len(rows) == len(set(rows)), 'a row is there twice'
    assert len(rows) < 25000, f'{len(rows)} rows take more than an hour'
    directions, _, _, _, conns, batches, segs, kernels = parts(rows)
    assert directions == {'seal', 'open'}, directions
    assert conns == {'1', '32', '4096', '65536'} and batches == {'1', '8', '32', '128'}, (conns, batches)
    assert segs == {None, '2', '12'} and 'portable' in kernels, (segs, kernels)
    for provider in {match[3] for row in rows if (match := NAME.fullmatch(row))}:
        row = f'seal/aes_256_gcm/{provider}/1400B/65536conn/batch128'
        assert row in rows, row
    missing = set(names()) - set(rows)
    assert not missing, missing


def test_options():
    everything = names()
    picked = names('--filter', '^seal/.*/lockstep/64B')
    assert picked == [row for row in everything if re.match('seal/.*/lockstep/64B', row)]
    assert names('--sample', '10') == everything[::10]
    assert names('--full', '--filter', '/4096conn/batch8/2seg$'), 'a filter and --full together'
    for bad, words, code in ((('--filter', '('), 'no regular expression', 2), (('--filter', 'none of them'), 'no row', 1),
                             (('--sample', '0'), 'number from 1', 2)):
        said = run(*bad)
        assert said.returncode == code and words in said.stderr and not said.stdout, (bad, said)


def measured(row):
    with tempfile.NamedTemporaryFile(suffix='.json') as file:
        said = run('--filter', f'^{row}$', '--benchmark_min_time=0.001', '--benchmark_repetitions=1',
                   f'--benchmark_out={file.name}', '--benchmark_out_format=json')
        assert said.returncode == 0, said.stderr
        assert 'record_bench: 1 rows' in said.stderr, said.stderr
        result = json.load(file)
    assert 'cpu_model' in result['context'] and 'aes_128_gcm' in result['context'], result['context']
    assert len(result['benchmarks']) == 1 and 'error_occurred' not in result['benchmarks'][0], result
    return result['benchmarks'][0]


def close(a, b):
    return abs(a - b) < 1e-6 * b


def test_counters():
    row = measured('seal/aes_128_gcm/lockstep/64B/32conn/batch32')
    assert {'ns_per_record', 'cycles_per_record', 'bytes_per_second'} <= set(row), row
    assert close(row['bytes_per_second'] * row['ns_per_record'], 64e9), row
    assert row['key_bytes'] % 64 == 0 and 0 < row['key_state_bytes'] < row['key_bytes'], row
    assert 1 <= row.get('key_lines', 1) <= row['key_bytes'] / 64, row


def test_mix_counters():
    row = measured('seal/mixed/lockstep/imix/32conn/batch32')
    mean = row['bytes_per_second'] * row['ns_per_record'] / 1e9
    assert close(mean, (4875 + 12 * 1400 + 16384) / 32), mean
    assert 'share_of_limit' not in row, 'ChaCha20-Poly1305 has none'


def test_loops():
    """Two loops, one in the other, and one way around the inner one's middle."""
    function = mca.Function('f', [(0, 'xor %eax,%eax'), (2, 'inc %ecx'), (4, 'inc %edx'), (6, 'je a'), (8, 'vaesenc x'),
                                  (10, 'dec %edx'), (12, 'jne 4'), (14, 'dec %ecx'), (16, 'jne 2'), (18, 'ret')])
    found = {head: (within, len(function.ways(head, within))) for head, within in function.loops()}
    assert set(found) == {2, 4}, found
    assert found[4] == ({4, 8, 10}, 2), found[4]
    assert found[2][0] == {2, 4, 8, 10, 14}, found[2]
    sealed = [(0, 'vaesenclast %ymm1,%ymm2,%ymm3'), (1, 'vaesenclast (%rax),%ymm2,%ymm4')]
    assert mca.bytes_of(sealed, 'gcm_vaes256') == 64 and mca.bytes_of(sealed, 'ccm_vaes256') == 32
    assert mca.cpu_of('machine', [(0, 'vaesenc %zmm1,%zmm1,%zmm1')]) == 'icelake-server'


def main():
    failed = 0
    tests = [test_default_rows, test_full_rows, test_options, test_counters, test_mix_counters, test_loops]
    for test in tests:
        try:
            test()
        except AssertionError as error:
            failed += 1
            print(f'{test.__name__}: {error}')
    print(f'bench-rows: {len(tests) - failed} passed, {failed} failed, 0 skipped')
    return 1 if failed else 0


sys.exit(main())
