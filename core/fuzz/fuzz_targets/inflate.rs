//! Inflation of any bytes, and of what was compressed. What must hold: `core/src/ws/fuzzing/inflate.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use messaging_core::ws::fuzzing::inflate::check;

fuzz_target!(|data: &[u8]| check(data));
