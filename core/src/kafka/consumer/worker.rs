//! A consumer's thread.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::Shared;
use super::group::{Membership, patience};
use super::order::{Change, Command, Order};
use super::pack::{Packer, Record, Stamp};
use super::partitions::{Key, Partition, Partitions};
use crate::kafka::client::{Client, Done};
use crate::kafka::error::KafkaError;
use crate::kafka::notices::{AssignedPartition, Notice};
use crate::kafka::sys::{Event, Inbox, Kind, List, Message, Position, Queue};

/// Messages that are taken from librdkafka at a time: few enough to keep to a batch's limit of bytes.
const STEP: usize = 128;
/// How often librdkafka is told that somebody is there, and deadlines are looked at.
const PULSE: Duration = Duration::from_millis(500);
/// The same while it closes, or a seek waits for its partition to begin.
const QUICK_PULSE: Duration = Duration::from_millis(10);
/// How often partitions without messages are asked whether control records have moved them.
const POSITIONS: Duration = Duration::from_millis(100);
const SEEK: Duration = Duration::from_secs(1);

struct Worker {
    shared: Arc<Shared>,
    client: Arc<Client>,
    /// Rebalances, errors, log lines, outcomes of commits. Messages do not come here.
    events: Queue,
    /// Messages of all partitions.
    messages: Queue,
    /// Is always empty: reading it is what librdkafka counts for `max.poll.interval.ms`.
    pulse: Queue,
    inbox: Inbox,
    packer: Packer,
    partitions: Partitions,
    membership: Membership,
    /// Counts them.
    assignment: u32,
    patience: Duration,
    commits: HashMap<usize, Done<()>>,
    next_commit: usize,
    closing: Vec<Done<()>>,
    positions_due: Option<Instant>,
}

pub(super) fn start(
    shared: Arc<Shared>,
    client: Arc<Client>,
    rebalance_timeout: Duration,
) -> Result<(), KafkaError> {
    let handle = client.handle();
    let mut events = Queue::of_events(handle, Kind::Consumer);
    let mut messages = Queue::new(handle);
    for queue in [&mut events, &mut messages] {
        let signal = shared.signal.clone();
        queue.on_ready(move || signal.notify());
    }
    let mut worker = Worker {
        pulse: Queue::new(handle),
        events,
        messages,
        inbox: Inbox::new(STEP),
        packer: Packer::default(),
        partitions: Partitions::default(),
        membership: Membership::Idle,
        assignment: 0,
        patience: patience(rebalance_timeout),
        commits: HashMap::new(),
        next_commit: 0,
        closing: Vec::new(),
        positions_due: None,
        shared,
        client,
    };
    thread::Builder::new()
        .name("messaging-kafka".to_owned())
        .spawn(move || {
            let run = catch_unwind(AssertUnwindSafe(|| worker.run()));
            if run.is_err() {
                let mut error = KafkaError::closed();
                error.message = "the consumer's thread has failed".to_owned();
                error.fatal = true;
                worker.shared.notices.push(Notice::Error { error });
            }
            worker.end();
        })
        .map(drop)
        .map_err(|error| KafkaError::no_thread(error.to_string()))
}

impl Worker {
    fn run(&mut self) {
        loop {
            for order in self.shared.orders.take() {
                self.carry_out(order);
            }
            while let Some(event) = self.events.poll(Duration::ZERO) {
                self.handle(event);
            }
            self.inbox.fill(&self.pulse, 1);
            if !self.closing.is_empty() && self.client.handle().is_closed() {
                return;
            }
            if self.has_waited_enough() {
                // What is still being handled is too late: JavaScript must not commit it any more.
                let assignment = self.assignment;
                let partitions = self.partitions_now();
                self.shared.notices.push(Notice::Revoked { assignment, partitions, lost: true });
                self.unassign();
            }
            let seeks = self.seek_again();
            if self.fill() {
                continue;
            }
            let quick = seeks || !self.closing.is_empty();
            self.shared.signal.wait(if quick { QUICK_PULSE } else { self.wait() });
        }
    }

    fn wait(&self) -> Duration {
        let now = Instant::now();
        let deadline = match self.membership {
            Membership::Revoking { until } => Some(until),
            _ => None,
        };
        let until = [deadline, self.positions_due].into_iter().flatten().min();
        until.map_or(PULSE, |until| until.saturating_duration_since(now).min(PULSE))
    }

    fn has_waited_enough(&self) -> bool {
        matches!(self.membership, Membership::Revoking { until } if Instant::now() >= until)
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Subscribe(topics, done) => done(self.client.handle().subscribe(&topics)),
            Order::Commit { assignment, offsets, done } => {
                if assignment == self.assignment && self.membership != Membership::Idle {
                    self.commit(&offsets, done);
                } else {
                    // These partitions may be another member's by now.
                    done(Err(KafkaError::rebalancing()));
                }
            }
            Order::Command(Command::Seek { topic, partition, offset, epoch }) => {
                let key = (self.shared.topics.number(&topic), partition);
                self.partitions.entry(key).epoch = epoch;
                self.seek(key, offset.0);
            }
            Order::Command(Command::Pauses { rules, changes }) => {
                let topics = &self.shared.topics;
                let rules = rules.into_iter().map(|rule| (topics.number(&rule.topic), rule));
                self.partitions.set_rules(rules);
                for change in changes {
                    self.change(&change);
                }
            }
            Order::Command(Command::Release { assignment }) => {
                let revoking = matches!(self.membership, Membership::Revoking { .. });
                if revoking && assignment == self.assignment {
                    self.unassign();
                }
            }
            Order::Close(done) => self.close(done),
        }
    }

    fn commit(&mut self, offsets: &[Position], done: Done<()>) {
        let number = self.next_commit;
        self.next_commit = number.wrapping_add(1);
        let started = List::new(offsets)
            .and_then(|list| self.client.handle().commit(&list, &self.events, number));
        match started {
            Ok(()) => drop(self.commits.insert(number, done)),
            Err(error) => done(Err(error)),
        }
    }

    fn close(&mut self, done: Done<()>) {
        let first = self.closing.is_empty();
        self.closing.push(done);
        self.shared.batches.clear();
        if !first {
            return;
        }
        if matches!(self.membership, Membership::Revoking { .. }) {
            self.unassign();
        }
        if let Err(error) = self.client.handle().close(&self.events) {
            self.shared.notices.push(Notice::Error { error });
        }
    }

    fn handle(&mut self, event: Event) {
        let Some(event) = self.client.handle_event(event) else { return };
        match event.kind() {
            rdkafka::bindings::RD_KAFKA_EVENT_REBALANCE => {
                if event.error().is_some_and(|it| it.name == "_ASSIGN_PARTITIONS") {
                    self.assign(event.partitions().positions());
                } else {
                    self.revoke();
                }
            }
            rdkafka::bindings::RD_KAFKA_EVENT_OFFSET_COMMIT => {
                if let Some(done) = self.commits.remove(&event.opaque().addr()) {
                    let failed = event.error().filter(|it| it.name != "_NO_OFFSET");
                    let first =
                        || event.partitions().positions().into_iter().find_map(|it| it.error);
                    done(failed.or_else(first).map_or(Ok(()), Err));
                }
            }
            _ => {}
        }
    }

    fn assign(&mut self, mut positions: Vec<Position>) {
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

    fn revoke(&mut self) {
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

    fn partitions_now(&self) -> Vec<AssignedPartition> {
        let topics = &self.shared.topics;
        let name = |key: Key| AssignedPartition { topic: topics.name(key.0), partition: key.1 };
        self.partitions.assigned().map(|(key, _)| name(key)).collect()
    }

    fn unassign(&mut self) {
        self.membership = Membership::Idle;
        self.partitions.unassign();
        if let Err(error) = self.client.handle().assign(None) {
            self.shared.notices.push(Notice::Error { error });
        }
    }

    fn change(&mut self, change: &Change) {
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

    fn seek(&mut self, key: Key, offset: i64) {
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
    fn seek_again(&mut self) -> bool {
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

    /// Makes a batch of what has been fetched, if there is room for one. True if there may be more of both.
    fn fill(&mut self) -> bool {
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
            for message in inbox.iter() {
                self.pack(&message);
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

    fn pack(&mut self, message: &Message<'_>) {
        let topics = &self.shared.topics;
        if let Some(error) = message.error() {
            let (topic, partition) = (message.topic(), message.partition());
            self.shared.notices.push(Notice::Partition { topic, partition, error });
            return;
        }
        let key =
            (self.partitions.topic_of(message, |name| topics.number(name)), message.partition());
        let Some(stamp) = self.partitions.stamp(key, self.assignment) else { return };
        let partition = self.partitions.entry(key);
        partition.first.get_or_insert(message.offset());
        partition.packed = message.offset() + 1;
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

    /// Ends the native client, which waits for its threads.
    fn end(mut self) {
        for order in self.shared.orders.end() {
            match order {
                Order::Close(done) => self.closing.push(done),
                order => order.refuse(),
            }
        }
        for (_, done) in self.commits.drain() {
            done(Err(KafkaError::closed()));
        }
        self.shared.topics.end();
        let closing = std::mem::take(&mut self.closing);
        drop(self);
        for done in closing {
            done(Ok(()));
        }
    }
}

fn named(positions: &[Position]) -> Vec<AssignedPartition> {
    positions
        .iter()
        .map(|it| AssignedPartition { topic: it.topic.clone(), partition: it.partition })
        .collect()
}
