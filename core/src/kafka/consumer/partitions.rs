//! What a consumer's thread knows of its partitions.

use std::collections::HashMap;

use super::order::PauseRule;
use super::pack::Stamp;
use crate::kafka::sys::Message;

/// A topic's number and a partition.
pub(super) type Key = (u32, i32);

#[derive(Debug, Default)]
pub(super) struct Partition {
    /// It is ours now.
    pub(super) assigned: bool,
    /// JavaScript's count; it outlives assignments.
    pub(super) epoch: u32,
    /// librdkafka was told to pause it.
    pub(super) paused: bool,
    /// Where the first batch of this assignment, or since the last seek, began.
    pub(super) first: Option<i64>,
    /// Where the last one ended.
    pub(super) packed: i64,
    /// Where it is to be sought to as soon as librdkafka lets it. Until then its messages are dropped.
    pub(super) wanted: Option<i64>,
}

#[derive(Debug, Default)]
pub(super) struct Partitions {
    all: HashMap<Key, Partition>,
    rules: HashMap<u32, PauseRule>,
    /// The numbers of topics by librdkafka's objects for them, which live as long as the client.
    identities: Vec<(usize, u32)>,
}

impl Partitions {
    pub(super) fn entry(&mut self, key: Key) -> &mut Partition {
        self.all.entry(key).or_default()
    }

    pub(super) fn assigned(&self) -> impl Iterator<Item = (Key, &Partition)> {
        self.all.iter().filter(|(_, it)| it.assigned).map(|(key, it)| (*key, it))
    }

    /// Gives up all. What JavaScript has ordered for a later assignment stays.
    pub(super) fn unassign(&mut self) {
        for partition in self.all.values_mut().filter(|it| it.assigned) {
            partition.assigned = false;
            partition.paused = false;
            partition.first = None;
            partition.wanted = None;
        }
    }

    pub(super) fn set_rules(&mut self, rules: impl Iterator<Item = (u32, PauseRule)>) {
        self.rules = rules.collect();
    }

    pub(super) fn is_paused(&self, (topic, partition): Key) -> bool {
        self.rules.get(&topic).is_some_and(|rule| rule.pauses(partition))
    }

    /// The number of the message's topic.
    pub(super) fn topic_of(
        &mut self,
        message: &Message<'_>,
        number: impl FnOnce(&str) -> u32,
    ) -> u32 {
        let identity = message.topic_identity();
        if let Some((_, known)) = self.identities.iter().find(|it| it.0 == identity) {
            return *known;
        }
        let new = number(&message.topic());
        self.identities.push((identity, new));
        new
    }

    /// How messages of this partition are marked in this assignment; none while they are not wanted.
    pub(super) fn stamp(&self, (topic, partition): Key, assignment: u32) -> Option<Stamp> {
        let known = self.all.get(&(topic, partition))?;
        let wanted = known.assigned && !known.paused && known.wanted.is_none();
        wanted.then_some(Stamp { topic, partition, assignment, epoch: known.epoch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_wanted_of_assigned_partitions_that_are_where_they_should_be() {
        let mut partitions = Partitions::default();
        assert_eq!(partitions.stamp((0, 1), 1), None);
        *partitions.entry((0, 1)) = Partition { assigned: true, epoch: 4, ..Default::default() };
        let stamp = Stamp { topic: 0, partition: 1, assignment: 1, epoch: 4 };
        assert_eq!(partitions.stamp((0, 1), 1), Some(stamp));
        partitions.entry((0, 1)).wanted = Some(7);
        assert_eq!(partitions.stamp((0, 1), 1), None);
        partitions.unassign();
        assert_eq!(partitions.entry((0, 1)).epoch, 4);
        assert_eq!(partitions.assigned().count(), 0);
    }

    #[test]
    fn a_seek_before_an_assignment_is_kept_for_it() {
        let mut partitions = Partitions::default();
        partitions.entry((0, 1)).wanted = Some(7);
        partitions.unassign();
        assert_eq!(partitions.entry((0, 1)).wanted, Some(7));
    }
}
