//! Where two JSON answers differ: in which property source, under which key.

use serde_json::{Map, Value};

use super::difference::{Difference, Values};

/// The first difference of two answers; `None` when they say the same in other bytes.
pub(super) fn differ(old: &Value, new: &Value, values: Values) -> Option<Difference> {
    let (Some(old_sources), Some(new_sources)) = (sources(old), sources(new)) else {
        return anything(old, new, "body", values);
    };
    let found = names(old_sources, new_sources).or_else(|| {
        let mut pairs = old_sources.iter().zip(new_sources);
        pairs.find_map(|(old, new)| source(old, new, values))
    });
    let Some(mut found) = found else {
        return coordinates(old, new);
    };
    if old.get("version") != new.get("version") {
        found.place.push_str(" (of another commit)");
    }
    Some(found)
}

fn sources(environment: &Value) -> Option<&Vec<Value>> {
    environment.get("propertySources")?.as_array()
}

/// Name, profiles, label, version and state, which are no secrets.
fn coordinates(old: &Value, new: &Value) -> Option<Difference> {
    let place = |field: &str| format!("field `{field}`");
    let compare = |field: &str, old: &Value, new: &Value| {
        let differ = field != "propertySources" && old != new;
        differ.then(|| Difference::of_names(place(field), &old.to_string(), &new.to_string()))
    };
    fields(
        old.as_object()?,
        new.as_object()?,
        place,
        compare,
        Values::Shown,
    )
}

/// Which property sources there are, and in which order.
fn names(old: &[Value], new: &[Value]) -> Option<Difference> {
    let names = |sources: &[Value]| -> Vec<String> { sources.iter().map(name).collect() };
    let (old, new) = (names(old), names(new));
    let count = |all: &[String], name: &String| all.iter().filter(|other| *other == name).count();
    let lone = |these: &[String], those: &[String]| {
        let lone = |name: &&String| count(these, name) > count(those, name);
        these.iter().find(lone).cloned()
    };
    let there = || Some("there".to_owned());
    let at = old.iter().zip(&new).position(|(old, new)| old != new);
    match (lone(&old, &new), lone(&new, &old)) {
        (Some(name), None) => Some(Difference::new(format!("source `{name}`"), there(), None)),
        (None, Some(name)) => Some(Difference::new(format!("source `{name}`"), None, there())),
        // As many, under other names or in another order.
        _ => at.map(|at| {
            Difference::of_names(format!("property source {}", at + 1), &old[at], &new[at])
        }),
    }
}

fn name(source: &Value) -> String {
    source["name"].as_str().unwrap_or_default().to_owned()
}

fn source(old: &Value, new: &Value, values: Values) -> Option<Difference> {
    let name = name(old);
    let (Some(old_keys), Some(new_keys)) = (old["source"].as_object(), new["source"].as_object())
    else {
        return anything(old, new, &format!("source `{name}`"), values);
    };
    let place = |key: &str| format!("source `{name}`, key `{key}`");
    fields(
        old_keys,
        new_keys,
        place,
        |key, old, new| property(&place(key), old, new, values),
        values,
    )
}

/// A value, and in Spring's second form where it comes from.
fn property(place: &str, old: &Value, new: &Value, values: Values) -> Option<Difference> {
    if old == new {
        return None;
    }
    let origin = |value: &Value| {
        value
            .get("origin")
            .map(|origin| origin.as_str().unwrap_or_default().to_owned())
    };
    let (Some(old_origin), Some(new_origin)) = (origin(old), origin(new)) else {
        return Some(Difference::new(
            place,
            Some(values.json(old)),
            Some(values.json(new)),
        ));
    };
    if old["value"] == new["value"] && old_origin != new_origin {
        return Some(Difference::of_names(
            format!("{place}, origin"),
            &old_origin,
            &new_origin,
        ));
    }
    Some(Difference::new(
        place,
        Some(values.json(&old["value"])),
        Some(values.json(&new["value"])),
    ))
}

/// Any JSON, member by member. The parser has bounded how deep it is.
fn anything(old: &Value, new: &Value, place: &str, values: Values) -> Option<Difference> {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let inner = |key: &str| format!("{place}, `{key}`");
            fields(
                old,
                new,
                inner,
                |key, old, new| anything(old, new, &inner(key), values),
                values,
            )
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let mut pairs = old.iter().zip(new).enumerate();
            pairs.find_map(|(at, (old, new))| {
                anything(old, new, &format!("{place}, item {}", at + 1), values)
            })
        }
        _ if old == new => None,
        _ => Some(Difference::new(
            place,
            Some(values.json(old)),
            Some(values.json(new)),
        )),
    }
}

/// The first field that only one has or that `compare` tells apart, or else where the order begins to differ.
fn fields(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    place: impl Fn(&str) -> String,
    compare: impl Fn(&str, &Value, &Value) -> Option<Difference>,
    values: Values,
) -> Option<Difference> {
    for (key, value) in old {
        let difference = match new.get(key) {
            Some(other) => compare(key, value, other),
            None => Some(Difference::new(place(key), Some(values.json(value)), None)),
        };
        if difference.is_some() {
            return difference;
        }
    }
    if let Some((key, value)) = new.iter().find(|(key, _)| !old.contains_key(*key)) {
        return Some(Difference::new(place(key), None, Some(values.json(value))));
    }
    let mut pairs = old.keys().zip(new.keys());
    let (old, new) = pairs.find(|(old, new)| old != new)?;
    Some(Difference::of_names(
        format!("{}, order", place(old)),
        old,
        new,
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn environment(sources: &[(&str, Value)]) -> Value {
        let sources: Vec<_> = sources
            .iter()
            .map(|(name, source)| json!({ "name": name, "source": source }))
            .collect();
        json!({ "name": "orders", "version": "1f", "propertySources": sources })
    }

    #[track_caller]
    fn check(old: &[(&str, Value)], new: &[(&str, Value)], expected: &str) {
        let difference = differ(&environment(old), &environment(new), Values::Hidden);
        assert_eq!(
            difference.map(|found| found.to_string()).as_deref(),
            Some(expected)
        );
    }

    #[test]
    fn sources_are_told_apart_by_name() {
        for (old, new, expected) in [
            (&["a", "b"][..], &["a"][..], "source `b`: there → nothing"),
            (&["a"], &["a", "b"], "source `b`: nothing → there"),
            (&["a", "a"], &["a"], "source `a`: there → nothing"),
            (&["a", "b"], &["b", "a"], "property source 1: a → b"),
            (&["a", "b"], &["a", "c"], "property source 2: b → c"),
        ] {
            let [old, new] = [old, new]
                .map(|names| -> Vec<_> { names.iter().map(|name| (*name, json!({}))).collect() });
            check(&old, &new, expected);
        }
    }

    #[test]
    fn keys_and_values_are_named_and_hidden() {
        for (old, new, expected) in [
            (
                json!({"k": "s3cret"}),
                json!({"k": "other"}),
                "key `k`: a text → another one",
            ),
            (
                json!({"k": "1"}),
                json!({"k": 1}),
                "key `k`: a text → a number",
            ),
            (json!({"k": 1}), json!({}), "key `k`: a number → nothing"),
            (
                json!({}),
                json!({"k": true}),
                "key `k`: nothing → a boolean",
            ),
            (
                json!({"k": 1, "l": 2}),
                json!({"l": 2, "k": 1}),
                "key `k`, order: k → l",
            ),
            (
                json!({"k": {"value": 1, "origin": "f:1:2"}}),
                json!({"k": {"value": 1, "origin": "f:1:3"}}),
                "key `k`, origin: f:1:2 → f:1:3",
            ),
            (
                json!({"k": {"value": 1, "origin": "f:1:2"}}),
                json!({"k": {"value": "1", "origin": "f:1:3"}}),
                "key `k`: a number → a text",
            ),
        ] {
            check(
                &[("a.yml", old)],
                &[("a.yml", new)],
                &format!("source `a.yml`, {expected}"),
            );
        }
    }

    #[test]
    fn values_are_shown_when_asked_for() {
        let [old, new] =
            ["s3cret", "other"].map(|value| environment(&[("a.yml", json!({ "k": value }))]));
        let difference = differ(&old, &new, Values::Shown).unwrap();
        assert_eq!(
            difference.to_string(),
            "source `a.yml`, key `k`: \"s3cret\" → \"other\""
        );
    }

    #[test]
    fn the_commit_comes_last() {
        let (old, mut new) = (environment(&[]), environment(&[]));
        new["version"] = json!("2e");
        let told = |new: &Value| differ(&old, new, Values::Hidden).unwrap().to_string();
        assert_eq!(told(&new), "field `version`: \"1f\" → \"2e\"");
        new["propertySources"] = json!([{ "name": "a.yml", "source": {} }]);
        assert_eq!(
            told(&new),
            "source `a.yml` (of another commit): nothing → there"
        );
    }

    #[test]
    fn other_json_is_walked() {
        let (old, new) = (
            json!({"a": {"b": [1, "s3cret"]}}),
            json!({"a": {"b": [1, 2]}}),
        );
        let difference = differ(&old, &new, Values::Hidden).unwrap();
        assert_eq!(
            difference.to_string(),
            "body, `a`, `b`, item 2: a text → a number"
        );
        let order = differ(
            &json!({"a": {"x": 1, "y": 2}}),
            &json!({"a": {"y": 2, "x": 1}}),
            Values::Hidden,
        )
        .unwrap();
        assert_eq!(order.to_string(), "body, `a`, `x`, order: x → y");
        assert_eq!(differ(&old, &old, Values::Hidden), None);
    }
}
