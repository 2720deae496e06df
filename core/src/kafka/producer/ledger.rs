//! Sends that are not finished. Each counts its messages down, and when the last is delivered or has
//! failed, JavaScript is woken for it: once, for all that have gathered.

use slab::Slab;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::kafka::error::KafkaError;
use crate::kafka::sys::Delivery;

/// Where a send is, while it is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(u32);

impl Slot {
    /// What a message of this send carries; `topic` is its place among the send's topics.
    pub(super) fn tag(self, topic: u32) -> usize {
        const { assert!(usize::BITS == 64, "a tag holds two numbers of 32 bits") };
        (self.0 as usize) << 32 | topic as usize
    }
}

/// What a partition has taken of a send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outcome {
    /// Its place among the send's topics.
    pub(super) topic: u32,
    pub(super) partition: i32,
    /// Of the first message; negative where the broker did not tell.
    pub(super) base: i64,
    pub(super) appended: i64,
}

#[derive(Debug)]
struct Send {
    id: u32,
    /// Messages that were put in, less those that came out. Their delivery may come before it is known
    /// how many there are.
    left: i64,
    whole: bool,
    failure: Option<KafkaError>,
    outcomes: Vec<Outcome>,
}

#[derive(Debug)]
pub(super) struct Finished {
    pub(super) id: u32,
    pub(super) outcome: Result<Vec<Outcome>, KafkaError>,
}

#[derive(Debug, Default)]
struct State {
    sends: Slab<Send>,
    finished: VecDeque<Finished>,
    /// JavaScript was woken and has not come yet.
    woken: bool,
}

pub(super) struct Ledger {
    state: Mutex<State>,
    emptied: Condvar,
    wake: Box<dyn Fn() + std::marker::Send + Sync>,
}

impl Ledger {
    /// `wake` is called on any thread, and must only wake.
    pub(super) fn new(wake: impl Fn() + std::marker::Send + Sync + 'static) -> Self {
        Self { state: Mutex::default(), emptied: Condvar::new(), wake: Box::new(wake) }
    }

    pub(super) fn open(&self, id: u32) -> Slot {
        let send = Send { id, left: 0, whole: false, failure: None, outcomes: Vec::new() };
        Slot(u32::try_from(self.state().sends.insert(send)).unwrap_or(u32::MAX))
    }

    /// A send of which nothing is put in.
    pub(super) fn refuse(&self, id: u32, error: KafkaError) {
        let mut state = self.state();
        state.finished.push_back(Finished { id, outcome: Err(error) });
        self.tell(state);
    }

    /// All messages of the send were put in.
    pub(super) fn whole(&self, slot: Slot, messages: u32) {
        let mut state = self.state();
        if let Some(send) = state.sends.get_mut(slot.0 as usize) {
            send.whole = true;
            send.left += i64::from(messages);
            state.finish_if_done(slot.0 as usize);
        }
        self.tell(state);
    }

    /// Takes so many deliveries of an event under one lock, and tells whether there were more.
    pub(super) fn settle(&self, most: usize, mut next: impl FnMut() -> Option<Delivery>) -> bool {
        let mut state = self.state();
        for _ in 0..most {
            let Some(delivery) = next() else { return false };
            state.settle(delivery);
        }
        true
    }

    /// A message will not be sent.
    pub(super) fn fail(&self, tag: usize, error: KafkaError) {
        self.state().settle(Delivery {
            tag,
            partition: -1,
            offset: -1,
            appended: -1,
            error: Some(error),
        });
    }

    /// Wakes JavaScript if there is something for it.
    pub(super) fn wake(&self) {
        self.tell(self.state());
    }

    /// Gives up on all that is not finished. Deliveries that still come are of no send any more, so no
    /// send may be opened after it.
    pub(super) fn fail_all(&self, error: &KafkaError) {
        let mut state = self.state();
        let sends = std::mem::take(&mut state.sends);
        state.finished.extend(sends.into_iter().map(|(_, send)| Finished {
            id: send.id,
            outcome: Err(send.failure.unwrap_or_else(|| error.clone())),
        }));
        self.tell(state);
    }

    /// Waits until every send is finished, and tells whether they were.
    pub(super) fn wait_until_empty(&self, deadline: Instant) -> bool {
        let mut state = self.state();
        while !state.sends.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.emptied.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(super) fn unfinished(&self) -> usize {
        self.state().sends.len()
    }

    /// Writes finished sends to `into`, and returns how many numbers that were: for each its number,
    /// how many partitions, and for each of those the topic's place, partition, base offset and time
    /// of appending; or its number and -1 for one that failed, whose error goes to `failures`. When not
    /// even one fits, it returns how many numbers it has, as a negative number.
    pub(super) fn take(&self, into: &mut [f64], failures: &mut VecDeque<KafkaError>) -> isize {
        let mut state = self.state();
        state.woken = false;
        let mut at = 0;
        while let Some(next) = state.finished.front() {
            let size = 2 + next.outcome.as_ref().map_or(0, |it| 4 * it.len());
            let Some(place) = into.get_mut(at..at + size) else {
                if at == 0 {
                    return -isize::try_from(size).unwrap_or(isize::MAX);
                }
                break;
            };
            if let Some(finished) = state.finished.pop_front() {
                finished.write(place, failures);
            }
            at += size;
        }
        isize::try_from(at).unwrap_or(isize::MAX)
    }

    fn tell(&self, mut state: MutexGuard<'_, State>) {
        if state.sends.is_empty() {
            self.emptied.notify_all();
        }
        let wake = !state.finished.is_empty() && !std::mem::replace(&mut state.woken, true);
        drop(state);
        if wake {
            (self.wake)();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn settle(&mut self, delivery: Delivery) {
        let (slot, topic) = (delivery.tag >> 32, (delivery.tag & 0xffff_ffff) as u32);
        let Some(send) = self.sends.get_mut(slot) else { return };
        send.left -= 1;
        match delivery.error {
            Some(error) => {
                send.failure.get_or_insert(error);
            }
            None => send.add(topic, &delivery),
        }
        self.finish_if_done(slot);
    }

    fn finish_if_done(&mut self, slot: usize) {
        if self.sends.get(slot).is_some_and(|send| send.whole && send.left <= 0) {
            let mut send = self.sends.remove(slot);
            send.outcomes.sort_unstable_by_key(|it| (it.topic, it.partition));
            let outcome = send.failure.map_or(Ok(send.outcomes), Err);
            self.finished.push_back(Finished { id: send.id, outcome });
        }
    }
}

impl Send {
    fn add(&mut self, topic: u32, delivery: &Delivery) {
        // Deliveries come partition by partition, so it is mostly the last.
        let same = |it: &&mut Outcome| it.topic == topic && it.partition == delivery.partition;
        match self.outcomes.iter_mut().rev().find(same) {
            Some(outcome) => {
                if delivery.offset >= 0 && (outcome.base < 0 || delivery.offset < outcome.base) {
                    outcome.base = delivery.offset;
                }
            }
            None => self.outcomes.push(Outcome {
                topic,
                partition: delivery.partition,
                base: delivery.offset.max(-1),
                appended: delivery.appended,
            }),
        }
    }
}

impl Finished {
    fn write(self, into: &mut [f64], failures: &mut VecDeque<KafkaError>) {
        let (head, rest) = into.split_at_mut(2);
        head[0] = f64::from(self.id);
        match self.outcome {
            Err(error) => {
                head[1] = -1.0;
                failures.push_back(error);
            }
            Ok(outcomes) => {
                head[1] = outcomes.len() as f64;
                for (place, it) in rest.chunks_exact_mut(4).zip(outcomes) {
                    let numbers = [
                        f64::from(it.topic),
                        f64::from(it.partition),
                        it.base as f64,
                        it.appended as f64,
                    ];
                    place.copy_from_slice(&numbers);
                }
            }
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::time::Duration;

    fn counted() -> (Ledger, Arc<AtomicUsize>) {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counter = wakes.clone();
        (
            Ledger::new(move || {
                counter.fetch_add(1, Relaxed);
            }),
            wakes,
        )
    }

    fn delivered(tag: usize, partition: i32, offset: i64) -> Delivery {
        Delivery { tag, partition, offset, appended: -1, error: None }
    }

    fn settle(ledger: &Ledger, deliveries: Vec<Delivery>) {
        let mut deliveries = deliveries.into_iter();
        assert!(!ledger.settle(usize::MAX, || deliveries.next()));
        ledger.wake();
    }

    fn taken(ledger: &Ledger) -> (Vec<f64>, Vec<KafkaError>) {
        let (mut numbers, mut failures) = (vec![0.0; 64], VecDeque::new());
        let count = ledger.take(&mut numbers, &mut failures);
        numbers.truncate(usize::try_from(count).unwrap());
        (numbers, failures.into())
    }

    #[test]
    fn a_send_is_finished_with_its_last_message_and_has_the_first_offset_of_each_partition() {
        let (ledger, wakes) = counted();
        let slot = ledger.open(9);
        // Some are delivered before the send is whole.
        settle(&ledger, vec![delivered(slot.tag(1), 4, 11), delivered(slot.tag(0), 2, 7)]);
        ledger.whole(slot, 4);
        settle(&ledger, vec![delivered(slot.tag(1), 4, 10)]);
        assert_eq!((wakes.load(Relaxed), taken(&ledger).0), (0, vec![]));
        settle(&ledger, vec![delivered(slot.tag(0), 2, 8)]);
        assert_eq!(wakes.load(Relaxed), 1);
        let numbers = [9.0, 2.0, 0.0, 2.0, 7.0, -1.0, 1.0, 4.0, 10.0, -1.0];
        assert_eq!(taken(&ledger).0, numbers);
    }

    #[test]
    fn one_message_that_fails_fails_its_send_after_all_are_accounted_for() {
        let (ledger, _) = counted();
        let slot = ledger.open(1);
        ledger.fail(slot.tag(0), KafkaError::timed_out("first"));
        ledger.fail(slot.tag(0), KafkaError::timed_out("second"));
        ledger.whole(slot, 3);
        assert!(taken(&ledger).0.is_empty());
        settle(&ledger, vec![delivered(slot.tag(0), 0, 0)]);
        let (numbers, failures) = taken(&ledger);
        assert_eq!(numbers, [1.0, -1.0]);
        assert_eq!(failures, [KafkaError::timed_out("first")]);
    }

    #[test]
    fn the_host_is_woken_once_until_it_takes() {
        let (ledger, wakes) = counted();
        for id in 0..3 {
            ledger.whole(ledger.open(id), 0);
        }
        assert_eq!(wakes.load(Relaxed), 1);
        assert_eq!(taken(&ledger).0, [0.0, 0.0, 1.0, 0.0, 2.0, 0.0]);
        ledger.whole(ledger.open(3), 0);
        assert_eq!(wakes.load(Relaxed), 2);
    }

    #[test]
    fn what_does_not_fit_stays() {
        let (ledger, _) = counted();
        for id in 0..2 {
            let slot = ledger.open(id);
            ledger.whole(slot, 1);
            settle(&ledger, vec![delivered(slot.tag(0), 0, 5)]);
        }
        let mut failures = VecDeque::new();
        assert_eq!(ledger.take(&mut [0.0; 5], &mut failures), -6);
        assert_eq!(ledger.take(&mut [0.0; 11], &mut failures), 6);
        assert_eq!(taken(&ledger).0, [1.0, 1.0, 0.0, 0.0, 5.0, -1.0]);
    }

    #[test]
    fn giving_up_fails_what_is_left_and_ends_waiting() {
        let (ledger, _) = counted();
        let slot = ledger.open(1);
        ledger.whole(slot, 1);
        assert!(!ledger.wait_until_empty(Instant::now() + Duration::from_millis(5)));
        ledger.fail_all(&KafkaError::closed());
        assert!(ledger.wait_until_empty(Instant::now()));
        assert_eq!(taken(&ledger).1, [KafkaError::closed()]);
        // One that comes late is nobody's.
        settle(&ledger, vec![delivered(slot.tag(0), 0, 0)]);
        assert!(taken(&ledger).0.is_empty());
    }
}
