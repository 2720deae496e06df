//! The sessions that were revoked, so that nobody logs in with them again: the newest of them.

use std::collections::{HashSet, VecDeque};
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
    known: HashSet<Arc<str>>,
    /// The oldest first.
    order: VecDeque<Arc<str>>,
}

impl Revoked {
    pub fn add(&self, session: &str) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let session: Arc<str> = session.into();
        if sessions.known.insert(session.clone()) {
            sessions.order.push_back(session);
        }
        if sessions.order.len() > MAX_REVOKED
            && let Some(oldest) = sessions.order.pop_front()
        {
            sessions.known.remove(&oldest);
        }
        self.any.store(true, Release);
    }

    pub fn contains(&self, session: &str) -> bool {
        self.any.load(Acquire)
            && self.sessions.lock().unwrap_or_else(PoisonError::into_inner).known.contains(session)
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
}
