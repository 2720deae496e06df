//! What the host's handle and the shards of one server have in common.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use super::bridge::Signal;
use super::budget::Budget;
use super::config::Config;
use super::connection::Connection;
use super::events::{Event, EventQueue, Kind};
use super::guard::Guard;
use super::inbox::Inbox;
use super::index::Index;
use super::limits::{Buckets, Entrance};
use super::stats::{Counter, Counters};
use super::tls::TlsContext;

#[derive(Debug)]
pub struct Shared {
    pub config: Config,
    /// The own port speaks TLS.
    pub tls: Option<TlsContext>,
    pub index: Index,
    pub events: EventQueue,
    pub budget: Arc<Budget>,
    pub inboxes: Vec<Arc<Inbox>>,
    pub counters: Vec<Counters>,
    pub entrance: Entrance,
    /// What users send over all their connections.
    pub users: Buckets<Arc<str>>,
    /// Messages that the memory budget refused.
    pub overloaded: Counter,
    /// Handshakes that gave way for want of descriptors, and whose descriptors accepting has not taken yet.
    pub given_way: AtomicUsize,
    /// Set by the first `close()`.
    pub closed: AtomicBool,
    pub guard: Guard,
}

impl Shared {
    /// Tells the host what a socket of its own needs.
    pub fn signal(&self, serial: u64, signal: Signal) {
        self.events.push(Event::Socket { serial, signal });
    }

    /// Has the host fetch the keys of tokens, if a fetch of this number is to be begun.
    pub fn fetch_keys(&self, number: Option<u64>) {
        if let (Some(number), Some(keys)) = (number, &self.guard.keys) {
            self.events.push(Event::KeySet { number, uri: keys.uri.clone() });
        }
    }

    /// Whether a socket that was accepted has the descriptor of a handshake that gave way.
    pub fn took_given_way(&self) -> bool {
        let taken = self.given_way.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1));
        taken.is_ok()
    }

    /// Reports a panic that was contained.
    pub fn report_fault(&self) {
        self.events.push(Event::Error {
            code: "ERR_INTERNAL",
            message: "an internal fault was contained; please report it".to_owned(),
        });
    }

    /// Reports a fault of one message, hook or connection, if anybody listens.
    pub fn warn(&self, connection: Option<&Arc<Connection>>, code: &'static str, message: String) {
        if self.events.wants(Kind::Warning) {
            let connection = connection.cloned();
            self.events.push(Event::Warning { connection, code, message });
        }
    }

    /// Counts a frame against the budget, or reports that there is no room for it.
    pub fn admit(&self, wire: Vec<u8>, start: usize) -> Option<Bytes> {
        let length = wire.len() - start;
        let frame = self.budget.frame(wire, start);
        if frame.is_none() {
            self.overloaded.add(1);
            let queued = self.budget.used();
            self.warn(
                None,
                "ERR_OVERLOADED",
                format!(
                    "a message of {length} bytes was refused: {queued} bytes are queued and \
                     memoryBudget is {}",
                    self.config.memory_budget
                ),
            );
        }
        frame
    }
}
