//! Options and variables, and each that is refused: by code, and without what must not be shown.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::super::testing::{SECRET, Signer, pem};
use super::*;
use crate::jwt::Rejection;
use serde_json::json;
use std::collections::HashMap;
use std::io;
use std::time::Duration;

const LONG: &str = "0123456789abcdef0123456789abcdef";

fn text(text: impl Into<String>) -> Given {
    Given::Text(text.into())
}

fn options(members: &[(&str, Given)]) -> RawJwt {
    let mut raw = RawJwt::default();
    for (name, value) in members {
        assert!(raw.set(name, value.clone()), "{name}");
    }
    raw
}

/// A key set as an object, and its times as members of their own.
fn key_set(object: &serde_json::Value) -> [(&'static str, Given); 3] {
    let time = |name| match &object[name] {
        serde_json::Value::Null => Given::Absent,
        serde_json::Value::Number(number) => Given::Number(number.as_f64().unwrap()),
        serde_json::Value::String(one) => text(one),
        _ => Given::Other("object"),
    };
    [
        ("jwks", Given::Json(object.to_string())),
        ("jwks.cacheMaxAge", time("cacheMaxAge")),
        ("jwks.cooldown", time("cooldown")),
    ]
}

fn resolve_with(
    options: Option<&RawJwt>,
    env: &[(&str, &str)],
    files: &[(&str, &str)],
) -> Result<Option<JwtSettings>, ConfigError> {
    let env: HashMap<_, _> = env.iter().copied().collect();
    let files: HashMap<_, _> = files.iter().copied().collect();
    let get = |name: &str| env.get(name).map(|text| (*text).to_owned());
    let read = |path: &str| {
        let text = files.get(path).map(|text| (*text).to_owned());
        text.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    };
    JwtSettings::resolve(options, &get, &read)
}

fn resolve(members: &[(&str, Given)]) -> JwtSettings {
    resolve_with(Some(&options(members)), &[], &[]).unwrap().unwrap()
}

fn resolve_env(env: &[(&str, &str)]) -> JwtSettings {
    resolve_with(None, env, &[]).unwrap().unwrap()
}

fn refused(members: &[(&str, Given)]) -> (&'static str, String) {
    let error = resolve_with(Some(&options(members)), &[], &[]).unwrap_err();
    (error.code(), error.to_string())
}

fn refused_env(env: &[(&str, &str)]) -> String {
    let error = resolve_with(None, env, &[]).unwrap_err();
    assert_eq!(error.code(), "ERR_INVALID_ENV");
    error.to_string()
}

#[track_caller]
fn assert_range((code, problem): (&str, String), part: &str) {
    assert_eq!(code, "ERR_INVALID_OPTION_RANGE", "{problem}");
    assert!(problem.contains(part), "{problem}");
}

#[test]
fn without_anything_tokens_are_not_verified_here() {
    assert!(resolve_with(None, &[], &[]).unwrap().is_none());
    assert!(resolve_with(None, &[("WS_JWT_SECRET", "")], &[]).unwrap().is_none());
}

#[test]
fn rules_without_a_key_are_refused() {
    assert_range(refused(&[]), "jwt: nothing to verify tokens by");
    assert_range(refused(&[("secret", text(""))]), "jwt: nothing");
    assert_range(refused(&[("issuer", text("i"))]), "jwt: nothing");
    assert!(refused_env(&[("WS_JWT_ISSUER", "i")]).starts_with("WS_JWT_ISSUER: nothing"));
    let tolerance = [("WS_JWT_CLOCK_TOLERANCE", "5")];
    assert!(refused_env(&tolerance).starts_with("WS_JWT_CLOCK_TOLERANCE: nothing"));
}

#[test]
fn a_secret_accepts_what_it_is_long_enough_for() {
    let accepted = |length: usize| {
        let secret = text("x".repeat(length));
        resolve(&[("secret", secret)]).accepted.to_string()
    };
    assert_eq!(accepted(32), "HS256");
    assert_eq!(accepted(48), "HS256, HS384");
    assert_eq!(accepted(64), "HS256, HS384, HS512");
    let short = refused(&[("secret", text("a secret that is too short"))]);
    assert!(!short.1.contains("that is too"), "{}", short.1);
    assert_range(short, "jwt.secret: must have at least 32 bytes");
    let named = [("secret", text(LONG)), ("algorithms", Given::Texts(vec!["HS512".into()]))];
    assert_range(refused(&named), "HS512 does not fit the key");
    let env = refused_env(&[("WS_JWT_SECRET", "short")]);
    assert!(env.starts_with("WS_JWT_SECRET: ") && !env.contains("short"), "{env}");
}

#[test]
fn a_secret_may_be_bytes() {
    let given = resolve(&[("secret", Given::Bytes(SECRET.to_vec()))]);
    let token = Signer::new(Algorithm::Hs256).token(&json!({ "sub": 7 }));
    let (verifier, remote) = given.into_verifier();
    assert_eq!(remote, None);
    assert_eq!(verifier.verify(&token, 0).unwrap().user.as_deref(), Some("7"));
    assert_eq!(refused(&[("secret", Given::Number(5.0))]).0, "ERR_INVALID_OPTION_TYPE");
}

#[test]
fn a_public_key_is_refused_as_a_secret() {
    let signer = Signer::new(Algorithm::Rs256);
    for form in
        [signer.pem(), signer.private_pem(), signer.jwk().to_string(), format!("ssh-rsa {LONG}")]
    {
        let error = refused(&[("secret", text(&form))]);
        assert!(!error.1.contains(&form[20..40]), "{}", error.1);
        assert_range(error, "jwt.secret: this is a key");
        assert!(
            refused_env(&[("WS_JWT_SECRET", &form)]).starts_with("WS_JWT_SECRET: this is a key")
        );
    }
    assert_range(refused(&[("secret", Given::Bytes(signer.pem().into_bytes()))]), "this is a key");
}

#[test]
fn a_public_key_in_other_forms_is_no_secret_either() {
    for signer in Signer::public() {
        let body: String = signer.pem().lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(&body).unwrap();
        let (bare, set) = (signer.jwk(), json!({ "keys": [signer.jwk()] }));
        for form in [
            Given::Bytes(der.clone()),
            text(format!(" {body}\n")),
            text(URL_SAFE_NO_PAD.encode(&der)),
            Given::Bytes(body.into_bytes()),
            text(bare.to_string()),
            text(bare.to_string().replace("\"kty\"", "\"\\u006bty\"")),
            text(format!("\u{feff}{set}")),
            text(json!([bare]).to_string()),
            text(STANDARD.encode(signer.pem())),
        ] {
            assert_range(refused(&[("secret", form)]), "jwt.secret: this is a key");
        }
    }
    let empty = format!("{}{}", json!({ "keys": [] }), " ".repeat(32));
    assert_range(refused(&[("secret", text(empty))]), "jwt.secret: this is a key");
    // Bytes and base64 that are no key, and JSON that is none.
    for secret in ["A".repeat(64), format!("\"{LONG}\""), json!({ "secret": LONG }).to_string()] {
        resolve(&[("secret", text(secret))]);
    }
}

#[test]
fn a_certificate_is_no_secret_either() {
    for signer in Signer::public() {
        for (der, label) in signer.certificates().iter().zip(["CERTIFICATE", "CERTIFICATE REQUEST"])
        {
            let pem = pem(label, der);
            for form in [
                Given::Bytes(der.clone()),
                text(STANDARD.encode(der)),
                text(URL_SAFE_NO_PAD.encode(der)),
                text(&pem),
                text(STANDARD.encode(&pem)),
            ] {
                assert_range(refused(&[("secret", form)]), "jwt.secret: this is a key");
            }
        }
    }
}

#[test]
fn a_public_key_decides_which_algorithms_are_accepted() {
    for signer in Signer::public() {
        let settings = resolve(&[("publicKey", text(signer.pem()))]);
        assert_eq!(settings.accepted, Algorithms::of(signer.algorithm.key_type()));
        let (verifier, _) = settings.into_verifier();
        assert!(verifier.verify(&signer.token(&json!({})), 0).is_ok());
        let narrowed =
            [("publicKey", text(signer.pem())), ("algorithms", text(signer.algorithm.name()))];
        assert_eq!(resolve(&narrowed).accepted, [signer.algorithm].into_iter().collect());
    }
}

#[test]
fn a_public_key_may_be_in_a_file_or_in_one_line() {
    let signer = Signer::new(Algorithm::Es256);
    let files = [("/etc/key.pem", &*signer.pem())];
    let found =
        resolve_with(None, &[("WS_JWT_PUBLIC_KEY", "/etc/key.pem")], &files).unwrap().unwrap();
    assert_eq!(found.accepted.to_string(), "ES256");
    let line = signer.pem().replace('\n', "\\n");
    assert_eq!(resolve_env(&[("WS_JWT_PUBLIC_KEY", &line)]).accepted.to_string(), "ES256");
    let missing = refused_env(&[("WS_JWT_PUBLIC_KEY", "MIIEvQIBADANBg")]);
    assert!(missing.starts_with("WS_JWT_PUBLIC_KEY: must be a public key in PEM"), "{missing}");
    assert!(!missing.contains("MIIEvQ"), "{missing}");
}

#[test]
fn what_is_no_public_key_is_refused_and_not_shown() {
    let signer = Signer::new(Algorithm::Rs256);
    for (bad, problem) in [
        (signer.private_pem(), "this is a private key"),
        (signer.private_pem().replace("PRIVATE", "RSA PRIVATE"), "this is a private key"),
        (pem("CERTIFICATE", signer.spki()), "this is a certificate"),
        (pem("PUBLIC KEY", &signer.spki()[..200]), "not a public key of a type"),
        (pem("PUBLIC KEY", SECRET), "not a public key of a type"),
        (signer.pem().replace("-----END", "-----EMD"), "must be a public key in PEM"),
        (signer.pem().replace('M', "*"), "must be a public key in PEM"),
    ] {
        let (code, shown) = refused(&[("publicKey", text(&bad))]);
        assert!(!shown.contains(&bad[60..80]), "{shown}");
        assert_range((code, shown), problem);
    }
    assert_eq!(refused(&[("publicKey", Given::Json("{}".into()))]).0, "ERR_INVALID_OPTION_TYPE");
}

#[test]
fn a_weak_rsa_key_is_refused() {
    // 1024 bits: a modulus of 128 bytes, in PKCS#1.
    let mut der = vec![0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00];
    der.extend([0xc5; 128]);
    der.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
    let weak = pem("RSA PUBLIC KEY", &der);
    assert_range(
        refused(&[("publicKey", text(weak))]),
        "from 2048 to 8192 bits, this one has 1024",
    );
}

#[test]
fn there_is_one_source_of_keys() {
    let key = Signer::new(Algorithm::Es256).pem();
    let both = [("secret", text(LONG)), ("publicKey", text(&key))];
    assert_range(refused(&both), "jwt.publicKey: jwt.secret is given as well");
    let env = [("WS_JWT_SECRET", LONG), ("WS_JWKS_URL", "https://example.com/jwks")];
    assert!(refused_env(&env).starts_with("WS_JWKS_URL: WS_JWT_SECRET is given as well"));
    // An option stands for all three variables.
    let option = options(&[("publicKey", text(&key))]);
    let found = resolve_with(Some(&option), &env, &[]).unwrap().unwrap();
    assert_eq!(found.accepted.to_string(), "ES256");
}

#[test]
fn algorithms_must_fit_the_key() {
    let with = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        [
            ("publicKey", text(Signer::new(Algorithm::Rs256).pem())),
            ("algorithms", Given::Texts(names)),
        ]
    };
    assert_eq!(resolve(&with(&["PS256", "RS512"])).accepted.to_string(), "RS512, PS256");
    for name in ["none", "None", "NONE"] {
        assert_range(refused(&with(&["RS256", name])), "jwt.algorithms: none is never accepted");
    }
    assert_range(refused(&with(&["HS256"])), "HS256 does not fit the key");
    assert_range(refused(&with(&["ES256"])), "ES256 does not fit the key");
    assert_range(refused(&with(&["rs256"])), "\"rs256\" is no algorithm");
    assert_range(refused(&with(&[])), "must not be empty");
    let set = json!({ "keys": [Signer::new(Algorithm::Rs256).jwk()] }).to_string();
    let hs = [("jwks", Given::Json(set)), ("algorithms", text("HS256"))];
    assert_range(refused(&hs), "HS256 does not fit the key");
    let env = [("WS_JWT_SECRET", LONG), ("WS_JWT_ALGORITHMS", "HS256, none")];
    assert!(refused_env(&env).starts_with("WS_JWT_ALGORITHMS: none"));
}

#[test]
fn a_key_set_is_an_object_or_a_file() {
    let signer = Signer::new(Algorithm::EdDsa);
    let set = json!({ "keys": [signer.jwk()] }).to_string();
    let files = [("keys.json", &*set)];
    let option = options(&[("jwks", text("keys.json"))]);
    for found in [
        resolve(&[("jwks", Given::Json(set.clone()))]),
        resolve(&[("jwks", text(&set))]),
        resolve_with(Some(&option), &[], &files).unwrap().unwrap(),
        resolve_with(None, &[("WS_JWKS_URL", "keys.json")], &files).unwrap().unwrap(),
    ] {
        assert_eq!(found.accepted, Algorithms::public());
        assert!(found.into_verifier().0.verify(&signer.token(&json!({})), 0).is_ok());
    }
    for bad in ["{}", "[]", "{\"keys\":[]}", "{\"keys\":5}"] {
        assert_range(refused(&[("jwks", Given::Json(bad.into()))]), "jwt.jwks: ");
    }
    assert_range(refused(&[("jwks", text("missing.json"))]), "must be a URL, a JSON Web Key Set");
    assert_eq!(refused(&[("jwks", Given::Other("boolean"))]).0, "ERR_INVALID_OPTION_TYPE");
    let narrow = [("jwks", Given::Json(set)), ("algorithms", text("ES256"))];
    assert_range(refused(&narrow), "no key that could verify");
}

#[test]
fn a_remote_key_set_has_a_uri_and_times() {
    let remote = |object: serde_json::Value| resolve(&key_set(&object));
    let uri = "https://example.com/.well-known/jwks.json";
    let default = RefreshPolicy::default();
    let (verifier, found) = remote(json!({ "uri": uri })).into_verifier();
    assert_eq!(found, Some((uri.to_owned(), default)));
    let token = Signer::new(Algorithm::Rs256).token(&json!({}));
    assert_eq!(verifier.verify(&token, 0), Err(Rejection::UnknownKey));
    let timed = json!({ "uri": uri, "cacheMaxAge": 60_000, "cooldown": 1000 });
    let (_, found) = remote(timed).into_verifier();
    let (max_age, cooldown) = (Duration::from_secs(60), Duration::from_secs(1));
    assert_eq!(found, Some((uri.to_owned(), RefreshPolicy { max_age, cooldown, ..default })));
    let (_, found) =
        remote(json!({ "uri": uri, "cacheMaxAge": 0, "cooldown": null })).into_verifier();
    assert_eq!(found, Some((uri.to_owned(), default)));
    let (_, found) = remote(json!({ "uri": "https://example.com?of=a@b" })).into_verifier();
    assert_eq!(found, Some(("https://example.com?of=a@b".to_owned(), default)));
    let (_, found) = resolve_env(&[("WS_JWKS_URL", "http://127.0.0.1:8080/keys")]).into_verifier();
    assert_eq!(found, Some(("http://127.0.0.1:8080/keys".to_owned(), default)));
    for loopback in
        ["http://localhost/keys", "http://LOCALHOST:1", "http://[::1]:80/", "http://127.9.9.9?x"]
    {
        remote(json!({ "uri": loopback }));
    }
    for bad in [
        json!({ "uri": "" }),
        json!({ "uri": 5 }),
        json!({ "uri": "ftp://example.com" }),
        json!({ "uri": "https://" }),
        json!({ "uri": "https:///keys" }),
        json!({ "uri": "https://example.com:0/keys" }),
        json!({ "uri": "https://example.com:65536/keys" }),
        json!({ "uri": "https://:443/keys" }),
        json!({ "uri": "https://a\\b/keys" }),
        json!({ "uri": "http://issuer/keys" }),
        json!({ "uri": "http://127.0.0.1.example.com/keys" }),
        json!({ "uri": "http://localhost.example.com/keys" }),
        json!({ "uri": "http://[::2]/keys" }),
        json!({ "uri": "https://example.com/a b" }),
        json!({ "uri": "https://user:password@example.com/keys" }),
        json!({ "uri": "https://user@example.com?a@b" }),
        json!({ "cooldown": 1000 }),
    ] {
        assert_range(refused(&key_set(&bad)), "jwt.jwks: ");
    }
    for bad in [
        json!({ "uri": uri, "cooldown": -1 }),
        json!({ "uri": uri, "cooldown": 1.5 }),
        json!({ "uri": uri, "cooldown": 3e9 }),
    ] {
        let error = refused(&key_set(&bad));
        assert_range(error, "jwt.jwks.cooldown: must be an integer from 1 to 2147483647, got ");
    }
    for bad in [json!("30s"), json!(true), json!([1]), json!({})] {
        let (code, problem) = refused(&key_set(&json!({ "uri": uri, "cacheMaxAge": bad })));
        assert_eq!(code, "ERR_INVALID_OPTION_TYPE", "{problem}");
        assert!(problem.starts_with("jwt.jwks.cacheMaxAge: must be an integer"), "{problem}");
    }
}

#[test]
fn the_times_of_a_remote_key_set_may_come_from_variables() {
    let url = ("WS_JWKS_URL", "https://a/keys");
    let times = [("WS_JWT_JWKS_CACHE_MAX_AGE", "60000"), ("WS_JWT_JWKS_COOLDOWN", " 1000 ")];
    let default = RefreshPolicy::default();
    let (max_age, cooldown) = (Duration::from_secs(60), Duration::from_secs(1));
    let policy = |found: JwtSettings| found.into_verifier().1.unwrap().1;
    let env = [url, times[0], times[1]];
    assert_eq!(policy(resolve_env(&env)), RefreshPolicy { max_age, cooldown, ..default });
    // What the option says goes before, member by member.
    let option = options(&key_set(&json!({ "uri": "https://a/keys", "cooldown": 5000 })));
    let mixed = policy(resolve_with(Some(&option), &times, &[]).unwrap().unwrap());
    assert_eq!(mixed, RefreshPolicy { max_age, cooldown: Duration::from_secs(5), ..default });
    let zero = [url, ("WS_JWT_JWKS_CACHE_MAX_AGE", "0"), ("WS_JWT_JWKS_COOLDOWN", "")];
    assert_eq!(policy(resolve_env(&zero)), default);

    for bad in ["x", "-1", "1.5", "2147483648"] {
        let error = refused_env(&[url, ("WS_JWT_JWKS_COOLDOWN", bad)]);
        assert!(error.starts_with("WS_JWT_JWKS_COOLDOWN: must be an integer from 1 to"), "{error}");
    }
    for variable in [times[0].0, times[1].0, "WS_JWT_CLOCK_TOLERANCE"] {
        let zero = resolve_with(None, &[(variable, "0")], &[]);
        assert!(zero.unwrap().is_none(), "{variable}");
    }
    for time in times {
        assert_eq!(refused_env(&[time]), format!("{}: {NO_KEY}", time.0));
    }
    // A set that is not fetched has no times.
    assert!(resolve_env(&[("WS_JWT_SECRET", LONG), times[0]]).into_verifier().1.is_none());
}

#[test]
fn an_issuer_and_an_audience_of_the_environment_can_be_off() {
    let env = [("WS_JWT_ISSUER", "a"), ("WS_JWT_AUDIENCE", "b"), ("WS_JWT_ALGORITHMS", "HS256")];
    let off = [("secret", text(LONG)), ("issuer", Given::Off), ("audience", Given::Off)];
    let found = resolve_with(Some(&options(&off)), &env, &[]).unwrap().unwrap();
    assert_eq!(found.rules, Rules::default());
    for name in ["secret", "publicKey", "jwks", "algorithms", "clockTolerance", "userClaim"] {
        let mut members = vec![(name, Given::Off)];
        if name != "secret" {
            members.push(("secret", text(LONG)));
        }
        let error = resolve_with(Some(&options(&members)), &env, &[]).unwrap_err();
        let (kind, range) = ("ERR_INVALID_OPTION_TYPE", "ERR_INVALID_OPTION_RANGE");
        // Of keys there may be one only.
        let expected = if ["publicKey", "jwks"].contains(&name) { range } else { kind };
        assert_eq!(error.code(), expected, "{error}");
    }
}

#[test]
fn rules_come_from_options_and_variables() {
    let found = resolve(&[
        ("secret", text(LONG)),
        ("issuer", text("a")),
        ("audience", Given::Texts(vec!["b".into(), "c".into()])),
        ("clockTolerance", Given::Number(5.0)),
        ("userClaim", text("uid")),
        ("sessionClaim", text("jti")),
    ]);
    let expected = Rules {
        issuers: vec!["a".into()],
        audiences: vec!["b".into(), "c".into()],
        clock_tolerance: 5,
        user_claim: "uid".into(),
        session_claim: "jti".into(),
    };
    assert_eq!(found.rules, expected);
    let env = [
        ("WS_JWT_SECRET", LONG),
        ("WS_JWT_ISSUER", "a"),
        ("WS_JWT_AUDIENCE", "b, c"),
        ("WS_JWT_CLOCK_TOLERANCE", "5"),
        ("WS_JWT_USER_CLAIM", "uid"),
        ("WS_JWT_SESSION_CLAIM", "jti"),
    ];
    assert_eq!(resolve_env(&env).rules, expected);
    let option = options(&[("issuer", text("z")), ("clockTolerance", Given::Number(0.0))]);
    let mixed = resolve_with(Some(&option), &env, &[]).unwrap().unwrap().rules;
    assert_eq!((mixed.issuers, mixed.clock_tolerance), (vec!["z".to_owned()], 5));
    assert_eq!(resolve(&[("secret", text(LONG))]).rules, Rules::default());
}

#[test]
fn wrong_rules_are_refused() {
    let with = |name, value| refused(&[("secret", text(LONG)), (name, value)]);
    for number in [-1.0, 1.5, 3601.0, f64::INFINITY] {
        assert_range(with("clockTolerance", Given::Number(number)), "jwt.clockTolerance: must be");
    }
    assert_range(with("issuer", Given::Texts(vec![])), "jwt.issuer: must not be empty");
    assert_range(with("audience", Given::Texts(vec![String::new()])), "jwt.audience: must not");
    for (name, value) in [
        ("clockTolerance", text("5")),
        ("issuer", Given::Number(5.0)),
        ("audience", Given::Json("{}".into())),
        ("userClaim", Given::Texts(vec!["sub".into()])),
        ("algorithms", Given::Other("boolean")),
    ] {
        assert_eq!(with(name, value).0, "ERR_INVALID_OPTION_TYPE", "{name}");
    }
    let env = [("WS_JWT_SECRET", LONG), ("WS_JWT_CLOCK_TOLERANCE", "5s")];
    assert!(refused_env(&env).contains("WS_JWT_CLOCK_TOLERANCE: must be an integer"));
    let env = [("WS_JWT_SECRET", LONG), ("WS_JWT_AUDIENCE", "a,,b")];
    assert!(refused_env(&env).contains("must not be empty"));
}

#[test]
fn nothing_secret_is_shown() {
    let raw = options(&[("secret", text(LONG))]);
    assert!(!format!("{raw:?}").contains("0123"));
    assert!(!format!("{:?}", resolve(&[("secret", text(LONG))])).contains("0123"));
}
