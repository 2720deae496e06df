//! The user's options object and environment, as they came, to the core's configuration.

use messaging_core::ws::config::{Config, RawOptions};
use napi::bindgen_prelude::Object;
use std::collections::HashMap;

use crate::convert::Given;
use crate::error::{Result, internal, of_config};

/// Reads the options that the core knows; other properties are not looked at.
pub fn resolve(options: &Object<'_>, env: &HashMap<String, String>) -> Result<Config> {
    let mut raw = RawOptions::default();
    for name in RawOptions::NAMES {
        if let Some(Given(value)) = options.get(name).map_err(internal)? {
            raw.set(name, value);
        }
    }
    Config::resolve(&raw, &|name| env.get(name).cloned()).map_err(|error| of_config(&error))
}
