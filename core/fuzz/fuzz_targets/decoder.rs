//! The frame decoder, with compression and without. What must hold: `core/src/ws/fuzzing/decoder.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use messaging_core::ws::fuzzing::decoder::check;

fuzz_target!(|data: &[u8]| check(data));
