//! JSON Web Tokens (RFC 7519), verified without I/O: settings, keys, claims, and when a remote key set
//! is fetched again.
//!
//! What is hard to get right with tokens is what to refuse, so that is all this module does. Signatures
//! are checked by aws-lc-rs. The key decides which algorithms are accepted, never the token: a secret
//! accepts HS only, a public key what fits its type, and `none` is no algorithm at all. What a token
//! says of its own keys (`jwk`, `jku`, `x5c`, `x5u`) is not read.
//!
//! Time is a parameter everywhere, and so are the environment and files.

mod algorithm;
mod claims;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod key;
mod key_set;
mod object;
mod pem;
mod refresh;
mod rejection;
mod settings;
#[cfg(test)]
pub(crate) mod testing;
mod verifier;

pub use algorithm::{Algorithm, Algorithms, KeyType};
pub use claims::Rules;
pub use key_set::{KeySet, KeySetError, MAX_KEY_SET, MAX_KEYS};
pub use refresh::{Arrival, MAX_WAITING, Refresh, RefreshPolicy, Unknown};
pub use rejection::Rejection;
pub use settings::{Given, JwtSettings, KeySource, RawJwt};
pub use verifier::{MAX_TOKEN, Verified, Verifier};
