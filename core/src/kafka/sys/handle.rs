//! A native client.

use rdkafka::bindings::{
    rd_kafka_destroy, rd_kafka_new, rd_kafka_poll_set_consumer, rd_kafka_set_log_queue, rd_kafka_t,
    rd_kafka_type_t,
};
use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::Arc;

use super::census::Census;
use super::text::{check, owned};
use super::{Conf, Queue};
use crate::kafka::error::KafkaError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Producer,
    Consumer,
}

/// One `rd_kafka_t`. The last owner's drop ends its threads, which takes until they are joined:
/// it must not be on the JavaScript thread (`work::drop_aside`).
#[derive(Debug)]
pub(crate) struct Handle {
    raw: *mut rd_kafka_t,
    /// The client's callback has a pointer to it.
    _servername: Option<CString>,
    /// So have its interceptors.
    census: Arc<Census>,
}

// SAFETY: librdkafka is thread-safe for every call on a handle (INTRODUCTION.md, "Threads").
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    /// A client whose log lines come as events to its queue. It connects by itself, later.
    ///
    /// # Errors
    /// Settings that do not go together, or that name a file which cannot be read.
    pub(crate) fn new(kind: Kind, conf: Conf) -> Result<Self, KafkaError> {
        let conf = conf.with([("log.queue", "true")])?;
        let census = Arc::new(Census::default());
        // SAFETY: a live configuration. The census is dropped behind the client, or behind the failed call.
        unsafe { census.watch(conf.raw())? };
        let (conf, servername) = conf.into_raw();
        let native = match kind {
            Kind::Producer => rd_kafka_type_t::RD_KAFKA_PRODUCER,
            Kind::Consumer => rd_kafka_type_t::RD_KAFKA_CONSUMER,
        };
        let mut text = [0 as c_char; 512];
        // SAFETY: a live configuration, and a buffer with its length.
        let raw = unsafe { rd_kafka_new(native, conf, text.as_mut_ptr(), text.len()) };
        if raw.is_null() {
            // A failed call leaves the configuration ours, but has freed the interceptors in it (librdkafka
            // 2.12), which destroying it would free again: some KB are lost with each client refused.
            // SAFETY: the call has ended its text.
            return Err(KafkaError::invalid(unsafe { owned(text.as_ptr()) }));
        }
        let handle = Self { raw, _servername: servername, census };
        // SAFETY: a live client, whose own queue the null stands for.
        check(unsafe { rd_kafka_set_log_queue(raw, ptr::null_mut()) })?;
        if kind == Kind::Consumer {
            // SAFETY: a live client. From here its one queue is the consumer's.
            check(unsafe { rd_kafka_poll_set_consumer(raw) })?;
        }
        Ok(handle)
    }

    pub(crate) fn raw(&self) -> *mut rd_kafka_t {
        self.raw
    }

    /// What it has started.
    pub(crate) fn census(&self) -> &Census {
        &self.census
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: what was made of the client and is still there keeps it: queues, events, topics, and the inbox that
        // fetched messages lie in. So this is the last use.
        unsafe { rd_kafka_destroy(self.raw) };
    }
}

/// The queue of a client's events.
impl Queue {
    pub(crate) fn of_events(handle: &Arc<Handle>, kind: Kind) -> Self {
        match kind {
            Kind::Producer => Self::main(handle),
            Kind::Consumer => Self::consumer(handle),
        }
    }
}
