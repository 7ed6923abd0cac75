/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/reason.h"

static const char *const texts[LKS_NUM_REASONS] = {
    "",
#define REASON(name, text) text,
#include "base/reasons.h"
#undef REASON
};

const char *lks_reason_text(enum lks_reason reason)
{
    return (unsigned int)reason < LKS_NUM_REASONS ? texts[reason] : "";
}

static enum lks_reason only_cause(enum lks_status status)
{
    switch ((unsigned int)status) {
    case LKS_NO_MEMORY:
        return LKS_WHY_NO_MEMORY;
    case LKS_INTERNAL:
        return LKS_WHY_INTERNAL;
    case LKS_BAD_CONFIG:
        return LKS_WHY_BAD_CONFIG;
    case LKS_UNSUPPORTED:
        return LKS_WHY_UNSUPPORTED;
    case LKS_BAD_ARGUMENT:
        return LKS_WHY_BAD_ARGUMENT;
    case LKS_INSIDE:
        return LKS_WHY_INSIDE;
    case LKS_NOT_RUN:
        return LKS_WHY_NOT_RUN;
    case LKS_NO_ROOM:
        return LKS_WHY_NO_ROOM;
    case LKS_BAD_OVERLAP:
        return LKS_WHY_BAD_OVERLAP;
    case LKS_SEQ_EXHAUSTED:
        return LKS_WHY_SEQ_EXHAUSTED;
    case LKS_BAD_TAG:
        return LKS_WHY_BAD_TAG;
    case LKS_BAD_RECORD:
        return LKS_WHY_BAD_RECORD;
    case LKS_RECORD_OVERFLOW:
        return LKS_WHY_RECORD_OVERFLOW;
    case LKS_PEER_ALERT:
        return LKS_WHY_PEER_ALERT;
    default:
        return LKS_WHY_NONE;
    }
}

enum lks_reason lks_reason_of(enum lks_status status)
{
    const unsigned int said = (unsigned int)status >> LKS_STATUS_BITS;
    return said ? (enum lks_reason)said : only_cause(status);
}

/* RFC 8446 section 6, with what it took over from others; beside each what it mostly comes of. */
const char *lks_reason_of_peer_alert(uint8_t description)
{
#define SAYS(name, hint) "the peer ended the connection with " name ": " hint
    switch (description) {
    case 10:
        return SAYS("unexpected_message", "it did not expect what we sent");
    case 20:
        return SAYS("bad_record_mac", "a record was changed on its way, or the keys differ");
    case 21:
        return SAYS("decryption_failed", "a record was changed on its way, or the keys differ");
    case 22:
        return SAYS("record_overflow", "a record of ours was too long for it");
    case 30:
        return SAYS("decompression_failure", "it could not decompress what we sent");
    case 40:
        return SAYS(
            "handshake_failure",
            "mostly no cipher suite, group or signature scheme in common; or, under TLS 1.2, "
            "it wants a certificate of ours");
    case 41:
        return SAYS("no_certificate", "it has none to show");
    case 42:
        return SAYS("bad_certificate",
                    "our certificate does not verify there, or is for another name");
    case 43:
        return SAYS("unsupported_certificate", "our certificate is of a kind that it cannot use");
    case 44:
        return SAYS("certificate_revoked", "a certificate of our chain was revoked");
    case 45:
        return SAYS("certificate_expired", "a certificate of our chain is not valid at its time");
    case 46:
        return SAYS("certificate_unknown", "it does not accept our certificate");
    case 47:
        return SAYS("illegal_parameter", "it does not accept a value that we sent");
    case 48:
        return SAYS("unknown_ca", "it does not trust the CA of our certificate, or lacks an "
                                  "intermediate certificate that we should send");
    case 49:
        return SAYS("access_denied", "our certificate is good, but may not do this");
    case 50:
        return SAYS("decode_error", "a message of ours does not parse there");
    case 51:
        return SAYS("decrypt_error", "a signature, a Finished or a binder of ours is wrong there");
    case 60:
        return SAYS("export_restriction", "of a protocol that is long gone");
    case 70:
        return SAYS("protocol_version", "it speaks none of the versions that we do");
    case 71:
        return SAYS("insufficient_security", "what we offer is too weak for it");
    case 80:
        return SAYS("internal_error", "something failed there that is no fault of ours");
    case 86:
        return SAYS("inappropriate_fallback",
                    "it speaks a newer version than the one we came down to");
    case 90:
        return SAYS("user_canceled", "somebody there has given up");
    case 100:
        return SAYS("no_renegotiation", "it does not negotiate again");
    case 109:
        return SAYS("missing_extension", "an extension is not there that it needs, such as a name");
    case 110:
        return SAYS("unsupported_extension", "an answer of ours that it did not ask for");
    case 112:
        return SAYS("unrecognized_name", "it has no certificate for the name that we asked for");
    case 113:
        return SAYS("bad_certificate_status_response",
                    "it does not accept our OCSP response, or wants one");
    case 115:
        return SAYS("unknown_psk_identity", "it does not know our pre-shared key's identity");
    case 116:
        return SAYS("certificate_required", "it wants a certificate of ours");
    case 120:
        return SAYS("no_application_protocol",
                    "it speaks none of our application protocols (ALPN)");
    default:
        return SAYS("an alert", "of a number that no RFC gave when this was written");
    }
#undef SAYS
}
