//! The engine of `@libs/messaging`: everything that happens off the JavaScript thread.
//!
//! Nothing in here knows Node.js. The addon at the repository's root converts between JavaScript
//! and this crate, and holds no behaviour of its own.
//! `unsafe` is allowed in `kafka::sys` alone.

mod config_error;
pub mod jwt;
#[cfg(feature = "kafka")]
pub mod kafka;
mod runtime;
pub mod ws;
