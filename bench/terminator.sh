#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# bench/terminator.sh [SECONDS]: lockstepd beside nginx, each as TLS terminator in front of the same plain
# nginx, over the same kind of veth pair with 1500-byte frames, and beside a loop on lockstepd's port that only sends
# back what it receives (net_reflect), without TLS: what such a port can carry. The terminator has core 0 for itself;
# clients and the backend share core 1. Prints a table; also what an idle connection costs in memory. No row counts handshakes: wrk
# offers its sessions again, so that most would be resumed. bench/handshake_bench.cc has those, full and resumed apart.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
seconds=${1:-5}
if [ -z "${LOCKSTEP_BENCH_INSIDE:-}" ]; then
    export LOCKSTEP_BENCH_INSIDE=1
    [ "$(id -u)" = 0 ] || { echo "bench: the terminator bench pins and makes namespaces; run it as root" >&2; exit 1; }
    exec unshare --net --pid --fork --mount --mount-proc --kill-child "$0" "$@"
fi
[ "$(nproc)" -ge 2 ] || { echo "bench: needs two cores" >&2; exit 1; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"; ip netns del bench-nginx 2>/dev/null || true' EXIT
cd "$dir"
export RUNTIME_DIRECTORY=$dir/run
mkdir run www
mount -t tmpfs none /run   # ip netns' names stay ours
ulimit -n 20000

# 10.9.0.0/24: lockstepd's port at .2. 10.9.1.0/24: nginx' kernel veth end at .2, in a namespace of its own.
ip link set lo up
sysctl -qw net.ipv4.tcp_congestion_control="${CONGESTION:-reno}" 2>/dev/null || true
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2>/dev/null || true
ip link add lks0 type veth peer name lks1
ip addr add 10.9.0.1/24 dev lks0
ip link set lks0 up; ip link set lks1 up
ethtool -K lks0 tx off tso off gso off > /dev/null
ip netns add bench-nginx
ip link add ngx0 type veth peer name ngx1 netns bench-nginx
ip addr add 10.9.1.1/24 dev ngx0
ip link set ngx0 up
ip -n bench-nginx link set lo up
ip netns exec bench-nginx sysctl -qw net.ipv4.tcp_congestion_control="${CONGESTION:-reno}" 2>/dev/null || true
ip -n bench-nginx addr add 10.9.1.2/24 dev ngx1
ip -n bench-nginx link set ngx1 up
ethtool -K ngx0 tso off gso off gro off > /dev/null
ip netns exec bench-nginx ethtool -K ngx1 tso off gso off gro off > /dev/null

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=bench.test 2> /dev/null
head -c 1024 /dev/urandom > www/1k
head -c 16777216 /dev/urandom > www/16m
common="daemon off; worker_processes 1; user root; error_log $dir/nginx.log; events { worker_connections 8192; }"
http="access_log off; keepalive_requests 100000000; client_body_temp_path $dir/b; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f; uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;"
cat > backend.conf <<EOF
$common pid $dir/backend.pid;
http { $http server { listen 10.9.0.1:8080 backlog=4096; listen 10.9.1.1:8080 backlog=4096; root $dir/www; } }
EOF
cat > terminator.conf <<EOF
$common pid $dir/terminator.pid;
http { $http
    upstream b { server 10.9.1.1:8080; keepalive 256; }
    server { listen 10.9.1.2:443 ssl backlog=4096; ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem; ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
        location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering on; } }
    server { listen 10.9.1.2:444 ssl backlog=4096; ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem; ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; root $dir/www; }
}
EOF
taskset -c 1 nginx -c "$dir/backend.conf" -p "$dir" -e "$dir/nginx.log" &
taskset -c 0 ip netns exec bench-nginx nginx -c "$dir/terminator.conf" -p "$dir" -e "$dir/nginx.log" &
lockstepd=${LOCKSTEPD:-$top/build/release/dpdk_app/lockstepd}
# on_port PROGRAM OPTION...: starts it on the port of lks1, its output in port.log.
pid=
on_port() {
    "$1" --no-huge --no-shconf -m 1024 --lcores 0@0 --no-pci --no-telemetry --log-level=4 \
        --vdev=net_af_packet0,iface=lks1,framecnt=8192,blocksz=4096,qdisc_bypass="${QDISC_BYPASS:-1}" -- "${@:2}" > port.log 2>&1 &
    pid=$!
    for _ in $(seq 600); do grep -q listening port.log && return; sleep 0.1; done
    cat port.log >&2
    exit 1
}
start_lockstepd() { on_port "$lockstepd" --mbufs 65536 --listen 10.9.0.2:443 --cert cert.pem --key key.pem --backend 10.9.0.1:8080; }
start_forward() {
    ip neigh replace 10.9.0.3 lladdr 02:00:00:00:00:03 dev lks0
    on_port "$top/build/release/bench/net/net_reflect" 10.9.0.3
}
leave_port() {
    [ -n "$pid" ] || return 0
    kill -TERM "$pid"
    wait "$pid" || true
    pid=
}

url() { case $1 in lockstepd) echo https://10.9.0.2 ;; forward) echo http://10.9.0.3:8080 ;; nginx-proxy) echo https://10.9.1.2 ;; nginx-direct) echo https://10.9.1.2:444 ;; esac; }
requests() { taskset -c 1 wrk -t1 -c"$2" -d"$seconds"s "$(url "$1")/1k" | awk '/Requests\/sec/ {r=$2} /Socket errors|Non-2xx/ {e=" (" $0 ")"} END {print r e}'; }
bulk() { taskset -c 1 wrk -t1 -c8 -d"$seconds"s --timeout 30s "$(url "$1")/16m" | awk '/Transfer\/sec/ {print $2 e} /Socket errors|Non-2xx/ {e=" (" $0 ")"}'; }

sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1
echo "$(uname -m), $(nproc) cores, nginx $(nginx -v 2>&1 | cut -d/ -f2), $("$lockstepd" --help | head -n 1 | cut -d' ' -f1), $seconds s a figure"
# What a thousand idle connections add to a fresh process that has warmed up. Its packet buffers were all
# touched when it started; idle connections hold none.
idle_memory() {
    start_lockstepd
    python3 - "$pid" <<'EOF'
import socket, ssl, sys, time
def rss(pid):
    return next(int(l.split()[1]) for l in open(f"/proc/{pid}/status") if l.startswith("VmRSS"))
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
def connect():
    s = context.wrap_socket(socket.create_connection(("10.9.0.2", 443)))
    s.sendall(b"GET /1k HTTP/1.1\r\nHost: x\r\n\r\n")
    got = b""
    while len(got) < 1024 + 200: got += s.recv(4096)
    return s
warm = [connect() for _ in range(50)]
time.sleep(0.5)
before = rss(sys.argv[1])
held = [connect() for _ in range(1000)]
time.sleep(1)
after = rss(sys.argv[1])
print(f"memory of an idle connection, whole process: {(after - before) * 1024 / len(held):.0f} bytes (1000 more connections, RSS {before} -> {after} KiB)")
EOF
    leave_port
}
counters() {
    kill -USR1 "$pid"
    for _ in $(seq 100); do grep -q 'lockstepd counters' port.log && break; sleep 0.1; done
    sleep 0.3
    sed -n '/lockstepd counters/,$p' port.log | grep -v ' 0$' > counters || true
}
idle_memory
printf '%-14s %28s %28s %20s\n' terminator 'requests/s, 100 connections' 'requests/s, 1000 connections' 'bulk, 8 connections'
failed=0
declare -A rate
bulk_of() { numfmt --from=iec "$(awk '{sub(/B$/, "", $NF); print $NF}' <<< "$1")"; }
for name in ${TERMINATORS:-lockstepd forward nginx-proxy nginx-direct}; do
    case $name in lockstepd|forward) "start_$name" ;; esac
    curl -sk -o /dev/null "$(url "$name")/1k" || failed=1
    row=$(printf '%-14s %28s %28s %20s' "$name" "$(requests "$name" 100)" "$(requests "$name" 1000)" "$(bulk "$name")")
    echo "$row"
    # wrk ends well whatever it got; its figure is a number, and nothing behind it.
    rate[$name]=$(bulk_of "$row") || failed=1
    if [ "$name" = lockstepd ]; then counters; fi
    leave_port
    [[ $row =~ ^[a-z-]+\ +[0-9.]+\ +[0-9.]+\ +[0-9.]+[KMG]?B$ ]] || { echo "bench: the row of $name failed" >&2; failed=1; }
done
if [ -n "${rate[lockstepd]:-}" ] && [ -n "${rate[forward]:-}" ]; then
    awk -v a="${rate[lockstepd]}" -v b="${rate[forward]}" 'BEGIN {printf "bulk, lockstepd by forward: %.2f\n", a / b}'
fi
echo "counters of lockstepd over its row:"
cat counters 2>/dev/null || true
exit $failed
