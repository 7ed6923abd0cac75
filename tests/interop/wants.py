# SPDX-License-Identifier: BSD-3-Clause
"""What a cell asks of both sides, and each implementation's names for suites and groups."""

import dataclasses

SUITES_13 = {  # name: GnuTLS' ciphers, NSS' number, whether Java has it
    "TLS_AES_128_GCM_SHA256": ("+AES-128-GCM", "1301", True),
    "TLS_AES_256_GCM_SHA384": ("+AES-256-GCM", "1302", True),
    "TLS_CHACHA20_POLY1305_SHA256": ("+CHACHA20-POLY1305", "1303", True),
    "TLS_AES_128_CCM_SHA256": ("+AES-128-CCM", None, False),
    "TLS_AES_128_CCM_8_SHA256": ("+AES-128-CCM-8", None, False),
}

GROUPS = {  # name: OpenSSL's, GnuTLS', NSS', Java's name
    "x25519": ("X25519", "GROUP-X25519", "x25519", "x25519"),
    "secp256r1": ("P-256", "GROUP-SECP256R1", "P256", "secp256r1"),
    "secp384r1": ("P-384", "GROUP-SECP384R1", "P384", "secp384r1"),
    "ffdhe2048": ("ffdhe2048", "GROUP-FFDHE2048", "FF2048", "ffdhe2048"),
    "ffdhe3072": ("ffdhe3072", "GROUP-FFDHE3072", "FF3072", "ffdhe3072"),
    "x25519mlkem768": ("X25519MLKEM768", "GROUP-X25519-MLKEM768", "mlkem768x25519", None),
}


def _suites_12():
    """TLS 1.2: name: (OpenSSL's name, GnuTLS' priorities, NSS' number, whether Java has it)."""
    ciphers = {
        "AES_128_GCM_SHA256": ("AES128-GCM-SHA256", "+AES-128-GCM:+AEAD"),
        "AES_256_GCM_SHA384": ("AES256-GCM-SHA384", "+AES-256-GCM:+AEAD"),
        "CHACHA20_POLY1305_SHA256": ("CHACHA20-POLY1305", "+CHACHA20-POLY1305:+AEAD"),
        "AES_128_CBC_SHA": ("AES128-SHA", "+AES-128-CBC:+SHA1"),
        "AES_256_CBC_SHA": ("AES256-SHA", "+AES-256-CBC:+SHA1"),
        "AES_128_CBC_SHA256": ("AES128-SHA256", "+AES-128-CBC:+SHA256"),
        "AES_256_CBC_SHA256": ("AES256-SHA256", "+AES-256-CBC:+SHA256"),
        "AES_256_CBC_SHA384": ("AES256-SHA384", "+AES-256-CBC:+SHA384"),
        "AES_128_CCM": ("AES128-CCM", "+AES-128-CCM:+AEAD"),
        "AES_256_CCM": ("AES256-CCM", "+AES-256-CCM:+AEAD"),
        "AES_128_CCM_8": ("AES128-CCM8", "+AES-128-CCM-8:+AEAD"),
        "AES_256_CCM_8": ("AES256-CCM8", "+AES-256-CCM-8:+AEAD"),
    }
    exchanges = {"ECDHE_ECDSA": ("ECDHE-ECDSA-", "+ECDHE-ECDSA"), "ECDHE_RSA": ("ECDHE-RSA-", "+ECDHE-RSA"),
                 "DHE_RSA": ("DHE-RSA-", "+DHE-RSA"), "RSA": ("", "+RSA")}
    numbers = {
        "ECDHE_ECDSA": ["c02b", "c02c", "cca9", "c009", "c00a", "c023", None, "c024", "c0ac", "c0ad", "c0ae", "c0af"],
        "ECDHE_RSA": ["c02f", "c030", "cca8", "c013", "c014", "c027", None, "c028"],
        "DHE_RSA": ["009e", "009f", "ccaa", "0033", "0039", "0067", "006b", None],
        "RSA": ["009c", "009d", None, "002f", "0035", "003c", "003d", None],
    }
    table = {}
    for exchange, (openssl, gnutls) in exchanges.items():
        for number, (cipher, (ours, priority)) in zip(numbers[exchange], ciphers.items()):
            if number:
                table[f"TLS_{exchange}_WITH_{cipher}"] = (openssl + ours, f"{gnutls}:{priority}",
                                                            None if "CCM" in cipher else number, "CCM" not in cipher)
    return table


SUITES_12 = _suites_12()


@dataclasses.dataclass
class Want:
    """What one cell asks of both sides. Empty: the implementation's defaults."""
    version: str = "1.3"
    suite: str = ""
    group: str = ""
    certificate: str = "ec"  # the server's: a kind of Credentials
    alpn: str = ""
    client_auth: str = ""  # "", "sent", "missing"
    retry: bool = False  # the client's first share is of a group that the server does not take
    resume: bool = False
    early: bool = False
    psk: str = ""  # hex; identity "interop"
    update: str = ""  # "peer" or "ours" asks for new keys both ways
    key_limit: int = 0  # the peer gets a long page, and asks for new keys each 2^key_limit bytes
    record_size: int = 0
    ocsp: bool = False
    extended_master_secret: bool = True
    encrypt_then_mac: bool = True
    tickets: bool = True
    export: str = ""  # the label of keying material that both sides export
    key_log: bool = False  # both write one
    compress: str = ""  # the algorithm for the server's certificate
    fallback: bool = False  # the client says that it has come down to this version
    renegotiate: bool = False  # the peer asks for it
    refused: str = ""  # how our side ends instead of taking the peer
    hangs_up: bool = False  # its server refuses us without a word
