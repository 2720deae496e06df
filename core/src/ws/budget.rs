//! The memory budget of a server: queued payloads count once, however many receivers share them.
//!
//! A synchronous send cannot push back, so a send that would exceed the budget is refused whole:
//! nothing is half-sent. A payload gives its share back when its last receiver has it.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What a queued frame costs beyond its bytes (queue entries, reference counts), so that a flood
/// of tiny messages is bounded too.
const FRAME_OVERHEAD: usize = 128;

/// Bytes that may be queued at once.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
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
        self.used
            .fetch_update(Relaxed, Relaxed, |used| {
                (used == 0 || used + cost <= self.limit).then_some(used + cost)
            })
            .ok()?;
        Some(Bytes::from_owner(Charged { wire, cost, budget: self.clone() }).slice(start..))
    }
}

/// Wire bytes that give their share of the budget back when they are dropped.
struct Charged {
    wire: Vec<u8>,
    cost: usize,
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
    fn a_frame_larger_than_the_budget_passes_alone() {
        let budget = Budget::new(10);
        assert!(budget.frame(vec![0; 2000], 0).is_some());
    }
}
