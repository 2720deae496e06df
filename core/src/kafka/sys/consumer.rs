//! What only a consumer's client can do.

use rdkafka::bindings::{
    rd_kafka_assign, rd_kafka_assignment_lost, rd_kafka_commit_queue, rd_kafka_committed,
    rd_kafka_consumer_close_queue, rd_kafka_consumer_closed, rd_kafka_consumer_group_metadata,
    rd_kafka_consumer_group_metadata_destroy, rd_kafka_consumer_group_metadata_generation_id,
    rd_kafka_consumer_group_metadata_member_id, rd_kafka_error_code, rd_kafka_error_destroy,
    rd_kafka_error_string, rd_kafka_error_t, rd_kafka_get_watermark_offsets,
    rd_kafka_pause_partitions, rd_kafka_position, rd_kafka_resp_err_t, rd_kafka_resume_partitions,
    rd_kafka_seek_partitions, rd_kafka_subscribe,
};
use std::ffi::c_void;
use std::ptr;
use std::time::Duration;

use super::text::{c_string, check, error_of, owned};
use super::{Handle, List, Position, Queue};
use crate::kafka::error::KafkaError;

impl Handle {
    /// Joins the group for these topics.
    pub(crate) fn subscribe(&self, topics: &[String]) -> Result<(), KafkaError> {
        let all: Vec<_> = topics.iter().map(|topic| Position::new(topic, -1, -1)).collect();
        let list = List::new(&all)?;
        // SAFETY: a live consumer and a live list, which is copied.
        check(unsafe { rd_kafka_subscribe(self.raw(), list.raw()) })
    }

    /// Answers a rebalance: these partitions, or none.
    pub(crate) fn assign(&self, partitions: Option<&List>) -> Result<(), KafkaError> {
        let list = partitions.map_or(ptr::null(), |it| it.raw().cast_const());
        // SAFETY: a live consumer, and a live list, which is copied, or null.
        check(unsafe { rd_kafka_assign(self.raw(), list) })
    }

    /// Whether the partitions are another member's already.
    pub(crate) fn is_assignment_lost(&self) -> bool {
        // SAFETY: a live consumer.
        unsafe { rd_kafka_assignment_lost(self.raw()) != 0 }
    }

    /// Messages of these partitions that were fetched and not taken are dropped.
    pub(crate) fn pause(&self, partitions: &List) -> Result<(), KafkaError> {
        // SAFETY: a live consumer and a live list.
        check(unsafe { rd_kafka_pause_partitions(self.raw(), partitions.raw()) })
    }

    pub(crate) fn resume(&self, partitions: &List) -> Result<(), KafkaError> {
        // SAFETY: a live consumer and a live list.
        check(unsafe { rd_kafka_resume_partitions(self.raw(), partitions.raw()) })
    }

    /// Goes to an offset, or one of librdkafka's marks for the begin and the end. What was fetched
    /// before and not taken is dropped. Fails with `_STATE` where fetching has not begun yet.
    pub(crate) fn seek(&self, position: &Position, timeout: Duration) -> Result<(), KafkaError> {
        let list = List::new([position])?;
        let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: a live consumer and a live list; the error is ours.
        unsafe { taken(rd_kafka_seek_partitions(self.raw(), list.raw(), timeout)) }?;
        list.positions().into_iter().find_map(|it| it.error).map_or(Ok(()), Err)
    }

    /// Where each partition's next message is, as far as the messages were taken: control records,
    /// which nobody sees, are behind it. `Position::INVALID` for none taken.
    pub(crate) fn positions(&self, partitions: &[Position]) -> Result<Vec<Position>, KafkaError> {
        let list = List::new(partitions)?;
        // SAFETY: a live consumer and a live list.
        check(unsafe { rd_kafka_position(self.raw(), list.raw()) })?;
        Ok(list.positions())
    }

    /// The end of a partition as the last fetch told it: what is the next offset. Asks nobody.
    pub(crate) fn high_watermark(&self, topic: &str, partition: i32) -> Option<i64> {
        let topic = c_string(topic).ok()?;
        let (mut low, mut high) = (0, 0);
        // SAFETY: a live consumer, a C string and two places to write to.
        let error = unsafe {
            rd_kafka_get_watermark_offsets(
                self.raw(),
                topic.as_ptr(),
                partition,
                &raw mut low,
                &raw mut high,
            )
        };
        (check(error).is_ok() && high >= 0).then_some(high)
    }

    /// Commits; the outcome is an event of that queue with this number.
    pub(crate) fn commit(
        &self,
        offsets: &List,
        queue: &Queue,
        number: usize,
    ) -> Result<(), KafkaError> {
        // SAFETY: live objects. The number is never dereferenced.
        check(unsafe {
            rd_kafka_commit_queue(
                self.raw(),
                offsets.raw(),
                queue.raw(),
                None,
                ptr::without_provenance_mut::<c_void>(number),
            )
        })
    }

    /// What the group has committed. Waits for the answer.
    pub(crate) fn committed(
        &self,
        partitions: &[Position],
        timeout: Duration,
    ) -> Result<Vec<Position>, KafkaError> {
        let list = List::new(partitions)?;
        let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: a live consumer and a live list.
        check(unsafe { rd_kafka_committed(self.raw(), list.raw(), timeout) })?;
        Ok(list.positions())
    }

    /// The name that the group knows this member by, and the number of the group's present
    /// generation.
    pub(crate) fn membership(&self) -> (String, i32) {
        // SAFETY: a live consumer; the metadata is ours.
        unsafe {
            let metadata = rd_kafka_consumer_group_metadata(self.raw());
            if metadata.is_null() {
                return (String::new(), -1);
            }
            let member = owned(rd_kafka_consumer_group_metadata_member_id(metadata));
            let generation = rd_kafka_consumer_group_metadata_generation_id(metadata);
            rd_kafka_consumer_group_metadata_destroy(metadata);
            (member, generation)
        }
    }

    /// Begins to leave the group. Events, a last rebalance among them, go to that queue, which has
    /// to be served until `is_closed`.
    pub(crate) fn close(&self, queue: &Queue) -> Result<(), KafkaError> {
        // SAFETY: a live consumer and a live queue; the error is ours.
        unsafe { taken(rd_kafka_consumer_close_queue(self.raw(), queue.raw())) }
    }

    pub(crate) fn is_closed(&self) -> bool {
        // SAFETY: a live consumer.
        unsafe { rd_kafka_consumer_closed(self.raw()) != 0 }
    }
}

/// # Safety
/// Null, or an error that nobody else owns.
unsafe fn taken(error: *mut rd_kafka_error_t) -> Result<(), KafkaError> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    let (code, text) = unsafe {
        let result = (rd_kafka_error_code(error), owned(rd_kafka_error_string(error)));
        rd_kafka_error_destroy(error);
        result
    };
    debug_assert!(code != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR);
    Err(error_of(code, text))
}
