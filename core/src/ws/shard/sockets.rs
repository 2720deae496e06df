//! The sockets of a shard and what they are owed: queueing, the one write per receiver and turn,
//! and the policy for receivers that are too slow.

use slab::Slab;
use std::cell::Cell;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::io::AsyncWrite;

use super::slot::{Phase, Slot};
use crate::runtime::run_slow_work;
use crate::ws::answer::cuts;
use crate::ws::clock;
use crate::ws::config::SlowConsumer;
use crate::ws::deflate::Compressor;
use crate::ws::inbox::Job;
use crate::ws::outbox::{MAX_SLICES, Outbox};
use crate::ws::prepared::{Aside, Frame, Prepared, Press};
use crate::ws::shared::Shared;
use crate::ws::stats::Counters;

/// A client that is owed more than this is not read: it shall first take its answers.
pub const OWED_WHILE_READING: usize = 64 * 1024;

/// What a client may be owed, frames and all, so that others who do not read cost it nothing.
const OWED_LITTLE: usize = 4096;

/// Empty outboxes that are kept for the next that need one.
const SPARE_OUTBOXES: usize = 64;

/// What a slot was owed at a moment.
#[derive(Debug)]
pub struct Debt {
    key: usize,
    serial: u64,
    /// What its count of settled frames must reach.
    target: u64,
}

/// What a write attempt came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    All,
    /// The rest waits for the socket to become writable.
    Some,
    /// The socket is broken.
    Lost,
}

#[derive(Debug)]
pub struct Sockets {
    pub slots: Slab<Slot>,
    /// Slots that something was queued for in this turn.
    dirty: Vec<usize>,
    /// Slots that wait for a message to be compressed aside.
    awaiting: Vec<usize>,
    pub press: Press,
    #[allow(clippy::vec_box, reason = "slots hold boxes: these move between here and there")]
    spare: Vec<Box<Outbox>>,
    /// Slots whose socket broke while writing, for the shard to bury.
    pub lost: Vec<usize>,
    /// Slots that are to be closed because they read too slowly.
    pub slow: Vec<usize>,
    /// The slot that is being written to.
    writing: Option<usize>,
    shared: Arc<Shared>,
    shard: usize,
}

impl Sockets {
    pub fn new(shared: Arc<Shared>, shard: usize) -> Self {
        Self {
            slots: Slab::new(),
            dirty: Vec::new(),
            awaiting: Vec::new(),
            press: Press::new(level(&shared)),
            spare: Vec::new(),
            lost: Vec::new(),
            slow: Vec::new(),
            writing: None,
            shared,
            shard,
        }
    }

    fn counters(&self) -> &Counters {
        &self.shared.counters[self.shard]
    }

    /// Adds a reference to a frame to what a slot is owed; it is written at the turn's end.
    pub fn enqueue(&mut self, key: usize, frame: &Frame) {
        let limit = self.shared.config.max_buffered_amount;
        let slot = &self.slots[key];
        let weight = slot.weight();
        let frame = frame.prepare(slot.window, &mut self.press, |aside| {
            compress_aside(&self.shared, aside);
        });
        // A frame alone may be larger than the limit: only what already waits makes one slow.
        let incoming = frame.known_len();
        if weight > 0 && weight + incoming > limit && !self.make_room(key, incoming, limit) {
            return;
        }
        self.push(key, frame);
    }

    /// Like `enqueue`, for frames that no policy may drop: the Close frame.
    pub fn push(&mut self, key: usize, frame: Prepared) {
        let slot = &mut self.slots[key];
        let outbox = slot.outbox.get_or_insert_with(|| self.spare.pop().unwrap_or_default());
        outbox.push(frame);
        if !slot.dirty {
            slot.dirty = true;
            self.dirty.push(key);
        }
    }

    /// Tries to write first, since a burst in one turn makes nobody slow; then the policy decides.
    fn make_room(&mut self, key: usize, incoming: usize, limit: usize) -> bool {
        if self.flush(key) == Written::Lost {
            self.counters().dropped_unwritten.add(1);
            return false;
        }
        let slot = &self.slots[key];
        let weight = slot.weight();
        if weight == 0 || weight + incoming <= limit {
            return true;
        }
        if slot.waits_for_us() {
            // It is not to blame. The budget bounds this queue.
            return true;
        }
        self.strike(key, incoming, limit)
    }

    /// Applies the policy to a receiver that is too slow. Returns whether it is still sent to.
    fn strike(&mut self, key: usize, incoming: usize, limit: usize) -> bool {
        match self.shared.config.slow_consumer {
            SlowConsumer::Disconnect => {
                self.counters().dropped_slow.add(1);
                self.slow.push(key);
                false
            }
            SlowConsumer::DropOldest => {
                let slot = &mut self.slots[key];
                let outbox = slot.outbox.as_mut().expect("an outbox that owes bytes exists");
                let dropped = outbox.drop_oldest(incoming, limit);
                slot.settle(dropped);
                let first = !std::mem::replace(&mut slot.lagging, true);
                let connection = slot.connection().cloned();
                self.counters().dropped_slow.add(dropped);
                if first {
                    self.counters().slow_consumers.add(1);
                    let message = format!(
                        "the client reads too slowly: oldest messages are dropped while more than \
                         {limit} bytes wait for it"
                    );
                    self.shared.warn(connection.as_ref(), "ERR_SLOW_CONSUMER", message);
                }
                true
            }
        }
    }

    /// Writes what a slot is owed, as far as the socket takes it.
    pub fn flush(&mut self, key: usize) -> Written {
        let slot = &mut self.slots[key];
        let Some(outbox) = slot.outbox.as_mut() else {
            return self.flush_held(key);
        };
        self.writing = Some(key);
        let waker = slot.waker.as_ref().unwrap_or(Waker::noop());
        let mut cx = Context::from_waker(waker);
        let (mut bytes, mut frames, mut held) = (0, 0, slot.held_frames);
        let held_before = slot.stream.held();
        slot.unjudged |= outbox.resolve();
        let mut outcome = loop {
            if outbox.is_empty() {
                break Written::All;
            }
            if outbox.front_is_pending() {
                break Written::Some;
            }
            let stream = Pin::new(&mut slot.stream);
            let written = match outbox.single() {
                Some(frame) => stream.poll_write(&mut cx, frame),
                None => {
                    let mut slices = [IoSlice::new(&[]); MAX_SLICES];
                    let used = outbox.slices(&mut slices);
                    stream.poll_write_vectored(&mut cx, &slices[..used])
                }
            };
            match written {
                Poll::Ready(Ok(n)) if n > 0 => {
                    bytes += n;
                    // A stream takes nothing before it is through with what it took earlier.
                    frames += std::mem::replace(&mut held, outbox.advance(n));
                }
                Poll::Pending => break Written::Some,
                Poll::Ready(_) => break Written::Lost,
            }
        };
        let (has_pending, front_is_pending) = (outbox.has_pending(), outbox.front_is_pending());
        let holds = slot.stream.held() > 0;
        if !holds {
            frames += std::mem::take(&mut held);
        }
        slot.held_frames = held;
        slot.settle(frames);
        // A client that takes what it could not take before is alive, even if it is not read
        // meanwhile. The first bytes prove nothing: they went no further than the kernel.
        let moved = bytes > 0 || slot.stream.held() < held_before;
        if moved && slot.blocked {
            slot.heard(clock::steady_millis());
        }
        if has_pending && !std::mem::replace(&mut slot.awaiting, true) {
            self.awaiting.push(key);
        }
        slot.blocked = holds || (outcome == Written::Some && !front_is_pending);
        if slot.held_back && slot.owed() <= OWED_WHILE_READING {
            slot.held_back = false;
            slot.wake();
        }
        if outcome == Written::All {
            if let Some(outbox) = slot.outbox.take() {
                self.release(outbox);
            }
            if holds {
                outcome = Written::Some;
            } else {
                self.written_out(key);
            }
        } else if outcome == Written::Lost {
            self.lost.push(key);
        }
        self.counters().bytes_out.add(bytes);
        self.writing = None;
        outcome
    }

    /// The same where the outbox is empty, for what the stream holds back.
    fn flush_held(&mut self, key: usize) -> Written {
        let slot = &mut self.slots[key];
        let before = slot.stream.held();
        if before == 0 {
            return Written::All;
        }
        let waker = slot.waker.as_ref().unwrap_or(Waker::noop());
        let mut cx = Context::from_waker(waker);
        let flushed = Pin::new(&mut slot.stream).poll_flush(&mut cx);
        if slot.stream.held() < before {
            slot.heard(clock::steady_millis());
        }
        if slot.held_back && slot.owed() <= OWED_WHILE_READING {
            slot.held_back = false;
            slot.wake();
        }
        match flushed {
            Poll::Ready(Ok(())) => {
                slot.pass_on();
                slot.blocked = false;
                self.written_out(key);
                Written::All
            }
            Poll::Pending => Written::Some,
            Poll::Ready(Err(_)) => {
                self.lost.push(key);
                Written::Lost
            }
        }
    }

    /// Nothing is owed any more.
    fn written_out(&mut self, key: usize) {
        let slot = &mut self.slots[key];
        slot.lagging = false;
        if matches!(slot.phase, Phase::Draining { .. }) {
            self.finish_draining(key);
        }
    }

    /// Writes bytes of the shard's own making straight to a socket that is owed nothing, and
    /// queues what it does not take. False when the answers' part of the budget has no room for the rest.
    pub fn write_now(&mut self, key: usize, bytes: &[u8]) -> bool {
        let slot = &mut self.slots[key];
        let mut written = 0;
        if slot.outbox.is_none() {
            let waker = slot.waker.as_ref().unwrap_or(Waker::noop());
            let mut cx = Context::from_waker(waker);
            match Pin::new(&mut slot.stream).poll_write(&mut cx, bytes) {
                Poll::Ready(Ok(n)) if n > 0 => {
                    written = n;
                    slot.pass_on();
                    slot.blocked = n < bytes.len() || slot.stream.held() > 0;
                    self.counters().bytes_out.add(n);
                }
                Poll::Pending => {}
                Poll::Ready(_) => {
                    self.lost.push(key);
                    return true;
                }
            }
        }
        written == bytes.len() || self.queue_answers(key, bytes, written)
    }

    /// Queues what is left of answers, of which so many bytes are written. The end of the frame that is on its way and
    /// the last answer stand by themselves, since others may be dropped when a client brings its end about.
    fn queue_answers(&mut self, key: usize, answers: &[u8], written: usize) -> bool {
        let (begun, last) = cuts(answers, written);
        let pieces = [written..begun, begun..last, last..answers.len()];
        for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
            let is_begun = piece.end == begun;
            let slot = &self.slots[key];
            let owed_little = slot.waits_for_us() || slot.weight() + piece.len() <= OWED_LITTLE;
            let answer = answers[piece].to_vec();
            let Some(frames) = self.shared.budget.answer(answer, owed_little) else {
                if is_begun {
                    // Half a frame is on the wire: no Close frame could follow it.
                    self.lost.push(key);
                }
                return is_begun;
            };
            self.push(key, Prepared::Ready(frames));
            if is_begun && let Some(outbox) = &mut self.slots[key].outbox {
                outbox.front_is_begun();
            }
        }
        true
    }

    /// A message has been compressed aside: whoever waits for one is looked at in this turn.
    pub fn compressed(&mut self) {
        for key in std::mem::take(&mut self.awaiting) {
            // A slot may have ended since; a new tenant waits for nothing.
            if let Some(slot) = self.slots.get_mut(key)
                && std::mem::take(&mut slot.awaiting)
                && !std::mem::replace(&mut slot.dirty, true)
            {
                self.dirty.push(key);
            }
        }
    }

    /// Writes once to every slot that something was queued for.
    pub fn flush_dirty(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for key in dirty.drain(..) {
            // A slot may have ended since; a new tenant starts clean.
            if let Some(slot) = self.slots.get_mut(key)
                && std::mem::take(&mut slot.dirty)
            {
                self.flush(key);
                self.judge(key);
            }
        }
        self.dirty = dirty;
    }

    /// Holds a receiver to the limit for messages whose length was not known when they were queued.
    fn judge(&mut self, key: usize) {
        let limit = self.shared.config.max_buffered_amount;
        let slot = &mut self.slots[key];
        if slot.waits_for_us() || !std::mem::take(&mut slot.unjudged) {
            return;
        }
        // As in `enqueue`, a frame alone may be larger than the limit.
        let over = slot.weight() > limit && slot.queued() > 1;
        if over && matches!(slot.phase, Phase::Open(_)) {
            self.strike(key, 0, limit);
        }
    }

    /// All is written to a connection that ended: half-close it, or be done with it.
    fn finish_draining(&mut self, key: usize) {
        let slot = &mut self.slots[key];
        if matches!(slot.phase, Phase::Draining { linger: true }) {
            // For sockets this is shutdown(2), which neither blocks nor waits.
            // TLS has a last word, which the socket may not take at once.
            let waker = slot.waker.as_ref().unwrap_or(Waker::noop());
            let mut cx = Context::from_waker(waker);
            let shut = Pin::new(&mut slot.stream).poll_shutdown(&mut cx).is_ready();
            if shut || slot.stream.held() > 0 {
                return;
            }
        }
        self.lost.push(key);
    }

    /// Ends a connection's writing: what is queued goes out, then the socket.
    pub fn drain(&mut self, key: usize, linger: bool) {
        self.slots[key].phase = Phase::Draining { linger };
        if !self.slots[key].owes() {
            self.finish_draining(key);
        }
    }

    /// What all slots are owed now.
    pub fn debts(&self) -> Vec<Debt> {
        let owing = self.slots.iter().filter(|(_, slot)| slot.owes());
        owing
            .map(|(key, slot)| Debt {
                key,
                serial: slot.serial,
                target: slot.settled.wrapping_add((slot.held_frames + slot.queued()) as u64),
            })
            .collect()
    }

    /// Whether a debt is written, or its slot is gone.
    pub fn is_paid(&self, debt: &Debt) -> bool {
        match self.slots.get(debt.key).filter(|slot| slot.serial == debt.serial) {
            None => true,
            Some(slot) => !slot.owes() || debt.target.wrapping_sub(slot.settled) as i64 <= 0,
        }
    }

    /// Puts the lists of slots to look at in order again, after a fault in the middle of a turn.
    pub fn recover(&mut self) {
        // How much of its outbox is on the wire is not known any more of the one that was written
        // to; and a write that panics once would do so in every turn.
        self.lost.extend(self.writing.take());
        for list in [&mut self.lost, &mut self.slow] {
            // Once each: a key that stayed behind could meet the slot's next tenant.
            list.sort_unstable();
            list.dedup();
            list.retain(|&key| self.slots.contains(key));
        }
        self.dirty.clear();
        for (key, slot) in &mut self.slots {
            slot.dirty = slot.outbox.is_some() && !self.lost.contains(&key);
            if slot.dirty {
                self.dirty.push(key);
            }
        }
    }

    /// Drops what is owed but not yet on the wire, all but so many of the last frames; returns how many frames went.
    pub fn discard(&mut self, key: usize, spared: usize) -> usize {
        let Some(outbox) = self.slots[key].outbox.as_mut() else {
            return 0;
        };
        let dropped = outbox.drop_unwritten(spared);
        let empty = outbox.is_empty();
        let slot = &mut self.slots[key];
        slot.settle(dropped);
        if empty && let Some(outbox) = slot.outbox.take() {
            self.release(outbox);
        }
        dropped
    }

    pub fn remove(&mut self, key: usize) -> Slot {
        let mut slot = self.slots.remove(key);
        if let Some(outbox) = slot.outbox.take() {
            // Our Close frame is no message.
            let close = usize::from(!matches!(slot.phase, Phase::Open(_)));
            self.counters().dropped_unwritten.add(outbox.len().saturating_sub(close));
        }
        slot
    }

    fn release(&mut self, outbox: Box<Outbox>) {
        if outbox.is_reusable() && self.spare.len() < SPARE_OUTBOXES {
            self.spare.push(outbox);
        }
    }
}

fn level(shared: &Shared) -> u32 {
    shared.config.compression.as_ref().map_or(0, |compression| compression.level)
}

/// Compresses a message on the thread for slow work, then tells all shards: each may have receivers
/// that wait for it.
fn compress_aside(shared: &Arc<Shared>, aside: Aside) {
    let shared = shared.clone();
    run_slow_work(Box::new(move || {
        let whole = with_compressor(level(&shared), |compressor| aside.run(compressor));
        shared.inboxes.iter().for_each(|inbox| inbox.push(Job::Compressed));
        if !whole {
            shared.report_fault();
        }
    }));
}

/// Lends the current thread's compressor, which is made anew where managers of another level take
/// turns with it, and after a fault.
fn with_compressor(level: u32, work: impl FnOnce(&mut Compressor) -> bool) -> bool {
    thread_local! {
        static KEPT: Cell<Option<(u32, Compressor)>> = const { Cell::new(None) };
    }
    let kept = KEPT.take().filter(|(kept, _)| *kept == level);
    let mut compressor = kept.map_or_else(|| Compressor::new(level), |(_, compressor)| compressor);
    let whole = work(&mut compressor);
    if whole {
        KEPT.set(Some((level, compressor)));
    }
    whole
}
