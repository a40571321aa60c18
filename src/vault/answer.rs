//! Vault's JSON flattened to properties, as Spring does it: types and digits as written, keys in alphabetical order.

use confbus_protocol::{Properties, PropertyValue};
use confbus_resolution::nested_key;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::KvVersion;

/// How deeply lists and maps may nest in each other.
const DEPTH_LIMIT: usize = 50;

/// How much text the flattened keys of one secret may take: a long key above a long list multiplies.
const KEY_TEXT_LIMIT: usize = 4 << 20;

const NO_JSON: &str = "it is not JSON";
const NO_SECRET: &str = "there is no map of values where this version of the KV engine puts it";

/// What both the whole answer and, in version 2, its data look like.
#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

type Map<'a> = IndexMap<String, &'a RawValue>;

/// The values in Vault's answer to a read; none when it is empty.
pub(super) fn properties(body: &[u8], version: &KvVersion) -> Result<Properties, &'static str> {
    if body.is_empty() {
        return Ok(Properties::new());
    }
    let answer: &RawValue = serde_json::from_slice(body).map_err(|_| NO_JSON)?;
    let mut data = unwrapped(answer)?;
    if matches!(version, KvVersion::Two { .. }) && data.get() != "null" {
        data = unwrapped(data)?;
    }
    if data.get() == "null" {
        return Ok(Properties::new());
    }
    let mut flattener = Flattener::default();
    flattener.map("", read(data).map_err(|_| NO_SECRET)?, 0)?;
    let mut properties = flattener.properties;
    // Java compares texts by their UTF-16.
    properties.sort_by(|a, _, b, _| a.encode_utf16().cmp(b.encode_utf16()));
    Ok(properties)
}

fn unwrapped(value: &RawValue) -> Result<&RawValue, &'static str> {
    serde_json::from_str(value.get())
        .map(|Wrapped { data }| data)
        .map_err(|_| NO_SECRET)
}

fn read<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Result<T, &'static str> {
    serde_json::from_str(value.get()).map_err(|_| NO_JSON)
}

#[derive(Default)]
struct Flattener {
    properties: Properties,
    key_text: usize,
}

impl Flattener {
    fn map(&mut self, path: &str, map: Map<'_>, depth: usize) -> Result<(), &'static str> {
        map.iter()
            .try_for_each(|(key, value)| self.value(nested_key(path, key), value, depth))
    }

    fn value(&mut self, key: String, value: &RawValue, depth: usize) -> Result<(), &'static str> {
        if depth > DEPTH_LIMIT {
            return Err("lists and maps nest more than 50 deep");
        }
        match value.get().as_bytes().first() {
            Some(b'{') => return self.map(&key, read(value)?, depth + 1),
            Some(b'[') => {
                let elements: Vec<&RawValue> = read(value)?;
                if elements.is_empty() {
                    return self.put(key, "".into());
                }
                let mut elements = elements.into_iter().enumerate();
                return elements.try_for_each(|(index, element)| {
                    self.value(format!("{key}[{index}]"), element, depth + 1)
                });
            }
            _ => {}
        }
        self.put(key, scalar(value)?)
    }

    fn put(&mut self, key: String, value: PropertyValue) -> Result<(), &'static str> {
        self.key_text += key.len();
        if self.key_text > KEY_TEXT_LIMIT {
            return Err("its flattened keys take more than 4 MiB");
        }
        self.properties.insert(key, value.into());
        Ok(())
    }
}

/// Nothing becomes empty text.
fn scalar(value: &RawValue) -> Result<PropertyValue, &'static str> {
    Ok(match value.get() {
        "null" => "".into(),
        "true" => PropertyValue::Bool(true),
        "false" => PropertyValue::Bool(false),
        text if text.starts_with('"') => read::<String>(value)?.into(),
        float if float.contains(['.', 'e', 'E']) => {
            PropertyValue::Float(float.parse().map_err(|_| NO_JSON)?)
        }
        digits => digits.parse().map_or_else(
            |_| PropertyValue::BigInteger(digits.into()),
            PropertyValue::Integer,
        ),
    })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const TWO: KvVersion = KvVersion::Two {
        path_to_key: String::new(),
    };

    fn check(version: &KvVersion, body: &str, expected: Expect) {
        expected.assert_eq(&match properties(body.as_bytes(), version) {
            Ok(properties) => properties
                .iter()
                .map(|(key, property)| format!("{key} = {:?}\n", property.value))
                .collect::<String>(),
            Err(problem) => problem.to_owned(),
        });
    }

    #[test]
    fn values_keep_their_types_and_digits() {
        check(
            &KvVersion::One,
            r#"{"auth":null,"data":{"b":true,"f":1.50,"e":1e5,"big":123456789012345678901234567890,"neg":-0,"inf":1e999,
                "text":"a\n\ud83d\ude00","yes":"yes","num":"012","null":null}}"#,
            expect![[r#"
                b = Bool(true)
                big = BigInteger("123456789012345678901234567890")
                e = Float(100000.0)
                f = Float(1.5)
                inf = Float(inf)
                neg = Integer(0)
                null = Text("")
                num = Text("012")
                text = Text("a\n😀")
                yes = Text("yes")
            "#]],
        );
    }

    #[test]
    fn what_nests_is_flattened_and_keys_are_sorted_as_java_sorts() {
        check(
            &TWO,
            r#"{"data":{"metadata":{"version":3},"data":{"z":{"a.b":{"[c]":1}},"l":[1,{"k":[]},["x"]],"":"","Z":1,"_":2,
                "😀":3,"\uffee":4,"m":{},"[b]":5}}}"#,
            expect![[r#"
                 = Text("")
                Z = Integer(1)
                [b] = Integer(5)
                _ = Integer(2)
                l[0] = Integer(1)
                l[1].k = Text("")
                l[2][0] = Text("x")
                z.a.b[c] = Integer(1)
                😀 = Integer(3)
                ￮ = Integer(4)
            "#]],
        );
    }

    #[test]
    fn an_answer_without_values_is_empty() {
        for body in [
            "",
            r#"{"data":null}"#,
            r#"{"data":{}}"#,
            r#"{"data":{"a":{}}}"#,
        ] {
            check(&KvVersion::One, body, expect![""]);
        }
        check(&TWO, r#"{"data":{"data":null,"metadata":{}}}"#, expect![""]);
    }

    #[test]
    fn what_is_no_secret_is_told_apart() {
        for body in [
            r#"{"auth":null}"#,
            r#"{"data":[1]}"#,
            r#"{"data":"x"}"#,
            "[]",
        ] {
            check(
                &KvVersion::One,
                body,
                expect!["there is no map of values where this version of the KV engine puts it"],
            );
        }
        check(
            &TWO,
            r#"{"data":{"a":1}}"#,
            expect!["there is no map of values where this version of the KV engine puts it"],
        );
        check(&TWO, "<html>", expect!["it is not JSON"]);
        let deep = format!(
            "{{\"data\":{{\"a\":{}1{}}}}}",
            "[".repeat(60),
            "]".repeat(60)
        );
        check(
            &KvVersion::One,
            &deep,
            expect!["lists and maps nest more than 50 deep"],
        );
        let keys = format!(
            "{{\"data\":{{\"{}\":[{}1]}}}}",
            "k".repeat(1000),
            "1,".repeat(20_000)
        );
        check(
            &KvVersion::One,
            &keys,
            expect!["its flattened keys take more than 4 MiB"],
        );
    }
}
