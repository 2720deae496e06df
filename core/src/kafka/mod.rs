//! Kafka: kafkajs's producer, consumer and admin over librdkafka.
//!
//! Here are the engine's threads, the native clients and the batches that cross to JavaScript.
//! What kafkajs means by its API (offsets, handlers, retries of handlers, events) is in
//! `lib/kafka/`, where the handlers run.

pub mod admin;
pub mod client;
pub mod config;
pub mod consumer;
pub mod error;
pub mod library;
pub mod mock;
pub mod notices;
pub mod producer;
mod sys;
pub mod tokens;
mod work;

pub use client::{Client, Done};
pub use error::KafkaError;
pub use sys::{BrokerInfo, ClusterInfo, GroupInfo, MemberInfo, PartitionInfo, TopicInfo};
