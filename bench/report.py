# SPDX-License-Identifier: BSD-3-Clause
"""Tables (of the aims, and of all rows) and drawings of record_bench's JSON: report.py FILE FOLDER."""

import json
import math
import os
import re
import sys

ROW = re.compile(r'(seal|open)/(\w+)/(\w+)/(\d+B|imix)/(\d+)conn/batch(\d+)(?:/(\d+)seg)?(?:/kernel:(\w+))?$')
LONGEST = 1000  # rows that are still printed
COLORS = {'lockstep': '#c2410c', 'ipsec_mb_direct': '#1d4ed8', 'ipsec_mb_burst': '#60a5fa', 'openssl': '#4b5563'}


def load(path):
    """Medians, as (direction, aead, provider, bytes, conns, batch, segs, kernel) -> counters. Bytes of a mix: its name."""
    with open(path, encoding='utf-8') as file:
        data = json.load(file)
    rows = {}
    for row in data['benchmarks']:
        match = ROW.match(row['run_name'])
        if row.get('aggregate_name') != 'median' or not match or 'ns_per_record' not in row:
            continue
        direction, aead, provider, size, conns, batch, segs, kernel = match.groups()
        size = int(size[:-1]) if size.endswith('B') else size
        rows[direction, aead, provider, size, int(conns), int(batch), int(segs or 1), kernel or ''] = row
    return data['context'], rows


def table(context, rows):
    """One line a case, one column a provider: ns a record; what the best peer takes over ours."""
    lines = [f'{k}: {context[k]}' for k in context if k in ('cpu_model', 'speed') or 'aes' in k or 'chacha' in k]
    providers = [p for p in COLORS if any(key[2] == p for key in rows)]
    lines += ['', '| row | ' + ' | '.join(providers) + ' | best peer / ours | of the limit |',
              '| --- | ' + ' | '.join('---:' for _ in providers) + ' | ---: | ---: |']
    for case in dict.fromkeys((k[0], k[1], *k[3:]) for k in rows):
        found = {p: rows.get((case[0], case[1], p, *case[2:])) for p in providers}
        name = f"{case[0]} {case[1]} {case[2]}{' B' if isinstance(case[2], int) else ''}, {case[3]} conn"
        name += f', batch {case[4]}' if case[4] != 32 else ''
        name += f', {case[5]} segments' if case[5] > 1 else ''
        name += f', {case[6]}' if case[6] else ''
        ns = {p: found[p]['ns_per_record'] for p in providers if found[p]}
        peers = [v for p, v in ns.items() if p != 'lockstep']
        ratio = f"{min(peers) / ns['lockstep']:.2f}" if peers and 'lockstep' in ns else ''
        share = (found.get('lockstep') or {}).get('share_of_limit')
        lines.append(f'| {name} | ' + ' | '.join(f'{ns[p]:.0f}' if p in ns else '' for p in providers)
                     + f' | {ratio} | ' + (f'{share:.0%} |' if share else '|'))
    return '\n'.join(lines) + '\n'


def keys(rows):
    """What our keys take, and the cache lines of one that a 64-byte record touches."""
    lines = ['| key | kernel | bytes a direction | of the kernel | lines, 64 bytes sealed | opened |',
             '| --- | --- | ---: | ---: | ---: | ---: |']
    for aead, kernel in dict.fromkeys((k[1], k[7]) for k, row in rows.items() if 'key_bytes' in row):
        found = [rows.get((direction, aead, 'lockstep', 64, 32, 32, 1, kernel)) for direction in ('seal', 'open')]
        row = next((r for r in found if r), None)
        if row:
            touched = [f"{r['key_lines']:.0f}" if r and 'key_lines' in r else '' for r in found]
            lines.append(f"| {aead} | {kernel or 'best'} | {row['key_bytes']:.0f} | {row['key_state_bytes']:.0f} | "
                         f"{touched[0]} | {touched[1]} |")
    return '\n'.join(lines) + '\n' if len(lines) > 2 else ''


GCM, CHACHA = 'aes_128_gcm', 'chacha20_poly1305'


def aims(rows):
    """The project's aims beside what this run measured, one line each; what was not measured is left out."""
    def ns(provider, size, aead=GCM, direction='seal', conns=32, segs=1, kernel=''):
        row = rows.get((direction, aead, provider, size, conns, 32, segs, kernel))
        return row['ns_per_record'] if row else None

    def ratio(over, under):
        return over / under if over and under else None

    def least(*values):
        return min((v for v in values if v), default=None)

    def peer(size, aead=GCM, conns=32, kernel=''):
        return least(*(ns(p, size, aead, conns=conns, kernel=kernel) for p in ('ipsec_mb_direct', 'ipsec_mb_burst')))

    def limit(size):
        row = rows.get(('seal', GCM, 'lockstep', size, 32, 32, 1, ''))
        return row and row.get('share_of_limit')

    def opening(size, aead):
        return ratio(ns('lockstep', size, aead, 'open'), ns('lockstep', size, aead))

    def mixing(size):
        """A burst of three algorithms beside what its records cost in bursts of one: 11, 11 and 10 of 32."""
        alone = [ns('lockstep', size, aead) for aead in (GCM, 'aes_256_gcm', CHACHA)]
        return ratio(ns('lockstep', size, 'mixed'), all(alone) and sum(n * v for n, v in zip((11, 11, 10), alone)) / 32)
    long, short = (1400, 4096, 16384), (16, 64, 256)
    checks = [  # (work, aim in words, sizes, measured, format, whether it is met)
        ('AES-128-GCM, long, hot', '≥ 1.25 × ipsec-mb direct', long,
         [ratio(ns('ipsec_mb_direct', s), ns('lockstep', s)) for s in long], '{:.2f} ×', lambda i, v: v >= 1.25),
        ('AES-128-GCM, long, hot', '≥ 85 % of the instruction-mix limit', long, [limit(s) for s in long], '{:.0%}',
         lambda i, v: v >= .85),
        ('AES-128-GCM, short, hot', '≥ 2.5, 3.5, 2.2, 1.8 × ipsec-mb', short + (512,),
         [ratio(peer(s), ns('lockstep', s)) for s in short + (512,)], '{:.2f} ×',
         lambda i, v: v >= (2.5, 3.5, 2.2, 1.8)[i]),
        ('AES-128-GCM, 65,536 connections', '≥ 4 × ipsec-mb', short,
         [ratio(peer(s, conns=65536), ns('lockstep', s, conns=65536)) for s in short], '{:.2f} ×', lambda i, v: v >= 4),
        ('ChaCha20-Poly1305, short', '≥ 5 × ipsec-mb and OpenSSL', short,
         [ratio(least(peer(s, CHACHA), ns('openssl', s, CHACHA)), ns('lockstep', s, CHACHA)) for s in short], '{:.2f} ×',
         lambda i, v: v >= 5),
        ('ChaCha20-Poly1305, long', '≥ 1.2 × the better of the two', long,
         [ratio(least(peer(s, CHACHA), ns('openssl', s, CHACHA)), ns('lockstep', s, CHACHA)) for s in long], '{:.2f} ×',
         lambda i, v: v >= 1.2),
        ('AES-128-GCM, `aesni`', '≥ ipsec-mb on SSE', short + (512,) + long,
         [ratio(peer(s, kernel='sse'), ns('lockstep', s, kernel='aesni')) for s in short + (512,) + long], '{:.2f} ×',
         lambda i, v: v >= 1),
        ('AES-128-GCM, 65,536 connections beside 32', '≤ 2.5 times the cost', short + (1400,),
         [ratio(ns('lockstep', s, conns=65536), ns('lockstep', s)) for s in short + (1400,)], '{:.2f}',
         lambda i, v: v <= 2.5),
        ('opening beside sealing, AES-128-GCM', 'within 5 %', (64, 1400, 16384),
         [opening(s, GCM) for s in (64, 1400, 16384)], '{:.2f}', lambda i, v: v <= 1.05),
        ('opening beside sealing, ChaCha20-Poly1305', 'within 5 %', (64, 1400, 16384),
         [opening(s, CHACHA) for s in (64, 1400, 16384)], '{:.2f}', lambda i, v: v <= 1.05),
        ('AES-128-GCM, 500 B beside 512', 'counts as much', (500,),
         [ratio(ns('lockstep', 500), ns('lockstep', 512))], '{:.2f}', lambda i, v: v <= 1.05),
        ('three algorithms in one burst beside each alone', 'counts as much', (64, 1400),
         [mixing(s) for s in (64, 1400)], '{:.2f}', lambda i, v: v <= 1.05),
        ('AES-128-GCM, 12 segments beside 1', 'counts as much', (1400, 16384),
         [ratio(ns('lockstep', s, segs=12), ns('lockstep', s)) for s in (1400, 16384)], '{:.2f}',
         lambda i, v: v <= 1.05),
    ]
    lines = ['| work | aim | bytes | measured | |', '| --- | --- | --- | --- | --- |']
    for work, aim, sizes, values, form, met in checks:
        found = [(i, size, value) for i, (size, value) in enumerate(zip(sizes, values)) if value]
        if not found:
            continue
        good = [met(i, value) for i, _, value in found]
        verdict = 'met' if all(good) else 'missed' if not any(good) else 'met at ' + ', '.join(
            str(size) for (_, size, _), ok in zip(found, good) if ok)
        lines.append(f"| {work} | {aim} | {', '.join(str(size) for _, size, _ in found)} | "
                     f"{', '.join(form.format(value) for _, _, value in found)} | {verdict} |")
    return '\n'.join(lines) + '\n' if len(lines) > 2 else ''


def draw(title, unit, lines):
    """An SVG of lines {name: (color, dashed, [(x, y)])}, both axes logarithmic."""
    width, height, left, right, top, bottom = 720, 420, 70, 190, 40, 50
    points = [p for _, _, line in lines.values() for p in line]
    x0, x1 = (f(math.log10(x) for x, _ in points) for f in (min, max))
    y0, y1 = math.floor(min(math.log10(y) for _, y in points)), math.ceil(max(math.log10(y) for _, y in points))
    x1, y1 = max(x1, x0 + .1), max(y1, y0 + 1)

    def at(x, y):
        return (left + (math.log10(x) - x0) / (x1 - x0) * (width - left - right),
                height - bottom - (math.log10(y) - y0) / (y1 - y0) * (height - top - bottom))
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
           f'font-size="12"><rect width="100%" height="100%" fill="white"/>'
           f'<text x="{left}" y="22" font-size="15">{title}</text>']
    for power in range(y0, y1 + 1):
        y = at(10 ** x0, 10 ** power)[1]
        svg.append(f'<line x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{10 ** power:g}</text>')
    for size in sorted({x for x, _ in points} - {500}):
        x = at(size, 10 ** y0)[0]
        svg.append(f'<text x="{x:.1f}" y="{height - bottom + 18}" text-anchor="middle">{size}</text>')
    svg.append(f'<text x="{left}" y="{height - 10}">bytes of content a record; {unit}</text>')
    for i, (name, (color, dashed, line)) in enumerate(lines.items()):
        dash = ' stroke-dasharray="5 4"' if dashed else ''
        path = ' '.join('%.1f,%.1f' % at(*p) for p in sorted(line))
        y = top + 14 + 18 * i
        svg.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"{dash}/>'
                   f'<line x1="{width - right + 10}" x2="{width - right + 34}" y1="{y - 4}" y2="{y - 4}" '
                   f'stroke="{color}" stroke-width="2"{dash}/>'
                   f'<text x="{width - right + 40}" y="{y}">{name}</text>')
    return '\n'.join(svg) + '\n</svg>\n'


def lines_of(rows, aead, conns, value):
    """The sealing rows of one algorithm, by length; cold ones dashed."""
    lines = {}
    for provider, color in COLORS.items():
        for num in conns:
            line = [(k[3], value(row)) for k, row in rows.items()
                    if k[:3] == ('seal', aead, provider) and k[4:] == (num, 32, 1, '') and isinstance(k[3], int)]
            if line:
                label = provider if len(conns) == 1 else f'{provider}, {num}'
                lines[label] = (color, num > 32, line)
    return lines


def main(path, folder):
    context, rows = load(path)
    if not rows:
        sys.exit('bench: no row matches')
    parts = [part for part in (aims(rows), table(context, rows), keys(rows)) if part]
    file_name = os.path.join(folder, 'records.md')
    with open(file_name, 'w', encoding='utf-8') as file:
        file.write('\n'.join(parts))
    if len(rows) > LONGEST:
        parts[1:2] = [f'{len(rows)} rows: {file_name}\n']
    print('\n'.join(parts), end='')
    drawings = {
        'records': ('records a second, 32 connections', 'records/s', [32], lambda r: 1e9 / r['ns_per_record']),
        'bytes': ('GB a second, 32 connections', 'GB/s', [32], lambda r: r['bytes_per_second'] / 1e9),
        'cold': ('32 connections and 65,536 (dashed)', 'ns a record', [32, 65536], lambda r: r['ns_per_record']),
    }
    for aead in dict.fromkeys(k[1] for k in rows if k[1] != 'mixed'):
        for name, (title, unit, conns, value) in drawings.items():
            lines = lines_of(rows, aead, conns, value)
            if lines:
                file_name = os.path.join(folder, f'{aead}_{name}.svg')
                with open(file_name, 'w', encoding='utf-8') as file:
                    file.write(draw(f'{aead}: {title}', unit, lines))
                print('drawn:', file_name)


main(*sys.argv[1:3])
