#![no_main]
//! Settings are read, or each mistake has its place, and no secret is told.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| confbus::fuzzing::settings(bytes));
