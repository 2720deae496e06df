//! Batches on their way to JavaScript.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::pool::Memory;

/// Batches that wait at most.
const MOST: usize = 4;
/// So few are left when the thread is woken to make more: enough to go on with while it begins. It makes several at a
/// time, since two threads that take turns at each batch pay for the turns, and share a cache for little else.
const FEW: usize = 1;

pub(super) struct Batches {
    state: Mutex<State>,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Memory>,
    /// JavaScript has found nothing, and is to be woken.
    asleep: bool,
    /// There were as many as may wait, and there are not yet few.
    full: bool,
}

impl Batches {
    pub(super) fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        let state = State { asleep: true, ..State::default() };
        Self { state: Mutex::new(state), wake: Box::new(wake) }
    }

    pub(super) fn have_room(&self) -> bool {
        !self.state().full
    }

    pub(super) fn push(&self, batch: Memory) {
        let mut state = self.state();
        state.waiting.push_back(batch);
        state.full = state.waiting.len() >= MOST;
        let wake = std::mem::take(&mut state.asleep);
        drop(state);
        if wake {
            (self.wake)();
        }
    }

    /// The next batch, and whether there is room again, which the thread does not know.
    pub(super) fn take(&self) -> (Option<Memory>, bool) {
        let mut state = self.state();
        let batch = state.waiting.pop_front();
        state.asleep = batch.is_none();
        let again = state.full && state.waiting.len() <= FEW;
        state.full &= !again;
        (batch, again)
    }

    pub(super) fn clear(&self) {
        let mut state = self.state();
        state.waiting.clear();
        state.full = false;
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
        let take = || batches.take().0.map_or(0, |mut it| it.as_mut().len());
        batches.push(batch(1));
        batches.push(batch(2));
        assert_eq!(wakes.load(Relaxed), 1);
        assert_eq!((take(), take()), (1, 2));
        batches.push(batch(3));
        assert_eq!(wakes.load(Relaxed), 1, "it goes on taking until there is nothing");
        assert_eq!((take(), take()), (3, 0));
        batches.push(batch(4));
        assert_eq!(wakes.load(Relaxed), 2);
    }

    #[test]
    fn the_thread_is_woken_once_for_several_batches() {
        let batches = Batches::new(|| {});
        let push = || batches.push(Arc::new(Pool::default()).take(0));
        let take = || batches.take().1;
        for _ in 0..MOST {
            assert!(batches.have_room());
            push();
        }
        assert!(!batches.have_room());
        assert_eq!([take(), take()], [false, false], "there is enough to go on with");
        assert!(!batches.have_room());
        assert!(take(), "few are left");
        assert!(batches.have_room());
        assert_eq!([take(), take()], [false, false], "it knows");
        push();
        assert!(!take(), "it was never without room");
    }

    #[test]
    fn there_is_room_when_all_are_thrown_away() {
        let batches = Batches::new(|| {});
        for _ in 0..MOST {
            batches.push(Arc::new(Pool::default()).take(0));
        }
        batches.clear();
        assert!(batches.have_room());
    }
}
