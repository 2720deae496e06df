//! What a client has to tell JavaScript, beside its answers and its messages: log lines, errors,
//! rebalances. JavaScript is woken once, and takes what has gathered.

use serde::Serialize;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::KafkaError;

/// Log lines that wait at most. The oldest go first.
const MOST_LINES: usize = 1_000;

/// One of them; JSON with `type` on the other side.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Notice {
    /// A line of librdkafka's. The level is syslog's, 0 (emergency) to 7 (debug).
    Log { level: u8, facility: String, message: String },
    /// A fault that belongs to no call. librdkafka goes on by itself, unless it is fatal.
    Error { error: KafkaError },
    /// Partitions were given to this consumer.
    Assigned {
        assignment: u32,
        partitions: Vec<AssignedPartition>,
        member_id: String,
        generation: i32,
    },
    /// Partitions are to be given back, which waits for `release`; or they are gone (`lost`).
    Revoked { assignment: u32, partitions: Vec<AssignedPartition>, lost: bool },
    /// A partition cannot be read at the moment.
    Partition { topic: String, partition: i32, error: KafkaError },
    /// So many log lines were dropped here, since nobody took them.
    Dropped { lines: u64 },
}

#[derive(Debug, Clone, Serialize)]
pub struct AssignedPartition {
    pub topic: String,
    pub partition: i32,
}

pub struct Notices {
    state: Mutex<State>,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Notice>,
    lines: usize,
    dropped: u64,
    /// JavaScript was woken and has not come yet.
    woken: bool,
}

impl Notices {
    /// `wake` is called on any thread, and must only wake.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { state: Mutex::default(), wake: Box::new(wake) }
    }

    pub(crate) fn push(&self, notice: Notice) {
        let mut state = self.state();
        if matches!(notice, Notice::Log { .. }) {
            if state.lines == MOST_LINES {
                let oldest = state.waiting.iter().position(|it| matches!(it, Notice::Log { .. }));
                if let Some(oldest) = oldest {
                    state.waiting.remove(oldest);
                }
                state.dropped += 1;
            } else {
                state.lines += 1;
            }
        }
        state.waiting.push_back(notice);
        let wake = !std::mem::replace(&mut state.woken, true);
        drop(state);
        if wake {
            (self.wake)();
        }
    }

    /// All that waits, in order.
    pub fn take(&self) -> Vec<Notice> {
        let mut state = self.state();
        state.woken = false;
        state.lines = 0;
        let dropped = std::mem::take(&mut state.dropped);
        let first = (dropped > 0).then_some(Notice::Dropped { lines: dropped });
        first.into_iter().chain(state.waiting.drain(..)).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    fn line(number: usize) -> Notice {
        Notice::Log { level: 6, facility: "TEST".to_owned(), message: number.to_string() }
    }

    fn counted() -> (Notices, Arc<AtomicUsize>) {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counter = wakes.clone();
        (
            Notices::new(move || {
                counter.fetch_add(1, Relaxed);
            }),
            wakes,
        )
    }

    #[test]
    fn the_host_is_woken_once_until_it_takes() {
        let (notices, wakes) = counted();
        notices.push(line(1));
        notices.push(line(2));
        assert_eq!(wakes.load(Relaxed), 1);
        assert_eq!(notices.take().len(), 2);
        notices.push(line(3));
        assert_eq!(wakes.load(Relaxed), 2);
    }

    #[test]
    fn lines_that_nobody_takes_push_out_the_oldest_lines_and_nothing_else() {
        let (notices, _) = counted();
        let error = KafkaError::timed_out("late");
        notices.push(Notice::Error { error });
        for number in 0..MOST_LINES + 2 {
            notices.push(line(number));
        }
        let taken = notices.take();
        assert_eq!(taken.len(), MOST_LINES + 2);
        assert!(matches!(taken[0], Notice::Dropped { lines: 2 }));
        assert!(matches!(taken[1], Notice::Error { .. }));
        assert!(matches!(&taken[2], Notice::Log { message, .. } if message == "2"));
    }
}
