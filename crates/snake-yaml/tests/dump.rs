//! Writing, case by case as SnakeYAML 2.5 answers.

use confbus_snake_yaml::{Limits, NodeKind, Value, dump, load_all};
use expect_test::{Expect, expect};

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

/// As the value of `k`, without the last line break.
fn as_value(value: Value) -> String {
    let yaml = dump(&map([("k", value)]));
    let value = yaml
        .strip_prefix("k: ")
        .and_then(|value| value.strip_suffix('\n'));
    value
        .expect("the value begins on the line of its key")
        .to_owned()
}

fn check(value: &Value, expected: &Expect) {
    expected.assert_eq(&dump(value));
}

#[test]
fn text_that_would_read_back_as_something_else_is_quoted() {
    let numbers = "123 012 089 0x1F 0b11 1_000 +1 -1 1:30 1.5 1e3 .5 1. .inf 2001-12-14";
    let words = "true yes Off ~ null <<";
    for word in numbers.split(' ').chain(words.split(' ')) {
        assert_eq!(as_value(text(word)), format!("'{word}'"));
    }
    assert_eq!(as_value(text("")), "''");
    assert_eq!(
        as_value(text("2001-12-14 21:59:43")),
        "'2001-12-14 21:59:43'"
    );
}

#[test]
fn text_with_indicators_is_quoted() {
    for word in [
        " lead", "trail ", "a: b", "a #b", "x:", ": x", "- x", "? x", "-", "?", "...",
    ] {
        assert_eq!(as_value(text(word)), format!("'{word}'"));
    }
    for first in "# , [ ] { } & * ! | > \" % @ ` ---".split(' ') {
        assert_eq!(as_value(text(&format!("{first}x"))), format!("'{first}x'"));
    }
    assert_eq!(as_value(text("'q'")), "'''q'''");
}

#[test]
fn other_text_is_plain() {
    let words = "plain y n nUll 0o7 -x ?x :x a:b a#b a]b a,b it's back\\slash = . 1.2.3 08:00";
    let others = "http://x.y/z?a=b ${a.b:c} é 😀 \u{A0} \u{FEFF}";
    for word in words.split(' ').chain(others.split(' ')) {
        assert_eq!(as_value(text(word)), word);
    }
    assert_eq!(as_value(text("say \"hi\" 'x'")), "say \"hi\" 'x'");
}

#[test]
fn several_lines_are_a_literal_block() {
    assert_eq!(as_value(text("one\ntwo")), "|-\n  one\n  two");
    assert_eq!(as_value(text("one\ntwo\n")), "|\n  one\n  two");
    assert_eq!(as_value(text("one\n\ntwo\n\n")), "|+\n  one\n\n  two\n");
    assert_eq!(as_value(text("\nlead")), "|2-\n\n  lead");
    assert_eq!(as_value(text(" one\n  two")), "|2-\n   one\n    two");
    assert_eq!(as_value(text("\n")), "|2+\n");
    let list = Value::List(vec![text("# x\ny: z\n"), text("last")]);
    assert_eq!(dump(&list), "- |\n  # x\n  y: z\n- last\n");
}

#[test]
fn what_only_double_quotes_can_hold() {
    assert_eq!(as_value(text("tab\there")), r#""tab\there""#);
    assert_eq!(as_value(text("a\r\nb")), r#""a\r\nb""#);
    assert_eq!(as_value(text("trail \nx")), r#""trail \nx""#);
    assert_eq!(
        as_value(text("é\t\"\\\u{A0}\u{85}😀")),
        r#""é\t\"\\\_\N😀""#
    );
}

#[test]
fn control_characters_are_binary() {
    let yaml = dump(&map([("a\u{7}b", text("a\u{7}b"))]));
    assert_eq!(yaml, "!!binary \"YQdi\": !!binary |-\n  YQdi\n");
}

#[test]
fn bytes_are_binary() {
    let bytes = |bytes: &[u8]| Value::Binary(bytes.into());
    check(
        &map([
            ("k", bytes(b"hello")),
            ("e", bytes(b"")),
            ("l", Value::List(vec![bytes(&[0xFF; 70])])),
        ]),
        &expect![[r#"
            k: !!binary |-
              aGVsbG8=
            e: !!binary ""
            l:
            - !!binary |-
              /////////////////////////////////////////////////////////////////////////////////////////////w==
        "#]],
    );
}

#[test]
fn long_lines_are_folded() {
    let sentence = "a very long line of text that goes on and on well beyond \
        the eighty columns default so folding happens";
    check(
        &map([("k", text(sentence))]),
        &expect![[r#"
        k: a very long line of text that goes on and on well beyond the eighty columns default
          so folding happens
    "#]],
    );
    check(
        &map([("k", text(&sentence.replace("line", "line: it's")))]),
        &expect![[r#"
            k: 'a very long line: it''s of text that goes on and on well beyond the eighty columns
              default so folding happens'
        "#]],
    );
    check(
        &map([("k", text(&sentence.replace("line", "line\twith  a tab")))]),
        &expect![[r#"
            k: "a very long line\twith  a tab of text that goes on and on well beyond the eighty\
              \ columns default so folding happens"
        "#]],
    );
    check(
        &map([("k", text(&"unbreakable".repeat(10)))]),
        &expect![[r#"
            k: unbreakableunbreakableunbreakableunbreakableunbreakableunbreakableunbreakableunbreakableunbreakableunbreakable
        "#]],
    );
    check(
        &Value::List(vec![map([("k", text(sentence))])]),
        &expect![[r#"
            - k: a very long line of text that goes on and on well beyond the eighty columns default
                so folding happens
        "#]],
    );
}

#[test]
fn keys() {
    let keys = ["true", "1", "two words", "a: b", "é", "it's", "a\tb", ""];
    let entries = keys.map(|key| (key.to_owned(), text("v")));
    check(
        &Value::Map(entries.into()),
        &expect![[r#"
        'true': v
        '1': v
        two words: v
        'a: b': v
        é: v
        it's: v
        "a\tb": v
        ? ''
        : v
    "#]],
    );
    check(
        &map([("one\ntwo", map([("x", Value::Null)]))]),
        &expect![[r#"
            ? |-
              one
              two
            : x: null
        "#]],
    );
    let longest = "k".repeat(122);
    assert_eq!(
        dump(&map([(&longest, Value::Null)])),
        format!("{longest}: null\n")
    );
    let longer = "k".repeat(123);
    assert_eq!(
        dump(&map([(&longer, Value::Null)])),
        format!("? {longer}\n: null\n")
    );
}

#[test]
fn numbers_and_the_like() {
    assert_eq!(as_value(Value::Null), "null");
    assert_eq!(as_value(Value::Bool(true)), "true");
    assert_eq!(as_value(Value::Integer(-42)), "-42");
    assert_eq!(
        as_value(Value::BigInteger("123456789012345678901".into())),
        "123456789012345678901"
    );
    assert_eq!(as_value(Value::Float(1.0)), "1.0");
    assert_eq!(as_value(Value::Float(1e10)), "1.0E10");
    assert_eq!(as_value(Value::Float(f64::NEG_INFINITY)), "-.inf");
    assert_eq!(as_value(Value::Float(f64::NAN)), ".NaN");
    let moment = "2001-12-14T00:00:00Z";
    assert_eq!(as_value(Value::Timestamp(moment.into())), moment);
}

#[test]
fn collections() {
    let nested = Value::List(vec![
        text("x"),
        Value::List(vec![
            Value::Integer(1),
            Value::List(vec![Value::Integer(2)]),
        ]),
        map([
            ("a", Value::Integer(1)),
            ("b", Value::List(vec![Value::Null])),
        ]),
        Value::List(vec![]),
        map([]),
    ]);
    check(
        &map([
            ("list", nested),
            ("map", map([("c", map([("d", text("e"))]))])),
        ]),
        &expect![[r#"
            list:
            - x
            - - 1
              - - 2
            - a: 1
              b:
              - null
            - []
            - {}
            map:
              c:
                d: e
        "#]],
    );
    assert_eq!(dump(&map([])), "{}\n");
}

#[test]
fn lists_and_scalars_at_the_root() {
    assert_eq!(dump(&Value::List(vec![text("a"), text("b")])), "- a\n- b\n");
    assert_eq!(dump(&text("just text")), "just text\n");
    assert_eq!(dump(&text("42")), "'42'\n");
    assert_eq!(dump(&text("")), "''\n");
    assert_eq!(dump(&text("one\ntwo")), "|-\n  one\n  two\n");
}

#[test]
fn what_is_written_reads_back() {
    let pieces = [
        "a", " ", ":", "#", "\n", "\t", "'", "\"", "\\", "-", "?", "0", "é", "😀", "\r",
    ];
    for (first, second, third) in triples(&pieces) {
        let original = format!("{first}{second}{third}");
        let yaml = dump(&map([(&original, text(&original))]));
        let documents = load_all(yaml.as_bytes(), &Limits::default()).unwrap();
        let NodeKind::Map(entries) = documents[0].kind() else {
            panic!("{yaml:?}");
        };
        let expected = NodeKind::Text(original.into());
        assert_eq!(*entries[0].0.kind(), expected, "{yaml:?}");
        assert_eq!(*entries[0].1.kind(), expected, "{yaml:?}");
    }
}

fn triples<'a>(pieces: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    pieces.iter().flat_map(move |first| {
        pieces
            .iter()
            .flat_map(move |second| pieces.iter().map(move |third| (*first, *second, *third)))
    })
}

#[test]
fn long_text_takes_linear_time() {
    for piece in ["x", "\t", "'", " ", "x ", "\n", "x\n", "é", "\u{7}"] {
        let long = piece.repeat(100_000 / piece.len());
        assert!(dump(&map([(&long, text(&long))])).len() >= long.len());
        let with_tab = format!("\t{long}");
        assert!(dump(&map([(&with_tab, text(&with_tab))])).len() >= long.len());
    }
}
