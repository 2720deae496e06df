//! The keys of a remote set: when the host is to fetch them, and who is answered when it has.

use std::sync::Arc;
use std::sync::atomic::Ordering::Acquire;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Server;
use crate::jwt::{Arrival, KeySetError};
use crate::ws::guard::Verdict;
use crate::ws::guard::desk::Number;
use crate::ws::inbox::Job;
use crate::ws::shared::Shared;

impl Server {
    /// A fetch of keys that the host was asked for has ended, with this text or without one. What comes
    /// late, or after the end, is of no harm.
    ///
    /// # Errors
    /// What is wrong with the text. Then the keys that there were stay, unless it is a set without any that
    /// can be used.
    pub fn keys_fetched(&self, number: u64, text: Option<&str>) -> Result<(), KeySetError> {
        fetched(&self.shared, number, text)
    }
}

pub fn fetched(shared: &Shared, number: u64, text: Option<&str>) -> Result<(), KeySetError> {
    let Some(keys) = &shared.guard.keys else {
        return Ok(());
    };
    let (arrival, problem) = keys.fetched(number, text);
    carry_out(shared, arrival);
    problem
}

/// Fetches keys when it is time, until the server ends. Not by the host's timers: whoever waits for keys is
/// answered in time, also when the host is not.
pub(super) fn keep_fresh(
    shared: &Arc<Shared>,
    alive: &watch::Receiver<usize>,
    background: &Handle,
) {
    if shared.guard.keys.is_none() {
        return;
    }
    let (shared, mut alive) = (shared.clone(), alive.clone());
    background.spawn(async move {
        let ended = async move {
            // An error says that all shards are gone.
            let _ = alive.wait_for(|count| *count == 0).await;
        };
        tokio::select! {
            () = ended => {}
            () = refresh(&shared) => {}
        }
    });
}

async fn refresh(shared: &Shared) {
    let Some(keys) = &shared.guard.keys else {
        return;
    };
    while !shared.closed.load(Acquire) {
        let (arrival, next) = keys.tick();
        carry_out(shared, arrival);
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = keys.changed.notified() => {}
        }
    }
}

/// Asks for the fetch that is due, and has those judged again who waited for the one that has ended.
pub fn carry_out(shared: &Shared, arrival: Arrival<Number>) {
    let Arrival { accept: current, fetch, answer } = arrival;
    shared.fetch_keys(fetch);
    for number in answer {
        // Nothing for who has left meanwhile.
        if let Some(who) = shared.guard.desk.close(number).and_then(|closed| closed.who) {
            let verdict = Verdict::Fetched { current };
            shared.inboxes[who.shard].push(Job::Verdict { who, number, verdict });
        }
    }
}
