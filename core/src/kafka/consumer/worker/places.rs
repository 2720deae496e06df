//! Pauses and seeks: where partitions go on, and whether they do.

use std::time::Duration;

use super::super::order::Change;
use super::super::partitions::Key;
use super::Worker;
use crate::kafka::error::KafkaError;
use crate::kafka::notices::Notice;
use crate::kafka::sys::{List, Position};

const SEEK: Duration = Duration::from_secs(1);

impl Worker {
    pub(super) fn change(&mut self, change: &Change) {
        let key = (self.shared.topics.number(&change.topic), change.partition);
        let pause = self.partitions.is_paused(key);
        let partition = self.partitions.entry(key);
        partition.epoch = change.epoch;
        if !partition.assigned || partition.paused == pause {
            return;
        }
        partition.paused = pause;
        let place = change.offset.map(|it| it.0).or(partition.first);
        let list = List::new(&[Position::new(&*change.topic, change.partition, Position::INVALID)]);
        let handle = self.client.handle().clone();
        if pause {
            self.report(list.and_then(|list| handle.pause(&list)));
            return;
        }
        if let Some(offset) = place {
            self.seek(key, offset);
        }
        self.report(list.and_then(|list| handle.resume(&list)));
    }

    fn report(&self, outcome: Result<(), KafkaError>) {
        if let Err(error) = outcome {
            self.shared.notices.push(Notice::Error { error });
        }
    }

    pub(super) fn seek(&mut self, key: Key, offset: i64) {
        let (topic, number) = (self.shared.topics.name(key.0), key.1);
        let partition = self.partitions.entry(key);
        partition.first = None;
        partition.wanted = Some(offset);
        if !partition.assigned {
            return;
        }
        match self.client.handle().seek(&Position::new(&*topic, number, offset), SEEK) {
            Ok(()) => partition.wanted = None,
            // Fetching has not begun: it is tried again.
            Err(error) if matches!(error.name.as_str(), "_STATE" | "_TIMED_OUT") => {}
            Err(error) => {
                partition.wanted = None;
                self.shared.notices.push(Notice::Partition { topic, partition: number, error });
            }
        }
    }

    /// Whether some seeks still wait.
    pub(super) fn seek_again(&mut self) -> bool {
        let waiting: Vec<(Key, i64)> = self
            .partitions
            .assigned()
            .filter_map(|(key, partition)| Some((key, partition.wanted?)))
            .collect();
        for &(key, offset) in &waiting {
            self.seek(key, offset);
        }
        self.partitions.assigned().any(|(_, partition)| partition.wanted.is_some())
    }
}
