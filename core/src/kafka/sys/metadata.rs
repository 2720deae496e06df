//! What a cluster says of its brokers and topics.

use rdkafka::bindings::{
    rd_kafka_clusterid, rd_kafka_controllerid, rd_kafka_mem_free, rd_kafka_metadata,
    rd_kafka_metadata_destroy, rd_kafka_metadata_topic, rd_kafka_topic_conf_new,
    rd_kafka_topic_conf_set, rd_kafka_topic_destroy, rd_kafka_topic_new, rd_kafka_topic_t,
};
use serde::Serialize;
use std::ffi::c_char;
use std::ptr;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use super::Handle;
use super::text::{c_string, check, code_of, owned};
use crate::kafka::error::KafkaError;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterInfo {
    pub cluster_id: Option<String>,
    /// Null where the cluster does not tell.
    pub controller: Option<i32>,
    pub brokers: Vec<BrokerInfo>,
    pub topics: Vec<TopicInfo>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerInfo {
    pub node_id: i32,
    pub host: String,
    pub port: i32,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicInfo {
    pub name: String,
    /// What is wrong with the topic: it may be unknown, or not allowed.
    pub error: Option<KafkaError>,
    pub partitions: Vec<PartitionInfo>,
}

/// A partition, under kafkajs's names.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionInfo {
    pub partition_error_code: i32,
    pub partition_id: i32,
    /// The broker that leads it; -1 for none at the moment.
    pub leader: i32,
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    /// Those of `replicas` that are away.
    pub offline_replicas: Vec<i32>,
}

/// Of which topics.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// Those that the client knows already.
    Known,
    All,
    /// One. A broker that creates topics by itself may create it now.
    One(&'a str),
}

impl Handle {
    /// Asks the cluster, and waits so long for the answer.
    ///
    /// # Errors
    /// No broker answers in time, or it refuses.
    pub(crate) fn metadata(
        self: &Arc<Self>,
        scope: Scope<'_>,
        timeout: Duration,
    ) -> Result<ClusterInfo, KafkaError> {
        let topic = match scope {
            Scope::One(name) => Some(Topic::new(self, name)?),
            Scope::Known | Scope::All => None,
        };
        let raw_topic = topic.as_ref().map_or(ptr::null_mut(), |topic| topic.raw);
        let all = i32::from(matches!(scope, Scope::All));
        let mut raw = ptr::null();
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: a live client, a live topic or null, and a place to write to.
        check(unsafe { rd_kafka_metadata(self.raw(), all, raw_topic, &raw mut raw, timeout_ms) })?;
        // SAFETY: the call has given it to us.
        let (brokers, topics) = unsafe {
            let metadata = &*raw;
            let brokers = part(metadata.brokers, metadata.broker_cnt).iter().map(|broker| {
                BrokerInfo { node_id: broker.id, host: owned(broker.host), port: broker.port }
            });
            let brokers: Vec<_> = brokers.collect();
            let topics = part(metadata.topics, metadata.topic_cnt).iter();
            let topics = topics.map(|topic| topic_of(topic, &brokers)).collect();
            let copied = (brokers, topics);
            rd_kafka_metadata_destroy(raw);
            copied
        };
        let (cluster_id, controller) = self.cluster();
        Ok(ClusterInfo { cluster_id, controller, brokers, topics })
    }

    /// What the client has learned already; asks nobody.
    fn cluster(&self) -> (Option<String>, Option<i32>) {
        // SAFETY: a live client; the text is ours to free, by librdkafka's own function.
        unsafe {
            let raw = rd_kafka_clusterid(self.raw(), 0);
            let id = (!raw.is_null()).then(|| {
                let id = owned(raw);
                rd_kafka_mem_free(self.raw(), raw.cast());
                id
            });
            let controller = rd_kafka_controllerid(self.raw(), 0);
            (id, (controller >= 0).then_some(controller))
        }
    }
}

/// A client's local object for a topic. Others keep what it refers to alive.
#[derive(Debug)]
pub(crate) struct Topic {
    raw: *mut rd_kafka_topic_t,
    _client: Arc<Handle>,
}

// SAFETY: librdkafka's topics are thread-safe.
unsafe impl Send for Topic {}

impl Topic {
    /// # Errors
    /// A name with a zero byte, or one that librdkafka refuses.
    pub(crate) fn new(handle: &Arc<Handle>, name: &str) -> Result<Self, KafkaError> {
        let c_name = c_string(name)?;
        // SAFETY: a live client and a C string; null stands for the client's own settings.
        let raw = unsafe { rd_kafka_topic_new(handle.raw(), c_name.as_ptr(), ptr::null_mut()) };
        if raw.is_null() {
            return Err(KafkaError::invalid(format!("{name:?} is no name of a topic")));
        }
        Ok(Self { raw, _client: handle.clone() })
    }

    /// A topic of a consumer's, and where to begin when its group has no offset, or none that is
    /// still in the log. It has no effect while there is an object for this topic already.
    ///
    /// # Errors
    /// As `new`.
    pub(crate) fn beginning(
        handle: &Arc<Handle>,
        name: &str,
        from_beginning: bool,
    ) -> Result<Self, KafkaError> {
        let c_name = c_string(name)?;
        let value = if from_beginning { c"earliest" } else { c"latest" };
        let mut text = [0 as c_char; 512];
        // SAFETY: C strings that live during the calls, and a buffer with its length. The topic owns
        // the configuration, if there is a topic.
        let raw = unsafe {
            let conf = rd_kafka_topic_conf_new();
            rd_kafka_topic_conf_set(
                conf,
                c"auto.offset.reset".as_ptr(),
                value.as_ptr(),
                text.as_mut_ptr(),
                text.len(),
            );
            rd_kafka_topic_new(handle.raw(), c_name.as_ptr(), conf)
        };
        if raw.is_null() {
            return Err(KafkaError::invalid(format!("{name:?} is no name of a topic")));
        }
        Ok(Self { raw, _client: handle.clone() })
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { rd_kafka_topic_destroy(self.raw) };
    }
}

/// # Safety
/// The caller's pair of pointer and count is librdkafka's own.
unsafe fn part<'a, T>(start: *const T, count: i32) -> &'a [T] {
    match usize::try_from(count) {
        // SAFETY: the caller's promise.
        Ok(count) if count > 0 && !start.is_null() => unsafe {
            slice::from_raw_parts(start, count)
        },
        _ => &[],
    }
}

fn topic_of(topic: &rd_kafka_metadata_topic, brokers: &[BrokerInfo]) -> TopicInfo {
    // SAFETY: librdkafka's own pairs of pointers and counts.
    unsafe {
        let partitions = part(topic.partitions, topic.partition_cnt).iter().map(|it| {
            let replicas = part(it.replicas, it.replica_cnt).to_vec();
            let away = |replica: &&i32| brokers.iter().all(|broker| broker.node_id != **replica);
            PartitionInfo {
                partition_error_code: code_of(it.err),
                partition_id: it.id,
                leader: it.leader,
                isr: part(it.isrs, it.isr_cnt).to_vec(),
                offline_replicas: replicas.iter().filter(away).copied().collect(),
                replicas,
            }
        });
        TopicInfo {
            name: owned(topic.topic),
            error: check(topic.err).err(),
            partitions: partitions.collect(),
        }
    }
}
