// SPDX-License-Identifier: BSD-3-Clause

// One connection, record by record, through lockstep/stream.h and through SSL_read and SSL_write,
// in the same run: TLS 1.3, the same suite, and the same transport, which copies to or from a piece
// of memory. libssl's side stands on a BIO that does just that ("openssl"), as its socket BIO does
// with the kernel, and on memory BIOs ("openssl_mem"), as programs without sockets have them. A row
// is one direction: write and take out the bytes, or put them in and read. Both ends of a row are
// of the same library.

#include <benchmark/benchmark.h>
#include <lockstep/stream.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "rows.h"

namespace
{

using Clock = std::chrono::steady_clock;

void must(bool ok)
{
    if (ok)
        return;
    std::fprintf(stderr, "stream_bench: a call failed that should not\n");
    std::exit(2);
}

const size_t kWireMax = 1u << 17;

// Bytes on their way: the transport of all rows.
struct Wire {
    std::vector<uint8_t> bytes = std::vector<uint8_t>(kWireMax);
    size_t begin = 0, end = 0;

    size_t put(const void *from, size_t len)
    {
        len = len < kWireMax - end ? len : kWireMax - end;
        std::memcpy(bytes.data() + end, from, len);
        end += len;
        return len;
    }
    size_t get(void *to, size_t len)
    {
        len = len < end - begin ? len : end - begin;
        std::memcpy(to, bytes.data() + begin, len);
        begin += len;
        if (begin == end)
            begin = end = 0;
        return len;
    }
};

// A self-signed certificate of localhost and its key, as files that go when the program ends.
struct Identity {
    char cert[32] = "/tmp/lockstep-bench-XXXXXX", key[32] = "/tmp/lockstep-bench-XXXXXX";

    Identity()
    {
        EVP_PKEY *pkey = EVP_EC_gen("P-256");
        X509 *x = X509_new();
        X509_set_version(x, 2);
        X509_gmtime_adj(X509_getm_notBefore(x), 0);
        X509_gmtime_adj(X509_getm_notAfter(x), 86400);
        X509_set_pubkey(x, pkey);
        X509_EXTENSION *name =
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
        X509_add_ext(x, name, -1);
        X509_EXTENSION_free(name);
        must(X509_sign(x, pkey, EVP_sha256()) != 0);
        FILE *f = fdopen(mkstemp(cert), "w");
        must(f && PEM_write_X509(f, x) && !std::fclose(f));
        f = fdopen(mkstemp(key), "w");
        must(f && PEM_write_PrivateKey(f, pkey, nullptr, nullptr, 0, nullptr, nullptr) &&
             !std::fclose(f));
        X509_free(x);
        EVP_PKEY_free(pkey);
    }
    ~Identity()
    {
        unlink(cert);
        unlink(key);
    }
};

const Identity &identity()
{
    static const Identity one;
    return one;
}

// A client and a server with a wire of each direction. send() is the client's part of one message,
// receive() the server's.
class Pair
{
  public:
    virtual ~Pair() = default;
    virtual void send(const uint8_t *data, size_t len) = 0;
    virtual void receive(uint8_t *data, size_t len) = 0;

  protected:
    Wire there_, back_;
};

class Streams : public Pair
{
  public:
    explicit Streams(const char *suite)
    {
        lks_error err;
        lks_conn_options options = {};
        options.server_name = "localhost";
        lks_policy *client_policy, *server_policy;
        lks_identities *identities;
        lks_memory *memory;
        must(!lks_engine_new(&engine_, 16) && !lks_policy_new(&client_policy) &&
             !lks_policy_new(&server_policy) && !lks_identities_new(&identities) &&
             !lks_memory_new(&memory));
        const lks_source cert = lks_from_file(identity().cert), key = lks_from_file(identity().key);
        must(!lks_policy_set_trust(client_policy, cert, &err) &&
             !lks_policy_set_suites(client_policy, suite, &err) &&
             !lks_identities_add_certificate(identities, cert, key, &err) &&
             !lks_config_new(&client_config_, client_policy, nullptr, nullptr, &err) &&
             !lks_config_new(&server_config_, server_policy, identities, memory, &err));
        lks_policy_free(client_policy);
        lks_policy_free(server_policy);
        lks_identities_free(identities);
        lks_memory_free(memory);
        must(!lks_stream_new(&client_, client_config_, LKS_CLIENT, &options, engine_) &&
             !lks_stream_new(&server_, server_config_, LKS_SERVER, nullptr, engine_));
        for (int i = 0; i < 10; i++) {
            drain(client_, there_);
            feed(server_, there_);
            drain(server_, back_);
            feed(client_, back_);
        }
        must(lks_conn_is_established(lks_stream_conn(client_)) &&
             lks_conn_is_established(lks_stream_conn(server_)));
    }
    ~Streams() override
    {
        lks_stream_free(client_);
        lks_stream_free(server_);
        lks_config_free(client_config_);
        lks_config_free(server_config_);
        lks_engine_free(engine_);
    }
    void send(const uint8_t *data, size_t len) override
    {
        size_t taken;
        must(!lks_stream_write(client_, data, len, &taken));
        drain(client_, there_);
    }
    void receive(uint8_t *data, size_t len) override
    {
        feed(server_, there_);
        size_t n;
        for (size_t at = 0; at < len; at += n)
            must(!lks_stream_read(server_, data + at, len - at, &n));
    }

  private:
    static void drain(lks_stream *s, Wire &wire)
    {
        size_t len;
        while (!lks_stream_drain(s, wire.bytes.data() + wire.end, kWireMax - wire.end, &len))
            wire.end += len;
    }
    static void feed(lks_stream *s, Wire &wire)
    {
        size_t taken;
        const lks_status status =
            lks_stream_feed(s, wire.bytes.data() + wire.begin, wire.end - wire.begin, &taken);
        must(!status || status == LKS_WANT_ROOM); // the rest when this is read
        wire.begin += taken;
        if (wire.begin == wire.end)
            wire.begin = wire.end = 0;
    }
    lks_config *client_config_ = nullptr, *server_config_ = nullptr;
    lks_engine *engine_ = nullptr;
    lks_stream *client_ = nullptr, *server_ = nullptr;
};

// libssl's, on a BIO that copies to and from the wire itself.
int wire_write(BIO *bio, const char *data, size_t len, size_t *written)
{
    *written = static_cast<Wire **>(BIO_get_data(bio))[1]->put(data, len);
    return *written != 0;
}
int wire_read(BIO *bio, char *data, size_t len, size_t *got)
{
    BIO_clear_retry_flags(bio);
    *got = static_cast<Wire **>(BIO_get_data(bio))[0]->get(data, len);
    if (!*got)
        BIO_set_retry_read(bio);
    return *got != 0;
}
long wire_ctrl(BIO *, int cmd, long, void *)
{
    return cmd == BIO_CTRL_FLUSH;
}
BIO *wire_bio(Wire **ends)
{
    static BIO_METHOD *const method = [] {
        BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "wire");
        BIO_meth_set_write_ex(m, wire_write);
        BIO_meth_set_read_ex(m, wire_read);
        BIO_meth_set_ctrl(m, wire_ctrl);
        return m;
    }();
    BIO *bio = BIO_new(method);
    BIO_set_data(bio, ends);
    BIO_set_init(bio, 1);
    return bio;
}

class Openssl : public Pair
{
  public:
    Openssl(const char *suite, bool on_memory_bios)
        : on_memory_bios_(on_memory_bios), client_ctx_(SSL_CTX_new(TLS_client_method())),
          server_ctx_(SSL_CTX_new(TLS_server_method()))
    {
        must(SSL_CTX_use_certificate_file(server_ctx_, identity().cert, SSL_FILETYPE_PEM) == 1 &&
             SSL_CTX_use_PrivateKey_file(server_ctx_, identity().key, SSL_FILETYPE_PEM) == 1 &&
             SSL_CTX_set_min_proto_version(client_ctx_, TLS1_3_VERSION) &&
             SSL_CTX_set_ciphersuites(client_ctx_, suite));
        client_ = make(client_ctx_, client_ends_);
        server_ = make(server_ctx_, server_ends_);
        SSL_set_connect_state(client_);
        SSL_set_accept_state(server_);
        uint8_t none;
        for (int i = 0; i < 10; i++) {
            SSL_do_handshake(client_);
            carry(client_, server_);
            SSL_do_handshake(server_);
            carry(server_, client_);
            if (SSL_is_init_finished(client_))
                SSL_read(client_, &none, 1); // tickets
        }
        must(SSL_is_init_finished(client_) && SSL_is_init_finished(server_));
    }
    ~Openssl() override
    {
        SSL_free(client_);
        SSL_free(server_);
        SSL_CTX_free(client_ctx_);
        SSL_CTX_free(server_ctx_);
    }
    void send(const uint8_t *data, size_t len) override
    {
        must(SSL_write(client_, data, static_cast<int>(len)) == static_cast<int>(len));
        if (on_memory_bios_) {
            int n;
            while ((n = BIO_read(SSL_get_wbio(client_), there_.bytes.data() + there_.end,
                                 static_cast<int>(kWireMax - there_.end))) > 0)
                there_.end += static_cast<size_t>(n);
        }
    }
    void receive(uint8_t *data, size_t len) override
    {
        if (on_memory_bios_) {
            const int n = static_cast<int>(there_.end);
            must(BIO_write(SSL_get_rbio(server_), there_.bytes.data(), n) == n);
            there_.end = 0;
        }
        for (size_t at = 0; at < len;) {
            const int n = SSL_read(server_, data + at, static_cast<int>(len - at));
            must(n > 0);
            at += static_cast<size_t>(n);
        }
    }

  private:
    SSL *make(SSL_CTX *ctx, Wire **ends)
    {
        SSL *ssl = SSL_new(ctx);
        if (on_memory_bios_) {
            SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        } else {
            BIO *bio = wire_bio(ends);
            SSL_set_bio(ssl, bio, bio);
        }
        return ssl;
    }
    void carry(SSL *from, SSL *to)
    {
        uint8_t bytes[16384];
        int n;
        while (on_memory_bios_ && (n = BIO_read(SSL_get_wbio(from), bytes, sizeof(bytes))) > 0)
            BIO_write(SSL_get_rbio(to), bytes, n);
    }
    bool on_memory_bios_;
    SSL_CTX *client_ctx_, *server_ctx_;
    Wire *client_ends_[2] = {&back_, &there_}; // to read, to write
    Wire *server_ends_[2] = {&there_, &back_};
    SSL *client_ = nullptr, *server_ = nullptr;
};

enum Provider { kStream, kOpenssl, kOpensslMem };

void run(benchmark::State &state, Provider provider, const char *suite, bool writes, size_t len)
{
    Pair *pair = provider == kStream ? static_cast<Pair *>(new Streams(suite))
                                     : new Openssl(suite, provider == kOpensslMem);
    std::vector<uint8_t> data(len, 'x'), got(len);
    Clock::duration total{};
    for (auto _ : state) {
        // Some at a time, or the clock would be what is measured.
        const size_t num = len < 1024 ? 64 : 4;
        auto begin = Clock::now();
        for (size_t i = 0; i < num; i++)
            pair->send(data.data(), len);
        auto middle = Clock::now();
        for (size_t i = 0; i < num; i++)
            pair->receive(got.data(), len);
        auto spent = (writes ? middle - begin : Clock::now() - middle) / static_cast<long>(num);
        total += spent;
        state.SetIterationTime(std::chrono::duration<double>(spent).count());
    }
    must(got == data);
    state.counters["ns_per_record"] = std::chrono::duration<double, std::nano>(total).count() /
                                      static_cast<double>(state.iterations());
    delete pair;
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    static const struct {
        const char *name, *suite;
    } suites[] = {{"aes_128_gcm", "TLS_AES_128_GCM_SHA256"},
                  {"chacha20_poly1305", "TLS_CHACHA20_POLY1305_SHA256"}};
    static const char *const providers[] = {"lockstep", "openssl", "openssl_mem"};
    for (const auto &suite : suites)
        for (size_t len : {64, 1400, 16384})
            for (bool writes : {true, false})
                for (Provider provider : {kStream, kOpenssl, kOpensslMem})
                    benchmark::RegisterBenchmark(
                        (std::string("stream/") + (writes ? "write" : "read") + "/" + suite.name +
                         "/" + std::to_string(len) + "B/" + providers[provider])
                            .c_str(),
                        [=](benchmark::State &s) { run(s, provider, suite.suite, writes, len); })
                        ->UseManualTime();
    return run_rows();
}
