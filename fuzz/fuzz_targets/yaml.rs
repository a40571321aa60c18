#![no_main]
//! A stream is read or refused, within its limits.

use confbus_snake_yaml::{Limits, load_all};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    _ = load_all(bytes, &Limits::default());
});
