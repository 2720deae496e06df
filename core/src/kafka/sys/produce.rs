//! Messages on their way to a client's queues. None of these calls blocks.

use rdkafka::bindings::{
    RD_KAFKA_MSG_F_COPY, rd_kafka_error_code, rd_kafka_error_destroy, rd_kafka_error_string,
    rd_kafka_header_add, rd_kafka_headers_destroy, rd_kafka_headers_new, rd_kafka_message_t,
    rd_kafka_produce_batch, rd_kafka_produceva, rd_kafka_resp_err_t, rd_kafka_topic_destroy,
    rd_kafka_topic_new, rd_kafka_topic_t, rd_kafka_vtype_t, rd_kafka_vu_s__bindgen_ty_1,
    rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1, rd_kafka_vu_t,
};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::sync::Arc;
use std::{mem, ptr, slice};

use super::Handle;
use super::text::{c_string, check, error_of, owned};
use crate::kafka::error::KafkaError;

/// A message without headers, stamped with the time of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plain<'a> {
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    /// Comes back with its delivery.
    pub(crate) tag: usize,
}

/// What most messages do not have.
#[derive(Debug, Clone)]
pub(crate) struct Extras<'a> {
    /// Names and values, in order. A name may come several times.
    pub(crate) headers: Vec<(&'a [u8], Option<&'a [u8]>)>,
    /// Milliseconds since 1970; 0 for now.
    pub(crate) timestamp: i64,
}

/// Messages for one partition, in memory that may be used again for the next.
pub(crate) struct Batch<'a> {
    messages: Vec<rd_kafka_message_t>,
    data: PhantomData<&'a [u8]>,
}

// SAFETY: its pointers are borrowed slices, which may be sent.
unsafe impl Send for Batch<'_> {}

impl<'a> Batch<'a> {
    pub(crate) fn new() -> Self {
        Self { messages: Vec::new(), data: PhantomData }
    }

    pub(crate) fn push(&mut self, plain: Plain<'a>) {
        // SAFETY: a C struct, for which zeros are a valid value.
        let mut message: rd_kafka_message_t = unsafe { mem::zeroed() };
        (message.key, message.key_len) = raw(plain.key);
        (message.payload, message.len) = raw(plain.value);
        message._private = ptr::without_provenance_mut(plain.tag);
        self.messages.push(message);
    }

    /// The memory of this one, for messages that live otherwise.
    pub(crate) fn emptied<'b>(mut self) -> Batch<'b> {
        self.messages.clear();
        Batch { messages: self.messages, data: PhantomData }
    }

    /// What was pushed, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = Plain<'a>> + '_ {
        self.messages.iter().map(plain_of)
    }

    /// After `TopicHandle::produce_batch`: what was refused, in order.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (Plain<'a>, KafkaError)> + '_ {
        let refused = |it: &rd_kafka_message_t| Some((plain_of(it), check(it.err).err()?));
        self.messages.iter().filter_map(refused)
    }
}

/// Of a message in a batch whose data live for 'a.
fn plain_of<'a>(message: &rd_kafka_message_t) -> Plain<'a> {
    // SAFETY: the slices that `push` was given.
    let (key, value) =
        unsafe { (part(message.key, message.key_len), part(message.payload, message.len)) };
    Plain { key, value, tag: message._private.addr() }
}

/// Null for none. An empty slice is not null.
fn raw(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    bytes.map_or((ptr::null_mut(), 0), |it| (it.as_ptr().cast_mut().cast(), it.len()))
}

/// # Safety
/// What `raw` made of a slice that lives for 'a.
unsafe fn part<'a>(start: *mut c_void, length: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast(), length) })
}

/// A topic of a producer.
#[derive(Debug)]
pub(crate) struct TopicHandle {
    raw: *mut rd_kafka_topic_t,
    handle: Arc<Handle>,
}

// SAFETY: librdkafka's topics are thread-safe and counted.
unsafe impl Send for TopicHandle {}
// SAFETY: as above.
unsafe impl Sync for TopicHandle {}

impl TopicHandle {
    /// # Errors
    /// A name with a zero byte, or one that librdkafka refuses.
    pub(crate) fn new(handle: &Arc<Handle>, name: &str) -> Result<Self, KafkaError> {
        let c_name = c_string(name)?;
        // SAFETY: a live client and a C string; null stands for the client's own settings.
        let raw = unsafe { rd_kafka_topic_new(handle.raw(), c_name.as_ptr(), ptr::null_mut()) };
        if raw.is_null() {
            return Err(KafkaError::invalid(format!("{name:?} is no name of a topic")));
        }
        Ok(Self { raw, handle: handle.clone() })
    }

    /// Queues copies of the messages, and tells whether all of them were taken.
    pub(crate) fn produce_batch(&self, partition: i32, batch: &mut Batch<'_>) -> bool {
        let Ok(count) = i32::try_from(batch.messages.len()) else { return false };
        // SAFETY: a live topic, and messages whose slices outlive the call, which copies them.
        let taken = unsafe {
            let messages = batch.messages.as_mut_ptr();
            rd_kafka_produce_batch(self.raw, partition, RD_KAFKA_MSG_F_COPY, messages, count)
        };
        taken == count
    }

    /// Queues a copy of one message that has more than a key and a value.
    ///
    /// # Errors
    /// It was not taken.
    pub(crate) fn produce(
        &self,
        partition: i32,
        plain: Plain<'_>,
        extras: &Extras<'_>,
    ) -> Result<(), KafkaError> {
        let headers = Headers::new(extras);
        let (key, value) = (mem_of(plain.key), mem_of(plain.value));
        let given = [
            vu(rd_kafka_vtype_t::RD_KAFKA_VTYPE_RKT, |u| u.rkt = self.raw),
            vu(rd_kafka_vtype_t::RD_KAFKA_VTYPE_PARTITION, |u| u.i32_ = partition),
            vu(rd_kafka_vtype_t::RD_KAFKA_VTYPE_MSGFLAGS, |u| u.i = RD_KAFKA_MSG_F_COPY),
            vu(rd_kafka_vtype_t::RD_KAFKA_VTYPE_KEY, |u| u.mem = key),
            vu(rd_kafka_vtype_t::RD_KAFKA_VTYPE_VALUE, |u| u.mem = value),
            vu(rd_kafka_vtype_t::RD_KAFKA_VTYPE_TIMESTAMP, |u| u.i64_ = extras.timestamp),
            vu(rd_kafka_vtype_t::RD_KAFKA_VTYPE_OPAQUE, |u| {
                u.ptr = ptr::without_provenance_mut(plain.tag);
            }),
            vu(rd_kafka_vtype_t::RD_KAFKA_VTYPE_HEADERS, |u| u.headers = headers.0),
        ];
        // SAFETY: a live client, and values of the types that their tags say. What they point to
        // outlives the call, which copies all but the headers.
        let error = unsafe { rd_kafka_produceva(self.handle.raw(), given.as_ptr(), given.len()) };
        if error.is_null() {
            // The message owns them now.
            mem::forget(headers);
            return Ok(());
        }
        // SAFETY: an error of our own, read and then freed.
        unsafe {
            let (code, text) = (rd_kafka_error_code(error), owned(rd_kafka_error_string(error)));
            rd_kafka_error_destroy(error);
            Err(error_of(code, text))
        }
    }
}

impl Drop for TopicHandle {
    fn drop(&mut self) {
        // SAFETY: ours, and its client lives still.
        unsafe { rd_kafka_topic_destroy(self.raw) };
    }
}

/// Headers that no message owns yet.
struct Headers(*mut rdkafka::bindings::rd_kafka_headers_t);

impl Headers {
    fn new(extras: &Extras<'_>) -> Self {
        // SAFETY: no condition.
        let headers = Self(unsafe { rd_kafka_headers_new(extras.headers.len()) });
        for (name, value) in &extras.headers {
            let (start, length) = raw(*value);
            // SAFETY: live headers; both slices with their lengths are copied.
            unsafe {
                rd_kafka_header_add(
                    headers.0,
                    name.as_ptr().cast(),
                    size(name.len()),
                    start,
                    size(length),
                );
            }
        }
        headers
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        // SAFETY: ours still.
        unsafe { rd_kafka_headers_destroy(self.0) };
    }
}

fn size(length: usize) -> isize {
    // A slice is never longer.
    isize::try_from(length).unwrap_or(isize::MAX)
}

fn mem_of(bytes: Option<&[u8]>) -> rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
    let (ptr, size) = raw(bytes);
    rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr, size }
}

fn vu(
    vtype: rd_kafka_vtype_t,
    fill: impl FnOnce(&mut rd_kafka_vu_s__bindgen_ty_1),
) -> rd_kafka_vu_t {
    // SAFETY: plain memory, for which zeros are a valid value.
    let mut u: rd_kafka_vu_s__bindgen_ty_1 = unsafe { mem::zeroed() };
    fill(&mut u);
    rd_kafka_vu_t { vtype, u }
}

/// Whether a queue had no room, which deliveries make.
pub(crate) fn is_full(error: &KafkaError) -> bool {
    error.code == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__QUEUE_FULL as i32
}
