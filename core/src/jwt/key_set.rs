//! The keys that tokens may be signed with: one that was configured, or a JSON Web Key Set (RFC 7517).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use super::algorithm::{Algorithm, Algorithms, KeyType};
use super::key::{BadKey, Key};
use super::rejection::Rejection;

/// Keys that a set may have, usable or not: many times what any issuer publishes.
pub const MAX_KEYS: usize = 100;
/// Bytes of a key set's text.
pub const MAX_KEY_SET: usize = 1024 * 1024;

/// The keys that tokens may be signed with.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Entry>,
    /// One key was configured without a name, so names in tokens mean nothing.
    unnamed: bool,
}

#[derive(Debug)]
struct Entry {
    id: Option<String>,
    key: Key,
}

/// What is wrong with the text of a key set. One that is fetched then counts as not fetched, but for
/// `NoUsableKey` and `Ambiguous`: whoever publishes that has withdrawn the keys that there were.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeySetError {
    /// Over `MAX_KEY_SET`.
    #[error("the key set is larger than 1 MiB")]
    TooLarge,
    /// It is no object with a list `keys` in it.
    #[error("not a JSON Web Key Set: an object with a list \"keys\" (RFC 7517)")]
    Malformed,
    /// Over `MAX_KEYS`.
    #[error("the key set has more than 100 keys")]
    TooManyKeys,
    /// No key in it can verify a token by an algorithm that is accepted.
    #[error("the key set has no key that could verify a token")]
    NoUsableKey,
    /// No token could say which key it means.
    #[error(
        "the key set has no key that a token could mean: keys of one algorithm need a \"kid\" each, and no two the same"
    )]
    Ambiguous,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// What counts of a key; other members are not looked at (RFC 7517, section 4).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<serde::de::IgnoredAny>,
}

impl KeySet {
    /// A set without keys: that of a remote set before it is fetched.
    #[must_use]
    pub const fn empty() -> Self {
        Self { keys: Vec::new(), unnamed: false }
    }

    /// The one key that was configured.
    pub(super) fn of(key: Key) -> Self {
        Self { keys: vec![Entry { id: None, key }], unnamed: true }
    }

    /// Reads a key set. Keys that cannot verify by one of these algorithms are left out: those for
    /// encryption, of unknown types, with members that do not fit, secrets, and private ones, since
    /// whoever reads a set with a private key could sign with it.
    ///
    /// # Errors
    /// When the text is no set, or too large. A set that leaves no key is an empty one.
    pub fn parse(text: &str, accepted: Algorithms) -> Result<Self, KeySetError> {
        if text.len() > MAX_KEY_SET {
            return Err(KeySetError::TooLarge);
        }
        // serde would read the struct from a list too.
        if !text.trim_start().starts_with('{') {
            return Err(KeySetError::Malformed);
        }
        let Document { keys } = serde_json::from_str(text).map_err(|_| KeySetError::Malformed)?;
        if keys.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let keys = keys.into_iter().filter_map(|one| entry(one, accepted)).collect();
        Ok(Self { keys, unnamed: false })
    }

    /// Whether there is a key, and one at least that some token finds.
    ///
    /// # Errors
    /// `NoUsableKey` or `Ambiguous`.
    pub fn usable(&self) -> Result<(), KeySetError> {
        if self.keys.is_empty() {
            return Err(KeySetError::NoUsableKey);
        }
        let is_found = |Entry { id, key }: &Entry| {
            key.algorithms().iter().any(|with| self.find(id.as_deref(), with).is_ok())
        };
        if self.keys.iter().any(is_found) { Ok(()) } else { Err(KeySetError::Ambiguous) }
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of a token: the only one with its key id, if it has one, that accepts its algorithm.
    pub(super) fn find(&self, id: Option<&str>, with: Algorithm) -> Result<&Key, Rejection> {
        let id = if self.unnamed { None } else { id };
        let named = |one: &&Entry| id.is_none() || one.id.as_deref() == id;
        let mut fitting =
            self.keys.iter().filter(named).filter(|one| one.key.algorithms().contains(with));
        match (fitting.next(), fitting.next()) {
            (Some(one), None) => Ok(&one.key),
            (None, _)
                if self.unnamed || (id.is_some() && self.keys.iter().any(|one| named(&one))) =>
            {
                Err(Rejection::Algorithm)
            }
            _ => Err(Rejection::UnknownKey),
        }
    }
}

fn entry(raw: &RawValue, accepted: Algorithms) -> Option<Entry> {
    let jwk: Jwk = serde_json::from_str(raw.get()).ok()?;
    let signs = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
    let verifies = jwk.key_ops.as_ref().is_none_or(|all| all.iter().any(|one| one == "verify"));
    if !signs || !verifies || jwk.d.is_some() {
        return None;
    }
    let mut key = key(&jwk)?.ok()?;
    if let Some(name) = jwk.alg {
        key.restrict([Algorithm::named(&name)?].into_iter().collect());
    }
    key.restrict(accepted);
    (!key.algorithms().is_empty()).then_some(Entry { id: jwk.kid, key })
}

fn key(jwk: &Jwk) -> Option<Result<Key, BadKey>> {
    let point = |key_type, size: usize| {
        let (x, y) = (decoded(&jwk.x)?, decoded(&jwk.y)?);
        let whole = x.len() == size && y.len() == size;
        whole.then(|| Key::from_point(key_type, &[&[4], &x[..], &y[..]].concat()))
    };
    match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => Some(Key::from_rsa(&decoded(&jwk.n)?, &decoded(&jwk.e)?)),
        ("EC", Some("P-256")) => point(KeyType::P256, 32),
        ("EC", Some("P-384")) => point(KeyType::P384, 48),
        ("EC", Some("P-521")) => point(KeyType::P521, 66),
        ("OKP", Some("Ed25519")) => {
            let x = decoded(&jwk.x)?;
            (x.len() == 32).then(|| Key::from_point(KeyType::Ed25519, &x))
        }
        _ => None,
    }
}

fn decoded(text: &Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.as_ref()?).ok()
}

#[cfg(test)]
mod tests {
    use super::super::testing::Signer;
    use super::*;
    use serde_json::{Value, json};

    fn parse(keys: &[Value]) -> Result<KeySet, KeySetError> {
        KeySet::parse(&json!({ "keys": keys }).to_string(), Algorithms::public())
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    fn ids(set: &KeySet) -> Vec<Option<&str>> {
        set.keys.iter().map(|one| one.id.as_deref()).collect()
    }

    #[test]
    fn keys_of_all_supported_types_are_read() {
        for signer in Signer::public() {
            let set = parse(&[signer.jwk()]).unwrap();
            let key = set.find(None, signer.algorithm).unwrap();
            assert_eq!(key.key_type(), signer.algorithm.key_type());
            assert!(key.verifies(signer.algorithm, b"message", &signer.sign(b"message")));
            assert!(!key.verifies(signer.algorithm, b"massage", &signer.sign(b"message")));
        }
    }

    #[test]
    fn keys_that_cannot_verify_are_left_out() {
        let good = Signer::new(Algorithm::Es256).jwk();
        let rsa = Signer::new(Algorithm::Rs256).jwk();
        let bad = [
            with(good.clone(), "use", json!("enc")),
            with(good.clone(), "key_ops", json!(["sign"])),
            with(good.clone(), "alg", json!("RSA-OAEP")),
            with(good.clone(), "alg", json!("ES384")),
            with(good.clone(), "alg", json!("none")),
            with(good.clone(), "kty", json!("XYZ")),
            with(good.clone(), "crv", json!("secp256k1")),
            with(good.clone(), "crv", json!("P-384")),
            with(good.clone(), "x", json!("AAAA")),
            with(good.clone(), "x", json!(5)),
            with(good.clone(), "y", good["x"].clone()),
            with(good.clone(), "d", json!("AAAA")),
            with(rsa.clone(), "n", json!("AQAB")),
            with(rsa, "e", json!("")),
            json!({ "kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0" }),
            json!({ "kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08" }),
            json!({}),
            json!(null),
            json!("key"),
        ];
        for one in &bad {
            let set = parse(std::slice::from_ref(one)).unwrap();
            assert_eq!(set.usable(), Err(KeySetError::NoUsableKey), "{one}");
        }
        let set = parse(&[&bad[..], &[with(good, "kid", json!("good"))]].concat()).unwrap();
        assert_eq!(ids(&set), [Some("good")]);
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let parse = |text: &str| KeySet::parse(text, Algorithms::public()).unwrap_err();
        for text in ["", "null", "[]", "[[]]", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, "<html>"]
        {
            assert_eq!(parse(text), KeySetError::Malformed, "{text}");
        }
        assert_eq!(parse(&" ".repeat(MAX_KEY_SET + 1)), KeySetError::TooLarge);
        let many = json!({ "keys": vec![json!({}); MAX_KEYS + 1] }).to_string();
        assert_eq!(parse(&many), KeySetError::TooManyKeys);
    }

    #[test]
    fn algorithms_that_are_not_accepted_leave_their_keys_out() {
        let keys = json!({ "keys": [
            Signer::new(Algorithm::Es256).jwk(),
            Signer::new(Algorithm::Rs256).jwk(),
        ] });
        let accepted = [Algorithm::Ps256].into_iter().collect();
        let set = KeySet::parse(&keys.to_string(), accepted).unwrap();
        assert_eq!(set.len(), 1);
        assert!(set.find(None, Algorithm::Ps256).is_ok());
        assert!(set.find(None, Algorithm::Rs256).is_err());
    }

    #[test]
    fn a_set_in_which_no_token_finds_a_key_is_not_usable() {
        let ec = Signer::new(Algorithm::Es256).jwk();
        let rsa = Signer::new(Algorithm::Rs256).jwk();
        let named = |jwk: &Value, id: &str| with(jwk.clone(), "kid", json!(id));
        let usable = |keys: &[Value]| parse(keys).unwrap().usable();
        assert_eq!(usable(&[named(&ec, "a"), named(&ec, "a")]), Err(KeySetError::Ambiguous));
        assert_eq!(usable(&[ec.clone(), ec.clone()]), Err(KeySetError::Ambiguous));
        // One name for keys of several types is in order (RFC 7517, section 4.5).
        assert_eq!(usable(&[named(&ec, "a"), named(&rsa, "a")]), Ok(()));
        assert_eq!(usable(&[named(&ec, "a"), named(&ec, "a"), named(&ec, "b")]), Ok(()));
        assert_eq!(usable(&[ec.clone(), ec.clone(), rsa.clone()]), Ok(()));
        let [one, other] = ["RS256", "PS256"].map(|alg| with(rsa.clone(), "alg", json!(alg)));
        assert_eq!(usable(&[one, other]), Ok(()));
    }

    #[test]
    fn a_key_is_found_by_its_id_or_when_it_is_the_only_one_that_fits() {
        let ec = Signer::new(Algorithm::Es256).jwk();
        let rsa = Signer::new(Algorithm::Rs256).jwk();
        let named = |jwk: &Value, id: &str| with(jwk.clone(), "kid", json!(id));
        let set =
            parse(&[named(&ec, "a"), named(&ec, "b"), named(&rsa, "c"), named(&ec, "c")]).unwrap();
        let find = |id, with| set.find(id, with).map(Key::key_type);
        assert_eq!(find(Some("a"), Algorithm::Es256), Ok(KeyType::P256));
        assert_eq!(find(Some("c"), Algorithm::Es256), Ok(KeyType::P256));
        assert_eq!(find(Some("c"), Algorithm::Ps256), Ok(KeyType::Rsa));
        assert_eq!(find(None, Algorithm::Rs256), Ok(KeyType::Rsa));
        assert_eq!(find(None, Algorithm::Es256), Err(Rejection::UnknownKey));
        assert_eq!(find(None, Algorithm::EdDsa), Err(Rejection::UnknownKey));
        assert_eq!(find(Some("d"), Algorithm::Es256), Err(Rejection::UnknownKey));
        assert_eq!(find(Some("a"), Algorithm::Rs256), Err(Rejection::Algorithm));
        let twice = parse(&[named(&ec, "a"), named(&ec, "a")]).unwrap();
        assert_eq!(twice.find(Some("a"), Algorithm::Es256).unwrap_err(), Rejection::UnknownKey);
        let nameless = parse(&[ec]).unwrap();
        assert_eq!(nameless.find(Some("a"), Algorithm::Es256).unwrap_err(), Rejection::UnknownKey);
    }
}
