//! Partitions come and go.

use std::time::Instant;

use super::super::group::Membership;
use super::super::partitions::{Key, Partition};
use super::Worker;
use crate::kafka::notices::{AssignedPartition, Notice};
use crate::kafka::sys::{List, Position, Queue};

impl Worker {
    pub(super) fn assign(&mut self, mut positions: Vec<Position>) {
        let handle = self.client.handle().clone();
        self.assignment += 1;
        let mut paused = Vec::new();
        for position in &mut positions {
            let key = (self.shared.topics.number(&position.topic), position.partition);
            let pause = self.partitions.is_paused(key);
            let partition = self.partitions.entry(key);
            let Partition { epoch, wanted, .. } = *partition;
            *partition = Partition { assigned: true, epoch, paused: pause, ..Default::default() };
            if let Some(offset) = wanted {
                position.offset = offset;
            }
            if pause {
                paused.push(position.clone());
            }
            // Messages go to our queue from the first one on. librdkafka keeps what the application has
            // forwarded.
            match Queue::partition(&handle, &position.topic, position.partition) {
                Ok(Some(queue)) => queue.forward_to(&self.messages),
                Ok(None) => {}
                Err(error) => self.shared.notices.push(Notice::Error { error }),
            }
        }
        let outcome = List::new(&paused)
            .and_then(|list| if paused.is_empty() { Ok(()) } else { handle.pause(&list) })
            .and_then(|()| List::new(&positions))
            .and_then(|list| handle.assign(Some(&list)));
        if let Err(error) = outcome {
            self.shared.notices.push(Notice::Error { error });
        }
        self.membership = Membership::Assigned;
        let (member_id, generation) = handle.membership();
        self.shared.notices.push(Notice::Assigned {
            assignment: self.assignment,
            partitions: named(&positions),
            member_id,
            generation,
        });
    }

    pub(super) fn revoke(&mut self) {
        let lost = self.client.handle().is_assignment_lost();
        let partitions = self.partitions_now();
        self.shared.batches.clear();
        let had = self.membership == Membership::Assigned;
        if had && self.closing.is_empty() {
            let assignment = self.assignment;
            self.shared.notices.push(Notice::Revoked { assignment, partitions, lost });
        }
        if lost || !had || !self.closing.is_empty() {
            self.unassign();
        } else {
            self.membership = Membership::Revoking { until: Instant::now() + self.patience };
        }
    }

    pub(super) fn partitions_now(&self) -> Vec<AssignedPartition> {
        let topics = &self.shared.topics;
        let name = |key: Key| AssignedPartition { topic: topics.name(key.0), partition: key.1 };
        self.partitions.assigned().map(|(key, _)| name(key)).collect()
    }

    pub(super) fn unassign(&mut self) {
        self.membership = Membership::Idle;
        self.partitions.unassign();
        if let Err(error) = self.client.handle().assign(None) {
            self.shared.notices.push(Notice::Error { error });
        }
    }
}

fn named(positions: &[Position]) -> Vec<AssignedPartition> {
    positions
        .iter()
        .map(|it| AssignedPartition { topic: it.topic.clone(), partition: it.partition })
        .collect()
}
