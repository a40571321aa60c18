//! What holds for every file and every environment.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::fmt::Write;

use confbus_protocol::{Environment, Properties, PropertySource, PropertyValue};
use confbus_resolution::{Conversion, Format, Placeholders, convert, parse_documents};
use proptest::{collection::vec, prelude::*};

fn properties_file() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-c.]{1,3}",
        3 => "[=: \t\n\r#!\\\\,]",
        1 => r"(\\u00e9|\\u|#---|!---|\[\]|\[0\]|\\\n )",
        1 => "[\u{0}-\u{FF}]",
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn xml_file() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "(<properties>|</properties>|<entry key=\"a\">|</entry>|<entry|/>|<!--|-->|<!\\[CDATA\\[|\\]\\]>|&lt;|&#[0-9]{1,9};|&)",
        "[a<>/= '\"]",
    ];
    vec(piece, 0..20).prop_map(|pieces| format!("<!DOCTYPE p><properties>{}", pieces.concat()))
}

/// Every character that is no letter or digit escaped; for Spring Boot an escaped `#` at the start is a comment all the same.
fn written(entries: &[(String, String)]) -> String {
    let mut file = String::new();
    for (key, value) in entries {
        writeln!(file, "{}={}", escaped(key), escaped(value)).unwrap();
    }
    file
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_alphanumeric() => escaped.push(char::from(byte)),
            _ => write!(escaped, "\\u{unit:04x}").unwrap(),
        }
    }
    escaped
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{1,2}(\\.[a-c]|\\[[0-9]\\]|\\[x\\]){0,4}",
        "[a-c.\\[\\]0-9 ]{0,8}"
    ]
}

fn value() -> impl Strategy<Value = PropertyValue> {
    prop_oneof![
        any::<bool>().prop_map(PropertyValue::Bool),
        any::<i64>().prop_map(PropertyValue::Integer),
        any::<f64>().prop_map(PropertyValue::Float),
        ".{0,12}".prop_map(|text: String| text.into()),
        "(\\$\\{[a-c:]{1,3}\\}){1,2}".prop_map(|text: String| text.into()),
        vec(any::<u8>(), 0..10).prop_map(|bytes| PropertyValue::Bytes(bytes.as_slice().into())),
    ]
}

fn environment() -> impl Strategy<Value = Environment> {
    let source = vec((key(), value()), 0..10).prop_map(|entries| {
        let source: Properties = entries
            .into_iter()
            .map(|(key, value)| (key, value.into()))
            .collect();
        PropertySource {
            name: "s".into(),
            source: source.into(),
        }
    });
    vec(source, 0..3).prop_map(|property_sources| Environment {
        property_sources,
        ..Environment::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_file_stops_a_parser(properties in properties_file(), xml in xml_file()) {
        for (name, content) in [("a.properties", &properties), ("a.xml", &xml), ("a.yml", &properties)] {
            if let Err(problem) = parse_documents(name, content.as_bytes()) {
                prop_assert!(!problem.to_string().contains('\n'), "{}", problem);
            }
        }
    }

    #[test]
    fn written_properties_read_back(
        entries in vec(("[^\u{0}-\u{20}\\[\\]#!][^\u{0}-\u{20}\\[\\]]{0,7}", ".{0,12}"), 0..8),
    ) {
        let documents = parse_documents("a.properties", written(&entries).as_bytes()).unwrap();
        let expected: Properties = entries
            .into_iter()
            .map(|(key, value)| (key, PropertyValue::from(value).into()))
            .collect();
        let read = documents.first();
        let values = |properties: &Properties| -> Vec<_> {
            properties.iter().map(|(key, property)| (key.clone(), property.value.clone())).collect()
        };
        prop_assert_eq!(read.map(|read| values(read)).unwrap_or_default(), values(&expected));
    }

    #[test]
    fn what_is_converted_is_well_formed(environment in environment()) {
        let conversion = |format, placeholders| Conversion {
            format,
            placeholders,
            strip_document: true,
        };
        let written = |format| convert(&environment, conversion(format, Placeholders::Keep));
        if let Ok(json) = written(Format::Json) {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{}", json);
        }
        if let Ok(yaml) = written(Format::Yaml) {
            let limits = confbus_snake_yaml::Limits::default();
            prop_assert!(confbus_snake_yaml::load_all(yaml.as_bytes(), &limits).is_ok(), "{}", yaml);
        }
        prop_assert_eq!(written(Format::Json).is_ok(), written(Format::Yaml).is_ok());
        for format in [Format::Properties, Format::Json, Format::Yaml] {
            _ = convert(&environment, conversion(format, Placeholders::Resolve));
        }
    }
}
