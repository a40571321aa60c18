#![no_main]
//! What another server says is learnt or refused, and bounded.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| confbus::fuzzing::news(bytes));
