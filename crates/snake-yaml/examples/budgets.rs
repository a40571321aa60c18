//! How long hostile input takes, and how much memory beside itself: `cargo run --release --example budgets`.
//!
//! Each is to be read or refused within 100 milliseconds and 64 MiB.
#![expect(clippy::print_stdout, reason = "this is what the example is for")]

use std::time::Instant;

use confbus_snake_yaml::{Limits, load_all};

fn main() {
    let inputs = [
        ("billion laughs", billion_laughs()),
        ("100 000 levels of [", "[".repeat(100_000)),
        ("100 000 levels of {a: ", "{a: ".repeat(100_000)),
        ("100 000 levels of - ", "- ".repeat(100_000)),
        ("100 000 levels of ? ", "? ".repeat(100_000)),
        ("a scalar of 50 MB", "x".repeat(50 << 20)),
        ("a document of 50 MB", "key: value\n".repeat(5 << 20)),
        (
            "a quadratic bomb",
            format!(
                "a: &a {}\nb: [{}]",
                "x".repeat(1 << 20),
                "*a, ".repeat(500_000)
            ),
        ),
        ("3 MB of words", "x ".repeat(1_500_000)),
        ("3 MB of list", "- 1\n".repeat(750_000)),
    ];
    let before = peak();
    for (name, input) in &inputs {
        let start = Instant::now();
        let answer = load_all(input.as_bytes(), &Limits::default());
        let time = start.elapsed();
        let answer = answer.map_or_else(|error| error.to_string(), |_| "read".to_owned());
        println!(
            "{name}: {} ms, {} MiB: {answer}",
            time.as_millis(),
            (peak() - before) >> 10
        );
    }
}

fn billion_laughs() -> String {
    let mut input = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        input += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    input
}

/// The most memory this process had so far, in KiB; 0 where nobody tells.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let digits = line.and_then(|line| line.split_whitespace().nth(1));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
