//! JSON Web Tokens and key sets. What must hold: `core/src/jwt/fuzzing.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use messaging_core::jwt::fuzzing::check;

fuzz_target!(|data: &[u8]| check(data));
