//! Reading, case by case as SnakeYAML 2.5 under Spring Boot answers.

use confbus_snake_yaml::{Limits, Node, NodeKind, load_all};
use expect_test::expect;

fn check(yaml: &str, expected: &str) {
    let answer = match load_all(yaml.as_bytes(), &Limits::default()) {
        Ok(documents) => documents
            .iter()
            .map(render)
            .collect::<Vec<_>>()
            .join(" --- "),
        Err(error) => format!("error at {error}"),
    };
    assert_eq!(answer, expected, "{yaml}");
}

/// One line; text in quotes, anything else bare.
fn render(node: &Node) -> String {
    let all = |nodes: &[Node]| nodes.iter().map(render).collect::<Vec<_>>().join(", ");
    match node.kind() {
        NodeKind::Null => "null".to_owned(),
        NodeKind::Bool(value) => value.to_string(),
        NodeKind::Integer(value) => value.to_string(),
        NodeKind::BigInteger(digits) => format!("big {digits}"),
        NodeKind::Float(value) => format!("{value:?}"),
        NodeKind::Text(text) => format!("{text:?}"),
        NodeKind::Timestamp(millis) => format!("at {millis}"),
        NodeKind::Binary(bytes) => format!("bytes {bytes:?}"),
        NodeKind::List(items) => format!("[{}]", all(items)),
        NodeKind::Set(members) => format!("set [{}]", all(members)),
        NodeKind::Map(entries) => {
            let entry = |(key, value): &(Node, Node)| format!("{}: {}", render(key), render(value));
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

#[test]
fn types_of_plain_scalars() {
    check(
        "[yes, No, ON, off, True, FALSE, y, n, tRue]",
        r#"[true, false, true, false, true, false, "y", "n", "tRue"]"#,
    );
    check(
        "[~, null, Null, NULL, nUll, '']",
        r#"[null, null, null, null, "nUll", ""]"#,
    );
    check(
        "[123, +12, -7, 1_000, 0755, 0o17, 0x1F, 0b101, 089, 007]",
        r#"[123, 12, -7, 1000, 493, "0o17", 31, 5, "089", 7]"#,
    );
    check(
        "[12345678901, 123456789012345678901234567890, -0xFFFFFFFFFFFFFFFFFF]",
        "[12345678901, big 123456789012345678901234567890, big -4722366482869645213695]",
    );
    check(
        "[190:20:30, 22:22, 3600:00, 0:30, 190:20:30.15]",
        r#"[685230, 1342, 216000, "0:30", 685230.15]"#,
    );
    check(
        "[1.5, 1e3, 1., .5, 1e400, -.INF, .nan, 685_230.15, 1.10]",
        "[1.5, 1000.0, 1.0, 0.5, inf, -inf, NaN, 685230.15, 1.1]",
    );
    check(
        "[2001-12-14, 2001-12-14t21:59:43.10-05:00, =]",
        r#"["2001-12-14", "2001-12-14t21:59:43.10-05:00", "="]"#,
    );
    check("a: ._\n", "error at 1:4: not a floating point number");
}

#[test]
fn quotes_and_tags_decide_before_looks() {
    check(
        "['1', \"true\", ! '12', !!str 1, !!int '7', !!float 1, !!bool on, !!bool x, !!null x]",
        r#"["1", "true", 12, "1", 7, 1.0, true, null, null]"#,
    );
    check(
        "a: !!binary |\n  aGVs\n  bG8=\n",
        r#"{"a": bytes [104, 101, 108, 108, 111]}"#,
    );
    check("a: !!binary aGk_\n", "error at 1:4: not Base64");
    check(
        "s: !!set {b, a}\no: !!omap [x: 1, y: 2, x: 3]\n",
        r#"{"s": set ["b", "a"], "o": {"x": 3, "y": 2}}"#,
    );
    check(
        "p: !!pairs [x: 1, x: 2]\n",
        r#"{"p": [["x", 1], ["x", 2]]}"#,
    );
    check(
        "p: !!pairs [x]\n",
        "error at 1:4: expected a list of mappings with one entry",
    );
    check(
        "a: !\nb: !<tag:yaml.org,2002:str> 1\n",
        r#"{"a": null, "b": "1"}"#,
    );
    check(
        "%TAG !y! tag:yaml.org,2002:\n---\na: !y!str 1\n",
        r#"{"a": "1"}"#,
    );
    check(
        "a: !custom 1\n",
        "error at 1:4: found a tag that is not allowed here; text that begins with ! needs quotes",
    );
    check(
        "a: !!java.net.URL [x]\n",
        "error at 1:4: found a tag that is not allowed here; text that begins with ! needs quotes",
    );
    check(
        "a: !!str [x]\n",
        "error at 1:4: found a tag that is not allowed here; text that begins with ! needs quotes",
    );
    check("a: <<\n", "error at 1:4: << is only allowed as a key");
}

#[test]
fn documents() {
    check("", "");
    check("# nothing\n", "");
    check("---\n", "null");
    check(
        "a: 1\n---\nb: 2\n...\n---\n",
        r#"{"a": 1} --- {"b": 2} --- null"#,
    );
    check("just text", r#""just text""#);
    check("%YAML 1.2\n---\na: yes\n", r#"{"a": true}"#);
    check(
        "a: 1\n...\nb: 2\n",
        "error at 3:1: did not find expected <document start>",
    );
}

#[test]
fn keys() {
    check(
        "1: a\n'1': b\n1.0: c\ntrue: d\n~: e\n? [x, {y: 1}]\n: f\n",
        r#"{1: "a", "1": "b", 1.0: "c", true: "d", null: "e", ["x", {"y": 1}]: "f"}"#,
    );
    check("a: 1\nb: 2\na: 3\n", "error at 3:1: found duplicate key a");
    check("0x10: a\n16: b\n", "error at 2:1: found duplicate key 16");
    check(
        "{? {x: 1, y: 2} : a, ? {y: 2, x: 1} : b}",
        "error at 1:24: found a duplicate key",
    );
    check(
        "\"a\\nb\": 1\n\"a\\nb\": 2\n",
        r#"error at 2:1: found duplicate key a\nb"#,
    );
}

#[test]
fn merge_keys() {
    let base = "base: &b {x: 1, y: 2}\n";
    check(
        &format!("{base}one:\n  <<: *b\n  y: 3\n"),
        r#"{"base": {"x": 1, "y": 2}, "one": {"x": 1, "y": 3}}"#,
    );
    check(
        &format!("{base}one:\n  y: 3\n  <<: *b\n  w: 4\n"),
        r#"{"base": {"x": 1, "y": 2}, "one": {"y": 3, "x": 1, "w": 4}}"#,
    );
    check(
        &format!("{base}two: &c {{y: 5, z: 6}}\none:\n  <<: [*c, *b]\n"),
        r#"{"base": {"x": 1, "y": 2}, "two": {"y": 5, "z": 6}, "one": {"y": 5, "z": 6, "x": 1}}"#,
    );
    check(
        &format!("{base}one: &c\n  <<: *b\n  x: 3\ntwo:\n  <<: *c\n"),
        r#"{"base": {"x": 1, "y": 2}, "one": {"x": 3, "y": 2}, "two": {"x": 3, "y": 2}}"#,
    );
    check(
        &format!("{base}one:\n  '<<': *b\n"),
        r#"{"base": {"x": 1, "y": 2}, "one": {"<<": {"x": 1, "y": 2}}}"#,
    );
    check(
        &format!("{base}one:\n  <<: *b\n  <<: {{z: 3}}\n"),
        r#"{"base": {"x": 1, "y": 2}, "one": {"x": 1, "y": 2, "z": 3}}"#,
    );
    check(
        "a:\n  <<: text\n",
        "error at 2:7: expected a mapping or a list of mappings to merge",
    );
    check(
        "a:\n  <<: [{x: 1}, y]\n",
        "error at 2:16: expected a mapping or a list of mappings to merge",
    );
}

#[test]
fn a_mapping_that_is_merged_where_it_is_written_comes_last() {
    check(
        "a:\n  x: 1\n  y: 2\n  <<: {x: 3}\n",
        r#"{"a": {"x": 3, "y": 2}}"#,
    );
    check(
        "a:\n  <<: {x: 3, z: 4}\n  x: 1\n",
        r#"{"a": {"x": 1, "z": 4}}"#,
    );
    check("a:\n  <<: [{x: 1}, {x: 2}]\n", r#"{"a": {"x": 1}}"#);
}

#[test]
fn anchors() {
    check(
        "a: &a [1, 2]\nb: *a\nc: &c {k: *a}\nd: *c\n",
        r#"{"a": [1, 2], "b": [1, 2], "c": {"k": [1, 2]}, "d": {"k": [1, 2]}}"#,
    );
    check(
        "a: &x 1\nb: *x\nc: &x 2\nd: *x\n",
        r#"{"a": 1, "b": 1, "c": 2, "d": 2}"#,
    );
    check("a: &x [&x 1, *x]\nb: *x\n", r#"{"a": [1, 1], "b": 1}"#);
    check("a: &k foo\n*k : bar\n", r#"{"a": "foo", "foo": "bar"}"#);
    check(
        "a: &x 1\n---\nb: *x\n",
        "error at 3:4: found undefined alias; text that begins with * needs quotes",
    );
}

#[test]
fn block_and_quoted_scalars() {
    check(
        "a: |\n  one\n   two\n\n  three\nb: >-\n  a\n  b\n\n  c\n",
        r#"{"a": "one\n two\n\nthree\n", "b": "a b\nc"}"#,
    );
    check(
        "a: |+\n  x\n\nb: |2\n   z\nc: |\n  no newline at the end",
        r#"{"a": "x\n\n", "b": " z\n", "c": "no newline at the end"}"#,
    );
    check(
        "a: \"\\x41\\u00e9\\n\\t\\\"\\U0001F600\\e\\_\\N\"\nb: 'it''s'\n",
        r#"{"a": "Aé\n\t\"😀\u{1b}\u{a0}\u{85}", "b": "it's"}"#,
    );
    check("a: one\n  two\n\n  three\n", r#"{"a": "one two\nthree"}"#);
    check(
        "a: \"\\/\"\n",
        "error at 1:6: found unknown escape character",
    );
}

#[test]
fn text_as_configuration_has_it() {
    check(
        "url: http://x.y/z?a=b#c\nwin: C:\\path\nplaceholder: ${a.b:c}\ntime: 12:30:45\n",
        r#"{"url": "http://x.y/z?a=b#c", "win": "C:\\path", "placeholder": "${a.b:c}", "time": 45045}"#,
    );
    check(
        "cipher: '{cipher}AQB='\n\"[a/b]\": 1\na[0]: 2\n/api/**: 3\n",
        r#"{"cipher": "{cipher}AQB=", "[a/b]": 1, "a[0]": 2, "/api/**": 3}"#,
    );
    check(
        "password: {cipher}AQB\n",
        "error at 1:19: did not find expected key while parsing a block mapping",
    );
    check(
        "version: @project.version@\n",
        "error at 1:10: found character that cannot start any token while scanning for the next token",
    );
    check(
        "pattern: *.txt\n",
        "error at 1:11: did not find expected alphabetic or numeric character while scanning an alias",
    );
    check(
        "a: b: c\n",
        "error at 1:5: mapping values are not allowed in this context",
    );
}

#[test]
fn what_a_stricter_reader_would_refuse() {
    check("{u:, x}", r#"{"u": null, "x": null}"#);
    check("a: 1\n%YAML 1.1\n", r#"{"a": 1}"#);
    check("%any thing\n---\na: 1\n", r#"{"a": 1}"#);
    check(r#""\ud83d\ude00 \ud83d""#, "\"😀 \u{FFFD}\"");
    check(
        "%TAG !y! tag:yaml.org,2002:\n--- 1\n--- !y!str 1\n",
        r#"1 --- "1""#,
    );
    check(
        "? a\n\"b\"\n",
        r#"error at 2:1: could not find expected ':' behind a key"#,
    );
    check(
        "a: ]\n",
        "error at 1:4: found a closing bracket that nothing opens",
    );
}

#[test]
fn tabs() {
    check(
        "a:\t1\n",
        "error at 1:3: found a tab where only spaces may stand",
    );
    check(
        "a:\n\tb: 1\n",
        "error at 2:1: found a tab where only spaces may stand",
    );
    check(
        "a: [\n\t1]\n",
        "error at 2:1: found a tab where only spaces may stand",
    );
    check("a: 1\t# comment\n", r#"{"a": 1}"#);
}

#[test]
fn encodings_and_breaks() {
    check(
        "\u{FEFF}a: 1\r\nb: |\r\n  x\r\n  y\r\n",
        r#"{"a": 1, "b": "x\ny\n"}"#,
    );
    check(
        "a: 'x\u{85}y'\nb: \"p\u{2028}q\"\n",
        r#"{"a": "x y", "b": "p\u{2028}q"}"#,
    );
    check("ü: é 😀\n", r#"{"ü": "é 😀"}"#);
}

#[test]
fn malformed_input_is_placed() {
    check(
        "a:\n  b: 1\n c: 2\n",
        "error at 3:2: did not find expected key while parsing a block mapping",
    );
    check(
        "a: [1, 2\nb: 3\n",
        "error at 2:2: did not find expected ',' or ']' while parsing a flow sequence",
    );
    check(
        "a: 'x\n",
        "error at 2:1: found unexpected end of stream while scanning a quoted scalar",
    );
    check(
        "a: {b: 1]\n",
        "error at 1:9: did not find expected ',' or '}' while parsing a flow mapping",
    );
}

#[test]
fn every_value_knows_its_place() {
    let yaml = "é: x\nlist:\n- one\n- &a !!str two\nempty: {}\nlater: *a\nnothing:\n";
    let documents = load_all(yaml.as_bytes(), &Limits::default()).unwrap();
    let mut places = Vec::new();
    collect_places(&documents[0], &mut places);
    expect![[r#"
        1:1 key "é"
        1:4 "x"
        2:1 key "list"
        3:3 "one"
        4:3 "two"
        5:1 key "empty"
        5:8 {}
        6:1 key "later"
        4:3 "two"
        7:1 key "nothing"
        7:9 null"#]]
    .assert_eq(&places.join("\n"));
}

#[test]
fn nothing_stands_where_its_sign_ends() {
    let yaml = "{a:, b: , c : }\n---\n- \n- x:\n...\n--- [? , ? a, b: ]\n";
    let documents = load_all(yaml.as_bytes(), &Limits::default()).unwrap();
    let mut places = Vec::new();
    for document in &documents {
        collect_places(document, &mut places);
    }
    expect![[r#"
        1:2 key "a"
        1:4 null
        1:6 key "b"
        1:8 null
        1:11 key "c"
        1:14 null
        3:2 null
        4:3 key "x"
        4:5 null
        6:7 key null
        6:8 null
        6:12 key "a"
        6:13 null
        6:15 key "b"
        6:17 null"#]]
    .assert_eq(&places.join("\n"));
}

fn collect_places(node: &Node, places: &mut Vec<String>) {
    match node.kind() {
        NodeKind::Map(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                places.push(format!("{} key {}", key.mark(), render(key)));
                collect_places(value, places);
            }
        }
        NodeKind::List(items) if !items.is_empty() => {
            items.iter().for_each(|item| collect_places(item, places));
        }
        _ => places.push(format!("{} {}", node.mark(), render(node))),
    }
}
