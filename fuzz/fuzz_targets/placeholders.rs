#![no_main]
//! Placeholders end, whatever refers to whatever.

use std::borrow::Cow;
use std::collections::HashMap;

use confbus_protocol::resolve_placeholders;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let known: HashMap<&str, &str> = lines.filter_map(|line| line.split_once('=')).collect();
    let lookup = |key: &str| known.get(key).map(|value| Cow::Borrowed(*value));
    if let Ok(resolved) = resolve_placeholders(first, &lookup) {
        assert!(resolved.len() <= first.len() + (4 << 20));
    }
});
