//! The user's options object and environment, as they came, to the core's configuration.

use messaging_core::ws::config::{Config, RawOptions};
use napi::ValueType;
use napi::bindgen_prelude::{JsValue, Object, Unknown};
use std::collections::HashMap;

use crate::convert::Given;
use crate::error::{Result, internal, of_config};

/// The value of this name; a dot leads into an object. What is none has no parts.
fn read(options: &Object<'_>, name: &str) -> napi::Result<Option<Given>> {
    let Some((outer, inner)) = name.split_once('.') else {
        return options.get(name);
    };
    let Some(part) = options.get::<Unknown<'_>>(outer)? else {
        return Ok(None);
    };
    if part.get_type()? != ValueType::Object || part.is_array()? {
        return Ok(None);
    }
    part.coerce_to_object()?.get(inner)
}

/// Reads the options that the core knows; other properties are not looked at.
pub fn resolve(options: &Object<'_>, env: &HashMap<String, String>) -> Result<Config> {
    let mut raw = RawOptions::default();
    for name in RawOptions::NAMES {
        if let Some(Given(value)) = read(options, name).map_err(internal)? {
            raw.set(name, value);
        }
    }
    Config::resolve(&raw, &|name| env.get(name).cloned()).map_err(|error| of_config(&error))
}
