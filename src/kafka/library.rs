//! Which librdkafka is inside.

// In tests napi-derive registers nothing, so that a free function has no caller.
#![cfg_attr(test, allow(dead_code, reason = "called by JavaScript alone"))]

use messaging_core::kafka::library;
use napi_derive::napi;

#[napi(object)]
#[derive(Debug)]
pub struct KafkaLibrary {
    pub version: String,
    /// What it was built with, by its own words, such as `ssl` and `zstd`.
    pub features: Vec<String>,
}

#[napi]
pub fn kafka_library() -> KafkaLibrary {
    let library::Library { version, features } = library::library();
    KafkaLibrary { version, features }
}
