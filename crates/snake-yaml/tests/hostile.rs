//! Input that is made to exhaust the reader is read or refused quickly.

use std::time::{Duration, Instant};

use confbus_snake_yaml::{Limits, load_all};

/// Generous, since tests run unoptimised and side by side.
const SOON: Duration = Duration::from_secs(5);

fn refused(input: &str, problem: &str) {
    let start = Instant::now();
    let error = load_all(input.as_bytes(), &Limits::default()).expect_err("must be refused");
    assert_eq!(error.problem(), problem);
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
}

fn read(input: &str) {
    let start = Instant::now();
    let documents = load_all(input.as_bytes(), &Limits::default());
    assert_eq!(
        documents
            .map_err(|error| error.to_string())
            .map(|all| all.len()),
        Ok(1)
    );
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
}

fn refused_as_too_deep(input: &str) {
    refused(input, "nested deeper than 50 levels");
}

#[test]
fn deep_nesting() {
    refused_as_too_deep(&"[".repeat(200_000));
    refused_as_too_deep(&"{a: ".repeat(50_000));
    refused_as_too_deep(&"- ".repeat(50_000));
    refused_as_too_deep(&"? ".repeat(50_000));
    refused_as_too_deep(&"? - ".repeat(50_000));
    refused_as_too_deep(&"!!seq [".repeat(30_000));
    let stairs: String = (0..1_000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    refused_as_too_deep(&stairs);
}

#[test]
fn nesting_is_allowed_up_to_the_limit() {
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(load_all(nested(51).as_bytes(), &Limits::default()).is_ok());
    refused_as_too_deep(&nested(52));
}

#[test]
fn billion_laughs() {
    let mut input = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        input += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    refused(&input, "more than 100000 values, counting aliases");
}

#[test]
fn billion_laughs_in_keys_and_merges() {
    let mut input = "a0: &a0 {x: 1, y: 2}\n".to_owned();
    for level in 1..40 {
        let before = level - 1;
        input += &format!("a{level}: &a{level} {{? *a{before} : 1, ? [*a{before}] : 2}}\n");
    }
    refused(&input, "more than 100000 values, counting aliases");
    let merges = format!(
        "base: &b {{{}}}\n",
        (0..1_000).map(|n| format!("k{n}: 1, ")).collect::<String>()
    );
    let input = merges + "use:\n" + &"- {<<: *b}\n".repeat(10_000);
    refused(&input, "more than 100000 values, counting aliases");
}

#[test]
fn many_aliases() {
    let input = format!("- &a [{}]\n{}", "x,".repeat(1_000), "- *a\n".repeat(32_000));
    refused(&input, "more than 100000 values, counting aliases");
}

#[test]
fn aliases_that_deepen_each_other() {
    let mut input = "- &a0 x\n".to_owned();
    for level in 1..2_000 {
        input += &format!("- &a{level} [*a{}]\n", level - 1);
    }
    refused_as_too_deep(&input);
}

#[test]
fn aliases_of_a_long_text() {
    let input = format!(
        "- &a {}\n{}",
        "x".repeat(1_000_000),
        "- {*a : 1}\n".repeat(10_000)
    );
    refused(&input, "more than 16777216 bytes of text, counting aliases");
}

#[test]
fn many_values_and_documents() {
    refused(
        &"- 1\n".repeat(200_000),
        "more than 100000 values, counting aliases",
    );
    refused(
        &"---\n".repeat(200_000),
        "more than 100000 values, counting aliases",
    );
    refused(&"x".repeat(4 << 20), "longer than 3145728 bytes");
}

#[test]
fn what_others_read_in_quadratic_time() {
    let words = "x y ".repeat(200_000);
    read(&format!("a: x{}{words}", " ".repeat(1 << 20)));
    let lines = "  x\n".repeat(200_000);
    read(&format!("a: |\n{}{lines}", "\n".repeat(1 << 20)));
    let directives: String = (0..50_000).map(|n| format!("%TAG !e{n}! x\n")).collect();
    read(&format!("{directives}---\n"));
    read(&format!("? {}\n", "x ".repeat(1_000_000)));
}

#[test]
fn recursion() {
    refused(
        "a: &a [*a]\n",
        "found an alias inside of what it stands for",
    );
    refused(
        "&a\n? *a\n: 1\n",
        "found an alias inside of what it stands for",
    );
}

#[test]
fn an_error_never_quotes_a_value() {
    for input in [
        "a: *secret\n",
        "a: !secret x\n",
        "a: !!int secret\n",
        "a: !!binary '?secret'\n",
        "a: 'secret\n",
    ] {
        let error = load_all(input.as_bytes(), &Limits::default()).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn what_is_far_too_long_is_not_looked_at() {
    refused(&"x".repeat(50 << 20), "longer than 3145728 bytes");
    refused(&"key: value\n".repeat(5 << 20), "longer than 3145728 bytes");
}

#[test]
fn a_hundred_thousand_levels() {
    for level in ["[", "{a: ", "- ", "? ", "{? ", "[a: "] {
        refused_as_too_deep(&level.repeat(100_000));
    }
}
