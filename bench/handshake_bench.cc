// SPDX-License-Identifier: BSD-3-Clause

// Full TLS 1.3 handshakes, the server's part of them, over memory: Lockstep beside OpenSSL's libssl
// in the same run, with the same keys, suite, group and client (libssl). Only the time in which the
// server works is counted: from making its connection to freeing it.

#include <benchmark/benchmark.h>
#include <lockstep/conn.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace
{

using Clock = std::chrono::steady_clock;
using Bytes = std::vector<uint8_t>;

void must(bool ok, const char *what)
{
    if (ok)
        return;
    std::fprintf(stderr, "handshake_bench: %s\n", what);
    std::exit(2);
}

// A key, its self-signed certificate, and both as PEM files.
struct Identity {
    std::string cert_file, key_file;

    explicit Identity(EVP_PKEY *key)
    {
        char cert_path[] = "/tmp/lockstep-bench-XXXXXX", key_path[] = "/tmp/lockstep-bench-XXXXXX";
        X509 *cert = X509_new();
        X509_set_version(cert, 2);
        X509_gmtime_adj(X509_getm_notBefore(cert), 0);
        X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
        X509_set_pubkey(cert, key);
        must(X509_sign(cert, key, EVP_sha256()) != 0, "cannot sign");
        FILE *f = fdopen(mkstemp(cert_path), "w");
        PEM_write_X509(f, cert);
        std::fclose(f);
        f = fdopen(mkstemp(key_path), "w");
        PEM_write_PrivateKey(f, key, nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(f);
        X509_free(cert);
        EVP_PKEY_free(key);
        cert_file = cert_path;
        key_file = key_path;
    }

    ~Identity()
    {
        unlink(cert_file.c_str());
        unlink(key_file.c_str());
    }
};

const Identity &identity(bool rsa)
{
    static const Identity ecdsa_p256(EVP_EC_gen("P-256")), rsa_2048(EVP_RSA_gen(2048));
    return rsa ? rsa_2048 : ecdsa_p256;
}

// What both servers offer; the client offers the same.
const char *const kSuite = "TLS_AES_128_GCM_SHA256";

class Client
{
  public:
    Client(SSL_CTX *ctx) : ssl_(SSL_new(ctx))
    {
        SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(ssl_);
    }
    ~Client()
    {
        SSL_free(ssl_);
    }
    bool done() const
    {
        return SSL_is_init_finished(ssl_);
    }
    // Takes the server's bytes and returns the answer to them.
    Bytes step(const Bytes &in)
    {
        if (!in.empty())
            BIO_write(SSL_get_rbio(ssl_), in.data(), static_cast<int>(in.size()));
        SSL_do_handshake(ssl_);
        Bytes out(16384);
        int n = BIO_read(SSL_get_wbio(ssl_), out.data(), static_cast<int>(out.size()));
        out.resize(n > 0 ? static_cast<size_t>(n) : 0);
        return out;
    }

  private:
    SSL *ssl_;
};

SSL_CTX *client_context(const char *group)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    must(SSL_CTX_set_ciphersuites(ctx, kSuite) && SSL_CTX_set1_groups_list(ctx, group),
         "libssl lacks the suite or group");
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

class OpensslServer
{
  public:
    OpensslServer(const Identity &id, const char *group) : ctx_(SSL_CTX_new(TLS_server_method()))
    {
        must(SSL_CTX_use_certificate_file(ctx_, id.cert_file.c_str(), SSL_FILETYPE_PEM) == 1 &&
                 SSL_CTX_use_PrivateKey_file(ctx_, id.key_file.c_str(), SSL_FILETYPE_PEM) == 1 &&
                 SSL_CTX_set_ciphersuites(ctx_, kSuite) && SSL_CTX_set1_groups_list(ctx_, group),
             "libssl does not take the key");
        SSL_CTX_set_session_cache_mode(ctx_, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_num_tickets(ctx_, 0);
    }
    ~OpensslServer()
    {
        SSL_CTX_free(ctx_);
    }
    void begin()
    {
        ssl_ = SSL_new(ctx_);
        SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_accept_state(ssl_);
    }
    void step(Bytes &in, Bytes &out)
    {
        BIO_write(SSL_get_rbio(ssl_), in.data(), static_cast<int>(in.size()));
        SSL_do_handshake(ssl_);
        out.resize(16384);
        int n = BIO_read(SSL_get_wbio(ssl_), out.data(), static_cast<int>(out.size()));
        out.resize(n > 0 ? static_cast<size_t>(n) : 0);
    }
    bool end()
    {
        bool done = SSL_is_init_finished(ssl_);
        SSL_free(ssl_);
        return done;
    }

  private:
    SSL_CTX *ctx_;
    SSL *ssl_ = nullptr;
};

class LockstepServer
{
  public:
    LockstepServer(const Identity &id, const char *group)
    {
        lks_error err;
        must(!lks_config_new(&config_) && !lks_engine_new(&engine_, 16), "no memory");
        must(
            !lks_config_add_certificate(config_, id.cert_file.c_str(), id.key_file.c_str(), &err) &&
                !lks_config_set_suites(config_, kSuite, &err) &&
                !lks_config_set_groups(config_, group, &err),
            err.text);
    }
    ~LockstepServer()
    {
        lks_engine_free(engine_);
        lks_config_free(config_);
    }
    void begin()
    {
        must(!lks_conn_new(&conn_, config_, LKS_SERVER, NULL), "no connection");
    }
    void step(Bytes &in, Bytes &out)
    {
        out.resize(16384);
        size_t at = 0, out_len = 0;
        do {
            lks_span span = {in.data() + at, in.size() - at};
            size_t taken;
            lks_batch_reset(&batch_);
            lks_status status = lks_conn_open(conn_, &span, 1, &batch_, &taken, nullptr);
            must(status == LKS_OK || status == LKS_WANT_ROOM || status == LKS_WANT_DATA,
                 lks_status_name(status));
            at += taken;
            lks_engine_process(engine_, ops_, batch_.num_ops);
            for (uint32_t i = 0; i < batch_.num_ops; i++) {
                lks_event event;
                status = lks_conn_opened(conn_, &ops_[i], &event);
                must(!status, lks_status_name(status));
            }
            seal(out, out_len);
        } while (at < in.size());
        out.resize(out_len);
    }
    bool end()
    {
        bool done = lks_conn_is_established(conn_);
        lks_conn_free(conn_);
        return done;
    }

  private:
    void seal(Bytes &out, size_t &out_len)
    {
        lks_span dst = {out.data() + out_len, lks_conn_own_len(conn_)};
        lks_batch_reset(&batch_);
        lks_status status = lks_conn_seal_own(conn_, &dst, 1, &batch_);
        must(!status, lks_status_name(status));
        lks_engine_process(engine_, ops_, batch_.num_ops);
        for (uint32_t i = 0; i < batch_.num_ops; i++)
            must(!lks_conn_sealed(conn_, &ops_[i]), "cannot seal");
        out_len += dst.len;
    }

    lks_config *config_ = nullptr;
    lks_engine *engine_ = nullptr;
    lks_conn *conn_ = nullptr;
    lks_op ops_[16];
    lks_span spans_[64];
    lks_batch batch_ = {ops_, spans_, 0, 16, 0, 64};
};

template <class Server> void full(benchmark::State &state, bool rsa, const char *group)
{
    Server server(identity(rsa), group);
    SSL_CTX *client_ctx = client_context(group);
    Bytes out;
    for (auto _ : state) {
        Client client(client_ctx);
        Clock::duration spent{};
        Bytes in = client.step({});
        auto begin = Clock::now();
        server.begin();
        spent += Clock::now() - begin;
        while (!in.empty()) {
            begin = Clock::now();
            server.step(in, out);
            spent += Clock::now() - begin;
            in = client.step(out);
        }
        begin = Clock::now();
        bool done = server.end();
        spent += Clock::now() - begin;
        must(done && client.done(), "a handshake failed");
        state.SetIterationTime(std::chrono::duration<double>(spent).count());
    }
    state.counters["handshakes_per_s"] =
        benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
    SSL_CTX_free(client_ctx);
}

void add(bool rsa, const char *group, const char *group_name)
{
    const std::string name = std::string("handshake/full/server/") +
                             (rsa ? "rsa_2048/" : "ecdsa_p256/") + group_name + "/";
    benchmark::RegisterBenchmark((name + "lockstep").c_str(), full<LockstepServer>, rsa, group)
        ->UseManualTime();
    benchmark::RegisterBenchmark((name + "openssl").c_str(), full<OpensslServer>, rsa, group)
        ->UseManualTime();
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    for (bool rsa : {false, true}) {
        add(rsa, "x25519", "x25519");
        add(rsa, "secp256r1", "secp256r1");
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
