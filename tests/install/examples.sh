# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# For outside.sh: the examples, built as a user would build them and tried with curl, s_client and s_server.
# shellcheck disable=SC2154 # $here, $source and $lib are outside.sh's

patience=${PATIENCE:-300}
pids=()

# It waits for what must come; patience only ends what hangs.
until_true() {
    local end=$((SECONDS + patience))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

# build NAME PACKAGE [FLAG...]
# shellcheck disable=SC2046
build() {
    cc -Wall -Wextra -Werror "${@:3}" "$source/examples/$1.c" $(pkg-config --cflags --libs "$2") -o "$here/$1"
}

# Two certificates of hosts that nobody has, good for 127.0.0.1, too.
make_certificates() {
    local name
    for name in a b; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout "$here/$name.key" \
            -out "$here/$name.pem" -subj "/CN=$name.test" -addext "subjectAltName=DNS:$name.test,IP:127.0.0.1" || return 1
    done
    cat "$here/a.pem" "$here/b.pem" > "$here/ca.pem"
    head -c 20000000 /dev/urandom > "$here/file"
}

# serve NAME ARGUMENT...: runs a server that says "port N"; $port is that, and $server its process.
serve() {
    LD_LIBRARY_PATH=$lib "$here/$1" "${@:2}" > "$here/$1.out" 2> "$here/$1.err" &
    server=$!
    pids+=("$server")
    until_true grep -q '^port' "$here/$1.out" || { cat "$here/$1.err"; return 1; }
    port=$(awk '/^port/ { print $2 }' "$here/$1.out")
}
# It ends well at SIGTERM, whatever its clients did.
stop() {
    kill -TERM "$server" && wait "$server"
}

# get HOST PATH CURL-OPTION...
get() {
    curl -sS -m "$patience" --noproxy '*' --cacert "$here/ca.pem" --resolve "$1:$port:127.0.0.1" "${@:3}" "https://$1:$port$2"
}
client() { LD_LIBRARY_PATH=$lib "$here/https_client" "$@"; }
connect() { timeout "$patience" openssl s_client -connect "127.0.0.1:$port" -CAfile "$here/ca.pem" "$@"; }

curl_gets_the_file() {
    local host version
    for host in a b; do # chosen by SNI: each CA alone
        for version in 1.2 1.3; do
            get $host.test / --cacert "$here/$host.pem" --tls-max $version -o "$here/got" || return 1
            cmp "$here/file" "$here/got" || return 1
        done
    done
    # One connection for two, a head alone, and what is no GET.
    [ "$(get a.test / -o "$here/got2" -o "$here/got" -w '%{num_connects} ' "https://a.test:$port/2")" = '1 0 ' ] || return 1
    cmp "$here/file" "$here/got2" || return 1
    get a.test / -I | grep '^Content-Length: 20000000' || return 1
    [ "$(get a.test / -d x -o /dev/null -w '%{http_code}')" = 405 ]
}
s_client_gets_the_file() {
    printf 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n' | connect -quiet -ign_eof -servername b.test 2> /dev/null |
        tail -c 20000000 | cmp - "$here/file"
}
# A client of TLS 1.0, one that says nothing sensible, one that trusts nobody, one that goes in the middle of the answer.
bad_clients_do_no_harm() {
    ! get a.test / --cacert "$here/a.key" -o /dev/null || return 1
    ! connect -tls1 < /dev/null || return 1
    printf 'GET / HTTP/1.1\r\n\r\n' > "/dev/tcp/127.0.0.1/$port" || return 1
    get a.test / 2> /dev/null | head -c 100000 > /dev/null
    get a.test / -o "$here/got" && cmp "$here/file" "$here/got" || return 1
    grep -q 'handshake, .*: .*this may not be TLS at all' "$here/https_server.err"
}
client_resumes() {
    client 127.0.0.1 "$port" / "$here/ca.pem" 2> "$here/client.err" | tail -c 20000000 | cmp - "$here/file" || return 1
    grep -q 'full handshake' "$here/client.err" && grep -q 'resumed handshake' "$here/client.err"
}
client_refuses() {
    ! client 127.0.0.1 "$port" / "$here/b.pem" > /dev/null 2> "$here/client.err" || return 1
    grep -q 'handshake: alert_unknown_ca: .* not trusted' "$here/client.err" || return 1
    # The right certificate for another name.
    ! client localhost "$port" / "$here/ca.pem" > /dev/null 2> "$here/client.err" || return 1
    grep -q 'handshake: alert_bad_certificate: .* not for the name' "$here/client.err" || return 1
    ! client 127.0.0.1 "$port" / "$here/file" 2> "$here/client.err" || return 1
    grep -q "$here/file" "$here/client.err"
}

# s_serve INPUT OPTION...: openssl's server; $port and $server as above.
s_serve() {
    openssl s_server -accept 127.0.0.1:0 -cert "$here/a.pem" -key "$here/a.key" "${@:2}" < "$1" > "$here/s_server.out" 2>&1 &
    server=$!
    pids+=("$server")
    until_true grep -q '^ACCEPT' "$here/s_server.out" || return 1
    port=$(sed -n 's/^ACCEPT.*://p' "$here/s_server.out")
}
client_and_s_server() {
    local code version
    for version in -tls1_2 -tls1_3; do
        s_serve /dev/null $version -www || return 1
        client 127.0.0.1 "$port" / "$here/a.pem" 2> "$here/client.err" | grep 's_server'
        code=$?
        kill "$server"
        cat "$here/client.err"
        [ $code = 0 ] && grep -q 'resumed handshake' "$here/client.err" || return 1
    done
}
# A server that is killed before its answer has not said close_notify.
client_tells_truncation() {
    mkfifo "$here/answer"
    exec 9<> "$here/answer"
    s_serve "$here/answer" || return 1
    client 127.0.0.1 "$port" / "$here/a.pem" > /dev/null 2> "$here/client.err" &
    local asking=$!
    until_true grep -q '^GET' "$here/s_server.out" || return 1
    kill -KILL "$server"
    ! wait $asking || return 1
    exec 9>&-
    grep -q 'truncated' "$here/client.err"
}

terminates_for_curl() {
    local i gets=()
    for ((i = 0; i < 20; i++)); do
        get a.test "/of$i" -H "X: $(head -c $((i * 500)) /dev/zero | tr '\0' x)" -o "$here/got$i" &
        gets+=($!)
    done
    for i in "${gets[@]}"; do wait "$i" || return 1; done
    for ((i = 0; i < 20; i++)); do grep -q "GET /of$i HTTP" "$here/got$i" || return 1; done
    get a.test / --tls-max 1.2 | grep '^GET / HTTP'
}
terminate_says_why() {
    printf 'GET / HTTP/1.1\r\n\r\n' > "/dev/tcp/127.0.0.1/$port" || return 1
    until_true grep -q '^connection .*: .*this may not be TLS at all' "$here/terminate.err"
}
terminates_for_s_client() {
    { cat "$here/file"; printf '\r\n\r\n'; } | tr QRKBC x > "$here/asked" # no commands of s_client's
    { connect -quiet -ign_eof < "$here/asked" 2> /dev/null; } | tail -c 20000004 | cmp - "$here/asked"
}

signed_elsewhere() {
    local version i gets=()
    for version in 1.2 1.3; do
        [ "$(get a.test / --tls-max $version)" = 'signed elsewhere' ] || return 1
    done
    for ((i = 0; i < 20; i++)); do
        get a.test / -o "$here/got$i" &
        gets+=($!)
    done
    for i in "${gets[@]}"; do wait "$i" || return 1; done
    printf 'GET / HTTP/1.1\r\n\r\n' | connect -quiet -ign_eof -servername a.test 2> /dev/null | grep 'signed elsewhere'
}
# The key of another certificate: no client gets what it signs.
signed_with_the_wrong_key() {
    ! get a.test / || return 1
    until_true grep -q 'internal: .*no signature of it' "$here/hsm_server.err"
}
# A signer that is not there, or has no key, signs nothing.
signed_by_nobody() {
    ! get a.test / || return 1
    until_true grep -q 'internal: .*has not done so' "$here/hsm_server.err"
}

all_examples() {
    try "certificates" make_certificates
    try "examples/https_server.c outside the tree" build https_server lockstep -std=c11 -Wpedantic
    try "examples/https_client.c outside the tree" build https_client lockstep -std=c11 -Wpedantic
    try "https_server begins" serve https_server 0 "$here/file" "$here/a.pem" "$here/a.key" "$here/b.pem" "$here/b.key"
    try "https_server and curl" curl_gets_the_file
    try "https_server and s_client" s_client_gets_the_file
    try "https_server and https_client" client_resumes
    try "https_client refuses who it cannot verify" client_refuses
    try "https_server and bad clients" bad_clients_do_no_harm
    try "https_server ends well" stop
    try "https_client and s_server" client_and_s_server
    try "https_client tells what was cut short" client_tells_truncation
    try "examples/hsm_server.c outside the tree" build hsm_server lockstep -std=c11 -Wpedantic
    try "hsm_server begins" serve hsm_server 0 "$here/a.pem" "$here/a.key"
    try "hsm_server, curl and s_client" signed_elsewhere
    try "hsm_server ends well" stop
    try "hsm_server begins with another key" serve hsm_server 0 "$here/a.pem" "$here/b.key"
    try "hsm_server sends no wrong signature" signed_with_the_wrong_key
    try "hsm_server ends well after that" stop
    try "hsm_server begins without a key" serve hsm_server 0 "$here/a.pem" "$here/none.key"
    try "hsm_server says that nobody signs" signed_by_nobody
    try "hsm_server ends well in the end" stop
    if [ "$1" = true ]; then
        try "examples/terminate.c outside the tree" build terminate lockstep-dpdk
        try "terminate begins" serve terminate --no-huge --no-pci --no-shconf --no-telemetry -m 64 -- 0 "$here/a.pem" "$here/a.key"
        try "terminate and curl" terminates_for_curl
        try "terminate and s_client" terminates_for_s_client
        try "terminate says why a connection failed" terminate_says_why
        try "terminate ends well" stop
    fi
    local pid
    for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null; done
}
