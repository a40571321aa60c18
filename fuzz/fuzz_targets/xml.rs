#![no_main]
//! An XML file is read, or told what is wrong.

use confbus_resolution::parse_documents;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    _ = parse_documents("a.xml", bytes).map_err(|problem| problem.to_string());
    let entries = [b"<!DOCTYPE p><properties>", bytes, b"</properties>"].concat();
    _ = parse_documents("a.xml", &entries).map_err(|problem| problem.to_string());
});
