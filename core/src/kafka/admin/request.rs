//! What an admin is asked and what it answers: JSON on the other side, under kafkajs's names.

use serde::{Deserialize, Serialize};

use crate::kafka::error::KafkaError;
use crate::kafka::sys::{ClusterInfo, GroupInfo, NewTopic, Outcome, Position, TopicInfo};

/// One of them; JSON with `type`.
#[derive(Debug, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum AdminRequest {
    /// `timeout` is for the brokers to do it; ms.
    CreateTopics {
        topics: Vec<TopicToCreate>,
        validate_only: bool,
        timeout: u32,
    },
    DeleteTopics {
        topics: Vec<String>,
        timeout: u32,
    },
    /// The names of all.
    ListTopics,
    /// Their partitions. Asking creates none.
    DescribeTopics {
        topics: Vec<String>,
    },
    /// All with their partitions.
    DescribeAllTopics,
    DescribeCluster,
    ListOffsets {
        partitions: Vec<PartitionTime>,
    },
    /// What a group has committed: for these partitions, or all.
    ListGroupOffsets {
        group_id: String,
        partitions: Option<Vec<Partition>>,
    },
    AlterGroupOffsets {
        group_id: String,
        partitions: Vec<PartitionOffset>,
    },
    ListGroups,
    /// Groups that are not known are left out of the answer.
    DescribeGroups {
        group_ids: Vec<String>,
    },
    DeleteGroups {
        group_ids: Vec<String>,
    },
}

/// -1 is the brokers' default.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TopicToCreate {
    pub topic: String,
    pub num_partitions: i32,
    pub replication_factor: i32,
    /// Its partitions are counted from 0, and there is no other number then.
    pub replica_assignment: Vec<Assignment>,
    pub config_entries: Vec<ConfigEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    pub partition: i32,
    pub replicas: Vec<i32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigEntry {
    pub name: String,
    pub value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    pub topic: String,
    pub partition: i32,
}

/// Asks for the first offset whose message is not older; -1 is the end and -2 the beginning.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionTime {
    pub topic: String,
    pub partition: i32,
    pub timestamp: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionOffset {
    pub topic: String,
    pub partition: i32,
    /// In decimal.
    pub offset: String,
    pub metadata: Option<String>,
}

/// What fits the request.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum AdminReply {
    Outcomes(Vec<OutcomeReply>),
    Names(Vec<String>),
    Topics(Vec<TopicInfo>),
    Cluster(ClusterInfo),
    Positions(Vec<PositionReply>),
    Groups(Vec<GroupInfo>),
}

/// What became of one topic or group. It may fail while others succeed.
#[derive(Debug, Serialize)]
pub struct OutcomeReply {
    pub name: String,
    pub error: Option<KafkaError>,
}

#[derive(Debug, Serialize)]
pub struct PositionReply {
    pub topic: String,
    pub partition: i32,
    /// In decimal; -1 for none.
    pub offset: String,
    pub metadata: Option<String>,
    pub error: Option<KafkaError>,
}

impl TopicToCreate {
    /// For librdkafka, which counts the partitions of an assignment by itself.
    pub(crate) fn native(&self) -> NewTopic<'_> {
        let mut assignment: Vec<_> = self.replica_assignment.iter().collect();
        assignment.sort_by_key(|it| it.partition);
        let assigned = i32::try_from(assignment.len()).unwrap_or(i32::MAX);
        NewTopic {
            name: &self.topic,
            partitions: if assigned > 0 { assigned } else { self.num_partitions },
            replication_factor: self.replication_factor,
            replicas: assignment.iter().map(|it| it.replicas.as_slice()).collect(),
            settings: self.config_entries.iter().map(|it| (&*it.name, &*it.value)).collect(),
        }
    }
}

impl PartitionOffset {
    /// # Errors
    /// The offset is no number.
    pub(crate) fn position(&self) -> Result<Position, KafkaError> {
        let Ok(offset) = self.offset.parse() else {
            return Err(KafkaError::invalid(format!("{:?} is no offset", self.offset)));
        };
        let metadata = self.metadata.clone();
        Ok(Position { metadata, ..Position::new(&self.topic, self.partition, offset) })
    }
}

impl From<Outcome> for OutcomeReply {
    fn from(Outcome { name, error }: Outcome) -> Self {
        Self { name, error }
    }
}

impl From<Position> for PositionReply {
    fn from(position: Position) -> Self {
        let Position { topic, partition, offset, metadata, error } = position;
        let offset = if offset == Position::INVALID { -1 } else { offset };
        Self { topic, partition, offset: offset.to_string(), metadata, error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_gives_the_number_of_partitions_in_any_order() {
        let assignment =
            [1, 0].map(|partition| Assignment { partition, replicas: vec![partition + 10] });
        let topic = TopicToCreate {
            topic: "orders".to_owned(),
            num_partitions: -1,
            replication_factor: -1,
            replica_assignment: assignment.into(),
            config_entries: Vec::new(),
        };
        let native = topic.native();
        assert_eq!((native.partitions, native.replicas), (2, vec![&[10][..], &[11][..]]));
    }

    #[test]
    fn offsets_cross_as_text_and_none_is_minus_one() {
        let far = Position::new("orders", 0, i64::MAX);
        assert_eq!(PositionReply::from(far).offset, "9223372036854775807");
        let none = Position::new("orders", 0, Position::INVALID);
        assert_eq!(PositionReply::from(none).offset, "-1");
    }
}
