//! A Kafka without Kafka: brokers inside the process, for tests and demos (`EmbeddedKafka`).

use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};

use super::client::Done;
use super::error::KafkaError;
use super::sys::MockCluster;
use super::work;

/// How long a group waits for more members before its first generation; ms. librdkafka's own default is
/// 3,000, as a real broker's: nobody wants to wait for that in a test. Members that start together meet.
const GROUP_DELAY: i32 = 50;

/// What `lib/kafka/embedded.ts` gives: complete and checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmbeddedConfig {
    pub brokers: u8,
    pub topics: Vec<EmbeddedTopic>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmbeddedTopic {
    pub topic: String,
    pub num_partitions: i32,
}

#[derive(Debug, Clone)]
pub struct EmbeddedKafka {
    /// None when it is closed. Locked only aside, while the cluster does something.
    cluster: Arc<Mutex<Option<MockCluster>>>,
    brokers: Vec<String>,
}

impl EmbeddedKafka {
    /// # Errors
    /// The system has no thread or no port, or a topic is not possible.
    pub fn start(config: &EmbeddedConfig) -> Result<Self, KafkaError> {
        let cluster = MockCluster::new(config.brokers)?;
        cluster.set_initial_rebalance_delay(GROUP_DELAY);
        let brokers = cluster.brokers();
        let kafka = Self { cluster: Arc::new(Mutex::new(Some(cluster))), brokers };
        for topic in &config.topics {
            kafka.create(topic)?;
        }
        Ok(kafka)
    }

    /// `host:port` of each broker.
    #[must_use]
    pub fn brokers(&self) -> &[String] {
        &self.brokers
    }

    /// Creates a topic with as many replicas as there are brokers, at most 3.
    pub fn create_topic(&self, topic: EmbeddedTopic, done: Done<()>) {
        let kafka = self.clone();
        work::ask(done, move || kafka.create(&topic));
    }

    /// Ends the brokers and their connections. What they held is gone.
    pub fn close(&self, done: Done<()>) {
        let kafka = self.clone();
        work::ask(done, move || {
            drop(kafka.take());
            Ok(())
        });
    }

    /// The same for whoever does not wait for it.
    pub fn abandon(&self) {
        work::drop_aside(self.take());
    }

    fn create(
        &self,
        EmbeddedTopic { topic, num_partitions }: &EmbeddedTopic,
    ) -> Result<(), KafkaError> {
        let cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = cluster.as_ref().ok_or_else(KafkaError::closed)?;
        let replicas = i32::try_from(self.brokers.len().min(3)).unwrap_or(3);
        cluster.create_topic(topic, *num_partitions, replicas)
    }

    fn take(&self) -> Option<MockCluster> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    fn two_brokers() -> EmbeddedKafka {
        let topics = vec![EmbeddedTopic { topic: "orders".to_owned(), num_partitions: 3 }];
        EmbeddedKafka::start(&EmbeddedConfig { brokers: 2, topics }).unwrap()
    }

    fn outcome(call: impl FnOnce(Done<()>)) -> Result<(), KafkaError> {
        let (sender, receiver) = channel();
        call(Box::new(move |outcome| sender.send(outcome).unwrap()));
        receiver.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    #[test]
    fn its_brokers_listen_until_it_is_closed() {
        let kafka = two_brokers();
        assert_eq!(kafka.brokers().len(), 2);
        for broker in kafka.brokers() {
            assert!(broker.starts_with("127.0.0.1:"), "{broker}");
            TcpStream::connect(broker).unwrap();
        }
        outcome(|done| kafka.close(done)).unwrap();
        for broker in kafka.brokers() {
            assert!(TcpStream::connect(broker).is_err());
        }
        outcome(|done| kafka.close(done)).unwrap();
    }

    #[test]
    fn a_topic_is_created_once_and_not_after_the_end() {
        let kafka = two_brokers();
        let create = |name: &str| {
            let topic = EmbeddedTopic { topic: name.to_owned(), num_partitions: 1 };
            outcome(|done| kafka.create_topic(topic, done)).map_err(|error| error.name)
        };
        assert_eq!(create("bills"), Ok(()));
        assert_eq!(create("orders"), Err("TOPIC_ALREADY_EXISTS".to_owned()));
        kafka.abandon();
        assert_eq!(create("letters"), Err("_DESTROY".to_owned()));
    }
}
