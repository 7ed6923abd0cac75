// SPDX-License-Identifier: BSD-3-Clause

// Handshakes, full and resumed by ticket (TLS 1.3's with psk_dhe_ke), the server's part or the
// client's, over memory: Lockstep beside OpenSSL's libssl in the same run, with the same keys,
// suite, group and peer (libssl). Only the time in which the side that a row names works is
// counted: from making its connection to freeing it. A client verifies the server's certificate; in
// rows called mutual the server verifies the client's, too, and both chains have an intermediate.
// Then how many bytes an idle connection holds.

#include <benchmark/benchmark.h>
#include <lockstep/conn.h>
#include <malloc.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "rows.h"

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

// A certificate for a key, signed by an issuer, whose name is that of its certificate, or by
// itself.
X509 *make_cert(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key, bool is_ca)
{
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               reinterpret_cast<const uint8_t *>(name), -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    X509_EXTENSION *extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, is_ca ? NID_basic_constraints : NID_subject_alt_name,
                            is_ca ? "critical,CA:TRUE" : "DNS:localhost");
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    must(X509_sign(cert, issuer_key, EVP_sha256()) != 0, "cannot sign");
    return cert;
}

// A key, its chain, and what is to be trusted, as PEM files: a self-signed certificate; or a root
// that has issued an intermediate CA, which has issued the leaf.
struct Identity {
    std::string cert_file, key_file, trust_file;

    Identity(EVP_PKEY *key, bool has_intermediate)
    {
        EVP_PKEY *root_key = EVP_EC_gen("P-256"), *ca_key = EVP_EC_gen("P-256");
        X509 *root = make_cert(root_key, "root", nullptr, root_key, true);
        X509 *ca = make_cert(ca_key, "intermediate", root, root_key, true);
        X509 *leaf = has_intermediate ? make_cert(key, "leaf", ca, ca_key, false)
                                      : make_cert(key, "leaf", nullptr, key, false);
        cert_file = write([&](FILE *f) {
            PEM_write_X509(f, leaf);
            if (has_intermediate)
                PEM_write_X509(f, ca);
        });
        trust_file = write([&](FILE *f) { PEM_write_X509(f, has_intermediate ? root : leaf); });
        key_file = write(
            [&](FILE *f) { PEM_write_PrivateKey(f, key, nullptr, nullptr, 0, nullptr, nullptr); });
        for (X509 *cert : {root, ca, leaf})
            X509_free(cert);
        for (EVP_PKEY *k : {root_key, ca_key, key})
            EVP_PKEY_free(k);
    }

    ~Identity()
    {
        for (const std::string &file : {cert_file, key_file, trust_file})
            unlink(file.c_str());
    }

  private:
    template <class Content> static std::string write(Content content)
    {
        char path[] = "/tmp/lockstep-bench-XXXXXX";
        FILE *f = fdopen(mkstemp(path), "w");
        content(f);
        std::fclose(f);
        return path;
    }
};

struct Case {
    bool tls12, is_client, rsa, resumed;
    const char *group;
    bool mutual = false; // the client shows a certificate, too
};

// Of both sides.
const Identity &identity(const Case &c)
{
    static const Identity ecdsa_p256(EVP_EC_gen("P-256"), false),
        rsa_2048(EVP_RSA_gen(2048), false), mutual(EVP_EC_gen("P-256"), true);
    return c.mutual ? mutual : c.rsa ? rsa_2048 : ecdsa_p256;
}

// What both sides offer.
const char *suite(const Case &c)
{
    return !c.tls12 ? "TLS_AES_128_GCM_SHA256"
           : c.rsa  ? "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
                    : "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
}

// The groups of both sides, the row's first. TLS 1.2's are the curves of certificates, too.
std::string groups(const Case &c, const char *separator)
{
    const bool more = c.tls12 && c.group != std::string("secp256r1");
    return more ? std::string(c.group) + separator + "secp256r1" : c.group;
}

// One side of handshakes, one after the other.
class Side
{
  public:
    virtual ~Side() = default;
    virtual void begin(bool resume) = 0;
    virtual void step(const Bytes &in, Bytes &out) = 0; // in may be empty: a client's start
    virtual bool done() = 0;
    virtual bool resumed() = 0;
    virtual void keep_session() = 0; // a client, for the connections to come
    virtual void end() = 0;
};

const uint8_t session_context = 1; // libssl wants one where clients show certificates

class Openssl : public Side
{
  public:
    explicit Openssl(const Case &c)
        : is_client_(c.is_client),
          ctx_(SSL_CTX_new(is_client_ ? TLS_client_method() : TLS_server_method()))
    {
        const Identity &id = identity(c);
        const int version = c.tls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
        bool ok = SSL_CTX_set1_groups_list(ctx_, groups(c, ":").c_str()) &&
                  SSL_CTX_set_min_proto_version(ctx_, version) &&
                  SSL_CTX_set_max_proto_version(ctx_, version);
        if (c.tls12)
            ok = ok && SSL_CTX_set_cipher_list(ctx_, c.rsa ? "ECDHE-RSA-AES128-GCM-SHA256"
                                                           : "ECDHE-ECDSA-AES128-GCM-SHA256");
        else
            ok = ok && SSL_CTX_set_ciphersuites(ctx_, suite(c));
        if (is_client_ || c.mutual)
            ok = ok && SSL_CTX_load_verify_locations(ctx_, id.trust_file.c_str(), nullptr) == 1;
        if (!is_client_ || c.mutual)
            ok = ok && SSL_CTX_use_certificate_chain_file(ctx_, id.cert_file.c_str()) == 1 &&
                 SSL_CTX_use_PrivateKey_file(ctx_, id.key_file.c_str(), SSL_FILETYPE_PEM) == 1;
        ok = ok && SSL_CTX_set_session_id_context(ctx_, &session_context, 1);
        must(ok, "libssl lacks something");
        SSL_CTX_set_session_cache_mode(ctx_, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_num_tickets(ctx_, c.resumed ? 1 : 0);
        SSL_CTX_set_mode(ctx_, SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_verify(ctx_,
                           is_client_ ? SSL_VERIFY_PEER
                           : c.mutual ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                      : SSL_VERIFY_NONE,
                           nullptr);
    }
    ~Openssl() override
    {
        SSL_SESSION_free(session_);
        SSL_CTX_free(ctx_);
    }
    void begin(bool resume) override
    {
        ssl_ = SSL_new(ctx_);
        SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        if (!is_client_) {
            SSL_set_accept_state(ssl_);
            return;
        }
        SSL_set_connect_state(ssl_);
        SSL_set_tlsext_host_name(ssl_, "localhost");
        SSL_set1_host(ssl_, "localhost");
        if (resume)
            must(SSL_set_session(ssl_, session_) == 1, "libssl does not take its session");
    }
    void step(const Bytes &in, Bytes &out) override
    {
        uint8_t none;
        BIO_write(SSL_get_rbio(ssl_), in.data(), static_cast<int>(in.size()));
        if (SSL_do_handshake(ssl_) == 1)
            SSL_read(ssl_, &none, 1); // tickets
        out.resize(16384);
        int n = BIO_read(SSL_get_wbio(ssl_), out.data(), static_cast<int>(out.size()));
        out.resize(n > 0 ? static_cast<size_t>(n) : 0);
    }
    bool done() override
    {
        return SSL_is_init_finished(ssl_);
    }
    bool resumed() override
    {
        return SSL_session_reused(ssl_);
    }
    void keep_session() override
    {
        SSL_SESSION_free(session_);
        session_ = SSL_get1_session(ssl_);
    }
    void end() override
    {
        // Else libssl takes it for a failure, after which a session is not resumed.
        SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(ssl_);
    }
    // A byte of application data for the other side.
    void speak(Bytes &out)
    {
        SSL_write(ssl_, "x", 1);
        out.resize(16384);
        int n = BIO_read(SSL_get_wbio(ssl_), out.data(), static_cast<int>(out.size()));
        out.resize(n > 0 ? static_cast<size_t>(n) : 0);
    }
    // Leaves the connection's memory, but not that of the BIOs, to be counted.
    SSL *release()
    {
        return ssl_;
    }

  private:
    bool is_client_;
    SSL_CTX *ctx_;
    SSL *ssl_ = nullptr;
    SSL_SESSION *session_ = nullptr;
};

class Lockstep : public Side
{
  public:
    explicit Lockstep(const Case &c) : is_client_(c.is_client)
    {
        const Identity &id = identity(c);
        lks_error err;
        lks_policy *policy;
        lks_identities *identities;
        lks_memory *memory;
        must(!lks_policy_new(&policy) && !lks_identities_new(&identities) &&
                 !lks_memory_new(&memory) && !lks_engine_new(&engine_, 16),
             "no memory");
        const lks_version version = c.tls12 ? LKS_TLS_1_2 : LKS_TLS_1_3;
        must(!lks_policy_set_versions(policy, version, version, &err) &&
                 !lks_policy_set_suites(policy, suite(c), &err) &&
                 !lks_policy_set_groups(policy, groups(c, ",").c_str(), &err) &&
                 !lks_policy_set_tickets(policy, c.resumed ? 1 : 0, 7200, &err),
             err.text);
        if (is_client_ || c.mutual)
            must(!lks_policy_set_trust(policy, lks_from_file(id.trust_file.c_str()), &err),
                 err.text);
        if (!is_client_ && c.mutual)
            must(!lks_policy_set_client_auth(policy, LKS_CLIENT_AUTH_REQUIRED, false, &err),
                 err.text);
        if (!is_client_ || c.mutual)
            must(!lks_identities_add_certificate(identities, lks_from_file(id.cert_file.c_str()),
                                                 lks_from_file(id.key_file.c_str()), &err),
                 err.text);
        must(!lks_config_new(&config_, policy, identities, memory, &err), err.text);
        lks_policy_free(policy);
        lks_identities_free(identities);
        lks_memory_free(memory);
    }
    ~Lockstep() override
    {
        lks_engine_free(engine_);
        lks_config_free(config_);
    }
    void begin(bool resume) override
    {
        lks_conn_options options = {};
        options.server_name = "localhost";
        if (resume) {
            options.session = session_;
            options.session_len = session_len_;
        }
        must(!lks_conn_new(&conn_, config_, is_client_ ? LKS_CLIENT : LKS_SERVER, &options),
             "no connection");
    }
    void step(const Bytes &in, Bytes &out) override
    {
        out.resize(16384);
        in_ = in; // records are opened where they lie
        size_t at = 0, out_len = 0;
        do {
            lks_span span = {in_.data() + at, in_.size() - at};
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
        } while (at < in_.size());
        out.resize(out_len);
    }
    bool done() override
    {
        return lks_conn_is_established(conn_);
    }
    bool resumed() override
    {
        lks_conn_info info;
        lks_conn_get_info(conn_, &info);
        return info.resumed;
    }
    void keep_session() override
    {
        must(!lks_conn_take_session(conn_, session_, sizeof(session_), &session_len_),
             "no session");
    }
    void end() override
    {
        lks_conn_free(conn_);
    }
    lks_conn *release()
    {
        return conn_;
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

    bool is_client_;
    lks_config *config_ = nullptr;
    lks_engine *engine_ = nullptr;
    lks_conn *conn_ = nullptr;
    Bytes in_;
    uint8_t session_[LKS_SESSION_MAX];
    size_t session_len_ = 0;
    lks_op ops_[16];
    lks_span spans_[64];
    lks_batch batch_ = {ops_, spans_, 0, 16, 0, 64};
};

// Runs one handshake; returns how long the measured side worked, its end excluded.
Clock::duration shake(Side &measured, Side &peer, const Case &c, bool resume)
{
    Clock::duration spent{};
    Bytes from_measured, from_peer;
    auto work = [&] {
        auto begin = Clock::now();
        measured.step(from_peer, from_measured);
        spent += Clock::now() - begin;
    };
    auto begin = Clock::now();
    measured.begin(resume && c.is_client);
    spent += Clock::now() - begin;
    peer.begin(resume && !c.is_client);
    if (c.is_client)
        work();
    else
        peer.step({}, from_peer);
    while (!from_measured.empty() || !from_peer.empty()) {
        if (from_peer.empty())
            peer.step(from_measured, from_peer);
        from_measured.clear();
        if (from_peer.empty())
            break;
        work();
        from_peer.clear();
    }
    must(measured.done() && peer.done(), "a handshake failed");
    must(measured.resumed() == resume && peer.resumed() == resume, "resumed, or not, by mistake");
    return spent;
}

Case other(Case c)
{
    c.is_client = !c.is_client;
    return c;
}

template <class Measured> void handshakes(benchmark::State &state, Case c)
{
    Measured measured(c);
    Openssl peer(other(c));
    if (c.resumed) {
        shake(measured, peer, c, false);
        (c.is_client ? static_cast<Side &>(measured) : peer).keep_session();
        measured.end();
        peer.end();
    }
    for (auto _ : state) {
        Clock::duration spent = shake(measured, peer, c, c.resumed);
        auto begin = Clock::now();
        measured.end();
        spent += Clock::now() - begin;
        peer.end();
        state.SetIterationTime(std::chrono::duration<double>(spent).count());
    }
    state.counters["handshakes_per_s"] =
        benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void free_side(SSL *ssl)
{
    SSL_free(ssl);
}

void free_side(lks_conn *conn)
{
    lks_conn_free(conn);
}

// A libssl connection's BIOs are the application's: they are freed after the count.
void keep_bios(SSL *ssl, std::vector<BIO *> &bios)
{
    for (BIO *bio : {SSL_get_rbio(ssl), SSL_get_wbio(ssl)}) {
        BIO_up_ref(bio);
        bios.push_back(bio);
    }
}

void keep_bios(lks_conn *, std::vector<BIO *> &)
{
}

// What the allocator gets back when established, idle connections are freed.
template <class Measured> void memory(benchmark::State &state, Case c)
{
    constexpr size_t kConns = 200;
    for (auto _ : state) {
        Measured measured(c);
        Openssl peer(other(c));
        std::vector<decltype(measured.release())> conns;
        std::vector<BIO *> bios;
        for (size_t i = 0; i < kConns; i++) {
            Bytes byte, none;
            shake(measured, peer, c, false);
            peer.speak(byte);
            measured.step(byte, none);
            peer.end();
            conns.push_back(measured.release());
            keep_bios(conns.back(), bios);
        }
        size_t before = mallinfo2().uordblks;
        for (auto *conn : conns)
            free_side(conn);
        size_t after = mallinfo2().uordblks;
        for (BIO *bio : bios)
            BIO_free(bio);
        state.counters["bytes_per_connection"] = static_cast<double>(before - after) / kConns;
    }
}

template <class Measured> void add(const Case &c, const char *provider)
{
    const std::string what = std::string(c.tls12 ? "tls12/" : "tls13/") +
                             (c.is_client ? "client/" : "server/") + (c.mutual ? "mutual/" : "") +
                             (c.rsa ? "rsa_2048/" : "ecdsa_p256/") + c.group + "/" + provider;
    benchmark::RegisterBenchmark(
        ((c.resumed ? "handshake/resumed/" : "handshake/full/") + what).c_str(),
        handshakes<Measured>, c)
        ->UseManualTime();
    if (!c.resumed && !c.rsa && !c.mutual && std::string(c.group) == "x25519")
        benchmark::RegisterBenchmark(("memory/idle/" + what).c_str(), memory<Measured>, c)
            ->Iterations(1);
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    for (bool tls12 : {false, true})
        for (bool resumed : {false, true})
            for (bool is_client : {false, true})
                for (bool rsa : {false, true})
                    for (const char *group : {"x25519", "secp256r1"}) {
                        if (tls12 && resumed && group != std::string("x25519"))
                            continue; // no key exchange: the same
                        add<Lockstep>({tls12, is_client, rsa, resumed, group}, "lockstep");
                        add<Openssl>({tls12, is_client, rsa, resumed, group}, "openssl");
                    }
    for (bool tls12 : {false, true})
        for (bool resumed : {false, true}) {
            add<Lockstep>({tls12, false, false, resumed, "x25519", true}, "lockstep");
            add<Openssl>({tls12, false, false, resumed, "x25519", true}, "openssl");
        }
    return run_rows();
}
