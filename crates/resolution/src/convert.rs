use confbus_protocol::{Environment, PlaceholderError, Properties};

use crate::resolve_text;

mod json;
mod tree;
mod yaml;

/// What becomes of `${…}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholders {
    /// They are replaced by the environment's own values, in the finished text.
    Resolve,
    /// They stay as written.
    Keep,
}

/// The three text forms of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Nested maps and lists as SnakeYAML writes them, with a final newline.
    Yaml,
    /// One `key: value` a line, nothing escaped, without a final newline.
    Properties,
    /// Nested maps and lists on one line.
    Json,
}

/// How an environment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversion {
    /// The text form.
    pub format: Format,
    /// What becomes of `${…}`.
    pub placeholders: Placeholders,
    /// A YAML answer that is only a `document` loses that wrapper (`strip-document-from-yaml`).
    pub strip_document: bool,
}

/// Why an environment has no text form.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConvertError {
    /// A key that is no path of names and list indices, such as `a..b`; Spring answers 400.
    #[error("the key `{key}` is no path of names and list indices")]
    Key {
        /// The key.
        key: String,
    },
    /// A placeholder leads back to itself; Spring answers 400.
    #[error("the placeholder `{key}` leads back to itself")]
    Circular {
        /// The key that was met again.
        key: String,
    },
    /// One name is a value here and a list or map there; Spring answers 500.
    #[error("the key `{key}` asks for a list or map where a value stands, or the other way round")]
    Clash {
        /// The key that found the other.
        key: String,
    },
    /// List indices, nesting or placeholders go beyond every use.
    #[error("too large: {problem}")]
    TooLarge {
        /// What is too large.
        problem: String,
    },
}

impl From<PlaceholderError> for ConvertError {
    fn from(error: PlaceholderError) -> Self {
        match error {
            PlaceholderError::Circular { key } => Self::Circular { key },
            other => Self::TooLarge {
                problem: other.to_string(),
            },
        }
    }
}

/// Writes what wins under each key of an environment.
///
/// # Errors
/// [`ConvertError`] for keys that contradict each other or cannot be nested, and placeholders that never end.
pub fn convert(environment: &Environment, conversion: Conversion) -> Result<String, ConvertError> {
    let Conversion {
        format,
        placeholders,
        strip_document,
    } = conversion;
    let mut merged = environment.merged();
    merged.shift_remove("spring.profiles");
    let text = match format {
        Format::Properties => lines(&merged),
        Format::Json => json::write(&tree::nest(&merged)?),
        Format::Yaml => match yaml::Yaml::of(tree::nest(&merged)?, strip_document) {
            yaml::Yaml::Whole(text) => text,
            // Spring does not look for placeholders in a document that stands alone.
            yaml::Yaml::Stripped(text) => return Ok(text),
        },
    };
    match placeholders {
        Placeholders::Resolve => Ok(resolve_text(&text, environment)?),
        Placeholders::Keep => Ok(text),
    }
}

fn lines(properties: &Properties) -> String {
    let lines: Vec<_> = properties
        .iter()
        .map(|(key, property)| format!("{key}: {}", property.value))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::{
        resolve,
        testing::{layout, request, snapshot},
    };

    fn with(format: Format) -> Conversion {
        Conversion {
            format,
            placeholders: Placeholders::Resolve,
            strip_document: true,
        }
    }

    fn check(files: &[(&str, &str)], format: Format, expected: Expect) {
        let environment = resolve(&snapshot(files), &layout(&[]), &request("foo/dev")).unwrap();
        let converted = convert(&environment, with(format));
        expected.assert_eq(&converted.unwrap_or_else(|error| format!("error: {error}")));
    }

    fn check_json(properties: &str, expected: Expect) {
        check(&[("foo.properties", properties)], Format::Json, expected);
    }

    #[test]
    fn keys_are_nested() {
        check_json(
            "a.b.c=1\na.d=2",
            expect![[r#"{"a":{"b":{"c":"1"},"d":"2"}}"#]],
        );
        check_json(
            "a[0].b.c[1].d=1\nm[0][1]=1",
            expect![[r#"{"a":[{"b":{"c":[null,{"d":"1"}]}}],"m":[[null,"1"]]}"#]],
        );
        check_json(
            "a[x]=1\nb[0=1\nc]=1\nd[b.c].d=1\ne.=1",
            expect![[r#"{"c]":"1","e":{"":"1"},"a[x]":"1","b[0":"1","d[b":{"c]":{"d":"1"}}}"#]],
        );
        check_json(
            "ms=scalar\nms.sub=1",
            expect![[r#"{"ms":"scalar","ms.sub":"1"}"#]],
        );
        check_json("sm.k=v\nsm=scalar", expect![[r#"{"sm":"scalar"}"#]]);
    }

    #[test]
    fn keys_that_cannot_be_nested_are_refused() {
        for key in ["a..b", ".a", "a[0]b", "a[-1]", "a[+1]", "[0]", "a[0]x.b"] {
            let properties = Properties::from_iter([(
                key.to_owned(),
                confbus_protocol::PropertyValue::from("1").into(),
            )]);
            assert_eq!(
                tree::nest(&properties),
                Err(ConvertError::Key { key: key.into() })
            );
        }
    }

    #[test]
    fn a_value_is_no_list() {
        check_json(
            "a=1\na[0]=1",
            expect![
                "error: the key `a[0]` asks for a list or map where a value stands, or the other way round"
            ],
        );
        check_json(
            "a[0]=1\na[0].k=1",
            expect![
                "error: the key `a[0].k` asks for a list or map where a value stands, or the other way round"
            ],
        );
    }

    #[test]
    fn a_clash_is_found_before_a_wrong_index_but_after_a_wrong_name() {
        let clash = expect![
            "error: the key `a.b[-1]` asks for a list or map where a value stands, or the other way round"
        ];
        check_json("a.b=1\na.b[-1]=2", clash);
        let wrong = expect!["error: the key `a..b` is no path of names and list indices"];
        check_json("a=1\na..b=2", wrong);
        let clash = expect![
            "error: the key `a[0]b` asks for a list or map where a value stands, or the other way round"
        ];
        check_json("a=1\na[0]b=2", clash);
    }

    #[test]
    fn gaps_and_depth_are_bounded() {
        check_json(
            "a[999999999]=1",
            expect!["error: too large: the list index 999999999"],
        );
        check_json(
            &(0..12)
                .map(|list| format!("a{list}[9999]=1\n"))
                .collect::<String>(),
            expect!["error: too large: the gaps in the lists"],
        );
        check_json(
            &format!("{}=1", vec!["a"; 300].join(".")),
            expect!["error: too large: a key with more than 200 parts"],
        );
    }

    #[test]
    fn the_three_formats() {
        let files = [
            ("application.yml", "list: [1, 2]\nname: low\nnothing: ~"),
            (
                "foo.yml",
                "list: [{a: 1.5e10}]\nname: high\nport: ${name}-${missing:8080}",
            ),
        ];
        check(
            &files,
            Format::Yaml,
            expect![[r#"
            name: high
            nothing: ''
            port: high-8080
            list:
            - a: 1.5E10
        "#]],
        );
        check(
            &files,
            Format::Json,
            expect![[r#"{"name":"high","nothing":"","port":"high-8080","list":[{"a":1.5E10}]}"#]],
        );
        check(
            &files,
            Format::Properties,
            expect![[r#"
            name: high
            nothing: 
            port: high-8080
            list[0].a: 1.5E10"#]],
        );
        check(
            &[],
            Format::Yaml,
            expect![[r#"
            {}
        "#]],
        );
        check(&[], Format::Json, expect!["{}"]);
    }

    #[test]
    fn control_characters_are_escaped_as_jackson_does() {
        check_json(
            r"a=\u0007\u001b\u0008\f\t\r",
            expect![[r#"{"a":"\u0007\u001B\b\f\t\r"}"#]],
        );
    }

    #[test]
    fn bytes_differ_by_format() {
        let files = [("foo.yml", "bin: !!binary aOk=\nref: ${bin}")];
        check(
            &files,
            Format::Yaml,
            expect![[r#"
                bin: !!binary |-
                  aOk=
                ref: 104,-23
            "#]],
        );
        check(
            &files,
            Format::Json,
            expect![[r#"{"bin":"aOk=","ref":"104,-23"}"#]],
        );
        check(
            &files,
            Format::Properties,
            expect![[r#"
            bin: [B@e83bc01a
            ref: 104,-23"#]],
        );
    }

    #[test]
    fn moments_differ_by_format() {
        let files = [("foo.yml", "when: !!timestamp 2001-12-14\nref: ${when}")];
        check(
            &files,
            Format::Yaml,
            expect![[r#"
                when: 2001-12-14T00:00:00Z
                ref: Fri Dec 14 00:00:00 UTC 2001
            "#]],
        );
        check(
            &files,
            Format::Json,
            expect![[
                r#"{"when":"2001-12-14T00:00:00.000Z","ref":"Fri Dec 14 00:00:00 UTC 2001"}"#
            ]],
        );
        check(
            &files,
            Format::Properties,
            expect![[r#"
            when: Fri Dec 14 00:00:00 UTC 2001
            ref: Fri Dec 14 00:00:00 UTC 2001"#]],
        );
    }

    #[test]
    fn a_document_that_stands_alone_is_stripped() {
        check(
            &[("foo.yml", "just ${text}")],
            Format::Yaml,
            expect![[r#"
            just ${text}
        "#]],
        );
        check(
            &[("foo.yml", "42")],
            Format::Yaml,
            expect![[r#"
            '42'
        "#]],
        );
        check(
            &[("foo.yml", "[a, {b: 1}]")],
            Format::Yaml,
            expect![[r#"
            - a
            - b: 1
        "#]],
        );
        check(
            &[("foo.yml", "text"), ("application.yml", "k: 1")],
            Format::Yaml,
            expect![[r#"
                k: 1
                document: text
            "#]],
        );
        check(
            &[("foo.yml", "text")],
            Format::Json,
            expect![[r#"{"document":"text"}"#]],
        );
    }

    #[test]
    fn placeholders_that_never_end_are_refused() {
        check_json(
            "a=${a}",
            expect!["error: the placeholder `a` leads back to itself"],
        );
    }
}
