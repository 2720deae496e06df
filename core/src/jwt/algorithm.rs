//! The algorithms that sign tokens (RFC 7518, 8037, 9864), and the type of key that each needs.

use std::fmt;

/// What a key is. It decides which algorithms the key may be used with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// A secret that both sides have.
    Secret,
    /// RSA, of 2048 to 8192 bits.
    Rsa,
    /// The curve P-256.
    P256,
    /// The curve P-384.
    P384,
    /// The curve P-521.
    P521,
    /// The curve Ed25519.
    Ed25519,
}

macro_rules! algorithms {
    ($($name:ident, $text:literal, $key:ident;)*) => {
        /// An algorithm, by its name in a token's header. There is none for unsigned tokens.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names are the registry's")]
        pub enum Algorithm {
            $($name,)*
        }

        impl Algorithm {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name in a token's header.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The algorithm of this name, which is compared exactly: `hs256` is none.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The only type of key that it works with.
            #[must_use]
            pub const fn key_type(self) -> KeyType {
                match self {
                    $(Self::$name => KeyType::$key,)*
                }
            }
        }
    };
}

algorithms! {
    Hs256, "HS256", Secret;
    Hs384, "HS384", Secret;
    Hs512, "HS512", Secret;
    Rs256, "RS256", Rsa;
    Rs384, "RS384", Rsa;
    Rs512, "RS512", Rsa;
    Ps256, "PS256", Rsa;
    Ps384, "PS384", Rsa;
    Ps512, "PS512", Rsa;
    Es256, "ES256", P256;
    Es384, "ES384", P384;
    Es512, "ES512", P521;
    EdDsa, "EdDSA", Ed25519;
    // What RFC 9864 calls EdDSA with this curve.
    Ed25519, "Ed25519", Ed25519;
}

impl Algorithm {
    /// The least bytes of a secret, which are those of the hash (RFC 7518, section 3.2).
    pub(super) const fn least_secret(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            _ => 64,
        }
    }
}

/// A set of algorithms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Algorithms(u16);

impl Algorithms {
    /// Those that keys of this type can be used with.
    #[must_use]
    pub fn of(key: KeyType) -> Self {
        Algorithm::ALL.iter().copied().filter(|one| one.key_type() == key).collect()
    }

    /// Those whose keys can be published.
    #[must_use]
    pub fn public() -> Self {
        let secret = |one: &Algorithm| one.key_type() == KeyType::Secret;
        Algorithm::ALL.iter().copied().filter(|one| !secret(one)).collect()
    }

    /// Whether this one is in it.
    #[must_use]
    pub const fn contains(self, one: Algorithm) -> bool {
        self.0 & (1 << one as u16) != 0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether none is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in it.
    pub fn iter(self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL.iter().copied().filter(move |one| self.contains(*one))
    }
}

impl FromIterator<Algorithm> for Algorithms {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(all: I) -> Self {
        Self(all.into_iter().fold(0, |set, one| set | 1 << one as u16))
    }
}

/// The names, in the registry's order.
impl fmt::Display for Algorithms {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.iter().enumerate() {
            write!(out, "{}{}", if index == 0 { "" } else { ", " }, one.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_decides_which_algorithms_are_accepted() {
        let of = |key| Algorithms::of(key).to_string();
        assert_eq!(of(KeyType::Secret), "HS256, HS384, HS512");
        assert_eq!(of(KeyType::Rsa), "RS256, RS384, RS512, PS256, PS384, PS512");
        assert_eq!(of(KeyType::P256), "ES256");
        assert_eq!(of(KeyType::P384), "ES384");
        assert_eq!(of(KeyType::P521), "ES512");
        assert_eq!(of(KeyType::Ed25519), "EdDSA, Ed25519");
        assert!(Algorithms::public().and(Algorithms::of(KeyType::Secret)).is_empty());
    }

    #[test]
    fn names_are_exact_and_none_is_no_algorithm() {
        for one in Algorithm::ALL {
            assert_eq!(Algorithm::named(one.name()), Some(*one));
            assert_eq!(Algorithm::named(&one.name().to_lowercase()), None);
        }
        for name in ["none", "None", "NONE", "nOnE", "", "HS1", "ES256K", "RSA-OAEP"] {
            assert_eq!(Algorithm::named(name), None, "{name}");
        }
    }
}
