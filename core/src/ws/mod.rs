//! The WebSocket server: users, rooms and topics over RFC 6455.
//!
//! `Server` is the host's handle, `shard` are the threads that own the sockets, and `index` is
//! what both agree on, `guard` who may come in. `decoder`, `handshake`, `message`, `answer`, `heartbeat` and `config` are
//! decisions without I/O.

mod answer;
mod arrival;
mod bridge;
mod budget;
mod clock;
pub mod close;
pub mod config;
pub mod connection;
pub mod decoder;
pub mod deflate;
pub mod events;
mod forwarded;
pub mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod guard;
pub mod handshake;
mod heartbeat;
mod inbox;
mod index;
mod limits;
mod listener;
mod memberships;
mod message;
mod origins;
mod outbox;
mod outgoing;
mod prepared;
mod proxy_protocol;
mod server;
mod shard;
mod shared;
mod stats;
pub mod tls;
mod transport;
mod watched;

pub use arrival::Given;
pub use bridge::{Bridge, Signal};
pub use connection::{Address, Connection, GroupKind, Status};
pub use listener::BindError;
pub use message::{MAX_NAME, valid_name};
pub use outgoing::{HEADROOM, Outgoing};
pub use server::{RequestError, Server};
pub use stats::Stats;
