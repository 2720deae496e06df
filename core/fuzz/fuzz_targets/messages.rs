//! Clients' messages as JSON. What must hold: `core/src/ws/fuzzing/messages.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use messaging_core::ws::fuzzing::messages::check;

fuzz_target!(|data: &[u8]| check(data));
