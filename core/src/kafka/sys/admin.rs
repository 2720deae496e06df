//! Requests of an admin. Their answers come as events to a queue, with the number that was given here
//! (`admin_results.rs`).

use rdkafka::bindings::{
    rd_kafka_AdminOptions_destroy, rd_kafka_AdminOptions_new, rd_kafka_AdminOptions_set_opaque,
    rd_kafka_AdminOptions_set_operation_timeout, rd_kafka_AdminOptions_set_request_timeout,
    rd_kafka_AdminOptions_set_validate_only, rd_kafka_AdminOptions_t,
    rd_kafka_AlterConsumerGroupOffsets, rd_kafka_AlterConsumerGroupOffsets_destroy,
    rd_kafka_AlterConsumerGroupOffsets_new, rd_kafka_CreateTopics, rd_kafka_DeleteGroup_destroy,
    rd_kafka_DeleteGroup_new, rd_kafka_DeleteGroups, rd_kafka_DeleteTopic_destroy,
    rd_kafka_DeleteTopic_new, rd_kafka_DeleteTopics, rd_kafka_DescribeTopics,
    rd_kafka_ListConsumerGroupOffsets, rd_kafka_ListConsumerGroupOffsets_destroy,
    rd_kafka_ListConsumerGroupOffsets_new, rd_kafka_ListOffsets, rd_kafka_NewTopic_destroy,
    rd_kafka_NewTopic_new, rd_kafka_NewTopic_set_config, rd_kafka_NewTopic_set_replica_assignment,
    rd_kafka_NewTopic_t, rd_kafka_TopicCollection_destroy, rd_kafka_TopicCollection_of_topic_names,
    rd_kafka_queue_yield,
};
use std::ffi::{c_char, c_int};
use std::ptr;
use std::time::Duration;

use super::text::{c_string, check, owned};
use super::{Handle, List, Queue};
use crate::kafka::error::KafkaError;

pub(crate) use rdkafka::bindings::rd_kafka_admin_op_t as AdminOperation;

/// librdkafka's own limit of its timeouts.
const LONGEST: Duration = Duration::from_secs(3_600);

/// A topic to create. -1 stands for the brokers' default.
#[derive(Debug, Clone)]
pub(crate) struct NewTopic<'a> {
    pub(crate) name: &'a str,
    pub(crate) partitions: i32,
    pub(crate) replication_factor: i32,
    /// The brokers of each partition, from 0 on. With it, `replication_factor` is -1.
    pub(crate) replicas: Vec<&'a [i32]>,
    pub(crate) settings: Vec<(&'a str, &'a str)>,
}

/// How a request is made.
#[derive(Debug)]
pub(crate) struct AdminOptions(*mut rd_kafka_AdminOptions_t);

impl AdminOptions {
    /// `number` comes back with the answer, which is waited for so long.
    ///
    /// # Errors
    /// None that is known: the timeout is brought within its limits.
    pub(crate) fn new(
        handle: &Handle,
        operation: AdminOperation,
        number: usize,
        timeout: Duration,
    ) -> Result<Self, KafkaError> {
        // SAFETY: a live client.
        let options = Self(unsafe { rd_kafka_AdminOptions_new(handle.raw(), operation) });
        options.set(rd_kafka_AdminOptions_set_request_timeout, millis(timeout))?;
        // SAFETY: live options. The number is no address, and used as none.
        unsafe {
            rd_kafka_AdminOptions_set_opaque(options.0, ptr::without_provenance_mut(number));
        }
        Ok(options)
    }

    /// How long the brokers may take, where they do more than answer.
    ///
    /// # Errors
    /// This operation has none.
    pub(crate) fn operation_timeout(self, timeout: Duration) -> Result<Self, KafkaError> {
        self.set(rd_kafka_AdminOptions_set_operation_timeout, millis(timeout))?;
        Ok(self)
    }

    /// # Errors
    /// This operation cannot be checked only.
    pub(crate) fn validate_only(self, only: bool) -> Result<Self, KafkaError> {
        self.set(rd_kafka_AdminOptions_set_validate_only, c_int::from(only))?;
        Ok(self)
    }

    fn set(
        &self,
        setter: unsafe extern "C" fn(
            *mut rd_kafka_AdminOptions_t,
            c_int,
            *mut c_char,
            usize,
        ) -> rdkafka::bindings::rd_kafka_resp_err_t,
        value: c_int,
    ) -> Result<(), KafkaError> {
        let mut text = [0 as c_char; 256];
        // SAFETY: live options, and a buffer with its length.
        check(unsafe { setter(self.0, value, text.as_mut_ptr(), text.len()) })
    }
}

impl Drop for AdminOptions {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { rd_kafka_AdminOptions_destroy(self.0) };
    }
}

/// Objects of librdkafka's that make up a request, which copies them.
struct Parts<T> {
    all: Vec<*mut T>,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Parts<T> {
    fn new(destroy: unsafe extern "C" fn(*mut T)) -> Self {
        Self { all: Vec::new(), destroy }
    }

    /// # Safety
    /// Null, or an object that nobody else owns, and that `destroy` is for.
    unsafe fn push(&mut self, raw: *mut T) -> Result<(), KafkaError> {
        if raw.is_null() {
            return Err(KafkaError::invalid("the request is refused"));
        }
        self.all.push(raw);
        Ok(())
    }
}

impl<T> Drop for Parts<T> {
    fn drop(&mut self) {
        for &raw in &self.all {
            // SAFETY: the promise of `push`.
            unsafe { (self.destroy)(raw) };
        }
    }
}

/// One function a request. Each fails at once on a name with a zero byte, and on what librdkafka refuses
/// by itself.
impl Handle {
    pub(crate) fn create_topics(
        &self,
        topics: &[NewTopic<'_>],
        options: &AdminOptions,
        answer: &Queue,
    ) -> Result<(), KafkaError> {
        let mut parts = Parts::new(rd_kafka_NewTopic_destroy);
        for topic in topics {
            let mut text = [0 as c_char; 256];
            let name = c_string(topic.name)?;
            // SAFETY: a C string and a buffer with its length. What comes is ours.
            let made = unsafe {
                let (partitions, factor) = (topic.partitions, topic.replication_factor);
                let (at, size) = (text.as_mut_ptr(), text.len());
                parts.push(rd_kafka_NewTopic_new(name.as_ptr(), partitions, factor, at, size))
            };
            made.map_err(|_| said(&text))?;
            let raw = parts.all[parts.all.len() - 1];
            for (partition, brokers) in (0..).zip(&topic.replicas) {
                assign(raw, partition, brokers)?;
            }
            for (name, value) in &topic.settings {
                let (name, value) = (c_string(name)?, c_string(value)?);
                // SAFETY: a live topic and two C strings.
                check(unsafe { rd_kafka_NewTopic_set_config(raw, name.as_ptr(), value.as_ptr()) })?;
            }
        }
        let (all, count) = (parts.all.as_mut_ptr(), parts.all.len());
        // SAFETY: a live client, queue and options; the topics live during the call.
        unsafe { rd_kafka_CreateTopics(self.raw(), all, count, options.0, answer.raw()) };
        Ok(())
    }

    pub(crate) fn delete_topics(
        &self,
        topics: &[String],
        options: &AdminOptions,
        answer: &Queue,
    ) -> Result<(), KafkaError> {
        let mut parts = Parts::new(rd_kafka_DeleteTopic_destroy);
        for topic in topics {
            let topic = c_string(topic)?;
            // SAFETY: a C string. What comes is ours.
            unsafe { parts.push(rd_kafka_DeleteTopic_new(topic.as_ptr()))? };
        }
        let (all, count) = (parts.all.as_mut_ptr(), parts.all.len());
        // SAFETY: as in `create_topics`.
        unsafe { rd_kafka_DeleteTopics(self.raw(), all, count, options.0, answer.raw()) };
        Ok(())
    }

    pub(crate) fn describe_topics(
        &self,
        topics: &[String],
        options: &AdminOptions,
        answer: &Queue,
    ) -> Result<(), KafkaError> {
        let names = topics.iter().map(|it| c_string(it)).collect::<Result<Vec<_>, _>>()?;
        let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
        // SAFETY: C strings, which are copied; then as in `create_topics`.
        unsafe {
            let (at, count) = (pointers.as_mut_ptr(), pointers.len());
            let collection = rd_kafka_TopicCollection_of_topic_names(at, count);
            rd_kafka_DescribeTopics(self.raw(), collection, options.0, answer.raw());
            rd_kafka_TopicCollection_destroy(collection);
        }
        Ok(())
    }

    /// The list's offsets are times in milliseconds, or -1 for the end and -2 for the beginning.
    pub(crate) fn list_offsets(&self, times: &List, options: &AdminOptions, answer: &Queue) {
        // SAFETY: a live client, list, queue and options; the list is copied.
        unsafe { rd_kafka_ListOffsets(self.raw(), times.raw(), options.0, answer.raw()) };
    }

    /// What a group has committed; without a list, all of it.
    pub(crate) fn list_group_offsets(
        &self,
        group: &str,
        partitions: Option<&List>,
        options: &AdminOptions,
        answer: &Queue,
    ) -> Result<(), KafkaError> {
        let (group, list) = (c_string(group)?, partitions.map_or(ptr::null_mut(), List::raw));
        let mut parts = Parts::new(rd_kafka_ListConsumerGroupOffsets_destroy);
        // SAFETY: a C string and a list or null, which are copied; then as in `create_topics`.
        unsafe {
            parts.push(rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), list))?;
            let all = parts.all.as_mut_ptr();
            rd_kafka_ListConsumerGroupOffsets(self.raw(), all, 1, options.0, answer.raw());
        }
        Ok(())
    }

    pub(crate) fn alter_group_offsets(
        &self,
        group: &str,
        offsets: &List,
        options: &AdminOptions,
        answer: &Queue,
    ) -> Result<(), KafkaError> {
        let group = c_string(group)?;
        let mut parts = Parts::new(rd_kafka_AlterConsumerGroupOffsets_destroy);
        // SAFETY: a C string and a list, which are copied; then as in `create_topics`.
        unsafe {
            let part = rd_kafka_AlterConsumerGroupOffsets_new(group.as_ptr(), offsets.raw());
            parts.push(part)?;
            let all = parts.all.as_mut_ptr();
            rd_kafka_AlterConsumerGroupOffsets(self.raw(), all, 1, options.0, answer.raw());
        }
        Ok(())
    }

    pub(crate) fn delete_groups(
        &self,
        groups: &[String],
        options: &AdminOptions,
        answer: &Queue,
    ) -> Result<(), KafkaError> {
        let mut parts = Parts::new(rd_kafka_DeleteGroup_destroy);
        for group in groups {
            let group = c_string(group)?;
            // SAFETY: a C string. What comes is ours.
            unsafe { parts.push(rd_kafka_DeleteGroup_new(group.as_ptr()))? };
        }
        let (all, count) = (parts.all.as_mut_ptr(), parts.all.len());
        // SAFETY: as in `create_topics`.
        unsafe { rd_kafka_DeleteGroups(self.raw(), all, count, options.0, answer.raw()) };
        Ok(())
    }
}

impl Queue {
    /// Ends a `poll` that waits, or else the next one.
    pub(crate) fn interrupt(&self) {
        // SAFETY: a live queue.
        unsafe { rd_kafka_queue_yield(self.raw()) };
    }
}

fn assign(
    topic: *mut rd_kafka_NewTopic_t,
    partition: i32,
    brokers: &[i32],
) -> Result<(), KafkaError> {
    let (mut text, mut brokers) = ([0 as c_char; 256], brokers.to_vec());
    // SAFETY: a live topic, a list with its length and a buffer with its own.
    let result = unsafe {
        let (at, size) = (text.as_mut_ptr(), text.len());
        let (list, count) = (brokers.as_mut_ptr(), brokers.len());
        rd_kafka_NewTopic_set_replica_assignment(topic, partition, list, count, at, size)
    };
    check(result).map_err(|_| said(&text))
}

/// What librdkafka has written into a buffer.
fn said(text: &[c_char]) -> KafkaError {
    // SAFETY: librdkafka ends its texts with a zero, and the buffer was full of them.
    KafkaError::invalid(unsafe { owned(text.as_ptr()) })
}

fn millis(time: Duration) -> c_int {
    c_int::try_from(time.min(LONGEST).as_millis()).unwrap_or(c_int::MAX)
}
