//! The sessions that were revoked, so that nobody logs in with them again: the newest of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::sync::{Arc, Mutex, PoisonError};

/// Revoked sessions that are remembered; beyond it the oldest is forgotten. With names of usual
/// length these are a few megabytes, and tokens expire in the end.
pub const MAX_REVOKED: usize = 65_536;

#[derive(Debug, Default)]
pub struct Revoked {
    /// Whether there are any, so that logins of most servers need no lock.
    any: AtomicBool,
    sessions: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    /// When each was revoked last, as a number.
    known: HashMap<Arc<str>, u64>,
    /// By that number, so the oldest first.
    order: BTreeMap<u64, Arc<str>>,
    last: u64,
}

impl Revoked {
    pub fn add(&self, session: &str) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let Sessions { known, order, last } = &mut *sessions;
        *last += 1;
        let session: Arc<str> = session.into();
        // One that is revoked again is among the newest again.
        if let Some(earlier) = known.insert(session.clone(), *last) {
            order.remove(&earlier);
        }
        order.insert(*last, session);
        if order.len() > MAX_REVOKED
            && let Some((_, oldest)) = order.pop_first()
        {
            known.remove(&oldest);
        }
        self.any.store(true, Release);
    }

    pub fn contains(&self, session: &str) -> bool {
        self.any.load(Acquire)
            && self
                .sessions
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .known
                .contains_key(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_remembered() {
        let revoked = Revoked::default();
        assert!(!revoked.contains("0"));
        for number in 0..=MAX_REVOKED {
            revoked.add(&number.to_string());
            revoked.add("1");
        }
        assert!(!revoked.contains("0"));
        assert!(revoked.contains("1"));
        assert!(revoked.contains(&MAX_REVOKED.to_string()));
    }

    #[test]
    fn one_that_is_revoked_again_is_the_newest() {
        let revoked = Revoked::default();
        for number in 0..MAX_REVOKED {
            revoked.add(&number.to_string());
        }
        revoked.add("0");
        revoked.add("one more");
        assert!(revoked.contains("0"));
        assert!(!revoked.contains("1"), "the oldest is forgotten");
        assert!(revoked.contains("2"));
    }
}
