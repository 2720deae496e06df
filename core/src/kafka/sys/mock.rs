//! librdkafka's mock cluster.

use rdkafka::bindings::{
    rd_kafka_mock_cluster_bootstraps, rd_kafka_mock_cluster_destroy, rd_kafka_mock_cluster_new,
    rd_kafka_mock_cluster_t, rd_kafka_mock_group_initial_rebalance_delay_ms,
    rd_kafka_mock_topic_create,
};

use super::text::{c_string, check, owned};
use super::{Conf, Handle, Kind};
use crate::kafka::error::KafkaError;

/// Brokers on ports of loopback, in a thread of their own. Drop waits for that thread.
#[derive(Debug)]
pub(crate) struct MockCluster {
    raw: *mut rd_kafka_mock_cluster_t,
    /// The client whose threads and timers the cluster uses. It connects to nothing.
    _handle: Handle,
}

// SAFETY: each call is an operation that the cluster's own thread takes from a queue with a lock.
unsafe impl Send for MockCluster {}

impl MockCluster {
    /// # Errors
    /// The system has no thread or no port.
    pub(crate) fn new(brokers: u8) -> Result<Self, KafkaError> {
        // Nobody takes the lines that it would log.
        let handle = Handle::new(Kind::Producer, Conf::new().with([("log_level", "0")])?)?;
        // SAFETY: a live client.
        let raw = unsafe { rd_kafka_mock_cluster_new(handle.raw(), i32::from(brokers)) };
        if raw.is_null() {
            return Err(KafkaError::no_thread("the system has no thread or no port for brokers"));
        }
        Ok(Self { raw, _handle: handle })
    }

    /// `host:port` of each broker.
    pub(crate) fn brokers(&self) -> Vec<String> {
        // SAFETY: the string lives as long as the cluster.
        let list = unsafe { owned(rd_kafka_mock_cluster_bootstraps(self.raw)) };
        list.split(',').map(str::to_owned).collect()
    }

    /// How long a group waits for more members before its first generation. Members who came before
    /// keep to what held then.
    pub(crate) fn set_initial_rebalance_delay(&self, milliseconds: i32) {
        // SAFETY: a live cluster.
        unsafe { rd_kafka_mock_group_initial_rebalance_delay_ms(self.raw, milliseconds) };
    }

    /// # Errors
    /// There is one of this name, or the name or the number is not possible.
    pub(crate) fn create_topic(
        &self,
        name: &str,
        partitions: i32,
        replicas: i32,
    ) -> Result<(), KafkaError> {
        let name = c_string(name)?;
        // SAFETY: a live cluster and a C string, which is copied.
        check(unsafe { rd_kafka_mock_topic_create(self.raw, name.as_ptr(), partitions, replicas) })
    }
}

impl Drop for MockCluster {
    fn drop(&mut self) {
        // SAFETY: ours; its client is dropped after it.
        unsafe { rd_kafka_mock_cluster_destroy(self.raw) };
    }
}
