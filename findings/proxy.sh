# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Sourced by the findings about receivers of a PROXY header: HAProxy on port 18080, nginx on 18081 and, with TLS, on
# 18082. Both answer with the address that the header told them.

# shellcheck disable=SC2154 # here: packages.sh
receivers() {
    unpack haproxy=2.6.12-1+deb12u4 liblua5.3-0=5.3.6-2 libopentracing-c-wrapper0=1.1.3-3+b1 libopentracing1=1.6.0-4 \
        nginx=1.22.1-9+deb12u11
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=receiver.test \
        -keyout "$here/key.pem" -out "$here/certificate.pem" 2> /dev/null
    cat > "$here/haproxy.cfg" << 'END'
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend receiver
    bind 127.0.0.1:18080 accept-proxy
    http-request return status 200 content-type text/plain lf-string "from %[src]"
END
    cat > "$here/nginx.conf" << END
pid $here/nginx.pid;
error_log $here/error.log;
events {}
http {
    access_log off;
    client_body_temp_path $here/body;
    proxy_temp_path $here/proxy;
    fastcgi_temp_path $here/fastcgi;
    uwsgi_temp_path $here/uwsgi;
    scgi_temp_path $here/scgi;
    ssl_certificate $here/certificate.pem;
    ssl_certificate_key $here/key.pem;
    server {
        listen 127.0.0.1:18081 proxy_protocol;
        listen 127.0.0.1:18082 ssl proxy_protocol;
        return 200 "from \$proxy_protocol_addr";
    }
}
END
    "$here/root/usr/sbin/haproxy" -db -f "$here/haproxy.cfg" &
    pids+=($!)
    "$here/root/usr/sbin/nginx" -e "$here/error.log" -p "$here" -c "$here/nginx.conf" -g 'daemon off;' &
    pids+=($!)
}

# answer PORT HEX...: what comes back for pieces sent 100 ms apart and a request behind them, in the last one's segment
# unless PORT ends in "+"; "closed" where nothing comes. On port 18082 the request is made in TLS.
answer() {
    python3 - "$@" << 'END'
import socket, ssl, sys, time

later = sys.argv[1].endswith("+")
port = int(sys.argv[1].rstrip("+"))
pieces = [bytes.fromhex(piece) for piece in sys.argv[2:]]
request = b"GET / HTTP/1.0\r\n\r\n"
for _ in range(100):
    try:
        peer = socket.create_connection(("127.0.0.1", port), timeout=10)
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
if port != 18082 and not later:
    pieces[-1] += request
got = b""
try:
    for piece in pieces:
        peer.sendall(piece)
        time.sleep(0.1)
    if port == 18082:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        peer = context.wrap_socket(peer)
    if port == 18082 or later:
        peer.sendall(request)
    while some := peer.recv(4096):
        got += some
except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
    pass
print(got.split(b"\r\n\r\n")[-1].decode() if got else "closed")
END
}

hex() { od -An -v -tx1 | tr -d ' \n'; }
