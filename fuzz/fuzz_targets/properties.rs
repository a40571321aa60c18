#![no_main]
//! A properties file is read, or told what is wrong.

use confbus_resolution::parse_documents;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    _ = parse_documents("a.properties", bytes).map_err(|problem| problem.to_string());
});
