#![no_main]
//! A YAML file is flattened, or told what is wrong.

use confbus_resolution::parse_documents;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    _ = parse_documents("a.yml", bytes).map_err(|problem| problem.to_string());
});
