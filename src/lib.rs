//! The boundary of `@libs/messaging`: the only code that names Node-API.
//!
//! Each method converts its arguments, makes one call into `messaging-core`, and converts the
//! answer. Defaults, decisions, tasks and tables live in the core; what must be JavaScript lives
//! in `lib/`.

mod attach;
mod connection;
mod convert;
mod error;
mod events;
mod guard;
mod kafka;
mod keep_alive;
mod options;
mod sender;
mod stats;
mod wake;
mod websocket;
