#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ./dev demo [--stay]: lockstepd on a virtual DPDK port, a real nginx behind it, real clients in front, all
# in namespaces of its own, which are gone afterwards.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
stay=0
case "${1:-}" in
    "") ;;
    --stay) stay=1 ;;
    *) echo "demo: $1: only --stay is known" >&2; exit 2 ;;
esac

# First life: enter namespaces in which this user is root, and live again there. Everything that the second
# life makes ends with it, as its process and network namespaces do.
if [ -z "${LOCKSTEP_DEMO_INSIDE:-}" ]; then
    export LOCKSTEP_DEMO_INSIDE=1
    LOCKSTEP_DEMO_USER=$(id -u)
    export LOCKSTEP_DEMO_USER
    flags=(--net --pid --fork --mount --mount-proc --kill-child)
    if [ "$(id -u)" != 0 ]; then flags+=(--user --map-root-user); fi
    unshare "${flags[@]}" true 2>/dev/null || {
        echo "demo: this system lets no ordinary user make namespaces; run it as root" >&2; exit 1; }
    # unshare itself lets no signal but KILL pass while it waits: this shell stays, and what it is told to end
    # is a process group of its own. The second life may not listen yet, so it is told again.
    inside='' stopped=''
    stop() {
        local group=${inside:-$!}
        trap '' INT TERM HUP
        stopped=1
        if [ -z "$group" ]; then exit 143; fi
        for _ in $(seq 100); do
            kill -TERM -- "-$group" 2>/dev/null || return 0
            sleep 0.1
        done
        kill -KILL -- "-$group" 2>/dev/null || true
    }
    trap stop INT TERM HUP
    set -m
    (export LOCKSTEP_DEMO_OUTER=$BASHPID; exec unshare "${flags[@]}" "$0" "$@" < /dev/null) &
    inside=$!
    code=0
    wait $inside || code=$?
    if [ -n "$stopped" ]; then code=0; wait $inside || code=$?; fi
    exit $code
fi

dir=
ended() { # in any way
    local code=$?
    trap '' INT TERM HUP
    if [ -n "${lockstepd:-}" ]; then
        kill -TERM $lockstepd 2>/dev/null || true
        wait $lockstepd || true
    fi
    if [ -n "$dir" ]; then rm -rf "$dir"; fi
    exit $code
}
trap ended EXIT
trap 'exit 143' INT TERM HUP
dir=$(mktemp -d)
cd "$dir"
export RUNTIME_DIRECTORY=$dir/run
mkdir run www
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
fail() { echo "demo: $1" >&2; [ -s lockstepd.log ] && tail -n 5 lockstepd.log >&2; exit 1; }

say "A network: veth pair, 10.9.0.1 (kernel) and 10.9.0.2 (lockstepd, DPDK's net_af_packet)"
ip link set lo up
ip link add lks0 type veth peer name lks1
ip addr add 10.9.0.1/24 dev lks0
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2>/dev/null || true
ip link set lks0 up
ip link set lks1 up
# Frames larger than the port's, or without a checksum, would be dropped.
ethtool -K lks0 tx off tso off > /dev/null

say "A certificate authority and a certificate for demo.test"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 \
    -subj "/CN=Lockstep demo CA" 2> openssl.log
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout demo.key -out demo.csr -subj "/CN=demo.test" 2>> openssl.log
printf 'subjectAltName=DNS:demo.test,IP:10.9.0.2\n' > san
openssl x509 -req -in demo.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out demo.pem 2>> openssl.log
openssl x509 -in demo.pem -noout -subject -issuer

say "nginx, plain HTTP, at 10.9.0.1:8080 (uploads go on to a counting sink at 8081)"
echo '<!doctype html><title>Lockstep</title><h1>Served through lockstepd</h1>' > www/index.html
head -c 104857600 /dev/urandom > www/100MB
cat > nginx.conf <<EOF
daemon off;
worker_processes 1;
pid $dir/nginx.pid;
error_log $dir/nginx.log;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    client_max_body_size 1g;
    server {
        listen 10.9.0.1:8080;
        root $dir/www;
        location /upload { proxy_pass http://127.0.0.1:8081; proxy_request_buffering off; }
    }
}
EOF
if [ "$(id -u)" = 0 ]; then sed -i '1i user root;' nginx.conf; fi
nginx -c "$dir/nginx.conf" -p "$dir" -e "$dir/nginx.log" &
python3 "$top/dpdk_app/upload_sink.py" 127.0.0.1 8081 &

# The port's rings are locked memory, two of 2 KiB a frame, of which an ordinary user may have little.
frames=4096
while [ "$(ulimit -l)" != unlimited ] && [ "$LOCKSTEP_DEMO_USER" != 0 ] && [ $((frames * 6)) -gt "$(ulimit -l)" ]; do frames=$((frames / 2)); done

say "lockstepd at 10.9.0.2:443"
"${LOCKSTEPD:-$top/build/release/dpdk_app/lockstepd}" --no-huge --no-shconf -m 512 --lcores 0@0 --no-pci --no-telemetry --log-level=4 \
    --vdev=net_af_packet0,iface=lks1,framecnt=$frames,blocksz=4096 -- \
    --listen 10.9.0.2:443 --cert demo.pem --key demo.key --backend 10.9.0.1:8080 --alpn http/1.1 > lockstepd.log 2>&1 &
lockstepd=$!
for _ in $(seq 600); do
    grep -q listening lockstepd.log && break
    kill -0 $lockstepd 2>/dev/null || fail "lockstepd did not start"
    sleep 0.1
done
grep -q listening lockstepd.log || fail "lockstepd did not start within 60 s"
cat lockstepd.log
fetch=(curl -sS --max-time 300 --cacert "$dir/ca.pem" --resolve demo.test:443:10.9.0.2)

if [ $stay = 1 ]; then
    trap 'exit 0' INT TERM HUP # from the line below on it is no failure
    say "It stays up until you press Ctrl-C. In another terminal:"
    enter="nsenter -t $LOCKSTEP_DEMO_OUTER -n"
    if [ "$LOCKSTEP_DEMO_USER" != 0 ]; then enter="nsenter -t $LOCKSTEP_DEMO_OUTER -U -n --preserve-credentials"; fi
    cat <<EOF
  $enter curl --cacert $dir/ca.pem --resolve demo.test:443:10.9.0.2 https://demo.test/
  $enter openssl s_client -connect 10.9.0.2:443 -servername demo.test -CAfile $dir/ca.pem
  kill -USR1 \$(pgrep --ns $LOCKSTEP_DEMO_OUTER --nslist net -x lockstepd)    (prints the counters here)
EOF
    tail -n +1 -f lockstepd.log &
    wait $lockstepd || true
    exit 0
fi

say "ping"
ping -c 3 -i 0.2 -W 1 10.9.0.2 | tail -n 2

say "curl, the CA verified: a page"
"${fetch[@]}" https://demo.test/ || fail "curl did not get the page"

say "curl: 100 MB down, SHA-256 of both ends"
want=$(sha256sum < www/100MB)
got=$("${fetch[@]}" -w '%{stderr}%{size_download} bytes, %{speed_download} bytes/s\n' https://demo.test/100MB | sha256sum)
echo "nginx has $want"; echo "curl got  $got"
[ "$want" = "$got" ] || fail "the download differs"

say "curl: 100 MB up, SHA-256 of both ends"
got=$("${fetch[@]}" -T www/100MB -w '%{stderr}%{size_upload} bytes, %{speed_upload} bytes/s\n' https://demo.test/upload)
echo "curl sent $want"; echo "sink got  $got  -"
[ "$want" = "$got  -" ] || fail "the upload differs"

say "curl: 50 connections at once"
for i in $(seq 50); do "${fetch[@]}" -o /dev/null -w '%{http_code} ' https://demo.test/?"$i" & pids[i]=$!; done
for i in $(seq 50); do wait "${pids[i]}" || fail "connection $i failed"; done
echo

say "openssl s_client"
openssl s_client -connect 10.9.0.2:443 -servername demo.test -CAfile ca.pem -verify_return_error -brief < /dev/null 2>&1 || fail "s_client does not like us"

say "lockstepd's counters"
kill -TERM $lockstepd
wait $lockstepd || true
sed -n '/lockstepd counters/,$p' lockstepd.log | grep -v ' 0$' || true
if grep -q 'ended_client_reset .*[1-9]' lockstepd.log; then
    echo "(ended_client_reset: each client above had all that it asked for; one that closes its socket while lockstepd's"
    echo "last bytes are still under way has its kernel answer them with RST)"
fi
say "Done; nothing is left behind."
