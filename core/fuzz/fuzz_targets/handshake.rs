//! The handshake, and the negotiation of compression in it. What must hold: `core/src/ws/fuzzing/handshake.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use messaging_core::ws::fuzzing::handshake::check;

fuzz_target!(|data: &[u8]| check(data));
