#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Real clients against lks_test_server on 127.0.0.1: OpenSSL's s_client, gnutls-cli, curl and
# Chromium.
# usage: interop.sh LKS_TEST_SERVER
set -u
server=$(realpath "$1")
dir=$(mktemp -d /tmp/lockstep-interop-XXXXXX)
pids=()
passed=0 failed=0 skipped=0

finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
    wait 2>/dev/null
    rm -rf "$dir"
}
trap finish EXIT

ok() { # name, status
    if [ "$2" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1"
        tail -n 15 "$dir/log" | sed 's/^/    /'
    fi
}

# No test waits for a time: it waits for what must come, and patience only ends what hangs.
patience=${PATIENCE:-300}

until_true() { # command...
    local end=$((SECONDS + patience))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.02
    done
}
has_said() { [ "$(grep -cE "$2" "$dir/log")" -ge "$1" ]; }
has_bytes() { [ "$(stat -c %s "$2")" -ge "$1" ]; }

# What a client is told: PATTERN COUNT LINE, the line once its log has so many lines like the pattern; a last
# PATTERN COUNT keeps the input open until then. Its log is "$dir/log", which said_nothing empties.
tell() {
    while [ $# != 0 ]; do
        until_true has_said "$2" "$1" || return
        [ $# = 2 ] && return
        echo "$3"
        shift 3
    done
}
said_nothing() { : >"$dir/log"; }

has() { # program; says SKIP if it is absent
    command -v "$1" >/dev/null && return 0
    echo "SKIP everything with $1: it is not installed"
    skipped=$((skipped + 1))
    return 1
}

repeat() { head -c "$2" /dev/zero | tr '\0' "$1"; } # character, how often

make_certificates() {
    cd "$dir" || exit 1
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=test CA" \
        -keyout ca.key -out ca.pem
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=other CA" \
        -keyout other-ca.key -out other-ca.pem
    for kind in "ec -pkeyopt ec_paramgen_curve:P-256" "rsa:2048"; do
        name=${kind%%[: ]*}
        # shellcheck disable=SC2086
        openssl req -newkey $kind -nodes -subj "/CN=localhost" -keyout "$name.key" -out "$name.csr"
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >ext
        openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
            -extfile ext -out "$name.pem"
    done
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=long" -keyout long.key -out long.csr
    printf 'nsComment=%s\n' "$(repeat c 2750)" >ext
    openssl x509 -req -in long.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out long.pem
    printf 'V\t491231235959Z\t\t%s\tunknown\t/CN=localhost\n' \
        "$(openssl x509 -in rsa.pem -noout -serial | cut -d= -f2)" >index
    openssl ocsp -index index -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem -cert rsa.pem \
        -ndays 2 -respout ocsp.der
    head -c 3000000 /dev/urandom >page
}

start() { # options; sets port
    "$server" --cert "$dir/ec.pem" --key "$dir/ec.key" --cert "$dir/rsa.pem" --key "$dir/rsa.key" \
        "$@" >"$dir/server.${#pids[@]}" 2>&1 </dev/null &
    pids+=($!)
    local out="$dir/server.$((${#pids[@]} - 1))"
    listens() { port=$(sed -n 's/^port //p' "$out"); [ -n "$port" ] || ! kill -0 "${pids[-1]}" 2>/dev/null; }
    until_true listens
    [ -n "$port" ] && return
    echo "the server does not start:"; cat "$out"
    echo "interop: $passed passed, $((failed + 1)) failed, $skipped skipped"
    exit 1
}

has openssl || { echo "interop: 0 passed, 0 failed, 1 skipped"; exit 77; }
make_certificates >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
sum=$(sha256sum <"$dir/page")
start --http "$dir/page" --alpn http/1.1,h2
http=$port
start --echo --update-every 1000
echo_port=$port
start --http "$dir/page" --suites TLS_AES_128_CCM_8_SHA256
ccm_8=$port

s_client() { # port, options
    local at=$1
    shift
    timeout $patience openssl s_client -connect "127.0.0.1:$at" -CAfile "$dir/ca.pem" -verify_return_error \
        -verify_hostname localhost -servername localhost "$@"
}

suites="TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256
    TLS_AES_128_CCM_SHA256"
for suite in $suites; do
    for groups in X25519 P-256 P-384 P-521 ffdhe2048 ffdhe3072 X448:X25519 X448:P-256; do # with X448: HelloRetryRequest
        for schemes in ecdsa_secp256r1_sha256 rsa_pss_rsae_sha256; do
            printf 'GET / HTTP/1.0\r\n\r\n' |
                s_client "$http" -quiet -ciphersuites "$suite" -groups "$groups" -sigalgs "$schemes" \
                    2>"$dir/log" >"$dir/got"
            [ "$(tail -c 3000000 "$dir/got" | sha256sum)" = "$sum" ]
            ok "openssl $suite $groups $schemes" $?
        done
    done
done

for pair in "$ccm_8 0" "$http 1"; do # off unless it is named
    read -r at refused <<<"$pair"
    printf 'GET / HTTP/1.0\r\n\r\n' |
        s_client "$at" -quiet -cipher DEFAULT:@SECLEVEL=0 -ciphersuites TLS_AES_128_CCM_8_SHA256 2>"$dir/log" >"$dir/got"
    if [ "$refused" = 0 ]; then
        [ "$(tail -c 3000000 "$dir/got" | sha256sum)" = "$sum" ]
    else
        grep -q 'handshake failure' "$dir/log"
    fi
    ok "openssl TLS_AES_128_CCM_8_SHA256, refused $refused" $?
done

for letter in k K; do
    said_nothing
    tell 'Verify return code' 1 $letter KEYUPDATE 1 after-the-update '^after-the-update' 1 $letter \
        KEYUPDATE 2 and-again '^and-again' 1 Q | s_client "$echo_port" >"$dir/log" 2>&1
    grep -q '^after-the-update' "$dir/log" && grep -q '^and-again' "$dir/log" &&
        grep -q 'Verify return code: 0' "$dir/log"
    ok "openssl KeyUpdate $letter" $?
done

echo Q | s_client "$http" -alpn h2,http/1.1 >"$dir/log" 2>&1
grep -q 'ALPN protocol: http/1.1' "$dir/log"
ok "openssl ALPN" $?
s_client "$http" -tls1_2 </dev/null >"$dir/log" 2>&1
grep -q 'Protocol  *: TLSv1.2' "$dir/log"
ok "openssl TLS 1.2" $?
s_client "$http" -tls1_1 -cipher ALL:@SECLEVEL=0 </dev/null >"$dir/log" 2>&1
grep -q 'alert protocol version' "$dir/log"
ok "openssl TLS 1.1 is refused" $?
s_client "$http" -alpn smtp </dev/null >"$dir/log" 2>&1
grep -q 'no application protocol' "$dir/log"
ok "openssl no common ALPN" $?
: >"$dir/got"
(head -c 300000 "$dir/page" | base64 -w 60; until_true has_bytes 406667 "$dir/got"; echo Q) |
    s_client "$echo_port" -nocommands -quiet 2>"$dir/log" | head -c 406667 >"$dir/got"
[ "$(head -c 400000 "$dir/got" | sha256sum)" = \
  "$(head -c 300000 "$dir/page" | base64 -w 60 | head -c 400000 | sha256sum)" ]
ok "openssl echo with KeyUpdates from the server" $?

(until_true test -s "$dir/session"; echo Q) | s_client "$http" -sess_out "$dir/session" >"$dir/log" 2>&1
for groups in X25519 X448:P-384; do
    echo Q | s_client "$http" -sess_in "$dir/session" -groups "$groups" >"$dir/log" 2>&1
    grep -q '^Reused, TLSv1.3' "$dir/log"
    ok "openssl resumes, $groups" $?
done

# Client certificates and a stapled OCSP response. What is echoed may come in the midst of a ticket that s_client prints.
# The response is about the certificate added last, RSA's.
start --echo --client-auth required --trust "$dir/ca.pem" --ocsp "$dir/ocsp.der" --compress all
auth_port=$port
said_nothing
tell 'Verify return code' 1 it-is-me 'it-is-me' 1 Q |
    s_client "$auth_port" -cert "$dir/rsa.pem" -key "$dir/rsa.key" -status \
        -sigalgs rsa_pss_rsae_sha256 >"$dir/log" 2>&1
grep -q 'it-is-me' "$dir/log" && grep -q 'Cert Status: good' "$dir/log" &&
    grep -q 'Acceptable client certificate CA names' "$dir/log"
ok "openssl client certificate, OCSP" $?
for version in tls1_3 tls1_2 "tls1_2 -no_ticket"; do
    rm -f "$dir/session"
    for way in out in; do
        said_nothing
        # shellcheck disable=SC2086
        (tell 'Verify return code' 1 it-is-me 'it-is-me' 1
         [ $way = in ] || until_true test -s "$dir/session"; echo Q) |
            s_client "$auth_port" -$version -cert "$dir/rsa.pem" -key "$dir/rsa.key" -sess_$way "$dir/session" >"$dir/log" 2>&1
    done
    grep -q '^Reused, TLSv1' "$dir/log" && grep -q 'it-is-me' "$dir/log"
    ok "openssl resumes with a client certificate, $version" $?
done
said_nothing
(echo it-is-me; tell 'certificate required' 1) | s_client "$auth_port" >"$dir/log" 2>&1
grep -q 'alert certificate required' "$dir/log" && ! grep -q 'it-is-me' "$dir/log"
ok "openssl without a certificate is refused" $?
if has gnutls-cli; then
    said_nothing
    tell 'Simple Client Mode' 1 it-is-me 'it-is-me' 1 |
        timeout $patience gnutls-cli --x509cafile "$dir/ca.pem" --x509certfile "$dir/ec.pem" \
            --x509keyfile "$dir/ec.key" --verify-hostname=localhost --sni-hostname=localhost \
            -p "$auth_port" 127.0.0.1 >"$dir/log" 2>&1
    grep -q 'it-is-me' "$dir/log" && grep -q 'certificate is trusted' "$dir/log"
    ok "gnutls client certificate" $?
    for version in 1.3 1.2; do
        said_nothing
        tell 'Simple Client Mode' 1 me-again '^me-again' 1 |
            timeout $patience gnutls-cli --x509cafile "$dir/ca.pem" --x509certfile "$dir/ec.pem" --x509keyfile "$dir/ec.key" \
                --priority "NORMAL:-VERS-ALL:+VERS-TLS$version" --verify-hostname=localhost --sni-hostname=localhost \
                --resume --waitresumption -p "$auth_port" 127.0.0.1 >"$dir/log" 2>&1
        grep -q 'This is a resumed session' "$dir/log" && grep -q '^me-again' "$dir/log"
        ok "gnutls resumes with a client certificate, TLS $version" $?
    done
fi

# The longest tickets that there are, of nearly 4 KiB: a client's certificate, and names, as long as can be.
long_host=$(repeat h 63).$(repeat h 63).$(repeat h 63).$(repeat h 61)
long_alpn=$(repeat p 255)
start --echo --client-auth required --trust "$dir/ca.pem" --alpn "$long_alpn"
long_port=$port
for version in tls1_3 tls1_2; do
    rm -f "$dir/session"
    for way in out in; do
        said_nothing
        (tell 'Verify return code' 1 it-is-me 'it-is-me' 1
         [ $way = in ] || until_true test -s "$dir/session"; echo Q) |
            s_client "$long_port" -$version -servername "$long_host" -alpn "$long_alpn" \
                -cert "$dir/long.pem" -key "$dir/long.key" -sess_$way "$dir/session" >"$dir/log" 2>&1
        [ $way = in ] || openssl sess_id -in "$dir/session" -text -noout >"$dir/ticket"
    done
    grep -q '^ *0f[3-9a-f]0 - ' "$dir/ticket" && grep -q '^Reused, TLSv1' "$dir/log" && grep -q 'it-is-me' "$dir/log"
    ok "openssl resumes by a ticket of 4 KiB, $version" $?
done
if has gnutls-cli; then
    for version in 1.3 1.2; do
        said_nothing
        tell 'Simple Client Mode' 1 me-again '^me-again' 1 |
            timeout $patience gnutls-cli --x509cafile "$dir/ca.pem" --x509certfile "$dir/long.pem" --x509keyfile "$dir/long.key" \
                --priority "NORMAL:-VERS-ALL:+VERS-TLS$version" --verify-hostname=localhost --sni-hostname="$long_host" \
                --alpn "$long_alpn" --resume --waitresumption -p "$long_port" 127.0.0.1 >"$dir/log" 2>&1
        grep -q 'This is a resumed session' "$dir/log" && grep -q '^me-again' "$dir/log"
        ok "gnutls resumes by a ticket of 4 KiB, TLS $version" $?
    done
fi

if has gnutls-cli; then
    said_nothing
    tell 'Simple Client Mode' 1 hello-again '^hello-again' 1 |
        timeout $patience gnutls-cli --x509cafile "$dir/ca.pem" --verify-hostname=localhost --resume \
            --sni-hostname=localhost --waitresumption -p "$echo_port" 127.0.0.1 >"$dir/log" 2>&1
    grep -q 'This is a resumed session' "$dir/log" && grep -q '^hello-again' "$dir/log"
    ok "gnutls resumes" $?
    for cipher in AES-128-GCM AES-256-GCM CHACHA20-POLY1305 AES-128-CCM; do
        for group in X25519 SECP256R1 SECP384R1 SECP521R1 FFDHE2048 FFDHE3072; do
            said_nothing
            tell 'Simple Client Mode' 1 hello-from-gnutls '^hello-from-gnutls' 1 |
                timeout $patience gnutls-cli --x509cafile "$dir/ca.pem" --verify-hostname=localhost \
                    --sni-hostname=localhost --priority \
                    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+$cipher:-GROUP-ALL:+GROUP-$group" \
                    -p "$echo_port" 127.0.0.1 >"$dir/log" 2>&1
            status=$?
            [ $status = 0 ] && grep -q '^hello-from-gnutls' "$dir/log" &&
                grep -q 'certificate is trusted' "$dir/log" && grep -q "$cipher" "$dir/log"
            ok "gnutls $cipher $group" $?
        done
    done
fi

if has curl; then
    fetch() { timeout $patience curl -sS --fail --cacert "$dir/ca.pem" \
        --resolve "localhost:$http:127.0.0.1" "$@" 2>>"$dir/log"; }
    for suite in $suites; do
        [ "$(fetch --tlsv1.3 --tls13-ciphers "$suite" "https://localhost:$http/" | sha256sum)" = "$sum" ]
        ok "curl $suite" $?
    done
    [ "$(fetch "https://127.0.0.1:$http/" | sha256sum)" = "$sum" ]
    ok "curl by address" $?
    [ "$(fetch -T "$dir/page" "https://localhost:$http/up")  -" = "$sum" ]
    ok "curl upload" $?
    urls=()
    for i in $(seq 40); do urls+=("https://localhost:$http/$i" -o "$dir/many.$i"); done
    fetch --parallel --parallel-max 40 "${urls[@]}"
    [ "$(sha256sum <"$dir/many.17")" = "$sum" ] && [ "$(cat "$dir"/many.* | wc -c)" = 120000000 ] &&
        [ "$(sha256sum "$dir"/many.* | cut -d' ' -f1 | sort -u | wc -l)" = 1 ]
    ok "curl 40 in parallel" $?
    timeout $patience curl -sS --cacert "$dir/other-ca.pem" --resolve "localhost:$http:127.0.0.1" "https://localhost:$http/" \
        >"$dir/log" 2>&1
    [ $? = 60 ]
    ok "curl without the CA refuses" $?
fi

# Chromium sends the share of X25519MLKEM768 in its first hello, and takes it.
if has chromium && has certutil; then
    echo '<script>document.write("script saw " + (40 + 2))</script>' >"$dir/page.html"
    start --http "$dir/page.html" --alpn http/1.1 --report
    last=$((${#pids[@]} - 1))
    mkdir -p "$dir/home/.pki/nssdb"
    certutil -N -d "sql:$dir/home/.pki/nssdb" --empty-password >"$dir/log" 2>&1
    certutil -A -d "sql:$dir/home/.pki/nssdb" -n ca -t C,, -i "$dir/ca.pem" >>"$dir/log" 2>&1
    HOME="$dir/home" timeout $patience chromium --headless --no-sandbox --disable-gpu --disable-quic \
        --no-first-run --disable-background-networking --disable-component-update --disable-sync \
        --disable-dev-shm-usage --user-data-dir="$dir/profile" --virtual-time-budget=5000 --dump-dom \
        "https://localhost:$port/" >"$dir/got" 2>>"$dir/log"
    grep -q 'script saw 42' "$dir/got"
    ok "chromium renders a page" $?
    # Chromium's connections may outlive it for a while: the server reports them when it ends.
    kill -TERM "${pids[last]}"
    wait "${pids[last]}"
    unset "pids[last]"
    cat "$dir/server.$last" >>"$dir/log"
    grep -q 'established=1 .* group=x25519mlkem768 .* retried=0' "$dir/server.$last"
    ok "chromium X25519MLKEM768" $?
fi

# The server lived through all of it and goes on serving.
kill -0 "${pids[@]}"
ok "the servers are alive" $?
for pid in "${pids[@]}"; do # sanitizers speak up here
    kill -TERM "$pid"
    wait "$pid"
    ok "a server's end" $?
done
cat "$dir"/server.* | grep -v '^port\|^conn' | sort | uniq -c
pids=()
echo "interop: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
