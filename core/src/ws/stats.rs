//! Counters of a server. Each shard writes its own, and a reader adds them up.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::handshake::RefusalReason;
use crate::jwt::Rejection;

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
    refusals: [Counter; RefusalReason::ALL.len()],
    denials: [Counter; Denial::ALL.len()],
    rejections: [Counter; Rejection::ALL.len()],
}

/// What an open connection was refused. The numbers of the variants are indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It is not who it claims to be.
    AuthFailed,
    /// A message before it had authenticated.
    AuthRequired,
    /// It did not authenticate in time.
    AuthTimeout,
    /// Its identity ceased to hold.
    TokenExpired,
    /// It may not go there.
    Forbidden,
    /// The host's hook did not answer in time.
    HookTimeout,
    /// A message over the rate of its connection.
    MessageRate,
    /// A message of bytes that were over their rate.
    ByteRate,
    /// A message over the rate of its user.
    UserMessageRate,
    /// A room too many.
    RoomLimit,
    /// A topic too many.
    SubscriptionLimit,
    /// A login of a user who has the most connections already.
    UserConnectionLimit,
}

impl Denial {
    const ALL: [(Self, &'static str); 12] = [
        (Self::AuthFailed, "auth_failed"),
        (Self::AuthRequired, "auth_required"),
        (Self::AuthTimeout, "auth_timeout"),
        (Self::TokenExpired, "token_expired"),
        (Self::Forbidden, "forbidden"),
        (Self::HookTimeout, "hook_timeout"),
        (Self::MessageRate, "message_rate"),
        (Self::ByteRate, "byte_rate"),
        (Self::UserMessageRate, "user_message_rate"),
        (Self::RoomLimit, "room_limit"),
        (Self::SubscriptionLimit, "subscription_limit"),
        (Self::UserConnectionLimit, "user_connection_limit"),
    ];
}

impl Counters {
    pub fn refused(&self, reason: RefusalReason) {
        self.refusals[reason as usize].add(1);
    }

    pub fn denied(&self, denial: Denial) {
        self.denials[denial as usize].add(1);
    }

    /// A token was no good one.
    pub fn rejected(&self, rejection: Rejection) {
        self.rejections[rejection as usize].add(1);
    }

    /// How often tokens were refused, by the stable name of why; always in the same order.
    pub fn rejections(&self) -> impl Iterator<Item = (&'static str, u64)> {
        // What is too long is no token here before it gets to be verified (`message`, `guard::token`).
        let counted = Rejection::ALL.iter().filter(|it| **it != Rejection::TooLarge);
        counted.map(|it| (it.counted_as(), self.rejections[*it as usize].get()))
    }

    /// What was refused, by its stable name; always in the same order.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let refusals = RefusalReason::ALL.iter();
        let refusals = refusals.map(|it| (it.name(), self.refusals[*it as usize].get()));
        let denials = Denial::ALL.iter();
        refusals.chain(denials.map(|(it, name)| (*name, self.denials[*it as usize].get())))
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
