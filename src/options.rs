//! The user's options object and environment, as they came, to the core's configuration.

use messaging_core::jwt::RawJwt;
use messaging_core::ws::config::{Config, RawObject, RawOptions, RawValue};
use messaging_core::ws::tls::{RawPem, RawTls, Tls};
use napi::bindgen_prelude::{FromNapiValue, Object};
use std::collections::HashMap;

use crate::convert::{Given, GivenJwt, GivenPem, Inner};
use crate::error::{Result, coded, internal, of_config, of_tls};

/// Reads the options that the core knows; other properties are not looked at.
pub fn resolve(options: &Object<'_>, env: &HashMap<String, String>) -> Result<Config> {
    let mut raw = RawOptions::default();
    for name in RawOptions::NAMES {
        let given = value_at(options, name).map_err(internal)?;
        raw.set(name, given.map_or(RawValue::Absent, |Given(value)| value));
    }
    raw.jwt = object(options, "jwt", raw_jwt)?;
    Config::resolve(&raw, &|name| env.get(name).cloned()).map_err(|error| of_config(&error))
}

/// The value at a path like `limits.rooms`. Where one of its objects is none there is no value, and the core
/// says so of the object.
fn value_at<T: FromNapiValue>(options: &Object<'_>, path: &str) -> napi::Result<Option<T>> {
    match path.split_once('.') {
        None => options.get(path),
        Some((name, rest)) => match options.get(name)? {
            Some(Inner(Some(inner))) => value_at(&inner, rest),
            _ => Ok(None),
        },
    }
}

/// Reads the option `tls`, or what the environment has for it.
pub fn resolve_tls(options: &Object<'_>, env: &HashMap<String, String>) -> Result<Option<Tls>> {
    let given = object(options, "tls", raw_tls)?;
    Tls::resolve(given, &|name| env.get(name).cloned()).map_err(|error| of_tls(&error))
}

/// A server of the host's has TLS of its own, or none.
pub fn refuse_tls(options: &Object<'_>) -> Result<()> {
    match object(options, "tls", |_| Ok(()))? {
        RawObject::Absent | RawObject::Off => Ok(()),
        RawObject::Given(()) => Err(coded(
            "ERR_TLS_ATTACHED",
            "tls: the server that the manager is attached to has its own TLS, or none",
        )),
    }
}

/// An option that is an object, whose members are read by `read`.
fn object<T>(
    options: &Object<'_>,
    name: &str,
    read: impl Fn(&Object<'_>) -> Result<T>,
) -> Result<RawObject<T>> {
    let given = options.get::<Given>(name).map_err(internal)?;
    match given.map_or(RawValue::Absent, |given| given.0) {
        RawValue::Absent => Ok(RawObject::Absent),
        RawValue::Bool(false) => Ok(RawObject::Off),
        RawValue::Other("object") => match options.get(name).map_err(internal)? {
            Some(object) => read(&object).map(RawObject::Given),
            None => Ok(RawObject::Absent),
        },
        other => {
            let got = other.type_name();
            let message = format!("{name}: must be an object, got type {got}");
            Err(coded("ERR_INVALID_OPTION_TYPE", message))
        }
    }
}

/// The members of `jwt` as they came.
fn raw_jwt(jwt: &Object<'_>) -> Result<RawJwt> {
    let mut raw = RawJwt::default();
    for name in RawJwt::NAMES {
        let given: Option<GivenJwt> = value_at(jwt, name).map_err(internal)?;
        raw.set(name, given.map(|given| given.0).unwrap_or_default());
    }
    Ok(raw)
}

/// The parts of `tls` as they came.
pub fn raw_tls(tls: &Object<'_>) -> Result<RawTls> {
    let value = |name| -> Result<RawValue> {
        let given: Option<Given> = tls.get(name).map_err(internal)?;
        Ok(given.map_or(RawValue::Absent, |given| given.0))
    };
    Ok(RawTls {
        cert: pem(tls, "cert", false)?,
        key: pem(tls, "key", false)?,
        ca: pem(tls, "ca", true)?,
        passphrase: value("passphrase")?,
        min_version: value("minVersion")?,
        request_cert: value("requestCert")?,
    })
}

fn pem(tls: &Object<'_>, name: &str, may_be_list: bool) -> Result<RawPem> {
    Ok(match tls.get::<GivenPem>(name).map_err(internal)? {
        None => RawPem::Absent,
        Some(given) if given.is_list && !may_be_list => RawPem::Other("array"),
        Some(given) => given.pem,
    })
}
