//! Who waits for which answer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::request::AdminReply;
use crate::kafka::client::Done;
use crate::kafka::error::KafkaError;

/// Requests of one admin that wait at once. More are refused.
const MOST: usize = 256;

#[derive(Default)]
pub(super) struct Waiting {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    by_number: HashMap<usize, Done<AdminReply>>,
    last: usize,
    closed: bool,
}

impl Waiting {
    /// A number for a request, unless it is refused.
    pub(super) fn expect(&self, done: Done<AdminReply>) -> Option<usize> {
        let mut state = self.state();
        let refusal = if state.closed {
            KafkaError::closed()
        } else if state.by_number.len() >= MOST {
            KafkaError::no_thread(format!("{MOST} requests of this admin wait already"))
        } else {
            state.last += 1;
            let number = state.last;
            state.by_number.insert(number, done);
            return Some(number);
        };
        drop(state);
        done(Err(refusal));
        None
    }

    /// For a request that has been answered, unless it was before.
    pub(super) fn answer(&self, number: usize, outcome: Result<AdminReply, KafkaError>) {
        let done = self.state().by_number.remove(&number);
        if let Some(done) = done {
            done(outcome);
        }
    }

    /// Fails all that wait.
    pub(super) fn fail_all(&self, error: &KafkaError) {
        let all = std::mem::take(&mut self.state().by_number);
        for (_, done) in all {
            done(Err(error.clone()));
        }
    }

    /// Fails all, and what comes later.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.fail_all(&KafkaError::closed());
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    fn asked(waiting: &Waiting) -> (Option<usize>, Receiver<Result<AdminReply, KafkaError>>) {
        let (sender, receiver) = channel();
        (waiting.expect(Box::new(move |outcome| sender.send(outcome).unwrap())), receiver)
    }

    #[test]
    fn each_is_answered_once_and_by_its_number() {
        let waiting = Waiting::default();
        let ((first, one), (second, two)) = (asked(&waiting), asked(&waiting));
        waiting.answer(second.unwrap(), Err(KafkaError::timed_out("late")));
        waiting.answer(second.unwrap(), Ok(AdminReply::Names(Vec::new())));
        assert_eq!(two.recv().unwrap().unwrap_err().name, "_TIMED_OUT");
        assert!(one.try_recv().is_err());
        waiting.answer(first.unwrap(), Ok(AdminReply::Names(Vec::new())));
        assert!(one.recv().unwrap().is_ok());
    }

    #[test]
    fn the_end_fails_what_waits_and_what_comes() {
        let waiting = Waiting::default();
        let (_, before) = asked(&waiting);
        waiting.close();
        let (number, after) = asked(&waiting);
        assert_eq!(number, None);
        for receiver in [before, after] {
            assert_eq!(receiver.recv().unwrap().unwrap_err().name, "_DESTROY");
        }
    }

    #[test]
    fn only_so_many_wait() {
        let waiting = Waiting::default();
        let kept: Vec<_> = (0..MOST).map(|_| asked(&waiting)).collect();
        assert!(kept.iter().all(|(number, _)| number.is_some()));
        let (number, refused) = asked(&waiting);
        assert_eq!(number, None);
        assert_eq!(refused.recv().unwrap().unwrap_err().name, "_CRIT_SYS_RESOURCE");
    }
}
