use super::*;

fn resolve(text: &str, known: &[(&str, &str)]) -> Result<String, PlaceholderError> {
    let lookup = |key: &str| {
        known
            .iter()
            .find(|pair| pair.0 == key)
            .map(|pair| Cow::Borrowed(pair.1))
    };
    resolve_placeholders(text, &lookup)
}

#[track_caller]
fn check(known: &[(&str, &str)], cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(resolve(text, known).as_deref(), Ok(*expected), "{text}");
    }
}

#[test]
fn keys_and_defaults() {
    let known = [
        ("num", "8080"),
        ("name", "svc"),
        ("me_suffix", "me"),
        ("a:b", "exact"),
        ("my key", "spaced"),
    ];
    check(
        &known,
        &[
            ("http://${name}:${num}/x", "http://svc:8080/x"),
            ("${missing:d}|${missing:}|${missing:a:b}", "d||a:b"),
            ("${missing:${name}}|${missing:${missing2:zz}}", "svc|zz"),
            ("${na${me_suffix}}", "svc"),
            ("${ name }|${my key}", "${ name }|spaced"),
            ("${a:b}", "exact"),
            (
                "$${name}|${name}}|${${name}}|$name",
                "$svc|svc}|${svc}|$name",
            ),
            ("${}|${:x}|${:}|${x::}|${x:{}}", "${}|x||:|{}"),
            (r"${x:l\:m}", r"l\:m"),
            (
                "${a:${b:${c:deep}}}|${a:x${name}y}|${a:b${c}",
                "deep|xsvcy|${a:b${c}",
            ),
        ],
    );
}

#[test]
fn a_backslash_or_two_protect() {
    check(
        &[("name", "svc"), ("escaped", r"\${c}")],
        &[
            (
                r"\${name}|\\${name}|\\\\${name}",
                r"${name}|${name}|\\${name}",
            ),
            (
                r"\${name:x}|x\${a}y${name}|\${a${name}}",
                "${name:x}|x${a}ysvc|${asvc}",
            ),
            (r"$\{name}|\$\{name}", r"$\{name}|\$\{name}"),
            ("${escaped}", "${c}"),
        ],
    );
}

#[test]
fn values_are_resolved_in_turn() {
    check(
        &[("a", "${b}"), ("b", "x${c:y}"), ("d", "${nope}")],
        &[("${a}", "xy"), ("${d:z}", "${nope}")],
    );
}

#[test]
fn what_does_not_end_is_text() {
    check(
        &[("c", "}${")],
        &[(
            "a: ${b\nb: ${c:${d}\nc: '}${'\nd: ${e:${f:x}\n",
            "a: ${b\nb: }${${'\nd: ${e:x\n",
        )],
    );
    check(&[], &[(&"${".repeat(100_000), &"${".repeat(100_000))]);
}

#[test]
fn circles_are_refused_even_with_a_default() {
    for known in [
        &[("a", "${b}"), ("b", "${a}")][..],
        &[("a", "${a:own}")],
        &[("a", "${c:${a}}")],
    ] {
        assert_eq!(
            resolve("${a}", known),
            Err(PlaceholderError::Circular { key: "a".into() }),
            "{known:?}"
        );
    }
}

#[test]
fn bombs_are_refused() {
    let keys: Vec<String> = (0..40).map(|index| format!("k{index}")).collect();
    let values: Vec<String> = (1..=40)
        .map(|index| format!("${{k{index}}}${{k{index}}}"))
        .collect();
    let mut known: Vec<(&str, &str)> = keys
        .iter()
        .zip(&values)
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    for last in ["boom", ""] {
        known.push(("k40", last));
        assert_eq!(resolve("${k0}", &known), Err(TOO_LARGE));
        known.pop();
    }
    assert_eq!(
        resolve(&format!("{}{}", "${".repeat(1000), "}".repeat(1000)), &[]),
        Err(TOO_LARGE)
    );
}
