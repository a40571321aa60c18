#![no_main]
//! A delivery is believed when its sender knows the secret, and what is read in it is bounded.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| confbus::fuzzing::webhook(bytes));
