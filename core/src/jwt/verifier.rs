//! The verifier: a token goes in, and what it says comes out, or why it is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::algorithm::{Algorithm, Algorithms};
use super::claims::Rules;
use super::key_set::KeySet;
use super::object::{Object, string};
use super::rejection::Rejection;

/// Bytes of a token, which is what most servers take of all headers together. A longer one is refused
/// before anything is done for it.
pub const MAX_TOKEN: usize = 8 * 1024;

/// What a good token says.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified {
    /// The user, if the token names one: 1 to 256 bytes, a number as JavaScript's decimal string.
    pub user: Option<String>,
    /// The session, if the token names one: up to 256 bytes.
    pub session: Option<String>,
    /// From which second on since 1970 the token is refused: `exp` and the tolerance. `None` if it never
    /// expires.
    pub expires_at: Option<u64>,
    /// All claims: the text of the payload, a JSON object without a name twice.
    pub claims: String,
}

/// Shows no claims, which are personal data.
impl fmt::Debug for Verified {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Verified").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Verifies tokens, on as many threads as one likes, also while its keys are replaced.
#[derive(Debug)]
pub struct Verifier {
    rules: Rules,
    accepted: Algorithms,
    keys: RwLock<Arc<KeySet>>,
}

impl Verifier {
    /// Verifies by these keys until others come. Only these algorithms are accepted, and of these only
    /// those that fit the token's key.
    #[must_use]
    pub fn new(rules: Rules, accepted: Algorithms, keys: KeySet) -> Self {
        Self { rules, accepted, keys: RwLock::new(Arc::new(keys)) }
    }

    /// The algorithms that are accepted, which `KeySet::parse` asks for.
    #[must_use]
    pub const fn accepted(&self) -> Algorithms {
        self.accepted
    }

    /// Verifies by these keys from now on. What is under way goes on with the keys that it has.
    pub fn replace_keys(&self, keys: KeySet) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Verifies one token at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// Why it is refused. After `UnknownKey` of a remote key set, ask `Refresh` whether to wait.
    pub fn verify(&self, token: &str, now: u64) -> Result<Verified, Rejection> {
        if token.len() > MAX_TOKEN {
            return Err(Rejection::TooLarge);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(Rejection::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Rejection::Malformed)?;
        // An encrypted token has five parts.
        if payload.contains('.') {
            return Err(Rejection::Malformed);
        }
        let header = decoded_text(header)?;
        let (algorithm, key_id) = self.read_header(&header)?;
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        let key = keys.find(key_id.as_deref(), algorithm)?;
        if !key.verifies(algorithm, message.as_bytes(), &decoded(signature)?) {
            return Err(Rejection::Signature);
        }
        self.rules.check(decoded_text(payload)?, now)
    }

    fn read_header<'a>(&self, text: &'a str) -> Result<(Algorithm, Option<KeyId<'a>>), Rejection> {
        let header = Object::parse(text).ok_or(Rejection::Malformed)?;
        // Whoever signs with an extension that must be understood gets no answer from us that is right.
        if header.get("crit").is_some() {
            return Err(Rejection::Malformed);
        }
        let name = header.get("alg").and_then(string).ok_or(Rejection::Malformed)?;
        let key_id = match header.get("kid") {
            None => None,
            Some(raw) => Some(string(raw).ok_or(Rejection::Malformed)?),
        };
        let algorithm = Algorithm::named(&name).filter(|one| self.accepted.contains(*one));
        Ok((algorithm.ok_or(Rejection::Algorithm)?, key_id))
    }
}

type KeyId<'a> = std::borrow::Cow<'a, str>;

/// base64url as it must be in tokens: no padding, no other characters, and no bits to spare. So there is
/// one text for each content.
fn decoded(part: &str) -> Result<Vec<u8>, Rejection> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Rejection::Malformed)
}

fn decoded_text(part: &str) -> Result<String, Rejection> {
    let bytes = decoded(part)?;
    if simdutf8::basic::from_utf8(&bytes).is_err() {
        return Err(Rejection::Malformed);
    }
    String::from_utf8(bytes).map_err(|_| Rejection::Malformed)
}

#[cfg(test)]
mod tests;
