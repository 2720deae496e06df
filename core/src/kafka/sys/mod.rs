//! Safe wrappers over librdkafka's C API: the only place of the core with `unsafe`. They decide
//! nothing: policy is in the modules around.

#![expect(unsafe_code, reason = "librdkafka is a C library")]

mod admin;
mod admin_results;
mod census;
mod certificate;
mod conf;
mod consumer;
mod delivery;
mod event;
mod groups;
mod handle;
mod library;
mod list;
mod message;
mod metadata;
mod mock;
mod produce;
mod queue;
mod text;
mod token;

pub(crate) use admin::{AdminOperation, AdminOptions, NewTopic};
pub(crate) use admin_results::Outcome;
pub(crate) use conf::{Conf, Events};
pub(crate) use delivery::Delivery;
pub(crate) use event::Event;
pub use groups::{GroupInfo, MemberInfo};
pub(crate) use handle::{Handle, Kind};
pub(crate) use library::{features, version};
pub(crate) use list::{List, Position};
pub(crate) use message::{Inbox, Message};
pub use metadata::{BrokerInfo, ClusterInfo, PartitionInfo, TopicInfo};
pub(crate) use metadata::{Scope, Topic};
pub(crate) use mock::MockCluster;
pub(crate) use produce::{Batch, Extras, Plain, TopicHandle, is_full};
pub(crate) use queue::Queue;
#[cfg(test)]
pub(crate) use text::{code_of, name_of};
