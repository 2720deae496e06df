//! A consumer's thread: its turns, and what it is told to do.

mod filling;
mod places;
mod rebalance;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::Shared;
use super::group::{Membership, patience};
use super::order::{Command, Order};
use super::pack::Packer;
use super::partitions::Partitions;
use crate::kafka::client::{Client, Done};
use crate::kafka::error::KafkaError;
use crate::kafka::notices::Notice;
use crate::kafka::sys::{Event, Inbox, Kind, List, Position, Queue};

/// Messages that are taken from librdkafka at a time: few enough to keep to a batch's limit of bytes.
const STEP: usize = 128;
/// How often librdkafka is told that somebody is there, and deadlines are looked at.
const PULSE: Duration = Duration::from_millis(500);
/// The same while it closes, or a seek waits for its partition to begin.
const QUICK_PULSE: Duration = Duration::from_millis(10);

struct Worker {
    inbox: Inbox,
    shared: Arc<Shared>,
    client: Arc<Client>,
    /// Rebalances, errors, log lines, outcomes of commits. Messages do not come here.
    events: Queue,
    /// Messages of all partitions.
    messages: Queue,
    /// Is always empty: reading it is what librdkafka counts for `max.poll.interval.ms`.
    pulse: Queue,
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
        inbox: Inbox::new(STEP),
        pulse: Queue::new(handle),
        events,
        messages,
        packer: Packer::new(shared.pool.clone()),
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
            self.shared.pool.rest(Instant::now());
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
