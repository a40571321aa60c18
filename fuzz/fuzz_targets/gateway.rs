#![no_main]
//! Who asks through gateways is whom the last trusted one saw.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| confbus::fuzzing::gateway(bytes));
