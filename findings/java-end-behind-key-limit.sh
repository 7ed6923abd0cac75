#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# TLS 1.3 and Java's jdk.tls.keyLimits: how a stream ends for a client that has asked for new keys.
#
# A guess: past the limit the client sends a KeyUpdate with update_requested; a server that sends the rest and its
# close_notify without having read that has ended the stream as RFC 8446 (6.1) lets it, and read() gives -1.
# Seen, OpenJDK 17.0.19 and OpenSSL 3.0.20 (Debian 12; the same with OpenJDK 21.0.13 and OpenSSL 3.5.9 of Debian 13): the
# whole page arrives, then read() throws a SocketException, "Socket has been closed or broken": behind the close_notify
# the client tries to ask for new keys once more. Below the limit it ends with -1.
# What follows: a Java client behind a server that closes (HTTP/1.0, Connection: close) needs the length to tell a whole
# answer from a broken one; who tests with keyLimits lets the client close first.
# shellcheck source=findings/packages.sh
source "$(dirname "$0")/packages.sh"
unpack openssl=3.0.20-1~deb12u2 libssl3=3.0.20-1~deb12u2 openjdk-17-jre-headless=17.0.19+10-1~deb12u2 \
    openjdk-17-jdk-headless=17.0.19+10-1~deb12u2
jdk=$(echo "$here/root/usr/lib/jvm"/java-17-openjdk-*)
# The packages' settings lie in /etc, by absolute links.
find "$jdk" -type l -lname '/etc/*' -print0 | while read -rd '' link; do
    ln -sf "$here/root$(readlink "$link")" "$link"
done
cd "$here"

cat > Get.java << 'END'
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** Asks for a page and says how much came, and how read() told the end. Trusts anybody: it is about the end alone. */
public class Get {
    private static final class Anybody implements X509TrustManager {
        public void checkClientTrusted(X509Certificate[] chain, String type) { }
        public void checkServerTrusted(X509Certificate[] chain, String type) { }
        public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    }

    public static void main(String[] args) throws Exception {
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(null, new TrustManager[] {new Anybody()}, null);
        long got = 0;
        String end = "-1";
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory()
                .createSocket("127.0.0.1", Integer.parseInt(args[0]))) {
            byte[] bytes = new byte[65536];
            socket.getOutputStream().write("GET /page HTTP/1.0\r\n\r\n".getBytes());
            for (int n; (n = socket.getInputStream().read(bytes)) > 0;) {
                got += n;
            }
        } catch (java.io.IOException error) {
            end = error.toString();
        }
        System.out.println(got + ", then " + end);
    }
}
END
"$jdk/bin/javac" Get.java
openssl=$here/root/usr/bin/openssl
"$openssl" req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem \
    -subj /CN=localhost -days 2 2> /dev/null
head -c 3000000 /dev/zero > page
"$openssl" s_server -accept 127.0.0.1:0 -key key.pem -cert cert.pem -HTTP -tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256 \
    > server.log 2>&1 &
pids+=($!)
until port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' server.log) && [ -n "$port" ]; do sleep 0.1; done

# get BITS: with a limit of 2^BITS bytes a key.
get() {
    echo "jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 2^$1" > settings
    "$jdk/bin/java" -Djava.security.properties="$here/settings" -cp "$here" Get "$port"
}
same "limit of 2^30, 3,000,000 bytes" "$(get 30)" "3000000, then -1"
same "limit of 2^20, 3,000,000 bytes" "$(get 20)" \
    "3000000, then java.net.SocketException: Socket has been closed or broken"
