//! What must hold of tokens, for fuzzing and for the property tests.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Number, Value};

use super::algorithm::{Algorithms, KeyType};
use super::claims::Rules;
use super::key::Key;
use super::key_set::KeySet;
use super::rejection::Rejection;
use super::verifier::{MAX_TOKEN, Verified, Verifier};

const SECRET: &[u8] = b"the secret of the fuzz target, which is of 64 bytes and then some";
const NOW: u64 = 1_000_000;

/// One input: the first byte says what the rest is. A token, a header, or a payload, of which the
/// latter two are signed here.
pub fn check(input: &[u8]) {
    let Some((what, rest)) = input.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    match what % 4 {
        0 => unsigned_is_refused(text),
        1 => header_is_read_as_by_others(text),
        2 => payload_is_read_as_by_others(text),
        _ => key_set_is_bounded(text),
    }
}

fn verifier() -> Verifier {
    let rules = Rules {
        issuers: vec!["joe".to_owned()],
        audiences: vec!["here".to_owned()],
        clock_tolerance: 5,
        ..Rules::default()
    };
    let keys = KeySet::of(Key::secret(SECRET));
    Verifier::new(rules, Algorithms::of(KeyType::Secret), keys)
}

fn sign(header: &str, payload: &str) -> String {
    let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    let message = format!("{header}.{payload}");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Nobody who does not know the secret writes a token that is accepted.
pub fn unsigned_is_refused(token: &str) {
    let refused = verifier().verify(token, NOW).expect_err("signed without the secret");
    assert_eq!(refused == Rejection::TooLarge, token.len() > MAX_TOKEN);
}

/// A header that is signed is accepted exactly if it is an object that says HS256, with a string or
/// nothing as `kid`, and without `crit`.
pub fn header_is_read_as_by_others(header: &str) {
    let token = sign(header, r#"{"iss":"joe","aud":"here"}"#);
    let verdict = verifier().verify(&token, NOW);
    if token.len() > MAX_TOKEN {
        assert_eq!(verdict, Err(Rejection::TooLarge));
        return;
    }
    let Ok(object) = serde_json::from_str::<Map<String, Value>>(header) else {
        // What is no JSON for others may be read by us in what we do not look at, such as the halves of
        // a surrogate pair. The signature was right, so that is the issuer's matter.
        return;
    };
    let good = object.get("alg") == Some(&Value::from("HS256"))
        && object.get("kid").is_none_or(Value::is_string)
        && !object.contains_key("crit");
    if verdict.is_ok() {
        assert!(good, "{header}");
    } else if good {
        // A `Map` keeps the last of two.
        assert!(has_a_name_twice(header, &object), "{header}: {verdict:?}");
    }
}

/// A payload that is signed is judged as by its values in `serde_json::Value`.
pub fn payload_is_read_as_by_others(payload: &str) {
    let token = sign(r#"{"alg":"HS256"}"#, payload);
    let verdict = verifier().verify(&token, NOW);
    if token.len() > MAX_TOKEN {
        assert_eq!(verdict, Err(Rejection::TooLarge));
        return;
    }
    let Ok(claims) = serde_json::from_str::<Map<String, Value>>(payload) else {
        return;
    };
    if verdict == Err(Rejection::Malformed) {
        assert!(has_a_name_twice(payload, &claims), "{payload}");
        return;
    }
    let expected = judge(&claims);
    assert_eq!(verdict.as_ref().map(|_| ()), expected.as_ref().map(|_| ()), "{payload}");
    if let Ok(Verified { user, session, expires_at, claims: text }) = verdict {
        assert_eq!(text, payload);
        assert_eq!(user.is_some(), claims.contains_key("sub"));
        assert_eq!(session.is_some(), claims.get("sid").is_some_and(|sid| !sid.is_null()));
        if let Some(Value::String(sub)) = claims.get("sub") {
            assert_eq!(user.as_ref(), Some(sub));
        }
        // It holds up to that second, and not from it on.
        if let Some(at) = expires_at {
            assert!(at > NOW);
            assert_eq!(verifier().verify(&token, at), Err(Rejection::Expired));
            assert!(verifier().verify(&token, at - 1).is_ok());
        }
    }
}

fn judge(claims: &Map<String, Value>) -> Result<(), Rejection> {
    let time = |name| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(Rejection::Claims),
    };
    let (_, expires, begins) = (time("iat")?, time("exp")?, time("nbf")?);
    if expires.is_some_and(|at| at + 5.0 <= NOW as f64) {
        return Err(Rejection::Expired);
    }
    if begins.is_some_and(|at| at > NOW as f64 + 5.0) {
        return Err(Rejection::NotActive);
    }
    if claims.get("iss") != Some(&Value::from("joe")) {
        return Err(Rejection::Issuer);
    }
    let here = Value::from("here");
    match claims.get("aud") {
        Some(Value::Array(all)) if all.iter().all(Value::is_string) && all.contains(&here) => {}
        Some(one) if *one == here => {}
        _ => return Err(Rejection::Audience),
    }
    let fits = |value: &Value, least| match value {
        Value::String(text) => (least..=256).contains(&text.len()),
        Value::Number(number) => Number::as_i64(number).is_some_and(|it| it.abs_diff(0) < 1 << 53),
        _ => false,
    };
    let user = claims.get("sub").is_none_or(|sub| fits(sub, 1));
    let session = claims.get("sid").is_none_or(|sid| sid.is_null() || fits(sid, 0));
    if user && session { Ok(()) } else { Err(Rejection::Claims) }
}

/// Whether an object, which `seen` has read, names a member twice.
fn has_a_name_twice(text: &str, seen: &Map<String, Value>) -> bool {
    struct Count(usize);

    impl<'de> serde::de::Deserialize<'de> for Count {
        fn deserialize<D: serde::de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            struct Visitor;

            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = usize;

                fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    out.write_str("an object")
                }

                fn visit_map<M: serde::de::MapAccess<'de>>(
                    self,
                    mut map: M,
                ) -> Result<usize, M::Error> {
                    let mut count = 0;
                    while map.next_entry::<String, serde::de::IgnoredAny>()?.is_some() {
                        count += 1;
                    }
                    Ok(count)
                }
            }

            from.deserialize_map(Visitor).map(Count)
        }
    }

    serde_json::from_str::<Count>(text).is_ok_and(|Count(count)| count > seen.len())
}

/// Any text is a set within its limits or none.
pub fn key_set_is_bounded(text: &str) {
    if let Ok(set) = KeySet::parse(text, Algorithms::public()) {
        assert!(set.len() <= super::MAX_KEYS);
    }
}
