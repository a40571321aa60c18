use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{Snapshot, testing};

fn snapshot<const N: usize>(entries: [(&str, Value); N]) -> Snapshot {
    testing::client(entries).0.snapshot()
}

#[track_caller]
fn bound<T: DeserializeOwned, const N: usize>(entries: [(&str, Value); N]) -> T {
    snapshot(entries).bind("a").unwrap()
}

#[track_caller]
fn refusal<T: DeserializeOwned, const N: usize>(entries: [(&str, Value); N]) -> String {
    match snapshot(entries).bind::<T>("a") {
        Ok(_) => panic!("it was accepted"),
        Err(rejection) => rejection.to_string(),
    }
}

#[derive(Debug, Deserialize, PartialEq, Default)]
struct Pool {
    max_open: u16,
    #[serde(default)]
    idle: Option<u32>,
    #[serde(default)]
    hosts: Vec<String>,
}

#[test]
fn values_become_what_the_type_asks_for() {
    assert_eq!(bound::<u16, _>([("a", json!("8080"))]), 8080);
    assert_eq!(bound::<u16, _>([("a", json!(" 0x1F "))]), 31);
    assert_eq!(bound::<i64, _>([("a", json!(-5))]), -5);
    assert_eq!(bound::<u64, _>([("a", json!(u64::MAX))]), u64::MAX);
    assert_eq!(
        bound::<u128, _>([("a", json!("340282366920938463463374607431768211"))]),
        340_282_366_920_938_463_463_374_607_431_768_211
    );
    assert_eq!(bound::<u32, _>([("a", json!(1000.0))]), 1000);
    assert!((bound::<f64, _>([("a", json!("1.5"))]) - 1.5).abs() < f64::EPSILON);
    assert!((bound::<f32, _>([("a", json!(2))]) - 2.0).abs() < f32::EPSILON);
    for (text, expected) in [
        ("true", true),
        ("YES", true),
        ("on", true),
        ("1", true),
        ("false", false),
        ("off", false),
    ] {
        assert_eq!(bound::<bool, _>([("a", json!(text))]), expected, "{text}");
    }
    assert!(bound::<bool, _>([("a", json!(true))]));
    assert_eq!(bound::<String, _>([("a", json!(8080))]), "8080");
    assert_eq!(bound::<String, _>([("a", json!(true))]), "true");
    assert_eq!(bound::<char, _>([("a", json!("x"))]), 'x');
    assert_eq!(bound::<Option<u16>, _>([("a", json!("1"))]), Some(1));
    assert_eq!(bound::<Option<u16>, _>([("a", json!(""))]), None);
    assert_eq!(bound::<Option<u16>, _>([("b", json!(1))]), None);
    assert_eq!(
        bound::<Value, _>([("a.b", json!(1)), ("a.c", json!(["x", true]))]),
        json!({"b": 1, "c": ["x", true]})
    );
}

#[test]
fn names_meet_in_every_spelling() {
    for key in [
        "a.max-open",
        "a.maxOpen",
        "a.max_open",
        "A.MAX_OPEN",
        "a.MaxOpen",
    ] {
        let pool: Pool = bound([(key, json!(7))]);
        assert_eq!(pool.max_open, 7, "{key}");
    }
    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Camel {
        max_open: u16,
    }
    assert_eq!(bound::<Camel, _>([("a.max-open", json!(7))]).max_open, 7);
    assert_eq!(
        refusal::<Camel, _>([("a.max-open", json!(7)), ("a.max-opne", json!(7))]),
        "`a.max-opne`: is not a known key here; known are `maxOpen` (test.yml:2:1)"
    );
    assert_eq!(
        snapshot([("my-app.pool-size", json!(3))]).bind::<u8>("myApp.poolSize"),
        Ok(3)
    );
}

#[test]
fn lists_come_from_elements_or_commas() {
    let hosts = |pool: Pool| pool.hosts;
    let max = ("a.max-open", json!(1));
    assert_eq!(
        hosts(bound([max.clone(), ("a.hosts", json!(["x", "y"]))])),
        ["x", "y"]
    );
    assert_eq!(
        hosts(bound([max.clone(), ("a.hosts", json!("x, y"))])),
        ["x", "y"]
    );
    assert_eq!(hosts(bound([max.clone(), ("a.hosts", json!(""))])), [""; 0]);
    assert_eq!(hosts(bound([max.clone(), ("a.hosts", json!(5))])), ["5"]);
    assert_eq!(hosts(bound([max])), [""; 0]);
    assert_eq!(bound::<Vec<u16>, _>([("a", json!("1,2"))]), [1, 2]);
    assert_eq!(
        bound::<(u16, String), _>([("a", json!("1,x"))]),
        (1, "x".to_owned())
    );
    assert_eq!(
        bound::<Vec<Vec<u8>>, _>([("a", json!([[1, 2], [3]]))]),
        [vec![1, 2], vec![3]]
    );
    let many: Vec<Pool> = bound([
        ("a[0].max-open", json!(1)),
        ("a[1].max-open", json!(2)),
        ("a[10].max-open", json!(3)),
        ("a[2].max-open", json!(4)),
        ("a[3]", json!("")),
        ("a[3].maxOpen", json!(9)),
        ("a[4].max_open", json!(1)),
        ("a[5].max_open", json!(1)),
        ("a[6].max_open", json!(1)),
        ("a[7].max_open", json!(1)),
        ("a[8].max_open", json!(1)),
        ("a[9].max_open", json!(1)),
    ]);
    assert_eq!(
        many.iter().map(|pool| pool.max_open).collect::<Vec<_>>(),
        [1, 2, 4, 9, 1, 1, 1, 1, 1, 1, 3]
    );
    assert_eq!(
        refusal::<Vec<u8>, _>([("a[0]", json!(1)), ("a[2]", json!(1))]),
        "`a`: element 1 is missing, but there is an element 2"
    );
    assert_eq!(
        refusal::<(u8, u8), _>([("a", json!([1, 2, 3]))]),
        "`a`: expected 2 elements, found 3"
    );
    assert_eq!(
        refusal::<Vec<u8>, _>([("a", json!("1,x"))]),
        "`a`: expected u8, found text \"x\" (test.yml:1:1)"
    );
}

#[test]
fn maps_keep_their_keys() {
    let map: BTreeMap<String, u8> = bound([
        ("a.fooBar", json!(1)),
        ("a.[x.y/Z]", json!(2)),
        ("a.eu-west", json!("3")),
    ]);
    assert_eq!(
        map,
        BTreeMap::from([
            ("fooBar".to_owned(), 1),
            ("x.y/Z".to_owned(), 2),
            ("eu-west".to_owned(), 3)
        ])
    );
    let numbered: BTreeMap<u16, String> = bound([("a.8080", json!("x")), ("a[9090]", json!("y"))]);
    assert_eq!(
        numbered,
        BTreeMap::from([(8080, "x".to_owned()), (9090, "y".to_owned())])
    );
    assert!(bound::<HashMap<String, u8>, _>([("a", json!({}))]).is_empty());
    assert!(bound::<HashMap<String, u8>, _>([("b", json!(1))]).is_empty());
}

#[test]
fn enums_are_read_in_every_spelling() {
    #[derive(Debug, Deserialize, PartialEq)]
    enum Balance {
        RoundRobin,
        Sticky { cookie_name: String },
        Weighted(u8),
    }
    for text in ["RoundRobin", "round-robin", "ROUND_ROBIN"] {
        assert_eq!(
            bound::<Balance, _>([("a", json!(text))]),
            Balance::RoundRobin
        );
    }
    assert_eq!(
        bound::<Balance, _>([("a.sticky.cookie-name", json!("c"))]),
        Balance::Sticky {
            cookie_name: "c".into()
        }
    );
    assert_eq!(
        bound::<Balance, _>([("a.weighted", json!("3"))]),
        Balance::Weighted(3)
    );
    assert_eq!(
        refusal::<Balance, _>([("a.weighted", json!("x"))]),
        "`a.weighted`: expected u8, found text \"x\" (test.yml:1:1)"
    );
    assert_eq!(
        refusal::<Balance, _>([("a.weighted", json!(1)), ("a.sticky.x", json!(1))]),
        "`a`: expected one variant, found several"
    );
    assert_eq!(
        refusal::<Balance, _>([("a", json!("random"))]),
        "`a`: expected one of `RoundRobin`, `Sticky`, `Weighted`, found \"random\" (test.yml:1:1)"
    );
}

#[test]
fn strings_with_a_meaning_are_left_to_their_type() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Timeouts {
        #[serde(deserialize_with = "seconds")]
        read: Duration,
    }
    fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text
            .strip_suffix('s')
            .and_then(|digits| digits.parse().ok());
        digits
            .map(Duration::from_secs)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no duration")))
    }
    assert_eq!(
        bound::<Timeouts, _>([("a.read", json!("30s"))]).read,
        Duration::from_secs(30)
    );
    assert_eq!(
        refusal::<Timeouts, _>([("a.read", json!("soon"))]),
        "`a.read`: `soon` is no duration (test.yml:1:1)"
    );
    assert_eq!(
        bound::<Duration, _>([("a.secs", json!(1)), ("a.nanos", json!("5"))]),
        Duration::new(1, 5)
    );
}

#[test]
fn what_does_not_fit_is_named_with_its_place() {
    for (entries, expected) in [
        (
            [("a.max-open", json!("ten")), ("b", json!(1))],
            "`a.max-open`: expected u16, found text \"ten\" (test.yml:1:1)",
        ),
        (
            [("a.maxOpen", json!(70_000)), ("b", json!(1))],
            "`a.maxOpen`: expected u16, found integer `70000` (test.yml:1:1)",
        ),
        (
            [("a.maxOpen", json!("")), ("b", json!(1))],
            "`a.maxOpen`: expected u16, found nothing (test.yml:1:1)",
        ),
        (
            [("b", json!(1)), ("a.idle", json!(1))],
            "`a.max_open`: is missing",
        ),
        (
            [("a.max-open.x", json!(1)), ("b", json!(1))],
            "`a.max-open`: expected u16, found a section",
        ),
        (
            [("a.max-open", json!([1])), ("b", json!(1))],
            "`a.max-open`: expected u16, found a list",
        ),
        (
            [("a", json!("text")), ("b", json!(1))],
            "`a`: expected struct Pool, found text \"text\" (test.yml:1:1)",
        ),
        (
            [("a.max-open", json!(1)), ("a.hosts.x", json!(1))],
            "`a.hosts`: expected a sequence, found a section",
        ),
    ] {
        assert_eq!(refusal::<Pool, 2>(entries), expected);
    }
    assert_eq!(refusal::<u16, _>([("b", json!(1))]), "`a`: is missing");
    assert_eq!(
        refusal::<Vec<Pool>, _>([("a[0].max-open", json!("x"))]),
        "`a[0].max-open`: expected u16, found text \"x\" (test.yml:1:1)"
    );
}

#[test]
fn secrets_are_never_shown() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read by the derived code")]
    struct Login {
        api_key: u32,
    }
    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only read by the derived code")]
    enum Loose {
        Number { api_key: u32 },
    }
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "BTreeMap<String, String>")]
    struct Telling;
    impl TryFrom<BTreeMap<String, String>> for Telling {
        type Error = String;
        fn try_from(map: BTreeMap<String, String>) -> Result<Self, String> {
            Err(format!("cannot use {map:?}"))
        }
    }
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read by the derived code")]
    struct Flat {
        #[serde(flatten)]
        login: HashMap<String, u32>,
    }
    let entries = || [("a.api-key", json!("hunter2"))];
    assert_eq!(
        refusal::<Login, _>(entries()),
        "`a.api-key`: expected u32, found another text (test.yml:1:1)"
    );
    assert_eq!(
        refusal::<u32, _>([("a", json!("postgres://ana:hunter2@db/x"))]),
        "`a`: expected u32, found another text (test.yml:1:1)"
    );
    for refusal in [
        refusal::<Loose, _>(entries()),
        refusal::<Telling, _>(entries()),
        refusal::<Flat, _>(entries()),
    ] {
        assert!(!refusal.contains("hunter2"), "{refusal}");
    }
}

#[test]
fn a_panic_in_the_type_is_a_refusal() {
    #[derive(Debug, Deserialize)]
    #[serde(from = "String")]
    struct Picky;
    impl From<String> for Picky {
        fn from(text: String) -> Self {
            assert!(text.is_empty(), "not empty");
            Self
        }
    }
    assert!(refusal::<Picky, _>([("a", json!("x"))]).contains("panicked"));
}
