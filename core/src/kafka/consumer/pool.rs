//! Memory of batches, which is used again: the system gives fresh memory page by page, and each page costs as much as
//! copying what fits into it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Bytes that lie here at most. JavaScript gives memory back in bursts, when it has collected garbage.
const MOST: usize = 32 << 20;
/// Less is quick to get, and one message of a quiet topic must not hold the memory of a thousand.
const LEAST: usize = 256 << 10;
/// Who has needed none for so long needs none.
const REST: Duration = Duration::from_secs(1);

/// A batch, or the memory for one.
#[derive(Debug)]
pub struct Memory {
    bytes: Vec<u8>,
    /// None for what is not worth giving back.
    home: Weak<Pool>,
}

impl Memory {
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl AsMut<[u8]> for Memory {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            home.give_back(std::mem::take(&mut self.bytes));
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Vec<u8>>,
    bytes: usize,
    last: Option<Instant>,
}

impl Pool {
    /// Room for about so many bytes.
    pub(super) fn take(self: &Arc<Self>, size: usize) -> Memory {
        if size < LEAST {
            return Memory { bytes: Vec::with_capacity(size), home: Weak::new() };
        }
        let mut state = self.state();
        state.last = Some(Instant::now());
        let known = state.waiting.pop();
        state.bytes -= known.as_ref().map_or(0, Vec::capacity);
        drop(state);
        // What does not fit is from when batches had other sizes.
        let fits = |it: &Vec<u8>| (size - size / 4..=size * 2).contains(&it.capacity());
        let bytes = known.filter(fits).unwrap_or_else(|| Vec::with_capacity(size));
        Memory { bytes, home: Arc::downgrade(self) }
    }

    fn give_back(&self, mut bytes: Vec<u8>) {
        let capacity = bytes.capacity();
        let mut state = self.state();
        if capacity < LEAST || state.bytes + capacity > MOST {
            return;
        }
        bytes.clear();
        state.bytes += capacity;
        state.waiting.push(bytes);
    }

    /// Is called now and then: frees everything when nobody has taken any for a while.
    pub(super) fn rest(&self, now: Instant) {
        let mut state = self.state();
        let idle = state.last.is_none_or(|last| now.saturating_duration_since(last) >= REST);
        if idle && state.bytes > 0 {
            let unused = std::mem::take(&mut state.waiting);
            state.bytes = 0;
            drop(state);
            drop(unused);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 1 << 20;

    fn waiting(pool: &Pool) -> (usize, usize) {
        let state = pool.state();
        (state.waiting.len(), state.bytes)
    }

    #[test]
    fn memory_that_is_given_back_is_taken_again_and_is_empty() {
        let pool = Arc::new(Pool::default());
        let mut first = pool.take(SIZE);
        first.bytes().push(1);
        let at = first.as_mut().as_ptr();
        drop(first);
        assert_eq!(waiting(&pool), (1, SIZE));
        let mut second = pool.take(SIZE - 1);
        assert!(second.bytes().is_empty());
        second.bytes().push(2);
        assert_eq!(second.as_mut().as_ptr(), at);
        assert_eq!(waiting(&pool), (0, 0));
    }

    #[test]
    fn small_batches_and_those_of_another_size_get_memory_of_their_own() {
        let pool = Arc::new(Pool::default());
        drop(pool.take(SIZE));
        assert!(pool.take(1_000).bytes().capacity() < LEAST);
        drop(pool.take(1_000));
        assert_eq!(waiting(&pool), (1, SIZE));
        assert!(pool.take(LEAST).bytes().capacity() < SIZE);
    }

    #[test]
    fn it_holds_only_so_much_and_nothing_once_it_rests() {
        let pool = Arc::new(Pool::default());
        let all: Vec<_> = (0..40).map(|_| pool.take(SIZE)).collect();
        drop(all);
        assert_eq!(waiting(&pool), (32, MOST));
        pool.rest(Instant::now());
        assert_eq!(waiting(&pool).0, 32, "it was just used");
        pool.rest(Instant::now() + REST);
        assert_eq!(waiting(&pool), (0, 0));
    }

    #[test]
    fn a_batch_may_outlive_the_pool() {
        let pool = Arc::new(Pool::default());
        let mut batch = pool.take(SIZE);
        drop(pool);
        batch.bytes().push(1);
        assert_eq!(batch.as_mut(), [1]);
    }
}
