//! An event of a client's queue.

use rdkafka::bindings::{
    rd_kafka_event_destroy, rd_kafka_event_error, rd_kafka_event_error_is_fatal,
    rd_kafka_event_error_string, rd_kafka_event_log, rd_kafka_event_opaque, rd_kafka_event_t,
    rd_kafka_event_topic_partition_list, rd_kafka_event_type, rd_kafka_resp_err_t,
};
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use super::text::{error_of, owned, text_of};
use super::{Handle, List};
use crate::kafka::error::KafkaError;

/// `RD_KAFKA_EVENT_*`: one bit each.
pub(crate) type EventKind = i32;

#[derive(Debug)]
pub(crate) struct Event {
    raw: *mut rd_kafka_event_t,
    /// Some events hold the client's messages.
    _handle: Arc<Handle>,
}

// SAFETY: an event is used by one thread at a time, whichever it is.
unsafe impl Send for Event {}

impl Event {
    /// # Safety
    /// Null, or an event that nobody else owns.
    pub(super) unsafe fn from_raw(
        raw: *mut rd_kafka_event_t,
        handle: &Arc<Handle>,
    ) -> Option<Self> {
        (!raw.is_null()).then(|| Self { raw, _handle: handle.clone() })
    }

    pub(crate) fn raw(&self) -> *mut rd_kafka_event_t {
        self.raw
    }

    pub(crate) fn kind(&self) -> EventKind {
        // SAFETY: a live event.
        unsafe { rd_kafka_event_type(self.raw) }
    }

    /// Level (syslog's, 0 to 7), facility and text, if this is a log line.
    pub(crate) fn log(&self) -> Option<(u8, String, String)> {
        let (mut facility, mut text, mut level) = (ptr::null(), ptr::null(), 0);
        // SAFETY: a live event and three places to write to; the strings live as long as the event.
        unsafe {
            (rd_kafka_event_log(self.raw, &raw mut facility, &raw mut text, &raw mut level) == 0)
                .then(|| (u8::try_from(level).unwrap_or(7), owned(facility), owned(text)))
        }
    }

    /// The error of an event, if it has one.
    pub(crate) fn error(&self) -> Option<KafkaError> {
        // SAFETY: a live event.
        let (error, fatal, text) = unsafe {
            let text = owned(rd_kafka_event_error_string(self.raw));
            (rd_kafka_event_error(self.raw), rd_kafka_event_error_is_fatal(self.raw) != 0, text)
        };
        if error == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        let text = if text.is_empty() { text_of(error) } else { text };
        Some(KafkaError { fatal, ..error_of(error, text) })
    }

    /// What a rebalance gives or takes, or what was committed.
    pub(crate) fn partitions(&self) -> List {
        // SAFETY: a live event; the list is its own and copied.
        unsafe { List::copied(rd_kafka_event_topic_partition_list(self.raw)) }
    }

    /// What was given with the request that this event answers.
    pub(crate) fn opaque(&self) -> *mut c_void {
        // SAFETY: a live event.
        unsafe { rd_kafka_event_opaque(self.raw) }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { rd_kafka_event_destroy(self.raw) };
    }
}
