//! The library itself.

use rdkafka::bindings::{rd_kafka_conf_get, rd_kafka_conf_res_t, rd_kafka_version_str};
use std::ffi::c_char;

use super::Conf;
use super::text::{c_string, owned};

/// librdkafka's version.
pub(crate) fn version() -> String {
    // SAFETY: no condition; the answer is static.
    unsafe { owned(rd_kafka_version_str()) }
}

/// What it was built with, by its own words, such as `ssl` and `zstd`.
pub(crate) fn features() -> Vec<String> {
    let conf = Conf::new();
    let mut text = [0 as c_char; 512];
    let mut size = text.len();
    let Ok(name) = c_string("builtin.features") else { return Vec::new() };
    // SAFETY: a live configuration, a C string, and a buffer with its length.
    let result =
        unsafe { rd_kafka_conf_get(conf.raw(), name.as_ptr(), text.as_mut_ptr(), &raw mut size) };
    if result != rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
        return Vec::new();
    }
    // SAFETY: librdkafka has ended it with a zero.
    let list = unsafe { owned(text.as_ptr()) };
    list.split(',').map(str::to_owned).collect()
}
