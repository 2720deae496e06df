//! The engine's counters as a JavaScript object.

use indexmap::IndexMap;
use messaging_core::ws::Stats;
use napi_derive::napi;

/// Messages that did not reach their receiver.
#[napi(object)]
#[derive(Debug)]
pub struct NativeDrops {
    /// Refused because the memory budget was used up.
    pub overloaded: f64,
    /// Dropped because the receiver read too slowly.
    pub slow_consumer: f64,
    /// Counted by a send whose receiver left before it was carried out.
    pub departed: f64,
    /// Queued for a receiver whose connection ended before they were written.
    pub unwritten: f64,
}

#[napi(object)]
#[derive(Debug)]
pub struct NativeStats {
    pub connections: f64,
    pub users: f64,
    pub rooms: f64,
    pub topics: f64,
    pub total_connections: f64,
    pub messages_in: f64,
    pub messages_out: f64,
    pub bytes_in: f64,
    pub bytes_out: f64,
    pub queued_bytes: f64,
    pub slow_consumers: f64,
    pub shards: f64,
    pub drops: NativeDrops,
    /// In the order of the core, which is always the same.
    pub refusals: IndexMap<String, f64>,
}

impl From<Stats> for NativeStats {
    fn from(stats: Stats) -> Self {
        let refusals = stats.refusals.iter();
        Self {
            connections: stats.connections as f64,
            users: stats.users as f64,
            rooms: stats.rooms as f64,
            topics: stats.topics as f64,
            total_connections: stats.total_connections as f64,
            messages_in: stats.messages_in as f64,
            messages_out: stats.messages_out as f64,
            bytes_in: stats.bytes_in as f64,
            bytes_out: stats.bytes_out as f64,
            queued_bytes: stats.queued_bytes as f64,
            slow_consumers: stats.slow_consumers as f64,
            shards: stats.shards as f64,
            drops: NativeDrops {
                overloaded: stats.dropped_overloaded as f64,
                slow_consumer: stats.dropped_slow as f64,
                departed: stats.dropped_departed as f64,
                unwritten: stats.dropped_unwritten as f64,
            },
            refusals: refusals.map(|(name, count)| ((*name).to_owned(), *count as f64)).collect(),
        }
    }
}
