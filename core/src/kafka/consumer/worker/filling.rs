//! Makes batches of what has been fetched.

use std::time::{Duration, Instant};

use super::super::group::Membership;
use super::super::pack::{Record, Stamp};
use super::super::partitions::Key;
use super::{STEP, Worker};
use crate::kafka::notices::Notice;
use crate::kafka::sys::{Inbox, Message, Position};

/// How often partitions without messages are asked whether control records have moved them.
const POSITIONS: Duration = Duration::from_millis(100);

impl Worker {
    /// Makes a batch of what has been fetched, if there is room for one. True if there may be more of both.
    pub(super) fn fill(&mut self) -> bool {
        if self.membership != Membership::Assigned || !self.shared.batches.have_room() {
            return false;
        }
        let drained = loop {
            let room = self.packer.room().min(STEP);
            if room == 0 {
                break false;
            }
            if self.inbox.fill(&self.messages, room) == 0 {
                break true;
            }
            let inbox = std::mem::replace(&mut self.inbox, Inbox::new(0));
            for run in inbox.runs() {
                self.pack(run);
            }
            self.inbox = inbox;
        };
        if drained {
            self.find_positions();
        }
        if !self.packer.is_empty() {
            self.find_watermarks();
            self.shared.batches.push(self.packer.finish());
        }
        !drained && self.shared.batches.have_room()
    }

    /// Adds messages of one partition to the batch.
    fn pack<'a>(&mut self, messages: impl Iterator<Item = Message<'a>>) {
        let mut place = None;
        let mut next = None;
        for message in messages {
            if let Some(error) = message.error() {
                let (topic, partition) = (message.topic(), message.partition());
                self.shared.notices.push(Notice::Partition { topic, partition, error });
                continue;
            }
            let (key, stamp) = *place.get_or_insert_with(|| self.place(&message));
            let Some(stamp) = stamp else { return };
            if next.is_none() {
                self.partitions.entry(key).first.get_or_insert(message.offset());
            }
            next = Some((key, message.offset() + 1));
            self.packer.push(
                stamp,
                Record {
                    offset: message.offset(),
                    timestamp: message.timestamp(),
                    key: message.key(),
                    value: message.value(),
                    headers: message.headers(),
                },
            );
        }
        if let Some((key, next)) = next {
            self.partitions.entry(key).packed = next;
        }
    }

    /// Which partition a message is of, and how its messages are marked, if they are wanted.
    fn place(&mut self, message: &Message<'_>) -> (Key, Option<Stamp>) {
        let topics = &self.shared.topics;
        let topic = self.partitions.topic_of(message, |name| topics.number(name));
        let key = (topic, message.partition());
        (key, self.partitions.stamp(key, self.assignment))
    }

    /// Control records and messages of aborted transactions move a partition without being seen.
    fn find_positions(&mut self) {
        let mut keys: Vec<Key> =
            self.packer.stamps().iter().map(|it| (it.topic, it.partition)).collect();
        if keys.is_empty() {
            // Nothing but such records may have come.
            let now = Instant::now();
            match self.positions_due {
                Some(due) if now < due => return,
                Some(_) => self.positions_due = None,
                None => {
                    self.positions_due = Some(now + POSITIONS);
                    return;
                }
            }
            keys = self.partitions.assigned().map(|(key, _)| key).collect();
        }
        if keys.is_empty() {
            return;
        }
        let topics = &self.shared.topics;
        let asked: Vec<_> =
            keys.iter().map(|key| Position::new(topics.name(key.0), key.1, -1)).collect();
        let Ok(found) = self.client.handle().positions(&asked) else { return };
        for (key, Position { offset, .. }) in keys.into_iter().zip(found) {
            let Some(stamp) = self.partitions.stamp(key, self.assignment) else { continue };
            let partition = self.partitions.entry(key);
            if offset > partition.packed && offset >= 0 {
                partition.packed = offset;
                partition.first.get_or_insert(offset);
                self.packer.reach(stamp, offset);
            }
        }
    }

    fn find_watermarks(&mut self) {
        for stamp in self.packer.stamps() {
            let Stamp { topic, partition, .. } = stamp;
            let name = self.shared.topics.name(topic);
            if let Some(high) = self.client.handle().high_watermark(&name, partition) {
                self.packer.high_watermark(stamp, high);
            }
        }
    }
}
