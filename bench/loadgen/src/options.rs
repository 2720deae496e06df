//! What the load generator is asked to do: one JSON object.

use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The contestant to load, and the scenario to load it with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// Process whose CPU time and memory are measured.
    pub pid: i32,
    /// Port of the WebSocket server on 127.0.0.1.
    pub port: u16,
    /// Port of the server program's control channel (see `control.rs`).
    pub control: u16,
    pub path: String,
    pub connections: usize,
    /// Clients offer permessage-deflate, and a server that declines it is a fault.
    pub deflate: bool,
    /// Length of the measured part, after `warmup` seconds that are not measured.
    pub seconds: f64,
    pub warmup: f64,
    /// The whole scenario fails after this many seconds, whatever it waits for.
    pub deadline: f64,
    pub scenario: Scenario,
}

impl Options {
    pub fn deadline_from_now(&self) -> Instant {
        Instant::now() + Duration::from_secs_f64(self.deadline)
    }
}

#[derive(Debug, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Scenario {
    /// The server sends to everybody, or to the tenth of the clients that joined a group.
    Broadcast {
        audience: Audience,
        size: usize,
        /// Messages that may be under way at once: the next waits for the last receiver.
        window: u64,
        /// Calls made within one turn of the server's event loop.
        batch: u64,
        /// Pause from one call to the next in ms; 0: as fast as the window allows.
        interval: f64,
    },
    /// Every client keeps `in_flight` heartbeats under way.
    Heartbeat { in_flight: usize },
    /// Every client keeps `in_flight` messages of `size` bytes under way, which come back as they are.
    Echo { in_flight: usize, size: usize },
    /// All clients connect, up to the server's first message, `concurrency` at a time.
    Connect { concurrency: usize },
    /// `concurrency` clients connect, subscribe, close, and begin again.
    Cycle { concurrency: usize, limit: u64 },
    /// All clients connect and say nothing: what does the server's memory grow by?
    Idle { concurrency: usize },
    /// `calls` broadcasts, one per turn of the event loop and `interval` ms apart: what do they
    /// cost the JavaScript thread?
    JsThread { size: usize, interval: f64, calls: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    Everybody,
    Topic,
    Room,
}

/// A series of sends, as it is ordered from the server program. It ends with `calls` or `seconds`.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    pub audience: Audience,
    /// The name of the topic or room.
    pub group: &'static str,
    pub size: usize,
    pub window: u64,
    pub batch: u64,
    pub calls: u64,
    pub seconds: f64,
    pub interval: f64,
    /// Runs the same loop without sending, to know what the loop itself costs.
    pub idle: bool,
}
