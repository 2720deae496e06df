//! Where the keys are from: a secret, a public key, or a key set.

use serde_json::Value;
use std::net::IpAddr;
use std::time::Duration;

use super::given::{Given, Item};
use super::{Items, KeySource, Read};
use crate::config_error::ConfigError;
use crate::jwt::algorithm::Algorithms;
use crate::jwt::key::{BadKey, Key};
use crate::jwt::key_set::KeySet;
use crate::jwt::pem::{self, Pem};
use crate::jwt::refresh::RefreshPolicy;

/// The longest timer in ms: what a signed 32-bit number holds, which is also Node's limit.
const MAX_TIMER: u64 = (1 << 31) - 1;

const PUBLIC_KEY: &str = "must be a public key in PEM, or the path of a file with one";
const KEY_SET: &str =
    "a JSON Web Key Set, the path of a file with one, or { uri, cacheMaxAge, cooldown }";

/// What was found. A key set is read when it is known which algorithms are accepted.
pub(super) enum Source<'a> {
    Key(Key),
    KeySet(&'a Item<'a>, String),
    Remote(String, RefreshPolicy),
}

impl Source<'_> {
    /// The algorithms that can be accepted.
    pub(super) fn fitting(&self) -> Algorithms {
        match self {
            Self::Key(key) => key.algorithms(),
            Self::KeySet(..) | Self::Remote(..) => Algorithms::public(),
        }
    }

    pub(super) fn into_keys(self, accepted: Algorithms) -> Result<KeySource, ConfigError> {
        Ok(match self {
            Self::Key(key) => KeySource::Fixed(KeySet::of(key)),
            Self::KeySet(item, text) => {
                let keys = KeySet::parse(&text, accepted)
                    .and_then(|keys| keys.usable().map(|()| keys))
                    .map_err(|error| item.wrong(&error.to_string()))?;
                KeySource::Fixed(keys)
            }
            Self::Remote(uri, policy) => KeySource::Remote { uri, policy },
        })
    }
}

/// Finds the one source, in the options or else in the environment.
pub(super) fn source<'a>(
    items: &'a Items<'a>,
    read: Read<'_>,
) -> Result<Option<Source<'a>>, ConfigError> {
    let all = [&items.secret, &items.public_key, &items.jwks];
    let options = all.into_iter().filter(|item| item.option().is_some());
    let mut found: Vec<_> = options.collect();
    if found.is_empty() {
        found = all.into_iter().filter(|item| item.environment().is_some()).collect();
    }
    let one = match found[..] {
        [] => return Ok(None),
        [one] => one,
        [first, second, ..] => {
            return Err(second.wrong(&format!("{} is given as well: one of them", first.name())));
        }
    };
    let source = if std::ptr::eq(one, &items.secret) {
        Source::Key(secret(one)?)
    } else if std::ptr::eq(one, &items.public_key) {
        Source::Key(public_key(one, read)?)
    } else {
        key_set(items, read)?
    };
    Ok(Some(source))
}

fn secret(item: &Item<'_>) -> Result<Key, ConfigError> {
    let secret = match item.option() {
        Some(Given::Text(text)) => text.clone().into_bytes(),
        Some(Given::Bytes(bytes)) => bytes.clone(),
        Some(other) => return Err(item.wrong_type("a string or a Uint8Array", other)),
        None => item.environment().unwrap_or_default().into_bytes(),
    };
    // Everybody has the public key: whoever verifies HS with it accepts everybody's tokens.
    if pem::looks_published(&secret) {
        return Err(item.wrong(
            "this is a key in PEM, DER, SSH or JWK form, or a certificate, and no secret: use publicKey or jwks",
        ));
    }
    let key = Key::secret(&secret);
    if key.algorithms().is_empty() {
        let problem = format!(
            "must have at least 32 bytes for HS256, 48 for HS384, 64 for HS512 (RFC 7518, section 3.2), \
             got {}",
            secret.len()
        );
        return Err(item.wrong(&problem));
    }
    Ok(key)
}

fn public_key(item: &Item<'_>, read: Read<'_>) -> Result<Key, ConfigError> {
    let text = match item.option() {
        Some(Given::Text(text)) => text.clone(),
        Some(Given::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        Some(other) => return Err(item.wrong_type("a public key in PEM, or a path", other)),
        None => item.environment().unwrap_or_default(),
    };
    let text =
        if text.contains("-----BEGIN ") { text } else { file(item, &text, PUBLIC_KEY, read)? };
    let der = match pem::read(&text) {
        Pem::PublicKey(der) => der,
        Pem::PrivateKey => {
            let problem = "this is a private key, which has no place here: openssl pkey -pubout gives its public one";
            return Err(item.wrong(problem));
        }
        Pem::Certificate => {
            let problem = "this is a certificate: openssl x509 -pubkey -noout gives its public key";
            return Err(item.wrong(problem));
        }
        Pem::Unreadable => return Err(item.wrong(PUBLIC_KEY)),
    };
    Key::from_der(&der).map_err(|bad| match bad {
        BadKey::RsaBits(bits) => {
            item.wrong(&format!("an RSA key must have from 2048 to 8192 bits, this one has {bits}"))
        }
        BadKey::Unsupported => item.wrong(
            "not a public key of a type that is supported: RSA, P-256, P-384, P-521 or Ed25519",
        ),
    })
}

fn key_set<'a>(items: &'a Items<'a>, read: Read<'_>) -> Result<Source<'a>, ConfigError> {
    let item = &items.jwks;
    let text = match item.option() {
        Some(Given::Json(text)) => match serde_json::from_str(text) {
            Ok(Value::Object(mut object)) if object.contains_key("uri") => {
                let policy = policy(items)?;
                let uri = match object.remove("uri") {
                    Some(Value::String(uri)) => uri,
                    _ => return Err(item.wrong("uri must be a string")),
                };
                return remote(item, uri, policy);
            }
            Ok(Value::Object(object)) if !object.contains_key("keys") => {
                return Err(item.wrong(&format!("must be {KEY_SET}")));
            }
            _ => return Ok(Source::KeySet(item, text.clone())),
        },
        Some(Given::Text(text)) => text.clone(),
        Some(other) => return Err(item.wrong_type(KEY_SET, other)),
        None => item.environment().unwrap_or_default(),
    };
    if is_web(&text) {
        return remote(item, text, policy(items)?);
    }
    let inline = text.trim_start().starts_with('{');
    let expected = "must be a URL, a JSON Web Key Set, or the path of a file with one";
    let text = if inline { text } else { file(item, &text, expected, read)? };
    Ok(Source::KeySet(item, text))
}

/// When a set is fetched.
fn policy(items: &Items<'_>) -> Result<RefreshPolicy, ConfigError> {
    let default = RefreshPolicy::default();
    let timer = |item: &Item<'_>, default| {
        let ms = item.integer(1..=MAX_TIMER)?;
        Ok::<_, ConfigError>(ms.map_or(default, Duration::from_millis))
    };
    Ok(RefreshPolicy {
        max_age: timer(&items.cache_max_age, default.max_age)?,
        cooldown: timer(&items.cooldown, default.cooldown)?,
        ..default
    })
}

/// Whoever is on the way of plain http could put a key of its own into the set. There is none on the way
/// from this machine to itself.
fn remote<'a>(
    item: &Item<'_>,
    uri: String,
    policy: RefreshPolicy,
) -> Result<Source<'a>, ConfigError> {
    let printable = uri.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_web(&uri) || !printable {
        return Err(item.wrong("must be a URL that begins with https:// or http://"));
    }
    let authority = uri.split(['/', '?', '#']).nth(2).unwrap_or_default();
    if authority.contains('@') {
        return Err(item.wrong("must have no user and password in it, with which fetch refuses it"));
    }
    if !has_host(authority) {
        return Err(
            item.wrong("must be a URL with a host, and a port from 1 to 65535 if it has one")
        );
    }
    if uri.starts_with("http://") && !is_loopback(authority) {
        let problem = "must be a URL that begins with https://; http:// is for loopback only";
        return Err(item.wrong(problem));
    }
    Ok(Source::Remote(uri, policy))
}

fn is_web(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']))
}

/// Whether it is `host` or `host:port`, as far as can be told without looking it up.
fn has_host(authority: &str) -> bool {
    let (host, port) = parts(authority);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%[:]".contains(&byte);
    let has_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    !host.is_empty() && host.bytes().all(fits) && has_port
}

fn is_loopback(authority: &str) -> bool {
    let host = parts(authority).0;
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Host and port. The colons of an IPv6 address are within brackets.
fn parts(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// The text of a file. The path is not shown: what was given may be a key in a form that we do not know.
fn file(
    item: &Item<'_>,
    path: &str,
    expected: &str,
    read: Read<'_>,
) -> Result<String, ConfigError> {
    // Longer than any system's paths: it is something else, and not worth a system call.
    if path.len() > 4096 || path.contains(['\0', '\n']) {
        return Err(item.wrong(expected));
    }
    read(path).map_err(|error| {
        item.wrong(&format!("{expected}; no such file is readable ({})", error.kind()))
    })
}
