//! Counters of a server. Each shard writes its own, and a reader adds them up.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::handshake::RefusalReason;

/// One shard's counters, on cache lines of their own so that shards do not disturb each other.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Counters {
    /// Connections whose handshake was completed and that got a place.
    pub accepted: Counter,
    pub messages_in: Counter,
    /// Messages carried out, one for each receiver: those dropped later, or at once because the
    /// receiver is slow, are counted here too.
    pub messages_out: Counter,
    pub bytes_in: Counter,
    pub bytes_out: Counter,
    /// Messages dropped because their receiver read too slowly.
    pub dropped_slow: Counter,
    /// Receivers that were counted by a send and had left when it was carried out.
    pub dropped_departed: Counter,
    /// Messages that were queued for a receiver whose connection ended before they were written.
    pub dropped_unwritten: Counter,
    /// Connections that met the slow-consumer policy.
    pub slow_consumers: Counter,
    /// Messages over a rate, which were not carried out.
    pub rate_limited: Counter,
    /// What was refused because a client, or its user, has the most of it already.
    pub limit_exceeded: Counter,
    refusals: [Counter; RefusalReason::ALL.len()],
}

impl Counters {
    pub fn refused(&self, reason: RefusalReason) {
        self.refusals[reason as usize].add(1);
    }

    pub fn refusals(&self) -> impl Iterator<Item = (RefusalReason, u64)> {
        RefusalReason::ALL.iter().map(|&reason| (reason, self.refusals[reason as usize].get()))
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: usize) {
        self.0.fetch_add(n as u64, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What `getStats()` shows of the engine, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    pub connections: usize,
    pub users: usize,
    pub rooms: usize,
    pub topics: usize,
    pub total_connections: u64,
    pub messages_in: u64,
    pub messages_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub queued_bytes: usize,
    pub slow_consumers: u64,
    pub dropped_overloaded: u64,
    pub dropped_slow: u64,
    pub dropped_departed: u64,
    pub dropped_unwritten: u64,
    pub refusals: Vec<(&'static str, u64)>,
    pub shards: usize,
}
