//! The user's options object and environment, as they came, to the core's configuration.

use messaging_core::ws::config::{Config, RawOptions, RawValue};
use napi::bindgen_prelude::Object;
use std::collections::HashMap;

use crate::convert::{Given, Inner};
use crate::error::{Result, internal, of_config};

/// Reads the options that the core knows; other properties are not looked at.
pub fn resolve(options: &Object<'_>, env: &HashMap<String, String>) -> Result<Config> {
    let mut raw = RawOptions::default();
    for name in RawOptions::NAMES {
        raw.set(name, value_at(options, name).map_err(internal)?);
    }
    Config::resolve(&raw, &|name| env.get(name).cloned()).map_err(|error| of_config(&error))
}

/// The value at a path like `limits.rooms`. Where one of its objects is none there is no value, and the core
/// says so of the object.
fn value_at(options: &Object<'_>, path: &str) -> napi::Result<RawValue> {
    match path.split_once('.') {
        None => Ok(options.get(path)?.map_or(RawValue::Absent, |Given(value)| value)),
        Some((name, rest)) => match options.get(name)? {
            Some(Inner(Some(inner))) => value_at(&inner, rest),
            _ => Ok(RawValue::Absent),
        },
    }
}
