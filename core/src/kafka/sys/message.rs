//! Messages as they are fetched.

use rdkafka::bindings::{
    rd_kafka_consume_batch_queue, rd_kafka_header_get_all, rd_kafka_headers_t,
    rd_kafka_message_destroy, rd_kafka_message_errstr, rd_kafka_message_headers,
    rd_kafka_message_t, rd_kafka_message_timestamp, rd_kafka_resp_err_t, rd_kafka_timestamp_type_t,
    rd_kafka_topic_name,
};
use std::ffi::{CStr, c_void};
use std::marker::PhantomData;
use std::ptr;
use std::slice;
use std::sync::Arc;

use super::text::{error_of, owned};
use super::{Handle, Queue};
use crate::kafka::error::KafkaError;

/// Where fetched messages lie until they are copied.
#[derive(Debug)]
pub(crate) struct Inbox {
    messages: Vec<*mut rd_kafka_message_t>,
    /// The client of the messages: it must not end before they have.
    client: Option<Arc<Handle>>,
}

// SAFETY: messages are used by one thread at a time.
unsafe impl Send for Inbox {}

impl Inbox {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { messages: Vec::with_capacity(capacity), client: None }
    }

    /// Takes up to so many messages that have been fetched already, instead of those before.
    pub(crate) fn fill(&mut self, queue: &Queue, most: usize) -> usize {
        self.clear();
        let most = most.min(self.messages.capacity());
        // SAFETY: a live queue, and an array with room for so many.
        let count = unsafe {
            rd_kafka_consume_batch_queue(queue.raw(), 0, self.messages.as_mut_ptr(), most)
        };
        let count = usize::try_from(count).unwrap_or(0).min(most);
        // SAFETY: so many were written.
        unsafe { self.messages.set_len(count) };
        self.client = (count > 0).then(|| queue.handle().clone());
        count
    }

    /// The messages, those together that follow each other in one partition.
    pub(crate) fn runs(&self) -> impl Iterator<Item = impl Iterator<Item = Message<'_>>> {
        // SAFETY: live messages, which are destroyed only with an exclusive borrow.
        let message = |raw: *mut rd_kafka_message_t| Message { raw, native: unsafe { &*raw } };
        let together = move |one: &_, other: &_| message(*one).place() == message(*other).place();
        self.messages.chunk_by(together).map(move |run| run.iter().copied().map(message))
    }

    fn clear(&mut self) {
        for raw in self.messages.drain(..) {
            // SAFETY: ours, and lent to nobody.
            unsafe { rd_kafka_message_destroy(raw) };
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.clear();
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    raw: *mut rd_kafka_message_t,
    native: &'a rd_kafka_message_t,
}

impl<'a> Message<'a> {
    /// What came in the place of a message.
    pub(crate) fn error(&self) -> Option<KafkaError> {
        if self.native.err == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        // SAFETY: a live message; its text is copied.
        let text = unsafe { owned(rd_kafka_message_errstr(self.raw)) };
        Some(error_of(self.native.err, text))
    }

    /// The same for all messages of a topic, as long as its local object lives.
    pub(crate) fn topic_identity(&self) -> usize {
        self.native.rkt as usize
    }

    fn place(&self) -> (usize, i32) {
        (self.topic_identity(), self.partition())
    }

    pub(crate) fn topic(&self) -> String {
        if self.native.rkt.is_null() {
            return String::new();
        }
        // SAFETY: the message keeps its topic.
        unsafe { owned(rd_kafka_topic_name(self.native.rkt)) }
    }

    pub(crate) fn partition(&self) -> i32 {
        self.native.partition
    }

    pub(crate) fn offset(&self) -> i64 {
        self.native.offset
    }

    /// Milliseconds since the epoch; -1 for none.
    pub(crate) fn timestamp(&self) -> i64 {
        let mut kind = rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: a live message and a place to write to.
        unsafe { rd_kafka_message_timestamp(self.raw, &raw mut kind) }
    }

    pub(crate) fn key(&self) -> Option<&'a [u8]> {
        // SAFETY: the message's own pair of pointer and length.
        unsafe { bytes(self.native.key, self.native.key_len) }
    }

    pub(crate) fn value(&self) -> Option<&'a [u8]> {
        // SAFETY: as above.
        unsafe { bytes(self.native.payload, self.native.len) }
    }

    pub(crate) fn headers(&self) -> Headers<'a> {
        Headers { message: self.raw, raw: None, next: 0, lifetime: PhantomData }
    }
}

/// Names and values, in order. They are looked for when the first one is asked for: they lie behind the value in
/// memory that nobody has read yet, which is quicker when the value has been copied before.
#[derive(Debug)]
pub(crate) struct Headers<'a> {
    message: *mut rd_kafka_message_t,
    /// Null when there are none.
    raw: Option<*mut rd_kafka_headers_t>,
    next: usize,
    lifetime: PhantomData<&'a rd_kafka_message_t>,
}

impl Headers<'_> {
    fn raw(&mut self) -> *mut rd_kafka_headers_t {
        *self.raw.get_or_insert_with(|| {
            let mut headers: *mut rd_kafka_headers_t = ptr::null_mut();
            // SAFETY: a live message and a place to write to. The headers stay the message's.
            let error = unsafe { rd_kafka_message_headers(self.message, &raw mut headers) };
            if error == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                headers
            } else {
                ptr::null_mut()
            }
        })
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let headers = self.raw();
        if headers.is_null() {
            return None;
        }
        let (mut name, mut value, mut length) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the headers of a live message, and three places to write to.
        let error = unsafe {
            rd_kafka_header_get_all(
                headers,
                self.next,
                &raw mut name,
                &raw mut value,
                &raw mut length,
            )
        };
        if error != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        self.next += 1;
        // SAFETY: a C string, and a pair of pointer and length, that live as long as the message.
        unsafe { Some((CStr::from_ptr(name).to_bytes(), bytes(value, length))) }
    }
}

/// # Safety
/// Null, or so many bytes that live as long as the answer.
unsafe fn bytes<'a>(start: *const c_void, length: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast(), length) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::sys::{Conf, Kind, List, MockCluster, Position};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn messages_keep_their_client() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("t", 1, 1).unwrap();
        let brokers = cluster.brokers().join(",");
        // That a partition has come to its end is told in the place of a message.
        let conf = Conf::new().with([
            ("bootstrap.servers", &*brokers),
            ("group.id", "g"),
            ("enable.partition.eof", "true"),
        ]);
        let handle = Arc::new(Handle::new(Kind::Consumer, conf.unwrap()).unwrap());
        let mut messages = Queue::new(&handle);
        let (sender, receiver) = channel();
        messages.on_ready(move || {
            let _ = sender.send(());
        });
        let partition = Queue::partition(&handle, "t", 0).unwrap().unwrap();
        partition.forward_to(&messages);
        handle.assign(Some(&List::new(&[Position::new("t", 0, 0)]).unwrap())).unwrap();

        let mut inbox = Inbox::new(1);
        while inbox.fill(&messages, 1) == 0 {
            receiver.recv_timeout(Duration::from_secs(20)).unwrap();
        }
        drop((messages, partition));
        // Else its end would be waited for now, and for ever.
        assert_eq!(Arc::strong_count(&handle), 2);
        let client = Arc::downgrade(&handle);
        drop(handle);
        assert_eq!(inbox.runs().flatten().map(|it| it.topic()).collect::<Vec<_>>(), ["t"]);
        drop(inbox);
        assert!(client.upgrade().is_none());
    }
}
