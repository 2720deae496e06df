//! A producer's settings, and those of one profile.

use serde::Deserialize;
use std::time::Duration;

use crate::kafka::config::{ClientConfig, Setting};

/// Profiles at most. Each is a native client with threads and connections of its own.
pub(super) const MOST_PROFILES: usize = 16;

/// What librdkafka keeps of one profile's messages until their delivery, KiB. What does not fit waits
/// in front of it, up to `max_waiting_bytes`.
const QUEUE_KIB: u32 = 128 * 1024;

/// A broker takes no larger request (its `socket.request.max.bytes`), and says itself which message is
/// too large for it.
const LARGEST_MESSAGE: u32 = 100 * 1024 * 1024;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProducerConfig {
    pub client: ClientConfig,
    pub idempotent: bool,
    /// Requests on the way to one broker. None: 5.
    pub max_in_flight: Option<u32>,
    /// How often a request that failed is sent again.
    pub retries: u32,
    /// How long a message may take with all retries, and how long a topic is asked for of which
    /// nothing is known; ms. 0: without end.
    pub message_timeout: u32,
    /// How long a topic is asked for again that the cluster says it does not have; ms. None: as long as a message
    /// may take.
    pub missing_timeout: Option<u32>,
    /// Messages that wait for metadata or for room, in bytes; beyond it, sends are refused.
    pub max_waiting_bytes: u64,
    /// How long `close` waits for what is being sent, while there is a broker; ms.
    pub close_timeout: u32,
}

/// What kafkajs takes with each send and librdkafka per client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileConfig {
    /// -1, 0 or 1.
    pub acks: i32,
    /// For the broker to have its acknowledgements; ms.
    pub timeout: u32,
    /// kafkajs's `CompressionTypes`: none, gzip, snappy, lz4, zstd.
    pub compression: u8,
}

impl ProfileConfig {
    /// What most sends have, and `connect` makes.
    pub(super) const DEFAULT: Self = Self { acks: -1, timeout: 30_000, compression: 0 };

    fn codec(self) -> &'static str {
        match self.compression {
            1 => "gzip",
            2 => "snappy",
            3 => "lz4",
            4 => "zstd",
            _ => "none",
        }
    }
}

impl ProducerConfig {
    pub(super) fn settings(&self, profile: ProfileConfig) -> Vec<Setting> {
        let longest = self.client.max_retry_time.max(self.client.initial_retry_time);
        // Without an end to what is in flight, throughput has two states, of which one is bad.
        let in_flight = self.max_in_flight.unwrap_or(5).clamp(1, 1_000_000);
        let mut settings = vec![
            ("request.required.acks", profile.acks.to_string()),
            ("request.timeout.ms", profile.timeout.clamp(1, 900_000).to_string()),
            ("compression.codec", profile.codec().to_owned()),
            ("message.timeout.ms", self.message_timeout.min(i32::MAX as u32).to_string()),
            ("message.send.max.retries", self.retries.min(i32::MAX as u32).to_string()),
            ("retry.backoff.ms", self.client.initial_retry_time.clamp(1, 300_000).to_string()),
            ("retry.backoff.max.ms", longest.clamp(1, 300_000).to_string()),
            ("message.max.bytes", LARGEST_MESSAGE.to_string()),
            ("queue.buffering.max.kbytes", QUEUE_KIB.to_string()),
            // Only their bytes are bounded.
            ("queue.buffering.max.messages", "0".to_owned()),
        ];
        if let Some(missing) = self.missing_timeout {
            settings
                .push(("topic.metadata.propagation.max.ms", missing.min(3_600_000).to_string()));
        }
        if self.idempotent {
            // At 0 librdkafka may spin while as much is in flight as may be: it looks again this often. Longer would
            // only hold back what is sent alone.
            settings.extend([
                ("enable.idempotence", "true".to_owned()),
                ("linger.ms", "1".to_owned()),
                ("batch.size", "262144".to_owned()),
                ("max.in.flight", in_flight.min(5).to_string()),
            ]);
        } else {
            settings
                .extend([("linger.ms", "0".to_owned()), ("max.in.flight", in_flight.to_string())]);
        }
        settings
    }

    pub(super) fn missing(&self) -> Option<Duration> {
        self.missing_timeout.map(|it| Duration::from_millis(it.into()))
    }

    /// None: without end.
    pub(super) fn budget(&self) -> Option<Duration> {
        (self.message_timeout > 0).then(|| Duration::from_millis(self.message_timeout.into()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::kafka::config::tests::plain;
    use crate::kafka::sys::{Conf, Handle, Kind};

    pub(in crate::kafka::producer) fn config(brokers: &[&str]) -> ProducerConfig {
        ProducerConfig {
            client: plain(brokers),
            idempotent: false,
            max_in_flight: None,
            retries: 5,
            message_timeout: 40_000,
            missing_timeout: None,
            max_waiting_bytes: 64 * 1024 * 1024,
            close_timeout: 1_000,
        }
    }

    #[test]
    fn librdkafka_takes_the_settings_of_every_profile() {
        for idempotent in [false, true] {
            for (acks, timeout, compression) in
                [(-1, 30_000, 0), (0, 1, 1), (1, u32::MAX, 2), (-1, 1_000, 3), (-1, 1_000, 4)]
            {
                if idempotent && acks != -1 {
                    continue;
                }
                let missing_timeout = idempotent.then_some(u32::MAX);
                let config =
                    ProducerConfig { idempotent, missing_timeout, ..config(&["127.0.0.1:1"]) };
                let profile = ProfileConfig { acks, timeout, compression };
                let settings = config.settings(profile);
                let all = settings.iter().map(|(name, value)| (*name, value.as_str()));
                Handle::new(Kind::Producer, Conf::new().with(all).unwrap()).unwrap();
            }
        }
    }
}
