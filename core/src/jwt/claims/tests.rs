//! What is read of claims, and which are refused.

use super::*;
use serde_json::{Value, json};

const NOW: u64 = 1_700_000_000;

fn check(rules: &Rules, claims: &Value) -> Result<Verified, Rejection> {
    rules.check(claims.to_string(), NOW)
}

fn plain(claims: Value) -> Result<Verified, Rejection> {
    check(&Rules::default(), &claims)
}

#[test]
fn an_expired_token_is_refused_from_its_second_on() {
    assert_eq!(plain(json!({ "exp": NOW })), Err(Rejection::Expired));
    assert_eq!(plain(json!({ "exp": 0 })), Err(Rejection::Expired));
    assert_eq!(plain(json!({ "exp": -5 })), Err(Rejection::Expired));
    assert_eq!(plain(json!({ "exp": NOW + 1 })).unwrap().expires_at, Some(NOW + 1));
    assert_eq!(plain(json!({ "exp": NOW as f64 + 0.5 })).unwrap().expires_at, Some(NOW + 1));
    assert_eq!(plain(json!({})).unwrap().expires_at, None);
    assert_eq!(plain(json!({ "exp": 1e300 })).unwrap().expires_at, None);
}

#[test]
fn a_token_that_is_not_valid_yet_is_refused() {
    assert_eq!(plain(json!({ "nbf": NOW + 1 })), Err(Rejection::NotActive));
    assert_eq!(plain(json!({ "nbf": 1e300 })), Err(Rejection::NotActive));
    assert!(plain(json!({ "nbf": NOW })).is_ok());
    assert!(plain(json!({ "iat": NOW + 1000 })).is_ok(), "RFC 7519 asks nothing of iat");
}

#[test]
fn clocks_may_differ_by_the_tolerance() {
    let rules = Rules { clock_tolerance: 60, ..Rules::default() };
    assert_eq!(check(&rules, &json!({ "exp": NOW - 60 })), Err(Rejection::Expired));
    assert_eq!(check(&rules, &json!({ "exp": NOW - 59 })).unwrap().expires_at, Some(NOW + 1));
    assert_eq!(check(&rules, &json!({ "nbf": NOW + 61 })), Err(Rejection::NotActive));
    assert!(check(&rules, &json!({ "nbf": NOW + 60 })).is_ok());
}

#[test]
fn times_that_are_no_numbers_are_refused() {
    for name in ["exp", "nbf", "iat"] {
        for value in
            [json!(null), json!("1800000000"), json!(true), json!([1_800_000_000]), json!({})]
        {
            assert_eq!(plain(json!({ name: value })), Err(Rejection::Claims), "{name}: {value}");
        }
        let huge = format!("{{\"{name}\":1e999}}");
        assert_eq!(Rules::default().check(huge, NOW), Err(Rejection::Claims), "{name}");
    }
}

#[test]
fn a_wrong_issuer_is_refused() {
    let rules = Rules { issuers: vec!["https://a".into(), "https://b".into()], ..Rules::default() };
    for issuer in [json!("https://a"), json!("https://b")] {
        assert!(check(&rules, &json!({ "iss": issuer })).is_ok());
    }
    for issuer in [
        json!("https://a/"),
        json!("HTTPS://A"),
        json!(""),
        json!(null),
        json!(5),
        json!(["https://a"]),
        json!({ "https://a": 1 }),
    ] {
        assert_eq!(check(&rules, &json!({ "iss": issuer })), Err(Rejection::Issuer), "{issuer}");
    }
    assert_eq!(check(&rules, &json!({})), Err(Rejection::Issuer));
    assert!(plain(json!({ "iss": "anybody" })).is_ok());
}

#[test]
fn a_wrong_audience_is_refused() {
    let rules = Rules { audiences: vec!["web".into(), "app".into()], ..Rules::default() };
    for audience in [json!("web"), json!("app"), json!(["x", "app"])] {
        assert!(check(&rules, &json!({ "aud": audience })).is_ok(), "{audience}");
    }
    for audience in [
        json!("we"),
        json!("web app"),
        json!([]),
        json!(["x"]),
        json!(null),
        json!(5),
        json!(["web", 5]),
        json!({ "web": 1 }),
    ] {
        assert_eq!(
            check(&rules, &json!({ "aud": audience })),
            Err(Rejection::Audience),
            "{audience}"
        );
    }
    assert_eq!(check(&rules, &json!({})), Err(Rejection::Audience));
    assert!(plain(json!({ "aud": "anybody" })).is_ok());
}

#[test]
fn users_and_sessions_are_strings_or_numbers() {
    let read = |claims: Value| plain(claims).map(|Verified { user, session, .. }| (user, session));
    let both = |user: &str, session: &str| Ok((Some(user.into()), Some(session.into())));
    assert_eq!(read(json!({ "sub": "u", "sid": "s" })), both("u", "s"));
    assert_eq!(read(json!({ "sub": 42, "sid": -1 })), both("42", "-1"));
    assert_eq!(read(json!({ "sub": "ü\n\"", "sid": "" })), both("ü\n\"", ""));
    assert_eq!(read(json!({})), Ok((None, None)));
    assert_eq!(read(json!({ "sub": "u", "sid": null })), Ok((Some("u".into()), None)));
    let long = "x".repeat(257);
    for user in [json!(null), json!(""), json!(true), json!([]), json!({}), json!(long)] {
        assert_eq!(read(json!({ "sub": user })), Err(Rejection::Claims), "{user}");
    }
    for session in [json!(true), json!([]), json!({}), json!(long)] {
        assert_eq!(read(json!({ "sid": session })), Err(Rejection::Claims), "{session}");
    }
}

#[test]
fn users_and_sessions_may_have_claims_of_other_names() {
    let rules = Rules {
        user_claim: "https://example.com/user.id".into(),
        session_claim: "jti".into(),
        ..Rules::default()
    };
    let claims = json!({ "sub": "no", "https://example.com/user.id": "yes", "jti": "j" });
    let verified = check(&rules, &claims).unwrap();
    assert_eq!((verified.user.as_deref(), verified.session.as_deref()), (Some("yes"), Some("j")));
    assert_eq!(verified.claims, claims.to_string());
}

#[test]
fn a_payload_must_be_one_object_without_a_name_twice() {
    for payload in ["", "null", "[]", "5", "\"x\"", "{", "{} {}", r#"{"sub":"a","sub":"b"}"#] {
        let verdict = Rules::default().check(payload.to_owned(), NOW);
        assert_eq!(verdict, Err(Rejection::Malformed), "{payload}");
    }
}

#[test]
fn nothing_of_the_claims_is_shown() {
    let verified = plain(json!({ "sub": "alice", "email": "a@example.com" })).unwrap();
    let shown = format!("{verified:?}");
    assert!(!shown.contains("alice") && !shown.contains("example"), "{shown}");
}

#[test]
fn numbers_that_are_not_exact_name_nobody() {
    let read = |name: &str, number: &str| {
        let claims = format!("{{\"{name}\":{number}}}");
        Rules::default().check(claims, NOW).map(|it| it.user.or(it.session))
    };
    for name in ["sub", "sid"] {
        for (number, text) in [
            ("0", "0"),
            ("9007199254740991", "9007199254740991"),
            ("-9007199254740991", "-9007199254740991"),
        ] {
            assert_eq!(read(name, number), Ok(Some(text.to_owned())), "{number}");
        }
        for number in [
            "9007199254740992",
            "9007199254740993",
            "18446744073709551615",
            "12345678901234567890123",
            "-9007199254740992",
            "-0",
            "1e3",
            "5.0",
            "9007199254740990.9",
            "1e-400",
            "1e300",
            "1e999",
            "1.5",
            "0.1",
        ] {
            assert_eq!(read(name, number), Err(Rejection::Claims), "{number}");
        }
        assert_eq!(read(name, "\"1.5e300\""), Ok(Some("1.5e300".to_owned())));
    }
}
