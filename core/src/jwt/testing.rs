//! Keys for tests, made anew in each run, and tokens signed with them by another library.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::x509::{X509, X509Req};
use serde_json::{Value, json};
use std::sync::OnceLock;

use super::algorithm::{Algorithm, KeyType};

/// What the tests' secrets are.
pub const SECRET: &[u8] = b"a secret of the tests that is long enough even for HS512, by 1 or 2";

/// A key pair or a secret.
pub struct Signer {
    pub algorithm: Algorithm,
    private: &'static Private,
}

struct Private {
    pkcs8: Vec<u8>,
    spki: Vec<u8>,
    jwk: Value,
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

impl Signer {
    /// Always the same one for a type of key.
    pub fn new(algorithm: Algorithm) -> Self {
        Self::of(algorithm, 0)
    }

    /// Another one than `new` gives.
    pub fn other(algorithm: Algorithm) -> Self {
        Self::of(algorithm, 1)
    }

    /// One for each algorithm with a public key.
    pub fn public() -> impl Iterator<Item = Self> {
        let all = Algorithm::ALL.iter().copied();
        all.filter(|one| one.key_type() != KeyType::Secret).map(Self::new)
    }

    fn of(algorithm: Algorithm, which: usize) -> Self {
        static MADE: [[OnceLock<Private>; 2]; 6] = [const { [const { OnceLock::new() }; 2] }; 6];
        let key_type = algorithm.key_type();
        let private = MADE[key_type as usize][which].get_or_init(|| make(key_type, which));
        Self { algorithm, private }
    }

    /// The public key in PEM.
    pub fn pem(&self) -> String {
        pem("PUBLIC KEY", &self.private.spki)
    }

    pub fn private_pem(&self) -> String {
        pem("PRIVATE KEY", &self.private.pkcs8)
    }

    pub fn spki(&self) -> &[u8] {
        &self.private.spki
    }

    /// A certificate that this key has signed for itself, and the request of one, in DER.
    pub fn certificates(&self) -> [Vec<u8>; 2] {
        let key = PKey::private_key_from_pem(self.private_pem().as_bytes()).unwrap();
        let digest = match self.algorithm.key_type() {
            KeyType::Ed25519 => MessageDigest::null(),
            _ => MessageDigest::sha256(),
        };
        let mut certificate = X509::builder().unwrap();
        certificate.set_pubkey(&key).unwrap();
        certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
        certificate.sign(&key, digest).unwrap();
        let mut request = X509Req::builder().unwrap();
        request.set_pubkey(&key).unwrap();
        request.sign(&key, digest).unwrap();
        [certificate.build().to_der().unwrap(), request.build().to_der().unwrap()]
    }

    /// The public key, without an id.
    pub fn jwk(&self) -> Value {
        self.private.jwk.clone()
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        if self.algorithm == Algorithm::Es512 {
            // The other library does not have it.
            let pair = ecdsa(&ECDSA_P521_SHA512_FIXED_SIGNING, &self.private.pkcs8);
            return pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec();
        }
        let pem = self.private_pem();
        let key = match self.algorithm.key_type() {
            KeyType::Secret => EncodingKey::from_secret(&self.private.pkcs8),
            KeyType::Rsa => EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
            KeyType::Ed25519 => EncodingKey::from_ed_pem(pem.as_bytes()).unwrap(),
            _ => EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(),
        };
        let name =
            if self.algorithm == Algorithm::Ed25519 { "EdDSA" } else { self.algorithm.name() };
        let signature = jsonwebtoken::crypto::sign(message, &key, name.parse().unwrap()).unwrap();
        URL_SAFE_NO_PAD.decode(signature).unwrap()
    }

    /// A token with these texts as header and payload.
    pub fn raw_token(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let message = format!("{}.{}", b64(header), b64(payload));
        let signature = b64(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    pub fn token(&self, payload: &Value) -> String {
        self.raw_token(json!({ "alg": self.algorithm.name() }).to_string(), payload.to_string())
    }
}

fn make(key_type: KeyType, which: usize) -> Private {
    match key_type {
        KeyType::Secret => {
            let mut secret = SECRET.to_vec();
            secret[0] += which as u8;
            Private { pkcs8: secret, spki: Vec::new(), jwk: Value::Null }
        }
        KeyType::Rsa => make_rsa(),
        KeyType::P256 => make_ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
        KeyType::P384 => make_ec(&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
        KeyType::P521 => make_ec(&ECDSA_P521_SHA512_FIXED_SIGNING, "P-521"),
        KeyType::Ed25519 => {
            let pair = Ed25519KeyPair::generate().unwrap();
            let x = b64(pair.public_key());
            Private {
                pkcs8: pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
                spki: spki(pair.public_key()),
                jwk: json!({ "kty": "OKP", "crv": "Ed25519", "x": x }),
            }
        }
    }
}

fn spki(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
    key.as_der().unwrap().as_ref().to_vec()
}

fn make_rsa() -> Private {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = pair.public_key();
    let n = b64(public.modulus().big_endian_without_leading_zero());
    let e = b64(public.exponent().big_endian_without_leading_zero());
    let pkcs8: Pkcs8V1Der<'static> = pair.as_der().unwrap();
    Private {
        pkcs8: pkcs8.as_ref().to_vec(),
        spki: spki(public),
        jwk: json!({ "kty": "RSA", "n": n, "e": e }),
    }
}

fn make_ec(algorithm: &'static EcdsaSigningAlgorithm, curve: &str) -> Private {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let point = pair.public_key().as_ref();
    let (x, y) = point[1..].split_at(point.len() / 2);
    Private {
        pkcs8: pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
        spki: spki(pair.public_key()),
        jwk: json!({ "kty": "EC", "crv": curve, "x": b64(x), "y": b64(y) }),
    }
}

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, pkcs8: &[u8]) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).unwrap()
}
