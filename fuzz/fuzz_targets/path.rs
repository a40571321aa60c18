#![no_main]
//! What a request target asks for stays inside, reads back, and is what the rules are asked about.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| confbus::fuzzing::path(bytes));
