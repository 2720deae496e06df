//! One key, ready to verify: parsed once, used by every token.

use aws_lc_rs::hmac;
use aws_lc_rs::rsa::PublicKey as RsaPublicKey;
use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents, VerificationAlgorithm};
use std::fmt;

use super::algorithm::{Algorithm, Algorithms, KeyType};

/// Bits of an RSA key: fewer are weak, more take too long for each token.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A key, with what it needs for each algorithm that it may be used with.
pub(super) struct Key {
    key_type: KeyType,
    /// Which of them are accepted.
    algorithms: Algorithms,
    checks: Vec<(Algorithm, Check)>,
}

enum Check {
    Secret(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

/// Why a public key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadKey {
    /// It is none, or of a type that is not supported.
    Unsupported,
    /// An RSA key with too few or too many bits.
    RsaBits(usize),
}

impl Key {
    /// A secret. It is used with the algorithms that it is long enough for: none, if it is too short.
    pub(super) fn secret(secret: &[u8]) -> Self {
        let long_enough = |one: &Algorithm| secret.len() >= one.least_secret();
        let checks = Algorithms::of(KeyType::Secret).iter().filter(long_enough);
        let checks = checks.map(|one| {
            let hash = match one {
                Algorithm::Hs256 => hmac::HMAC_SHA256,
                Algorithm::Hs384 => hmac::HMAC_SHA384,
                _ => hmac::HMAC_SHA512,
            };
            (one, Check::Secret(hmac::Key::new(hash, secret).into()))
        });
        Self::with(KeyType::Secret, checks.collect())
    }

    /// A public key in DER: a `SubjectPublicKeyInfo`, whatever its type, or an RSA key of PKCS#1.
    pub(super) fn from_der(der: &[u8]) -> Result<Self, BadKey> {
        if let Ok(rsa) = RsaPublicKey::from_der(der) {
            let modulus = rsa.modulus().big_endian_without_leading_zero();
            check_bits(modulus)?;
            return Self::public(KeyType::Rsa, der);
        }
        [KeyType::P256, KeyType::P384, KeyType::P521, KeyType::Ed25519]
            .into_iter()
            .find_map(|key_type| Self::public(key_type, der).ok())
            .ok_or(BadKey::Unsupported)
    }

    /// An RSA key by its numbers, big-endian.
    pub(super) fn from_rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, BadKey> {
        let (n, e) = (without_zeros(modulus), without_zeros(exponent));
        check_bits(n)?;
        let components = RsaPublicKeyComponents { n, e };
        let parsed = components
            .to_parsed_public_key(&signature::RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| BadKey::Unsupported)?;
        Self::from_der(parsed.as_ref())
    }

    /// A key on a curve: its point, uncompressed, or Ed25519's 32 bytes.
    pub(super) fn from_point(key_type: KeyType, point: &[u8]) -> Result<Self, BadKey> {
        Self::public(key_type, point)
    }

    fn public(key_type: KeyType, bytes: &[u8]) -> Result<Self, BadKey> {
        let parse = |one: Algorithm| {
            let parsed = ParsedPublicKey::new(verification(one)?, bytes).ok()?;
            Some((one, Check::Public(parsed)))
        };
        let checks: Option<Vec<_>> = Algorithms::of(key_type).iter().map(parse).collect();
        checks.map(|checks| Self::with(key_type, checks)).ok_or(BadKey::Unsupported)
    }

    fn with(key_type: KeyType, checks: Vec<(Algorithm, Check)>) -> Self {
        let algorithms = checks.iter().map(|(one, _)| *one).collect();
        Self { key_type, algorithms, checks }
    }

    #[cfg(test)]
    pub(super) const fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The algorithms that it accepts.
    pub(super) const fn algorithms(&self) -> Algorithms {
        self.algorithms
    }

    /// Accepts no others than these from now on.
    pub(super) fn restrict(&mut self, algorithms: Algorithms) {
        self.algorithms = self.algorithms.and(algorithms);
    }

    /// Whether the message is signed with this key. Never with an algorithm that it does not accept.
    pub(super) fn verifies(&self, with: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.algorithms.contains(with) {
            return false;
        }
        let check = self.checks.iter().find(|(one, _)| *one == with);
        check.is_some_and(|(_, check)| match check {
            Check::Secret(key) => hmac::verify(key, message, signature).is_ok(),
            Check::Public(key) => key.verify_sig(message, signature).is_ok(),
        })
    }
}

/// Shows nothing of the key itself.
impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({:?}: {})", self.key_type, self.algorithms)
    }
}

fn verification(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return None,
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
        Algorithm::EdDsa | Algorithm::Ed25519 => &signature::ED25519,
    })
}

/// The library looks at the size with each token, and would refuse them all.
fn check_bits(modulus: &[u8]) -> Result<(), BadKey> {
    let first = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = (modulus.len() * 8).saturating_sub(first);
    if RSA_BITS.contains(&bits) { Ok(()) } else { Err(BadKey::RsaBits(bits)) }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}
