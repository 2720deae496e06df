//! A client's settings.

use rdkafka::bindings::{
    rd_kafka_conf_destroy, rd_kafka_conf_new, rd_kafka_conf_res_t, rd_kafka_conf_set,
    rd_kafka_conf_set_events, rd_kafka_conf_t,
};
use std::ffi::{CString, c_char};
use std::mem;

use super::certificate::check_name;
use super::text::{c_string, owned};
use crate::kafka::error::KafkaError;

/// What comes as an event to a client's queue, where it would call a function else: one bit each,
/// `RD_KAFKA_EVENT_*`.
pub(crate) type Events = i32;

#[derive(Debug)]
pub(crate) struct Conf {
    raw: *mut rd_kafka_conf_t,
    servername: Option<CString>,
}

impl Conf {
    pub(crate) fn new() -> Self {
        // SAFETY: no condition.
        Self { raw: unsafe { rd_kafka_conf_new() }, servername: None }
    }

    /// Settings by librdkafka's names (its CONFIGURATION.md).
    ///
    /// # Errors
    /// A setting that librdkafka refuses. The text names it and never holds its value.
    pub(crate) fn with<'a>(
        self,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, KafkaError> {
        for (name, value) in settings {
            self.set(name, value)?;
        }
        Ok(self)
    }

    fn set(&self, name: &str, value: &str) -> Result<(), KafkaError> {
        let mut text = [0 as c_char; 512];
        let (c_name, c_value) = (c_string(name)?, c_string(value).map_err(|_| refused(name, ""))?);
        // SAFETY: three C strings that live during the call, and a buffer with its length.
        let result = unsafe {
            rd_kafka_conf_set(
                self.raw,
                c_name.as_ptr(),
                c_value.as_ptr(),
                text.as_mut_ptr(),
                text.len(),
            )
        };
        if result == rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
            return Ok(());
        }
        // SAFETY: librdkafka has ended it with a zero.
        let text = unsafe { owned(text.as_ptr()) };
        // Its text quotes the value, which may be a password.
        let quotes = !value.is_empty() && text.contains(value);
        Err(refused(name, if quotes { "" } else { &text }))
    }

    pub(crate) fn events(self, events: Events) -> Self {
        // SAFETY: a live configuration.
        unsafe { rd_kafka_conf_set_events(self.raw, events) };
        self
    }

    pub(super) fn raw(&self) -> *mut rd_kafka_conf_t {
        self.raw
    }

    /// Brokers' certificates have to be made out to this name, and not to the broker's host.
    ///
    /// # Errors
    /// A name with a zero byte.
    pub(crate) fn servername(mut self, name: &str) -> Result<Self, KafkaError> {
        let name = self.servername.insert(c_string(name)?);
        // SAFETY: a live configuration. The string's bytes stay where they are until the client, which
        // gets them with `into_raw`, has ended.
        unsafe { check_name(self.raw, name)? };
        Ok(self)
    }

    /// For `rd_kafka_new`, which owns it if it succeeds, and what has to live as long as the client.
    pub(super) fn into_raw(mut self) -> (*mut rd_kafka_conf_t, Option<CString>) {
        let servername = self.servername.take();
        let raw = self.raw;
        mem::forget(self);
        (raw, servername)
    }
}

impl Drop for Conf {
    fn drop(&mut self) {
        // SAFETY: ours, and not used any more.
        unsafe { rd_kafka_conf_destroy(self.raw) };
    }
}

fn refused(name: &str, text: &str) -> KafkaError {
    KafkaError::invalid(if text.is_empty() {
        format!("the setting {name} is refused")
    } else {
        format!("the setting {name} is refused: {text}")
    })
}
