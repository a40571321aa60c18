use super::*;

fn origin(source: &str) -> String {
    Origin {
        source: source.to_owned(),
        position: Position::parse("14:8"),
    }
    .to_string()
}

#[test]
fn origins_name_the_file() {
    assert_eq!(
        origin("https://git.example/acme/config/orders-dev.yml"),
        "orders-dev.yml:14:8"
    );
    assert_eq!(
        origin(
            "https://git.example/repo/Config resource 'file [/tmp/repo/orders.yml' via location '' (document #0)"
        ),
        "orders.yml:14:8"
    );
    assert_eq!(
        origin(
            "Config resource 'file [/tmp/nat/multi.yml]' via location 'file:/tmp/nat/' (document #1)"
        ),
        "multi.yml:14:8"
    );
    assert_eq!(origin("overrides"), "overrides:14:8");
}

#[test]
fn a_value_that_refers_to_a_secret_is_one() {
    let environment: Environment = serde_json::from_str(
        r#"{"name":"orders","profiles":["dev"],"propertySources":[{"name":"x","source":{"db.password":"hunter2",
            "url":"jdbc:pg://h/db?password=${db.password}","copy":"${url}","host":"h","plain":"${host}"}}]}"#,
    )
    .unwrap();
    let snapshot = Snapshot::of(&environment);
    for (key, is_secret) in [
        ("url", true),
        ("copy", true),
        ("host", false),
        ("plain", false),
    ] {
        assert_eq!(snapshot.hides(key), is_secret, "{key}");
    }
    let shown: Vec<_> = Snapshot::of(&Environment::default())
        .changes_to(&snapshot)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(!shown.join("\n").contains("hunter2"), "{shown:?}");
    assert_eq!(
        snapshot.redacted("jdbc:pg://h/db?password=hunter2 is not hunter2"),
        "… is not …"
    );
    let rejection = snapshot.bind::<u32>("copy").unwrap_err();
    assert!(!rejection.to_string().contains("hunter2"), "{rejection}");
    let of_application = Rejection::at("plain", "no route: password=hunter2");
    assert_eq!(
        of_application.placed(&snapshot, "").reason(),
        "no route: password=…"
    );
}

#[test]
fn values_placeholders_and_origins_come_from_the_highest_source() {
    let environment: Environment = serde_json::from_str(
        r#"{"name":"orders","profiles":["dev"],"version":"9f2c1ab","propertySources":[
            {"name":"https://ana:pw@git.example/config/orders-dev.yml","source":{"port":{"value":8081,"origin":"3:7"}}},
            {"name":"https://git.example/config/application.yml","source":{"port":{"value":8080,"origin":"1:7"},"url":"http://${host}:${port}/"}}]}"#,
    )
    .unwrap();
    let snapshot = Snapshot::of(&environment);
    assert_eq!(snapshot.version(), Some("9f2c1ab"));
    assert_eq!(snapshot.get("PORT"), Some(&PropertyValue::Integer(8081)));
    let origin = snapshot.origin("port").unwrap();
    assert_eq!(
        (origin.to_string().as_str(), origin.source.as_str()),
        (
            "orders-dev.yml:3:7",
            "https://git.example/config/orders-dev.yml"
        )
    );
    assert_eq!(
        snapshot.origin("url").unwrap().to_string(),
        "application.yml"
    );
    assert!(snapshot.origin("nobody").is_none());
    assert_eq!(snapshot.keys().collect::<Vec<_>>(), ["port", "url"]);
    assert_eq!(
        format!("{snapshot:?}"),
        r#"Snapshot { version: Some("9f2c1ab"), keys: 2 }"#
    );
}

fn environment(sources: &[(&str, &str)]) -> Environment {
    let sources = sources
        .iter()
        .map(|(name, source)| format!(r#"{{"name":"{name}","source":{source}}}"#));
    let sources = Vec::from_iter(sources).join(",");
    let json = format!(r#"{{"name":"orders","profiles":["dev"],"propertySources":[{sources}]}}"#);
    serde_json::from_str(&json).unwrap()
}

/// Everything that can be seen of a snapshot.
fn seen(snapshot: &Snapshot) -> Vec<String> {
    let shown = |(key, entry): (&str, &Entry)| {
        let Entry {
            value,
            problem,
            is_left_out,
            is_secret,
            ..
        } = entry;
        let (origin, relaxed) = (snapshot.origin(key), snapshot.get(&key.to_uppercase()));
        format!("{key}: {value:?} {problem:?} {is_left_out} {is_secret} {origin:?} {relaxed:?}")
    };
    snapshot.entries().map(shown).collect()
}

#[test]
fn a_version_after_another_is_as_if_it_were_the_first() {
    let base = r#"{"a":1,"b":"${a} ${db.url}","list[0]":"x","list[1]":"y","db.url":"h"}"#;
    let environments = [
        environment(&[("one", r#"{"a":2}"#), ("two", base)]),
        environment(&[("one", r#"{"a":3}"#), ("two", base)]),
        environment(&[
            ("one", r#"{"a":{"value":2,"origin":"7:1"}}"#),
            ("two", base),
        ]),
        environment(&[
            ("one", r#"{"a":2}"#),
            ("two", &base.replace("\"h\"", "\"amqp://u:p@h\"")),
        ]),
        environment(&[
            ("one", r#"{"a":2}"#),
            ("two", &base.replace("${a}", "plain")),
        ]),
        environment(&[
            ("one", r#"{"a":2}"#),
            ("two", &base.replace("a\":1", "a\":4")),
        ]),
        environment(&[("one", r#"{"list[0]":"z"}"#), ("two", base)]),
        environment(&[("other", r#"{"a":2}"#), ("two", base)]),
        environment(&[("two", base)]),
        Environment::default(),
    ];
    for one in &environments {
        for other in &environments {
            let (first, second) = (Snapshot::of(one), Snapshot::of(other));
            let next = first.next(other);
            assert_eq!(seen(&next), seen(&second), "{one:?}\n{other:?}");
            assert_eq!(first.changes_to(&next), first.changes_to(&second));
            assert!(next.changes_to(&second).is_empty());
            for prefix in ["", "list", "a"] {
                let keys = first.keys_changed(&next, prefix);
                assert_eq!(keys, first.keys_changed(&second, prefix), "{prefix}");
            }
        }
    }
}

#[test]
fn only_what_changes_is_made_anew() {
    let lower = r#"{"b":"${a}","c":"x","d":"${c}"}"#;
    let first = Snapshot::of(&environment(&[("one", r#"{"a":1}"#), ("two", lower)]));
    let json = environment(&[("one", r#"{"a":2}"#), ("two", lower)]);
    let next = first.next(&json);
    assert!(Arc::ptr_eq(&first.0.shape, &next.0.shape));
    let is_kept = |key: &str| {
        let index = first.0.shape.exact(key).unwrap();
        Arc::ptr_eq(&first.0.entries[index], &next.0.entries[index])
    };
    assert_eq!(["a", "b", "c"].map(is_kept), [false, false, true]);
    let changed = first.changes_to(&next);
    let keys: Vec<_> = changed.iter().map(|change| change.key.as_str()).collect();
    assert_eq!(keys, ["a", "b"]);
}
