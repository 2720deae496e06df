//! What an admin's requests are answered with.

use rdkafka::bindings::{
    RD_KAFKA_EVENT_ALTERCONSUMERGROUPOFFSETS_RESULT, RD_KAFKA_EVENT_CREATETOPICS_RESULT,
    RD_KAFKA_EVENT_DELETEGROUPS_RESULT, RD_KAFKA_EVENT_DELETETOPICS_RESULT,
    RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT, RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT,
    RD_KAFKA_EVENT_LISTOFFSETS_RESULT, rd_kafka_AlterConsumerGroupOffsets_result_groups,
    rd_kafka_CreateTopics_result_topics, rd_kafka_DeleteGroups_result_groups,
    rd_kafka_DeleteTopics_result_topics, rd_kafka_DescribeTopics_result_topics,
    rd_kafka_ListConsumerGroupOffsets_result_groups, rd_kafka_ListOffsets_result_infos,
    rd_kafka_ListOffsetsResultInfo_topic_partition, rd_kafka_Node_host, rd_kafka_Node_id,
    rd_kafka_Node_t, rd_kafka_TopicDescription_error, rd_kafka_TopicDescription_name,
    rd_kafka_TopicDescription_partitions, rd_kafka_TopicDescription_t,
    rd_kafka_TopicPartitionInfo_isr, rd_kafka_TopicPartitionInfo_leader,
    rd_kafka_TopicPartitionInfo_partition, rd_kafka_TopicPartitionInfo_replicas,
    rd_kafka_TopicPartitionInfo_t, rd_kafka_error_code, rd_kafka_error_string, rd_kafka_error_t,
    rd_kafka_event_AlterConsumerGroupOffsets_result, rd_kafka_event_CreateTopics_result,
    rd_kafka_event_DeleteGroups_result, rd_kafka_event_DeleteTopics_result,
    rd_kafka_event_DescribeTopics_result, rd_kafka_event_ListConsumerGroupOffsets_result,
    rd_kafka_event_ListOffsets_result, rd_kafka_group_result_error, rd_kafka_group_result_name,
    rd_kafka_group_result_partitions, rd_kafka_group_result_t, rd_kafka_resp_err_t,
    rd_kafka_topic_result_error, rd_kafka_topic_result_error_string, rd_kafka_topic_result_name,
    rd_kafka_topic_result_t,
};
use std::slice;

use super::list::position_of;
use super::metadata::{PartitionInfo, TopicInfo};
use super::text::{error_of, owned};
use super::{Event, List, Position};
use crate::kafka::error::KafkaError;

/// What became of one topic or group of a request.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) error: Option<KafkaError>,
}

/// What is known of a group's positions.
#[derive(Debug)]
pub(crate) struct GroupPositions {
    pub(crate) error: Option<KafkaError>,
    pub(crate) positions: Vec<Position>,
}

/// The protocol's number for a partition that nobody leads at the moment.
const LEADER_NOT_AVAILABLE: i32 = 5;

impl Event {
    /// What a creation or deletion of topics, or a deletion of groups, has done. Empty for other events.
    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        let (raw, mut count) = (self.raw(), 0);
        // SAFETY: a live event of the kind that is asked; all lives as long as it.
        unsafe {
            match self.kind() {
                RD_KAFKA_EVENT_CREATETOPICS_RESULT => {
                    let result = rd_kafka_event_CreateTopics_result(raw);
                    let all = rd_kafka_CreateTopics_result_topics(result, &raw mut count);
                    part(all, count).iter().map(|&it| topic_outcome(it)).collect()
                }
                RD_KAFKA_EVENT_DELETETOPICS_RESULT => {
                    let result = rd_kafka_event_DeleteTopics_result(raw);
                    let all = rd_kafka_DeleteTopics_result_topics(result, &raw mut count);
                    part(all, count).iter().map(|&it| topic_outcome(it)).collect()
                }
                RD_KAFKA_EVENT_DELETEGROUPS_RESULT => {
                    let result = rd_kafka_event_DeleteGroups_result(raw);
                    let all = rd_kafka_DeleteGroups_result_groups(result, &raw mut count);
                    part(all, count).iter().map(|&it| group_outcome(it)).collect()
                }
                _ => Vec::new(),
            }
        }
    }

    /// Topics with their partitions.
    pub(crate) fn described_topics(&self) -> Vec<TopicInfo> {
        if self.kind() != RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT {
            return Vec::new();
        }
        let mut count = 0;
        // SAFETY: a live event of this kind; all lives as long as it.
        unsafe {
            let result = rd_kafka_event_DescribeTopics_result(self.raw());
            let all = rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
            part(all, count).iter().map(|&it| topic_of(it)).collect()
        }
    }

    /// Offsets of partitions.
    pub(crate) fn listed_offsets(&self) -> Vec<Position> {
        if self.kind() != RD_KAFKA_EVENT_LISTOFFSETS_RESULT {
            return Vec::new();
        }
        let mut count = 0;
        // SAFETY: as above.
        unsafe {
            let result = rd_kafka_event_ListOffsets_result(self.raw());
            let all = rd_kafka_ListOffsets_result_infos(result, &raw mut count);
            part(all, count)
                .iter()
                .map(|&it| position_of(&*rd_kafka_ListOffsetsResultInfo_topic_partition(it)))
                .collect()
        }
    }

    /// Positions of the group that was asked for or changed.
    pub(crate) fn group_positions(&self) -> Option<GroupPositions> {
        let (raw, mut count) = (self.raw(), 0);
        // SAFETY: a live event of the kind that is asked; all lives as long as it.
        unsafe {
            let groups = match self.kind() {
                RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT => {
                    let result = rd_kafka_event_ListConsumerGroupOffsets_result(raw);
                    rd_kafka_ListConsumerGroupOffsets_result_groups(result, &raw mut count)
                }
                RD_KAFKA_EVENT_ALTERCONSUMERGROUPOFFSETS_RESULT => {
                    let result = rd_kafka_event_AlterConsumerGroupOffsets_result(raw);
                    rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &raw mut count)
                }
                _ => return None,
            };
            let &group = part(groups, count).first()?;
            Some(GroupPositions {
                error: fault(rd_kafka_group_result_error(group)),
                positions: List::copied(rd_kafka_group_result_partitions(group)).positions(),
            })
        }
    }
}

/// # Safety
/// A result of a live event.
unsafe fn topic_outcome(topic: *const rd_kafka_topic_result_t) -> Outcome {
    // SAFETY: the caller's promise.
    unsafe {
        let error = rd_kafka_topic_result_error(topic);
        let failed = error != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
        Outcome {
            name: owned(rd_kafka_topic_result_name(topic)),
            error: failed
                .then(|| error_of(error, owned(rd_kafka_topic_result_error_string(topic)))),
        }
    }
}

/// # Safety
/// A result of a live event.
unsafe fn group_outcome(group: *const rd_kafka_group_result_t) -> Outcome {
    // SAFETY: the caller's promise.
    unsafe {
        Outcome {
            name: owned(rd_kafka_group_result_name(group)),
            error: fault(rd_kafka_group_result_error(group)),
        }
    }
}

/// # Safety
/// A result of a live event.
unsafe fn topic_of(topic: *const rd_kafka_TopicDescription_t) -> TopicInfo {
    let mut count = 0;
    // SAFETY: the caller's promise.
    unsafe {
        let partitions = rd_kafka_TopicDescription_partitions(topic, &raw mut count);
        TopicInfo {
            name: owned(rd_kafka_TopicDescription_name(topic)),
            error: fault(rd_kafka_TopicDescription_error(topic)),
            partitions: part(partitions, count).iter().map(|&it| partition_of(it)).collect(),
        }
    }
}

/// # Safety
/// A part of a result of a live event.
unsafe fn partition_of(partition: *const rd_kafka_TopicPartitionInfo_t) -> PartitionInfo {
    let (mut replicas, mut isr) = (0, 0);
    // SAFETY: the caller's promise.
    unsafe {
        let leader = rd_kafka_TopicPartitionInfo_leader(partition);
        let leader = if leader.is_null() { -1 } else { rd_kafka_Node_id(leader) };
        let all = rd_kafka_TopicPartitionInfo_replicas(partition, &raw mut replicas);
        let in_sync = rd_kafka_TopicPartitionInfo_isr(partition, &raw mut isr);
        let (all, in_sync) = (part(all, replicas), part(in_sync, isr));
        // A broker that is away has no address.
        let away = |node: &&*const rd_kafka_Node_t| rd_kafka_Node_host(**node).is_null();
        PartitionInfo {
            partition_error_code: if leader < 0 { LEADER_NOT_AVAILABLE } else { 0 },
            partition_id: rd_kafka_TopicPartitionInfo_partition(partition),
            leader,
            replicas: all.iter().map(|&node| rd_kafka_Node_id(node)).collect(),
            isr: in_sync.iter().map(|&node| rd_kafka_Node_id(node)).collect(),
            offline_replicas: all.iter().filter(away).map(|&it| rd_kafka_Node_id(it)).collect(),
        }
    }
}

/// # Safety
/// Null, or an error that lives during the call.
unsafe fn fault(error: *const rd_kafka_error_t) -> Option<KafkaError> {
    if error.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe {
        let code = rd_kafka_error_code(error);
        let failed = code != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
        failed.then(|| error_of(code, owned(rd_kafka_error_string(error))))
    }
}

/// # Safety
/// librdkafka's own pair of pointer and count.
unsafe fn part<'a, T>(start: *mut *const T, count: usize) -> &'a [*const T] {
    if count == 0 || start.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(start, count) }
}
