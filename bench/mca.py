# SPDX-License-Identifier: BSD-3-Clause
"""What llvm-mca's models of two CPUs say of the kernels' loops: mca.py BUILD [--asm] [REGEX].

Each kernel's file is compiled once more by the release build's own command and -g, which changes no
instruction. The loops are found in its disassembly and named by the functions that were inlined there,
so nothing has to be marked in the sources. --asm prints a loop's instructions, too."""

import argparse
import bisect
import collections
import json
import os
import re
import shlex
import subprocess
import sys

# machine is the bare mix that record_bench compares AES-GCM with: what a model says of it beside what was measured
# says how far the model can be trusted.
SOURCES = ('gcm_aesni', 'gcm_vaes256', 'gcm_vaes512', 'machine', 'ccm_aesni', 'ccm_vaes256', 'chacha_avx2',
           'chacha_avx512', 'aes_portable', 'sha')
INSN = re.compile(r'^\s*([0-9a-f]+):\t(.+?)\s*(?:#.*)?$')
HEAD = re.compile(r'^[0-9a-f]+ <(.+)>:$')
JUMP = re.compile(r'^(j\w+)\s+([0-9a-f]+)')
WIDTH = {'x': 16, 'y': 32, 'z': 64}
SHORTEST = 16  # instructions: what is less than this is no kernel's loop

WAYS = 64      # through a loop: where there are more, one of them says nothing

Loop = collections.namedtuple('Loop', 'function insns others inner')


class Function:
    """Basic blocks of one function: start address -> instructions and where they lead, fall-through first."""

    def __init__(self, name, insns):
        self.name = name
        at = [a for a, _ in insns]
        jumps = {a: JUMP.match(text) for a, text in insns}
        starts = {at[0]} | {int(j[2], 16) for j in jumps.values() if j}
        starts |= {at[i + 1] for i, a in enumerate(at[:-1]) if jumps[a] or insns[i][1].startswith('ret')}
        cuts = sorted(s for s in starts if at[0] <= s <= at[-1])
        self.blocks, self.next = {}, {}
        for start, end in zip(cuts, cuts[1:] + [at[-1] + 1]):
            block = insns[bisect.bisect_left(at, start):bisect.bisect_left(at, end)]
            jump, last = jumps[block[-1][0]], block[-1][1]
            to = [] if last.startswith(('ret', 'jmp', 'ud2')) or end > at[-1] else [end]
            self.blocks[start] = block
            self.next[start] = to + ([int(jump[2], 16)] if jump else [])

    def loops(self, within=None):
        """Every loop as (head, blocks), the outer before those in it: cycles, then cycles without the head."""
        within = set(self.blocks) if within is None else within
        for part in strongly_connected(within, self.next):
            entered = (b for b in part if any(b in self.next[p] for p in set(self.blocks) - set(part)))
            head = min(entered, default=part[0])
            yield head, set(part)
            if len(part) > 1 and head in self.next[head]:
                yield head, {head}
            yield from self.loops(set(part) - {head})

    def ways(self, head, within):
        """Ways through a loop and back to its head."""
        found, stack = [], [(head, (head,))]
        while stack and len(found) < WAYS:
            block, way = stack.pop()
            for to in reversed(self.next[block]):
                if to == head:
                    found.append(way)
                elif to in within and to not in way:
                    stack.append((to, way + (to,)))
        return found


def strongly_connected(nodes, edges):
    """Tarjan's algorithm, without recursion; parts that are no cycle are left out."""
    index, low, stack, on_stack, parts = {}, {}, [], set(), []
    for root in sorted(nodes):
        work = [] if root in index else [(root, iter(edges[root]))]
        if work:
            index[root] = low[root] = len(index)
            stack.append(root), on_stack.add(root)
        while work:
            node, rest = work[-1]
            to = next((t for t in rest if t in nodes and (t not in index or t in on_stack)), None)
            if to is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part = stack[stack.index(node):]
                    del stack[-len(part):]
                    on_stack -= set(part)
                    if len(part) > 1 or node in edges[node]:
                        parts.append(sorted(part))
            elif to in index:
                low[node] = min(low[node], index[to])
            else:
                index[to] = low[to] = len(index)
                stack.append(to), on_stack.add(to)
                work.append((to, iter(edges[to])))
    return parts


def disassemble(path):
    """The functions of an object file."""
    text = subprocess.run(['objdump', '-d', '--no-show-raw-insn', path], check=True, capture_output=True, text=True).stdout
    name, insns = None, []
    for line in text.splitlines() + ['0 <end>:']:
        head, insn = HEAD.match(line), INSN.match(line)
        if head:
            if insns:
                yield Function(name, insns)
            name, insns = head[1], []
        elif insn:
            insns.append((int(insn[1], 16), re.sub(r'\s*<.*>', '', insn[2])))


def names(path, addresses):
    """Who was inlined there, the outermost first: one list an address."""
    asked = '\n'.join(hex(a) for a in addresses)
    said = subprocess.run(['addr2line', '-a', '-i', '-f', '-C', '-e', path], input=asked, check=True, capture_output=True,
                          text=True).stdout
    found = []
    for line in said.splitlines():
        if line.startswith('0x'):
            found.append([])
        elif not re.search(r':(\d+|\?)', line):
            found[-1].insert(0, re.sub(r'^.*::|\(.*\)$', '', line))
    return found


def common(chains):
    """The innermost function that most of a loop's instructions are in, as those that took it in."""
    best = []
    while True:
        count = collections.Counter(c[len(best)] for c in chains if c[:len(best)] == best and len(c) > len(best))
        top = count.most_common(1)
        if not top or top[0][1] < .8 * len(chains):
            return best
        best = best + [top[0][0]]


def loops_of(path):
    """The loops of an object file that one straight line can stand for."""
    found = []
    for function in disassemble(path):
        for head, within in function.loops():
            ways = function.ways(head, within)
            if not 0 < len(ways) < WAYS:
                continue
            insns = max(([insn for block in way for insn in function.blocks[block]] for way in ways), key=len)
            if len(insns) >= SHORTEST and not any(text.startswith('call') for _, text in insns):
                inner = sum(1 for _ in function.loops(within - {head}))
                found.append(Loop(function.name, insns, len(ways) - 1, inner))
    chains = names(path, [a for loop in found for a, _ in loop.insns])
    for loop in found:
        mine, chains = chains[:len(loop.insns)], chains[len(loop.insns):]
        yield common(mine) or [loop.function], loop


def compile_again(build, source, folder):
    """The object file of a source as the release build makes it, with line numbers."""
    with open(os.path.join(build, 'compile_commands.json'), encoding='utf-8') as file:
        entry = next((e for e in json.load(file) if re.search(rf'/{source}\.cc?$', e['file'])
                      and not e['output'].startswith('tests/')), None)
    if not entry:
        return None
    out = os.path.abspath(os.path.join(folder, f'{source}.o'))
    command = shlex.split(entry['command'])
    command[command.index('-o') + 1] = out
    command[command.index('-MF') + 1] = out + '.d'
    subprocess.run(command + ['-g'], cwd=entry['directory'], check=True)
    return out


def cpu_of(source, insns):
    """LLVM 14 has no znver4; Ice Lake is its model with VAES on zmm."""
    return 'icelake-server' if source.endswith('512') or any('%zmm' in text for _, text in insns) else 'znver3'


def simulate(insns, cpu):
    """What llvm-mca says of a loop's instructions, which it takes for one straight line."""
    text = ''.join(JUMP.sub(r'\1 1b', insn) + '\n' for _, insn in insns)
    said = subprocess.run(['llvm-mca', f'-mcpu={cpu}', '-iterations=100', '-bottleneck-analysis',
                           '-instruction-info=false'], input='1:\n' + text, capture_output=True, text=True, check=False)
    if said.returncode:
        sys.exit(f'mca: llvm-mca cannot read a loop: {said.stderr.splitlines()[0]}')
    out = said.stdout

    def number(what):
        return float(re.search(rf'^{what}:\s+([\d.]+)', out, re.M)[1])
    ports = re.findall(r'^\s+- (\w+)\s+\[ ([\d.]+)% \]', out, re.M)
    top = sorted(((float(share), name) for name, share in ports if float(share)), reverse=True)[:2]
    depends = re.search(r'Data Dependencies:\s+\[ ([\d.]+)% \]', out)
    why = ', '.join(f'{re.sub("^(Zn3|ICX)", "", name)} {share:.0f}%' for share, name in top)
    if depends and float(depends[1]):
        why += f'{"; " if why else ""}data {float(depends[1]):.0f}%'
    return number('Total Cycles') / 100, number('Total uOps') / 100, number('Block RThroughput'), why or 'none'


def bytes_of(insns, source):
    """Text that one time through the loop makes: AES's last rounds, or the text that ChaCha's key stream meets."""
    last = [m[1] for _, t in insns if (m := re.match(r'v?aesenclast.*%([xyz])mm\d+$', t))]
    if source.startswith('gcm'):
        return sum(WIDTH[w] for w in last)
    if source.startswith('ccm'):
        return sum(WIDTH[w] for w in last) // 2  # the other half is the MAC's
    if source.startswith('chacha'):
        return sum(WIDTH[m[1]] for _, t in insns if (m := re.match(r'vpxor\w?\s+-?(?:0x)?[0-9a-f]*\((?!%rsp|%rip).*%([xyz])mm\d+$', t)))
    return 0


def main():
    parser = argparse.ArgumentParser(prog='./dev mca', description=__doc__.split('\n\n')[0])
    parser.add_argument('build', help=argparse.SUPPRESS)
    parser.add_argument('--asm', action='store_true', help="the loops' instructions, too")
    parser.add_argument('filter', nargs='?', default='', metavar='REGEX',
                        help='only loops that match, as gcm_vaes256/run_seal_128/middle')
    asked = parser.parse_intermixed_args()
    try:
        wanted = re.compile(asked.filter)
    except re.error as error:
        sys.exit(f'mca: {asked.filter} is no regular expression: {error}')
    folder = os.path.join(asked.build, 'mca')
    os.makedirs(folder, exist_ok=True)
    print('| loop | CPU | instructions | bytes | cycles | cycles for 32 bytes | µops | block throughput | what it waits for |')
    print('| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |')
    num = 0
    file_of = re.match(r'\w+(?=/|$)', asked.filter)
    for source in SOURCES:
        if file_of and file_of[0] in SOURCES and file_of[0] != source:
            continue  # it need not be compiled
        path = compile_again(asked.build, source, folder)
        for chain, loop in loops_of(path) if path else ():
            name = '/'.join([source] + chain)
            if not wanted.search(name):
                continue
            cpu = cpu_of(source, loop.insns)
            cycles, uops, throughput, why = simulate(loop.insns, cpu)
            size = bytes_of(loop.insns, source)
            notes = (f', {loop.inner} loops within taken once' if loop.inner else '') \
                + (f', the longest of {loop.others + 1} ways' if loop.others else '')
            print(f'| {name}{notes} | {cpu} | {len(loop.insns)} | {size or ""} | {cycles:.1f} | '
                  f'{f"{cycles * 32 / size:.1f}" if size else ""} | {uops:.0f} | {throughput:.1f} | {why} |', flush=True)
            if asked.asm:
                print('\n'.join(f'    {a:x}: {text}' for a, text in loop.insns))
            num += 1
    if not num:
        sys.exit(f'mca: no loop matches {asked.filter}')


if __name__ == '__main__':
    main()
