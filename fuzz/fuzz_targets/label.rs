#![no_main]
//! A label names what bears that name, or a commit that a ref reaches.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| confbus::fuzzing::label(bytes));
