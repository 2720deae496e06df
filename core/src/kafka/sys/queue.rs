//! A queue of events or messages.

use rdkafka::bindings::{
    rd_kafka_queue_cb_event_enable, rd_kafka_queue_destroy, rd_kafka_queue_forward,
    rd_kafka_queue_get_consumer, rd_kafka_queue_get_main, rd_kafka_queue_get_partition,
    rd_kafka_queue_new, rd_kafka_queue_poll, rd_kafka_queue_t, rd_kafka_t,
};
use std::ffi::c_void;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::text::c_string;
use super::{Event, Handle};
use crate::kafka::error::KafkaError;

/// Called when an empty queue gets its first entry, on a thread of librdkafka. It must be quick.
type Ready = Box<dyn Fn() + Send + Sync>;

pub(crate) struct Queue {
    raw: *mut rd_kafka_queue_t,
    /// Outlives the call that is registered with librdkafka: freed after that is taken back.
    ready: Option<Box<Ready>>,
    handle: Arc<Handle>,
}

// SAFETY: librdkafka's queues have locks of their own.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Queue {
    /// A new queue, to which others are forwarded.
    pub(crate) fn new(handle: &Arc<Handle>) -> Self {
        // SAFETY: a live client.
        Self::from_raw(unsafe { rd_kafka_queue_new(handle.raw()) }, handle)
    }

    pub(crate) fn main(handle: &Arc<Handle>) -> Self {
        // SAFETY: a live client.
        Self::from_raw(unsafe { rd_kafka_queue_get_main(handle.raw()) }, handle)
    }

    pub(crate) fn consumer(handle: &Arc<Handle>) -> Self {
        // SAFETY: a live client, which is a consumer.
        Self::from_raw(unsafe { rd_kafka_queue_get_consumer(handle.raw()) }, handle)
    }

    /// The queue of one partition's messages.
    ///
    /// # Errors
    /// A topic's name with a zero byte.
    pub(crate) fn partition(
        handle: &Arc<Handle>,
        topic: &str,
        partition: i32,
    ) -> Result<Option<Self>, KafkaError> {
        let topic = c_string(topic)?;
        // SAFETY: a live client and a C string.
        let raw = unsafe { rd_kafka_queue_get_partition(handle.raw(), topic.as_ptr(), partition) };
        Ok((!raw.is_null()).then(|| Self::from_raw(raw, handle)))
    }

    fn from_raw(raw: *mut rd_kafka_queue_t, handle: &Arc<Handle>) -> Self {
        Self { raw, ready: None, handle: handle.clone() }
    }

    pub(crate) fn raw(&self) -> *mut rd_kafka_queue_t {
        self.raw
    }

    pub(super) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// Waits so long for the next event.
    pub(crate) fn poll(&self, timeout: Duration) -> Option<Event> {
        let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: a live queue. The event is ours.
        let raw = unsafe { rd_kafka_queue_poll(self.raw, timeout) };
        // SAFETY: as above; null is none.
        unsafe { Event::from_raw(raw, &self.handle) }
    }

    /// Lets what arrives here go there instead.
    pub(crate) fn forward_to(&self, other: &Self) {
        // SAFETY: two live queues.
        unsafe { rd_kafka_queue_forward(self.raw, other.raw) };
    }

    /// Calls `ready` whenever the queue stops being empty.
    pub(crate) fn on_ready(&mut self, ready: impl Fn() + Send + Sync + 'static) {
        let ready: Box<Ready> = Box::new(Box::new(ready));
        let opaque = ptr_of(&ready);
        // SAFETY: the box stays where it is until the call is taken back in drop.
        unsafe { rd_kafka_queue_cb_event_enable(self.raw, Some(call_ready), opaque) };
        self.ready = Some(ready);
    }
}

fn ptr_of(ready: &Ready) -> *mut c_void {
    std::ptr::from_ref(ready).cast_mut().cast()
}

unsafe extern "C" fn call_ready(_: *mut rd_kafka_t, opaque: *mut c_void) {
    // SAFETY: the pointer that `on_ready` gave, which its queue keeps.
    let ready = unsafe { &*opaque.cast::<Ready>() };
    // A panic must not go through C.
    let _ = catch_unwind(AssertUnwindSafe(ready));
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: ours. Taking the call back waits under the queue's lock for one that is running.
        unsafe {
            if self.ready.is_some() {
                rd_kafka_queue_cb_event_enable(self.raw, None, std::ptr::null_mut());
            }
            rd_kafka_queue_destroy(self.raw);
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Queue").field(&self.raw).finish()
    }
}
