//! Batches on their way to JavaScript.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::pool::Memory;

/// Batches that wait at most. One is taken while the next is made.
const MOST: usize = 2;

pub(super) struct Batches {
    state: Mutex<State>,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Memory>,
    /// JavaScript has found nothing, and is to be woken.
    asleep: bool,
}

impl Batches {
    pub(super) fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        let state = State { asleep: true, ..State::default() };
        Self { state: Mutex::new(state), wake: Box::new(wake) }
    }

    pub(super) fn have_room(&self) -> bool {
        self.state().waiting.len() < MOST
    }

    pub(super) fn push(&self, batch: Memory) {
        let mut state = self.state();
        state.waiting.push_back(batch);
        let wake = std::mem::take(&mut state.asleep);
        drop(state);
        if wake {
            (self.wake)();
        }
    }

    pub(super) fn take(&self) -> Option<Memory> {
        let mut state = self.state();
        let batch = state.waiting.pop_front();
        state.asleep = batch.is_none();
        batch
    }

    pub(super) fn clear(&self) {
        self.state().waiting.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::pool::Pool;
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    #[test]
    fn the_host_is_woken_only_when_it_has_found_nothing() {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counter = wakes.clone();
        let batches = Batches::new(move || {
            counter.fetch_add(1, Relaxed);
        });
        let batch = |number: usize| {
            let mut memory = Arc::new(Pool::default()).take(0);
            memory.bytes().resize(number, 0);
            memory
        };
        let take = || batches.take().map_or(0, |mut it| it.as_mut().len());
        batches.push(batch(1));
        assert!(batches.have_room());
        batches.push(batch(2));
        assert!(!batches.have_room());
        assert_eq!(wakes.load(Relaxed), 1);
        assert_eq!((take(), take()), (1, 2));
        batches.push(batch(3));
        assert_eq!(wakes.load(Relaxed), 1, "it goes on taking until there is nothing");
        assert_eq!((take(), take()), (3, 0));
        batches.push(batch(4));
        assert_eq!(wakes.load(Relaxed), 2);
    }
}
