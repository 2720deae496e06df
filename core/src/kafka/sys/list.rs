//! A list of partitions with offsets.

use rdkafka::bindings::{
    rd_kafka_topic_partition_list_add, rd_kafka_topic_partition_list_copy,
    rd_kafka_topic_partition_list_destroy, rd_kafka_topic_partition_list_new,
    rd_kafka_topic_partition_list_t,
};
use std::slice;

use super::text::{c_string, check, owned};
use crate::kafka::error::KafkaError;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    /// An offset, or one of librdkafka's negative marks: `INVALID` for none.
    pub(crate) offset: i64,
    pub(crate) metadata: Option<String>,
    pub(crate) error: Option<KafkaError>,
}

impl Position {
    /// No offset: `RD_KAFKA_OFFSET_INVALID`.
    pub(crate) const INVALID: i64 = -1001;

    pub(crate) fn new(topic: impl Into<String>, partition: i32, offset: i64) -> Self {
        Self { topic: topic.into(), partition, offset, metadata: None, error: None }
    }
}

#[derive(Debug)]
pub(crate) struct List(*mut rd_kafka_topic_partition_list_t);

// SAFETY: plain memory, owned by one.
unsafe impl Send for List {}

impl List {
    /// # Errors
    /// A topic's name with a zero byte.
    pub(crate) fn new<'a>(
        positions: impl IntoIterator<Item = &'a Position>,
    ) -> Result<Self, KafkaError> {
        // SAFETY: no condition.
        let list = Self(unsafe { rd_kafka_topic_partition_list_new(8) });
        for position in positions {
            let topic = c_string(&position.topic)?;
            // SAFETY: a live list and a C string, which is copied. Metadata is allocated by malloc, as
            // librdkafka frees it.
            unsafe {
                let entry =
                    rd_kafka_topic_partition_list_add(list.0, topic.as_ptr(), position.partition);
                (*entry).offset = position.offset;
                if let Some(metadata) = &position.metadata {
                    let size = metadata.len();
                    let copy =
                        rdkafka::bindings::rd_kafka_mem_malloc(std::ptr::null_mut(), size.max(1));
                    std::ptr::copy_nonoverlapping(metadata.as_ptr(), copy.cast(), size);
                    (*entry).metadata = copy;
                    (*entry).metadata_size = size;
                }
            }
        }
        Ok(list)
    }

    /// # Safety
    /// A list that lives during the call, or null.
    pub(super) unsafe fn copied(raw: *const rd_kafka_topic_partition_list_t) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe {
            if raw.is_null() {
                rd_kafka_topic_partition_list_new(0)
            } else {
                rd_kafka_topic_partition_list_copy(raw)
            }
        })
    }

    pub(crate) fn raw(&self) -> *mut rd_kafka_topic_partition_list_t {
        self.0
    }

    pub(crate) fn positions(&self) -> Vec<Position> {
        // SAFETY: a live list, whose entries are `cnt` behind one another.
        let entries = unsafe {
            let list = &*self.0;
            if list.elems.is_null() {
                &[]
            } else {
                slice::from_raw_parts(list.elems, usize::try_from(list.cnt).unwrap_or(0))
            }
        };
        entries.iter().map(position_of).collect()
    }
}

pub(super) fn position_of(entry: &rdkafka::bindings::rd_kafka_topic_partition_t) -> Position {
    let metadata = (!entry.metadata.is_null() && entry.metadata_size > 0).then(|| {
        // SAFETY: librdkafka's own pair of pointer and length.
        let bytes =
            unsafe { slice::from_raw_parts(entry.metadata.cast::<u8>(), entry.metadata_size) };
        String::from_utf8_lossy(bytes).into_owned()
    });
    Position {
        // SAFETY: each entry has a name.
        topic: unsafe { owned(entry.topic) },
        partition: entry.partition,
        offset: entry.offset,
        metadata,
        error: check(entry.err).err(),
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { rd_kafka_topic_partition_list_destroy(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_gives_back_what_was_put_in() {
        let all = vec![
            Position::new("orders", 3, 42),
            Position { metadata: Some("näher".to_owned()), ..Position::new("orders", 4, -1001) },
        ];
        assert_eq!(List::new(&all).unwrap().positions(), all);
        assert!(List::new(&[]).unwrap().positions().is_empty());
        assert!(List::new(&[Position::new("a\0b", 0, 0)]).is_err());
    }
}
