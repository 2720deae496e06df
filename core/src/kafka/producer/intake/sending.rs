//! Messages on their way to librdkafka's queues, by partition; or to where they wait.

use std::time::Instant;

use super::super::groups::Groups;
use super::super::rows::{Malformed, Message};
use super::super::topics::{Known, State};
use super::super::waiting::Waiting;
use super::Intake;
use crate::kafka::error::KafkaError;
use crate::kafka::sys::{Batch, Plain, is_full};

impl Intake {
    pub(super) fn message<'a>(
        &mut self,
        profile: u32,
        topic: u32,
        tag: usize,
        message: Message<'a>,
        groups: &mut Groups<'a>,
    ) {
        let (Some(entry), Some(of)) =
            (self.topics.get_mut(topic), self.profiles.get_mut(profile as usize))
        else {
            return;
        };
        let known = match &mut entry.state {
            State::Known(known) => known,
            State::Asking(asking) => {
                let waiting = Waiting::new(topic, message.partition, tag, &message);
                self.waiting += waiting.cost();
                asking.messages.push_back((profile, waiting));
                return;
            }
            // The answer came between two tables of one send.
            State::Unknown => {
                let error = KafkaError::new(3, "UNKNOWN_TOPIC_OR_PART", "the topic is not known");
                self.ledger.fail(tag, error);
                return;
            }
        };
        if !of.is_free() {
            self.waiting += of.hold(Waiting::new(topic, message.partition, tag, &message));
            return;
        }
        match choose(known, &mut entry.turn, &message) {
            Some(partition) if message.extras.is_none() => {
                groups.push(profile, topic, partition, message.plain(tag));
            }
            Some(partition) => self.alone(profile, topic, partition, tag, message, groups),
            None => {
                self.asked |= known.doubt(Instant::now());
                self.ledger.fail(tag, unknown_partition(message.partition));
            }
        }
    }

    /// A message that librdkafka takes only by itself.
    fn alone<'a>(
        &mut self,
        profile: u32,
        topic: u32,
        partition: u32,
        tag: usize,
        message: Message<'a>,
        groups: &mut Groups<'a>,
    ) {
        if let Some(batch) = groups.take(profile, topic, partition) {
            let batch = self.produce(profile, topic, partition, batch);
            groups.give_back(batch);
        }
        let Some(of) = self.profiles.get_mut(profile as usize) else { return };
        let waiting = || Waiting::new(topic, partition.cast_signed(), tag, &message);
        // What stood before it may just have been refused.
        if !of.is_free() {
            self.waiting += of.hold(waiting());
            return;
        }
        let extras = message.extras.map_or(Err(Malformed), |it| it.unpacked());
        let outcome = match (of.handle(topic, &mut self.topics), extras) {
            (Ok(handle), Ok(extras)) => {
                handle.produce(partition.cast_signed(), message.plain(tag), &extras)
            }
            (Err(error), _) => Err(error),
            (_, Err(Malformed)) => Err(KafkaError::invalid("malformed headers")),
        };
        match outcome {
            Ok(()) => {}
            Err(error) if is_full(&error) => {
                self.waiting += of.hold(waiting());
                of.interrupt();
            }
            Err(error) => self.ledger.fail(tag, error),
        }
    }

    pub(super) fn produce_all(&mut self, groups: &mut Groups<'_>) {
        for (profile, topic, partition, batch) in groups.take_all() {
            let batch = self.produce(profile, topic, partition, batch);
            groups.give_back(batch);
        }
    }

    fn produce<'a>(
        &mut self,
        profile: u32,
        topic: u32,
        partition: u32,
        mut batch: Batch<'a>,
    ) -> Batch<'a> {
        let Some(of) = self.profiles.get_mut(profile as usize) else { return batch };
        let partition = partition.cast_signed();
        match of.handle(topic, &mut self.topics) {
            Ok(handle) => {
                if handle.produce_batch(partition, &mut batch) {
                    return batch;
                }
                let mut full = false;
                for (Plain { key, value, tag }, error) in batch.refused() {
                    if is_full(&error) {
                        full = true;
                        let message = Message { key, value, partition, extras: None };
                        self.waiting += of.hold(Waiting::new(topic, partition, tag, &message));
                    } else {
                        self.ledger.fail(tag, error);
                    }
                }
                if full {
                    of.interrupt();
                }
            }
            Err(error) => {
                for plain in batch.all() {
                    self.ledger.fail(plain.tag, error.clone());
                }
            }
        }
        batch
    }
}

/// The partition that a message names, if the topic has it, or one for its key.
fn choose(
    known: &Known,
    turn: &mut super::super::partitioner::Turn,
    message: &Message<'_>,
) -> Option<u32> {
    let count = known.count();
    if message.partition < 0 {
        return u32::try_from(turn.partition(message.key, count, &known.available)).ok();
    }
    u32::try_from(message.partition).ok().filter(|it| *it < count)
}

fn unknown_partition(partition: i32) -> KafkaError {
    KafkaError::new(-190, "_UNKNOWN_PARTITION", format!("the topic has no partition {partition}"))
}
