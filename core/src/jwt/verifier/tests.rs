//! Whole tokens: those that others signed, and what must be refused of them.

use super::super::algorithm::KeyType;
use super::super::fuzzing;
use super::super::key::Key;
use super::super::testing::{SECRET, Signer, b64};
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: u64 = 1_700_000_000;

/// A verifier by the key of this signer.
fn by(signer: &Signer) -> Verifier {
    let key = match signer.algorithm.key_type() {
        KeyType::Secret => Key::secret(SECRET),
        _ => Key::from_der(signer.spki()).unwrap(),
    };
    let accepted = key.algorithms();
    Verifier::new(Rules::default(), accepted, KeySet::of(key))
}

fn by_set(keys: &[Value]) -> Verifier {
    let accepted = Algorithms::public();
    let keys = KeySet::parse(&json!({ "keys": keys }).to_string(), accepted).unwrap();
    Verifier::new(Rules::default(), accepted, keys)
}

fn claims() -> Value {
    json!({ "sub": "alice", "exp": NOW + 60 })
}

fn signers() -> impl Iterator<Item = Signer> {
    Algorithm::ALL.iter().copied().map(Signer::new)
}

#[test]
fn a_good_token_of_each_algorithm_is_accepted() {
    for signer in signers() {
        let verified = by(&signer).verify(&signer.token(&claims()), NOW).unwrap();
        assert_eq!(verified.user.as_deref(), Some("alice"));
        assert_eq!(verified.expires_at, Some(NOW + 60));
        assert_eq!(verified.claims, claims().to_string());
    }
}

#[test]
fn tokens_that_another_library_made_whole_are_accepted() {
    use jsonwebtoken::{Algorithm as Other, EncodingKey, Header, encode};
    let rsa = Signer::new(Algorithm::Rs256);
    let ec = Signer::new(Algorithm::Es384);
    let ed = Signer::new(Algorithm::EdDsa);
    let secret = Signer::new(Algorithm::Hs512);
    let from_pem =
        |signer: &Signer, read: fn(&[u8]) -> jsonwebtoken::errors::Result<EncodingKey>| {
            read(signer.private_pem().as_bytes()).unwrap()
        };
    for (signer, name, key) in [
        (&rsa, Other::RS256, from_pem(&rsa, EncodingKey::from_rsa_pem)),
        (&rsa, Other::PS512, from_pem(&rsa, EncodingKey::from_rsa_pem)),
        (&ec, Other::ES384, from_pem(&ec, EncodingKey::from_ec_pem)),
        (&ed, Other::EdDSA, from_pem(&ed, EncodingKey::from_ed_pem)),
        (&secret, Other::HS512, EncodingKey::from_secret(SECRET)),
    ] {
        let mut header = Header::new(name);
        header.kid = Some("a key".to_owned());
        let token = encode(&header, &claims(), &key).unwrap();
        assert!(by(signer).verify(&token, NOW).is_ok(), "{name:?}");
    }
}

#[test]
fn an_expired_token_is_refused() {
    let signer = Signer::new(Algorithm::Hs256);
    let token = signer.token(&claims());
    assert!(by(&signer).verify(&token, NOW + 59).is_ok());
    assert_eq!(by(&signer).verify(&token, NOW + 60), Err(Rejection::Expired));
}

#[test]
fn a_token_of_another_key_is_refused() {
    for signer in signers() {
        let token = Signer::other(signer.algorithm).token(&claims());
        assert_eq!(
            by(&signer).verify(&token, NOW),
            Err(Rejection::Signature),
            "{:?}",
            signer.algorithm
        );
    }
}

#[test]
fn unsigned_tokens_are_refused() {
    for signer in signers() {
        for name in ["none", "None", "NONE", "nOnE", ""] {
            let header = json!({ "alg": name }).to_string();
            let signed = signer.raw_token(&header, claims().to_string());
            let unsigned = format!("{}.{}.", b64(&header), b64(claims().to_string()));
            for token in [signed, unsigned] {
                assert_eq!(by(&signer).verify(&token, NOW), Err(Rejection::Algorithm), "{name}");
            }
        }
        let whole = signer.token(&claims());
        let stripped = &whole[..=whole.rfind('.').unwrap()];
        assert_eq!(by(&signer).verify(stripped, NOW), Err(Rejection::Signature));
    }
}

#[test]
fn a_public_key_is_no_secret_for_hs() {
    // Who knows the public key signs HS with it, in each form that it is written in.
    for signer in Signer::public() {
        let header = json!({ "alg": "HS256" }).to_string();
        let message = format!("{}.{}", b64(&header), b64(claims().to_string()));
        let pem = signer.pem();
        let forms = [pem.as_bytes(), pem.trim().as_bytes(), signer.spki()];
        let set = by_set(&[signer.jwk()]);
        for form in forms {
            use aws_lc_rs::hmac;
            let signature =
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, form), message.as_bytes());
            let token = format!("{message}.{}", b64(signature));
            assert_eq!(by(&signer).verify(&token, NOW), Err(Rejection::Algorithm));
            assert_eq!(set.verify(&token, NOW), Err(Rejection::Algorithm));
        }
    }
}

#[test]
fn an_algorithm_of_another_type_of_key_is_refused() {
    for (signer, name) in [
        (Signer::new(Algorithm::Hs256), "RS256"),
        (Signer::new(Algorithm::Rs256), "ES256"),
        (Signer::new(Algorithm::Es256), "ES384"),
        (Signer::new(Algorithm::Es384), "ES256"),
        (Signer::new(Algorithm::EdDsa), "RS256"),
    ] {
        let token = signer.raw_token(json!({ "alg": name }).to_string(), claims().to_string());
        assert_eq!(by(&signer).verify(&token, NOW), Err(Rejection::Algorithm), "{name}");
    }
    // The same key, but not the algorithm that the header says.
    let signer = Signer::new(Algorithm::Rs256);
    let token = signer.raw_token(json!({ "alg": "PS256" }).to_string(), claims().to_string());
    assert_eq!(by(&signer).verify(&token, NOW), Err(Rejection::Signature));
}

#[test]
fn algorithms_that_are_not_accepted_are_refused() {
    let signer = Signer::new(Algorithm::Hs512);
    let accepted = [Algorithm::Hs256].into_iter().collect();
    let verifier = Verifier::new(Rules::default(), accepted, KeySet::of(Key::secret(SECRET)));
    assert_eq!(verifier.verify(&signer.token(&claims()), NOW), Err(Rejection::Algorithm));
    assert!(verifier.verify(&Signer::new(Algorithm::Hs256).token(&claims()), NOW).is_ok());
}

#[test]
fn keys_that_a_token_brings_along_are_not_used() {
    let stranger = Signer::other(Algorithm::Es256);
    let header = json!({ "alg": "ES256", "jwk": stranger.jwk(), "jku": "https://example.com" });
    let token = stranger.raw_token(header.to_string(), claims().to_string());
    assert_eq!(by(&Signer::new(Algorithm::Es256)).verify(&token, NOW), Err(Rejection::Signature));
}

#[test]
fn a_token_of_1_mb_is_refused_before_it_is_read() {
    let signer = Signer::new(Algorithm::Hs256);
    let big = signer.token(&json!({ "sub": "alice", "x": "x".repeat(1_000_000) }));
    assert_eq!(by(&signer).verify(&big, NOW), Err(Rejection::TooLarge));
    assert_eq!(by(&signer).verify(&".".repeat(1_000_000), NOW), Err(Rejection::TooLarge));
    let most = "x".repeat(MAX_TOKEN);
    assert_eq!(by(&signer).verify(&most, NOW), Err(Rejection::Malformed));
}

#[test]
fn truncated_tokens_are_refused() {
    for signer in [Signer::new(Algorithm::Hs256), Signer::new(Algorithm::Es256)] {
        let token = signer.token(&claims());
        let verifier = by(&signer);
        for end in 0..token.len() {
            assert!(verifier.verify(&token[..end], NOW).is_err(), "{end}");
            assert!(verifier.verify(&token[end + 1..], NOW).is_err(), "{end}");
        }
    }
}

#[test]
fn what_is_not_three_parts_of_base64url_is_malformed() {
    let signer = Signer::new(Algorithm::Hs256);
    let token = signer.token(&claims());
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        unreachable!();
    };
    for bad in [
        String::new(),
        ".".into(),
        "..".into(),
        "....".into(),
        "null".into(),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{token}"),
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{header}={}", &token[header.len()..]),
        format!("{header}.{payload}.{signature}é"),
        format!("Bearer {token}"),
        // Another text for the same signature: the last character has bits to spare.
        token.replace(signature, &spare_bits(signature)),
    ] {
        assert_eq!(by(&signer).verify(&bad, NOW), Err(Rejection::Malformed), "{bad}");
    }
    for payload in [&[0xff, 0xfe][..], b"\"text\"", b"{\"sub\":\"\xff\"}"] {
        let token = signer.raw_token(r#"{"alg":"HS256"}"#, payload);
        assert_eq!(by(&signer).verify(&token, NOW), Err(Rejection::Malformed));
    }
}

fn spare_bits(part: &str) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = *part.as_bytes().last().unwrap();
    let index = alphabet.iter().position(|one| *one == last).unwrap();
    format!("{}{}", &part[..part.len() - 1], char::from(alphabet[index + 1]))
}

#[test]
fn headers_that_must_not_be_guessed_at_are_malformed() {
    let signer = Signer::new(Algorithm::Hs256);
    for header in [
        "",
        "{}",
        "[]",
        "null",
        r#""HS256""#,
        r#"{"alg":null}"#,
        r#"{"alg":5}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","crit":["exp"]}"#,
        r#"{"alg":"HS256","crit":["b64"],"b64":false}"#,
        r#"{"alg":"HS256","crit":["x"],"crit":["y"]}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"{"alg":"HS256","crit":null}"#,
        r#"{"alg":"HS256","kid":5}"#,
        r#"{"alg":"HS256","kid":null}"#,
    ] {
        let token = signer.raw_token(header, claims().to_string());
        assert_eq!(by(&signer).verify(&token, NOW), Err(Rejection::Malformed), "{header}");
    }
}

#[test]
fn the_key_id_of_a_token_matters_for_key_sets_only() {
    let signer = Signer::new(Algorithm::Es256);
    let header = json!({ "alg": "ES256", "kid": "b" }).to_string();
    let token = signer.raw_token(header, claims().to_string());
    assert!(by(&signer).verify(&token, NOW).is_ok());
    let named = |id: &str, signer: &Signer| {
        let mut jwk = signer.jwk();
        jwk["kid"] = json!(id);
        jwk
    };
    let other = Signer::other(Algorithm::Es256);
    let right = by_set(&[named("a", &other), named("b", &signer)]);
    assert!(right.verify(&token, NOW).is_ok());
    assert_eq!(right.verify(&signer.token(&claims()), NOW), Err(Rejection::UnknownKey));
    let wrong = by_set(&[named("a", &signer), named("b", &other)]);
    assert_eq!(wrong.verify(&token, NOW), Err(Rejection::Signature));
    assert_eq!(by_set(&[named("a", &signer)]).verify(&token, NOW), Err(Rejection::UnknownKey));
}

#[test]
fn keys_are_replaced_while_others_verify() {
    let (old, new) = (Signer::new(Algorithm::Es256), Signer::other(Algorithm::Es256));
    let (old_token, new_token) = (old.token(&claims()), new.token(&claims()));
    let verifier = Verifier::new(Rules::default(), Algorithms::public(), KeySet::empty());
    assert_eq!(verifier.verify(&old_token, NOW), Err(Rejection::UnknownKey));
    let set = |signer: &Signer| {
        let text = json!({ "keys": [signer.jwk()] }).to_string();
        KeySet::parse(&text, verifier.accepted()).unwrap()
    };
    verifier.replace_keys(set(&old));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let verdicts = [&old_token, &new_token].map(|one| verifier.verify(one, NOW));
                    assert!(verdicts.iter().any(Result::is_ok), "{verdicts:?}");
                }
            });
        }
        scope.spawn(|| verifier.replace_keys(set(&new)));
    });
    assert!(verifier.verify(&new_token, NOW).is_ok());
    assert_eq!(verifier.verify(&old_token, NOW), Err(Rejection::Signature));
}

#[test]
fn a_rejection_has_a_word_and_says_nothing_of_the_token() {
    let words: std::collections::HashSet<_> = Rejection::ALL.map(Rejection::counted_as).into();
    assert_eq!(words.len(), Rejection::ALL.len());
    let verifier = by(&Signer::new(Algorithm::Hs256));
    let shown = format!("{verifier:?}");
    assert!(!shown.contains(std::str::from_utf8(SECRET).unwrap()), "{shown}");
    assert!(!shown.contains(&format!("{:?}", &SECRET[..8])[1..20]), "{shown}");
}

proptest! {
    #[test]
    fn no_text_is_accepted(text in "\\PC*") {
        fuzzing::unsigned_is_refused(&text);
    }

    #[test]
    fn nothing_that_looks_like_a_token_is_accepted(parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 1..5)) {
        fuzzing::unsigned_is_refused(&parts.join("."));
    }

    #[test]
    fn headers_are_read_as_by_others(text in json_object(&["alg", "kid", "crit", "typ"])) {
        fuzzing::header_is_read_as_by_others(&text);
    }

    #[test]
    fn payloads_are_read_as_by_others(text in json_object(&["exp", "nbf", "iat", "iss", "aud", "sub", "sid"])) {
        fuzzing::payload_is_read_as_by_others(&text);
    }

    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzzing::check(&bytes);
    }

    /// A byte that is another one is another token, whoever signed it.
    #[test]
    fn a_changed_byte_is_never_accepted(which in 0usize..5, at in any::<prop::sample::Index>(), byte in 0u8..128) {
        let all = [Algorithm::Hs256, Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa];
        let signer = Signer::new(all[which]);
        let mut token = signer.token(&claims()).into_bytes();
        let at = at.index(token.len());
        prop_assume!(token[at] != byte);
        token[at] = byte;
        let token = String::from_utf8(token).unwrap();
        prop_assert!(by(&signer).verify(&token, NOW).is_err(), "{token}");
    }
}

/// Objects with some of these names, and values that are often near to what is right.
fn json_object(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let value = prop_oneof![
        prop::sample::select(vec![
            "\"joe\"",
            "\"here\"",
            "[\"here\"]",
            "[\"x\",\"here\"]",
            "\"HS256\"",
            "\"none\"",
            "null",
            "1000000",
            "1000001",
            "999995",
            "999994.5",
            "1000005",
            "1000006",
            "1e400",
            "-0",
            "1.5",
            "\"\"",
            "{}",
            "[]",
            "true",
            "\"\\ud800\"",
            "\"\\u0061\"",
            "12345678901234567890",
            "9007199254740993",
        ])
        .prop_map(str::to_owned),
        "\"[a-z]{0,4}\"",
        any::<f64>()
            .prop_filter("JSON", |number| number.is_finite())
            .prop_map(|number| number.to_string()),
    ];
    let right = prop::sample::subsequence(
        vec![r#""iss":"joe""#, r#""aud":"here""#, r#""alg":"HS256""#],
        0..=3,
    );
    let member = (prop::sample::select(names), value)
        .prop_map(|(name, value)| format!("\"{name}\":{value}"));
    (right, prop::collection::vec(member, 0..4)).prop_map(|(right, members)| {
        let all: Vec<_> = right.into_iter().map(str::to_owned).chain(members).collect();
        format!("{{{}}}", all.join(","))
    })
}

mod vectors;
