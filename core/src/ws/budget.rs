//! The memory budget of a server: queued payloads count once, however many receivers share them.
//!
//! A synchronous send cannot push back, so a send that would exceed the budget is refused whole:
//! nothing is half-sent. A payload gives its share back when its last receiver has it.
//!
//! What clients cause themselves, answers that they do not read, has a part of it only: strangers must not take the
//! room of what the host sends to others.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What a queued frame costs beyond its bytes (queue entries, reference counts), so that a flood
/// of tiny messages is bounded too.
const FRAME_OVERHEAD: usize = 128;

/// The part of the budget that answers may take: a quarter, and a half if their client is owed little, whom those that
/// do not read must not push out.
const OF_ANSWERS: usize = 4;
const OF_SMALL_ONES: usize = 2;

/// Bytes that may be queued at once.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
    /// Of them, answers.
    answers: AtomicUsize,
}

impl Budget {
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0), answers: AtomicUsize::new(0) })
    }

    /// Bytes that are queued now.
    pub fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// Turns wire bytes, from `start` on, into a frame that is counted until its last clone is
    /// dropped, or nothing if the budget has no room for it. One frame may always be queued when
    /// nothing else is.
    pub fn frame(self: &Arc<Self>, wire: Vec<u8>, start: usize) -> Option<Bytes> {
        let cost = wire.capacity() + FRAME_OVERHEAD;
        take(&self.used, cost, self.limit).then(|| self.charged(wire, cost, false, start))
    }

    /// The same for what a client has caused, which is owed little or not.
    pub fn answer(self: &Arc<Self>, wire: Vec<u8>, owed_little: bool) -> Option<Bytes> {
        let cost = wire.capacity() + FRAME_OVERHEAD;
        let part = if owed_little { OF_SMALL_ONES } else { OF_ANSWERS };
        if !take(&self.answers, cost, self.limit / part) {
            return None;
        }
        if !take(&self.used, cost, self.limit) {
            self.answers.fetch_sub(cost, Relaxed);
            return None;
        }
        Some(self.charged(wire, cost, true, 0))
    }

    fn charged(self: &Arc<Self>, wire: Vec<u8>, cost: usize, answer: bool, start: usize) -> Bytes {
        Bytes::from_owner(Charged { wire, cost, answer, budget: self.clone() }).slice(start..)
    }
}

fn take(used: &AtomicUsize, cost: usize, limit: usize) -> bool {
    let fits = |used| (used == 0 || used + cost <= limit).then_some(used + cost);
    used.fetch_update(Relaxed, Relaxed, fits).is_ok()
}

/// Wire bytes that give their share of the budget back when they are dropped.
struct Charged {
    wire: Vec<u8>,
    cost: usize,
    answer: bool,
    budget: Arc<Budget>,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.wire
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.cost, Relaxed);
        if self.answer {
            self.budget.answers.fetch_sub(self.cost, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_frame_counts_once_and_until_its_last_clone_goes() {
        let budget = Budget::new(10_000);
        let frame = budget.frame(vec![0; 1000], 0).unwrap();
        let clones: Vec<_> = (0..100).map(|_| frame.clone()).collect();
        assert_eq!(budget.used(), 1000 + FRAME_OVERHEAD);
        drop(frame);
        assert_eq!(budget.used(), 1000 + FRAME_OVERHEAD);
        drop(clones);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_costs_nothing() {
        let budget = Budget::new(3000);
        let first = budget.frame(vec![0; 2000], 0).unwrap();
        assert!(budget.frame(vec![0; 2000], 0).is_none());
        assert_eq!(budget.used(), 2000 + FRAME_OVERHEAD);
        drop(first);
        assert!(budget.frame(vec![0; 2000], 0).is_some());
    }

    #[test]
    fn answers_leave_room_for_what_the_host_sends() {
        let budget = Budget::new(8000);
        let first = budget.answer(vec![0; 1500], false).unwrap();
        assert!(budget.answer(vec![0; 1500], false).is_none());
        let small = budget.answer(vec![0; 1500], true).unwrap();
        assert!(budget.answer(vec![0; 1500], true).is_none(), "nor do those owed little take all");
        assert!(budget.frame(vec![0; 4000], 0).is_some());
        drop((first, small));
        assert!(budget.answer(vec![0; 1500], false).is_some());
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn an_answer_is_refused_where_the_host_has_taken_all_and_costs_nothing() {
        let budget = Budget::new(8000);
        let sent = budget.frame(vec![0; 7800], 0).unwrap();
        assert!(budget.answer(vec![0; 1500], false).is_none());
        drop(sent);
        assert!(budget.answer(vec![0; 1500], false).is_some());
    }

    #[test]
    fn a_frame_larger_than_the_budget_passes_alone() {
        let budget = Budget::new(10);
        assert!(budget.frame(vec![0; 2000], 0).is_some());
    }
}
