//! PEM (RFC 7468): the text form of keys.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use openssl::x509::{X509, X509Req};
use serde_json::Value;

use super::key::{BadKey, Key};

/// What a text in PEM holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pem {
    /// A `SubjectPublicKeyInfo`, which names the key's type, or PKCS#1's RSA key. In DER.
    PublicKey(Vec<u8>),
    /// A private key. Its content is not kept.
    PrivateKey,
    /// A certificate.
    Certificate,
    /// Something else, more than one thing, or not PEM.
    Unreadable,
}

/// Whether these bytes are a key, a certificate or another thing in a form that is made for publishing, so
/// that they can be no secret.
pub(super) fn looks_published(bytes: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(bytes);
    let begins = |start| text.trim_start().starts_with(start);
    is_pem(bytes)
        || ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].into_iter().any(begins)
        || (begins("{") && text.contains("\"kty\""))
        || is_jwk(text)
        || is_der(bytes)
        || bare(text).is_some_and(|inner| is_der(&inner) || is_pem(&inner))
}

fn is_pem(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).contains("-----BEGIN ")
}

/// Whether it is a key in JSON, a set of them, or a list.
fn is_jwk(text: &str) -> bool {
    let is_key = |value: &Value| value.get("kty").is_some();
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Array(all)) => all.iter().any(is_key),
        Ok(value) => is_key(&value) || value.get("keys").is_some_and(Value::is_array),
        Err(_) => false,
    }
}

/// Whether it is a public key in DER, a certificate, or the request of one. A sequence, and longer than Ed25519's
/// bare 32 bytes, as which any secret of that length could be read.
fn is_der(bytes: &[u8]) -> bool {
    let is_key = || matches!(Key::from_der(bytes), Ok(_) | Err(BadKey::RsaBits(_)));
    let is_certificate = || X509::from_der(bytes).is_ok() || X509Req::from_der(bytes).is_ok();
    bytes.first() == Some(&0x30) && bytes.len() > 32 && (is_key() || is_certificate())
}

/// What base64 of any kind stands for: PEM without its armour, or as a whole.
fn bare(text: &str) -> Option<Vec<u8>> {
    let text = text.replace("\\n", "\n").replace('-', "+").replace('_', "/");
    let digits: String = text.split_ascii_whitespace().collect();
    STANDARD_NO_PAD.decode(digits.trim_end_matches('=')).ok()
}

/// Reads the one block of a text. `\n` may stand for a line's end, as it often does in variables.
pub(super) fn read(text: &str) -> Pem {
    let text = text.replace("\\n", "\n");
    let Some((label, body)) = block(&text) else {
        return Pem::Unreadable;
    };
    match label {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {
            let body: String = body.split_ascii_whitespace().collect();
            STANDARD.decode(body).map_or(Pem::Unreadable, Pem::PublicKey)
        }
        "CERTIFICATE" => Pem::Certificate,
        label if label.ends_with("PRIVATE KEY") => Pem::PrivateKey,
        _ => Pem::Unreadable,
    }
}

fn block(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, rest) = rest.split_once("-----END ")?;
    let rest = rest.strip_prefix(label)?.strip_prefix("-----")?;
    (!rest.contains("-----BEGIN ")).then_some((label, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_read_with_any_line_ends() {
        let expected = Pem::PublicKey(vec![0, 1, 2, 3]);
        for text in [
            "-----BEGIN PUBLIC KEY-----\nAAEC\nAw==\n-----END PUBLIC KEY-----\n",
            "-----BEGIN PUBLIC KEY-----\r\nAAECAw==\r\n-----END PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY-----\\nAAECAw==\\n-----END PUBLIC KEY-----\\n",
            "a comment\n-----BEGIN RSA PUBLIC KEY-----\nAAECAw==\n-----END RSA PUBLIC KEY-----",
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn other_blocks_are_told_apart() {
        let block = |label| format!("-----BEGIN {label}-----\nAAECAw==\n-----END {label}-----\n");
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
            assert_eq!(read(&block(label)), Pem::PrivateKey, "{label}");
        }
        assert_eq!(read(&block("CERTIFICATE")), Pem::Certificate);
        assert_eq!(read(&block("DH PARAMETERS")), Pem::Unreadable);
        assert_eq!(read(&block("PUBLIC KEY").repeat(2)), Pem::Unreadable);
        for text in [
            "",
            "AAECAw==",
            "-----BEGIN PUBLIC KEY-----\nAAECAw==",
            "-----BEGIN PUBLIC KEY-----\nAAECAw==\n-----END PRIVATE KEY-----",
            "-----BEGIN PUBLIC KEY-----\nA*EC\n-----END PUBLIC KEY-----",
        ] {
            assert_eq!(read(text), Pem::Unreadable, "{text}");
        }
    }

    #[test]
    fn what_is_published_is_no_secret() {
        for text in [
            "-----BEGIN PUBLIC KEY-----\nAAECAw==\n-----END PUBLIC KEY-----\n",
            "  -----BEGIN CERTIFICATE-----",
            "ssh-rsa AAAAB3NzaC1yc2E",
            "ecdsa-sha2-nistp256 AAAA",
            r#" {"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
        ] {
            assert!(looks_published(text.as_bytes()), "{text}");
        }
        assert!(!looks_published(b"correct horse battery staple, and some more"));
        // Any 32 bytes could be a bare Ed25519 key.
        let mut bytes = [0x30; 32];
        for last in 0..=255 {
            bytes[31] = last;
            assert!(!looks_published(&bytes));
        }
    }
}
