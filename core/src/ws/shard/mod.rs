//! A shard: one thread that owns its connections' sockets, lists and writes.
//!
//! A turn takes the jobs that wait, lets each append references to encoded frames to its
//! receivers' outboxes, and then writes to each receiver once. Nothing here blocks, and nothing
//! here is shared: what other threads may see is in `Index` and `Shared`.
//!
//! - `run` is the thread: it waits for jobs, readiness and deadlines.
//! - `read` takes bytes from a socket and decides what the frames in them mean.
//! - `entrance` decides who comes in: addresses and origins.
//! - `excess` refuses what is over the limits.
//! - `protocol` answers clients' messages.
//! - `proxied` reads what a balancer says before the client's first byte.
//! - `guard` lets clients in and keeps them out; `decisions` holds them while that is decided.
//! - `lifecycle` is birth and death: handshake, closing, heartbeat, shutdown.
//! - `sockets` queues and writes; `slot` is the record of one socket.
//! - `accept_faults` decides what is done when accepting fails.
//! - `life` tells everybody else when the thread has ended.

mod accept_faults;
mod decisions;
mod entrance;
mod excess;
mod guard;
#[cfg(test)]
mod interleavings;
pub mod life;
mod lifecycle;
mod protocol;
mod proxied;
mod read;
pub mod run;
mod slot;
mod sockets;
#[cfg(test)]
mod tests;

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::slot::{Phase, Slot};
use self::sockets::{Debt, Sockets};
use super::answer::Answer;
use super::arrival::Arrival;
use super::connection::{Address, GroupId};
use super::deflate::Inflaters;
use super::guard::desk::Number;
use super::inbox::{Inbox, Job};
use super::prepared::Frame;
use super::shared::Shared;
use super::stats::Counters;

/// Bytes that one read takes at most, into the one buffer that all connections share.
const READ_BUFFER: usize = 64 * 1024;

/// Room for jobs that is kept between turns.
const JOBS_KEPT: usize = 4096;

/// A deadline of one tenant of a slot.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    at: Instant,
    key: usize,
    serial: u64,
    /// What it was owed when the deadline was set.
    owed: usize,
}

/// Somebody waits until all is written that was owed when it asked.
#[derive(Debug)]
struct Flush {
    done: oneshot::Sender<()>,
    owed: Vec<Debt>,
}

#[derive(Debug)]
struct Shard {
    number: usize,
    shared: Arc<Shared>,
    inbox: Arc<Inbox>,
    sockets: Sockets,
    /// Slots of open connections, dense, for broadcasts and sweeps.
    live: Vec<usize>,
    /// Members of each group that has any here.
    lists: FxHashMap<GroupId, IndexSet<usize, FxBuildHasher>>,
    /// Slots that are not read because the host is behind.
    parked: Vec<usize>,
    /// Sockets whose handshake is under way.
    shaking: usize,
    /// Deadlines of handshakes and of closings; both timeouts are constant, so these are sorted.
    /// Entries outlive what they were made for and are passed over then.
    handshakes: VecDeque<Deadline>,
    closings: lifecycle::Closings,
    /// Those of sockets that were refused, so that their answers arrive.
    refusals: VecDeque<Deadline>,
    /// Deadlines of decisions that are with the host or in line for it, and of connections that have to authenticate;
    /// sorted in the same way.
    asked: VecDeque<(Instant, Number)>,
    /// Decisions that nobody waits for, though the host has not answered, and until when their places are kept.
    given_up: VecDeque<(Instant, Number)>,
    logins: VecDeque<Deadline>,
    /// When something is to be done about an identity's end, by slot and its serial: one entry for each lease.
    leases: BTreeSet<(Instant, usize, u64)>,
    next_sweep: Option<Instant>,
    /// Until when the thread sleeps if nothing happens.
    sleeps_until: Instant,
    flushes: Vec<Flush>,
    /// Set by a shutdown: when the shard must be gone.
    gone_by: Option<Instant>,
    /// Set by the host when it is ready for connections.
    started: bool,
    /// Sockets that another shard accepted or the host, to be taken in by the thread.
    foundlings: Vec<Arrival>,
    /// Slots of sockets that are the host's, by their serials.
    attached: FxHashMap<u64, usize>,
    /// Taken from the inbox and not yet carried out. Empty between turns, unless a job panicked.
    jobs: VecDeque<Job>,
    buffer: Vec<u8>,
    /// For the compressed messages of all connections in turn.
    inflaters: Inflaters,
    /// The shard's own frames of the current read, written in one go.
    answers: Vec<u8>,
    scratch: Vec<u8>,
}

impl Shard {
    fn new(number: usize, shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        Self {
            number,
            inbox: shared.inboxes[number].clone(),
            sockets: Sockets::new(shared.clone(), number),
            live: Vec::new(),
            lists: FxHashMap::default(),
            parked: Vec::new(),
            shaking: 0,
            handshakes: VecDeque::new(),
            closings: lifecycle::Closings::default(),
            refusals: VecDeque::new(),
            asked: VecDeque::new(),
            given_up: VecDeque::new(),
            logins: VecDeque::new(),
            leases: BTreeSet::new(),
            next_sweep: shared.config.heartbeat.map(|interval| now + interval),
            sleeps_until: now,
            flushes: Vec::new(),
            gone_by: None,
            started: false,
            foundlings: Vec::new(),
            attached: FxHashMap::default(),
            jobs: VecDeque::new(),
            buffer: vec![0; READ_BUFFER],
            inflaters: Inflaters::default(),
            answers: Vec::new(),
            scratch: Vec::new(),
            shared,
        }
    }

    fn counters(&self) -> &Counters {
        &self.shared.counters[self.number]
    }

    /// Does all that waits, then writes.
    fn turn(&mut self) {
        self.sockets.press.rest();
        self.work();
        self.pass_deadlines(Instant::now());
        self.settle();
        self.answer_flushes();
    }

    /// Carries out the jobs that wait, in their order. Each leaves the queue before it is carried
    /// out: should it panic, the others are still there, for the turn that follows the recovery.
    fn work(&mut self) {
        self.inbox.take(&mut self.jobs);
        while let Some(job) = self.jobs.pop_front() {
            self.apply(job);
        }
        // What a burst needed is not kept for ever.
        self.jobs.shrink_to(JOBS_KEPT);
    }

    fn apply(&mut self, job: Job) {
        match job {
            Job::Start => self.started = true,
            Job::Adopt(arrival) => self.foundlings.push(arrival),
            Job::GiveWay => self.make_room(),
            Job::Abandon(serial) => match self.attached.get(&serial) {
                // At the turn's end, since this may be in the midst of its own frames.
                Some(&key) => self.sockets.lost.push(key),
                // It may have come in this very turn: to drop it is to close it.
                None => self.foundlings.retain(|arrival| arrival.serial != serial),
            },
            Job::One { to, frame } => {
                let count = match self.tenant(to) {
                    // Behind our Close frame nothing may follow.
                    Some(slot) if matches!(slot.phase, Phase::Open(_)) => 1,
                    _ => 0,
                };
                if count == 1 {
                    self.sockets.enqueue(to.slot, &frame);
                }
                self.sent(count, 1);
            }
            Job::Group { group, frame, expected } => {
                let Self { lists, sockets, .. } = self;
                let list = lists.get(&group);
                for &key in list.into_iter().flatten() {
                    sockets.enqueue(key, &frame);
                }
                let count = list.map_or(0, IndexSet::len);
                self.sent(count, expected as usize);
            }
            Job::All { frame, expected } => self.send_all(&frame, expected as usize),
            Job::Join { who, group, .. } => {
                if self.tenant(who).is_some_and(|slot| matches!(slot.phase, Phase::Open(_))) {
                    self.enlist(who.slot, group);
                }
            }
            Job::Leave { who, group, .. } => {
                if self.tenant(who).is_some() {
                    self.delist(who.slot, group);
                }
            }
            Job::Judged { who, allowed } => self.judged(who, allowed),
            Job::Close { who, code, reason } => {
                if self.tenant(who).is_some() {
                    self.begin_close(who.slot, code, reason);
                }
            }
            Job::Ask { who, number } => self.ask_in_turn(who, number),
            Job::Verdict { who, number, verdict } => self.decided(who, number, verdict),
            Job::Read(reader) => reader.wake(),
            Job::Compressed => self.sockets.compressed(),
            Job::Flush(done) => self.flushes.push(Flush { done, owed: self.sockets.debts() }),
            Job::Resume => self.resume(),
            Job::Shutdown { deadline } => self.begin_shutdown(deadline),
        }
    }

    fn send_all(&mut self, frame: &Frame, expected: usize) {
        let mut count = 0;
        for &key in &self.live {
            if self.sockets.slots[key].access.admitted {
                self.sockets.enqueue(key, frame);
                count += 1;
            }
        }
        self.sent(count, expected);
    }

    fn sent(&self, count: usize, expected: usize) {
        self.counters().messages_out.add(count);
        self.counters().dropped_departed.add(expected.saturating_sub(count));
    }

    fn tenant(&mut self, address: Address) -> Option<&mut Slot> {
        self.sockets.slots.get_mut(address.slot).filter(|slot| slot.serial == address.serial)
    }

    /// Carries out the jobs that wait, and with them the change of membership that a client has
    /// just made: it stands in the same queue as the host's changes and sends, in the order in
    /// which the index saw them. The client gets its answer at that place, behind those that it
    /// has earned before.
    fn catch_up(&mut self, key: usize, answer: Option<&Answer<'_>>, id: Option<&str>) {
        let serial = self.sockets.slots[key].serial;
        self.inbox.take(&mut self.jobs);
        // Where nothing is sent in between, the answers of one read go out in one write.
        let apart = !self.jobs.iter().all(Job::is_silent);
        if apart {
            self.write_answers(key);
        }
        while let Some(job) = self.jobs.pop_front() {
            // A client that a panic ended may have left a job behind, whose answer is nobody's.
            let who = job.asked_by();
            self.apply(job);
            if who.is_some_and(|who| who.slot == key && who.serial == serial) {
                if let Some(answer) = answer {
                    self.answer(answer, id);
                }
                if apart {
                    self.write_answers(key);
                }
            }
        }
    }

    fn enlist(&mut self, key: usize, group: GroupId) {
        if self.lists.entry(group).or_default().insert(key) {
            self.sockets.slots[key].groups.insert(group);
        }
    }

    fn delist(&mut self, key: usize, group: GroupId) {
        let Some(list) = self.lists.get_mut(&group) else {
            return;
        };
        if list.swap_remove(&key) {
            self.sockets.slots[key].groups.remove(&group);
        }
        if list.is_empty() {
            self.lists.remove(&group);
        }
    }

    /// Writes what is queued and deals with the sockets that this breaks, until nothing is left.
    fn settle(&mut self) {
        loop {
            self.sockets.flush_dirty();
            if let Some(key) = self.sockets.slow.pop() {
                self.close_slow(key);
            } else if let Some(key) = self.sockets.lost.pop() {
                self.bury(key);
            } else {
                break;
            }
        }
    }

    fn answer_flushes(&mut self) {
        let sockets = &self.sockets;
        for flush in &mut self.flushes {
            flush.owed.retain(|debt| !sockets.is_paid(debt));
        }
        for flush in self.flushes.extract_if(.., |flush| flush.owed.is_empty()) {
            // Whoever asked may have given up waiting.
            let _ = flush.done.send(());
        }
    }

    fn resume(&mut self) {
        for key in std::mem::take(&mut self.parked) {
            if let Some(slot) = self.sockets.slots.get_mut(key)
                && std::mem::take(&mut slot.parked)
            {
                slot.wake();
            }
        }
    }
}
