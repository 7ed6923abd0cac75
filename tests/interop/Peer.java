// SPDX-License-Identifier: BSD-3-Clause

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * Java's TLS as a peer in interop tests. Arguments are name=value: connect=PORT or listen=PORT, trust=PEM, key=P12,
 * suite, version, alpn, auth=need, connections=N, download=yes. As a client it sends lines from its standard input over
 * the last of N connections and prints what comes, or asks for a page and prints how long it was; as a server it echoes,
 * one connection after another.
 */
final class Peer {
    private static final char[] PASSWORD = "interop".toCharArray();
    private final Map<String, String> options = new HashMap<>();

    public static void main(String[] args) throws Exception {
        Peer peer = new Peer();
        for (String arg : args) {
            int at = arg.indexOf('=');
            peer.options.put(arg.substring(0, at), arg.substring(at + 1));
        }
        if (peer.options.containsKey("listen")) {
            peer.serve();
        } else {
            peer.connect();
        }
    }

    private SSLContext context() throws Exception {
        KeyStore trust = KeyStore.getInstance("PKCS12");
        trust.load(null, null);
        try (InputStream in = new FileInputStream(options.get("trust"))) {
            trust.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trusted = TrustManagerFactory.getInstance("PKIX");
        trusted.init(trust);
        KeyManagerFactory keys = null;
        if (options.containsKey("key")) {
            KeyStore store = KeyStore.getInstance("PKCS12");
            try (InputStream in = new FileInputStream(options.get("key"))) {
                store.load(in, PASSWORD);
            }
            keys = KeyManagerFactory.getInstance("PKIX");
            keys.init(store, PASSWORD);
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys == null ? null : keys.getKeyManagers(), trusted.getTrustManagers(), null);
        return context;
    }

    private SSLParameters adapt(SSLParameters p) {
        p.setProtocols(new String[] {options.get("version")});
        if (options.containsKey("suite")) {
            p.setCipherSuites(new String[] {options.get("suite")});
        }
        if (options.containsKey("alpn")) {
            p.setApplicationProtocols(options.get("alpn").split(","));
        }
        if ("need".equals(options.get("auth"))) {
            p.setNeedClientAuth(true);
        }
        return p;
    }

    private void connect() throws Exception {
        SSLContext context = context();
        int port = Integer.parseInt(options.get("connect"));
        int left = Integer.parseInt(options.getOrDefault("connections", "1"));
        for (; left > 0; left--) {
            try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("localhost", port)) {
                SSLParameters p = adapt(socket.getSSLParameters());
                p.setEndpointIdentificationAlgorithm("HTTPS");
                socket.setSSLParameters(p);
                socket.startHandshake();
                if (options.containsKey("download")) {
                    download(socket);
                } else {
                    talk(socket, left == 1);
                }
            }
        }
    }

    /** A line there and back; on the last connection, all lines of the standard input. */
    private static void talk(SSLSocket socket, boolean isLast) throws Exception {
        byte[] bytes = new byte[65536];
        if (!isLast) {
            socket.getOutputStream().write("first\n".getBytes());
            socket.getInputStream().read(bytes);
            return;
        }
        System.out.println("negotiated " + socket.getSession().getProtocol() + " "
                + socket.getSession().getCipherSuite() + " " + socket.getApplicationProtocol());
        Thread reader = new Thread(() -> copy(socket));
        reader.start();
        for (int n; (n = System.in.read(bytes)) > 0;) {
            socket.getOutputStream().write(bytes, 0, n);
        }
        socket.shutdownOutput();
        reader.join(5000);
    }

    /**
     * A page in whole, by its length, of which no more is kept; then this side closes. A server's close_notify would
     * come behind a key's limit and before the answer to the KeyUpdate for it: Java asks for that once more then,
     * on the closed connection, and throws.
     */
    private static void download(SSLSocket socket) throws IOException {
        byte[] bytes = new byte[65536];
        InputStream in = socket.getInputStream();
        socket.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes());
        StringBuilder head = new StringBuilder();
        for (int c; head.indexOf("\r\n\r\n") < 0 && (c = in.read()) >= 0;) {
            head.append((char) c);
        }
        long length = Long.parseLong(head.toString().replaceAll("(?s).*Content-Length: ([0-9]+).*", "$1"));
        long got = 0;
        for (int n; got < length && (n = in.read(bytes)) > 0;) {
            got += n;
        }
        System.out.println("got " + got + " bytes");
    }

    private static void copy(SSLSocket socket) {
        byte[] bytes = new byte[65536];
        try {
            for (int n; (n = socket.getInputStream().read(bytes)) > 0;) {
                System.out.write(bytes, 0, n);
                System.out.flush();
            }
            System.out.println("peer closed");
        } catch (IOException error) {
            System.out.println("error " + error);
        }
    }

    private void serve() throws Exception {
        int port = Integer.parseInt(options.get("listen"));
        SSLServerSocket listener = (SSLServerSocket) context().getServerSocketFactory()
                .createServerSocket(port, 16, InetAddress.getByName("127.0.0.1"));
        listener.setSSLParameters(adapt(listener.getSSLParameters()));
        for (;;) {
            byte[] bytes = new byte[65536];
            try (SSLSocket socket = (SSLSocket) listener.accept()) {
                socket.startHandshake();
                System.out.println("negotiated " + socket.getSession().getProtocol() + " "
                        + socket.getSession().getCipherSuite() + " " + socket.getApplicationProtocol());
                for (int n; (n = socket.getInputStream().read(bytes)) > 0;) {
                    socket.getOutputStream().write(bytes, 0, n);
                }
                System.out.println("peer closed");
            } catch (IOException error) {
                System.out.println("error " + error);
            }
        }
    }
}
