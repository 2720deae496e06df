//! A consumer's settings: those that `lib/kafka/consumer/` has checked, as librdkafka's.

use serde::Deserialize;

use crate::kafka::config::{ClientConfig, Setting};

/// The longest `rebalance_timeout` and `session_timeout` that librdkafka takes.
const LONGEST_REBALANCE: u32 = 86_400_000;
const LONGEST_SESSION: u32 = 3_600_000;
/// The longest wait of a fetch that goes with librdkafka's longest request; and one that asks often enough
/// without costing anything.
const LONGEST_WAIT: u32 = 290_000;
const SHORT_WAIT: u32 = 500;
/// A fetch is no smaller: what bounds it bounds requests too. A broker gives whole batches in any case.
const SMALLEST_FETCH: u32 = 65_536;
/// The largest fetch that librdkafka takes.
const LARGEST_FETCH: u32 = 1_000_000_000;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsumerConfig {
    pub client: ClientConfig,
    pub group_id: String,
    pub group_instance_id: Option<String>,
    /// After how long without a heartbeat the group goes on without this member; ms.
    pub session_timeout: u32,
    /// Between heartbeats; ms.
    pub heartbeat_interval: u32,
    /// For members to join again in a rebalance; ms.
    pub rebalance_timeout: u32,
    /// What a broker waits for before it answers a fetch, and how long; bytes, ms.
    pub min_bytes: u32,
    pub max_wait_time: u32,
    /// Of one fetch, and of one partition in it; bytes.
    pub max_bytes: u32,
    pub max_bytes_per_partition: u32,
    pub read_uncommitted: bool,
    pub rack_id: Option<String>,
}

impl ConsumerConfig {
    /// How long a broker waits for data. It can be asked for nothing else meanwhile, such as the place that a
    /// partition was sought to, so it is long only where there is a minimum to wait for.
    fn wait(&self) -> u32 {
        let longest = if self.min_bytes > 1 { LONGEST_WAIT } else { SHORT_WAIT };
        self.max_wait_time.min(longest)
    }

    pub(crate) fn settings(&self) -> Vec<Setting> {
        let session = self.session_timeout.clamp(1, LONGEST_SESSION);
        let heartbeat = self.heartbeat_interval.clamp(1, LONGEST_SESSION);
        let most = self.max_bytes.clamp(SMALLEST_FETCH, LARGEST_FETCH - 512);
        let of_partition = self.max_bytes_per_partition.clamp(1, LARGEST_FETCH);
        let isolation = if self.read_uncommitted { "read_uncommitted" } else { "read_committed" };
        let mut settings = vec![
            ("group.id", self.group_id.clone()),
            ("session.timeout.ms", session.to_string()),
            ("heartbeat.interval.ms", heartbeat.to_string()),
            // What the group waits for in a rebalance. librdkafka refuses less than the session's.
            (
                "max.poll.interval.ms",
                self.rebalance_timeout.clamp(session, LONGEST_REBALANCE).to_string(),
            ),
            ("partition.assignment.strategy", "roundrobin,range".to_owned()),
            ("fetch.min.bytes", self.min_bytes.clamp(1, 100_000_000).to_string()),
            ("fetch.wait.max.ms", self.wait().to_string()),
            ("fetch.max.bytes", most.to_string()),
            // librdkafka refuses a fetch that is smaller than the largest message it would produce.
            ("message.max.bytes", most.min(1_000_000).to_string()),
            ("max.partition.fetch.bytes", of_partition.to_string()),
            // librdkafka wants room for one fetch.
            ("receive.message.max.bytes", (most + 512).max(100_000_000).to_string()),
            ("isolation.level", isolation.to_owned()),
            ("enable.auto.commit", "false".to_owned()),
            ("enable.auto.offset.store", "false".to_owned()),
            ("enable.partition.eof", "false".to_owned()),
            // Its default of a second halves the throughput.
            ("fetch.queue.backoff.ms", "5".to_owned()),
            ("queued.min.messages", "20000".to_owned()),
            ("queued.max.messages.kbytes", "16384".to_owned()),
        ];
        // librdkafka refuses a wait for data that is longer than a request may take.
        let timeout = self.client.request_timeout.clamp(10, 300_000);
        if timeout <= self.wait() + 1_000 {
            settings.push(("socket.timeout.ms", (self.wait() + 2_000).to_string()));
        }
        let instance = self.group_instance_id.iter().map(|it| ("group.instance.id", it.clone()));
        settings.extend(instance);
        let rack = self.rack_id.iter().filter(|it| !it.is_empty());
        settings.extend(rack.map(|it| ("client.rack", it.clone())));
        settings
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::kafka::config::tests::plain;
    use crate::kafka::sys::{Conf, Handle, Kind};

    pub(crate) fn of_group(brokers: &[&str], group: &str) -> ConsumerConfig {
        ConsumerConfig {
            client: plain(brokers),
            group_id: group.to_owned(),
            group_instance_id: None,
            session_timeout: 30_000,
            heartbeat_interval: 3_000,
            rebalance_timeout: 60_000,
            min_bytes: 1,
            max_wait_time: 5_000,
            max_bytes: 10_485_760,
            max_bytes_per_partition: 1_048_576,
            read_uncommitted: false,
            rack_id: None,
        }
    }

    fn accepted(config: &ConsumerConfig) {
        let mut settings = config.client.settings();
        settings.extend(config.settings());
        let borrowed = settings.iter().map(|(name, value)| (*name, value.as_str()));
        Handle::new(Kind::Consumer, Conf::new().with(borrowed).unwrap()).unwrap();
    }

    #[test]
    fn librdkafka_takes_what_kafkajs_allows() {
        let usual = of_group(&["127.0.0.1:1"], "g");
        accepted(&usual);
        // kafkajs lets the rebalance be shorter than the session, and a wait be longer than a request.
        accepted(&ConsumerConfig { rebalance_timeout: 1_000, ..usual.clone() });
        accepted(&ConsumerConfig { max_wait_time: 60_000, ..usual.clone() });
        accepted(&ConsumerConfig { max_bytes: 1, max_bytes_per_partition: 1, ..usual.clone() });
        accepted(&ConsumerConfig { max_bytes: u32::MAX, ..usual.clone() });
        accepted(&ConsumerConfig {
            group_instance_id: Some("one".to_owned()),
            rack_id: Some(String::new()),
            read_uncommitted: true,
            ..usual
        });
    }
}
