#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The kernel's side of tests of lockstepd's TCP: tcp_peer.py SERVER af_packet|tap|faults|fins|readers [TEST...]

Makes namespaces of its own with a veth pair or a tap, starts tcp_server (see its first comment) on
the DPDK end and tries its services with ordinary sockets. Exit code 77: no namespaces here.
"""
import hashlib, os, random, re, selectors, signal, socket, struct, subprocess, sys, tempfile, threading, time

HOST = "10.8.0.2"
server_program, mode = sys.argv[1], sys.argv[2]


def sh(command):
    subprocess.run(command, shell=True, check=True)


def enter():
    """Lives again in a new network namespace, as root there."""
    if os.environ.get("LOCKSTEP_TCP_INSIDE"):
        return
    flags = ["--net"] + ([] if os.getuid() == 0 else ["--user", "--map-root-user"])
    for needed in ("unshare", "ip", "ethtool"):
        if subprocess.run(f"command -v {needed}", shell=True, capture_output=True).returncode:
            print(f"SKIP tcp: no {needed} here")
            sys.exit(77)
    if subprocess.run(["unshare", *flags, "true"], capture_output=True).returncode:
        print("SKIP tcp: neither root nor user namespaces here")
        sys.exit(77)
    os.environ["LOCKSTEP_TCP_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])


def connect(port, timeout=120):  # a guard against hanging, not a measure of speed
    s = socket.create_connection((HOST, port), timeout=timeout)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def read_all(s, digest=None):
    n = 0
    parts = []
    while chunk := s.recv(1 << 18):
        n += len(chunk)
        digest.update(chunk) if digest else parts.append(chunk)
    return n if digest else b"".join(parts)


def echo(port, data):
    """Sends and reads at once, then FIN, then reads to the end."""
    s = connect(port)
    def send():
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    t = threading.Thread(target=send)
    t.start()
    digest = hashlib.sha256()
    n = read_all(s, digest)
    t.join()
    s.close()
    assert n == len(data), f"{n} of {len(data)} bytes came back"
    assert digest.digest() == hashlib.sha256(data).digest(), "other bytes came back"


def test_ping():
    sh(f"ping -q -c 20 -i 0.01 -W 1 {HOST} > /dev/null")


def test_ping_in_fragments():
    """Not for af_packet: the kernel puts fragments together before that driver sees them."""
    sh(f"ping -q -c 3 -i 0.01 -W 1 -s 4000 {HOST} > /dev/null")


def test_echo_sizes():
    rng = random.Random(1)
    for n in [0, 1, 2, 5, 535, 1459, 1460, 1461, 2920, 16384, 65535, 65536, 262143, 262144, 262145, 1 << 20]:
        echo(7, rng.randbytes(n))


def test_echo_100_mb():
    echo(7, random.Random(2).randbytes(big))


def test_splice_100_mb():
    listener = socket.create_server(("10.8.0.1", 2000))
    def serve():
        c, _ = listener.accept()
        def back():
            while chunk := c.recv(1 << 18):
                q.append(chunk)
            q.append(None)
        q = []
        t = threading.Thread(target=back)
        t.start()
        while True:
            if not q:
                time.sleep(0.0005)
            elif (chunk := q.pop(0)) is None:
                break
            else:
                c.sendall(chunk)
        c.shutdown(socket.SHUT_WR)
        t.join()
        c.close()
    t = threading.Thread(target=serve)
    t.start()
    echo(20, random.Random(3).randbytes(big))
    t.join()
    listener.close()


def test_small_writes():
    s = connect(7)
    for i in range(2000):
        s.sendall(bytes([i & 255]))
    got = b""
    while len(got) < 2000:
        got += s.recv(4096)
    assert got == bytes(i & 255 for i in range(2000))
    s.close()


def test_crumbs():
    """Thousands of segments of a byte wait for a slow backend: more than any queue of segments would take."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("10.8.0.1", 2000))
    listener.listen()
    s = connect(20)
    backend, _ = listener.accept()
    s.sendall(b"a" * 100000)
    for i in range(4000):
        s.sendall(bytes([i & 255]))
    s.shutdown(socket.SHUT_WR)
    time.sleep(0.3)
    assert read_all(backend) == b"a" * 100000 + bytes(i & 255 for i in range(4000))
    for x in (backend, s, listener):
        x.close()


def test_odd_pieces():
    """Segments come back in frames that are pieced together at odd offsets."""
    s = connect(7)
    data = random.Random(7).randbytes(333 * 3000)
    def send():
        for at in range(0, len(data), 333):
            s.sendall(data[at:at + 333])
        s.shutdown(socket.SHUT_WR)
    t = threading.Thread(target=send)
    t.start()
    assert read_all(s) == data
    t.join()
    s.close()


def test_requests():
    s = connect(7)
    for i in range(500):
        s.sendall(b"x" * (i + 1))
        got = 0
        while got < i + 1:
            got += len(s.recv(4096))
    s.close()


def test_server_half_close():
    s = connect(19)
    data = read_all(s)
    assert data == b"s" * (1 << 20), "the source's bytes"
    for _ in range(20):  # its direction is finished, ours is not
        s.sendall(b"z" * 10000)
    s.shutdown(socket.SHUT_WR)
    time.sleep(0.1)
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    s.close()


def test_slow_reader():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(20)
    s.connect((HOST, 19))
    time.sleep(1.2)  # the window closes; it must be probed and open again
    assert read_all(s) == b"s" * (1 << 20)
    s.close()


def test_client_reset():
    for _ in range(50):
        s = connect(7)
        s.sendall(b"q" * 30000)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    echo(7, b"still there")


def test_server_closes():
    s = connect(23)
    s.sendall(b"bye")
    assert s.recv(100) == b""
    s.close()


def test_server_resets():
    s = connect(24)
    s.sendall(b"bye")
    try:
        assert s.recv(100) is None
    except ConnectionResetError:
        pass
    s.close()


def test_connect_refused():
    assert read_all(connect(21)) == b"F"


def test_connect_unreachable():
    """Nobody answers ARP: the SYNs' retransmissions must come to an end. Takes long: started first."""
    unreachable.settimeout(60)
    assert read_all(unreachable) == b"U"
    unreachable.close()


def test_port_without_listener():
    try:
        connect(4444)
        raise AssertionError("connected")
    except ConnectionRefusedError:
        pass


def test_1000_connections():
    rng = random.Random(4)
    sel = selectors.DefaultSelector()
    left = 0
    for _ in range(1000):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex((HOST, 7))
        data = rng.randbytes(rng.randrange(1, 20000))
        sel.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE, [data, 0, b""])
        left += 1
    while left:
        ready = sel.select(120)  # so long without any progress: lost, however slow the machine
        assert ready, f"{left} connections not finished"
        for key, events in ready:
            s, state = key.fileobj, key.data
            if events & selectors.EVENT_WRITE:
                state[1] += s.send(state[0][state[1]:state[1] + 5000])
                if state[1] == len(state[0]):
                    s.shutdown(socket.SHUT_WR)
                    sel.modify(s, selectors.EVENT_READ, state)
            if events & selectors.EVENT_READ:
                chunk = s.recv(65536)
                state[2] += chunk
                if not chunk:
                    assert state[2] == state[0], "other bytes came back"
                    sel.unregister(s)
                    s.close()
                    left -= 1


class setting:
    """A sysctl of this namespace, for a while."""

    def __init__(self, name, value):
        self.name, self.value = name, value

    def __enter__(self):
        self.was = subprocess.check_output(["sysctl", "-n", self.name], text=True).strip()
        sh(f"sysctl -qw {self.name}={self.value}")

    def __exit__(self, *_):
        sh(f"sysctl -qw {self.name}={self.was}")


def test_no_window_scaling():
    """As a client and as a backend: RFC 7323's option is an offer."""
    global big
    was, big = big, 4 << 20
    with setting("net.ipv4.tcp_window_scaling", 0):
        test_echo_100_mb()
        test_splice_100_mb()
    big = was


def test_tiny_mss():
    """What a peer says of its MSS is bounded: all of an answer arrives, and at once."""
    with setting("net.ipv4.route.min_adv_mss", 1):
        for mss in (1, 2, 3, 48, 88, 360, 536):
            sh(f"ip route change 10.8.0.0/24 dev {device} src 10.8.0.1 advmss {mss}")
            try:
                assert read_all(connect(19)) == b"s" * (1 << 20), f"MSS {mss}"
                echo(7, random.Random(mss).randbytes(200000))
            finally:
                sh(f"ip route change 10.8.0.0/24 dev {device} src 10.8.0.1")


def test_lost_fins():
    """The last word is said again until it is heard, whoever closes first."""
    socks = [connect(port) for port in (7, 23, 19, 25) for _ in range(20)]
    for s in socks:
        s.sendall(b"x")
        if s.getpeername()[1] == 7:
            s.shutdown(socket.SHUT_WR)
    for s in socks:
        s.settimeout(90)
        digest = hashlib.sha256()
        read_all(s, digest)
        s.close()


def silent_reader(port, mss):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)
    s.settimeout(20)
    s.connect((HOST, port))
    return s


def is_reset(s):
    """Without reading, which would open the window: TCP_INFO's first byte is the state, 7 is closed."""
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0] == 7


def wait_until(done, what):
    for _ in range(1200):  # a guard against hanging, far beyond any deadline
        if done():
            return
        time.sleep(0.1)
    raise AssertionError(what)


def test_readers_that_never_read():
    """They ask for more than all buffers there are; others are served meanwhile and afterwards."""
    readers = [silent_reader(19, mss) for mss in (536, 1460) for _ in range(800)]
    echo(7, b"in the middle of it" * 10000)
    wait_until(lambda: any(is_reset(s) for s in readers), "nobody was ended")
    echo(7, b"and after it" * 10000)
    for s in readers:
        s.close()


def silent_sender(port):
    """Its service holds all that comes, as much as the window lets it send."""
    s = connect(port)
    s.setblocking(False)
    try:
        while s.send(bytes(65536)):
            pass
    except BlockingIOError:
        return s


def test_senders_that_nobody_reads():
    """What is held of them is more than all buffers there are to receive with; others are heard."""
    senders = [silent_sender(26) for _ in range(600)]
    echo(7, b"in the middle of it" * 10000)
    wait_until(lambda: any(is_reset(s) for s in senders), "nobody was ended")
    echo(7, b"and after it" * 10000)
    for s in senders:
        s.close()


NUM_DETACHED = 50


def test_detached_readers():
    """Their service has let go of them: the stack ends them within its deadline."""
    readers = [silent_reader(25, 1460) for _ in range(NUM_DETACHED)]
    wait_until(lambda: sum(is_reset(s) for s in readers) == NUM_DETACHED, "some are held for ever")


def test_connection_rate():
    for _ in range(2000):
        s = connect(7)
        s.sendall(b"r")
        assert s.recv(10) == b"r"
        s.close()


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~((total & 0xffff) + (total >> 16)) & 0xffff


def test_syn_flood():
    """Forged SYNs from hosts that never answer; then a real client."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    rng = random.Random(5)
    dst = socket.inet_aton(HOST)
    for i in range(10000):
        src = socket.inet_aton(f"10.8.0.{rng.randrange(100, 250)}")
        tcp = struct.pack("!HHIIBBHHH", rng.randrange(1024, 65536), 7, rng.randrange(1 << 32), 0, 5 << 4, 2, 8192, 0, 0)
        total = checksum(src + dst + struct.pack("!BBH", 0, 6, 20) + tcp)
        tcp = tcp[:16] + struct.pack("!H", total) + tcp[18:]
        raw.sendto(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, src, dst) + tcp, (HOST, 0))
    raw.close()
    echo(7, b"after the flood" * 1000)


def test_junk():
    """Random and broken frames straight onto the wire."""
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((device, 0))
    mac = next(l for l in subprocess.check_output(["ip", "neigh"], text=True).splitlines() if l.startswith(HOST + " ")).split()[4]
    mac = bytes.fromhex(mac.replace(":", ""))
    rng = random.Random(6)
    good = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, socket.inet_aton("10.8.0.1"), socket.inet_aton(HOST))
    for i in range(20000):
        kind = i % 4
        body = rng.randbytes(rng.randrange(0, 200))
        if kind == 1:
            body = good[:10] + struct.pack("!H", checksum(good[:10] + b"\0\0" + good[12:])) + good[12:] + body
        elif kind == 2:
            body = bytes([0x40 + rng.randrange(16)]) + good[1:] + body
        frame = mac + rng.randbytes(6) + (b"\x08\x00" if kind < 3 else rng.choice([b"\x08\x06", b"\x86\xdd", b"\x81\x00"])) + body
        raw.send(frame[:rng.randrange(14, len(frame) + 1)])
    raw.close()
    echo(7, b"still there" * 1000)


def capture(raw, seconds=60):
    """The next TCP segment that the server sends, as (source port, port, sequence number, acknowledged, flags)."""
    end = time.time() + seconds
    while time.time() < end:
        frame = raw.recv(65536)
        if frame[12:14] == b"\x08\x00" and frame[23] == 6 and frame[26:30] == socket.inet_aton(HOST):
            return struct.unpack("!HHII", frame[34:46]) + (frame[47],)
    raise AssertionError("no segment came")


def test_sequence_numbers_from_afar():
    """A byte and a FIN anywhere among all sequence numbers, half of them away included: dropped, and the connection goes on."""
    capturing = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    capturing.bind((device, 0))
    s = connect(7)
    while (segment := capture(capturing))[4] != 0x12 or segment[1] != s.getsockname()[1]:
        pass
    capturing.close()
    port, expected, ours = segment[1], segment[3], segment[2] + 1
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    addresses = socket.inet_aton("10.8.0.1") + socket.inet_aton(HOST)
    for away in (1 << 31, (1 << 31) - 1, (1 << 31) + 1, 1 << 30, 3 << 30, (1 << 30) + 1, (3 << 30) - 1):
        for flags, data in ((0x18, b"x"), (0x11, b""), (0x19, b"xy")):
            tcp = struct.pack("!HHIIBBHHH", port, 7, (expected + away) & 0xffffffff, ours & 0xffffffff, 5 << 4, flags, 8192, 0, 0) + data
            padded = tcp + bytes(len(tcp) % 2)
            total = checksum(addresses + struct.pack("!BBH", 0, 6, len(tcp)) + padded)
            tcp = tcp[:16] + struct.pack("!H", total) + tcp[18:]
            raw.sendto(struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + addresses + tcp, (HOST, 0))
    raw.close()
    s.sendall(b"still there")
    assert s.recv(100) == b"still there"
    s.close()


ALL = [test_ping, test_echo_sizes, test_odd_pieces, test_small_writes, test_crumbs, test_requests, test_echo_100_mb, test_splice_100_mb,
       test_server_half_close, test_slow_reader, test_client_reset, test_server_closes, test_server_resets,
       test_connect_refused, test_port_without_listener, test_1000_connections, test_connection_rate,
       test_no_window_scaling, test_tiny_mss, test_syn_flood, test_junk, test_sequence_numbers_from_afar, test_connect_unreachable]
CASES = {
    "af_packet": ALL,
    "fins": [test_lost_fins],
    "readers": [test_readers_that_never_read, test_senders_that_nobody_reads, test_detached_readers],
    "tap": [test_ping, test_ping_in_fragments, test_echo_sizes, test_odd_pieces, test_echo_100_mb, test_splice_100_mb, test_client_reset, test_1000_connections],
    "faults": [test_echo_sizes, test_small_writes, test_echo_100_mb, test_splice_100_mb, test_server_half_close,
               test_client_reset, test_1000_connections],
}


def start(directory):
    eal = ["--no-huge", "--no-shconf", "-m", "256", "--lcores", "0@(0-1)", "--no-pci", "--no-telemetry", "--log-level=4"]
    faults = {"faults": ["1000", "1000", "1000", "0"], "fins": ["0", "0", "0", "3"]}.get(mode, ["0"] * 4)
    if mode == "tap":
        eal.append(f"--vdev=net_tap0,iface={device}")
    else:
        sh(f"ip link add {device} type veth peer name tcpd1 && ip addr add 10.8.0.1/24 dev {device} && "
           f"ip link set {device} up && ip link set tcpd1 up && ethtool -K {device} tx off tso off > /dev/null")
        eal.append("--vdev=net_af_packet0,iface=tcpd1,framecnt=4096,blocksz=4096")
    env = dict(os.environ, RUNTIME_DIRECTORY=directory)
    server = subprocess.Popen([server_program, *eal, "--", *faults], stdout=subprocess.PIPE, text=True, env=env)
    line = server.stdout.readline()
    if "ready" not in line:
        print(f"FAIL tcp: the server does not start: {line}")
        sys.exit(1)
    if mode == "tap":
        sh(f"ip addr add 10.8.0.1/24 dev {device} && ip link set {device} up")
    return server


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as directory:
        sh("ip link set lo up; sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2>/dev/null || true")
        server = start(directory)
        tests = [t for t in CASES[mode] if not sys.argv[3:] or t.__name__ in sys.argv[3:]]
        if test_connect_unreachable in tests:
            global unreachable
            unreachable = connect(22)
        for test in tests:
            begin = time.time()
            try:
                if server.poll() is not None:
                    raise AssertionError(f"the server is gone, code {server.returncode}")
                test()
                passed += 1
                print(f"{test.__name__}: {time.time() - begin:.1f} s", flush=True)
            except Exception as e:
                failed += 1
                print(f"FAIL {test.__name__}: {type(e).__name__}: {e}", flush=True)
        server.send_signal(signal.SIGTERM)
        out = server.stdout.read()
        print(out, end="")
        made = re.search(r"faults=(\d+)", out)
        ended = re.search(r"for_buffers=(\d+) detached=(\d+)", out)
        if server.wait() == 0 and (mode not in ("faults", "fins") or int(made[1]) > 10) and (
                mode != "readers" or int(ended[1]) > 0 and int(ended[2]) >= NUM_DETACHED):
            passed += 1
        else:
            failed += 1
            print("FAIL connections or mbufs are left, no fault was made, or the wrong ones were ended")
    print(f"tcp_{mode}: {passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed != 0)


device = "tcptap0" if mode == "tap" else "tcpd0"
big = 20 << 20 if mode == "faults" else 100 << 20
enter()
main()
